//! How a kernel trades: everything that is configured rather than decided.

use serde::{Deserialize, Serialize};

use super::style::OrderStyle;
use crate::calendar::Calendar;
use crate::error::{Error, Result};
use crate::money::{Cash, Rate, Weight};
use crate::orders::{Installation, TimeInForce};
use crate::portfolio::{MarginModel, Rebalance, ThresholdBase};
use crate::risk::Limits;
use crate::strategy::Schedule;
use crate::time::Span;

/// At which prices target weights become units.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SizeAt {
    /// At the close at which the decision takes effect: the one it saw when there is no lag.
    #[default]
    Decision,
    /// At the prices of the fill point: a research convention.
    Fill,
}

/// How a kernel watches over a venue that may be late, silent or wrong. Spans of trading time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// How long an order or a cancel may go unanswered before its outcome is unknown.
    pub acknowledgement: Span,
    /// How long after its fence an order could still show up: clock error and the venue's lag.
    pub propagation: Span,
    /// Between two questions about the same thing.
    pub ask_again: Span,
    /// How many answers, each later than the one before, prove that an order is dead or that two
    /// positions differ.
    pub confirmations: u8,
    /// How long a phase of a rebalance may take before what still works is taken back.
    pub phase: Span,
    /// How long after its slot a decision may still place orders.
    pub window: Span,
    /// Between two looks at the whole account.
    pub audit: Span,
    /// How far before the last agreed instant executions are listed again.
    pub look_back: Span,
    /// Whether an order that the venue has not seen by its fence can no longer arrive. Without it
    /// an unknown order stays unknown until the venue names it.
    pub fenced: bool,
    /// Rejections of the same request for the same reason before the instrument is stopped.
    pub max_equal_rejects: u8,
    /// Orders without any acknowledgement in between before the account is stopped.
    pub max_unacknowledged: u8,
    /// Plans in a row whose orders came back unsent, with no answer in between, before the account is
    /// stopped; 0 where nothing is to be sent.
    pub max_unsent: u8,
    /// Largest difference of cash that is put down to rounding.
    pub cash_tolerance: Cash,
}

