//! How the simulated account is run: its limits and its kernel's settings.

use ballast_domain::calendar::Calendar;
use ballast_domain::kernel::{Settings, Watch};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Installation, TimeInForce};
use ballast_domain::risk::Limits;
use ballast_domain::time::Span;

use super::market::schedule;
use super::plan::Plan;
use super::planted::Planted;

/// Largest order, in units of the base currency.
pub(super) const MAX_ORDER: Cash = Cash::from_units(200_000 * 100_000_000);

/// Largest position, in units of the base currency.
pub(super) fn max_position(plan: &Plan) -> Cash {
    let thousands = if plan.tuning.crowded { 110 } else { 55 };
    Cash::from_units(thousands * 1_000 * 100_000_000)
}

/// Largest gross exposure, as a share of equity: on some days less than all of it, so that it binds
/// before cash does.
pub(super) fn max_gross(plan: &Plan) -> Weight {
    let percent = i64::from(plan.tuning.max_gross_percent);
    Weight::from_units(percent * 10_000_000)
}

/// Settings of the simulated account.
pub(super) fn settings(plan: &Plan, bug: Option<Planted>) -> Settings {
    let tuning = &plan.tuning;
    let limits = Limits {
        max_position_notional: Some(max_position(plan)),
        max_price_age: Span::from_seconds(300),
        fee_estimate: Rate::from_bps(10),
        cash_buffer: Rate::from_bps(20),
        max_gross: max_gross(plan),
        ..Limits::cash_account(Some(MAX_ORDER), None)
    };
    let installation = Installation::new(7).expect("a small number");
    let mut settings = Settings::new(installation, Calendar::Utc24x7, limits);
    settings.schedule = schedule(plan);
    settings.rebalance.value = Weight::from_units(1_000_000);
    settings.time_in_force = TimeInForce::Day;
    settings.permit_lifetime = Span::from_seconds(tuning.permit);
    settings.record_idle_legs = tuning.idle_legs;
    settings.record_state = true;
    settings.record_holds = true;
    settings.remembered_orders = tuning.remembered_orders;
    settings.style = tuning.style;
    if let Some(lockstep) = plan.lockstep {
        settings.time_in_force = lockstep.time_in_force;
        settings.size_at = lockstep.size_at;
        settings.signal_lag = lockstep.signal_lag;
    }
    settings.watch = Some(Watch {
        audit: Span::from_seconds(tuning.audit),
        phase: Span::from_seconds(tuning.phase),
        window: Span::from_seconds(tuning.window),
        ask_again: Span::from_seconds(tuning.ask_again),
        fenced: plan.venue.fenced,
        ..Watch::new()
    });
    #[cfg(feature = "planted")]
    if let Some(Planted::Kernel(bug)) = bug {
        settings.planted = Some(bug);
    }
    #[cfg(not(feature = "planted"))]
    let _ = bug;
    settings
}
