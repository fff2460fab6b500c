//! Shell completions and manual pages, both from the grammar of the command line.

use std::fs;
use std::path::Path;

use ballast_domain::error::{Error, ErrorKind, Result};
use ballast_system::write_atomic;
use clap::CommandFactory as _;
use clap_complete::Shell;
use serde::Serialize;

use super::arguments::Arguments;
use super::present::Answer;
use crate::drivers::RunError;
use crate::exit::Failure;

/// The script of one shell.
pub(super) fn completions(shell: Shell) -> Result<Answer> {
    #[derive(Serialize)]
    struct Json<'a> {
        shell: String,
        script: &'a str,
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ballast", &mut script);
    let script = String::from_utf8(script)
        .map_err(|e| Error::invariant(format!("the script is not UTF-8: {e}")))?;
    let json = Json {
        shell: shell.to_string(),
        script: &script,
    };
    let answer = Answer::new(script.clone(), &json)?;
    Ok(answer.verbatim())
}

/// Writes one page a command into `folder`.
pub(super) fn pages(folder: &Path) -> std::result::Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Json {
        pages: Vec<String>,
    }
    fs::create_dir_all(folder).map_err(|e| {
        Failure::state(
            Error::new(ErrorKind::Api, format!("folder cannot be made: {e}"))
                .context("path", folder.display())
                .hint("name a folder that may be written"),
        )
    })?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    write_page(&command, folder, &mut pages)?;
    let mut text = String::new();
    for page in &pages {
        text += &format!("wrote {page}\n");
    }
    text += &format!("\nnext: man -l {}\n", pages[0]);
    Ok(Answer::new(text, &Json { pages })?)
}

/// The page of `command`, then those under it.
fn write_page(
    command: &clap::Command,
    folder: &Path,
    pages: &mut Vec<String>,
) -> std::result::Result<(), Failure> {
    let page = clap_mangen::Man::new(command.clone());
    let path = folder.join(page.get_filename());
    let mut roff = Vec::new();
    page.render(&mut roff)
        .map_err(|e| Error::invariant(format!("a page cannot be drawn: {e}")))?;
    write_atomic(&path, &roff).map_err(|e| {
        let mut failure = Failure::from(RunError::Port(e));
        failure.exit = crate::exit::Exit::StateRefused;
        failure
    })?;
    pages.push(path.display().to_string());
    for under in command.get_subcommands() {
        write_page(under, folder, pages)?;
    }
    Ok(())
}