impl Watch {
    /// Acknowledgements within five seconds, audits every ten, a window of five minutes.
    pub const fn new() -> Self {
        Self {
            acknowledgement: Span::from_nanos(5 * crate::time::NANOS_PER_SECOND),
            propagation: Span::from_nanos(2 * crate::time::NANOS_PER_SECOND),
            ask_again: Span::from_nanos(5 * crate::time::NANOS_PER_SECOND),
            confirmations: 2,
            phase: Span::from_nanos(60 * crate::time::NANOS_PER_SECOND),
            window: Span::from_nanos(300 * crate::time::NANOS_PER_SECOND),
            audit: Span::from_nanos(10 * crate::time::NANOS_PER_SECOND),
            look_back: Span::from_nanos(600 * crate::time::NANOS_PER_SECOND),
            fenced: true,
            max_equal_rejects: 3,
            max_unacknowledged: 5,
            max_unsent: 5,
            cash_tolerance: Cash::ZERO,
        }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// Settings of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which installation the client order ids name.
    pub installation: Installation,
    /// When the strategy is asked.
    pub schedule: Schedule,
    /// The calendar the schedule follows.
    pub calendar: Calendar,
    /// Slices between a decision and its taking effect: 0 or 1, and 2 when a lag of 1 is tested
    /// for robustness.
    pub signal_lag: usize,
    /// At which prices weights become units.
    pub size_at: SizeAt,
    /// When a drift is worth a trade.
    pub rebalance: Rebalance,
    /// What risk allows.
    pub limits: Limits,
    /// How the account pays.
    pub margin: MarginModel,
    /// How orders are priced.
    pub style: OrderStyle,
    /// How long orders work.
    pub time_in_force: TimeInForce,
    /// How long after its durable write an order may leave.
    pub permit_lifetime: Span,
    /// Plans under one decision.
    pub max_plans: u8,
    /// Below this share of gross exposure with fresh data there is no rebalance (0 to 1).
    pub min_fresh_share: f64,
    /// Record every leg of every decision, also those that do not trade.
    pub record_idle_legs: bool,
    /// Record the strategy's memory with each decision.
    pub record_state: bool,
    /// Record every slot, also those without new targets.
    pub record_holds: bool,
    /// How the venue is watched; `None` for an exchange that answers everything at once.
    pub watch: Option<Watch>,
    /// Final orders kept for late and repeated facts. Older ones are known to the journal alone.
    pub remembered_orders: usize,
    /// A bug to be found.
    #[cfg(feature = "planted")]
    pub planted: Option<super::Bug>,
}

impl Settings {
    /// A cash account that decides at every bar, sizes at the decision, trades drifts above 5 % of
    /// its gross budget at the next open, and records every leg. Change what should differ.
    pub const fn new(installation: Installation, calendar: Calendar, limits: Limits) -> Self {
        Self {
            installation,
            schedule: Schedule::EveryBar,
            calendar,
            signal_lag: 0,
            size_at: SizeAt::Decision,
            rebalance: Rebalance {
                of: ThresholdBase::Gross,
                value: Weight::from_units(50_000_000),
                net_of_costs: false,
            },
            limits,
            margin: MarginModel::Cash,
            style: OrderStyle::Market,
            time_in_force: TimeInForce::AtOpen,
            permit_lifetime: Span::from_days(7),
            max_plans: 5,
            min_fresh_share: 0.95,
            record_idle_legs: true,
            record_state: false,
            record_holds: false,
            watch: None,
            remembered_orders: 64,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// `Configuration` naming the setting; limits as [`Limits::validate`].
    pub fn validate(&self) -> Result<()> {
        self.limits.validate()?;
        let refuse = |key: &str, hint: &str| {
            Err(Error::config(format!("{key} is out of range"))
                .context("key", key)
                .hint(hint))
        };
        if self.signal_lag > 2 {
            return refuse("signal_lag", "use 0, 1 or 2 bars");
        }
        if self.max_plans < 2 {
            return refuse(
                "max_plans",
                "a rebalance needs at least 2: reduce, then add",
            );
        }
        if !(0.0..=1.0).contains(&self.min_fresh_share) {
            return refuse("min_fresh_share", "use a share from 0 to 1");
        }
        if self.permit_lifetime <= Span::ZERO {
            return refuse("permit_lifetime", "use a positive time");
        }
        if let OrderStyle::Limit(limit) = self.style {
            if limit.offset < Rate::ZERO || limit.offset >= Rate::ONE {
                return refuse("execution.limit_offset_bps", "use 0 to below 10000 bps");
            }
            if limit.bars == 0 {
                return refuse("execution.limit_bars", "a limit needs a bar to work in");
            }
            if matches!(
                self.time_in_force,
                TimeInForce::AtOpen | TimeInForce::AtClose | TimeInForce::Ioc
            ) {
                return refuse(
                    "time_in_force",
                    "a limit that rests is good for the day or until canceled",
                );
            }
        }
        if self.rebalance.value.units() < 0 {
            return refuse("rebalance.threshold", "use 0 or more");
        }
        if self.margin == MarginModel::CrossMarginedPerpetual {
            return Err(Error::config("perpetual accounts cannot trade yet")
                .context("key", "account.margin")
                .hint("use margin = \"cash\" or margin = \"margin\""));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::LimitStyle;
    use super::*;

    fn settings() -> Settings {
        let installation = Installation::new(1).unwrap();
        let limits = Limits::cash_account(None, None);
        Settings::new(installation, Calendar::Utc24x7, limits)
    }

    fn key_refused(change: impl Fn(&mut Settings)) -> Option<String> {
        let mut settings = settings();
        change(&mut settings);
        let error = settings.validate().err()?;
        let key = error.context.iter().find(|(name, _)| name == "key");
        Some(key.expect("the key is named").1.clone())
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_by_their_key() {
        type Change = fn(&mut Settings);
        let nothing: Option<&str> = None;
        let limit = |s: &mut Settings, bps, bars| {
            s.time_in_force = TimeInForce::Day;
            s.style = OrderStyle::Limit(LimitStyle {
                offset: Rate::from_bps(bps),
                bars,
                last_resort: false,
            });
        };
        let offset = Some("execution.limit_offset_bps");
        assert_eq!(key_refused(|_| {}).as_deref(), nothing);
        for (bps, bars, key) in [
            (0, 1, nothing),
            (9_999, 1, nothing),
            (-1, 1, offset),
            (10_000, 1, offset),
            (5, 0, Some("execution.limit_bars")),
        ] {
            let refused = key_refused(|s| limit(s, bps, bars));
            assert_eq!(refused.as_deref(), key, "{bps} bps, {bars} bars");
        }
        for (time_in_force, rests) in [
            (TimeInForce::Day, true),
            (TimeInForce::Gtc, true),
            (TimeInForce::AtOpen, false),
            (TimeInForce::AtClose, false),
            (TimeInForce::Ioc, false),
        ] {
            let refused = key_refused(|s| {
                limit(s, 5, 1);
                s.time_in_force = time_in_force;
            });
            assert_eq!(refused.is_none(), rests, "{time_in_force:?}: {refused:?}");
        }
        let table: [(Change, Option<&str>); 12] = [
            (|s| s.signal_lag = 2, nothing),
            (|s| s.signal_lag = 3, Some("signal_lag")),
            (|s| s.max_plans = 2, nothing),
            (|s| s.max_plans = 1, Some("max_plans")),
            (|s| s.min_fresh_share = 1.0, nothing),
            (|s| s.min_fresh_share = 1.01, Some("min_fresh_share")),
            (|s| s.min_fresh_share = f64::NAN, Some("min_fresh_share")),
            (|s| s.permit_lifetime = Span::ZERO, Some("permit_lifetime")),
            (|s| s.rebalance.value = Weight::ZERO, nothing),
            (
                |s| s.rebalance.value = Weight::from_units(-1),
                Some("rebalance.threshold"),
            ),
            (
                |s| s.margin = MarginModel::CrossMarginedPerpetual,
                Some("account.margin"),
            ),
            (
                |s| s.limits.max_gross = Weight::ZERO,
                Some("risk.max_gross"),
            ),
        ];
        for (change, key) in table {
            let mut changed = settings();
            change(&mut changed);
            assert_eq!(key_refused(change).as_deref(), key, "{changed:?}");
        }
    }
}
