//! Keys that were, and are refused for ever: an old name must never come to mean something new.

/// A key that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retired {
    /// Its dotted path.
    pub(super) path: &'static str,
    /// The first version without it.
    pub(super) since: &'static str,
    /// What to do about it.
    pub(super) instead: &'static str,
}

/// All of them. A key that leaves [`KEYS`](super::keys::KEYS) gets a row here, and stays in
/// `keys_ever.txt`, which a test compares with both.
pub(super) const RETIRED: &[Retired] = &[];

/// The key at `path`, when it is gone.
pub(super) fn find<'a>(retired: &'a [Retired], path: &str) -> Option<&'a Retired> {
    retired.iter().find(|key| key.path == path)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{CRITERIA, KEYS, RULES};
    use super::*;

    /// Every key that any version read: sorted, one a line, only ever longer.
    const EVER: &str = include_str!("keys_ever.txt");

    /// What is wrong between the keys there are, those that are gone and those that ever were.
    fn gaps(now: &[String], retired: &[Retired], ever: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for key in now {
            if find(retired, key).is_some() {
                found.push(format!("{key} is retired and read again: take a new name"));
            }
            if !ever.contains(&key.as_str()) {
                found.push(format!("{key} is new: add it to keys_ever.txt"));
            }
        }
        for key in ever {
            if !now.iter().any(|known| known == key) && find(retired, key).is_none() {
                found.push(format!("{key} is gone: say so in RETIRED"));
            }
        }
        found
    }

    #[test]
    fn a_key_that_ever_was_is_read_or_refused_for_ever() {
        let now: Vec<String> = KEYS
            .iter()
            .chain(RULES)
            .chain(CRITERIA)
            .map(|key| format!("{}.{}", key.section, key.name))
            .collect();
        let ever: Vec<&str> = EVER.lines().collect();
        assert_eq!(gaps(&now, RETIRED, &ever), Vec::<String>::new());
        assert!(ever.is_sorted(), "keep keys_ever.txt sorted");
        // Each gap is found.
        let gone = Retired {
            path: "risk.power",
            since: "0.2",
            instead: "leave it out",
        };
        let keys = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(gaps(&keys(&["a.b"]), &[], &["a.b", "risk.power"]).len(), 1);
        assert_eq!(
            gaps(&keys(&["a.b"]), &[gone], &["a.b", "risk.power"]).len(),
            0
        );
        assert_eq!(gaps(&keys(&["a.b", "a.new"]), &[], &["a.b"]).len(), 1);
        let again = keys(&["risk.power"]);
        assert_eq!(gaps(&again, &[gone], &["risk.power"]).len(), 1);
    }
}
