//! One entry as the bytes of a file: versioned, with its key, and a checksum over all of it.

use ballast_domain::time::Timestamp;
use ballast_ports::{Entry, Error, ErrorKind, Lifetime, Result};

/// First bytes of every entry, and its version.
const MAGIC: [u8; 4] = *b"BCE\x02";

/// Version of the format, as manifests name it.
pub(crate) const VERSION: u32 = 2;

/// BLAKE3 at the end of the file.
const DIGEST: usize = 32;

/// An entry with its key: magic, key, lifetime, digest of the value, value, digest of all that. Numbers
/// are little-endian, texts begin with their length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EntryFile {
    pub(crate) key: String,
    pub(crate) lifetime: Lifetime,
    pub(crate) value: Vec<u8>,
}

impl EntryFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.key.len() as u64).to_le_bytes());
        bytes.extend(self.key.as_bytes());
        for time in [self.lifetime.stored_at, self.lifetime.expires_at] {
            bytes.extend(time.nanos().to_le_bytes());
        }
        bytes.extend(blake3::hash(&self.value).as_bytes());
        bytes.extend((self.value.len() as u64).to_le_bytes());
        bytes.extend(&self.value);
        let digest = blake3::hash(&bytes);
        bytes.extend(digest.as_bytes());
        bytes
    }

    /// The entry with the checksum of its value.
    ///
    /// # Errors
    /// `InvalidData` for every byte that is not as it was written, when `verify`; without it only for
    /// what is no entry any more.
    pub(crate) fn decode(bytes: &[u8], verify: bool) -> Result<(Self, [u8; DIGEST])> {
        let split = bytes.len().checked_sub(DIGEST);
        let (body, digest) = bytes.split_at(split.ok_or_else(|| corrupt("it is too short"))?);
        if verify && blake3::hash(body).as_bytes() != digest {
            return Err(corrupt("its checksum does not fit"));
        }
        let mut rest = body
            .strip_prefix(&MAGIC)
            .ok_or_else(|| corrupt("it is of another version"))?;
        let key = text(&mut rest)?;
        let key = String::from_utf8(key).map_err(|_| corrupt("its key is no text"))?;
        let mut time = || number(&mut rest).map(|n| Timestamp::from_nanos(n.cast_signed()));
        let lifetime = Lifetime {
            stored_at: time()?,
            expires_at: time()?,
        };
        let short = || corrupt("it ends too early");
        let (checksum, after) = rest.split_first_chunk::<DIGEST>().ok_or_else(short)?;
        rest = after;
        let value = text(&mut rest)?;
        if !rest.is_empty() {
            return Err(corrupt("bytes are left over"));
        }
        let file = Self {
            key,
            lifetime,
            value,
        };
        Ok((file, *checksum))
    }

    pub(crate) fn into_entry(self, checksum: [u8; DIGEST]) -> Entry {
        Entry {
            checksum,
            value: self.value,
            lifetime: self.lifetime,
        }
    }
}

pub(crate) fn corrupt(why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "get",
        format!("an entry of the cache is corrupt: {why}"),
    )
    .hint("it is treated as a miss and replaced by the next answer; if it repeats, test the disk")
}

fn number(rest: &mut &[u8]) -> Result<u64> {
    let short = || corrupt("it ends too early");
    let (head, tail) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    *rest = tail;
    Ok(u64::from_le_bytes(*head))
}

fn text(rest: &mut &[u8]) -> Result<Vec<u8>> {
    let length = usize::try_from(number(rest)?).unwrap_or(usize::MAX);
    let short = || corrupt("it ends too early");
    let (head, tail) = rest.split_at_checked(length).ok_or_else(short)?;
    *rest = tail;
    Ok(head.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CAC-06: a version that is not known is refused by name, also under a right checksum.
    #[test]
    fn cac_06_another_version_is_refused() {
        let entry = EntryFile {
            key: "k".to_owned(),
            lifetime: Lifetime {
                stored_at: Timestamp::MIN,
                expires_at: Timestamp::MAX,
            },
            value: vec![1, 2, 3],
        };
        let bytes = entry.encode();
        assert_eq!(EntryFile::decode(&bytes, true).unwrap().0, entry);
        let mut later = bytes[..bytes.len() - DIGEST].to_vec();
        later[3] += 1;
        let digest = blake3::hash(&later);
        later.extend(digest.as_bytes());
        let e = EntryFile::decode(&later, true).unwrap_err();
        assert!(e.to_string().contains("another version"), "{e}");
    }

    /// Lengths that lie under a right checksum are refused, and nothing is reserved for them.
    #[test]
    fn a_length_beyond_the_file_is_refused() {
        let mut body = MAGIC.to_vec();
        body.extend(u64::MAX.to_le_bytes());
        let digest = blake3::hash(&body);
        body.extend(digest.as_bytes());
        for verify in [true, false] {
            EntryFile::decode(&body, verify).unwrap_err();
        }
    }
}
