//! The command line: arguments in, one command, text or JSON out, an exit code.
//!
//! Only orchestration lives here: the work is in [`crate::commands`], the wording of results in
//! `present`, of errors in `render`.

mod arguments;
mod arguments_data;
mod arguments_journal;
mod arguments_trade;
mod manual;
mod paper;
mod present;
mod present_catalog;
mod present_compare;
mod present_config;
mod present_data;
mod present_doctor;
mod present_journal;
mod present_metrics;
mod present_trade;
mod present_weights;
mod progress;
mod render;
mod session;

pub use session::{Session, main, run};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;

use crate::commands::backtest::BacktestRequest;
use crate::commands::data_check::DataCheckRequest;
use crate::commands::doctor::DoctorRequest;
use crate::commands::explain::ExplainRequest;
use crate::commands::explain_account::{account_of, explain_account};
use crate::commands::indicator::IndicatorRequest;
use crate::commands::journal_replay::{ReplayRequest, Sessions, journal_replay};
use crate::commands::report_compare::CompareRequest;
use crate::commands::report_mail::MailRequest;
use crate::commands::resume::ResumeRequest;
use crate::commands::runs_archive::ArchiveRequest;
use crate::commands::trade::TradeRequest;
use crate::commands::verify::{VerifyRequest, exit_of};
use crate::commands::{
    backtest, catalog, config_migrate, data_check, doctor, explain, indicator, init, journal, kill,
    metrics, report_compare, report_mail, resume, runs, runs_archive, settings, status, trade,
    verify, weights,
};
use crate::engine::Program;
use crate::exit::{Exit, Failure};
use crate::run_directory::locate;
use arguments::{Arguments, Command, ConfigCommand, ReportCommand, RunsCommand};
use arguments_data::DataCommand;
use arguments_journal::JournalCommand;
use ballast_system::SystemClock;
use paper::Paper;
use present::Answer;

/// `text` as a terminal of so many columns shows it: lines broken between words.
pub fn laid_out(text: &str, columns: usize) -> String {
    Paper::new(Some(columns)).wrapped(text)
}

fn journal_answer(
    program: &Program<'_>,
    home: &Path,
    command: JournalCommand,
) -> Result<(Answer, Exit), Failure> {
    let folder = |account: Option<PathBuf>| journal::folder_of(home, account.as_deref());
    let answer = match command {
        JournalCommand::Replay {
            account,
            session,
            all,
        } => {
            let sessions = match session {
                Some(number) => Sessions::Number(number),
                None if all => Sessions::All,
                None => Sessions::Newest,
            };
            let request = ReplayRequest {
                home: home.to_owned(),
                account,
                sessions,
            };
            let replayed = journal_replay(program, &request)?;
            return Ok((present_journal::replayed(&replayed)?, replayed.exit()));
        }
        JournalCommand::Verify { account } => {
            present_journal::verified(&journal::verify(&folder(account)?)?)?
        }
        JournalCommand::Export { account, out } => {
            present_journal::written("wrote", &journal::export(&folder(account)?, &out)?)?
        }
        JournalCommand::Backup { account, to } => {
            present_journal::written("copied to", &journal::backup(&folder(account)?, &to)?)?
        }
        JournalCommand::Restore { backup, to } => {
            present_journal::written("restored to", &journal::restore(&backup, &to)?)?
        }
        JournalCommand::Accept { account, reason } => {
            present_journal::verified(&journal::accept(&folder(Some(account))?, &reason)?)?
        }
    };
    Ok((answer, Exit::Ok))
}

