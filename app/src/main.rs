//! The program `ballast`: the library's command line with everything real behind it.

use std::process::ExitCode;

use ballast::wiring::Strategies;

fn main() -> ExitCode {
    ballast::main_with(Strategies::built_in())
}
