//! Planted violations of the table of layers, each with the text of its refusal.

use super::*;
use crate::metadata::Resolved;

fn on(name: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        kind: Kind::Normal,
        optional: false,
        default_features: false,
        features: Vec::new(),
    }
}

fn dev(name: &str) -> Dependency {
    Dependency {
        kind: Kind::Dev,
        ..on(name)
    }
}

fn optional(name: &str) -> Dependency {
    Dependency {
        optional: true,
        ..on(name)
    }
}

fn with(name: &str, feature: &str) -> Dependency {
    Dependency {
        features: vec![feature.to_owned()],
        ..on(name)
    }
}

/// A full house in order, with `extra` added to the dependencies of `package`.
fn house_with(package: &str, extra: &Dependency) -> Workspace {
    let domain_and_ports = || vec![on("ballast-domain"), on("ballast-ports")];
    let http_too = || [domain_and_ports(), vec![on("ballast-http")]].concat();
    let rooms = [
        ("domain", "ballast-domain", vec![on("serde"), on("chrono")]),
        (
            "ports",
            "ballast-ports",
            vec![on("ballast-domain"), optional("mockall")],
        ),
        (
            "adapters/http",
            "ballast-http",
            [domain_and_ports(), vec![on("reqwest")]].concat(),
        ),
        ("adapters/system", "ballast-system", domain_and_ports()),
        (
            "adapters/files",
            "ballast-files",
            [domain_and_ports(), vec![on("csv"), on("ballast-system")]].concat(),
        ),
        (
            "adapters/resilience",
            "ballast-resilience",
            domain_and_ports(),
        ),
        ("adapters/kraken", "ballast-kraken", http_too()),
        ("adapters/binance", "ballast-binance", http_too()),
        ("testkit", "ballast-testkit", domain_and_ports()),
        (
            "app",
            "ballast",
            vec![
                on("ballast-domain"),
                on("ballast-files"),
                optional("ballast-kraken"),
            ],
        ),
        ("xtask", "xtask", vec![on("serde_json")]),
    ];
    let mut workspace = Workspace::default();
    for (folder, name, mut dependencies) in rooms {
        if name == package {
            dependencies.push(extra.clone());
        }
        workspace.packages.push(Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies,
        });
    }
    workspace
}

