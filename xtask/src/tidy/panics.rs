//! Production code does not unwrap and does not panic: each crate that ships denies both, and each exception
//! has a reason.

use super::{Finding, SourceFile};

/// What stands at the root of each crate that ships.
const DENIED: [&str; 2] = [
    "#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]",
    "#![cfg_attr(not(test), deny(clippy::panic))]",
];

/// Rooms that do not ship.
const WORKSHOPS: [&str; 2] = ["testkit/", "xtask/"];

/// Every crate that ships denies `unwrap`, `expect` and `panic!` outside of tests, and what allows one says why.
pub(super) fn no_unwrap_in_production(files: &[SourceFile]) -> Vec<Finding> {
    let ships = |path: &str| !WORKSHOPS.iter().any(|room| path.starts_with(room));
    let mut found = Vec::new();
    for file in files.iter().filter(|file| ships(&file.path)) {
        let is_root = file.path.ends_with("src/lib.rs") || file.path == "app/src/main.rs";
        let lacks = |denied: &&str| !file.text().lines().any(|line| line == *denied);
        for denied in DENIED.iter().filter(|denied| is_root && lacks(denied)) {
            let message = format!("a crate that ships denies unwrap, expect and panic: `{denied}`");
            found.push(Finding::about(file, message));
        }
        let allowed = file.text().match_indices("allow(");
        let bare = allowed.filter(|(at, _)| {
            let rest = &file.text()[*at..];
            let inside = rest.split_once(")]").map_or(rest, |(inside, _)| inside);
            let names = [
                "clippy::unwrap_used",
                "clippy::expect_used",
                "clippy::panic",
            ];
            names.iter().any(|name| inside.contains(name)) && !inside.contains("reason =")
        });
        if file.path.ends_with(".rs") && bare.count() > 0 {
            let message = "an allowed unwrap, expect or panic says why: `reason = \"…\"`";
            found.push(Finding::about(file, message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ERR-07: `unwrap`, `expect` and `panic!` outside of tests are forbidden by the lint of every crate that ships. A
    /// root without it, one that only names it in a comment, and an exception without a reason are refused.
    #[test]
    fn err_07_a_crate_that_may_unwrap_is_refused() {
        let refused = |path: &str, text: &str| {
            !no_unwrap_in_production(&[SourceFile::new(path, text)]).is_empty()
        };
        let [unwraps, panics] = DENIED;
        let root = format!("//! A crate.\n\n{unwraps}\n{panics}\n");
        for path in [
            "domain/src/lib.rs",
            "adapters/kraken/src/lib.rs",
            "app/src/main.rs",
        ] {
            assert!(!refused(path, &root), "{path}");
            assert!(refused(path, "//! A crate.\n"), "{path}");
            assert!(
                refused(path, &format!("//! A crate.\n{panics}\n// {unwraps}\n")),
                "{path}"
            );
        }
        assert!(!refused("xtask/src/lib.rs", "") && !refused("domain/src/money.rs", ""));
        let bare = "#[allow(clippy::expect_used)]\nfn f() {}";
        let bare_panic = "#[allow(clippy::panic)]\nfn f() {}";
        assert!(refused("domain/src/money.rs", bare_panic));
        let old = format!("//! A crate.\n\n{unwraps}\n");
        assert!(refused("domain/src/lib.rs", &old));
        let said =
            "#[allow(\n    clippy::expect_used,\n    reason = \"as counted above\"\n)]\nfn f() {}";
        assert!(refused("domain/src/money.rs", bare) && !refused("domain/src/money.rs", said));
    }
}
