//! The venue's process, and what it says.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A line of the venue.
pub type Said = String;

/// A venue in a process of its own; it is killed when this is dropped.
#[derive(Debug)]
pub struct VenueProcess {
    child: Child,
    address: String,
    lines: Receiver<Said>,
}

impl VenueProcess {
    /// Starts `program` on the ledger at `state`, at `address` if one is given.
    ///
    /// # Errors
    /// It does not start or does not say where it is.
    pub fn start(
        program: &Path,
        state: &Path,
        address: Option<&str>,
        delay_ms: u64,
    ) -> Result<Self, String> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0)).to_string();
        let mut child = Command::new(program)
            .args(["--announce", "--address", address.unwrap_or(&any)])
            .args(["--fault", &format!("delay-answer={delay_ms}")])
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        let stdout = child.stdout.take().ok_or("the venue has no output")?;
        let (say, lines) = channel();
        // It ends with the venue's output, and that with the venue.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let first = lines.recv().map_err(|_| "the venue ended at once")?;
        let address = first
            .strip_prefix("http://")
            .ok_or_else(|| format!("the venue said '{first}' instead of its address"))?;
        Ok(Self {
            child,
            address: address.to_owned(),
            lines,
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it says.
    pub const fn lines(&self) -> &Receiver<Said> {
        &self.lines
    }
}

impl Drop for VenueProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
