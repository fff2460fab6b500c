//! Send permits for tests of adapters, from a real kernel on a memory journal.
//!
//! There is no other way to get one, also not for tests.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{
    Action, Effects, Fact, Input, Kernel, SendGate, SendPermit, Settings,
};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Installation, TimeInForce};
use ballast_domain::risk::Limits;
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::{Span, Timestamp};
use rust_decimal::Decimal;

/// Wants the same units for ever.
#[derive(Debug)]
struct Wants(Vec<(InstrumentId, Decimal)>);

impl Strategy for Wants {
    fn name(&self) -> &str {
        "wants"
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

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        let targets = self.0.iter().fold(Targets::new(), |targets, (id, units)| {
            targets.with(*id, Target::Units(*units))
        });
        Decision::Targets(targets, "test".into())
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}

/// Settings of a cash account that trades every drift and keeps nothing back.
pub fn permissive_settings(calendar: Calendar) -> Settings {
    let installation = Installation::new(1).expect("1 is below 2^24");
    let limits = Limits {
        cash_buffer: Rate::ZERO,
        ..Limits::cash_account(None, None)
    };
    let mut settings = Settings::new(installation, calendar, limits);
    settings.rebalance.value = Weight::ZERO;
    settings
}

/// A permit to buy each of `orders` (instrument, units) at a price of 100, good for the day, minted at `now` by a
/// kernel whose account holds 1,000,000.
///
/// Panics when an order does not pass risk, such as one of no units or an unknown instrument.
pub fn permits(
    instruments: &Instruments,
    orders: &[(InstrumentId, Decimal)],
    gate: &Arc<SendGate>,
    now: Timestamp,
) -> Vec<SendPermit> {
    let mut settings = permissive_settings(Calendar::Utc24x7);
    settings.time_in_force = TimeInForce::Day;
    let wants = Wants(orders.to_vec());
    let mut kernel = Kernel::new(instruments.clone(), settings, wants, Arc::clone(gate))
        .expect("permissive settings are valid");
    let mut panel = Panel::new(instruments.len(), Fields::CLOSE, PriceBasis::Raw);
    let row = LaneRow {
        state: LaneState::Present,
        values: [100.0; 5],
    };
    panel
        .push_row(
            now - Span::from_days(1),
            now,
            &vec![row; instruments.len()],
            &[],
        )
        .expect("one row of positive prices");
    let million = Cash::from_decimal(Decimal::from(1_000_000), instruments.base().scale)
        .expect("a million fits every scale");
    let opening = Fact::Opening {
        asset: AssetId::BASE,
        amount: million,
    };
    let mut effects = Effects::new();
    kernel.step(now, Input::Fact(&opening), &mut effects);
    let slice = panel.slice(0).expect("one row");
    kernel.step(now, Input::Slice(&slice), &mut effects);
    let mut minted = Vec::new();
    while let Some(action) = effects.next_action() {
        match action {
            Action::Persist(id, _) => kernel.step(now, Input::Persisted(id), &mut effects),
            Action::Send(permit) => minted.push(permit),
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(minted.len(), orders.len(), "every order must pass risk");
    minted
}
