//! What a killed program and its venue leave behind, and what must hold between the two.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::orders::ClientOrderId;
use ballast_domain::simulation::Stage;
use serde::Deserialize;
use serde_json::Value;

use super::phase::Phase;
use crate::sandbox::{Entry, Told};

/// A line of an exported journal.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Its number.
    pub seq: u64,
    /// What it is.
    pub kind: String,
    /// What it says.
    pub body: Value,
}

impl Record {
    fn client_id(&self) -> Option<ClientOrderId> {
        let id = match self.kind.as_str() {
            "intent" => &self.body["intent"]["client_id"],
            "order" => &self.body["client_id"],
            "fill" => &self.body["fill"]["client_id"],
            _ => return None,
        };
        id.as_str()?.parse().ok()
    }

    /// Whether an intent may be sent: no control refused it.
    fn passes(&self) -> bool {
        self.body["verdict"]["failed"] == 0
    }
}

/// Journal and ledger at one instant.
#[derive(Debug)]
pub struct Evidence {
    /// The journal's export, line by line.
    pub lines: Vec<String>,
    records: Vec<Record>,
    ledger: Vec<Entry>,
    /// Orders whose answer had left the venue.
    answered: BTreeSet<String>,
}

impl Evidence {
    /// From the text of an export, the text of a ledger and what the venue has said.
    ///
    /// # Errors
    /// A line is none of its kind.
    pub fn read(export: &str, ledger: &str, answered: BTreeSet<String>) -> Result<Self, String> {
        let lines: Vec<String> = export.lines().map(str::to_owned).collect();
        let records: Result<Vec<Record>, _> = lines
            .iter()
            .map(|line| serde_json::from_str(line))
            .collect();
        let whole = ledger.rfind('\n').map_or("", |end| &ledger[..end]);
        let entries: Result<Vec<Entry>, _> = whole.lines().map(serde_json::from_str).collect();
        Ok(Self {
            lines,
            records: records.map_err(|e| format!("the export: {e}"))?,
            ledger: entries.map_err(|e| format!("the ledger: {e}"))?,
            answered,
        })
    }

    /// How many lines the ledger has.
    pub const fn told(&self) -> usize {
        self.ledger.len()
    }

    /// Orders that arrived, with what became of them.
    fn arrivals(&self) -> impl Iterator<Item = (ClientOrderId, &str)> {
        self.ledger.iter().filter_map(|entry| match &entry.told {
            Told::Order(order) => Some((order.intent.client_id, entry.answer.as_str())),
            _ => None,
        })
    }

    /// Digits after the point of the venue's cash.
    pub fn cash_scale(&self) -> u8 {
        let opened = self.ledger.iter().find_map(|entry| match &entry.told {
            Told::Open(opening) => opening.listing.assets.first(),
            _ => None,
        });
        opened.map_or(0, |base| base.scale)
    }

    /// How many orders came to the venue.
    pub fn orders(&self) -> usize {
        self.arrivals().count()
    }

