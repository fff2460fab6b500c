//! `cargo xtask scan-logs PATH...`: does anything a program wrote look like a secret?
//!
//! Shapes that secrets have are looked for, in every file of the paths; what is found is named by file and line
//! and never printed. The program's own redactor takes out by value what it knows; this finds what nobody knew.

use std::fs;
use std::path::{Path, PathBuf};

/// Words before a value that make it a secret.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "api_key",
    "apikey",
    "api-key",
    "access_token",
    "private_key",
];

/// The shortest value that is taken for one: below are words such as `none` or `***`.
const SHORTEST: usize = 8;

/// Files above this size are read up to it.
const MOST_BYTES: usize = 64 << 20;

/// What a line has the shape of; `None` for a harmless one.
pub fn shape_of(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.+/=".contains(c)));
    for word in words {
        let is_aws = word.len() == 20
            && word.starts_with("AKIA")
            && word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if is_aws {
            return Some("an access key id");
        }
        let parts: Vec<&str> = word.split('.').collect();
        if word.starts_with("eyJ") && parts.len() == 3 && parts.iter().all(|p| p.len() >= SHORTEST)
        {
            return Some("a signed token");
        }
    }
    let lower = line.to_ascii_lowercase();
    if let Some((_, value)) = lower.split_once("bearer ")
        && is_value(first_word(value))
    {
        return Some("a bearer token");
    }
    let named = NAMES.iter().any(|name| {
        lower.match_indices(name).any(|(at, name)| {
            let rest = lower[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
            let value = rest.strip_prefix('=').or_else(|| rest.strip_prefix(':'));
            value.is_some_and(|value| is_value(first_word(value)))
        })
    });
    named.then_some("a named secret")
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start_matches([' ', '"', '\'', '=']);
    let end = text.find(|c: char| c.is_whitespace() || "\"',;}".contains(c));
    &text[..end.unwrap_or(text.len())]
}

/// Long enough, and not starred out.
fn is_value(word: &str) -> bool {
    word.len() >= SHORTEST && !word.contains("***")
}

/// Every file below `paths`, line by line.
///
/// # Errors
/// Each place with the shape of a secret, or a path that cannot be read.
pub fn run(paths: &[&str]) -> Result<String, String> {
    if paths.is_empty() {
        return Err("name at least one file or folder to scan\n".to_owned());
    }
    let mut files = Vec::new();
    for path in paths {
        collect(Path::new(path), &mut files)?;
    }
    let mut found = String::new();
    for file in &files {
        let bytes = fs::read(file).map_err(|e| format!("{}: {e}\n", file.display()))?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
        for (n, line) in text.lines().enumerate() {
            if let Some(shape) = shape_of(line) {
                found += &format!("{}:{}: {shape}\n", file.display(), n + 1);
            }
        }
    }
    if found.is_empty() {
        return Ok(format!(
            "scan-logs: {} files, nothing that looks like a secret\n",
            files.len()
        ));
    }
    Err(found)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |e: std::io::Error| format!("{}: {e}\n", path.display());
    if !fs::metadata(path).map_err(cannot)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .map_err(cannot)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner takes this file for a leak.
    fn planted() -> [(String, &'static str); 6] {
        let long = "q7Zk2mPx9vTb";
        [
            (format!("login failed: password={long}"), "a named secret"),
            (format!("{{\"api_key\": \"{long}\"}}"), "a named secret"),
            (format!("authorization: Bearer {long}"), "a bearer token"),
            (
                ["-----BEGIN RSA", "PRIVATE KEY-----"].join(" "),
                "a private key",
            ),
            (["id AKIA", "ABCDEFGH12345678"].concat(), "an access key id"),
            (format!("t eyJ{long}.{long}.{long} x"), "a signed token"),
        ]
    }

    /// SEC-08: each shape of a secret is found in a log, by file and line and without its value; what
    /// is starred out, and ordinary lines with the same words, are not.
    #[test]
    fn sec_08_a_planted_secret_is_found_and_not_repeated() {
        let folder = std::env::temp_dir().join(format!("scan-logs-{}", std::process::id()));
        let deep = folder.join("incidents");
        fs::create_dir_all(&deep).unwrap();
        let clean = "warn secret venue_key is 91 days old\npassword=*** refused\nno bearer here\n\
                     secrets.folder = \"x\"\nsecret: none\nv1.2.3 eyJ.a.b AKIA\n";
        fs::write(folder.join("trader.log"), clean).unwrap();
        let root = folder.to_str().unwrap();
        let silent = run(&[root]).unwrap();
        assert!(silent.contains("1 files"), "{silent}");
        for (line, shape) in planted() {
            fs::write(deep.join("a.txt"), format!("fine\n{line}\n")).unwrap();
            let found = run(&[root]).unwrap_err();
            assert!(
                found.trim_end().ends_with(&format!("a.txt:2: {shape}")),
                "{found}"
            );
            assert!(!found.contains("q7Zk2mPx9vTb"), "{found}");
        }
        fs::remove_dir_all(&folder).unwrap();
        assert!(run(&[root]).is_err(), "a path that is not there");
        assert!(run(&[]).is_err());
    }
}
