//! Prices at the sandbox venue, made by whoever owns the market data.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::{Field, Panel};
use ballast_domain::simulation::{Cursor, FillPoint, Stage};
use ballast_domain::time::Timestamp;
use ballast_http::Request;
use ballast_ports::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::broker::SandboxBroker;
use super::wire::{Bar, Carried, Lane, Market};

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    /// It moved something and has to come again, after the account has answered.
    pub again: bool,
    /// Facts that the venue has told since this program connected, these included.
    pub told: u64,
}

/// Where the market stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// The close of the newest bar.
    pub close: Timestamp,
    /// Its newest stage.
    pub stage: Stage,
    /// Whether that moved something, so that it has to come again.
    pub again: bool,
}

/// What the venue remembers of its market and of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Remembered {
    /// How many orders ever came.
    pub orders: u64,
    /// Where the market stands; `None` before its first bar.
    pub at: Option<Standing>,
}

impl Remembered {
    /// The stage that comes next in `panel`.
    ///
    /// # Errors
    /// `InvalidData` when the market stands at a bar that the panel does not have.
    pub fn next(&self, panel: &Panel, point: FillPoint) -> Result<Cursor> {
        let Some(at) = self.at else {
            return Ok(Cursor::START);
        };
        let row = panel.close_times().binary_search(&at.close).map_err(|_| {
            Error::new(
                ErrorKind::InvalidData,
                "market",
                "the venue's market stands at a bar that the data do not have",
            )
            .context("close", at.close)
            .hint(
                "trade with the data that the venue was fed from, or start it with another ledger",
            )
        })?;
        let here = Cursor {
            row,
            stage: at.stage,
        };
        Ok(if at.again { here } else { here.next(point) })
    }
}

impl SandboxBroker {
    /// Where the market was left, by whichever program.
    ///
    /// # Errors
    /// As the venue answers.
    pub async fn remembered(&self) -> Result<Remembered> {
        let answer = self.transport.read("market", Request::get("/market"));
        answer.await?.json("market")
    }

    /// Carries out a stage of a row of `panel`, once. One that has passed does nothing.
    ///
    /// # Errors
    /// `InvalidData` when there is no such row; as [`Transport::command`] and as the venue answers.
    ///
    /// [`Transport::command`]: ballast_http::Transport::command
    pub async fn market(&self, panel: &Panel, cursor: Cursor) -> Result<Staged> {
        let bar = bar(panel, cursor.row)?;
        let stage = cursor.stage;
        let request = Request::post("/market", &Market { bar, stage })?;
        let answer = self.transport.command("market", request).await?;
        let Carried { again, told } = answer.json("market")?;
        Ok(Staged {
            again,
            told: told.saturating_sub(self.told_before),
        })
    }
}

fn bar(panel: &Panel, row: usize) -> Result<Bar> {
    let slice = panel.slice(row).ok_or_else(|| {
        Error::new(ErrorKind::InvalidData, "market", "there is no such bar").context("row", row)
    })?;
    const FIELDS: [Field; 5] = [
        Field::Open,
        Field::High,
        Field::Low,
        Field::Close,
        Field::Volume,
    ];
    let lanes = (0..slice.lanes()).map(|lane| {
        let id = InstrumentId::from_index(lane);
        Lane {
            state: slice.state(id),
            values: FIELDS.map(|field| slice.value(id, field).unwrap_or(0.0)),
        }
    });
    let fields = slice.fields();
    let actions = panel.actions_in(row).iter();
    Ok(Bar {
        open: slice.open_time(),
        close: slice.time(),
        fields: FIELDS.into_iter().filter(|f| fields.has(*f)).collect(),
        basis: panel.basis(),
        lanes: lanes.collect(),
        actions: actions.map(|(_, id, action)| (*id, *action)).collect(),
    })
}
