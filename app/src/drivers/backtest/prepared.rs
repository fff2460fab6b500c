//! A run that is ready: data and rules, to be run as often as needed.

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::Record;
use ballast_domain::market::Panel;
use ballast_domain::portfolio::Account;
use ballast_domain::simulation::{BarClose, RunTotals, Sink, Step};
use ballast_domain::strategies::{EqualWeightHold, EqualWeightParameters};
use ballast_domain::strategy::Strategy;

use super::Backtest;
use super::benchmarks::Benchmark;
use super::curve::Curve;
use super::variant::Variant;
use crate::drivers::{Progress, RunError};

/// Data and rules of a run, ready to be run as often as needed.
pub(super) struct Prepared {
    pub(super) instruments: Instruments,
    pub(super) variant: Variant,
    pub(super) panel: Panel,
}

impl Backtest {
    /// The data and the rules of a run, without running it: what, how, and over which bars.
    ///
    /// # Errors
    /// As [`Backtest::run`], where it loads.
    pub async fn load(&self) -> Result<(Instruments, Variant, Panel), RunError> {
        let prepared = self.prepare().await?;
        Ok((prepared.instruments, prepared.variant, prepared.panel))
    }
}

impl Prepared {
    pub(super) fn run<S: Strategy, K: Sink>(
        &self,
        variant: &Variant,
        strategy: S,
        sink: &mut K,
        progress: &mut dyn Progress,
    ) -> Result<(RunTotals, Account), RunError> {
        let mut sink = Watched { sink, progress };
        Ok(variant.run(&self.instruments, &self.panel, strategy, &mut sink)?)
    }

    pub(super) fn curve<S: Strategy>(
        &self,
        variant: &Variant,
        strategy: S,
        progress: &mut dyn Progress,
    ) -> Result<Vec<f64>, RunError> {
        let scale = self.instruments.base().scale;
        let mut curve = Curve::new(variant.exchange.opening_cash, scale);
        let mut lean = variant.clone();
        lean.settings.record_idle_legs = false;
        self.run(&lean, strategy, &mut curve, progress)?;
        Ok(curve.equity)
    }

    /// The same capital in equal parts in the same instruments, through the same venue.
    pub(super) fn equal_weight(&self, progress: &mut dyn Progress) -> Result<Benchmark, RunError> {
        let parameters = EqualWeightParameters::default();
        let strategy = EqualWeightHold::new(&parameters, &self.instruments)?;
        Ok(Benchmark {
            name: EqualWeightHold::NAME.to_owned(),
            description: "bought in equal parts, and again when a name joins or leaves; same venue, same costs"
                .to_owned(),
            values: self.curve(&self.variant, strategy, progress)?,
        })
    }
}

/// A sink that shows progress.
struct Watched<'a, K> {
    sink: &'a mut K,
    progress: &'a mut dyn Progress,
}

impl<K: Sink> Sink for Watched<'_, K> {
    fn records(&mut self, records: &[Record]) -> ballast_domain::Result<()> {
        self.sink.records(records)
    }

    fn step(&mut self, step: &Step<'_>) {
        self.sink.step(step);
    }

    fn bar(&mut self, close: &BarClose<'_>) -> ballast_domain::Result<()> {
        if self.progress.is_interrupted() {
            // Whoever holds the progress knows why; the run only has to end.
            return Err(ballast_domain::Error::execution("interrupted"));
        }
        self.progress.advance();
        self.sink.bar(close)
    }
}
