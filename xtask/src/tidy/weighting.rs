//! Inverse-volatility weights are computed in one place of the workspace.

use std::collections::BTreeSet;

use super::Finding;
use crate::repository::SourceFile;

/// How the functions that compute such weights are called.
const NAMES: &[&str] = &["fn inverse_vol", "fn inv_vol", "fn risk_weights"];

/// One file defines inverse-volatility weights, and no other takes the reciprocal of a volatility.
pub(super) fn one_inverse_volatility(files: &[SourceFile]) -> Vec<Finding> {
    let mut homes = BTreeSet::new();
    let mut reciprocals = Vec::new();
    for file in files.iter().filter(|file| file.is_production()) {
        for (n, line) in file.production_code().lines().enumerate() {
            if NAMES.iter().any(|name| line.contains(name)) {
                homes.insert((file.path.as_str(), n + 1));
            }
            if takes_reciprocal(line) {
                reciprocals.push((file.path.as_str(), n + 1));
            }
        }
    }
    let Some(&(home, _)) = homes.iter().find(|(path, _)| path.contains("weighting")) else {
        // Without a home in the weighting folder, any definition or reciprocal is misplaced.
        return homes
            .into_iter()
            .chain(reciprocals)
            .map(|(path, line)| {
                Finding::new(
                    path,
                    line,
                    "inverse-volatility weights live in domain/src/weighting: define them there",
                )
            })
            .collect();
    };
    homes
        .into_iter()
        .chain(reciprocals)
        .filter(|(path, _)| *path != home)
        .map(|(path, line)| {
            Finding::new(
                path,
                line,
                format!("inverse-volatility weights are already computed in {home}: call that"),
            )
        })
        .collect()
}

/// Is there a `1.0 / vol`, `1.0 / sigma` or `vol.recip()` in this line of code?
fn takes_reciprocal(line: &str) -> bool {
    let is_volatility = |name: &str| {
        let name = name.rsplit(['.', ':']).next().unwrap_or(name);
        name.starts_with("vol") || name.ends_with("_vol") || name.contains("sigma")
    };
    let path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
    let divided = line.match_indices("1.0 / ").any(|(at, found)| {
        let rest = &line[at + found.len()..];
        is_volatility(&rest[..rest.find(|c| !path(c)).unwrap_or(rest.len())])
    });
    let inverted = line.match_indices(".recip()").any(|(at, _)| {
        let before = &line[..at];
        let start = before.rfind(|c| !path(c)).map_or(0, |k| k + 1);
        is_volatility(&before[start..])
    });
    divided || inverted
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "domain/src/weighting/inverse_volatility.rs";

    /// WGT-03, ARC-04: a second implementation is refused, under its own name or written out.
    #[test]
    fn wgt_03_arc_04_a_second_inverse_volatility_is_refused() {
        let home = SourceFile::new(HOME, "pub fn inverse_volatility(v: &[f64]) {\n1.0 / vol\n}");
        for (path, text, refused) in [
            ("app/src/x.rs", "fn inverse_volatility() {}", true),
            ("domain/src/signals/x.rs", "fn inv_vol_weights() {}", true),
            ("domain/src/signals/x.rs", "let w = 1.0 / volatility;", true),
            ("domain/src/signals/x.rs", "let w = 1.0 / self.sigma;", true),
            (
                "domain/src/signals/x.rs",
                "let w = asset.vol.recip();",
                true,
            ),
            (
                "domain/src/signals/x.rs",
                "let w = target / volatility;",
                false,
            ),
            ("domain/src/signals/x.rs", "let w = 1.0 / count;", false),
            (
                "domain/src/signals/x.rs",
                "inverse_volatility(&vols)",
                false,
            ),
            ("domain/tests/it/x.rs", "fn inverse_volatility() {}", false),
        ] {
            let found = one_inverse_volatility(&[home.clone(), SourceFile::new(path, text)]);
            assert_eq!(!found.is_empty(), refused, "{path} {text}");
        }
        let twin = SourceFile::new("app/src/x.rs", "fn inverse_volatility() {}");
        assert_eq!(
            one_inverse_volatility(&[twin.clone(), home])[0].to_string(),
            "app/src/x.rs:1: inverse-volatility weights are already computed in \
             domain/src/weighting/inverse_volatility.rs: call that"
        );
        assert!(
            one_inverse_volatility(&[twin])[0]
                .message
                .contains("define them there")
        );
        assert!(one_inverse_volatility(&[]).is_empty());
    }
}
