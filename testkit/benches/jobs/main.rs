//! The jobs that speed is promised for: `cargo xtask bench`.
//!
//! Each job runs in a process of its own, so that its peak memory is its own. Before anything is
//! timed its results are compared with a plain loop; a difference ends the run.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

use job::{JOBS, PeerPrograms, Plan};
use report::Part;

mod account;
mod breakout_weights;
mod cold_start;
mod data;
mod drift;
mod exact;
mod figures;
mod indicators;
mod job;
mod measure;
mod orders;
mod peers;
mod report;
mod sma_cross;
mod sweep;

const USAGE: &str = "\
Usage: cargo xtask bench [JOB…] [--quick] [--json FILE] [--peers] [--python PATH]
       cargo xtask bench --drift

  JOB          J1 to J8; all of them without any
  --quick      small data, one round: does every job run and agree?
  --json FILE  the results as JSON
  --peers      the same work by other libraries, in turn with ours; makes a Python environment
               under the target folder at the first use, from xtask/bench/requirements.txt, and
               builds xtask/bench/crates
  --python     the interpreter for that environment; python3.12 without it
  --drift      how far each incremental indicator is from an exact one after 10 million values
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut plan = Plan {
        quick: false,
        peers: None,
        data: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench/data")),
        program: None,
    };
    let (mut jobs, mut json_file, mut part_file) = (Vec::new(), None, None);
    let mut passed_on = Vec::new();
    while let Some(arg) = args.next() {
        let mut path = || {
            args.next()
                .map(PathBuf::from)
                .ok_or(format!("{arg} needs a path\n\n{USAGE}"))
        };
        match arg.as_str() {
            // Given by `cargo bench` itself.
            "--bench" => {}
            "--drift" => return drift::run(),
            "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            "--quick" => plan.quick = true,
            "--json" => json_file = Some(path()?),
            "--part" => part_file = Some(path()?),
            "--data" => plan.data = path()?,
            "--program" => plan.program = Some(path()?),
            "--peers" => {
                plan.peers = Some(PeerPrograms {
                    python: path()?,
                    scripts: path()?,
                    crates: path()?,
                });
            }
            name => jobs.push(known(name)?),
        }
    }
    if let Some(file) = part_file {
        let [(job, title)] = jobs.as_slice() else {
            return Err("--part takes one job".to_owned());
        };
        let part = measure(job, &plan);
        part.print(title);
        return write(&file, &part.to_json());
    }
    if jobs.is_empty() {
        jobs = JOBS.to_vec();
    }
    if plan.quick {
        passed_on.push("--quick".into());
    }
    passed_on.extend(["--data".into(), plan.data.clone().into_os_string()]);
    if let Some(program) = &plan.program {
        passed_on.extend(["--program".into(), program.clone().into_os_string()]);
    }
    if let Some(peers) = &plan.peers {
        passed_on.push("--peers".into());
        let paths = [&peers.python, &peers.scripts, &peers.crates];
        passed_on.extend(paths.map(|path| path.clone().into_os_string()));
    }
    std::fs::create_dir_all(&plan.data).map_err(|e| e.to_string())?;
    println!("processor time a unit, medians; compare ratios within one run");
    if !measure::has_cpu_clock() {
        println!("this system tells no processor time: wall time stands in for it");
    }
    let mut parts = Vec::new();
    for (job, _) in &jobs {
        let file = plan.data.join(format!("{job}.json"));
        let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
        command.arg(job).args(&passed_on).arg("--part").arg(&file);
        let status = command.status().map_err(|e| e.to_string())?;
        if !status.success() {
            return Err(format!("{job} failed; what it said is above"));
        }
        let text = std::fs::read_to_string(&file).map_err(|e| e.to_string())?;
        parts.push(serde_json::from_str::<Value>(&text).map_err(|e| e.to_string())?);
    }
    if let Some(file) = json_file {
        write(&file, &json!({ "quick": plan.quick, "jobs": parts }))?;
        println!("\nwritten: {}", file.display());
    }
    Ok(())
}

fn known(name: &str) -> Result<(&'static str, &'static str), String> {
    let job = JOBS.iter().find(|(job, _)| job.eq_ignore_ascii_case(name));
    job.copied()
        .ok_or(format!("no such job: {name}\n\n{USAGE}"))
}

fn measure(job: &str, plan: &Plan) -> Part {
    match job {
        "J1" => indicators::run(plan),
        "J2" => sma_cross::run(plan),
        "J3" => breakout_weights::run(plan),
        "J4" => sweep::run(plan),
        "J5" => figures::run(plan),
        "J6" => orders::run(plan),
        "J7" => cold_start::run(plan),
        _ => {
            let mut part = Part::new("J8");
            part.notes.push(
                "not built: the live driver and a venue on loopback are there, but nothing measures \
                 the path from a market event to the wire yet; not counted"
                    .to_owned(),
            );
            part
        }
    }
}

fn write(file: &std::path::Path, value: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|e| e.to_string())?;
    std::fs::write(file, text + "\n").map_err(|e| format!("{}: {e}", file.display()))
}
