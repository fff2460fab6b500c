//! The equity curve of a run and nothing else: for benchmarks and the robustness strip.

use ballast_domain::Result;
use ballast_domain::kernel::Record;
use ballast_domain::money::Cash;
use ballast_domain::simulation::{BarClose, Sink};

/// Equity in the base currency: the opening capital, then each close.
#[derive(Debug)]
pub(super) struct Curve {
    /// The values.
    pub equity: Vec<f64>,
    cash_scale: u8,
}

impl Curve {
    /// A curve that starts at the opening capital.
    pub(super) fn new(opening_cash: Cash, cash_scale: u8) -> Self {
        Self {
            equity: vec![opening_cash.to_f64(cash_scale)],
            cash_scale,
        }
    }
}

impl Sink for Curve {
    fn records(&mut self, _: &[Record]) -> Result<()> {
        Ok(())
    }

    fn bar(&mut self, close: &BarClose<'_>) -> Result<()> {
        let equity = close.account.cash() + close.account.positions_value(close.instruments);
        self.equity.push(equity.to_f64(self.cash_scale));
        Ok(())
    }
}
