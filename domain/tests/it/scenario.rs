//! Small worlds for tests of kernel and exchange: a scripted strategy, tapes of bars, a recorder,
//! and a desk that steps a kernel by hand.

mod desk;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Result;
use ballast_domain::instrument::{
    Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments,
};
use ballast_domain::kernel::{
    IntentRecord, Kernel, OrderStyle, Record, SendGate, Settings, SizeAt,
};
use ballast_domain::market::{
    ActionKind, CorporateAction, Fields, LaneRow, LaneState, Panel, PriceBasis,
};
use ballast_domain::money::{Cash, Price, Quantity, Rate, Weight};
use ballast_domain::orders::{ClientOrderId, Fill, Installation, OrderStatus, TimeInForce};
use ballast_domain::portfolio::{MarginModel, Rebalance, ThresholdBase};
use ballast_domain::risk::Limits;
use ballast_domain::simulation::{
    self, BarClose, Exchange, ExchangeSettings, FeeModel, FillPoint, MarginTerms, RunTotals, Sink,
    SlippageModel, VenueRules,
};
use ballast_domain::strategy::{
    Decision, Requirements, Schedule, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use desk::{Desk, accepted, canceled, execution, rejected, unknown};

pub(crate) const A: InstrumentId = InstrumentId(0);
pub(crate) const B: InstrumentId = InstrumentId(1);
pub(crate) const C: InstrumentId = InstrumentId(2);

/// Digits after the point of the worlds' base currency.
pub(crate) const CASH_SCALE: u8 = 6;

pub(crate) fn dollars(text: &str) -> Cash {
    Cash::from_decimal(text.parse().unwrap(), CASH_SCALE).unwrap()
}

pub(crate) fn units(n: i64) -> Quantity {
    Quantity::from_units(n)
}

/// A price on the worlds' price scale of two digits.
pub(crate) fn price(text: &str) -> Price {
    Price::from_decimal(text.parse().unwrap(), 2).unwrap()
}

/// Bars run from nine to five, one a day, so that no open is another bar's close.
pub(crate) fn open_of(row: usize) -> Timestamp {
    Timestamp::EPOCH + Span::from_seconds(i64::try_from(row).unwrap() * 86_400 + 9 * 3_600)
}

pub(crate) fn close_of(row: usize) -> Timestamp {
    open_of(row) + Span::from_seconds(8 * 3_600)
}

/// Says at each slot what was written for its slice, and otherwise holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted {
    script: BTreeMap<usize, Decision>,
}

impl Scripted {
    pub(crate) fn new(lines: impl IntoIterator<Item = (usize, Decision)>) -> Self {
        Self {
            script: lines.into_iter().collect(),
        }
    }
}

impl Strategy for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, view: &View<'_>) -> Decision {
        let line = self.script.get(&view.slice().index());
        line.cloned().unwrap_or(Decision::hold("no line"))
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

pub(crate) fn weights(of: &[(InstrumentId, f64)]) -> Decision {
    targets(of.iter().map(|(id, w)| (*id, Target::Weight(*w))))
}

pub(crate) fn holding(of: &[(InstrumentId, i64)]) -> Decision {
    targets(of.iter().map(|(id, n)| (*id, Target::Units((*n).into()))))
}

pub(crate) fn targets(of: impl IntoIterator<Item = (InstrumentId, Target)>) -> Decision {
    let targets = of
        .into_iter()
        .fold(Targets::new(), |all, (id, t)| all.with(id, t));
    Decision::Targets(targets, "scripted".into())
}

/// Bars of some lanes with what is unusual about them, before they become a panel.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    rows: Vec<Vec<LaneRow>>,
    actions: BTreeMap<usize, Vec<(InstrumentId, CorporateAction)>>,
    fields: Fields,
}

