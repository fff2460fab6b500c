//! Who may lean on whom: the table of layers as data, and the check of the real crates against it.

pub mod naive_ledger;

use std::collections::BTreeMap;
use std::fmt;

use crate::metadata::{Dependency, Kind, Package, Workspace};

/// A layer of the house; adapters are split by what they may say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Pure values and decisions.
    Domain,
    /// Traits in domain words.
    Ports,
    /// The HTTP transport that the neighbours' clients share.
    Http,
    /// What every durable journal shares, wherever its rows are.
    Records,
    /// The machine: clock, disk, process. What the house keeps in files is written by its steps.
    Machine,
    /// An adapter of the house itself (files, caches, decorators): it knows no neighbour.
    House,
    /// An adapter of one neighbour: a venue, a data provider, a notification service.
    Venue,
    /// Fakes, builders and conformance suites.
    Testkit,
    /// The program: wiring, drivers, command line.
    App,
    /// These chores.
    Xtask,
}

/// Which external crates a room may name outside its tests.
#[derive(Clone, Copy, Debug)]
pub enum External {
    /// These and no other.
    Only(&'static [&'static str]),
    /// Any, except where [`HOMES`] gives a crate one home.
    Any,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Whom the line is about.
    pub room: Room,
    /// The rooms it may name in `[dependencies]`.
    pub may_use: &'static [Room],
    /// The external crates it may name in `[dependencies]`.
    pub external: External,
    /// May its tests use the testkit?
    pub testkit_in_tests: bool,
    /// What to do instead of an edge the line does not allow.
    pub instead: &'static str,
}

use Room::{App, Domain, House, Http, Machine, Ports, Records, Testkit, Venue, Xtask};

/// The table: an edge that is not allowed here is a violation.
pub const TABLE: &[Rule] = &[
    Rule {
        room: Domain,
        may_use: &[],
        external: External::Only(&[
            "rust_decimal",
            "chrono",
            "thiserror",
            "serde",
            "libm",
            "statrs",
        ]),
        testkit_in_tests: true,
        instead: "take what you need as a value or an argument; what does I/O, reads a clock or \
                  draws randomness goes behind a port and is called by app",
    },
    Rule {
        room: Ports,
        may_use: &[Domain],
        external: External::Only(&[
            "async-trait",
            "thiserror",
            "futures-core",
            "futures-util",
            "serde",
            "mockall",
            "secrecy",
        ]),
        testkit_in_tests: true,
        instead: "a port speaks domain words only; the type of a client, a runtime or a database \
                  stays inside the adapter that uses it",
    },
    Rule {
        room: Http,
        may_use: &[Domain, Ports],
        external: External::Any,
        testkit_in_tests: true,
        instead: "the transport knows no neighbour; what only one neighbour needs lives in its \
                  adapter",
    },
    Rule {
        room: Records,
        may_use: &[Domain, Ports],
        external: External::Any,
        testkit_in_tests: true,
        instead: "what all journals share opens no database; the words of one database live in its \
                  adapter",
    },
    Rule {
        room: Machine,
        may_use: &[Domain, Ports],
        external: External::Any,
        testkit_in_tests: true,
        instead: "the machine knows nobody; what only one adapter needs lives in it",
    },
    Rule {
        room: House,
        may_use: &[Domain, Ports, Records, Machine],
        external: External::Any,
        testkit_in_tests: true,
        instead: "take the other side as a port (an Arc<dyn …>) and let app/wiring put the two \
                  together",
    },
    Rule {
        room: Venue,
        may_use: &[Domain, Ports, Http],
        external: External::Any,
        testkit_in_tests: true,
        instead: "what two neighbours share belongs into ballast-http or the domain; combining \
                  adapters is the work of app/wiring",
    },
    Rule {
        room: Testkit,
        may_use: &[Domain, Ports],
        external: External::Any,
        testkit_in_tests: false,
        instead: "write a fake of the port; an adapter runs the testkit's suite from its own tests",
    },
    Rule {
        room: App,
        may_use: &[Domain, Ports, Http, Records, Machine, House, Venue],
        external: External::Any,
        testkit_in_tests: true,
        instead: "use the testkit from app's tests, or move what the program needs into an adapter",
    },
    Rule {
        room: Xtask,
        may_use: &[],
        external: External::Only(&["serde_json"]),
        testkit_in_tests: false,
        instead: "call the program as a process, or read its files: the chores must build in \
                  seconds, also when the workspace is broken",
    },
];

