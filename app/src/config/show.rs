//! The canonical text with the origin of each key as comment.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::layer::Origin;

/// `text` (one `key = value` a line, `[section]` headers) with the origin of each key.
pub(super) fn annotated(text: &str, origins: &BTreeMap<String, Origin>) -> String {
    let mut section = String::new();
    let mut marked = String::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = header.to_owned();
            marked += line;
        } else if let Some((key, _)) = line.split_once(" = ") {
            let path = format!("{section}.{key}");
            let origin = origins.get(&path).unwrap_or(&Origin::Default);
            // Writing to a string cannot fail.
            let _ = write!(marked, "{line}  # {origin}");
        } else {
            marked += line;
        }
        marked.push('\n');
    }
    marked
}