impl Tape {
    /// Lanes of (open, close).
    pub(crate) fn new(lanes: &[&[(f64, f64)]]) -> Self {
        let bar = |(open, close): (f64, f64)| LaneRow {
            state: LaneState::Present,
            values: [open, open.max(close), open.min(close), close, 1.0],
        };
        let rows = (0..lanes[0].len())
            .map(|row| lanes.iter().map(|lane| bar(lane[row])).collect())
            .collect();
        Self {
            rows,
            actions: BTreeMap::new(),
            fields: Fields::ALL,
        }
    }

    /// Lanes whose bars close where the next one opens.
    pub(crate) fn of_closes(lanes: &[&[f64]]) -> Self {
        let lanes: Vec<Vec<(f64, f64)>> = lanes
            .iter()
            .map(|closes| {
                let opens = closes.first().into_iter().chain(*closes);
                opens.copied().zip(closes.iter().copied()).collect()
            })
            .collect();
        Self::new(&lanes.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[must_use]
    pub(crate) fn without(mut self, row: usize, id: InstrumentId, state: LaneState) -> Self {
        self.rows[row][id.index()] = LaneRow::absent(state);
        self
    }

    #[must_use]
    pub(crate) fn with_action(mut self, row: usize, id: InstrumentId, kind: ActionKind) -> Self {
        let action = CorporateAction {
            at: open_of(row),
            kind,
        };
        self.actions.entry(row).or_default().push((id, action));
        self
    }

    /// Volumes by row, the same for every lane.
    #[must_use]
    pub(crate) fn trading(mut self, volume: impl Fn(usize) -> f64) -> Self {
        for (i, row) in self.rows.iter_mut().enumerate() {
            for lane in row {
                lane.values[4] = volume(i);
            }
        }
        self
    }

    /// From `row` on the lane is gone.
    #[must_use]
    pub(crate) fn delisted(self, row: usize, id: InstrumentId) -> Self {
        let rows = self.rows.len();
        let gone = self.with_action(row, id, ActionKind::Delisting);
        (row..rows).fold(gone, |tape, r| tape.without(r, id, LaneState::Delisted))
    }

    #[must_use]
    pub(crate) fn close_only(mut self) -> Self {
        self.fields = Fields::CLOSE;
        self
    }

    pub(crate) fn panel(&self) -> Panel {
        let mut panel = Panel::new(self.rows[0].len(), self.fields, PriceBasis::Raw);
        for (i, row) in self.rows.iter().enumerate() {
            let actions = self.actions.get(&i).map_or(&[][..], Vec::as_slice);
            panel
                .push_row(open_of(i), close_of(i), row, actions)
                .unwrap();
        }
        panel
    }
}

/// Shares with two digits of price, whole units, a minimum of one cent.
pub(crate) fn share(symbol: &str) -> InstrumentSpec {
    InstrumentSpec {
        symbol: symbol.into(),
        kind: InstrumentKind::Equity,
        quote: "USD".into(),
        price_scale: 2,
        quantity_scale: 0,
        tick: "0.01".parse().unwrap(),
        lot: "1".parse().unwrap(),
        min_notional: "0".parse().unwrap(),
        multiplier: "1".parse().unwrap(),
        calendar: Calendar::Utc24x7,
    }
}

pub(crate) fn registry(cash_scale: u8, specs: &[InstrumentSpec]) -> Instruments {
    let mut all = Instruments::new(Asset {
        code: "USD".into(),
        scale: cash_scale,
    })
    .unwrap();
    for spec in specs {
        all.define(spec).unwrap();
    }
    all
}

pub(crate) fn shares(n: usize) -> Instruments {
    let specs: Vec<_> = (0..n).map(|i| share(&format!("S{i}"))).collect();
    registry(CASH_SCALE, &specs)
}

/// Limits wide enough that only cash binds.
pub(crate) fn wide_limits() -> Limits {
    Limits {
        max_order_notional: None,
        max_position_notional: None,
        max_position_weight: Weight::from_units(2_000_000_000),
        max_gross: Weight::from_units(2_000_000_000),
        max_leverage: Weight::from_units(2_000_000_000),
        price_collar: Rate::from_bps(1_000),
        max_price_age: Span::from_days(30),
        fee_estimate: Rate::ZERO,
        cash_buffer: Rate::ZERO,
    }
}

/// Everything a run is made of, free of cost unless changed.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) instruments: Instruments,
    pub(crate) settings: Settings,
    pub(crate) exchange: ExchangeSettings,
    pub(crate) rules: VenueRules,
}

impl World {
    pub(crate) fn new(instruments: Instruments) -> Self {
        let settings = Settings {
            installation: Installation::new(1).unwrap(),
            schedule: Schedule::EveryBar,
            calendar: Calendar::Utc24x7,
            signal_lag: 0,
            size_at: SizeAt::Decision,
            rebalance: Rebalance {
                of: ThresholdBase::Gross,
                value: Weight::ZERO,
                net_of_costs: false,
            },
            limits: wide_limits(),
            margin: MarginModel::Cash,
            style: OrderStyle::Market,
            time_in_force: TimeInForce::Day,
            permit_lifetime: Span::from_days(4),
            max_plans: 5,
            min_fresh_share: 0.95,
            record_idle_legs: false,
            record_state: false,
            record_holds: false,
            watch: None,
            remembered_orders: 64,
            #[cfg(feature = "planted")]
            planted: None,
        };
        let exchange = ExchangeSettings {
            fill_point: FillPoint::NextOpen,
            fees: FeeModel::Proportional(Rate::ZERO),
            slippage: SlippageModel::Proportional(Rate::ZERO),
            opening_cash: dollars("10000"),
            delisting_haircut: Rate::ZERO,
        };
        Self {
            instruments,
            settings,
            exchange,
            rules: VenueRules::default(),
        }
    }

