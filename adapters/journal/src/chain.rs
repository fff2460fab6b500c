//! The hash chain: a checksum for each record, and one link for each commit over the stored bytes.

use ballast_ports::JournalBatch;

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// Bytes of a record's checksum: the beginning of its hash.
pub const CHECKSUM: usize = 16;

/// What a chain grows from: the account's name, so that no two accounts share a history.
pub fn root(account: &str) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ballast journal 1\0");
    hasher.update(account.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The hash of a record: number, kind and the bytes as they are stored.
pub fn record(seq: u64, kind: &str, body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"record 1\0");
    hasher.update(&seq.to_le_bytes());
    hasher.update(&(kind.len() as u64).to_le_bytes());
    hasher.update(kind.as_bytes());
    hasher.update(body);
    *hasher.finalize().as_bytes()
}

/// A link under way: what one commit adds.
#[derive(Clone, Debug)]
pub struct LinkHasher(blake3::Hasher);

impl LinkHasher {
    /// A commit after the one with hash `before`.
    pub fn new(before: &Hash, number: u64, epoch: u64, note: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"link 1\0");
        hasher.update(before);
        hasher.update(&number.to_le_bytes());
        hasher.update(&epoch.to_le_bytes());
        hasher.update(&(note.len() as u64).to_le_bytes());
        hasher.update(note.as_bytes());
        Self(hasher)
    }

    /// A batch of the commit; its records follow.
    pub fn batch(&mut self, seq: u64, digest: u64, last_record: u64) {
        self.0.update(b"b");
        self.0.update(&seq.to_le_bytes());
        self.0.update(&digest.to_le_bytes());
        self.0.update(&last_record.to_le_bytes());
    }

    /// A record of the batch.
    pub fn record(&mut self, hash: &Hash) {
        self.0.update(b"r");
        self.0.update(hash);
    }

    /// The link's hash.
    pub fn finish(self) -> Hash {
        *self.0.finalize().as_bytes()
    }
}

/// The number of the last record after `batch`.
pub fn last_record(batch: &JournalBatch, before: u64) -> u64 {
    batch.records.last().map_or(before, |r| r.seq)
}

/// Lowercase hexadecimal.
pub fn hex(hash: &Hash) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

/// The hash with this lowercase hexadecimal text.
pub fn unhex(text: &str) -> Option<Hash> {
    let hash = blake3::Hash::from_hex(text).ok()?;
    (hash.to_hex().as_str() == text).then(|| *hash.as_bytes())
}
