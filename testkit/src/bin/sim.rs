//! Plays simulated days from seeds, or one day from its seed or tape: `sim --seeds 2000`.
//!
//! Exit codes: 0 nothing that must never happen did, 1 something did or was never reached, 2 usage.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ballast_testkit::simworld::parity::{CONFIGS, backtest, session};
use ballast_testkit::simworld::{
    Counts, Coverage, FaultKind, Lockstep, Outages, Outcome, Plan, Planted, reachable_rows, run,
    run_with, shrink,
};

const USAGE: &str = "\
Usage: sim [--seeds N] [--from S] [--minutes M] [--threads T]
       sim --replay SEED|TAPE
       sim --tape SEED
       sim --shrink SEED|TAPE
       sim --planted [--seeds N] [--from S]
       sim --parity [--seeds N] [--from S]

  --seeds N     how many days, each from its seed (default 200)
  --from S      the first seed (default 0)
  --minutes M   stop beginning new days after M minutes
  --threads T   days at the same time (default 2)
  --replay X    one day, from its seed or from the JSON text of its plan in a file
  --tape SEED   print the plan of a seed as JSON
  --shrink X    one day that goes wrong, made small, as JSON
  --planted     plant each known bug in turn, and play days until an oracle finds it
  --parity      compare the backtest driver with N sessions whose writes are delayed, each config
";

/// Every so many seeds a day is played twice, and must be the same day.
const TWICE: u64 = 50;
/// Days after which every row of the catalogue must have been reached.
const ENOUGH: u64 = 500;
/// The mean time to repair that is allowed where nobody helps, in seconds; twice that in all.
const REPAIRED_WITHIN: f64 = 300.0;
/// Violations that are listed.
const LISTED: usize = 20;

