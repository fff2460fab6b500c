//! The crate graph as a Mermaid drawing inside docs/ARCHITECTURE.md, generated so that it is true.

use std::path::Path;

use crate::layers::{self, Room};
use crate::metadata::{self, Kind, Workspace};

/// Where the drawing lives.
pub const PAGE: &str = "docs/ARCHITECTURE.md";
/// The line above the drawing.
pub const BEGIN: &str = "<!-- crate graph: written by cargo xtask graph -->";
/// The line below the drawing.
pub const END: &str = "<!-- end of crate graph -->";

/// The Mermaid block of the crates that ship and whom they lean on; testkit and xtask apart.
///
/// An arrow points to who is leant on, a dotted one is an optional dependency. An edge that follows
/// from another path is drawn too: the picture shows manifests, not an opinion of them.
pub fn draw(workspace: &Workspace) -> String {
    let mut text = String::from("```mermaid\nflowchart RL\n");
    let shown = |name: &str| {
        workspace
            .packages
            .iter()
            .any(|package| package.name == name)
    };
    for package in &workspace.packages {
        let room = layers::room_of(&package.name, &package.folder);
        let shape = match room {
            Some(Room::Domain) => ("[[", "]]"),
            Some(Room::Testkit | Room::Xtask) => ("([", "])"),
            _ => ("[", "]"),
        };
        text += &format!("  {}{}{}{}\n", package.name, shape.0, package.name, shape.1);
        let mut arrows: Vec<String> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != Kind::Dev && shown(&dependency.name))
            .map(|dependency| {
                let arrow = if dependency.optional { "-.->" } else { "-->" };
                format!("  {} {arrow} {}\n", package.name, dependency.name)
            })
            .collect();
        arrows.sort();
        arrows.dedup();
        text.extend(arrows);
    }
    text + "```\n"
}

/// `page` with the drawing between its markers replaced by `drawing`.
///
/// # Errors
/// A marker is missing, doubled or out of order.
pub fn insert(page: &str, drawing: &str) -> Result<String, String> {
    let refuse = || {
        format!(
            "{PAGE} needs these two lines once, in this order, where the drawing belongs:\n  \
             {BEGIN}\n  {END}"
        )
    };
    let (before, rest) = page.split_once(BEGIN).ok_or_else(refuse)?;
    let (_, after) = rest.split_once(END).ok_or_else(refuse)?;
    if after.contains(BEGIN) || after.contains(END) {
        return Err(refuse());
    }
    Ok(format!("{before}{BEGIN}\n{drawing}{END}{after}"))
}

/// Draws the graph into the page.
///
/// # Errors
/// The page or its markers are missing, or cargo cannot describe the workspace.
pub fn write(root: &Path) -> Result<String, String> {
    let page = std::fs::read_to_string(root.join(PAGE))
        .map_err(|e| format!("{PAGE} cannot be read: {e}"))?;
    let drawn = insert(&page, &draw(&metadata::read(root)?))?;
    std::fs::write(root.join(PAGE), drawn).map_err(|e| format!("{PAGE} cannot be written: {e}"))?;
    Ok(format!("graph: drawn into {PAGE}\n"))
}

/// Says whether the drawing on the page is the real graph. A repository without the page passes.
///
/// # Errors
/// The drawing is not the graph, a marker is missing, or cargo cannot describe the workspace.
pub fn check(root: &Path) -> Result<String, String> {
    let Ok(page) = std::fs::read_to_string(root.join(PAGE)) else {
        return Ok(format!("graph: no {PAGE} yet\n"));
    };
    matches(&page, &metadata::read(root)?).map(|()| "graph: drawn as it is\n".to_owned())
}

fn matches(page: &str, workspace: &Workspace) -> Result<(), String> {
    if insert(page, &draw(workspace))? == page {
        return Ok(());
    }
    Err(format!(
        "the crate graph in {PAGE} is not the real one; run `cargo xtask graph`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Dependency, Package};

    fn workspace() -> Workspace {
        let on = |name: &str, kind, optional| Dependency {
            name: name.to_owned(),
            kind,
            optional,
            default_features: true,
            features: Vec::new(),
        };
        let package = |name: &str, folder: &str, dependencies| Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies,
        };
        Workspace {
            packages: vec![
                package(
                    "ballast",
                    "app",
                    vec![
                        on("ballast-kraken", Kind::Normal, true),
                        on("ballast-domain", Kind::Normal, false),
                        on("ballast-testkit", Kind::Dev, false),
                    ],
                ),
                package(
                    "ballast-domain",
                    "domain",
                    vec![on("serde", Kind::Normal, false)],
                ),
                package("ballast-kraken", "adapters/kraken", Vec::new()),
                package("ballast-testkit", "testkit", Vec::new()),
            ],
            resolved: Vec::new(),
        }
    }

    #[test]
    fn the_drawing_has_every_crate_and_every_shipped_edge() {
        assert_eq!(
            draw(&workspace()),
            "```mermaid\nflowchart RL\n  ballast[ballast]\n  ballast --> ballast-domain\n  \
             ballast -.-> ballast-kraken\n  ballast-domain[[ballast-domain]]\n  \
             ballast-kraken[ballast-kraken]\n  ballast-testkit([ballast-testkit])\n```\n"
        );
    }

    /// DOC-03: a drawing that lacks an edge of the workspace is refused, the generated one passes.
    #[test]
    fn doc_03_a_drawing_that_is_not_the_graph_is_refused() {
        let empty = format!("# Map\n\n{BEGIN}\n{END}\n\nmore\n");
        let refusal = matches(&empty, &workspace()).unwrap_err();
        assert!(refusal.contains("run `cargo xtask graph`"), "{refusal}");
        let drawn = insert(&empty, &draw(&workspace())).unwrap();
        assert!(drawn.starts_with("# Map\n\n<!--") && drawn.ends_with("-->\n\nmore\n"));
        matches(&drawn, &workspace()).unwrap();
        let cut = drawn.replace("  ballast --> ballast-domain\n", "");
        matches(&cut, &workspace()).unwrap_err();
        assert!(insert("no markers", "").unwrap_err().contains(END));
        assert!(insert(&format!("{END}{BEGIN}"), "").is_err());
    }
}
