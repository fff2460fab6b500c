//! The disk behind the journal: bytes that are checked, chained, and sometimes damaged.

use ballast_domain::kernel::{BatchId, Record};
use ballast_domain::time::Timestamp;

use super::planted::Planted;

/// Why a journal cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The bytes are not those that were acknowledged.
    Damaged(&'static str),
}

/// A batch on its way to the disk.
#[derive(Debug)]
struct Writing {
    id: BatchId,
    bytes: Vec<u8>,
    chain: u64,
}

/// What becomes of writes that were not acknowledged when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// None of them is there.
    Lost,
    /// All of them are there, though nobody was told.
    Kept,
    /// The first of them is there in part.
    Torn,
}

/// An append-only file with a second, small one that holds the acknowledged head.
#[derive(Debug, Default)]
pub(super) struct Disk {
    durable: Vec<u8>,
    /// Batches and chain value of what was acknowledged.
    anchor: (u64, u64),
    writing: std::collections::VecDeque<Writing>,
    /// Chain value after everything written, acknowledged or not.
    chain: u64,
    spare: Vec<u8>,
    /// No write succeeds before the next start.
    pub(super) broken: bool,
    /// What is wrong with it, on purpose.
    bug: Option<Planted>,
}

/// Length, sum and chain of a batch.
const HEADER: usize = 4 + 8;
/// Length and sum of a record.
const RECORD: usize = 4 + 8;

impl Disk {
    /// An empty disk.
    pub(super) fn new(bug: Option<Planted>) -> Self {
        Self {
            bug,
            ..Self::default()
        }
    }

    /// Hands a batch to the disk.
    pub(super) fn write(&mut self, id: BatchId, records: &[Record]) {
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        bytes.resize(HEADER, 0);
        for record in records {
            let start = bytes.len();
            bytes.resize(start + RECORD, 0);
            serde_json::to_writer(&mut bytes, record).expect("records are plain data");
            let body = start + RECORD;
            let length = u32::try_from(bytes.len() - body).expect("records are small");
            let sum = sum(0, &bytes[body..]);
            bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
            bytes[start + 4..body].copy_from_slice(&sum.to_le_bytes());
        }
        let length = u32::try_from(bytes.len() - HEADER).expect("batches are small");
        // The sums of the records cover their bytes; the chain covers the sums.
        self.chain = chain(self.chain, &bytes[HEADER..]).unwrap_or(0);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..HEADER].copy_from_slice(&self.chain.to_le_bytes());
        let chain = self.chain;
        self.writing.push_back(Writing { id, bytes, chain });
    }

    /// The batch that becomes durable next.
    pub(super) fn next_write(&self) -> Option<BatchId> {
        self.writing.front().map(|w| w.id)
    }

    /// The oldest batch is durable, if it is this one.
    pub(super) fn sync(&mut self, id: BatchId) -> bool {
        if self.writing.front().is_none_or(|w| w.id != id) {
            return false;
        }
        if self.broken {
            self.writing.pop_front();
            return self.bug == Some(Planted::FullDiskIgnored);
        }
        if let Some(mut w) = self.writing.pop_front() {
            self.durable.append(&mut w.bytes);
            self.anchor = (self.anchor.0 + 1, w.chain);
            self.spare = w.bytes;
        }
        true
    }

    /// The power fails.
    pub(super) fn fail_power(&mut self, fate: Fate, cut: usize) {
        match fate {
            Fate::Lost => {}
            Fate::Kept => {
                for mut w in self.writing.drain(..) {
                    self.durable.append(&mut w.bytes);
                }
            }
            Fate::Torn => {
                if let Some(w) = self.writing.front() {
                    let keep = 1 + cut % (w.bytes.len() - 1);
                    self.durable.extend_from_slice(&w.bytes[..keep]);
                }
            }
        }
        self.writing.clear();
    }

    /// Changes one bit of what is durable. The same call changes it back.
    pub(super) fn flip(&mut self, bit: usize) -> bool {
        let bits = self.durable.len() * 8;
        if bits == 0 {
            return false;
        }
        let bit = bit % bits;
        self.durable[bit / 8] ^= 1 << (bit % 8);
        true
    }

    /// Bytes that are durable.
    pub(super) const fn len(&self) -> usize {
        self.durable.len()
    }

    /// Reads everything back: checked, a torn tail cut off, what was acknowledged complete.
    pub(super) fn read(&mut self) -> Result<Vec<Vec<Record>>, Refused> {
        let mut batches = Vec::new();
        let (mut at, mut head) = (0, 0);
        let mut anchored = self.anchor.0 == 0;
        while let Some((end, next)) = self.batch(at, head) {
            batches.push(self.records(at + HEADER, end)?);
            (at, head) = (end, next);
            if batches.len() as u64 == self.anchor.0 {
                anchored = head == self.anchor.1;
            }
        }
        if !anchored || (batches.len() as u64) < self.anchor.0 {
            return Err(Refused::Damaged("what was acknowledged is not there"));
        }
        if self.bug == Some(Planted::TornTailAccepted) && at + HEADER < self.durable.len() {
            batches.push(self.records(at + HEADER, self.durable.len())?);
            return Ok(batches);
        }
        self.durable.truncate(at);
        self.chain = head;
        self.anchor = (batches.len() as u64, head);
        self.writing.clear();
        Ok(batches)
    }

    /// The end and chain value of the batch at `at`; `None` where there is no whole, true batch.
    fn batch(&self, at: usize, head: u64) -> Option<(usize, u64)> {
        let header = self.durable.get(at..at + HEADER)?;
        let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
        let stored = u64::from_le_bytes(header[4..].try_into().ok()?);
        let body = self
            .durable
            .get(at + HEADER..(at + HEADER).checked_add(length)?)?;
        let next = chain(head, body)?;
        (next == stored && self.sums_hold(at + HEADER, at + HEADER + length))
            .then_some((at + HEADER + length, next))
    }

    fn sums_hold(&self, mut at: usize, end: usize) -> bool {
        while at < end {
            let Some((body, next, stored)) = record(&self.durable[..end], at) else {
                return false;
            };
            if sum(0, &self.durable[body..next]) != stored {
                return false;
            }
            at = next;
        }
        true
    }

    fn records(&self, mut at: usize, end: usize) -> Result<Vec<Record>, Refused> {
        let mut records = Vec::new();
        while let Some((body, next, _)) = record(&self.durable[..end], at) {
            let read = serde_json::from_slice(&self.durable[body..next]);
            records.push(read.map_err(|_| Refused::Damaged("a record cannot be read"))?);
            at = next;
        }
        Ok(records)
    }
}

