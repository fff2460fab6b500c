//! The program `ballast`: the library's command line with everything real behind it.

use std::process::ExitCode;

use ballast::cli;
use ballast::config::Resolved;
use ballast::engine::{Engine, Program, Summary};
use ballast::exit::Failure;
use ballast::machine::ThisMachine;
use ballast::progress::Progress;
use ballast::registry::Registry;
use ballast::run_directory::RunWriter;
use ballast_domain::Error;

fn main() -> ExitCode {
    cli::main(&Program {
        strategies: &Registry::new(),
        engine: &NoEngine,
        machine: &ThisMachine::new(),
    })
}

/// Refuses: the kernel is not wired to files yet.
#[derive(Debug)]
struct NoEngine;

impl Engine for NoEngine {
    fn backtest(
        &self,
        _: &Resolved,
        _: &mut RunWriter,
        _: &mut dyn Progress,
    ) -> Result<Summary, Failure> {
        let error = Error::config("this build cannot run backtests");
        Err(error.hint("build a later revision").into())
    }
}