    pub(crate) fn shares(n: usize) -> Self {
        Self::new(shares(n))
    }

    #[must_use]
    pub(crate) fn filling_at(mut self, point: FillPoint) -> Self {
        self.exchange.fill_point = point;
        self
    }

    /// A margin account that carries as much as the limits allow.
    #[must_use]
    pub(crate) fn on_margin(mut self) -> Self {
        self.settings.margin = MarginModel::Margin;
        self.rules.margin = Some(MarginTerms::carrying(self.settings.limits.max_leverage));
        self
    }

    #[must_use]
    pub(crate) fn costing(mut self, fee: Rate, slippage: Rate) -> Self {
        self.exchange.fees = FeeModel::Proportional(fee);
        self.exchange.slippage = SlippageModel::Proportional(slippage);
        self
    }

    pub(crate) fn run(&self, script: Scripted, tape: &Tape) -> Run<Scripted> {
        self.run_strategy(script, tape)
    }

    pub(crate) fn run_strategy<S: Strategy>(&self, strategy: S, tape: &Tape) -> Run<S> {
        self.run_watched(strategy, tape, Arc::new(SendGate::new(1)), |_, _| ())
    }

    /// `watch` sees the gate and each batch before it is durable.
    pub(crate) fn run_watched<S: Strategy>(
        &self,
        strategy: S,
        tape: &Tape,
        gate: Arc<SendGate>,
        watch: impl FnMut(&SendGate, &[Record]),
    ) -> Run<S> {
        let mut kernel = Kernel::new(
            self.instruments.clone(),
            self.settings.clone(),
            strategy,
            gate.clone(),
        )
        .unwrap();
        let mut exchange = Exchange::with_rules(
            self.instruments.clone(),
            self.exchange.clone(),
            self.rules.clone(),
        );
        let mut recorder = Recorder {
            gate,
            watch,
            log: Log::default(),
        };
        let totals = simulation::run(&mut kernel, &mut exchange, &tape.panel(), &mut recorder);
        Run {
            totals,
            log: recorder.log,
            kernel,
            exchange,
        }
    }
}

/// What a run left behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Record>,
    /// f64 equity at each close.
    pub(crate) equity: Vec<f64>,
    /// Exact cash plus positions at each close.
    pub(crate) value: Vec<Cash>,
}

impl Log {
    pub(crate) fn fills(&self) -> Vec<Fill> {
        let fill = |r: &Record| match r {
            Record::Fill(f) => Some(f.fill),
            _ => None,
        };
        self.records.iter().filter_map(fill).collect()
    }