/// Start and end of the record at `at`, and its stored sum.
fn record(bytes: &[u8], at: usize) -> Option<(usize, usize, u64)> {
    let header = bytes.get(at..at + RECORD)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let stored = u64::from_le_bytes(header[4..].try_into().ok()?);
    let body = at + RECORD;
    let end = body.checked_add(length).filter(|e| *e <= bytes.len())?;
    Some((body, end, stored))
}

/// The chain after a batch: over the lengths and sums of its records.
fn chain(head: u64, body: &[u8]) -> Option<u64> {
    let (mut at, mut chain) = (0, sum(head, &body.len().to_le_bytes()));
    while at < body.len() {
        let (start, end, _) = record(body, at)?;
        chain = sum(chain, &body[at..start]);
        at = end;
    }
    Some(chain)
}

/// A 64-bit sum, eight bytes at a time: each step is a bijection of what came before, so no change
/// of a single word can go unseen.
fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut sum = seed ^ 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        sum = step(sum, u64::from_le_bytes(*word));
    }
    rest.iter().fold(sum, |s, byte| step(s, u64::from(*byte)))
}

const fn step(sum: u64, word: u64) -> u64 {
    (sum ^ word)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(29)
}

/// When a batch handed over at `now` is durable.
pub(super) fn durable_at(previous: Timestamp, now: Timestamp, nanos: i64) -> Timestamp {
    previous.max(now + ballast_domain::time::Span::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use ballast_domain::kernel::HoldRecord;

    use super::*;

    fn id(sequence: u64) -> BatchId {
        BatchId {
            sequence,
            digest: 0,
        }
    }

    fn hold(n: i64) -> Record {
        let time = Timestamp::from_nanos(n);
        Record::Hold(HoldRecord {
            time,
            slot: time,
            reason: "test".into(),
        })
    }

    fn disk(batches: u64) -> Disk {
        let mut disk = Disk::default();
        for n in 1..=batches {
            disk.write(id(n), &[hold(1), hold(2)]);
            assert!(disk.sync(id(n)));
        }
        disk
    }

    #[test]
    fn what_is_durable_comes_back() {
        let mut d = disk(3);
        assert_eq!(d.read(), Ok(vec![vec![hold(1), hold(2)]; 3]));
        d.write(id(1), &[hold(3)]);
        assert!(d.sync(id(1)));
        assert_eq!(d.read().map(|b| b.len()), Ok(4));
    }

    /// Every bit of a small journal.
    #[test]
    fn every_flipped_bit_is_found() {
        let mut d = disk(3);
        for bit in 0..d.len() * 8 {
            assert!(d.flip(bit));
            assert!(d.read().is_err(), "bit {bit}");
            assert!(d.flip(bit));
        }
        assert!(d.read().is_ok());
    }

    /// Every length of a torn tail, none of it acknowledged.
    #[test]
    fn a_torn_tail_is_cut_and_nothing_acknowledged_is() {
        let mut whole = disk(2);
        whole.write(id(3), &[hold(7)]);
        let tail = whole.writing[0].bytes.len();
        for cut in 0..tail - 1 {
            let mut d = disk(2);
            d.write(id(3), &[hold(7)]);
            d.fail_power(Fate::Torn, cut);
            assert_eq!(d.read().map(|b| b.len()), Ok(2), "cut {cut}");
        }
        whole.fail_power(Fate::Kept, 0);
        assert_eq!(whole.read().map(|b| b.len()), Ok(3));
        let mut short = disk(2);
        short.durable.truncate(short.durable.len() / 2 + 3);
        assert!(short.read().is_err(), "an acknowledged batch is missing");
    }
}
