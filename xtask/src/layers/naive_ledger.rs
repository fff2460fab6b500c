//! The naive ledger judges the program's books, so it must share nothing with them.

use std::path::Path;

/// The file, from the root.
const FILE: &str = "testkit/src/simworld/ledger.rs";
/// It is short enough to be read in one go, or it is not naive.
const MOST_LINES: usize = 300;
/// Paths it may name: the standard library and, in its tests, itself.
const ALLOWED: [&str; 2] = ["std::", "super::*"];

/// One line on the ledger, or what it leans on.
///
/// # Errors
/// The file is missing, too long, or names anything of the workspace.
pub fn report(root: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(root.join(FILE)).map_err(|e| format!("{FILE}: {e}"))?;
    check(&text)
}

fn check(text: &str) -> Result<String, String> {
    let lines = text.lines().count();
    if lines >= MOST_LINES {
        return Err(format!(
            "{FILE} has {lines} lines; a ledger that judges has fewer than {MOST_LINES}"
        ));
    }
    for (n, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or(line).trim();
        let code = code.strip_prefix("pub ").unwrap_or(code);
        let imported = code.strip_prefix("use ");
        let foreign = imported.is_some_and(|path| !ALLOWED.iter().any(|a| path.starts_with(a)))
            || ["ballast_", "crate::", "super::super", "include!"]
                .iter()
                .any(|word| code.contains(word));
        if foreign {
            return Err(format!(
                "{FILE}:{n}: {code}\n  the ledger that judges the books shares no code with them: \
                 pass it plain integers"
            ));
        }
    }
    Ok(format!(
        "layers: the naive ledger leans on nothing, in {lines} lines\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_import_and_a_long_ledger_are_found() {
        let fine = "//! Of portfolio and orders nothing.\nuse std::collections::BTreeMap;\n";
        assert!(check(fine).is_ok());
        for planted in [
            "use ballast_domain::portfolio::Account;\n",
            "use super::books::trade;\n",
            "use crate::builders::day;\n",
            "fn f(x: ballast_domain::orders::Fill) {}\n",
        ] {
            assert!(check(&format!("{fine}{planted}")).is_err(), "{planted}");
        }
        assert!(check(&"\n".repeat(MOST_LINES)).is_err());
    }
}
