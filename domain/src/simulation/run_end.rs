//! The end of a run: what kernel and exchange must agree on.

use super::exchange::Exchange;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::strategy::Strategy;

/// What must hold when the data ends.
pub(super) fn check_end<S: Strategy>(
    kernel: &Kernel<S>,
    exchange: &Exchange,
    unspent: u64,
) -> Result<()> {
    let counts = kernel.counts();
    let broken = |what: &str, left: String, right: String| {
        Err(
            Error::backtest_invariant(format!("{what} do not agree at the end of the run"))
                .context("left", left)
                .context("right", right)
                .hint("this is a bug; please report it with the run's config"),
        )
    };
    if counts.intents != counts.verdicts {
        return broken(
            "intents and verdicts",
            counts.intents.to_string(),
            counts.verdicts.to_string(),
        );
    }
    if counts.permits != exchange.received() + unspent {
        return broken(
            "permits and sends",
            counts.permits.to_string(),
            exchange.received().to_string(),
        );
    }
    let account = kernel.account();
    if account.cash() != exchange.cash() {
        return broken(
            "our cash and the exchange's",
            account.cash().units().to_string(),
            exchange.cash().units().to_string(),
        );
    }
    for id in kernel.instruments().ids() {
        let (ours, theirs) = (account.position(id).quantity, exchange.position(id));
        if ours != theirs {
            return broken(
                "our position and the exchange's",
                ours.units().to_string(),
                theirs.units().to_string(),
            );
        }
    }
    let set_aside = kernel.exposure().reserved_cash();
    if exchange.working().is_empty() && !set_aside.is_zero() {
        return broken(
            "cash set aside and working orders",
            set_aside.units().to_string(),
            "0".to_owned(),
        );
    }
    let trial = account.ledger().trial_balance();
    if !trial.is_zero() {
        return broken(
            "debits and credits",
            trial.units().to_string(),
            "0".to_owned(),
        );
    }
    Ok(())
}
