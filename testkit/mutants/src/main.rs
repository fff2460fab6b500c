//! The score of the tests: every change that `cargo mutants` would make to the chosen files,
//! compiled into one build behind switches, and each judged by the tests that reach it.
//!
//! `cargo mutants` builds anew for each change, which takes a day for a thousand of them; one build
//! takes minutes. The list of changes is its own.

mod build;
mod judge;
mod list;
mod switch;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use build::Refusal;
use judge::Verdict;

/// The package whose files are changed, and its folder.
const PACKAGE: (&str, &str) = ("ballast-domain", "domain");
/// The packages whose tests judge: with the journal's, which hold the shape of every record.
const JUDGES: [&str; 4] = [
    "ballast-domain",
    "ballast-journal",
    "ballast-sqlite",
    "ballast-testkit",
];
/// The modules on the way of money.
const MODULES: [&str; 4] = ["kernel", "orders", "risk", "portfolio"];
/// Not judged: bugs that only the feature `planted` compiles in. A build without it never has one, so
/// a change there cannot be noticed; `cargo xtask sim --planted` proves that each bug is.
const NOT_SHIPPED: &str = "domain/src/kernel/planted.rs";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mutants: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut chosen: Vec<String> = env::args().skip(1).collect();
    let all = chosen.len();
    chosen.retain(|arg| arg != "--quick");
    let only_quick = chosen.len() < all;
    for name in &chosen {
        if !MODULES.contains(&name.as_str()) {
            return Err(format!(
                "no module '{name}'; there are: {}",
                MODULES.join(", ")
            ));
        }
    }
    if chosen.is_empty() {
        chosen = MODULES.map(str::to_owned).to_vec();
    }
    let root = env::current_dir().map_err(|e| e.to_string())?;
    let work = root.join("target/mutants");
    let globs: Vec<String> = chosen
        .iter()
        .map(|m| format!("{}/src/{m}/**", PACKAGE.1))
        .collect();
    let mutants = list::mutants(&root, PACKAGE.0, &globs, NOT_SHIPPED)?;
    println!("{} changes in {}", mutants.len(), chosen.join(", "));
    println!("not judged: {NOT_SHIPPED}, bugs planted for the proofs");

    let tree = tree::Tree::copy(&root, &work.join("tree"), PACKAGE.1)?;
    let known = work.join("refused.tsv");
    let mut left_out = tree::LeftOut::default();
    if only_quick {
        // A first build less; the full run asks the compiler about every change.
        left_out.read(&known, &mutants);
    }
    let (placed, refused) = viable(&tree, &mutants, left_out, &known)?;
    let binaries = build::tests(&tree.root, &JUDGES)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let tests = judge::trace(&binaries, &work.join("trace"), jobs)?;
    println!(
        "{} of them built, judged by {} tests",
        placed.len(),
        tests.len()
    );

    let numbers: Vec<u32> = placed.into_iter().collect();
    let verdicts = judge::judge(&tests, &numbers, jobs, only_quick)?;
    let verdicts: BTreeMap<u32, (Verdict, Option<String>)> =
        numbers.into_iter().zip(verdicts).collect();
    if only_quick {
        println!("judged by quick tests alone: the slow ones catch more");
    }
    report(&work, &mutants, &refused, &verdicts)
}

/// Leaves out what the compiler refuses until the rest builds.
fn viable(
    tree: &tree::Tree,
    mutants: &[list::Mutant],
    mut left_out: tree::LeftOut,
    known: &Path,
) -> Result<(BTreeSet<u32>, BTreeMap<u32, Refusal>), String> {
    loop {
        let placed = tree.switch(mutants, &left_out)?;
        if build::check(&tree.root, &JUDGES, &mut left_out)? {
            left_out.write(known, mutants)?;
            let all = 1..=u32::try_from(mutants.len()).map_err(|e| e.to_string())?;
            for number in all.filter(|n| !placed.contains(n)) {
                left_out.changes.entry(number).or_insert(Refusal::NoSwitch);
            }
            return Ok((placed, left_out.changes));
        }
    }
}

/// Prints the table, and writes what was missed and what could not be judged to files.
fn report(
    work: &Path,
    mutants: &[list::Mutant],
    refused: &BTreeMap<u32, Refusal>,
    verdicts: &BTreeMap<u32, (Verdict, Option<String>)>,
) -> Result<(), String> {
    let module = |m: &list::Mutant| m.file.split('/').nth(2).unwrap_or("").to_owned();
    let mut rows: BTreeMap<String, [usize; 7]> = BTreeMap::new();
    let (mut missed, mut unjudged, mut full) = (String::new(), String::new(), String::new());
    for (number, mutant) in (1..).zip(mutants) {
        let column = match (refused.get(&number), verdicts.get(&number)) {
            (Some(Refusal::Unviable), _) => 1,
            (_, Some((Verdict::Caught, _))) => 3,
            (_, Some((Verdict::Timeout, _))) => 4,
            (_, Some((Verdict::Missed, _))) => 5,
            (_, Some((Verdict::Unreached, _))) => 6,
            (Some(Refusal::NoSwitch), _) | (None, None) => 2,
        };
        for name in [module(mutant), "~".to_owned()] {
            let row = rows.entry(name).or_default();
            row[0] += 1;
            row[column] += 1;
        }
        match column {
            2 => unjudged.push_str(&format!("{mutant}\n")),
            5 | 6 => missed.push_str(&format!("{mutant}\n")),
            _ => {}
        }
        full.push_str(&format!(
            "{number}\t{column}\t{mutant}\t{:?}\n",
            verdicts.get(&number)
        ));
    }
    println!("module      changes unviable no switch caught timeout missed unreached  score");
    for (name, row) in rows {
        let name = if name == "~" { "all".to_owned() } else { name };
        let [all, unviable, none, caught, timeout, missed, unreached] = row;
        let judged = caught + timeout + missed + unreached;
        let score = 100.0 * (caught + timeout) as f64 / judged.max(1) as f64;
        println!(
            "{name:<11} {all:>7} {unviable:>8} {none:>9} {caught:>6} {timeout:>7} {missed:>6} \
             {unreached:>9} {score:>5.1}%"
        );
    }
    for (name, text) in [
        ("missed.txt", missed),
        ("unjudged.txt", unjudged),
        ("all.tsv", full),
    ] {
        let path = work.join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    println!("survivors: target/mutants/missed.txt; without a switch: target/mutants/unjudged.txt");
    Ok(())
}
