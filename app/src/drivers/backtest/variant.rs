//! One run of a strategy over a panel under given costs and lag.

use std::sync::Arc;

use ballast_domain::Result;
use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{Kernel, SendGate, Settings};
use ballast_domain::market::Panel;
use ballast_domain::money::Rate;
use ballast_domain::portfolio::Account;
use ballast_domain::simulation::{self, Exchange, ExchangeSettings, RunTotals, Sink, VenueRules};
use ballast_domain::strategy::Strategy;

/// How a strategy is run: the settings of kernel and exchange, and the venue's rules.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Settings of the kernel.
    pub settings: Settings,
    /// Settings of the exchange.
    pub exchange: ExchangeSettings,
    /// What the exchange does beyond that.
    pub rules: VenueRules,
}

impl Variant {
    /// The same at `factor` times fees and slippage.
    #[must_use]
    pub fn at_costs(&self, factor: i64) -> Self {
        let mut variant = self.clone();
        variant.exchange.fees = self.exchange.fees.times(factor);
        variant.exchange.slippage = self.exchange.slippage.times(factor);
        let estimate = self.settings.limits.fee_estimate.times(factor);
        variant.settings.limits.fee_estimate = estimate.min(Rate::ONE);
        variant
    }

    /// The same with decisions that take effect one bar later.
    #[must_use]
    pub fn one_bar_later(&self) -> Self {
        let mut variant = self.clone();
        variant.settings.signal_lag += 1;
        variant
    }

    /// Runs `strategy` over `panel` in a fresh kernel against a fresh exchange.
    ///
    /// # Errors
    /// As [`simulation::run`].
    pub fn run<S: Strategy, K: Sink + ?Sized>(
        &self,
        instruments: &Instruments,
        panel: &Panel,
        strategy: S,
        sink: &mut K,
    ) -> Result<(RunTotals, Account)> {
        let gate = Arc::new(SendGate::new(1));
        let mut kernel = Kernel::new(instruments.clone(), self.settings.clone(), strategy, gate)?;
        let mut exchange = Exchange::with_rules(
            instruments.clone(),
            self.exchange.clone(),
            self.rules.clone(),
        );
        let totals = simulation::run(&mut kernel, &mut exchange, panel, sink)?;
        Ok((totals, kernel.account().clone()))
    }
}