/// Carries out one command. The answer is what goes to standard output.
fn dispatch(
    program: &Program<'_>,
    arguments: Arguments,
    session: &mut Session<'_>,
) -> Result<(Answer, Exit), Failure> {
    let home = arguments.home;
    let paper = Paper::new(session.out_columns);
    let done = |answer| Ok((answer, Exit::Ok));
    match arguments.command {
        Command::Backtest(run) => {
            let request = BacktestRequest {
                settings: run.settings.within(&session.variables),
                home,
                out: run.out,
            };
            let mut progress = session.progress();
            let finished = backtest::backtest(program, &request, progress.as_mut())?;
            done(present::finished(&finished, paper)?)
        }
        Command::Trade(trade) => {
            let request = TradeRequest {
                settings: trade.settings.within(&session.variables),
                home,
                once: trade.once,
                speed: trade.speed,
                adopt: trade.adopt_account,
                live: trade.live,
                journal_delay: Duration::from_millis(trade.journal_delay_ms.into()),
            };
            let mut progress = session.progress();
            let traded = trade::trade(program, &request, progress.as_mut())?;
            Ok((present_trade::traded(&traded)?, traded.exit()))
        }
        Command::Status(one) => {
            let found = status::status(&home, one.account.as_deref())?;
            done(present_trade::status(&found)?)
        }
        Command::Kill(kill) => {
            let account = kill.account.account.as_deref();
            let killed = kill::kill(&home, account, &kill.reason)?;
            done(present_trade::killed(&killed)?)
        }
        Command::Resume(resume) => {
            let request = ResumeRequest {
                home,
                account: resume.account.account,
                reason: resume.reason,
            };
            let mut progress = session.progress();
            let resumed = resume::resume(program, &request, progress.as_mut())?;
            done(present_trade::resumed(&resumed)?)
        }
        Command::Config(ConfigCommand::Check(settings)) => {
            let request = settings.within(&session.variables);
            let resolved = settings::resolve(&request, program.engine)?;
            done(present_config::checked(&resolved)?)
        }
        Command::Config(ConfigCommand::Show(settings)) => {
            let request = settings.within(&session.variables);
            let resolved = settings::resolve(&request, program.engine)?;
            done(present_config::shown(&resolved)?)
        }
        Command::Config(ConfigCommand::Diff(two)) => {
            let found = settings::diff(&two.a, &two.b, two.profile.as_deref())?;
            done(present_config::differences(&found)?)
        }
        Command::Config(ConfigCommand::Migrate(one)) => {
            let migrated = config_migrate::migrate(&one.file, one.write)?;
            done(present_config::migrated(&migrated)?)
        }
        Command::Config(ConfigCommand::Schema) => done(present_config::schema()?),
        Command::Doctor(settings) => {
            let settings = settings.within(&session.variables);
            let request = DoctorRequest { settings, home };
            let clock = Arc::new(SystemClock::new());
            let found = doctor::doctor(&request, program.engine, clock)?;
            Ok((present_doctor::diagnosis(&found)?, doctor::exit_of(&found)))
        }
        Command::Verify { run } => {
            let mut progress = session.progress();
            let run = locate(&home, &run)?;
            let request = VerifyRequest { run, home };
            let verdict = verify::verify(program, &request, progress.as_mut())?;
            Ok((present::verdict(&verdict)?, exit_of(&verdict)))
        }
        Command::Runs { command: None } => done(present::runs(&runs::runs(&home)?)?),
        Command::Runs {
            command: Some(RunsCommand::Archive { runs, out }),
        } => {
            let request = ArchiveRequest { runs, home, out };
            done(present::archived(&runs_archive::runs_archive(&request)?)?)
        }
        Command::Init { folder, source } => {
            let made = init::init(&folder, source.as_deref())?;
            done(present::initialised(&made)?)
        }
        Command::Weights(choice) => done(present_weights::weights(
            &weights::weights(&choice.into())?,
            paper,
        )?),
        Command::Explain { run, symbol, date } => {
            let account = account_of(&home, &run);
            let found = match account {
                Some(run) => explain_account(
                    &ExplainRequest { run, symbol, date },
                    program.engine.strategies(),
                )?,
                None => {
                    let run = locate(&home, &run)?;
                    explain::explain(&ExplainRequest { run, symbol, date })?
                }
            };
            done(present::explanation(&found)?)
        }
        Command::Indicator(asked) => {
            let Some(input) = asked.input else {
                return done(present::indicators::list()?);
            };
            let request = IndicatorRequest {
                specs: asked.specs,
                input,
                symbol: asked.symbol,
                benchmark: asked.benchmark,
                annualisation: asked.annualisation,
                start: asked.start,
                end: asked.end,
                adjust: asked.adjust,
            };
            done(present::indicators::table(
                &indicator::indicator(&request)?,
                paper,
            )?)
        }
        Command::Data(DataCommand::Check(check)) => {
            let request: DataCheckRequest = check.into();
            let report = data_check::data_check(&request, &SystemClock::new())?;
            let answer = present_data::verdict(&request.file.display().to_string(), &report)?;
            Ok((answer, data_check::exit_of(&report)))
        }
        Command::Report(ReportCommand::Compare { a, b, out }) => {
            let request = CompareRequest { a, b, home, out };
            let found = report_compare::report_compare(&request)?;
            done(present_compare::compared(&found, paper)?)
        }
        Command::Report(ReportCommand::Mail { run, to, from }) => {
            let request = MailRequest {
                run,
                home,
                to,
                from,
            };
            done(present::letter(&report_mail::report_mail(&request)?)?)
        }
        Command::Journal(command) => journal_answer(program, &home, command),
        Command::Completions { shell } => done(manual::completions(shell)?),
        Command::Man { out } => done(manual::pages(&out)?),
        Command::Data(DataCommand::Import(import)) => {
            let imported = catalog::import(&home, &import.into(), &SystemClock::new())?;
            done(present_catalog::imported(&imported)?)
        }
        Command::Data(DataCommand::List) => done(present_catalog::listing(&catalog::list(&home)?)?),
        Command::Data(DataCommand::Show { symbol, bar }) => {
            let bar = bar.as_deref().map(str::parse).transpose()?;
            done(present_catalog::shown(&catalog::show(
                &home, &symbol, bar,
            )?)?)
        }
        Command::Data(DataCommand::Verify) => {
            let report = catalog::verify(&home)?;
            let exit = catalog::exit_of_verify(&report);
            Ok((present_catalog::verified(&report)?, exit))
        }
        Command::Data(DataCommand::Repair(repair)) => {
            let report = catalog::repair(&home, &repair.into(), &SystemClock::new())?;
            let exit = catalog::exit_of_repair(&report);
            Ok((present_catalog::repaired(&report)?, exit))
        }
        Command::Data(DataCommand::Export(export)) => {
            let request = export.into();
            let written = catalog::export(&home, &request)?;
            done(present_catalog::exported(&request, &written)?)
        }
        Command::Data(DataCommand::Sample { folder }) => {
            done(present_catalog::samples(&init::write_samples(&folder)?)?)
        }
        Command::Metrics(series) => {
            let found = metrics::metrics(&series.into())?;
            done(present_metrics::metrics(&found)?)
        }
    }
}

/// The arguments, or what clap has to say instead: help, version, or what is wrong.
fn parse(arguments: &[std::ffi::OsString]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(arguments)
}
