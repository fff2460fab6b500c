//! The source revision the program was built from.

use serde::{Deserialize, Serialize};

/// A source revision; everything is `None` when the program was built outside a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// All 40 hex digits.
    pub git_sha: Option<String>,
    /// The first 7.
    pub git_sha_short: Option<String>,
    /// Whether tracked files differed from the revision.
    pub git_dirty: Option<bool>,
}

impl Revision {
    /// Of this build.
    pub fn of_build() -> Self {
        Self::parse(
            option_env!("BALLAST_GIT_SHA"),
            option_env!("BALLAST_GIT_DIRTY"),
        )
    }

    /// From what the build script found; anything but 40 hex digits is no revision.
    pub fn parse(sha: Option<&str>, dirty: Option<&str>) -> Self {
        let is_sha = |text: &&str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let Some(sha) = sha.filter(is_sha) else {
            return Self::default();
        };
        Self {
            git_sha: Some(sha.to_owned()),
            git_sha_short: Some(sha[..7].to_owned()),
            git_dirty: dirty.and_then(|text| text.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REP-02: 7 and 40 digits, and nothing at all outside a repository.
    #[test]
    fn rep_02_revision_is_short_and_full_or_absent() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let revision = Revision::parse(Some(sha), Some("true"));
        assert_eq!(revision.git_sha.as_deref(), Some(sha));
        assert_eq!(revision.git_sha_short.as_deref(), Some("0123456"));
        assert_eq!(revision.git_dirty, Some(true));
        for absent in [None, Some(""), Some("fatal: not a git repository")] {
            let revision = Revision::parse(absent, Some("false"));
            assert_eq!(revision, Revision::default());
            let json = serde_json::to_value(&revision).unwrap();
            assert!(json["git_sha"].is_null() && json["git_dirty"].is_null());
        }
    }
}
