//! One entry of the cache as a row, and the proof that it is what was written.

use ballast_domain::time::Timestamp;
use ballast_ports::{Entry, Error, ErrorKind, Lifetime, Result};
use tokio_postgres::Row;

/// Number of the format below, in the name of the table and in each digest: a program with another
/// format has a table of its own.
pub(crate) const VERSION: u8 = 1;

/// What a row holds. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedRow {
    /// Text of any kind, with bytes that the server's text cannot hold.
    pub(crate) key: Vec<u8>,
    pub(crate) stored_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) value: Vec<u8>,
    /// BLAKE3 of the value.
    pub(crate) checksum: Vec<u8>,
    /// BLAKE3 of the version and of everything above; the value is in it through its checksum.
    pub(crate) digest: Vec<u8>,
}

/// The primary key: BLAKE3 of the key, so that any length is one of 32 bytes.
pub(crate) fn name(key: &str) -> Vec<u8> {
    blake3::hash(key.as_bytes()).as_bytes().to_vec()
}

impl CachedRow {
    pub(crate) fn new(key: &str, value: Vec<u8>, lifetime: Lifetime) -> Self {
        let mut row = Self {
            key: key.as_bytes().to_vec(),
            stored_at: lifetime.stored_at.nanos(),
            expires_at: lifetime.expires_at.nanos(),
            checksum: blake3::hash(&value).as_bytes().to_vec(),
            digest: Vec::new(),
            value,
        };
        row.digest = row.digest_of();
        row
    }

    fn digest_of(&self) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"ballast cache ").update(&[VERSION]);
        hasher.update(&(self.key.len() as u64).to_le_bytes());
        hasher.update(&self.key);
        hasher.update(&self.stored_at.to_le_bytes());
        hasher.update(&self.expires_at.to_le_bytes());
        hasher.update(&self.checksum);
        hasher.finalize().as_bytes().to_vec()
    }

    /// The columns of a row in the order of the fields.
    pub(crate) fn of(row: &Row) -> Result<Self> {
        let foreign = |e: tokio_postgres::Error| corrupt("a column has another type").caused_by(e);
        Ok(Self {
            key: row.try_get(0).map_err(foreign)?,
            stored_at: row.try_get(1).map_err(foreign)?,
            expires_at: row.try_get(2).map_err(foreign)?,
            value: row.try_get(3).map_err(foreign)?,
            checksum: row.try_get(4).map_err(foreign)?,
            digest: row.try_get(5).map_err(foreign)?,
        })
    }

    /// The entry under `key`.
    ///
    /// # Errors
    /// `InvalidData` for every bit that is not as it was written, when `verify`; without it only for
    /// another key's row and for a checksum that is none.
    pub(crate) fn into_entry(self, key: &str, verify: bool) -> Result<Entry> {
        if self.key != key.as_bytes() {
            return Err(corrupt("it is another key's row").context("key", key));
        }
        if verify && self.digest_of() != self.digest {
            return Err(corrupt("its digest does not fit").context("key", key));
        }
        if verify && blake3::hash(&self.value).as_bytes()[..] != self.checksum {
            return Err(corrupt("its checksum does not fit").context("key", key));
        }
        let Ok(checksum) = self.checksum.try_into() else {
            return Err(corrupt("its checksum is none").context("key", key));
        };
        Ok(Entry {
            value: self.value,
            lifetime: Lifetime {
                stored_at: Timestamp::from_nanos(self.stored_at),
                expires_at: Timestamp::from_nanos(self.expires_at),
            },
            checksum,
        })
    }
}

fn corrupt(why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "get",
        format!("an entry of the cache is corrupt: {why}"),
    )
    .hint(
        "it is treated as a miss and replaced by the next answer; if it repeats, check the server's \
         disk",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bit of every column is guarded, the key and both times included.
    #[test]
    fn every_flipped_bit_is_refused() {
        let lifetime = Lifetime {
            stored_at: Timestamp::MIN,
            expires_at: Timestamp::MAX,
        };
        let row = CachedRow::new("key", b"value".to_vec(), lifetime);
        let entry = row.clone().into_entry("key", true).unwrap();
        assert_eq!(
            (&entry.value[..], entry.lifetime),
            (&b"value"[..], lifetime)
        );
        let mut flips = 0;
        let mut refuse = |row: CachedRow| {
            let e = row.into_entry("key", true).unwrap_err();
            assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
            assert!(e.advice().is_some());
            flips += 1;
        };
        let columns: [fn(&mut CachedRow) -> &mut Vec<u8>; 4] = [
            |row| &mut row.key,
            |row| &mut row.value,
            |row| &mut row.checksum,
            |row| &mut row.digest,
        ];
        for column in columns {
            for bit in 0..column(&mut row.clone()).len() * 8 {
                let mut flipped = row.clone();
                column(&mut flipped)[bit / 8] ^= 1 << (bit % 8);
                refuse(flipped);
            }
        }
        for bit in 0..64 {
            for time in [
                |row: &mut CachedRow, mask| row.stored_at ^= mask,
                |row: &mut CachedRow, mask| row.expires_at ^= mask,
            ] as [fn(&mut CachedRow, i64); 2]
            {
                let mut flipped = row.clone();
                time(&mut flipped, 1 << bit);
                refuse(flipped);
            }
        }
        assert_eq!(flips, 8 * (3 + 5 + 32 + 32) + 128);
        // What looks like another row but has a digest of its own is another key's.
        let other = CachedRow::new("other", b"value".to_vec(), lifetime);
        for verify in [true, false] {
            other.clone().into_entry("key", verify).unwrap_err();
        }
        let mut quick = row;
        quick.value[0] ^= 1;
        assert_eq!(quick.into_entry("key", false).unwrap().value, b"walue");
    }
}
