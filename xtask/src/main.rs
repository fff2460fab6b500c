//! `cargo xtask COMMAND`: arguments in, one library call, an exit code out.

use std::process::ExitCode;

use xtask::{
    bench, bootstrap, check, coverage, crash, dashboard, features, figures, fuzz, graph, guides,
    layers, metadata, mutants, postgres, repository, scan_logs, sim, slowest, strangers_path, tidy,
    tools,
};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  check               everything a change must pass: fmt, layers, tidy, features, clippy,
                      domain alone, wasm32, docs, deny
  layers              does every crate lean only on what the table of layers allows?
  tidy                is the tree in order? file sizes, names, clocks, globals, records, pins
  features [--check]  write docs/features.md from the tests that name a checklist id;
                      with --check only say whether it is up to date
  graph [--check]     draw the crate graph into docs/ARCHITECTURE.md, between its two markers;
                      with --check only say whether the drawing is the real graph
  fuzz [TARGET] [--seconds N]
                      hostile bytes for one reader or for all, a minute each
  coverage [--raise]  lines that tests run, held against xtask/src/coverage.txt;
                      with --raise write a higher figure there
  bench [ARGS]        measure the promised jobs, alone or beside other libraries; --help explains
  bench --gate [--debug]
                      does a call through the standard stacks cost more than its goal? in seconds;
                      with --debug on the tests' own build, with a wider goal
  sim [ARGS]          play simulated days with faults against the kernel, from seeds or tapes;
                      --help lists the arguments
  crash [ARGS]        kill the real program at its worst moments against a venue in another process,
                      restart it and judge what is left; --cycles N, --seed S,
                      --debug for the debug build
  postgres [--all | --figures]
                      the journal in PostgreSQL against private servers of its own: faults, damage,
                      refusals, paper trading; with --all exhaustively, with --figures measured
  figures             kills, commits, starts, rebalances and memory of paper trading, measured in
                      release on this machine; wants it idle
  mutants [MODULE...] [--quick]
                      every change that cargo-mutants would make to the money paths, compiled at once
                      and judged by the tests that reach it: the score and what survived; with
                      --quick by tests of less than 0.25 s alone
  slowest LOG         the ten slowest tests of a log that has their times, as .ci/run writes it
  dashboard METRICS.json [--out FILE]
                      one page of what a run counted and measured; dashboard.html unless FILE
  scan-logs PATH...   does anything in these files look like a secret? by file and line, never its value
  strangers-path      clone, first report, own data, own strategy: each with its time
  guides              run every command of docs/getting-started in a fresh clone, as printed
  bootstrap           the first day in one command: what is missing is named or installed, then a
                      build, the README's first run and a test
  doctor              which development tools are here, which are missing, what each is for
  help                this text

Exit codes: 0 in order, 1 something to fix, 2 usage.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["check"] => check::run(&repository::root()),
        ["layers"] => metadata::read(&repository::root())
            .and_then(|workspace| layers::report(&workspace).map(|text| print!("{text}")))
            .and_then(|()| {
                layers::naive_ledger::report(&repository::root()).map(|text| print!("{text}"))
            }),
        ["scan-logs", paths @ ..] => scan_logs::run(paths).map(|text| print!("{text}")),
        ["tidy"] => repository::tracked(&repository::root())
            .and_then(|files| tidy::report(&files).map(|text| print!("{text}"))),
        ["features"] => features::write(&repository::root()).map(|text| print!("{text}")),
        ["features", "--check"] => {
            features::check(&repository::root()).map(|text| print!("{text}"))
        }
        ["graph"] => graph::write(&repository::root()).map(|text| print!("{text}")),
        ["graph", "--check"] => graph::check(&repository::root()).map(|text| print!("{text}")),
        ["fuzz", rest @ ..] => fuzz::run(&repository::root(), rest),
        ["coverage"] => coverage::check(&repository::root()).map(|text| print!("{text}")),
        ["coverage", "--raise"] => {
            coverage::raise(&repository::root()).map(|text| print!("{text}"))
        }
        ["bench", args @ ..] => bench::run(&repository::root(), args),
        ["crash", args @ ..] => crash::run(&repository::root(), args),
        ["postgres", args @ ..] => postgres::run(&repository::root(), args),
        ["figures"] => figures::run(&repository::root()),
        ["sim", args @ ..] => sim::run(&repository::root(), args),
        ["dashboard", args @ ..] => dashboard::run(args).map(|text| print!("{text}")),
        ["mutants", modules @ ..] => mutants::run(&repository::root(), modules),
        ["slowest", log] => slowest::report(log).map(|text| print!("{text}")),
        ["strangers-path"] => strangers_path::run(&repository::root()),
        ["guides"] => guides::run(&repository::root()),
        ["bootstrap"] => bootstrap::run(&repository::root()),
        ["doctor"] => {
            print!("{}", tools::report());
            Ok(())
        }
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
        other => {
            eprint!("no such command: {}\n\n{USAGE}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}
