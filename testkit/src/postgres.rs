//! A PostgreSQL server of a test's own: a private cluster in a temporary folder, gone with the test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often a server that starts is asked whether it does yet, 50 milliseconds apart.
const LOOKS: u32 = 600;

/// The folder of the server's programs: the newest of Debian's, or one on the path.
pub fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let release = entry.file_name().to_str()?.parse().ok()?;
            Some((release, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, folder)| folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// A server that runs until this is dropped, or this process ends in any way.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    port: u16,
    running: Option<Child>,
}

impl Cluster {
    /// Makes a cluster, in memory where there is room for one, and starts its server on a Unix socket
    /// and on loopback. Its settings are those of a server on a disk.
    ///
    /// # Panics
    /// When no server is installed, or it does not start.
    pub fn start() -> Self {
        Self::start_in(&memory().unwrap_or_else(std::env::temp_dir))
    }

    /// The same on the disk of temporary files, for measurements.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    pub fn start_on_disk() -> Self {
        Self::start_in(&std::env::temp_dir())
    }

    fn start_in(room: &Path) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let programs =
            programs().expect("a PostgreSQL server is installed: apt-get install postgresql");
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = room.join(format!("ballast-pg-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("permissions");
        let mut cluster = Self {
            owner: owner(&folder),
            folder,
            programs,
            port: free_port(),
            running: None,
        };
        let made = cluster
            .program("initdb")
            .args([
                "--auth=trust",
                "--username=ballast",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--data-checksums", "--no-sync", "--pgdata"])
            .arg(cluster.data())
            .output()
            .expect("initdb");
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "initdb: {said}");
        cluster.run();
        cluster.psql("postgres", "CREATE DATABASE ballast");
        cluster
    }

    /// The address of its database through the socket, without a password.
    pub fn address(&self) -> String {
        format!(
            "host={} port={} user=ballast dbname=ballast",
            self.folder.display(),
            self.port
        )
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL as the superuser; answers what it printed, without decoration.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, sql: &str) -> String {
        self.psql("ballast", sql)
    }

    fn psql(&self, database: &str, sql: &str) -> String {
        let done = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-t",
                "-A",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "ballast",
                "-d",
                database,
            ])
            .args(["-p", &self.port.to_string(), "-h"])
            .arg(&self.folder)
            .args(["-c", sql])
            .output()
            .expect("psql");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "psql: {sql}: {said}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Dumps a schema of its database as SQL.
    ///
    /// # Panics
    /// When that fails.
    pub fn dump(&self, schema: &str) -> String {
        let done = Command::new(self.programs.join("pg_dump"))
            .args([
                "-U",
                "ballast",
                "-d",
                "ballast",
                "-p",
                &self.port.to_string(),
            ])
            .arg("-h")
            .arg(&self.folder)
            .arg(format!("--schema=\"{schema}\""))
            .output()
            .expect("pg_dump");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "pg_dump: {said}");
        String::from_utf8(done.stdout).expect("a dump is text")
    }

    /// Feeds a dump to its database.
    ///
    /// # Panics
    /// When that fails.
    pub fn restore(&self, dump: &str) {
        let mut child = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "ballast",
                "-d",
                "ballast",
            ])
            .args(["-p", &self.port.to_string(), "-h"])
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql");
        let mut to = child.stdin.take().expect("a pipe");
        to.write_all(dump.as_bytes()).expect("the dump is fed");
        drop(to);
        assert!(
            child.wait().expect("psql ends").success(),
            "the dump is taken"
        );
    }

    /// Stops the server at once, as a machine that stops does: what it did not make durable is lost.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            if let Some(mut words) = running.stdin.take() {
                words.write_all(b"keep\n").expect("the server is told");
            }
            running.wait().expect("the server ends");
        }
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn run(&mut self) {
        assert!(self.running.is_none(), "the server runs");
        let log = fs::File::create(self.folder.join("log")).expect("a log");
        // The shell waits for a word, or for the end of its input, which comes with the end of this
        // process too; then nothing is left of the cluster.
        let script = "folder=$1; shift; \"$@\" & server=$!; read -r word; kill -QUIT $server; \
                      wait $server; [ \"$word\" = keep ] || rm -rf \"$folder\"";
        let mut command = self.as_owner(Path::new("/bin/sh"));
        command
            .args(["-c", script, "server"])
            .arg(&self.folder)
            .arg(self.programs.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-k"])
            .arg(&self.folder)
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "shared_buffers=16MB",
            ])
            .args(["-c", "restart_after_crash=on"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        self.running = Some(command.spawn().expect("the server starts"));
        for _ in 0..LOOKS {
            let ready = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-p", &self.port.to_string(), "-h"])
                .arg(&self.folder)
                .status()
                .expect("pg_isready");
            if ready.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("the server did not start: {log}");
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn program(&self, name: &str) -> Command {
        self.as_owner(&self.programs.join(name))
    }

    /// The server refuses to run as root.
    fn as_owner(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder in memory with room for some clusters.
fn memory() -> Option<PathBuf> {
    let told = Command::new("df")
        .args(["--output=avail", "-k", "/dev/shm"])
        .output()
        .ok()?;
    let free: u64 = String::from_utf8(told.stdout)
        .ok()?
        .lines()
        .nth(1)?
        .trim()
        .parse()
        .ok()?;
    (free > 1 << 20).then(|| PathBuf::from("/dev/shm"))
}

/// Who runs the server where this process is root: the user `postgres`, to whom the folder is given.
fn owner(folder: &Path) -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let told = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let (user, group) = (id(&["-u", "postgres"])?, id(&["-g", "postgres"])?);
    chown(folder, Some(user), Some(group)).expect("the folder is given to the server's user");
    Some((user, group))
}

/// A port nobody has now; between this and the server's start somebody may take it, and then it says.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
