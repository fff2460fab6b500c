//! How a config prices the orders of a rebalance.

use ballast_domain::Result;
use ballast_domain::kernel::{LimitStyle, OrderStyle};
use ballast_domain::money::Rate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::sections::Execution;

/// `execution.style`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Any price.
    Market,
    /// A limit with a deadline.
    Limit,
}

/// `execution.last_resort`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResort {
    /// It is not traded.
    Residual,
    /// It goes once more, at the market.
    Market,
}

impl Execution {
    /// How the kernel prices its orders.
    ///
    /// # Errors
    /// `DataValidation` when the offset is not exact to 1e-9.
    pub fn order_style(&self) -> Result<OrderStyle> {
        if self.style != Some(Style::Limit) {
            return Ok(OrderStyle::Market);
        }
        let offset = self.limit_offset_bps.unwrap_or_default() / Decimal::from(10_000);
        Ok(OrderStyle::Limit(LimitStyle {
            offset: Rate::from_decimal(offset)?,
            bars: self.limit_bars.unwrap_or(1),
            last_resort: self.last_resort == Some(LastResort::Market),
        }))
    }
}
