//! Whose memory a saved state is: strategy, parameters and instruments.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::instrument::Instruments;

const TAG: Tag = *b"strategy";

/// What a saved state must agree with before a single lane is read.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    name: &'static str,
    /// Version of the layout of the lanes.
    version: u32,
    /// Parameters as text: floats print their shortest exact form, so equal text is equal bits.
    parameters: Vec<(&'static str, String)>,
    symbols: Vec<String>,
}

impl Identity {
    /// The identity of strategy `name` over all of `instruments`.
    ///
    /// # Errors
    /// When there is no instrument.
    pub(super) fn new(
        name: &'static str,
        version: u32,
        parameters: Vec<(&'static str, String)>,
        instruments: &Instruments,
    ) -> Result<Self> {
        if instruments.is_empty() {
            return Err(
                Error::signal(format!("strategy '{name}' has no instrument to look at"))
                    .hint("define at least one instrument before the strategy"),
            );
        }
        Ok(Self {
            name,
            version,
            parameters,
            symbols: instruments.all().iter().map(|i| i.symbol.clone()).collect(),
        })
    }

    /// The strategy's name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The symbol of a lane; lanes are those of the instruments it was made for.
    pub(super) fn symbol(&self, lane: usize) -> &str {
        &self.symbols[lane]
    }

    /// Starts a state with this identity.
    pub(super) fn write(&self) -> StateWriter {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.text(self.name);
        writer.u64(u64::from(self.version));
        writer.usize(self.symbols.len());
        for symbol in &self.symbols {
            writer.text(symbol);
        }
        writer.usize(self.parameters.len());
        for (name, value) in &self.parameters {
            writer.text(name);
            writer.text(value);
        }
        writer
    }

    /// Reads what [`Identity::write`] wrote.
    ///
    /// # Errors
    /// When the state is of another strategy, layout, set of instruments or parameter, naming both.
    pub(super) fn check(&self, reader: &mut StateReader<'_>) -> Result<()> {
        reader.header(TAG, 1)?;
        let name = reader.text()?;
        if name != self.name {
            return Err(Error::signal(format!(
                "saved state belongs to strategy '{name}', not to '{}'",
                self.name
            ))
            .hint("restore each strategy from the state it saved itself"));
        }
        let version = reader.u64()?;
        if version != u64::from(self.version) {
            return Err(Error::signal(format!(
                "saved state of strategy '{name}' has layout version {version}, this program \
                 reads {}",
                self.version
            ))
            .hint("start fresh and warm up again, or use the program that saved it"));
        }
        reader.parameter("lanes", self.symbols.len())?;
        for (lane, symbol) in self.symbols.iter().enumerate() {
            self.agree(&format!("lane {lane}"), &reader.text()?, symbol)?;
        }
        reader.parameter("number of parameters", self.parameters.len())?;
        for (name, value) in &self.parameters {
            self.agree("parameter name", &reader.text()?, name)?;
            self.agree(name, &reader.text()?, value)?;
        }
        Ok(())
    }

    fn agree(&self, what: &str, found: &str, expected: &str) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        Err(Error::signal(format!(
            "saved state was made with {what} {found}, this one has {expected}"
        ))
        .context("strategy", self.name)
        .hint("restore with the parameters and instruments it was saved with, or warm up again"))
    }
}
