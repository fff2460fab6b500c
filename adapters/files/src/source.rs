//! Bytes of files: found, hashed, unpacked and known to be text.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};
use flate2::read::MultiGzDecoder;

use crate::columnar;
use crate::defect::{Defect, DefectCode};
use crate::inventory::FileDigest;
use crate::options::CsvSource;

/// The largest file after unpacking: 4 GiB. More is a job for a column store, or a file made to
/// exhaust memory.
const UNPACKED_MAX: u64 = 4 << 30;

/// A file as text.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// File name without its folder.
    pub(crate) name: String,
    /// The name without `.csv`, `.csv.gz` and `.parquet`.
    pub(crate) stem: String,
    /// Hash and size of the bytes as they are stored.
    pub(crate) digest: FileDigest,
    /// The text without its byte order mark, of Parquet its cells as text, or why there is none.
    pub(crate) text: std::result::Result<String, Box<Defect>>,
    /// Whether a byte order mark was removed.
    pub(crate) had_bom: bool,
}

/// The files of a source in name order, and whether it is a folder. Parquet files of a folder are
/// taken when it has no CSV file: the two are mostly copies of each other.
///
/// # Errors
/// `NotFound` when the path does not exist or a folder has no data file; `Unauthenticated` when it
/// may not be read; `Unavailable` when reading fails.
pub(crate) fn read(source: &CsvSource, except: Option<&Path>) -> Result<(Vec<TextFile>, bool)> {
    match source {
        CsvSource::Bytes { name, data } => Ok((vec![text_file(name, data)], false)),
        CsvSource::Path(path) if path.is_dir() => {
            let mut names = Vec::new();
            for entry in fs::read_dir(path).map_err(|e| unreadable(path, e))? {
                let file = entry.map_err(|e| unreadable(path, e))?.path();
                let name = file_name(&file);
                if is_data(&name) && !is_same(&file, except) {
                    names.push((name, file));
                }
            }
            names.sort();
            if names.iter().any(|(name, _)| !is_parquet(name)) {
                names.retain(|(name, _)| !is_parquet(name));
            }
            if names.is_empty() {
                return Err(
                    Error::new(ErrorKind::NotFound, "open", "the folder has no data file")
                        .context("path", path.display())
                        .hint("put files named SYMBOL.csv, SYMBOL.csv.gz or SYMBOL.parquet there"),
                );
            }
            let files = names
                .iter()
                .map(|(name, file)| Ok(text_file(name, &read_file(file)?)))
                .collect::<Result<_>>()?;
            Ok((files, true))
        }
        CsvSource::Path(path) => Ok((vec![text_file(&file_name(path), &read_file(path)?)], false)),
    }
}

/// The stored bytes of one file.
///
/// # Errors
/// `Config` for a folder; otherwise as [`read`].
pub(crate) fn stored(source: &CsvSource) -> Result<Vec<u8>> {
    match source {
        CsvSource::Bytes { data, .. } => Ok(data.to_vec()),
        CsvSource::Path(path) if path.is_dir() => {
            Err(
                Error::new(ErrorKind::Config, "open", "a folder has no checksum")
                    .context("path", path.display())
                    .hint("check one file, or leave the checksum out"),
            )
        }
        CsvSource::Path(path) => read_file(path),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| unreadable(path, e))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "check the path"),
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::Unauthenticated, "allow this user to read it")
        }
        _ => (ErrorKind::Unavailable, "check the disk"),
    };
    Error::new(kind, "open", "file cannot be read")
        .context("path", path.display())
        .hint(hint)
        .caused_by(error)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn is_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let endings = [".csv", ".csv.gz", ".parquet"];
    !name.starts_with('.') && endings.iter().any(|ending| name.ends_with(ending))
}

fn is_parquet(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".parquet")
}

fn is_same(file: &Path, other: Option<&Path>) -> bool {
    other.is_some_and(|other| {
        file == other
            || matches!((file.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
    })
}

fn stem(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let cut = [".csv.gz", ".csv", ".gz", ".parquet"]
        .iter()
        .find(|ending| lower.ends_with(*ending))
        .map_or(0, |ending| ending.len());
    name[..name.len() - cut].to_owned()
}

fn text_file(name: &str, raw: &[u8]) -> TextFile {
    let (text, had_bom) = if columnar::is_parquet(name, raw) {
        (columnar::to_text(name, raw), false)
    } else {
        match unpack(name, raw, UNPACKED_MAX) {
            Ok(bytes) => decode(name, bytes),
            Err(defect) => (Err(defect), false),
        }
    };
    TextFile {
        name: name.to_owned(),
        stem: stem(name),
        digest: FileDigest {
            name: name.to_owned(),
            bytes: raw.len() as u64,
            blake3: blake3::hash(raw).to_hex().to_string(),
        },
        text,
        had_bom,
    }
}

/// Gzip is known by its first two bytes, whatever the name says.
fn unpack(name: &str, raw: &[u8], max: u64) -> std::result::Result<Vec<u8>, Box<Defect>> {
    if !raw.starts_with(&[0x1f, 0x8b]) {
        return Ok(raw.to_vec());
    }
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(raw)
        .take(max + 1)
        .read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 > max => {
            let message = format!("more than {max} bytes after unpacking");
            let defect = Defect::new(DefectCode::BadEncoding, name, message);
            Err(Box::new(defect.hint("split the file")))
        }
        Ok(_) => Ok(bytes),
        Err(e) => {
            let (code, message) = if e.kind() == io::ErrorKind::UnexpectedEof {
                (
                    DefectCode::Truncated,
                    "the gzip file is cut short".to_owned(),
                )
            } else {
                (
                    DefectCode::BadEncoding,
                    format!("not a whole gzip file: {e}"),
                )
            };
            let defect = Defect::new(code, name, message);
            Err(Box::new(defect.hint("fetch the file again")))
        }
    }
}

fn decode(name: &str, mut bytes: Vec<u8>) -> (std::result::Result<String, Box<Defect>>, bool) {
    let refuse = |message: &str| {
        let defect = Defect::new(DefectCode::BadEncoding, name, message);
        defect.hint("save the file as UTF-8 text")
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return (Err(Box::new(refuse("the file is UTF-16"))), true);
    }
    let had_bom = bytes.starts_with(&[0xef, 0xbb, 0xbf]);
    if had_bom {
        bytes.drain(..3);
    }
    let line = |position: usize, bytes: &[u8]| {
        1 + bytes[..position].iter().filter(|b| **b == b'\n').count() as u64
    };
    if let Some(position) = bytes.iter().position(|b| *b == 0) {
        let row = line(position, &bytes);
        let defect = refuse("the file has NUL bytes").row(row);
        return (Err(Box::new(defect)), had_bom);
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let row = line(e.utf8_error().valid_up_to(), e.as_bytes());
        Box::new(refuse("the file is not UTF-8").row(row))
    });
    (text, had_bom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lose_their_endings() {
        for (name, expected) in [
            ("AAPL.csv", "AAPL"),
            ("BRK.B.csv.gz", "BRK.B"),
            ("BTC-USD.CSV", "BTC-USD"),
            ("prices.gz", "prices"),
            ("SPY.parquet", "SPY"),
            ("prices", "prices"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }

    #[test]
    fn unpacking_is_bounded() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&[b'x'; 1_000]).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(unpack("a.csv.gz", &packed, 1_000).unwrap().len(), 1_000);
        let defect = unpack("a.csv.gz", &packed, 999).unwrap_err();
        assert!(defect.message.contains("more than 999 bytes"));
    }
}
