//! Trying a strategy on a few rows written by hand; tests only.

use rust_decimal::Decimal;

use crate::calendar::Calendar;
use crate::instrument::{Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments};
use crate::market::{CorporateAction, Fields, LaneRow, LaneState, Panel, PriceBasis};
use crate::portfolio::Account;
use crate::strategy::{BarsSeen, Decision, Slot, Strategy, Target, View};
use crate::time::{NANOS_PER_DAY, Timestamp};

/// Shares named `symbols`, traded in whole units every day.
pub(super) fn shares(symbols: &[&str]) -> Instruments {
    let base = Asset {
        code: "USD".into(),
        scale: 12,
    };
    let mut instruments = Instruments::new(base).unwrap();
    for symbol in symbols {
        let spec = InstrumentSpec {
            symbol: (*symbol).into(),
            kind: InstrumentKind::Equity,
            quote: "USD".into(),
            price_scale: 4,
            quantity_scale: 0,
            tick: "0.01".parse().unwrap(),
            lot: Decimal::ONE,
            min_notional: Decimal::ONE,
            multiplier: Decimal::ONE,
            calendar: Calendar::Utc24x7,
        };
        instruments.define(&spec).unwrap();
    }
    instruments
}

/// A bar whose four prices are `price`.
pub(super) const fn flat(price: f64) -> LaneRow {
    LaneRow {
        state: LaneState::Present,
        values: [price, price, price, price, 1.0],
    }
}

/// No bar.
pub(super) const fn absent(state: LaneState) -> LaneRow {
    LaneRow::absent(state)
}

/// Rows one day apart.
#[derive(Default)]
pub(super) struct Trial {
    rows: Vec<Vec<LaneRow>>,
    /// With the number of their row.
    actions: Vec<(usize, (InstrumentId, CorporateAction))>,
}

impl Trial {
    /// With a row of bars.
    pub(super) fn row(mut self, lanes: &[LaneRow]) -> Self {
        self.rows.push(lanes.to_vec());
        self
    }

    /// With an action at the last row.
    pub(super) fn action(mut self, lane: u32, action: CorporateAction) -> Self {
        let row = self.rows.len() - 1;
        self.actions.push((row, (InstrumentId(lane), action)));
        self
    }

    /// The decision at each row.
    pub(super) fn run(&self, strategy: &mut dyn Strategy, of: &Instruments) -> Vec<Decision> {
        let mut panel = Panel::new(of.len(), Fields::ALL, PriceBasis::Raw);
        for (number, row) in self.rows.iter().enumerate() {
            let at = |day: usize| Timestamp::from_nanos(day as i64 * NANOS_PER_DAY);
            let now = self.actions.iter().filter(|(row, _)| *row == number);
            let actions: Vec<_> = now.map(|(_, action)| *action).collect();
            let (open, close) = (at(number), at(number + 1));
            panel.push_row(open, close, row, &actions).unwrap();
        }
        let (account, seen) = (Account::new(of), BarsSeen::new(of.len()));
        let requirements = strategy.requirements();
        panel
            .slices()
            .map(|slice| {
                let view = View::new(&slice, &account, of, &seen, &requirements);
                strategy.on_slice(&view);
                strategy.decide(Slot { time: slice.time() }, &view)
            })
            .collect()
    }
}

/// What a decision asks for, one word a lane: `0:0.25 1:3u -2(neutral)`; a hold is its reason.
pub(super) fn brief(decision: &Decision) -> String {
    let targets = match decision {
        Decision::Hold(reason) => return format!("hold: {reason}"),
        Decision::Targets(targets, _) => targets,
        Decision::Sleeves(_) => panic!("only a strategy made of others has sleeves"),
    };
    let mut words: Vec<(u32, String)> = Vec::new();
    for entry in targets.entries() {
        let id = entry.instrument.0;
        words.push((
            id,
            match entry.target {
                Target::Weight(weight) => format!("{id}:{weight:.6}"),
                Target::Units(units) => format!("{id}:{units}u"),
                Target::Notional(notional) => format!("{id}:{notional}n"),
            },
        ));
    }
    for excluded in targets.excluded() {
        let id = excluded.instrument.0;
        words.push((id, format!("-{id}({})", excluded.reason)));
    }
    words.sort();
    words
        .into_iter()
        .map(|(_, word)| word)
        .collect::<Vec<_>>()
        .join(" ")
}
