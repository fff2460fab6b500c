//! A crate with a strategy of the user's own over a checkout of Ballast.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};

use crate::run_directory::PROGRAM_VERSION;

const STRATEGY: &str = include_str!("../../examples/own_strategy/main.rs");
const CONFIG: &str = include_str!("../../examples/own_strategy/config.toml");

/// A checkout that a crate may lean on, with the parts of it that the crate takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategyCrate {
    /// Its root, absolute.
    checkout: PathBuf,
    /// The build profiles: cargo reads them from the outermost manifest only, and without them
    /// money would wrap in release builds.
    profiles: String,
    /// The versions of all dependencies, so that both build the same.
    lock: String,
    toolchain: String,
}

impl StrategyCrate {
    /// Over the checkout at `root`.
    ///
    /// # Errors
    /// `Configuration` when there is no checkout of Ballast, or one of another version.
    pub fn over(root: &Path) -> Result<Self> {
        let no_checkout = |why: String| {
            Error::config(format!("this is no checkout of Ballast: {why}"))
                .context("path", root.display())
                .hint("name the folder that git clone made, the one with domain and app in it")
        };
        let checkout = fs::canonicalize(root).map_err(|e| no_checkout(e.to_string()))?;
        let read = |name: &str| {
            fs::read_to_string(checkout.join(name)).map_err(|e| no_checkout(format!("{name}: {e}")))
        };
        let manifest = read("Cargo.toml")?;
        for (folder, name) in [("app", "ballast"), ("domain", "ballast-domain")] {
            let file = format!("{folder}/Cargo.toml");
            if value_of(&read(&file)?, "[package]", "name") != Some(name) {
                return Err(no_checkout(format!("{file} is not of the package {name}")));
            }
        }
        let version = value_of(&manifest, "[workspace.package]", "version").unwrap_or("unknown");
        if version != PROGRAM_VERSION {
            return Err(Error::config("the checkout is of another version")
                .context("path", root.display())
                .context("checkout", version)
                .context("program", PROGRAM_VERSION)
                .hint("run init from that checkout: cargo run --release -- init DIR --source ."));
        }
        Ok(Self {
            profiles: sections(&manifest, "[profile."),
            lock: read("Cargo.lock")?,
            toolchain: read("rust-toolchain.toml")?,
            checkout,
        })
    }

    /// The files of a crate in `folder`, by name.
    pub fn files(&self, folder: &Path) -> Vec<(&'static str, String)> {
        vec![
            ("Cargo.toml", self.manifest(&package_name(folder))),
            ("Cargo.lock", self.lock.clone()),
            ("rust-toolchain.toml", self.toolchain.clone()),
            (".gitignore", "/target\n/ballast-data\n".to_owned()),
            ("src/main.rs", STRATEGY.to_owned()),
            ("config.toml", CONFIG.to_owned()),
        ]
    }

    fn manifest(&self, name: &str) -> String {
        let path = |folder: &str| {
            // A literal string of TOML has no escapes; what it cannot hold goes the long way.
            let path = self.checkout.join(folder).display().to_string();
            if path.contains('\'') || path.contains(char::is_control) {
                toml::Value::String(path).to_string()
            } else {
                format!("'{path}'")
            }
        };
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             publish = false\n\n\
             [dependencies]\nballast = {{ path = {} }}\nballast-domain = {{ path = {} }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
             # On its own, also when the folder lies inside another workspace.\n[workspace]\n\n\
             # As in the checkout.\n{}",
            path("app"),
            path("domain"),
            self.profiles
        )
    }
}

/// The folder's name as cargo wants it: ASCII letters, digits and dashes, a letter first.
fn package_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        })
        .collect();
    let name = match name.trim_matches('-') {
        "" => "strategy",
        name => name,
    };
    // Names of dependencies would contradict them, keywords are refused by cargo.
    let taken = name.starts_with("ballast") || matches!(name, "serde" | "test" | "core" | "std");
    if !taken && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.to_owned()
    } else {
        format!("my-{name}")
    }
}

/// The quoted value of `key` in the section that `header` opens.
fn value_of<'a>(manifest: &'a str, header: &str, key: &str) -> Option<&'a str> {
    let section = manifest.lines().skip_while(|line| line.trim() != header);
    section
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))
        .and_then(|value| value.split('"').nth(1))
}

/// The sections whose headers begin with `prefix`, without comments, one blank line between them.
fn sections(manifest: &str, prefix: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.starts_with(prefix);
            if inside && !text.is_empty() {
                text.push('\n');
            }
        }
        if inside && !line.trim().is_empty() && !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn this_checkout() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    /// Money must not wrap in the user's build either.
    #[test]
    fn the_profiles_of_the_checkout_come_along() {
        let manifest = StrategyCrate::over(this_checkout())
            .unwrap()
            .manifest("mine");
        let table: toml::Table = manifest.parse().unwrap();
        let checkout: toml::Table = fs::read_to_string(this_checkout().join("Cargo.toml"))
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(table["profile"], checkout["profile"]);
        let release = table["profile"]["release"].as_table().unwrap();
        assert_eq!(release["overflow-checks"].as_bool(), Some(true));
        for (name, folder) in [("ballast", "app"), ("ballast-domain", "domain")] {
            let path = table["dependencies"][name]["path"].as_str().unwrap();
            let found = fs::canonicalize(this_checkout().join(folder)).unwrap();
            assert_eq!(Path::new(path), found);
        }
    }

    #[test]
    fn a_path_with_any_character_is_written_so_that_cargo_reads_it() {
        let mut made = StrategyCrate::over(this_checkout()).unwrap();
        for root in ["/a b/c", "/it's \"quoted\"", "C:\\x\\y"] {
            made.checkout = PathBuf::from(root);
            let table: toml::Table = made.manifest("mine").parse().unwrap();
            let path = table["dependencies"]["ballast"]["path"].as_str().unwrap();
            assert_eq!(Path::new(path), Path::new(root).join("app"));
        }
    }

    #[test]
    fn a_folder_gives_a_name_that_cargo_takes() {
        for (folder, name) in [
            ("x/My Strategy", "my-strategy"),
            ("x/2momentum", "my-2momentum"),
            ("x/ballast", "my-ballast"),
            ("x/test", "my-test"),
            ("..", "strategy"),
            ("x/été", "t"),
        ] {
            assert_eq!(package_name(Path::new(folder)), name, "{folder}");
        }
    }

    /// Each way not to be a checkout is told apart, with what to do.
    #[test]
    fn what_is_no_checkout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |root: &Path| StrategyCrate::over(root).unwrap_err().to_string();
        let missing = refused(&folder.path().join("nowhere"));
        assert!(missing.contains("no checkout of Ballast"), "{missing}");
        assert!(missing.contains("hint: name the folder"), "{missing}");
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("Cargo.toml", "[package]\nname = \"another\"\n");
        put("app/Cargo.toml", "[package]\nname = \"another\"\n");
        let another = refused(folder.path());
        assert!(another.contains("app/Cargo.toml is not of"), "{another}");
        put("app/Cargo.toml", "[package]\nname = \"ballast\"\n");
        put(
            "domain/Cargo.toml",
            "[package]\nname = \"ballast-domain\"\n",
        );
        put("Cargo.toml", "[workspace.package]\nversion = \"9.9.9\"\n");
        let version = refused(folder.path());
        assert!(version.contains("checkout = 9.9.9"), "{version}");
    }
}
