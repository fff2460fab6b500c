//! The kill switch as a file: anybody may throw it without a database, and nobody overlooks it.
//!
//! The file's presence is the switch; its content says why. It is made durable before anything else
//! happens, outlives every process, and is taken away by a person's release alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ballast_domain::kernel::SendGate;
use ballast_ports::{Error, ErrorKind, Result};

/// How often the watcher looks. The switch has to be seen within 10 ms.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The longest reason that is read back.
const LONGEST_REASON: usize = 2_000;

/// The kill switch of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillSwitch {
    path: PathBuf,
}

impl KillSwitch {
    /// The switch in an account's folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join("KILL"),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is thrown. Where the system does not say, it is.
    pub fn is_thrown(&self) -> bool {
        self.path.try_exists().unwrap_or(true)
    }

    /// Why it was thrown; `None` when it is not. A reason that cannot be read is no release.
    pub fn reason(&self) -> Option<String> {
        if !self.is_thrown() {
            return None;
        }
        let text = fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let first = text.lines().next().unwrap_or_default().trim();
        let plain = first.chars().filter(|c| !c.is_control());
        let reason: String = plain.take(LONGEST_REASON).collect();
        Some(if reason.is_empty() {
            "no reason is in the file".to_owned()
        } else {
            reason
        })
    }

    /// Throws it, durably. A switch that is thrown keeps its first reason; whether it was not
    /// thrown before.
    ///
    /// # Errors
    /// `NotFound` when the folder is not there; `Unauthenticated` and `Unavailable` as the file system
    /// says. The switch may be thrown all the same: a file without its last sync is one.
    pub fn throw(&self, reason: &str) -> Result<bool> {
        let line: String = reason.lines().collect::<Vec<_>>().join(" ");
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.path);
        let (mut file, fresh) = match made {
            Ok(file) => (file, true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let file = File::open(&self.path).map_err(|e| self.refusal(e))?;
                (file, false)
            }
            Err(e) => return Err(self.refusal(e)),
        };
        let written = if fresh {
            file.write_all(format!("{line}\n").as_bytes())
        } else {
            Ok(())
        };
        written
            .and_then(|()| file.sync_all())
            .and_then(|()| self.sync_folder())
            .map_err(|e| self.refusal(e))?;
        Ok(fresh)
    }

    /// Takes the switch back, durably. Whoever calls this has a person's reason in the journal.
    ///
    /// # Errors
    /// As [`KillSwitch::throw`].
    pub fn release(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(self.refusal(e)),
        }
        self.sync_folder().map_err(|e| self.refusal(e))
    }

    #[cfg(unix)]
    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Other systems cannot open a folder; a new name is as durable as they make it.
    #[cfg(not(unix))]
    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn refusal(&self, error: io::Error) -> Error {
        let (kind, hint) = match error.kind() {
            io::ErrorKind::NotFound => (
                ErrorKind::NotFound,
                "name an account that exists; `ballast status` lists them",
            ),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
                ErrorKind::Unauthenticated,
                "allow this user to write there, or end the trader's process",
            ),
            _ => (
                ErrorKind::Unavailable,
                "check the disk, or end the trader's process",
            ),
        };
        Error::new(kind, "kill", "the kill switch cannot be moved")
            .context("path", self.path.display())
            .hint(hint)
            .caused_by(error)
    }

    /// Closes `gate` as soon as the switch is thrown: at once when it is, else from a thread that
    /// looks until the answer is dropped.
    ///
    /// # Errors
    /// `Unavailable` when the system has no thread to give: nobody may trade unwatched.
    pub fn watch(&self, gate: Arc<SendGate>) -> Result<KillWatch> {
        let thrown = Arc::new(AtomicBool::new(self.is_thrown()));
        if thrown.load(Ordering::SeqCst) {
            gate.kill();
            return Ok(KillWatch {
                thrown,
                over: Arc::default(),
                thread: None,
            });
        }
        let over = Arc::new(AtomicBool::new(false));
        let (switch, seen, ended) = (self.clone(), Arc::clone(&thrown), Arc::clone(&over));
        let thread = std::thread::Builder::new()
            .name("kill switch".to_owned())
            .spawn(move || {
                while !ended.load(Ordering::SeqCst) {
                    if switch.is_thrown() {
                        gate.kill();
                        seen.store(true, Ordering::SeqCst);
                        return;
                    }
                    std::thread::sleep(LOOK_EVERY);
                }
            })
            .map_err(|e| {
                Error::new(
                    ErrorKind::Unavailable,
                    "watch",
                    "no thread for the kill switch",
                )
                .hint("free some of the system's threads, then start again")
                .caused_by(e)
            })?;
        Ok(KillWatch {
            thrown,
            over,
            thread: Some(thread),
        })
    }
}

