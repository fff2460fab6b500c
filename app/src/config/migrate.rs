//! Old files in today's words: settings that stood at the top move into their sections, line by line, and
//! all else stays as it was written.
//!
//! Two flat forms are known: criteria of a screen (`us_mega_min_upside = 5`), and keys of which only one
//! section has the name (`max_gross = 1`).

use std::path::Path;

use ballast_domain::error::Error;
use ballast_domain::screening::{Criterion, Region, Tier};
use toml::de::DeTable;

use super::keys::{KEYS, SECTIONS};
use super::layer::{Layer, position};
use super::{Above, from_text};

/// A setting that has another place now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// Its name in the old file.
    pub from: String,
    /// Its dotted path now.
    pub to: String,
    /// Its line in the old file, from 1.
    pub line: usize,
}

/// A file in today's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The whole file.
    pub text: String,
    /// What moved, in the order of the old file; nothing when the file was up to date.
    pub moved: Vec<Moved>,
}

/// The config `text` called `name` in today's words; relative paths in it start from `base`.
///
/// # Errors
/// Everything that is wrong with the file once its settings are in their places, as
/// [`resolve`](super::resolve), so that nothing is written which cannot be used; `Configuration` for a
/// setting that stands in both places, and for a file whose lines cannot be told apart.
pub fn migrated(name: &str, text: &str, base: &Path) -> Result<Migration, Vec<Error>> {
    let old = Layer::file(name, text).map_err(|e| vec![e])?;
    let mut wanted = old.table.clone();
    let mut moved = Vec::new();
    let mut cut: Vec<(usize, usize)> = Vec::new();
    let mut pasted: Vec<(String, String)> = Vec::new();
    // Read a moment ago.
    let spans = DeTable::parse(text).map_err(|e| vec![Error::config(e.message().to_owned())])?;
    let mut keys: Vec<_> = spans.get_ref().iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in keys {
        let from = key.get_ref().as_ref();
        let Some((section, leaf)) = place_of(from).filter(|_| !value.get_ref().is_table()) else {
            continue;
        };
        let line = position(text, key.span().start).0;
        let to = format!("{section}.{leaf}");
        if let Some(value) = wanted.remove(from)
            && !put(&mut wanted, &section, leaf, value)
        {
            return Err(vec![
                Error::config(format!("'{from}' and '{to}' are both set"))
                    .context("key", from)
                    .context("where", format!("{name} line {line}"))
                    .hint("leave one of them out"),
            ]);
        }
        let begin = text[..key.span().start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[value.span().end..].find('\n');
        let end = end.map_or(text.len(), |at| value.span().end + at);
        cut.push((begin, (end + 1).min(text.len())));
        pasted.push((section, format!("{leaf}{}", &text[key.span().end..end])));
        let from = from.to_owned();
        moved.push(Moved { from, to, line });
    }
    let text = rewritten(text, &cut, pasted);
    let read = Layer::file(name, &text).map(|layer| layer.table);
    if read.as_ref() != Ok(&wanted) {
        return Err(vec![
            Error::config(format!("the lines of {name} cannot be told apart"))
                .hint("move the settings by hand: `ballast config check` names the place of each"),
        ]);
    }
    from_text(name, &text, Above::from(Layer::empty()), base)?;
    Ok(Migration { text, moved })
}

/// Where a flat criterion such as `us_mega_min_upside` belongs; `None` for any other name.
pub(super) fn section_of_criterion(name: &str) -> Option<String> {
    let mut parts = name.splitn(3, '_');
    let region = Region::try_from(parts.next()?).ok()?;
    let tier = Tier::try_from(parts.next()?).ok()?;
    Criterion::named(parts.next()?)?;
    Some(format!("screen.criteria.{}.{}", region.name(), tier.name()))
}

/// Section and key of a name that stood at the top once.
fn place_of(name: &str) -> Option<(String, &str)> {
    if let Some(section) = section_of_criterion(name) {
        return Some((section, name.splitn(3, '_').last()?));
    }
    let mut of_this_name = KEYS.iter().filter(|key| key.name == name);
    match (of_this_name.next(), of_this_name.next()) {
        (Some(key), None) if !SECTIONS.contains(&name) => Some((key.section.to_owned(), key.name)),
        _ => None,
    }
}

/// Whether there was room for it: nothing is replaced.
fn put(table: &mut toml::Table, section: &str, leaf: &str, value: toml::Value) -> bool {
    let mut inner = table;
    for part in section.split('.') {
        let entry = inner
            .entry(part)
            .or_insert_with(|| toml::Table::new().into());
        let Some(deeper) = entry.as_table_mut() else {
            return false;
        };
        inner = deeper;
    }
    inner.insert(leaf.to_owned(), value).is_none()
}

/// The text without the `cut` ranges and with each `pasted` line below its section's header, in order;
/// sections that are not there come at the end.
fn rewritten(text: &str, cut: &[(usize, usize)], pasted: Vec<(String, String)>) -> String {
    let (mut rest, mut at) = (String::new(), 0);
    for (begin, end) in cut {
        rest += &text[at..*begin];
        at = *end;
    }
    rest += &text[at..];
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for (section, line) in pasted {
        match sections.iter_mut().find(|(known, _)| *known == section) {
            Some((_, lines)) => lines.push(line),
            None => sections.push((section, vec![line])),
        }
    }
    for (section, lines) in sections {
        let header = format!("[{section}]");
        let lines = lines.join("\n") + "\n";
        match after_header(&rest, &header) {
            Some(at) => rest.insert_str(at, &lines),
            None => {
                if !rest.is_empty() {
                    rest += if rest.ends_with('\n') { "\n" } else { "\n\n" };
                }
                rest += &format!("{header}\n{lines}");
            }
        }
    }
    rest
}

/// Where the line after a section's header begins.
fn after_header(text: &str, header: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let rest = line.trim().strip_prefix(header).map(str::trim_start);
        let is_header = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
        if is_header && line.ends_with('\n') {
            return Some(at);
        }
    }
    None
}
