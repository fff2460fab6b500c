//! What must hold before a simulation can be honest about limit orders.

use super::exchange::Exchange;
use super::fill_point::FillPoint;
use super::venue_rules::LimitFills;
use crate::error::{Error, Result};
use crate::kernel::{OrderStyle, Settings, SizeAt};
use crate::market::PriceBasis;

/// Refuses a style of orders whose executions bars cannot show.
pub(super) fn check(settings: &Settings, exchange: &Exchange, basis: PriceBasis) -> Result<()> {
    if settings.style == OrderStyle::Market {
        return Ok(());
    }
    let refuse = |what: &str, key: &str, hint: &str| {
        Err(
            Error::config(format!("limit orders cannot be simulated {what}"))
                .context("key", key)
                .hint(hint),
        )
    };
    if exchange.settings().fill_point == FillPoint::SameClose {
        let hint = "nobody can rest in a bar that is over: use next_open or next_close";
        return refuse(
            "at the close the decision saw",
            "execution.fill_point",
            hint,
        );
    }
    if settings.size_at == SizeAt::Fill {
        let hint =
            "a limit set from the price it executes at is no limit: use size_at = \"decision\"";
        return refuse("from prices of the fill point", "execution.size_at", hint);
    }
    if basis == PriceBasis::BackAdjusted {
        let hint = "nobody quoted those prices: use raw prices with their corporate actions";
        return refuse("on back-adjusted prices", "data.adjust", hint);
    }
    if exchange.rules().limit_fills != LimitFills::ThroughBar {
        let hint = "let the venue's rules meet limits inside the bar (LimitFills::ThroughBar)";
        return refuse("at one price a bar", "limit_fills", hint);
    }
    Ok(())
}
