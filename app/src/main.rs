//! The program `ballast`: the library's command line with everything real behind it.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

use std::process::ExitCode;

use ballast::wiring::Strategies;

fn main() -> ExitCode {
    ballast::main_with(Strategies::built_in())
}
