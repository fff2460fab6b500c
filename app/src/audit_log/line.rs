//! One line of the audit log, worked out from a record of the journal and nothing else.

use ballast_domain::kernel::Record;
use ballast_journal::chain::{Hash, hex, unhex};
use ballast_journal::{Acceptance, decode};
use ballast_ports::{JournalRecord, Result};
use serde::Deserialize;

/// What every line begins with; the hash follows.
const BEGIN: &[u8] = b"{\"chain\":\"";
/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;
/// What follows the hash.
const AFTER: &[u8] = b"\",";

/// The event of a line that is not a record: a person accepted the journal as it is.
const ACCEPTANCE: &str = "acceptance";

/// The event of a record; records of other kinds have no line.
const fn event_of(record: &Record) -> Option<&'static str> {
    Some(match record {
        Record::Decision(_) | Record::Hold(_) => "signal",
        Record::Leg(_) | Record::Residual(_) => "allocation",
        Record::Intent(r) if r.verdict.passed() => "order",
        Record::Intent(_) => "denial",
        Record::Order(_) => "order_status",
        Record::Fill(_) | Record::Void(_) => "execution",
        Record::Mode(_) => "override",
        Record::Adjustment(_) => "adjustment",
        Record::Dispute(_) => "dispute",
        Record::Orphan(_) => "orphan",
        Record::Session(_) => "session",
        Record::Entry(_) | Record::Split(_) | Record::State(_) | Record::Agreement(_) => {
            return None;
        }
    })
}

/// Where a line stands: after which record, and for an acceptance of which commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The number of its record, or of the last one before it.
    pub(super) record: u64,
    /// The commit of an acceptance; 0 for the line of a record.
    pub(super) commit: u64,
}

impl Position {
    pub(super) const fn of_acceptance(acceptance: &Acceptance) -> Self {
        Self {
            record: acceptance.record,
            commit: acceptance.commit,
        }
    }
}

/// What a line says, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Position,
    /// The rest of the object, after the hash.
    rest: Vec<u8>,
}

impl Entry {
    /// The line of a record, byte for byte as it is stored; `None` for one that has none.
    ///
    /// # Errors
    /// As [`decode`].
    pub(super) fn of_record(record: &JournalRecord) -> Result<Option<Self>> {
        let Some(event) = event_of(&decode(record)?) else {
            return Ok(None);
        };
        let (seq, kind) = (record.seq, record.kind.as_str());
        let mut rest =
            format!("\"seq\":{seq},\"event\":\"{event}\",\"kind\":\"{kind}\",\"record\":")
                .into_bytes();
        rest.extend_from_slice(&record.body);
        rest.push(b'}');
        let at = Position {
            record: seq,
            commit: 0,
        };
        Ok(Some(Self { at, rest }))
    }

    pub(super) fn of_acceptance(acceptance: &Acceptance) -> Self {
        // Plain data with text keys: it always has a text.
        let text = serde_json::to_string(acceptance).unwrap_or_default();
        let rest = format!(
            "\"seq\":{},\"event\":\"{ACCEPTANCE}\",\"kind\":\"commit\",\"record\":{text}}}",
            acceptance.record
        );
        Self {
            at: Position::of_acceptance(acceptance),
            rest: rest.into_bytes(),
        }
    }

    /// Whether `line`, without its end, says this, whatever its hash.
    pub(super) fn is_rest_of(&self, line: &[u8]) -> bool {
        line.get(BEGIN.len() + DIGITS + AFTER.len()..) == Some(&self.rest)
    }

    /// The whole line after `chain`, which goes on from it.
    pub(super) fn after(&self, chain: &mut Chain) -> Vec<u8> {
        *chain = chain.then(&self.rest);
        let mut line = BEGIN.to_vec();
        line.extend_from_slice(hex(&chain.0).as_bytes());
        line.extend_from_slice(AFTER);
        line.extend_from_slice(&self.rest);
        line.push(b'\n');
        line
    }
}

/// The hash of the last line: over it, and the hash of the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(Hash);

impl Chain {
    /// What the lines of every account grow from: the journal they are compared with knows its own.
    pub(super) fn root() -> Self {
        Self(*blake3::hash(b"ballast audit 1").as_bytes())
    }

    fn then(&self, rest: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(rest);
        Self(*hasher.finalize().as_bytes())
    }

    /// Goes on over a line of the file, without its end; what it says, if its hash holds.
    pub(super) fn over(&mut self, line: &[u8]) -> Option<Said> {
        let rest = line.strip_prefix(BEGIN)?;
        let (digits, rest) = rest.split_at_checked(DIGITS)?;
        let rest = rest.strip_prefix(AFTER)?;
        let hash = unhex(std::str::from_utf8(digits).ok()?)?;
        let next = self.then(rest);
        if next.0 != hash {
            return None;
        }
        *self = next;
        Said::read(line)
    }
}

/// What a line of the file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) at: Position,
    pub(super) acceptance: Option<Acceptance>,
}

impl Said {
    /// Reads a line without its end, whatever its hash.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head {
            seq: u64,
            event: String,
        }
        #[derive(Deserialize)]
        struct Accepted {
            record: Acceptance,
        }
        let head: Head = serde_json::from_slice(line).ok()?;
        let acceptance = match head.event == ACCEPTANCE {
            true => Some(serde_json::from_slice::<Accepted>(line).ok()?.record),
            false => None,
        };
        Some(Self {
            at: Position {
                record: head.seq,
                commit: acceptance.as_ref().map_or(0, |a| a.commit),
            },
            acceptance,
        })
    }
}
