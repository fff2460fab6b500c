//! The program `ballast`: the library's command line with everything real behind it.

use std::process::ExitCode;

use ballast::cli;
use ballast::drivers::FileEngine;
use ballast::engine::Program;
use ballast::machine::ThisMachine;

fn main() -> ExitCode {
    cli::main(&Program {
        engine: &FileEngine,
        machine: &ThisMachine::new(),
    })
}
