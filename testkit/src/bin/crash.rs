//! Kills the real program over and over: `crash --program ballast --venue sandbox-venue --cycles 500`.
//!
//! Exit codes: 0 nothing was lost or doubled and every phase was hit, 1 something was, or a phase
//! was hit too rarely in 500 cycles or more, 2 usage.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ballast_testkit::builders::SplitMix64;
use ballast_testkit::crash::{
    Account, Aim, Evidence, Histogram, Phase, Places, Reach, journal_delay_ms,
};

const USAGE: &str = "\
Usage: crash --program BALLAST --venue SANDBOX-VENUE [--cycles N] [--seed S] [--keep DIR]

  --program P   ballast, built with the feature sandbox
  --venue V     sandbox-venue
  --cycles N    how often it is killed (default 100)
  --seed S      of markets, instants and aims (default 0)
  --keep DIR    where the accounts are kept; else they go with the run, unless something is wrong
";

/// Cycles that one account lives.
const LIFE: u64 = 20;
/// Every so many cycles the venue is killed as well.
const VENUE_DIES: u64 = 7;
/// Cycles from which on every phase must have been hit, and how often.
const ENOUGH: u64 = 500;
const LEAST: u32 = 30;

#[derive(Debug)]
struct Arguments {
    places: Places,
    cycles: u64,
    seed: u64,
    keep: Option<PathBuf>,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let (mut program, mut venue, mut keep) = (None, None, None);
    let (mut cycles, mut seed) = (100, 0);
    while let Some(name) = given.next() {
        let value = given.next()?;
        match name.as_str() {
            "--program" => program = Some(PathBuf::from(value)),
            "--venue" => venue = Some(PathBuf::from(value)),
            "--cycles" => cycles = value.parse().ok()?,
            "--seed" => seed = value.parse().ok()?,
            "--keep" => keep = Some(PathBuf::from(value)),
            _ => return None,
        }
    }
    let places = Places {
        program: program?,
        venue: venue?,
    };
    Some(Arguments {
        places,
        cycles,
        seed,
        keep,
    })
}

/// What a run found.
#[derive(Debug, Default)]
struct Findings {
    histogram: Histogram,
    killed: u64,
    ended: u64,
    records: usize,
    orders: usize,
    duplicates: usize,
    venue_deaths: u64,
    accounts: u64,
    violations: Vec<String>,
}

struct Run {
    random: SplitMix64,
    /// How long a session usually takes, so that random instants fall into all of it.
    usual: Duration,
    reach: Reach,
    findings: Findings,
}

impl Run {
    /// When to kill, and which phase that is meant for.
    fn aim(&mut self) -> (Option<Phase>, Aim) {
        if self.random.below(2) == 0 {
            return (None, Aim::at_random(&mut self.random, self.usual));
        }
        let histogram = &self.findings.histogram;
        let (phase, aim) = self.reach.aim(histogram, &mut self.random, self.usual);
        (Some(phase), aim)
    }

    /// One account, from its first session to its last.
    fn account(&mut self, mut account: Account, cycles: u64) -> Result<(), String> {
        let mut last = None;
        for cycle in 0..cycles {
            let (aimed, aim) = self.aim();
            let session = account.trade_and_kill(aim, aimed.map_or(0, journal_delay_ms))?;
            if let Some(recovery) = session.recovery {
                // As long again is traded; an average, for machines have moods.
                self.usual = (self.usual * 3 + recovery * 2) / 4;
            }
            let (evidence, violations) = account.evidence()?;
            self.findings.violations.extend(violations);
            match session.ended {
                None => {
                    self.findings.killed += 1;
                    let phase = evidence.phase(account.told());
                    self.findings.histogram.note(phase);
                    if let Some(aimed) = aimed {
                        self.reach.learn(aimed, phase);
                    }
                }
                Some(status) => {
                    self.findings.ended += 1;
                    if !status.success() {
                        let words = account.complaints();
                        let found = format!("a session ended by itself with {status}: {words}");
                        self.findings.violations.push(found);
                    }
                }
            }
            account.begin_after(&evidence);
            last = Some(evidence);
            if self.random.below(VENUE_DIES) == 0 && cycle + 1 < cycles {
                account.restart_venue()?;
                self.findings.venue_deaths += 1;
            }
            if !self.findings.violations.is_empty() {
                return Ok(());
            }
        }
        self.findings.violations.extend(account.settle()?);
        self.findings.accounts += 1;
        self.findings.records += last.as_ref().map_or(0, |e| e.lines.len());
        self.findings.orders += last.as_ref().map_or(0, Evidence::orders);
        self.findings.duplicates += last.as_ref().map_or(0, |e| e.duplicates().len());
        Ok(())
    }
}

fn run(arguments: &Arguments) -> Result<Findings, String> {
    let own = std::env::temp_dir().join(format!("ballast-crash-{}", std::process::id()));
    let folder = arguments.keep.clone().unwrap_or(own);
    let mut run = Run {
        random: SplitMix64::new(arguments.seed),
        usual: Duration::from_millis(400),
        reach: Reach::default(),
        findings: Findings::default(),
    };
    let begun = Instant::now();
    let mut done = 0;
    let mut number = 0;
    while done < arguments.cycles && run.findings.violations.is_empty() {
        let cycles = LIFE.min(arguments.cycles - done);
        let place = folder.join(format!("account-{number}"));
        let seed = run.random.next_u64();
        let account = Account::new(&arguments.places, &place, seed)?;
        if let Err(e) = run.account(account, cycles) {
            run.findings.violations.push(e);
        }
        if !run.findings.violations.is_empty() {
            eprintln!("what is left is in {}", place.display());
        } else if arguments.keep.is_none() {
            std::fs::remove_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
        }
        done += cycles;
        number += 1;
        let minutes = begun.elapsed().as_secs_f64() / 60.0;
        eprintln!(
            "{done} cycles, {:.0} a minute, {} violations",
            done as f64 / minutes,
            run.findings.violations.len()
        );
    }
    if arguments.keep.is_none() && run.findings.violations.is_empty() {
        let _ = std::fs::remove_dir(&folder);
    }
    Ok(run.findings)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let findings = match run(&arguments) {
        Ok(findings) => findings,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let cycles = findings.killed + findings.ended;
    println!(
        "{cycles} cycles in {seconds:.0} s, {:.0} a minute; seed {}",
        cycles as f64 * 60.0 / seconds,
        arguments.seed
    );
    println!(
        "{} killed, {} ended by themselves; the venue was killed {} times; {} accounts settled",
        findings.killed, findings.ended, findings.venue_deaths, findings.accounts
    );
    println!(
        "{} records and {} orders in the last evidence of each account; {} duplicates at the venue",
        findings.records, findings.orders, findings.duplicates
    );
    println!("where the kills hit:\n{}", findings.histogram);
    for violation in findings.violations.iter().take(20) {
        println!("VIOLATION: {violation}");
    }
    let missing: Vec<&str> = if cycles >= ENOUGH {
        let missing = findings.histogram.missing(LEAST);
        missing.into_iter().map(Phase::name).collect()
    } else {
        Vec::new()
    };
    if !missing.is_empty() {
        println!("hit less than {LEAST} times: {}", missing.join(", "));
    }
    println!("violations: {}", findings.violations.len());
    if findings.violations.is_empty() && missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
