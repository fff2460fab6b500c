//! Progress on a terminal, and the interruption that both kinds of progress know.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::drivers::Progress;

/// Shows nothing, knows the interruption.
#[derive(Debug)]
pub(super) struct Interruptible(Arc<AtomicBool>);

impl Interruptible {
    pub(super) const fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self(interrupted)
    }
}

impl Progress for Interruptible {
    fn begin(&mut self, _: usize) {}
    fn advance(&mut self) {}
    fn end(&mut self) {}
    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far, how fast and how long still; the bar takes what room there is.
const TEMPLATE: &str = "{wide_bar} {pos}/{len} bars, {rate} bars/s, {eta} to go";

/// A bar on standard error that leaves nothing behind.
#[derive(Debug)]
pub(super) struct TerminalProgress {
    interrupted: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
}

impl TerminalProgress {
    pub(super) const fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self {
            interrupted,
            bar: None,
        }
    }
}

impl Progress for TerminalProgress {
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: the template is a constant that a test shows"
    )]
    fn begin(&mut self, bars: usize) {
        self.end();
        let bar = ProgressBar::new(bars as u64);
        let style = ProgressStyle::with_template(TEMPLATE)
            .expect("the template is a constant that a test shows")
            .with_key("rate", |state: &ProgressState, to: &mut dyn fmt::Write| {
                // A figure that cannot be written is left out.
                let _ = write!(to, "{:.0}", state.per_sec());
            });
        self.bar = Some(bar.with_style(style));
    }

    fn advance(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for TerminalProgress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_follows_its_phase_and_hears_the_interruption() {
        let interrupted = Arc::new(AtomicBool::new(false));
        let mut progress = TerminalProgress::new(Arc::clone(&interrupted));
        progress.begin(10);
        for _ in 0..4 {
            progress.advance();
        }
        assert_eq!(progress.bar.as_ref().map(ProgressBar::position), Some(4));
        assert!(!progress.is_interrupted());
        interrupted.store(true, Ordering::Relaxed);
        assert!(progress.is_interrupted() && Interruptible::new(interrupted).is_interrupted());
        progress.end();
        assert!(progress.bar.is_none());
    }
}