/// The adapters that are no neighbour's: everything else in `adapters/` is a venue.
pub const HOUSE_ADAPTERS: &[&str] = &[
    "files",
    "sqlite",
    "postgres",
    "memory",
    "cache",
    "simulated",
    "resilience",
    "telemetry",
    "secrets",
];

/// The neighbours every build of the program has; all other venues are behind a cargo feature.
pub const ALWAYS_BUILT_VENUES: &[&str] = &["ballast-notify"];

/// Client crates with one home, so that one crate knows their types, errors and settings.
pub const HOMES: &[(&str, &str)] = &[
    ("reqwest", "ballast-http"),
    ("tokio-tungstenite", "ballast-http"),
    ("rusqlite", "ballast-sqlite"),
    ("tokio-postgres", "ballast-postgres"),
    ("parquet", "ballast-files"),
];

/// Features that nobody in the graph may switch on, and why.
pub const BANNED_FEATURES: &[(&str, &str, &str)] = &[
    (
        "serde_json",
        "arbitrary_precision",
        "it changes every number of every crate; read exact amounts from strings",
    ),
    (
        "rust_decimal",
        "serde-float",
        "it turns exact amounts into floats for every crate; amounts are strings on the wire",
    ),
];

/// An edge or a feature that the table does not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// `from -> to`, or the package alone.
    pub edge: String,
    /// The rule it breaks.
    pub rule: String,
    /// What to do instead.
    pub instead: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}\n  instead: {}",
            self.edge, self.rule, self.instead
        )
    }
}

/// The room of the package `name` in `folder`; `None` when the house has no such room.
pub fn room_of(name: &str, folder: &str) -> Option<Room> {
    match (folder, name) {
        ("domain", "ballast-domain") => Some(Domain),
        ("ports", "ballast-ports") => Some(Ports),
        ("testkit", "ballast-testkit") => Some(Testkit),
        ("app", "ballast") => Some(App),
        ("xtask", "xtask") => Some(Xtask),
        _ => {
            let adapter = folder.strip_prefix("adapters/")?;
            if name.strip_prefix("ballast-") != Some(adapter) {
                return None;
            }
            Some(match adapter {
                "http" => Http,
                "journal" => Records,
                "system" => Machine,
                known if HOUSE_ADAPTERS.contains(&known) => House,
                _ => Venue,
            })
        }
    }
}

/// Every violation in `workspace`, sorted.
pub fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut rooms = BTreeMap::new();
    for package in &workspace.packages {
        match room_of(&package.name, &package.folder) {
            Some(room) => {
                rooms.insert(package.name.as_str(), room);
            }
            None => found.push(Violation {
                edge: format!("{} in {}/", package.name, package.folder),
                rule: "the house has no such room".to_owned(),
                instead: "domain, ports, testkit, app and xtask have their own folder; an adapter \
                          is the package ballast-<name> in adapters/<name>"
                    .to_owned(),
            }),
        }
    }
    for package in &workspace.packages {
        if let Some(rule) = rule_of(&rooms, &package.name) {
            check_package(package, rule, &rooms, &mut found);
        }
    }
    check_features(workspace, &mut found);
    found.sort();
    found.dedup();
    found
}

/// One line on the checked edges, or every violation with what to do instead.
///
/// # Errors
/// The table is broken; the message lists each violation.
pub fn report(workspace: &Workspace) -> Result<String, String> {
    let violations = check(workspace);
    if violations.is_empty() {
        let edges: usize = workspace
            .packages
            .iter()
            .map(|package| package.dependencies.len())
            .sum();
        let crates = workspace.packages.len();
        return Ok(format!("layers: {crates} crates, {edges} edges in order\n"));
    }
    let mut text = String::new();
    for violation in &violations {
        text += &format!("{violation}\n");
    }
    Err(text + "the table of layers is in xtask/src/layers.rs")
}

fn rule_of(rooms: &BTreeMap<&str, Room>, name: &str) -> Option<&'static Rule> {
    let room = rooms.get(name)?;
    TABLE.iter().find(|rule| rule.room == *room)
}

fn check_package(
    package: &Package,
    rule: &Rule,
    rooms: &BTreeMap<&str, Room>,
    found: &mut Vec<Violation>,
) {
    for dependency in &package.dependencies {
        let broken = match rooms.get(dependency.name.as_str()) {
            Some(&to) => inside_rule(rule, to, dependency),
            None => outside_rule(package, rule, dependency),
        };
        if let Some((broken, instead)) = broken {
            found.push(Violation {
                edge: edge(package, dependency),
                rule: broken,
                instead,
            });
        }
    }
}

