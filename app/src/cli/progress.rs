//! Progress on a terminal, and the interruption that both kinds of progress know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::Progress;

/// Shows nothing, knows the interruption.
#[derive(Debug)]
pub(super) struct Interruptible(Arc<AtomicBool>);

impl Interruptible {
    pub(super) const fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self(interrupted)
    }
}

impl Progress for Interruptible {
    fn begin(&mut self, _: &str, _: u64) {}
    fn reached(&mut self, _: u64) {}
    fn end(&mut self) {}
    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

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
    fn begin(&mut self, what: &str, steps: u64) {
        self.end();
        let bar = ProgressBar::new(steps).with_message(what.to_owned());
        let style = ProgressStyle::with_template("{msg:20} {bar:40} {pos}/{len} {eta}")
            .expect("the template is a constant that a test shows");
        self.bar = Some(bar.with_style(style));
    }

    fn reached(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
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
        progress.begin("bars", 10);
        progress.reached(4);
        assert_eq!(progress.bar.as_ref().map(ProgressBar::position), Some(4));
        assert!(!progress.is_interrupted());
        interrupted.store(true, Ordering::Relaxed);
        assert!(progress.is_interrupted() && Interruptible::new(interrupted).is_interrupted());
        progress.end();
        assert!(progress.bar.is_none());
    }
}
