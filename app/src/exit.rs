//! How the program ends: exit codes, and the errors behind them.

use std::process::ExitCode;

use ballast_domain::error::{Error, ErrorFamily, ErrorKind};
use serde::Serialize;

use crate::drivers::RunError;

/// The exit codes. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The command line or the config is wrong.
    Usage = 2,
    /// Data is missing or was refused.
    DataRefused = 3,
    /// Risk, mode or the account refused.
    Refused = 4,
    /// A venue or provider is down.
    Unavailable = 5,
    /// State on disk cannot be trusted or written: corrupt, locked, of another schema, disk full.
    StateRefused = 6,
    /// Finished with orders of unknown outcome or targets not reached.
    Unfinished = 7,
    /// A bug.
    Bug = 70,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// All codes with what they mean, in order.
    pub const TABLE: [(Self, &'static str); 9] = [
        (Self::Ok, "done"),
        (Self::Usage, "the command line or the config is wrong"),
        (Self::DataRefused, "data is missing or was refused"),
        (Self::Refused, "refused by risk, mode or the account"),
        (Self::Unavailable, "a venue or provider is down"),
        (
            Self::StateRefused,
            "state on disk is corrupt, locked, of another schema, or cannot be written",
        ),
        (
            Self::Unfinished,
            "finished with unknown orders or targets not reached",
        ),
        (Self::Bug, "a bug in the program"),
        (Self::Interrupted, "interrupted"),
    ];

    /// The number the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// One or more errors and the exit code they lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What went wrong; empty only after an interruption.
    pub errors: Vec<Error>,
}

impl Failure {
    /// An error that ends the program in a way its kind does not say.
    pub fn new(exit: Exit, error: Error) -> Self {
        Self {
            exit,
            errors: vec![error],
        }
    }

    /// State on disk cannot be trusted or written.
    pub fn state(error: Error) -> Self {
        Self::new(Exit::StateRefused, error)
    }

    /// The user wants to stop.
    pub const fn interrupted() -> Self {
        Self {
            exit: Exit::Interrupted,
            errors: Vec::new(),
        }
    }
}

impl From<Error> for Failure {
    /// By the family of the error.
    fn from(error: Error) -> Self {
        Self::new(exit_of(&error), error)
    }
}

impl From<RunError> for Failure {
    /// By the family of the domain error, else by what the failed call means to its caller.
    fn from(error: RunError) -> Self {
        match error {
            RunError::Domain(error) => error.into(),
            RunError::Port(error) => of_port(&error),
        }
    }
}

/// A failed port call. What we keep ourselves and cannot be read or written is state, whatever the
/// disk says about it.
fn of_port(error: &ballast_ports::Error) -> Failure {
    let plain = error.to_domain();
    // A damaged catalog or journal is no bad data from outside: what we keep ourselves cannot be
    // trusted.
    let ours = [
        ballast_files::catalog::STATE,
        ballast_journal::STATE,
        ballast_simulated::VENUE_STATE,
    ];
    let exit = if ours.contains(&error.operation) {
        Exit::StateRefused
    } else {
        exit_of(&plain)
    };
    Failure::new(exit, plain)
}

impl From<Vec<Error>> for Failure {
    /// By the family of the first error; a list without errors is a bug.
    fn from(errors: Vec<Error>) -> Self {
        Self {
            exit: errors.first().map_or(Exit::Bug, exit_of),
            errors,
        }
    }
}

/// What `--json` prints for a failure.
#[derive(Debug, Serialize)]
pub(crate) struct FailureJson<'a> {
    pub(crate) exit_code: u8,
    pub(crate) errors: &'a [Error],
}

const fn exit_of(error: &Error) -> Exit {
    match error.kind.family() {
        ErrorFamily::Data if matches!(*error.kind, ErrorKind::CacheCorruption) => {
            Exit::StateRefused
        }
        ErrorFamily::Configuration | ErrorFamily::Signal => Exit::Usage,
        ErrorFamily::Data => Exit::DataRefused,
        ErrorFamily::RiskLimit | ErrorFamily::Execution => Exit::Refused,
        ErrorFamily::Api => Exit::Unavailable,
        ErrorFamily::Invariant => Exit::Bug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = Exit::TABLE.map(|(exit, _)| exit.code());
        assert_eq!(codes, [0, 2, 3, 4, 5, 6, 7, 70, 130]);
    }

    #[test]
    fn families_of_errors_have_their_code() {
        for (error, exit) in [
            (Error::config("x"), Exit::Usage),
            (Error::signal("x"), Exit::Usage),
            (Error::missing("x"), Exit::DataRefused),
            (Error::validation("x"), Exit::DataRefused),
            (Error::cache_corruption("x"), Exit::StateRefused),
            (Error::risk_limit("x", 1, 2), Exit::Refused),
            (Error::execution("x"), Exit::Refused),
            (Error::new(ErrorKind::Api, "x"), Exit::Unavailable),
            (Error::invariant("x"), Exit::Bug),
        ] {
            assert_eq!(Failure::from(error.clone()).exit, exit, "{error}");
            assert_eq!(Failure::from(vec![error]).exit, exit);
        }
        assert_eq!(Failure::from(Vec::new()).exit, Exit::Bug);
    }
}
