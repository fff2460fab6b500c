//! A checksum that was recorded elsewhere, held against the bytes of a file.

use std::fmt;
use std::str::FromStr;

use ballast_domain::error::Error as DomainError;
use ballast_ports::Result;
use sha2::Digest as _;

use crate::defect::{Defect, DefectCode, Defects};
use crate::options::CsvSource;
use crate::source;

/// Hash of the bytes of a file as they are stored, written `sha256:HEX` or `blake3:HEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    is_sha256: bool,
    hex: String,
}

impl FromStr for Checksum {
    type Err = DomainError;

    fn from_str(text: &str) -> std::result::Result<Self, DomainError> {
        let refused = || {
            DomainError::config(format!("'{text}' is not a checksum"))
                .hint("write sha256: or blake3: and 64 hexadecimal digits")
        };
        let (name, hex) = text.split_once(':').ok_or_else(refused)?;
        let is_sha256 = match name {
            "sha256" => true,
            "blake3" => false,
            _ => return Err(refused()),
        };
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refused());
        }
        Ok(Self {
            is_sha256,
            hex: hex.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_sha256 { "sha256" } else { "blake3" };
        write!(f, "{name}:{}", self.hex)
    }
}

impl Checksum {
    /// A defect when the file has other bytes.
    ///
    /// # Errors
    /// As [`source::stored`].
    pub(crate) fn compare(
        &self,
        source: &CsvSource,
        name: &str,
        defects: &mut Defects,
    ) -> Result<()> {
        let bytes = source::stored(source)?;
        let found = if self.is_sha256 {
            let digest = sha2::Sha256::digest(&bytes);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            blake3::hash(&bytes).to_hex().to_string()
        };
        if found != self.hex {
            let message = format!("the bytes hash to {found}, not to {}", self.hex);
            let defect = Defect::new(DefectCode::Corrupt, name, message);
            defects.push(defect.hint("fetch the file again, or correct the checksum"));
        }
        Ok(())
    }
}
