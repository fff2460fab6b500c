//! A copy of the workspace in which every change waits behind its switch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::Refusal;
use crate::list::Mutant;
use crate::switch;

/// The module that answers which change is on: one by `MUTANT`, or none, and then which ones a test
/// reaches is written to the file `MUTANT_TRACE`.
const SWITCH: &str = r#"
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

static ACTIVE: OnceLock<u32> = OnceLock::new();
static TRACE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
static SEEN: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

pub fn on(number: u32) -> bool {
    let active = *ACTIVE.get_or_init(|| {
        std::env::var("MUTANT").ok().and_then(|v| v.parse().ok()).unwrap_or(0)
    });
    if active == 0 && !SEEN[number as usize].swap(true, Ordering::Relaxed) {
        let trace = TRACE.get_or_init(|| {
            let path = std::env::var_os("MUTANT_TRACE")?;
            File::options().create(true).append(true).open(path).ok().map(Mutex::new)
        });
        if let Some(file) = trace {
            let _ = writeln!(file.lock().unwrap(), "{number}");
        }
    }
    active == number
}
"#;

/// The copy.
pub struct Tree {
    /// Where it is.
    pub root: PathBuf,
    source: PathBuf,
    package: PathBuf,
    /// The files of the package, from the root.
    sources: Vec<String>,
}

/// What the compiler does not take.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// Changes, and why.
    pub changes: BTreeMap<u32, Refusal>,
    /// Functions that must stay constant, by name.
    pub constant: BTreeSet<String>,
}

impl LeftOut {
    /// Takes over what was refused of changes with the same names at an earlier time.
    pub fn read(&mut self, from: &Path, mutants: &[Mutant]) {
        let text = fs::read_to_string(from).unwrap_or_default();
        let mut names: BTreeMap<&str, Refusal> = BTreeMap::new();
        for (kind, name) in text.lines().filter_map(|l| l.split_once('\t')) {
            match kind {
                "constant" => _ = self.constant.insert(name.to_owned()),
                "unviable" => _ = names.insert(name, Refusal::Unviable),
                _ => _ = names.insert(name, Refusal::NoSwitch),
            }
        }
        for (number, mutant) in (1..).zip(mutants) {
            if let Some(refusal) = names.get(&*mutant.name) {
                self.changes.insert(number, *refusal);
            }
        }
    }

    /// Writes it down, by name.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, to: &Path, mutants: &[Mutant]) -> Result<(), String> {
        let mut text = String::new();
        for name in &self.constant {
            text.push_str(&format!("constant\t{name}\n"));
        }
        for (number, mutant) in (1..).zip(mutants) {
            let kind = match self.changes.get(&number) {
                Some(Refusal::Unviable) => "unviable",
                Some(Refusal::NoSwitch) => "no switch",
                None => continue,
            };
            text.push_str(&format!("{kind}\t{mutant}\n"));
        }
        write(to, text.as_bytes())
    }
}

impl Tree {
    /// Copies the files that git knows from `source` to `root`, and leaves equal files alone.
    /// Switches are put into `package`, a folder of the workspace.
    ///
    /// # Errors
    /// Git or the disk refuses.
    pub fn copy(source: &Path, root: &Path, package: &str) -> Result<Self, String> {
        let out = Command::new("git")
            .current_dir(source)
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .output()
            .map_err(|e| format!("git cannot be started: {e}"))?;
        let names = String::from_utf8(out.stdout).map_err(|e| e.to_string())?;
        let folder = format!("{package}/src/");
        let mut sources = Vec::new();
        for name in names.split('\0').filter(|n| !n.is_empty()) {
            if let Ok(bytes) = fs::read(source.join(name)) {
                if name.starts_with(&folder) && name.ends_with(".rs") {
                    sources.push(name.to_owned());
                } else {
                    write(&root.join(name), &bytes)?;
                }
            }
        }
        let (root, source) = (root.to_owned(), source.to_owned());
        Ok(Self {
            root,
            source,
            package: PathBuf::from(package),
            sources,
        })
    }

    /// Writes each file of the package with the changes that are not in `left_out`; gives the numbers
    /// that are in.
    ///
    /// # Errors
    /// A file is not Rust or cannot be written.
    pub fn switch(&self, mutants: &[Mutant], left_out: &LeftOut) -> Result<BTreeSet<u32>, String> {
        let mut by_file: BTreeMap<&str, Vec<switch::Numbered<'_>>> = BTreeMap::new();
        for name in &self.sources {
            by_file.insert(name, Vec::new());
        }
        for (number, mutant) in (1..).zip(mutants) {
            let all = by_file.entry(&mutant.file).or_default();
            if !left_out.changes.contains_key(&number) {
                all.push((number, mutant));
            }
        }
        let mut placed = BTreeSet::new();
        for (file, all) in by_file {
            let text = read(&self.source.join(file))?;
            let (new, numbers) =
                switch::rewrite(&text, &all).map_err(|e| format!("{file}: {e}"))?;
            let mut new = switch::without_const(&new, &left_out.constant);
            if Path::new(file) == self.package.join("src/lib.rs") {
                new.push_str("\nmod mutant;\n");
            }
            write(&self.root.join(file), new.as_bytes())?;
            placed.extend(numbers);
        }
        let count = mutants.len() + 1;
        let module = format!("const COUNT: usize = {count};\n{SWITCH}");
        write(
            &self.root.join(&self.package).join("src/mutant.rs"),
            module.as_bytes(),
        )?;
        Ok(placed)
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Equal bytes are not written again, so that nothing is built again for them.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|e| format!("{}: {e}", path.display()))
}