fn refusals(package: &str, extra: &Dependency) -> Vec<String> {
    check(&house_with(package, extra))
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_house_in_order_is_not_refused() {
    for (package, extra) in [
        ("ballast-domain", dev("proptest")),
        ("ballast-domain", dev("ballast-testkit")),
        ("ballast-ports", dev("ballast-testkit")),
        ("ballast-files", dev("ballast-testkit")),
        ("ballast-kraken", dev("tokio")),
        ("ballast", dev("ballast-testkit")),
        ("ballast", on("ballast-resilience")),
        ("ballast", on("chrono")),
    ] {
        let none: Vec<String> = Vec::new();
        assert_eq!(refusals(package, &extra), none, "{package} {extra:?}");
    }
}

/// ARC-01: each edge against the layers is refused, with the rule and the way out.
#[test]
fn arc_01_an_edge_against_the_layers_is_refused() {
    for (package, extra, text) in [
        (
            "ballast-domain",
            on("tokio"),
            "ballast-domain -> tokio: of external crates domain uses only rust_decimal, chrono, \
             thiserror, serde, libm, statrs\n  instead: take what you need as a value",
        ),
        (
            "ballast-domain",
            on("ballast-ports"),
            "ballast-domain -> ballast-ports: domain leans on no crate of the workspace\n  \
             instead: take what you need as a value",
        ),
        (
            "ballast-domain",
            dev("ballast-files"),
            "ballast-domain -> ballast-files (dev): domain leans on no crate of the workspace\n",
        ),
        (
            "ballast-ports",
            on("tokio"),
            "ballast-ports -> tokio: of external crates ports uses only async-trait, thiserror, \
             futures-core, futures-util, serde, mockall, secrecy\n  instead: a port speaks domain words",
        ),
        (
            "ballast-ports",
            on("ballast-files"),
            "ballast-ports -> ballast-files: ports leans only on domain\n",
        ),
        (
            "ballast-ports",
            on("mockall"),
            "ballast-ports -> mockall: mocks are no part of a port\n  instead: make mockall \
             optional",
        ),
        (
            "ballast-kraken",
            on("ballast-binance"),
            "ballast-kraken -> ballast-binance: a venue leans only on domain, ports, \
             ballast-http\n  instead: what two neighbours share belongs into ballast-http",
        ),
        (
            "ballast-resilience",
            on("ballast-kraken"),
            "ballast-resilience -> ballast-kraken: an adapter of the house leans only on domain, \
             ports, ballast-journal, ballast-system\n  instead: take the other side as a port",
        ),
        (
            "ballast-system",
            on("ballast-files"),
            "ballast-system -> ballast-files: ballast-system leans only on domain, ports\n",
        ),
        (
            "ballast-files",
            on("ballast-http"),
            "ballast-files -> ballast-http: an adapter of the house leans only on domain, ports, \
             ballast-journal, ballast-system\n",
        ),
        (
            "ballast-http",
            on("ballast-kraken"),
            "ballast-http -> ballast-kraken: ballast-http leans only on domain, ports\n",
        ),
        (
            "ballast-kraken",
            on("reqwest"),
            "ballast-kraken -> reqwest: reqwest has one home, ballast-http\n  instead: go through \
             ballast-http",
        ),
        (
            "ballast-testkit",
            on("ballast-files"),
            "ballast-testkit -> ballast-files: testkit leans only on domain, ports\n  instead: \
             write a fake of the port",
        ),
        (
            "ballast-files",
            on("ballast-testkit"),
            "ballast-files -> ballast-testkit: the testkit is a dev-dependency only: fakes never \
             ship\n  instead: name it under [dev-dependencies]",
        ),
        (
            "ballast",
            on("ballast-testkit"),
            "ballast -> ballast-testkit: the testkit is a dev-dependency only: fakes never ship\n",
        ),
        (
            "ballast",
            on("ballast-binance"),
            "ballast -> ballast-binance: in app every venue is behind a cargo feature of its \
             name\n  instead: make the dependency optional",
        ),
        (
            "xtask",
            on("ballast-domain"),
            "xtask -> ballast-domain: xtask leans on no crate of the workspace\n  instead: call \
             the program as a process",
        ),
        (
            "xtask",
            dev("ballast-testkit"),
            "xtask -> ballast-testkit (dev): xtask has no use for the testkit\n",
        ),
        (
            "xtask",
            on("clap"),
            "xtask -> clap: of external crates xtask uses only serde_json\n",
        ),
    ] {
        let refused = refusals(package, &extra);
        assert_eq!(refused.len(), 1, "{refused:?} for {text}");
        assert!(
            refused[0].starts_with(text),
            "{}\nis not\n{text}",
            refused[0]
        );
    }
}

/// EXE-20: whoever names the program as a dependency is refused, so the command line stays a shell.
#[test]
fn exe_20_no_crate_leans_on_the_program() {
    for package in [
        "ballast-domain",
        "ballast-ports",
        "ballast-http",
        "ballast-files",
        "ballast-kraken",
        "ballast-testkit",
        "xtask",
    ] {
        for edge in [on("ballast"), dev("ballast"), optional("ballast")] {
            let refused = refusals(package, &edge);
            assert_eq!(refused.len(), 1, "{package}: {refused:?}");
            assert!(refused[0].starts_with(&format!("{package} -> ballast")));
        }
    }
}

#[test]
fn the_clock_of_chrono_stays_out_of_the_domain() {
    let defaults = Dependency {
        default_features: true,
        ..on("chrono")
    };
    for edge in [with("chrono", "clock"), with("chrono", "now"), defaults] {
        assert_eq!(
            refusals("ballast-domain", &edge),
            [
                "ballast-domain -> chrono: domain takes chrono without its clock\n  instead: set \
              default-features = false without `clock` and `now`; time is an argument"
            ]
        );
    }
    assert!(refusals("ballast", &with("chrono", "clock")).is_empty());
}

#[test]
fn features_that_change_numbers_everywhere_are_refused() {
    let refused = refusals("ballast", &with("serde_json", "arbitrary_precision"));
    assert_eq!(
        refused,
        [
            "ballast -> serde_json: nobody switches on serde_json/arbitrary_precision: it changes \
          every number of every crate; read exact amounts from strings\n  instead: remove the \
          feature; `cargo tree -e features -i` names who asks for it"
        ]
    );
    let mut workspace = house_with("none", &on("none"));
    workspace.resolved.push(Resolved {
        name: "rust_decimal".to_owned(),
        features: ["serde-float".to_owned()].into(),
    });
    let refused = check(&workspace);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].edge, "the graph -> rust_decimal");
}

#[test]
fn a_crate_outside_the_floor_plan_is_refused() {
    for (folder, name) in [
        ("tools/report", "ballast-report"),
        ("adapters/kraken", "kraken"),
        ("domain", "ballast-core"),
    ] {
        let mut workspace = Workspace::default();
        workspace.packages.push(Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies: Vec::new(),
        });
        let refused = check(&workspace);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].rule, "the house has no such room");
    }
}

#[test]
fn the_report_counts_or_teaches() {
    let text = report(&house_with("none", &on("none"))).unwrap();
    assert!(text.starts_with("layers: 11 crates, "), "{text}");
    let text = report(&house_with("ballast-domain", &on("tokio"))).unwrap_err();
    assert!(text.contains("ballast-domain -> tokio") && text.ends_with("xtask/src/layers.rs"));
}
