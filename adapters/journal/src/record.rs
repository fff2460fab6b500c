//! Records of the kernel as canonical bytes, and back: also from bytes that older programs wrote.

use ballast_domain::kernel::{Record, StateRecord};
use ballast_domain::strategy::State;
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, JournalRecord, Result};
use serde::Deserialize;

use crate::refusal::STATE;

/// How a body of an older version becomes a record of today: it is read as what it was.
#[derive(Clone, Copy, Debug)]
pub struct Upcaster {
    /// Which kind.
    pub kind: &'static str,
    /// The older version.
    pub version: u32,
    /// Reads a body of that version.
    pub read: fn(&[u8]) -> serde_json::Result<Record>,
}

/// A reader for each kind and version that is not today's.
pub const UPCASTERS: &[Upcaster] = &[Upcaster {
    kind: "state",
    version: 1,
    read: state_in_numbers,
}];

/// A strategy's memory as a list of numbers.
fn state_in_numbers(body: &[u8]) -> serde_json::Result<Record> {
    #[derive(Deserialize)]
    struct StateRecordV1 {
        time: Timestamp,
        state: StateV1,
    }
    #[derive(Deserialize)]
    struct StateV1 {
        words: Vec<u64>,
    }
    let StateRecordV1 { time, state } = serde_json::from_slice(body)?;
    let state = State { words: state.words };
    Ok(Record::State(StateRecord { time, state }))
}

/// The record with its number, as a journal takes it: canonical JSON, `v` first.
///
/// # Errors
/// `InvalidData` when the record holds a number that has no text, such as an infinite one.
pub fn encode(seq: u64, record: &Record) -> Result<JournalRecord> {
    let body = serde_json::to_vec(&record.body()).map_err(|e| {
        Error::new(
            ErrorKind::InvalidData,
            "encode",
            "a record cannot be written",
        )
        .context("kind", record.kind())
        .caused_by(e)
        .hint("a record holds a value that has no text: this is a bug of its maker")
    })?;
    let encoded = JournalRecord {
        seq,
        kind: record.kind().to_owned(),
        body,
    };
    checked(&encoded)?;
    Ok(encoded)
}

/// The record a journal holds, also one written by an older program.
///
/// # Errors
/// `Unsupported` when kind or version are newer than this program; `InvalidData` when the body is
/// not one of its kind and version.
pub fn decode(record: &JournalRecord) -> Result<Record> {
    decoded(&record.kind, &record.body, UPCASTERS).map_err(|e| e.context("record", record.seq))
}

/// Reads a body as its kind and version say.
///
/// # Errors
/// As [`decode`].
pub fn decoded(kind: &str, body: &[u8], upcasters: &[Upcaster]) -> Result<Record> {
    /// Every body says its version.
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let bad = |e: serde_json::Error| {
        Error::new(ErrorKind::InvalidData, STATE, "a record cannot be read")
            .context("kind", kind)
            .caused_by(e)
            .hint("the record is not one that this program writes")
    };
    if !Record::KINDS.contains(&kind) {
        return Err(newer(format!("there is no kind of record '{kind}' here")));
    }
    let Version { v } = serde_json::from_slice(body).map_err(bad)?;
    if let Some(older) = upcasters.iter().find(|u| (u.kind, u.version) == (kind, v)) {
        return (older.read)(body).map_err(bad);
    }
    let record = Record::from_body(kind, &mut serde_json::Deserializer::from_slice(body));
    if record.as_ref().is_ok_and(|r| r.version() == v) {
        return record.map_err(bad);
    }
    if v == 1 {
        return Err(record.err().map_or_else(
            || newer(format!("a {kind} record of version 1 has no reader here")),
            bad,
        ));
    }
    Err(newer(format!("a {kind} record has version {v}")))
}

fn newer(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, STATE, what)
        .hint("a newer program wrote this journal: use that one, or a newer one")
}

/// The record in these bytes, if they are what this program would write for it: the only ones a
/// journal takes.
///
/// # Errors
/// As [`decode`]; `InvalidData` for other bytes.
pub fn checked(record: &JournalRecord) -> Result<Record> {
    let read = decoded(&record.kind, &record.body, &[])?;
    let again = serde_json::to_vec(&read.body()).unwrap_or_default();
    if again == record.body {
        return Ok(read);
    }
    Err(Error::new(
        ErrorKind::InvalidData,
        STATE,
        "a record is not in its canonical bytes",
    )
    .context("kind", &record.kind)
    .context("record", record.seq)
    .hint("encode records with `ballast_journal::encode`; numbers must be finite"))
}

#[cfg(test)]
mod tests;