#[derive(Debug, Default)]
struct Settings {
    seeds: u64,
    from: u64,
    minutes: Option<u64>,
    threads: u64,
    replay: Option<String>,
    tape: Option<u64>,
    shrink: Option<String>,
    planted: bool,
    parity: bool,
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Option<Settings> {
    let mut settings = Settings {
        seeds: 200,
        threads: 2,
        ..Settings::default()
    };
    while let Some(argument) = arguments.next() {
        if argument == "--planted" {
            settings.planted = true;
            continue;
        }
        if argument == "--parity" {
            settings.parity = true;
            continue;
        }
        let value = arguments.next()?;
        match argument.as_str() {
            "--seeds" => settings.seeds = value.parse().ok()?,
            "--from" => settings.from = value.parse().ok()?,
            "--minutes" => settings.minutes = Some(value.parse().ok()?),
            "--threads" => settings.threads = value.parse().ok().filter(|t| *t > 0)?,
            "--replay" => settings.replay = Some(value),
            "--shrink" => settings.shrink = Some(value),
            "--tape" => settings.tape = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(settings)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|a| a == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(settings) = settings(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(seed) = settings.tape {
        return print_tape(&Plan::from_seed(seed));
    }
    if let Some(what) = &settings.replay {
        return replay(what);
    }
    // A panic of the program under test is caught and reported with its seed.
    std::panic::set_hook(Box::new(|_| ()));
    if let Some(what) = &settings.shrink {
        return print_small(what);
    }
    if settings.planted {
        return find_planted(&settings);
    }
    if settings.parity {
        return compare_drivers(&settings);
    }
    play_all(&settings)
}

/// Seed of the market on which drivers are compared.
const PARITY_SEED: u64 = 11;

/// One market, config and seed in the backtest driver and in sessions whose writes are delayed.
fn compare_drivers(settings: &Settings) -> ExitCode {
    println!(
        "{:>9} {:>6} {:>6} {:>7} {:>8} {:>9}  config",
        "decisions", "orders", "fills", "partial", "sessions", "different"
    );
    let mut different = 0;
    for (name, lockstep) in CONFIGS {
        let plan = |delays| Plan::in_lockstep(PARITY_SEED, Lockstep { delays, ..lockstep });
        let tested = match backtest(&plan(0), None) {
            Ok(story) => story,
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::FAILURE;
            }
        };
        let seeds = settings.from..settings.from.saturating_add(settings.seeds);
        let mut differ = Vec::new();
        for delays in seeds {
            let what = match session(&plan(delays), None) {
                Ok(story) => story.difference(&tested),
                Err(v) => Some(format!("{} at {} ms: {}", v.invariant, v.at, v.what)),
            };
            differ.extend(what.map(|what| format!("  delays {delays}: {what}")));
        }
        println!(
            "{:>9} {:>6} {:>6} {:>7} {:>8} {:>9}  {name}",
            tested.decided(),
            tested.orders.len(),
            tested.fills.len(),
            tested.partial,
            settings.seeds,
            differ.len()
        );
        differ
            .iter()
            .take(LISTED)
            .for_each(|line| println!("{line}"));
        different += differ.len();
    }
    if different == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plants each bug and plays days until an oracle finds it.
fn find_planted(settings: &Settings) -> ExitCode {
    println!(
        "{:<28} {:<10} {:>6}  first violation",
        "bug", "oracle", "seeds"
    );
    let mut missed = 0;
    for bug in Planted::all() {
        let seeds = settings.from..settings.from.saturating_add(settings.seeds);
        let found = seeds.zip(1_u64..).find_map(|(seed, days)| {
            let violation = run_with(&Plan::from_seed(seed), Some(bug)).violation?;
            Some((days, seed, violation))
        });
        let name = bug.name();
        if let Some((days, seed, v)) = found {
            println!(
                "{name:<28} {:<10} {days:>6}  seed {seed}: {}",
                v.invariant, v.what
            );
        } else {
            missed += 1;
            println!("{name:<28} {:<10} {:>6}  NOT FOUND", "-", settings.seeds);
        }
    }
    println!("{missed} planted bugs not found");
    if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_tape(plan: &Plan) -> ExitCode {
    match serde_json::to_string_pretty(plan) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The plan of a seed, or of a tape in a file.
fn plan_of(what: &str) -> Result<Plan, ExitCode> {
    if let Ok(seed) = what.parse() {
        return Ok(Plan::from_seed(seed));
    }
    let text = std::fs::read_to_string(what).map_err(|e| e.to_string());
    let plan = text.and_then(|t| serde_json::from_str(&t).map_err(|e| e.to_string()));
    plan.map_err(|error| {
        eprintln!("{what}: {error}");
        ExitCode::from(2)
    })
}

fn print_small(what: &str) -> ExitCode {
    match plan_of(what).map(|plan| shrink(&plan, None)) {
        Ok(Some(small)) => print_tape(&small),
        Ok(None) => {
            eprintln!("{what}: nothing that must never happen happens");
            ExitCode::FAILURE
        }
        Err(code) => code,
    }
}

fn replay(what: &str) -> ExitCode {
    let plan = match plan_of(what) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let outcome = run(&plan);
    println!("{:?}\n{:?}", plan.venue, plan.tuning);
    println!("{} faults scheduled", plan.faults.len());
    println!("{:?}\ntrace {:016x}", outcome.counts, outcome.trace);
    for reason in &outcome.reasons {
        println!("restricted at the end: {reason}");
    }
    match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(v) => {
            println!("VIOLATION {} at {} ms: {}", v.invariant, v.at, v.what);
            ExitCode::FAILURE
        }
    }
}

/// What the days of a run add up to.
#[derive(Default)]
struct Sum {
    days: u64,
    counts: Counts,
    coverage: Coverage,
    violations: Vec<(u64, String)>,
}

impl Sum {
    fn take(&mut self, seed: u64, outcome: &Outcome) {
        self.days += 1;
        self.counts.add(&outcome.counts);
        self.coverage.add(&outcome.coverage);
        if let Some(v) = &outcome.violation {
            let text = format!("{} at {} ms: {}", v.invariant, v.at, v.what);
            self.violations.push((seed, text));
        }
    }
}

fn play_all(settings: &Settings) -> ExitCode {
    println!("faults of the catalogue that this world reaches:");
    println!("  {}", reachable_rows().join(" "));
    let started = Instant::now();
    let limit = settings.minutes.map(|m| Duration::from_secs(60 * m));
    let next = AtomicU64::new(settings.from);
    let end = settings.from.saturating_add(settings.seeds);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..settings.threads {
            scope.spawn(|| {
                while limit.is_none_or(|l| started.elapsed() < l) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let plan = Plan::from_seed(seed);
                    let mut outcome = run(&plan);
                    if seed.is_multiple_of(TWICE)
                        && let Some(violation) = outcome.unlike(&run(&plan))
                    {
                        outcome.violation.get_or_insert(violation);
                    }
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.take(seed, &outcome);
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    sum.violations.sort();
    report(&sum, started.elapsed())
}

/// Makes the first day that went wrong small and keeps its tape, to become a regression test.
fn keep_tape(seed: u64) {
    let Some(small) = shrink(&Plan::from_seed(seed), None) else {
        return;
    };
    let path = format!("target/tapes/seed-{seed}.json");
    let text = serde_json::to_string_pretty(&small).map_err(|e| e.to_string());
    let kept = text.and_then(|text| {
        std::fs::create_dir_all("target/tapes").map_err(|e| e.to_string())?;
        std::fs::write(&path, text).map_err(|e| e.to_string())
    });
    let (minutes, faults) = (small.minutes, small.faults.len());
    match kept {
        Ok(()) => println!("seed {seed} in {minutes} minutes and {faults} faults: {path}"),
        Err(error) => println!("seed {seed}: its tape cannot be kept: {error}"),
    }
}

fn all_outages(counts: &Counts) -> Outages {
    let mut all = counts.repaired;
    all.add(&counts.helped);
    all
}

fn report(sum: &Sum, elapsed: Duration) -> ExitCode {
    print!("{}", sum.coverage.table());
    let days = sum.days.max(1) as f64;
    let a_day = |n: u64| n as f64 / days;
    let c = &sum.counts;
    println!(
        "{} days in {:.1} s: {:.0} days a minute",
        sum.days,
        elapsed.as_secs_f64(),
        sum.days as f64 * 60.0 / elapsed.as_secs_f64().max(1e-9)
    );
    println!(
        "a day: {:.0} orders sent, {:.0} executions, {:.0} cancels, {:.1} faults, {:.2} crashes, \
         {:.2} refused starts, {:.0} account reports, {:.1} unknown outcomes, {:.0} events, \
         {:.0} KiB of journal",
        a_day(c.sent),
        a_day(c.fills),
        a_day(c.cancels),
        a_day(c.faults),
        a_day(c.crashes),
        a_day(c.refused),
        a_day(c.reports),
        a_day(c.unknown),
        a_day(c.events),
        a_day(c.journal) / 1_024.0,
    );
    println!(
        "{} days ended restricted, with a recorded reason",
        c.restricted
    );
    for (how, outages) in [
        ("by itself", &c.repaired),
        ("with a person", &c.helped),
        ("in all", &all_outages(c)),
    ] {
        let [second, ten, minute, five, ten_minutes] = outages.shares().map(|s| 100.0 * s);
        println!(
            "repaired {how}: {} outages, mean {:.1} s; within 1 s {second:.1} %, 10 s {ten:.1} %, \
             1 min {minute:.1} %, 5 min {five:.1} %, 10 min {ten_minutes:.1} %",
            outages.count,
            outages.mean_seconds(),
        );
    }
    println!("wanted: {} kills", c.wanted_outages);
    let unreached = sum.coverage.unreached();
    if !unreached.is_empty() {
        println!("never reached: {}", unreached.join(" "));
    }
    let silent: Vec<_> = FaultKind::ALL
        .iter()
        .filter(|k| sum.coverage.of(**k) == 0)
        .map(|k| k.name())
        .collect();
    if !silent.is_empty() {
        println!("faults without effect: {}", silent.join(" "));
    }
    println!("{} violations", sum.violations.len());
    if let Some((seed, _)) = sum.violations.first() {
        keep_tape(*seed);
    }
    for (seed, text) in sum.violations.iter().take(LISTED) {
        println!(
            "  seed {seed}: {text}\n    repeat: cargo run --release -p ballast-testkit --bin sim -- --replay {seed}"
        );
    }
    let all_reached = sum.days < ENOUGH || unreached.is_empty();
    let soon = sum.days < ENOUGH
        || (c.repaired.mean_seconds() < REPAIRED_WITHIN
            && all_outages(c).mean_seconds() < 2.0 * REPAIRED_WITHIN);
    if !soon {
        println!("repairs take too long: a mean of 300 s by itself, 600 s in all, is allowed");
    }
    if sum.violations.is_empty() && all_reached && soon {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
