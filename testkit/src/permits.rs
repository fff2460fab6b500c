//! Send permits for tests of adapters, from a real kernel on a memory journal.
//!
//! There is no other way to get one, also not for tests.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{
    Action, Effects, Fact, Input, Kernel, SendGate, SendPermit, Settings, SizeAt,
};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Installation, TimeInForce};
use ballast_domain::portfolio::{MarginModel, Rebalance, ThresholdBase};
use ballast_domain::risk::Limits;
use ballast_domain::strategy::{
    Decision, Requirements, Schedule, Slot, State, Strategy, Target, Targets, View,
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

/// Settings of an account that lets almost everything pass.
pub fn permissive_settings(calendar: Calendar) -> Settings {
    Settings {
        installation: Installation::new(1).expect("1 is below 2^24"),
        schedule: Schedule::EveryBar,
        calendar,
        signal_lag: 0,
        size_at: SizeAt::Decision,
        rebalance: Rebalance {
            of: ThresholdBase::Gross,
            value: Weight::ZERO,
        },
        limits: Limits {
            max_order_notional: None,
            max_position_notional: None,
            max_position_weight: Weight::ONE,
            max_gross: Weight::ONE,
            max_leverage: Weight::ONE,
            price_collar: Rate::from_bps(1_000),
            max_price_age: Span::from_days(7),
            fee_estimate: Rate::from_bps(10),
            cash_buffer: Rate::ZERO,
        },
        margin: MarginModel::Cash,
        time_in_force: TimeInForce::AtOpen,
        permit_lifetime: Span::from_days(7),
        max_plans: 5,
        min_fresh_share: 0.95,
        record_idle_legs: true,
        record_state: false,
    }
}

/// A permit to buy each of `orders` (instrument, units) at a price of 100, minted at `now` by a
/// kernel whose account holds 1,000,000.
///
/// Panics when an order does not pass risk, such as one of no units or an unknown instrument.
pub fn permits(
    instruments: &Instruments,
    orders: &[(InstrumentId, Decimal)],
    gate: &Arc<SendGate>,
    now: Timestamp,
) -> Vec<SendPermit> {
    let settings = permissive_settings(Calendar::Utc24x7);
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
