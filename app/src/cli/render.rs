//! Errors as people and programs read them.

use std::fmt::Write;

use ballast_domain::error::{Error, ErrorKind};

use crate::exit::{Exit, Failure, FailureJson};

const BOLD_RED: &str = "\u{1b}[1;31m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// `error[code]: message`, what and where, `hint: …`; one block an error.
pub(super) fn text(failure: &Failure, colour: bool) -> String {
    if failure.exit == Exit::Interrupted {
        return "interrupted\n".to_owned();
    }
    let (red, cyan, plain) = if colour {
        (BOLD_RED, CYAN, PLAIN)
    } else {
        ("", "", "")
    };
    let mut text = String::new();
    for error in &failure.errors {
        let code = error.kind.name();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{red}error[{code}]{plain}: {}", error.message);
        for (key, value) in &error.context {
            let _ = writeln!(text, "  {key}: {value}");
        }
        if let Some(hint) = &error.hint {
            let _ = writeln!(text, "  {cyan}hint:{plain} {hint}");
        }
    }
    if failure.errors.len() > 1 {
        let _ = writeln!(text, "{red}{} errors{plain}", failure.errors.len());
    }
    text
}

/// One JSON object: `exit_code` and `errors`, each with kind, message, hint and context.
pub(super) fn json(failure: &Failure) -> String {
    let value = FailureJson {
        exit_code: failure.exit.code(),
        errors: &failure.errors,
    };
    serde_json::to_string(&value).map_or_else(
        |e| format!("{{\"exit_code\":70,\"errors\":[],\"message\":\"{e}\"}}\n"),
        |text| text + "\n",
    )
}

/// A wrong command line, in clap's words.
pub(super) fn usage(e: &clap::Error) -> Failure {
    let rendered = e.render().to_string();
    let said = rendered.trim().trim_start_matches("error: ");
    let (message, rest) = said.split_once("\n\n").unwrap_or((said, ""));
    let mut error = Error::config(message);
    for part in rest.split('\n').map(str::trim).filter(|p| !p.is_empty()) {
        error = match part.split_once(": ") {
            Some((key, value)) => error.context(key.to_lowercase(), value),
            None => error.hint(part.trim_end_matches('.')),
        };
    }
    Failure::new(Exit::Usage, error)
}

/// A panic with this message.
pub(super) fn bug(message: &str) -> Failure {
    let error = Error::invariant(format!("the program contradicts itself: {message}"))
        .hint("this is a bug: please report it with the command and its config");
    Failure::new(Exit::Bug, error)
}

/// Standard output cannot be written.
pub(super) fn unwritable(e: &std::io::Error) -> Failure {
    let error = Error::new(ErrorKind::Api, format!("the answer cannot be written: {e}"));
    Failure::state(error.hint("check the disk or program that standard output goes to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure::from(vec![
            Error::config("unknown key 'risk.max_positon_weight'")
                .context("key", "risk.max_positon_weight")
                .context("where", "my.toml line 6")
                .hint("did you mean 'max_position_weight'?"),
            Error::config("'data.source' is missing"),
        ])
    }

    #[test]
    fn errors_as_text() {
        insta::assert_snapshot!(text(&failure(), false));
        assert!(text(&failure(), true).starts_with("\u{1b}[1;31merror[configuration]\u{1b}[0m: "));
    }

    #[test]
    fn errors_as_json() {
        insta::assert_snapshot!(json(&failure()));
    }
}
