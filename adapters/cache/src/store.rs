//! The files of a cache and the order in which they were used.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Entry, Error, ErrorKind, Lifetime, Result};
use ballast_system::{Disk, Fate, Step};

use crate::entry_file::{EntryFile, corrupt};
use crate::file_cache::CacheBounds;

/// Folder of the entries.
const ENTRIES: &str = "entries";
/// How an entry's name ends.
const SUFFIX: &str = "entry";

/// Which entries [`FileCache::invalidate`](crate::FileCache::invalidate) removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// Those whose key begins with this.
    Prefix(String),
    /// Those stored more than `age` before `now`; exactly that old stays.
    OlderThan {
        /// Trading time.
        now: Timestamp,
        /// The age.
        age: Span,
    },
    /// Those stored on an earlier UTC day than `now`.
    BeforeDayOf(Timestamp),
    /// All.
    Everything,
}

impl Invalidation {
    fn hits(&self, file: &EntryFile) -> bool {
        let stored = file.lifetime.stored_at;
        match self {
            Self::Prefix(prefix) => file.key.starts_with(prefix),
            Self::OlderThan { now, age } => now.since(stored) > *age,
            Self::BeforeDayOf(now) => stored.date() < now.date(),
            Self::Everything => true,
        }
    }
}

/// What decides on each step of the disk: [`Fate::Go`], except in tests.
pub(crate) type Fates = Box<dyn FnMut(Step) -> Fate + Send>;

/// The folder of a cache, held by one process.
pub(crate) struct Store {
    root: PathBuf,
    max_entries: usize,
    max_value_bytes: usize,
    verify: bool,
    /// Files whose checksum was taken while they were read.
    verified: u64,
    fates: Fates,
    /// Names by last use; each name once.
    uses: BTreeMap<u64, String>,
    last_use: BTreeMap<String, u64>,
    clock: u64,
    _lock: File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.root)
            .field("entries", &self.last_use.len())
            .finish_non_exhaustive()
    }
}

/// The name of a key's file: BLAKE3, so that any text is a name, and no two are one.
fn name(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}

fn failed(operation: &'static str, path: &Path, e: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        operation,
        "the cache's disk cannot be used",
    )
    .context("path", path.display())
    .hint("check the folder, its rights and the free space; calls go on without the cache")
    .caused_by(e)
}

impl Store {
    /// Opens a folder, makes it when it is new, and removes what a killed writer left.
    pub(crate) fn open(root: &Path, bounds: CacheBounds, mut fates: Fates) -> Result<Self> {
        let entries = root.join(ENTRIES);
        let made = Disk::new(&mut *fates).folder(&entries);
        made.map_err(|e| failed("open", &entries, e))?;
        let lock = lock(root)?;
        let mut found: Vec<(SystemTime, String)> = Vec::new();
        for file in fs::read_dir(&entries).map_err(|e| failed("open", &entries, e))? {
            let file = file.map_err(|e| failed("open", &entries, e))?;
            let path = file.path();
            if path.extension().is_some_and(|end| end == "tmp") {
                let gone = Disk::new(&mut *fates).remove(&path);
                gone.map_err(|e| failed("open", &path, e))?;
                continue;
            }
            let is_entry = path.extension().is_some_and(|end| end == SUFFIX);
            let Some(name) = path
                .file_stem()
                .and_then(|n| n.to_str())
                .filter(|_| is_entry)
            else {
                continue;
            };
            let changed = file.metadata().and_then(|data| data.modified());
            found.push((changed.unwrap_or(SystemTime::UNIX_EPOCH), name.to_owned()));
        }
        // Uses of an earlier process are not known: the order of writing stands in for them.
        found.sort();
        let mut store = Self {
            root: root.to_owned(),
            max_entries: bounds.max_entries.get(),
            max_value_bytes: bounds.max_value_bytes,
            verify: bounds.verify,
            verified: 0,
            fates,
            uses: BTreeMap::new(),
            last_use: BTreeMap::new(),
            clock: 0,
            _lock: lock,
        };
        for (_, name) in found {
            store.touch(&name);
        }
        store.evict()?;
        Ok(store)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) const fn verified(&self) -> u64 {
        self.verified
    }

