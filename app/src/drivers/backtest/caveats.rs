//! What to keep in mind when believing a backtest, said in every summary and report.

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::SizeAt;
use ballast_domain::market::PriceBasis;
use rust_decimal::Decimal;

use super::summary::Caveat;
use crate::config::Config;

/// Everything that makes these numbers better than a live account's would have been.
pub(super) fn of(config: &Config, instruments: &Instruments) -> Vec<Caveat> {
    let mut all = vec![
        survivorship(config, instruments),
        caveat("fills", config.execution.fill.describe()),
        costs(config),
        prices(config),
    ];
    if config.execution.size_at == SizeAt::Fill {
        all.push(caveat(
            "sizes",
            "weights become units at the fill price itself: a research convention that nobody can \
             trade",
        ));
    }
    all
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
