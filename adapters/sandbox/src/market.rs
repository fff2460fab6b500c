//! Prices at the sandbox venue, made by whoever owns the market data.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::{Field, Panel};
use ballast_http::Request;
use ballast_ports::{Error, ErrorKind, Result};
use serde::Serialize;

use super::broker::SandboxBroker;
use super::wire::{Bar, Lane, Market, Moved};

/// What happens in a bar at the venue. One that has passed does nothing when it is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Corporate actions, on what is held now.
    Actions,
    /// Day orders of an earlier session end.
    Begin,
    /// Executions at the fill point, once; again until nothing executes.
    Execute,
    /// Limits the bar trades through, once; again until nothing executes.
    Inside,
    /// The marks of the close, and what follows from them.
    Close,
}

impl SandboxBroker {
    /// Carries out a stage of a row of `panel` and says how much it moved.
    ///
    /// # Errors
    /// `InvalidData` when there is no such row; as [`Transport::command`] and as the venue answers.
    ///
    /// [`Transport::command`]: ballast_http::Transport::command
    pub async fn market(&self, panel: &Panel, row: usize, stage: Stage) -> Result<usize> {
        let bar = bar(panel, row)?;
        let request = Request::post("/market", &Market { bar, stage })?;
        let answer = self.transport.command("market", request).await?;
        Ok(answer.json::<Moved>("market")?.moved)
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
