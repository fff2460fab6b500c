//! The command line: arguments in, one command, text or JSON out, an exit code.
//!
//! Only orchestration lives here: the work is in [`crate::commands`], the wording of results in
//! `present`, of errors in `render`.

mod arguments;
mod present;
mod progress;
mod render;
mod session;

pub use session::{Session, main, run};

use clap::Parser as _;

use crate::commands::backtest::BacktestRequest;
use crate::commands::explain::ExplainRequest;
use crate::commands::verify::{VerifyRequest, exit_of};
use crate::commands::{backtest, explain, init, runs, settings, verify};
use crate::engine::Program;
use crate::exit::{Exit, Failure};
use arguments::{Arguments, Command, ConfigCommand};
use present::Answer;

/// Carries out one command. The answer is what goes to standard output.
fn dispatch(
    program: &Program<'_>,
    arguments: Arguments,
    session: &mut Session<'_>,
) -> Result<(Answer, Exit), Failure> {
    let home = arguments.home;
    let done = |answer| Ok((answer, Exit::Ok));
    match arguments.command {
        Command::Backtest(run) => {
            let request = BacktestRequest {
                settings: run.settings.into(),
                home,
                out: run.out,
            };
            let mut progress = session.progress();
            let finished = backtest::backtest(program, &request, progress.as_mut())?;
            done(present::finished(&finished)?)
        }
        Command::Config(ConfigCommand::Check(settings)) => {
            let request = settings.into();
            let resolved = settings::resolve(&request, program.engine)?;
            done(present::checked(&resolved)?)
        }
        Command::Config(ConfigCommand::Show(settings)) => {
            let request = settings.into();
            let resolved = settings::resolve(&request, program.engine)?;
            done(present::shown(&resolved)?)
        }
        Command::Verify { run } => {
            let mut progress = session.progress();
            let request = VerifyRequest { run, home };
            let verdict = verify::verify(program, &request, progress.as_mut())?;
            Ok((present::verdict(&verdict)?, exit_of(&verdict)))
        }
        Command::Runs => done(present::runs(&runs::runs(&home)?)?),
        Command::Init { folder } => done(present::initialised(&init::init(&folder)?)?),
        Command::Explain { run, symbol, date } => {
            let request = ExplainRequest { run, symbol, date };
            done(present::explanation(&explain::explain(&request)?)?)
        }
    }
}

/// The arguments, or what clap has to say instead: help, version, or what is wrong.
fn parse(arguments: &[std::ffi::OsString]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(arguments)
}
