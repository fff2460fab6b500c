//! What to keep in mind when believing a backtest, said in every summary and report.

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::SizeAt;
use ballast_domain::market::PriceBasis;
use ballast_domain::portfolio::{Disposition, Leg, MarginModel};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::summary::Caveat;
use crate::config::{Config, Style};

/// Everything that makes these numbers better than a live account's would have been.
///
/// `gross` is the share of equity that was exposed at each close.
pub(super) fn of(
    config: &Config,
    instruments: &Instruments,
    unopened: Unopened,
    gross: &[f64],
) -> Vec<Caveat> {
    let mut all = vec![
        survivorship(config, instruments),
        caveat("fills", config.execution.fill.describe()),
        costs(config),
        prices(config),
    ];
    all.extend(config.execution.participation.map(volume));
    all.extend(config.execution.style.and_then(limits));
    if config.execution.size_at == SizeAt::Fill {
        all.push(caveat(
            "sizes",
            "weights become units at the fill price itself: a research convention that nobody can \
             trade",
        ));
    }
    if config.account.margin != MarginModel::Cash {
        all.push(margin(config.risk.max_leverage, gross));
    }
    all.extend(unopened.caveat());
    all
}

/// What a limit on the share of volume leaves out.
fn volume(share: Decimal) -> Caveat {
    caveat(
        "volume",
        format!(
            "orders of a name get at most {}% of the volume of the bar they fill in, which at an open is \
             not over yet; what is left works on until it is filled or a newer decision replaces it; no \
             fill moves the price",
            (share * Decimal::ONE_HUNDRED).normalize()
        ),
    )
}

/// What bars leave out of limit orders.
fn limits(style: Style) -> Option<Caveat> {
    (style == Style::Limit).then(|| {
        caveat(
            "limits",
            "a limit fills when a bar trades through it, at its price or at a better open, and when in the \
             bar is not known; nobody stood before it in the queue",
        )
    })
}

/// What a margin account of a venue would have cost and done that this one does not.
fn margin(max_leverage: Decimal, gross: &[f64]) -> Caveat {
    let carried = max_leverage.to_f64().unwrap_or(f64::MAX);
    let above = gross.iter().filter(|share| **share > carried).count();
    let calls = match above {
        0 => format!("exposure stayed within {max_leverage} times equity at every close"),
        n => format!(
            "exposure was above {max_leverage} times equity at {n} of {} closes, where a venue may \
             call for margin or close positions; this run lets them drift",
            gross.len()
        ),
    };
    caveat(
        "margin",
        format!(
            "shorts borrow for nothing and every name can be borrowed, borrowed cash bears no \
             interest, proceeds of shorts earn none; {calls}"
        ),
    )
}

/// How often the rebalance threshold kept a wanted position closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unopened {
    /// Legs that wanted a position.
    wanted: u64,
    /// Of these, legs that held none and were too small to open one.
    kept_closed: u64,
}

impl Unopened {
    /// Takes one leg of a decision into account.
    pub(super) fn count(&mut self, leg: &Leg) {
        if leg.target_value.is_zero() {
            return;
        }
        self.wanted += 1;
        let closed = leg.current.is_zero() && leg.disposition == Disposition::BelowThreshold;
        self.kept_closed += u64::from(closed);
    }

    /// Worth saying when it was the fate of most legs: the run is then not the strategy's.
    fn caveat(self) -> Option<Caveat> {
        (2 * self.kept_closed > self.wanted).then(|| {
            caveat(
                "threshold",
                format!(
                    "in {} of {} cases a wanted position was smaller than the rebalance threshold \
                     and stayed closed: lower rebalance.threshold, or set rebalance.of = \"target\"",
                    self.kept_closed, self.wanted
                ),
            )
        })
    }
}

fn caveat(topic: &str, text: impl Into<String>) -> Caveat {
    Caveat {
        topic: topic.to_owned(),
        text: text.into(),
    }
}

fn survivorship(config: &Config, instruments: &Instruments) -> Caveat {
    let names = match instruments.len() {
        1 => "1 name".to_owned(),
        n => format!("{n} names"),
    };
    let text = if config.data.source == "sample:us-stocks" {
        format!(
            "{names} known today, chosen because they survived and grew: the run shows how the \
             program works, not what the strategy would have earned"
        )
    } else {
        format!(
            "{names} chosen by whoever made the data: names that vanished before today are \
             probably missing, which flatters every result"
        )
    };
    caveat("survivorship", text)
}

fn costs(config: &Config) -> Caveat {
    let (fee, slippage) = (
        config.execution.fee_bps.normalize(),
        config.execution.slippage_bps.normalize(),
    );
    let nothing = fee == Decimal::ZERO && slippage == Decimal::ZERO;
    let text = if nothing {
        "no fees and no slippage: nobody trades for free".to_owned()
    } else {
        format!(
            "{fee} bps fee and {slippage} bps slippage on each execution, rounded against us; no \
             market impact, no taxes, no interest on cash"
        )
    };
    caveat("costs", text)
}

fn prices(config: &Config) -> Caveat {
    let adjusted = config.data.adjust.is_some() || config.data.basis == PriceBasis::BackAdjusted;
    caveat(
        "prices",
        if adjusted {
            "back-adjusted: past levels depend on later dividends and splits, units are fractional \
             and notional amounts are not what was paid then"
        } else {
            "raw, as traded; signals read a total-return index built forward from splits and \
             dividends, and both are booked when they happen"
        },
    )
}

#[cfg(test)]
mod tests {
    use ballast_domain::instrument::InstrumentId;
    use ballast_domain::money::{Cash, Price, Quantity};

    use super::*;

    fn leg(held: i64, wanted: i128, disposition: Disposition) -> Leg {
        Leg {
            instrument: InstrumentId(0),
            current: Quantity::from_units(held),
            target: Quantity::from_units(1),
            price: Price::from_units(1),
            current_value: Cash::ZERO,
            target_value: Cash::from_units(wanted),
            threshold: Cash::from_units(5),
            disposition,
        }
    }

    #[test]
    fn a_margin_account_says_what_it_does_not_charge_and_how_often_it_was_overdrawn() {
        let quiet = margin(Decimal::TWO, &[0.5, 2.0]).text;
        assert!(quiet.contains("borrow for nothing"), "{quiet}");
        assert!(
            quiet.contains("within 2 times equity at every close"),
            "{quiet}"
        );
        let loud = margin(Decimal::TWO, &[0.5, 2.1, 3.0]).text;
        assert!(
            loud.contains("above 2 times equity at 2 of 3 closes"),
            "{loud}"
        );
    }

    #[test]
    fn a_threshold_above_most_targets_is_said() {
        let count = |legs: &[Leg]| {
            let mut unopened = Unopened::default();
            legs.iter().for_each(|leg| unopened.count(leg));
            unopened.caveat()
        };
        let kept_closed = leg(0, 3, Disposition::BelowThreshold);
        let drifted = leg(7, 3, Disposition::BelowThreshold);
        let traded = leg(0, 9, Disposition::Trade);
        let closing = leg(7, 0, Disposition::Trade);
        assert_eq!(count(&[]), None);
        assert_eq!(count(&[kept_closed, traded, drifted]), None);
        let said = count(&[kept_closed, kept_closed, traded, closing]).expect("two of three");
        assert_eq!(said.topic, "threshold");
        assert!(said.text.contains("in 2 of 3 cases"), "{}", said.text);
    }
}
