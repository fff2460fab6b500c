//! One use of the program: its streams, its interruption, its last words.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ballast_secrets::Redactor;

use super::paper::Paper;
use super::progress::{Interruptible, TerminalProgress};
use super::{dispatch, parse, render};
use crate::config::{PREFIX, SECRET_PREFIX};
use crate::drivers::Progress;
use crate::engine::Program;
use crate::exit::{Exit, Failure};

/// The streams of one use and what they are.
pub struct Session<'a> {
    /// Answers.
    pub out: &'a mut dyn Write,
    /// Errors, progress and diagnostics.
    pub err: &'a mut dyn Write,
    /// Whether errors may have colours.
    pub colour: bool,
    /// Columns of the terminal that answers go to; `None` when they go elsewhere: nothing is broken
    /// into lines then.
    pub out_columns: Option<usize>,
    /// Columns of the terminal that errors go to.
    pub err_columns: Option<usize>,
    /// Whether progress is shown.
    pub progress: bool,
    /// Variables of the environment whose names begin with `BALLAST_`.
    pub variables: BTreeMap<String, String>,
    /// Takes fetched secrets out of everything that is written.
    pub redactor: Redactor,
    /// Set from outside when the user wants to stop.
    pub interrupted: Arc<AtomicBool>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("colour", &self.colour)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Session<'_> {
    pub(super) fn progress(&self) -> Box<dyn Progress> {
        let interrupted = Arc::clone(&self.interrupted);
        if self.progress {
            Box::new(TerminalProgress::new(interrupted))
        } else {
            Box::new(Interruptible::new(interrupted))
        }
    }
}

/// The program as a process: standard streams, Ctrl-C, panics, the arguments of the process.
///
/// An embedder's own binary calls this with its own strategies and engine.
pub fn main(program: &Program<'_>) -> ExitCode {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // Without a handler Ctrl-C ends the process at once, which is safe: a run directory is renamed
    // into place as its last step.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            // The second time nobody wants to wait.
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    // `run` shows the message with a hint; only the hook knows the place.
    panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            let _ = writeln!(io::stderr(), "panic at {place}");
        }
    }));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_terminal = io::stderr().is_terminal();
    let mut session = Session {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        colour: is_terminal && !no_colour,
        out_columns: columns(&io::stdout()),
        err_columns: columns(&io::stderr()),
        progress: is_terminal,
        variables: variables(),
        redactor: Redactor::default(),
        interrupted,
    };
    run(program, &arguments, &mut session).into()
}

/// The variables of the environment that are meant for the program, without secrets. What is no text is given with
/// marks for what cannot be read, and refused where it is used.
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(SECRET_PREFIX))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

/// Columns of the terminal behind `stream`, if there is one.
#[cfg(unix)]
fn columns(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0))
}

/// Columns of the terminal behind `stream`, if there is one.
#[cfg(windows)]
fn columns(stream: &impl std::os::windows::io::AsHandle) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0))
}

/// The program as a function: `arguments` as a process has them, its name first.
///
/// A panic inside becomes [`Exit::Bug`] with its message.
pub fn run(program: &Program<'_>, arguments: &[OsString], session: &mut Session<'_>) -> Exit {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| command(program, arguments, session)));
    let failure = match outcome {
        Ok(Ok(exit)) => return exit,
        Ok(Err(failure)) => failure,
        Err(payload) => {
            let owned = payload.downcast_ref::<String>().map(String::as_str);
            let message = owned.or_else(|| payload.downcast_ref::<&str>().copied());
            render::bug(message.unwrap_or("no message"))
        }
    };
    let text = if wants_json {
        render::json(&failure)
    } else {
        Paper::new(session.err_columns).wrapped(&render::text(&failure, session.colour))
    };
    let text = session.redactor.redact(&text);
    // Where even the error cannot be written, the exit code is all that is left.
    let _ = if wants_json {
        session.out.write_all(text.as_bytes())
    } else {
        session.err.write_all(text.as_bytes())
    };
    failure.exit
}

fn command(
    program: &Program<'_>,
    arguments: &[OsString],
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let arguments = match parse(arguments) {
        Ok(arguments) => arguments,
        Err(e) => return said_by_clap(&e, session),
    };
    let (json, quiet) = (arguments.json, arguments.quiet);
    session.progress &= !quiet && !json;
    diagnostics(arguments.verbose, &session.redactor);
    let (answer, exit) = dispatch(program, arguments, session)?;
    if json {
        written(session.out, &session.redactor.redact(&answer.json))?;
    } else if !quiet || exit != Exit::Ok {
        let text = if answer.verbatim {
            answer.text
        } else {
            Paper::new(session.out_columns).wrapped(&answer.text)
        };
        written(session.out, &session.redactor.redact(&text))?;
    }
    Ok(exit)
}

/// Help and version are answers; everything else is a wrong command line, also one without anything that
/// gets the help.
fn said_by_clap(e: &clap::Error, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if e.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        written(session.out, &e.render().to_string())?;
        return Ok(Exit::Usage);
    }
    if e.use_stderr() {
        return Err(render::usage(e));
    }
    written(session.out, &e.render().to_string())?;
    Ok(Exit::Ok)
}

/// A reader that has seen enough (`| head`) is no failure.
fn written(to: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(render::unwritable(&e)),
        _ => Ok(()),
    }
}

/// `-v` and `-vv`. A second use in one process keeps the first one's.
fn diagnostics(verbose: u8, redactor: &Redactor) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let redactor = redactor.clone();
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(move || redactor.guard(io::stderr()))
        .with_ansi(false)
        .try_init();
}
