//! `report mail RUN`: a finished run as a letter, for `sendmail` or any other sender.

use std::path::PathBuf;

use ballast_domain::error::{Error, Result};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::mime::MimePart;
use serde_json::Value;

use crate::reports::mail::{self, Mail};
use crate::run_directory::{RunDirectory, RunFile, locate};

/// Which run, and between whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRequest {
    /// The run: its folder, or the beginning of its name.
    pub run: PathBuf,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// Addresses it goes to, at least one.
    pub to: Vec<String>,
    /// The address it comes from.
    pub from: String,
}

/// A letter as mail programs take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its words.
    pub mail: Mail,
    /// The message: headers, text and HTML. The same run and addresses give the same bytes.
    pub message: String,
}

/// Writes the letter about a run. Nothing is sent: no password is asked for and no address reached.
///
/// # Errors
/// As [`locate`] and [`RunDirectory::open`]; `Configuration` for an address that is none.
pub fn report_mail(request: &MailRequest) -> Result<Letter> {
    let path = locate(&request.home, &request.run)?;
    let run = RunDirectory::open(&path)?;
    let summary: Value = serde_json::from_str(&run.text(RunFile::Summary)?)
        .map_err(|e| Error::validation(format!("summary.json is broken: {e}")))?;
    let mail = mail::render(&summary, &path.display().to_string());
    let seconds = run.manifest().finished.nanos().div_euclid(1_000_000_000);
    let to = (request.to.iter())
        .map(|to| address(to))
        .collect::<Result<_>>()?;
    let result_id = &run.manifest().identity.result_id;
    // A boundary of our own: the crate's is new each time.
    let kind = ContentType::new("multipart/alternative")
        .attribute("boundary", format!("ballast-{result_id}"));
    let bodies = vec![
        MimePart::new("text/plain", mail.text.as_str()),
        MimePart::new("text/html", mail.html.as_str()),
    ];
    let message = MessageBuilder::new()
        .from(address(&request.from)?)
        .to(Address::new_list(to))
        .date(Date::new(seconds))
        .message_id(format!("{}@ballast", run.manifest().run_id))
        .subject(mail.subject.as_str())
        .body(MimePart::new(kind, bodies))
        .write_to_string()
        .map_err(|e| Error::invariant(format!("the letter cannot be put together: {e}")))?;
    Ok(Letter { mail, message })
}

/// `desk@example.com` or `Desk <desk@example.com>`. Whether anybody reads there is for the sender of
/// the letter to find out; here it must only not be taken for something else.
fn address(text: &str) -> Result<Address<'_>> {
    let (name, email) = match text.strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((name, email)) => (Some(name.trim()).filter(|n| !n.is_empty()), email),
        None => (None, text),
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c);
    let parts = email.rsplit_once('@');
    let whole = parts.is_some_and(|(desk, host)| !desk.is_empty() && !host.is_empty());
    if !whole || email.contains(odd) || text.contains(char::is_control) {
        return Err(
            Error::config(format!("'{}' is no mail address", text.escape_debug()))
                .hint("write it as desk@example.com, or as 'Desk <desk@example.com>'"),
        );
    }
    Ok(Address::new_address(name, email))
}