    pub(crate) fn intents(&self) -> Vec<IntentRecord> {
        let intent = |r: &Record| match r {
            Record::Intent(i) => Some(i.clone()),
            _ => None,
        };
        self.records.iter().filter_map(intent).collect()
    }

    /// Statuses in the order they were learnt, with the first word of their reason.
    pub(crate) fn statuses(&self, id: ClientOrderId) -> Vec<OrderStatus> {
        let status = |r: &Record| match r {
            Record::Order(o) if o.client_id == id => Some(o.status),
            _ => None,
        };
        self.records.iter().filter_map(status).collect()
    }

    /// Missing quantity at the end of each plan: (decision, instrument, quantity).
    pub(crate) fn residuals(&self) -> Vec<(u32, InstrumentId, i64)> {
        let residual = |r: &Record| match r {
            Record::Residual(r) => Some((r.decision, r.instrument, r.quantity.units())),
            _ => None,
        };
        self.records.iter().filter_map(residual).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Run<S> {
    pub(crate) totals: Result<RunTotals>,
    pub(crate) log: Log,
    pub(crate) kernel: Kernel<S>,
    pub(crate) exchange: Exchange,
}

impl<S: Strategy> Run<S> {
    /// The run must have ended well.
    pub(crate) fn well(self) -> Self {
        if let Err(error) = &self.totals {
            panic!("{error}");
        }
        self
    }

    pub(crate) fn error(&self) -> String {
        match &self.totals {
            Ok(totals) => panic!("the run ended well: {totals:?}"),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) fn held(&self, id: InstrumentId) -> i64 {
        self.kernel.account().position(id).quantity.units()
    }

    pub(crate) fn cash(&self) -> Cash {
        self.kernel.account().cash()
    }

    /// Each fill as (row and place in it, side, quantity, price, fee).
    pub(crate) fn tape_of_fills(&self) -> Vec<String> {
        let text = |f: &Fill| {
            let row = usize::try_from(f.time.nanos() / (86_400 * 1_000_000_000)).unwrap();
            let place = if f.time == open_of(row) {
                "open"
            } else {
                "close"
            };
            assert!(f.time == open_of(row) || f.time == close_of(row));
            let (q, p, fee) = (f.quantity.units(), f.price.text(2), f.fee.text(CASH_SCALE));
            format!(
                "{place}{row} {} {q} of {} at {p} fee {fee}",
                f.side, f.instrument.0
            )
        };
        self.log.fills().iter().map(text).collect()
    }

    /// Nothing is open, set aside or unknown.
    pub(crate) fn assert_nothing_set_aside(&self) {
        assert_nothing_set_aside(&self.kernel);
    }
}

pub(crate) fn assert_nothing_set_aside<S: Strategy>(kernel: &Kernel<S>) {
    use ballast_domain::orders::Side;
    let exposure = kernel.exposure();
    for id in kernel.instruments().ids() {
        assert_eq!(exposure.open(id, Side::Buy), Quantity::ZERO, "{id:?} buys");
        assert_eq!(
            exposure.open(id, Side::Sell),
            Quantity::ZERO,
            "{id:?} sells"
        );
        assert!(!exposure.has_unknown(id), "{id:?} unknown");
    }
    assert_eq!(exposure.reserved_cash(), Cash::ZERO);
}

struct Recorder<W> {
    gate: Arc<SendGate>,
    watch: W,
    log: Log,
}

impl<W: FnMut(&SendGate, &[Record])> Sink for Recorder<W> {
    fn records(&mut self, records: &[Record]) -> Result<()> {
        (self.watch)(&self.gate, records);
        self.log.records.extend_from_slice(records);
        Ok(())
    }

    fn bar(&mut self, close: &BarClose<'_>) -> Result<()> {
        let account = close.account;
        self.log.equity.push(account.equity());
        self.log
            .value
            .push(account.cash() + account.positions_value(close.instruments));
        Ok(())
    }
}