    /// Executions by the journal.
    fn fills(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.kind == "fill")
    }

    /// Orders that the venue was sent more than once.
    pub fn duplicates(&self) -> Vec<ClientOrderId> {
        let mut seen = BTreeSet::new();
        let twice = self.arrivals().filter(|(id, _)| !seen.insert(*id));
        twice.map(|(id, _)| id).collect()
    }

    /// What must hold at any instant; each line is a violation. `before` is the export of an
    /// earlier instant, all of which was acknowledged then.
    pub fn violations(&self, before: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for id in self.duplicates() {
            found.push(format!("order {id} came to the venue twice"));
        }
        let kept = self
            .lines
            .iter()
            .zip(before)
            .take_while(|(a, b)| a == b)
            .count();
        if kept < before.len() {
            let lost = before.len() - kept;
            found.push(format!(
                "{lost} acknowledged records are lost or changed from {kept} on"
            ));
        }
        let numbers = self.records.iter().map(|record| record.seq);
        if !numbers.eq(1..=self.records.len() as u64) {
            found.push("the journal's numbers have gaps".to_owned());
        }
        let durable: BTreeSet<_> = self
            .records
            .iter()
            .filter(|record| record.kind == "intent" && record.passes())
            .filter_map(Record::client_id)
            .collect();
        for (id, _) in self.arrivals() {
            if !durable.contains(&id) {
                found.push(format!("order {id} is at the venue and not in the journal"));
            }
        }
        let mut trades = BTreeSet::new();
        for fill in self.fills() {
            if !trades.insert(fill.body["fill"]["trade_id"].to_string()) {
                found.push(format!("execution {} is booked twice", fill.body["fill"]));
            }
        }
        let executed = self.ledger.last().map_or(0, |entry| entry.trades);
        if trades.len() as u64 > executed {
            found.push(format!(
                "{} executions are booked and {executed} happened",
                trades.len()
            ));
        }
        found
    }

    /// What must hold on top when the program has reconciled and ended: every execution is booked.
    pub fn unsettled(&self) -> Vec<String> {
        let booked = self.fills().count() as u64;
        let executed = self.ledger.last().map_or(0, |entry| entry.trades);
        let mut found = Vec::new();
        if booked != executed {
            found.push(format!(
                "{booked} executions are booked and {executed} happened"
            ));
        }
        found
    }

    /// Executions as they are booked.
    pub fn booked(&self) -> Vec<Value> {
        self.fills().map(|fill| fill.body["fill"].clone()).collect()
    }

    /// Positions by the journal's own executions, in units.
    pub fn positions(&self) -> BTreeMap<u64, i64> {
        let mut positions = BTreeMap::new();
        for fill in self.fills() {
            let fill = &fill.body["fill"];
            let quantity = fill["quantity"].as_i64().unwrap_or(0);
            let signed = if fill["side"] == "buy" {
                quantity
            } else {
                -quantity
            };
            let instrument = fill["instrument"].as_u64().unwrap_or(u64::MAX);
            *positions.entry(instrument).or_insert(0) += signed;
        }
        positions.retain(|_, held| *held != 0);
        positions
    }

    /// Which phase a kill hit, when the ledger had `told_before` lines at the session's start.
    pub fn phase(&self, told_before: usize) -> Phase {
        let of_session = self.ledger.get(told_before..).unwrap_or_default();
        let traded = |entry: &Entry| matches!(entry.told, Told::Order(_) | Told::Stage(_));
        if !of_session.iter().any(traded) {
            return Phase::InRecovery;
        }
        let saved: BTreeMap<ClientOrderId, &str> = self
            .records
            .iter()
            .filter(|record| record.kind == "order")
            .filter_map(|r| Some((r.client_id()?, r.body["status"].as_str()?)))
            .collect();
        let executed: BTreeSet<_> = self.fills().filter_map(Record::client_id).collect();
        // What the venue said of an order, or what follows from it.
        let unsaved = |id: &ClientOrderId| {
            let known = saved.get(id).copied();
            !executed.contains(id) && matches!(known, None | Some("recorded" | "sent" | "unknown"))
        };
        let came: BTreeSet<_> = self.arrivals().map(|(id, _)| id).collect();
        let unanswered = |id: &ClientOrderId| !self.answered.contains(&id.to_string());
        if came.iter().any(|id| unsaved(id) && unanswered(id)) {
            return Phase::Sent;
        }
        if came.iter().any(unsaved) {
            return Phase::AckedUnsaved;
        }
        let executed = self.ledger.last().map_or(0, |entry| entry.trades);
        if (self.fills().count() as u64) < executed {
            return Phase::FilledUnsaved;
        }
        let intents = self
            .records
            .iter()
            .filter(|r| r.kind == "intent" && r.passes());
        let mut durable = intents.filter_map(Record::client_id);
        if durable.any(|id| !came.contains(&id) && unsaved(&id)) {
            return Phase::Persisted;
        }
        if self.shows_an_undecided_bar() {
            return Phase::BeforePersist;
        }
        Phase::Between
    }

    /// Whether the newest thing the market did was to close a bar, and no record decides about it.
    fn shows_an_undecided_bar(&self) -> bool {
        let newest = self
            .ledger
            .iter()
            .rev()
            .find_map(|entry| match &entry.told {
                Told::Stage(stage) => Some(*stage),
                _ => None,
            });
        let bar = self
            .ledger
            .iter()
            .rev()
            .find_map(|entry| match &entry.told {
                Told::Bar(bar) => Some(bar.close.to_string()),
                _ => None,
            });
        let decided = |record: &&Record| matches!(record.kind.as_str(), "decision" | "hold");
        let last = self.records.iter().rev().find(decided);
        let slot = last.and_then(|record| record.body["slot"].as_str());
        newest == Some(Stage::Close) && slot != bar.as_deref()
    }
}

#[cfg(test)]
mod tests;