/// The broken rule of an edge to a crate of the workspace, and what to do instead.
fn inside_rule(rule: &Rule, to: Room, dependency: &Dependency) -> Option<(String, String)> {
    if to == Testkit {
        return if dependency.kind == Kind::Dev && rule.testkit_in_tests {
            None
        } else if rule.testkit_in_tests {
            Some((
                "the testkit is a dev-dependency only: fakes never ship".to_owned(),
                "name it under [dev-dependencies]".to_owned(),
            ))
        } else {
            Some((
                format!("{} has no use for the testkit", phrase(rule.room)),
                rule.instead.to_owned(),
            ))
        };
    }
    if !rule.may_use.contains(&to) {
        let allowed: Vec<_> = rule.may_use.iter().map(|&room| phrase(room)).collect();
        let allowed = if allowed.is_empty() {
            "no crate of the workspace".to_owned()
        } else {
            format!("only on {}", allowed.join(", "))
        };
        return Some((
            format!("{} leans {allowed}", phrase(rule.room)).replace("leans no", "leans on no"),
            rule.instead.to_owned(),
        ));
    }
    let venue_in_app = rule.room == App && to == Venue && dependency.kind != Kind::Dev;
    let always = ALWAYS_BUILT_VENUES.contains(&dependency.name.as_str());
    if venue_in_app && !always && !dependency.optional {
        return Some((
            "in app every venue is behind a cargo feature of its name".to_owned(),
            "make the dependency optional and add the feature".to_owned(),
        ));
    }
    None
}

/// The broken rule of an edge to an external crate, and what to do instead.
fn outside_rule(
    package: &Package,
    rule: &Rule,
    dependency: &Dependency,
) -> Option<(String, String)> {
    let name = dependency.name.as_str();
    if dependency.kind == Kind::Dev {
        return None;
    }
    if let Some((_, home)) = HOMES.iter().find(|(client, _)| *client == name)
        && package.name != *home
    {
        return Some((
            format!("{name} has one home, {home}"),
            format!("go through {home}, or through the port it implements"),
        ));
    }
    if let External::Only(allowed) = rule.external
        && (!allowed.contains(&name) || dependency.kind == Kind::Build)
    {
        return Some((
            format!(
                "of external crates {} uses only {}",
                phrase(rule.room),
                allowed.join(", ")
            ),
            rule.instead.to_owned(),
        ));
    }
    if rule.room == Ports && name == "mockall" && !dependency.optional {
        return Some((
            "mocks are no part of a port".to_owned(),
            "make mockall optional, behind the feature `mock`".to_owned(),
        ));
    }
    let clock = dependency.default_features
        || dependency
            .features
            .iter()
            .any(|feature| matches!(feature.as_str(), "default" | "clock" | "now"));
    if rule.room == Domain && name == "chrono" && clock {
        return Some((
            "domain takes chrono without its clock".to_owned(),
            "set default-features = false without `clock` and `now`; time is an argument"
                .to_owned(),
        ));
    }
    None
}

fn check_features(workspace: &Workspace, found: &mut Vec<Violation>) {
    let mut ban = |edge: String, name: &str, has: &dyn Fn(&str) -> bool| {
        for (package, feature, why) in BANNED_FEATURES {
            if *package == name && has(feature) {
                found.push(Violation {
                    edge: edge.clone(),
                    rule: format!("nobody switches on {package}/{feature}: {why}"),
                    instead:
                        "remove the feature; `cargo tree -e features -i` names who asks for it"
                            .to_owned(),
                });
            }
        }
    };
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            let has = |feature: &str| dependency.features.iter().any(|f| f == feature);
            ban(edge(package, dependency), &dependency.name, &has);
        }
    }
    for resolved in &workspace.resolved {
        let has = |feature: &str| resolved.features.contains(feature);
        ban(
            format!("the graph -> {}", resolved.name),
            &resolved.name,
            &has,
        );
    }
}

fn edge(package: &Package, dependency: &Dependency) -> String {
    let kind = match dependency.kind {
        Kind::Normal => "",
        Kind::Dev => " (dev)",
        Kind::Build => " (build)",
    };
    format!("{} -> {}{kind}", package.name, dependency.name)
}

fn phrase(room: Room) -> &'static str {
    match room {
        Domain => "domain",
        Ports => "ports",
        Http => "ballast-http",
        Machine => "ballast-system",
        House => "an adapter of the house",
        Venue => "a venue",
        Testkit => "testkit",
        App => "app",
        Records => "ballast-journal",
        Xtask => "xtask",
    }
}

#[cfg(test)]
mod tests;
