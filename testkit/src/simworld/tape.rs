//! The tape of a kernel: everything it was told, in order, and a digest of everything it answered.

use std::collections::vec_deque;
use std::fmt::Write;
use std::sync::Arc;

use ballast_domain::error::Result;
use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{
    Action, BatchId, Command, Effects, Fact, HealthFact, Input, Kernel, Quotes, Record, SendGate,
    Settings, TimerId, VenueReport,
};
use ballast_domain::market::Panel;
use ballast_domain::simulation::{BarClose, Sink, Step};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;

use super::chance::Trace;

/// One input, kept. Bars are market data and stay where they are: the tape has their rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A session begins.
    Start,
    /// The bars of this row.
    Slice(usize),
    /// Prices between closes.
    Quotes(Vec<Option<f64>>),
    /// The venue said something.
    Fact(Box<Fact>),
    /// The venue showed the account.
    Report(Box<VenueReport>),
    /// A batch is durable.
    Persisted(BatchId),
    /// A timer is due.
    Timer(TimerId),
    /// A person said something.
    Command(Command),
    /// The surroundings changed.
    Health(HealthFact),
}

impl Told {
    fn of(input: &Input<'_>) -> Self {
        match *input {
            Input::Start => Self::Start,
            Input::Slice(slice) => Self::Slice(slice.index()),
            Input::Quotes(quotes) => Self::Quotes(quotes.prices.to_vec()),
            Input::Fact(fact) => Self::Fact(Box::new(fact.clone())),
            Input::Report(report) => Self::Report(Box::new(report.clone())),
            Input::Persisted(id) => Self::Persisted(id),
            Input::Timer(id) => Self::Timer(id),
            Input::Command(command) => Self::Command(command.clone()),
            Input::Health(fact) => Self::Health(fact.clone()),
        }
    }
}

/// What one kernel was told from its beginning to its end.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// Records it was restored from.
    pub restored: Vec<Record>,
    /// Rows it was warmed with.
    pub warmed: usize,
    /// Epoch of its gate.
    pub writer: u64,
    /// Inputs with their instants.
    pub inputs: Vec<(Timestamp, Told)>,
    pub(super) effects: Trace,
}

impl Tape {
    /// Digest of everything the kernel asked for: records and actions, in order.
    pub fn effects(&self) -> u64 {
        self.effects.value()
    }

    /// Takes a step down.
    pub fn note(&mut self, step: &Step<'_>) {
        self.inputs.push((step.now, Told::of(&step.input)));
        digest(&mut self.effects, step.records, step.actions.clone());
    }

    /// Tells it all to a fresh kernel; returns the digest of what that one asks for.
    ///
    /// # Errors
    /// As [`Kernel::new`] and [`Kernel::restore`], and when a row is not in the panel.
    pub fn replay<S: Strategy>(
        &self,
        instruments: Instruments,
        settings: Settings,
        strategy: S,
        panel: &Panel,
    ) -> Result<u64> {
        let gate = Arc::new(SendGate::new(self.writer));
        let mut kernel = Kernel::new(instruments, settings, strategy, gate)?;
        if !self.restored.is_empty() {
            let mut restore = kernel.restore()?;
            for record in &self.restored {
                restore.record(record)?;
            }
            restore.finish()?;
        }
        for slice in panel.slices().take(self.warmed) {
            kernel.warm(&slice);
        }
        let (mut effects, mut hash) = (Effects::new(), Trace::default());
        for (now, told) in &self.inputs {
            tell(&mut kernel, *now, told, panel, &mut effects);
            digest(&mut hash, &effects.records, effects.actions.iter());
            effects.actions.clear();
            effects.records.clear();
        }
        Ok(hash.value())
    }
}

fn tell<S: Strategy>(
    kernel: &mut Kernel<S>,
    now: Timestamp,
    told: &Told,
    panel: &Panel,
    effects: &mut Effects,
) {
    match told {
        Told::Start => kernel.step(now, Input::Start, effects),
        Told::Slice(row) => {
            let slice = panel.slice(*row).expect("the market data of the tape");
            kernel.step(now, Input::Slice(&slice), effects);
        }
        Told::Quotes(prices) => kernel.step(now, Input::Quotes(&Quotes { prices }), effects),
        Told::Fact(fact) => kernel.step(now, Input::Fact(fact), effects),
        Told::Report(report) => kernel.step(now, Input::Report(report), effects),
        Told::Persisted(id) => kernel.step(now, Input::Persisted(*id), effects),
        Told::Timer(id) => kernel.step(now, Input::Timer(*id), effects),
        Told::Command(command) => kernel.step(now, Input::Command(command), effects),
        Told::Health(fact) => kernel.step(now, Input::Health(fact), effects),
    }
}

/// Feeds text into a digest without keeping it.
struct Words<'a>(&'a mut Trace);

impl Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for part in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0.word(u64::from_le_bytes(word));
        }
        Ok(())
    }
}

/// Everything that was recorded and asked for, to the last digit. Where a batch lies in the
/// driver's buffer is the driver's business.
fn digest(trace: &mut Trace, records: &[Record], actions: vec_deque::Iter<'_, Action>) {
    for record in records {
        write!(Words(trace), "{record:?}").expect("a digest takes everything");
    }
    for action in actions {
        let mut words = Words(trace);
        match action {
            Action::Persist(id, range) => write!(words, "{id:?} {}", range.len()),
            action => write!(words, "{action:?}"),
        }
        .expect("a digest takes everything");
    }
}

/// Takes a tape of a backtest.
#[derive(Debug, Default)]
pub struct TapeDeck {
    /// The tape so far.
    pub tape: Tape,
}

impl Sink for TapeDeck {
    fn records(&mut self, _: &[Record]) -> Result<()> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) {
        self.tape.note(step);
    }

    fn bar(&mut self, _: &BarClose<'_>) -> Result<()> {
        Ok(())
    }
}
