//! Takes secrets out of text on its way to an output.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use ballast_ports::Secret;
use zeroize::Zeroizing;

/// What stands where a secret stood.
const STARS: &str = "***";

/// Knows the secrets that were fetched, and replaces them in text. Clones know the same ones.
///
/// The second line of defence: our own types cannot print a secret, but a neighbour may repeat one in
/// an error of its own. A secret is found as it is, and as JSON, addresses and headers write it.
#[derive(Clone, Default)]
pub struct Redactor {
    hidden: Arc<RwLock<Vec<Zeroizing<String>>>>,
}

impl Redactor {
    /// Hides `secret` from now on.
    pub fn hide(&self, secret: &Secret) {
        let value = secret.expose();
        let mut forms = vec![
            Zeroizing::new(value.to_owned()),
            Zeroizing::new(value.replace('\\', r"\\").replace('"', "\\\"")),
            Zeroizing::new(percent_encoded(value)),
        ];
        let mut hidden = self.hidden.write().unwrap_or_else(PoisonError::into_inner);
        forms.retain(|form| !hidden.contains(form));
        hidden.append(&mut forms);
        // A secret that holds another one goes first.
        hidden.sort_by_key(|form| std::cmp::Reverse(form.len()));
        hidden.dedup();
    }

    /// `text` with three stars in place of each secret.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let hidden = self.hidden.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for form in hidden.iter() {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), STARS));
            }
        }
        text
    }

    /// A writer that hands text on to `to` by whole lines, each without secrets.
    pub fn guard<W: Write>(&self, to: W) -> impl Write + use<W> {
        Guarded {
            redactor: self.clone(),
            line: Zeroizing::new(Vec::new()),
            to,
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

fn percent_encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len() * 3);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A line that is not over yet is held back: a secret may come in two pieces.
struct Guarded<W: Write> {
    redactor: Redactor,
    line: Zeroizing<Vec<u8>>,
    to: W,
}

impl<W: Write> Guarded<W> {
    fn send(&mut self, length: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.line[..length]);
        self.to.write_all(self.redactor.redact(&text).as_bytes())?;
        drop(self.line.drain(..length));
        Ok(())
    }
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|b| *b == b'\n') {
            self.send(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send(self.line.len())?;
        self.to.flush()
    }
}

impl<W: Write> Drop for Guarded<W> {
    fn drop(&mut self) {
        // Where the last words cannot be written nobody is left to be told.
        let _ = self.flush();
    }
}