    pub(crate) fn len(&self) -> usize {
        self.last_use.len()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(ENTRIES).join(format!("{name}.{SUFFIX}"))
    }

    /// Every entry's file from the folder of the cache, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let names = self.last_use.keys();
        names.map(|n| format!("{ENTRIES}/{n}.{SUFFIX}")).collect()
    }

    fn touch(&mut self, name: &str) {
        self.clock += 1;
        if let Some(before) = self.last_use.insert(name.to_owned(), self.clock) {
            self.uses.remove(&before);
        }
        self.uses.insert(self.clock, name.to_owned());
    }

    fn forget(&mut self, name: &str) {
        if let Some(used) = self.last_use.remove(name) {
            self.uses.remove(&used);
        }
    }

    /// Removes the least recently used until the bound is kept.
    fn evict(&mut self) -> Result<()> {
        while self.last_use.len() > self.max_entries {
            let Some((_, oldest)) = self.uses.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            self.delete("put", &oldest)?;
        }
        Ok(())
    }

    fn delete(&mut self, operation: &'static str, name: &str) -> Result<()> {
        let path = self.path(name);
        let gone = Disk::new(&mut *self.fates).remove(&path);
        gone.map_err(|e| failed(operation, &path, e))?;
        self.forget(name);
        Ok(())
    }

    /// The file and the checksum of its value.
    fn read(&mut self, name: &str) -> Result<Option<(EntryFile, [u8; 32])>> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => {
                self.verified += u64::from(self.verify);
                EntryFile::decode(&bytes, self.verify)
                    .map(Some)
                    .map_err(|e| e.context("path", path.display()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("get", &path, e)),
        }
    }

    pub(crate) fn get(&mut self, key: &str) -> Result<Option<Entry>> {
        let name = name(key);
        let Some((file, checksum)) = self.read(&name)? else {
            self.forget(&name);
            return Ok(None);
        };
        if file.key != key {
            return Err(corrupt("it is another key's file").context("key", key));
        }
        self.touch(&name);
        Ok(Some(file.into_entry(checksum)))
    }

    pub(crate) fn put(&mut self, key: String, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Rejected, "put", message).hint(hint))
        };
        if key.is_empty() {
            return refuse(
                "the key is empty",
                "build the key from the call and all its arguments",
            );
        }
        if value.len() > self.max_value_bytes {
            return refuse(
                "the value is larger than the cache takes",
                "raise the limit of the cache, or ask for less at once",
            );
        }
        let name = name(&key);
        let path = self.path(&name);
        let bytes = EntryFile {
            key,
            lifetime,
            value,
        }
        .encode();
        let put = Disk::new(&mut *self.fates).put(&path, &bytes);
        put.map_err(|e| failed("put", &path, e))?;
        self.touch(&name);
        self.evict()
    }

    pub(crate) fn remove(&mut self, key: &str) -> Result<bool> {
        let name = name(key);
        let there = self.path(&name).exists();
        self.delete("remove", &name)?;
        Ok(there)
    }

    /// Removes what is hit; an entry that cannot be read is removed as well.
    pub(crate) fn invalidate(&mut self, which: &Invalidation) -> Result<usize> {
        let names: Vec<_> = self.last_use.keys().cloned().collect();
        let mut removed = 0;
        for name in names {
            let hit = match self.read(&name) {
                Ok(Some((file, _))) => which.hits(&file),
                Ok(None) => false,
                Err(error) if error.kind == ErrorKind::InvalidData => true,
                Err(error) => return Err(error),
            };
            if hit {
                self.delete("invalidate", &name)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Replaces a file of the cache that is no entry.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.root.join(name);
        let put = Disk::new(&mut *self.fates).put(&path, bytes);
        put.map_err(|e| failed("put", &path, e))
    }
}

/// The system lets go of it when the process ends in any way.
fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| failed("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Rejected,
            "open",
            "another process has this cache",
        )
        .context("path", path.display())
        .hint("end it, or give each process its own folder")),
        Err(TryLockError::Error(e)) => Err(failed("open", &path, e)),
    }
}
