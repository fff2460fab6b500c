//! The workspace as `cargo metadata` describes it, cut down to what the layers need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::tools;

/// The members of the workspace and the features its packages are built with.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// The members, by name.
    pub packages: Vec<Package>,
    /// Every package of the resolved graph, external ones too, with its unified features.
    pub resolved: Vec<Resolved>,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its folder from the root, with `/` between the parts.
    pub folder: String,
    /// What its manifest names.
    pub dependencies: Vec<Dependency>,
}

/// One dependency as a manifest declares it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package's real name, also when the manifest renames it.
    pub name: String,
    /// For what it is used.
    pub kind: Kind,
    /// Is it behind a feature?
    pub optional: bool,
    /// Does it take the package's default features?
    pub default_features: bool,
    /// The features it switches on.
    pub features: Vec<String>,
}

/// For what a dependency is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the crate itself.
    Normal,
    /// By its tests, benchmarks and examples only.
    Dev,
    /// By its build script.
    Build,
}

/// A package with the features the whole workspace makes it build with.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The package's name.
    pub name: String,
    /// Its features, unified over the workspace.
    pub features: BTreeSet<String>,
}

/// Asks cargo about the workspace at `root`, with every feature on and for this platform.
///
/// # Errors
/// Cargo fails, or answers in a shape this reader does not know.
pub fn read(root: &Path) -> Result<Workspace, String> {
    let host = tools::host_triple()?;
    let output = Command::new(tools::cargo())
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--all-features", "--filter-platform", &host])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    let json = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("cargo metadata gave no JSON: {e}"))?;
    parse(&json).ok_or_else(|| {
        "cargo metadata answered in an unknown shape; xtask/src/metadata.rs reads format version 1"
            .to_owned()
    })
}

fn parse(json: &Value) -> Option<Workspace> {
    let root = json["workspace_root"].as_str()?.replace('\\', "/");
    let members: BTreeSet<&str> = strings(&json["workspace_members"])?.collect();
    let mut names = BTreeMap::new();
    let mut packages = Vec::new();
    for package in json["packages"].as_array()? {
        let id = package["id"].as_str()?;
        let name = package["name"].as_str()?;
        names.insert(id, name);
        if !members.contains(id) {
            continue;
        }
        let manifest = package["manifest_path"].as_str()?.replace('\\', "/");
        let folder = manifest
            .strip_prefix(&root)?
            .trim_start_matches('/')
            .strip_suffix("Cargo.toml")?
            .trim_end_matches('/');
        let dependencies = package["dependencies"]
            .as_array()?
            .iter()
            .map(dependency)
            .collect::<Option<_>>()?;
        packages.push(Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies,
        });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let mut resolved = Vec::new();
    for node in json["resolve"]["nodes"].as_array()? {
        resolved.push(Resolved {
            name: (*names.get(node["id"].as_str()?)?).to_owned(),
            features: strings(&node["features"])?.map(str::to_owned).collect(),
        });
    }
    Some(Workspace { packages, resolved })
}

fn dependency(json: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: json["name"].as_str()?.to_owned(),
        kind: match json["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        optional: json["optional"].as_bool()?,
        default_features: json["uses_default_features"].as_bool()?,
        features: strings(&json["features"])?.map(str::to_owned).collect(),
    })
}

fn strings(json: &Value) -> Option<impl Iterator<Item = &str>> {
    Some(json.as_array()?.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_dependencies_and_features_are_read() {
        let json: Value = serde_json::from_str(
            r#"{"workspace_root": "/r", "workspace_members": ["d 1"],
                "packages": [
                  {"id": "d 1", "name": "ballast-domain", "manifest_path": "/r/domain/Cargo.toml",
                   "dependencies": [{"name": "chrono", "kind": null, "optional": false,
                     "uses_default_features": false, "features": ["std"]},
                    {"name": "proptest", "kind": "dev", "optional": false,
                     "uses_default_features": true, "features": []}]},
                  {"id": "c 1", "name": "chrono", "manifest_path": "/x/Cargo.toml",
                   "dependencies": []}],
                "resolve": {"nodes": [{"id": "c 1", "features": ["std", "clock"]}]}}"#,
        )
        .unwrap();
        let workspace = parse(&json).unwrap();
        let [domain] = workspace.packages.as_slice() else {
            panic!("one member, not {:?}", workspace.packages);
        };
        assert_eq!(
            (domain.name.as_str(), domain.folder.as_str()),
            ("ballast-domain", "domain")
        );
        assert_eq!(domain.dependencies[0].features, ["std"]);
        assert!(!domain.dependencies[0].default_features);
        assert_eq!(domain.dependencies[1].kind, Kind::Dev);
        assert!(workspace.resolved[0].features.contains("clock"));
        assert!(parse(&Value::Null).is_none());
    }
}
