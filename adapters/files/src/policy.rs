//! Rules of the data contract that can be chosen.

use ballast_domain::market::contract::{DefectCode, Verdict};

use crate::defect::{Defect, Severity};

/// Two rules on which good houses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractPolicy {
    /// Whether a time of day without a zone rejects the file; else it is read as UTC, with a
    /// warning.
    pub require_zone: bool,
    /// Whether a row that lacks a value is left out and the rest used; else one such row rejects
    /// the file.
    pub allow_missing: bool,
}

impl Default for ContractPolicy {
    fn default() -> Self {
        Self::USUAL
    }
}

impl ContractPolicy {
    /// Zones are required, rows may lack values.
    pub const USUAL: Self = Self {
        require_zone: true,
        allow_missing: true,
    };

    /// What follows from a defect of reading.
    pub(crate) fn verdict(self, found: &Defect) -> Verdict {
        match (found.code, found.severity) {
            // A missing line end may have cost digits, which nobody can tell: it stays a warning.
            (DefectCode::Truncated, Severity::Warning) => Verdict::Warn,
            (DefectCode::NaiveTimestamp, _) if !self.require_zone => Verdict::Warn,
            (DefectCode::MissingValue, _) if !self.allow_missing => Verdict::Reject,
            (code, _) => code.verdict(),
        }
    }
}
