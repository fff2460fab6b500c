//! How an exchange executes and what it charges.

use super::fee_model::FeeModel;
use super::fill_point::FillPoint;
use super::slippage_model::SlippageModel;
use crate::error::{Error, Result};
use crate::money::{Cash, Rate};

/// How the exchange executes and what it charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSettings {
    /// Where in a bar orders execute.
    pub fill_point: FillPoint,
    /// What an execution costs.
    pub fees: FeeModel,
    /// How much worse than the market it is.
    pub slippage: SlippageModel,
    /// Cash in the account at the beginning, in the base currency.
    pub opening_cash: Cash,
    /// What holders lose of the last value when an instrument ends; a short pays it on top.
    pub delisting_haircut: Rate,
}

impl ExchangeSettings {
    /// Checks what no type can.
    ///
    /// # Errors
    /// `Configuration` when the opening cash is negative, or a rate is below 0 or not below 100 %.
    pub fn validate(&self) -> Result<()> {
        if self.opening_cash.is_negative() {
            return Err(Error::config("an account cannot begin with debts")
                .context("key", "account.cash")
                .hint("use 0 or more"));
        }
        let SlippageModel::Proportional(slippage) = self.slippage;
        let [fee, least_fee] = self.fees.rates();
        if least_fee.units() < -fee.units() {
            return Err(Error::config("a rebate cannot be larger than the fee")
                .context("key", "execution.fee_bps")
                .hint("use maker and taker rates whose sum is 0 or more"));
        }
        for (key, rate) in [
            ("execution.fee_bps", fee),
            ("execution.slippage_bps", slippage),
            ("execution.delisting_haircut", self.delisting_haircut),
        ] {
            let total_loss = key == "execution.delisting_haircut" && rate == Rate::ONE;
            if rate < Rate::ZERO || (rate >= Rate::ONE && !total_loss) {
                return Err(Error::config(format!(
                    "{key} cannot be {} of the value",
                    rate.to_f64()
                ))
                .context("key", key)
                .hint("use a share from 0 to below 1 (10000 bps)"));
            }
        }
        Ok(())
    }
}