/// Somebody who looks at a kill switch; dropping it ends the looking.
#[derive(Debug)]
pub struct KillWatch {
    thrown: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KillWatch {
    /// Whether the switch was seen thrown; the gate is closed then.
    pub fn is_thrown(&self) -> bool {
        self.thrown.load(Ordering::SeqCst)
    }

    /// Whether somebody still looks, or has seen what there is to see.
    pub fn is_alive(&self) -> bool {
        self.is_thrown() || self.thread.as_ref().is_some_and(|t| !t.is_finished())
    }
}

impl Drop for KillWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It has nothing that can fail; a panic there was seen by `is_alive`.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_switch_keeps_its_first_reason_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let switch = KillSwitch::in_folder(folder.path());
        assert!(!switch.is_thrown());
        assert_eq!(switch.reason(), None);
        assert!(switch.throw("fat finger\nat the desk").unwrap());
        assert!(!switch.throw("again").unwrap());
        assert_eq!(switch.reason().as_deref(), Some("fat finger at the desk"));
        switch.release().unwrap();
        switch.release().unwrap();
        assert!(!switch.is_thrown());
    }

    /// An empty file, a folder and unreadable bytes are a thrown switch all the same.
    #[test]
    fn whatever_is_called_kill_is_a_thrown_switch() {
        let folder = tempfile::tempdir().unwrap();
        let switch = KillSwitch::in_folder(folder.path());
        fs::create_dir(switch.path()).unwrap();
        assert!(switch.is_thrown());
        assert_eq!(switch.reason().as_deref(), Some("no reason is in the file"));
        fs::remove_dir(switch.path()).unwrap();
        fs::write(switch.path(), b"\xff\x1b[31mred").unwrap();
        let reason = switch.reason().unwrap();
        assert!(reason.ends_with("[31mred"), "{reason}");
        assert!(!reason.contains('\x1b'), "{reason:?}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let switch = KillSwitch::in_folder(&folder.path().join("nobody"));
        let e = switch.throw("x").unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotFound);
    }

    #[test]
    fn the_gate_closes_when_the_file_appears_and_at_once_when_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let switch = KillSwitch::in_folder(folder.path());
        let gate = Arc::new(SendGate::new(1));
        let watch = switch.watch(Arc::clone(&gate)).unwrap();
        assert!(!watch.is_thrown() && watch.is_alive());
        assert_eq!(gate.kill_epoch(), 0);
        switch.throw("test").unwrap();
        let began = Instant::now();
        while gate.kill_epoch() == 0 {
            assert!(began.elapsed() < Duration::from_secs(5), "nobody looks");
            std::thread::yield_now();
        }
        while !watch.is_thrown() {
            std::thread::yield_now();
        }
        assert!(watch.is_alive());
        drop(watch);
        let later = Arc::new(SendGate::new(1));
        let watch = switch.watch(Arc::clone(&later)).unwrap();
        assert!(watch.is_thrown());
        assert_eq!(later.kill_epoch(), 1);
    }
}
