//! Links between pages lead somewhere, and the map of the documentation leads to every page.

use std::collections::BTreeSet;

use super::Finding;
use crate::repository::SourceFile;

/// The map: it links to each page under `docs/`.
const MAP: &str = "docs/README.md";

/// Every relative link of a page leads to a tracked file or folder, and to a heading that is there.
pub(super) fn links_lead_somewhere(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for page in pages(files) {
        for (line, link) in links(page.text()) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = resolved(&page.path, path);
            let mut refuse = |why: &str| {
                found.push(Finding::new(
                    &page.path,
                    line,
                    format!("the link `{link}` {why}"),
                ));
            };
            let folder = format!("{}/", target.trim_end_matches('/'));
            let file = files.iter().find(|file| file.path == target);
            match file {
                Some(file) if !heading.is_empty() && !headings(file.text()).contains(heading) => {
                    refuse("leads to no heading of its page");
                }
                Some(_) => {}
                None if files.iter().any(|file| file.path.starts_with(&folder)) => {}
                None => refuse("leads to nothing that is tracked"),
            }
        }
    }
    found
}

/// The map has an executive summary and leads to every page under `docs/`, templates apart.
pub(super) fn map_is_complete(files: &[SourceFile]) -> Vec<Finding> {
    let Some(map) = files.iter().find(|file| file.path == MAP) else {
        return Vec::new();
    };
    let linked: BTreeSet<String> = links(map.text())
        .map(|(_, link)| resolved(MAP, link.split('#').next().unwrap_or_default()))
        .collect();
    let mut found: Vec<_> = pages(files)
        .filter(|page| page.path.starts_with("docs/") && page.path != MAP)
        .filter(|page| !linked.contains(&page.path))
        .map(|page| Finding::about(map, format!("the map has no link to {}", page.path)))
        .collect();
    if !headings(map.text()).contains("executive-summary") {
        found.push(Finding::about(
            map,
            "the map begins with `## Executive summary`",
        ));
    }
    found
}

fn pages(files: &[SourceFile]) -> impl Iterator<Item = &SourceFile> {
    files.iter().filter(|file| file.path.ends_with(".md"))
}

/// The relative links outside code, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().flat_map(move |(i, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        // A link may stand in backquotes only as an example.
        let outside = line
            .split('`')
            .step_by(2)
            .flat_map(|part| part.split("](").skip(1));
        let links: Vec<_> = if fenced || fence {
            Vec::new()
        } else if line.contains("[`") {
            // Code inside a link's text splits the line in the wrong places.
            line.split("](").skip(1).collect()
        } else {
            outside.collect()
        };
        links
            .into_iter()
            .filter_map(|rest| rest.split(')').next())
            .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
            .map(move |link| (i + 1, link))
    })
}

/// The path from the root of `link` on the page at `page`; the page itself for an empty one.
fn resolved(page: &str, link: &str) -> String {
    if link.is_empty() {
        return page.to_owned();
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a page's headings: lowercase, spaces as dashes, no other punctuation.
fn headings(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || matches!(c, '-' | '_') => c.to_lowercase().next(),
                    _ => None,
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOC-08: a dead link, a dead heading and a page that the map forgets are refused.
    #[test]
    fn doc_08_dead_links_and_pages_off_the_map_are_refused() {
        let check = |map: &str| {
            let files = [
                SourceFile::new(MAP, map),
                SourceFile::new(
                    "docs/a/b.md",
                    "# B\n## Two words, one\n[up](../README.md)\n",
                ),
                SourceFile::new("docs/c.md", "[b](a/b.md#two-words-one) [`C`](a/)\n"),
                SourceFile::new("LICENSE", ""),
            ];
            let mut found = links_lead_somewhere(&files);
            found.extend(map_is_complete(&files));
            found.into_iter().map(|f| f.message).collect::<Vec<_>>()
        };
        let map = "# Map\n## Executive summary\nx\n[b](a/b.md) [c](./c.md) [l](../LICENSE)\n\
                   `[x](gone.md)` [web](https://example.org) [here](#map)\n";
        assert!(check(map).is_empty(), "{:?}", check(map));
        for (from, to, message) in [
            ("[c](./c.md)", "", "no link to docs/c.md"),
            ("a/b.md", "a/b.md#three", "leads to no heading"),
            ("../LICENSE", "../NOTICE", "leads to nothing"),
            ("#map", "#atlas", "leads to no heading"),
            ("Executive", "Short", "begins with `## Executive summary`"),
        ] {
            let found = check(&map.replace(from, to));
            assert!(
                found.len() == 1 && found[0].contains(message),
                "{from}: {found:?}"
            );
        }
    }
}
