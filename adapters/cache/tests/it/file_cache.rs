//! The file cache behind its port, its invalidation and its manifest.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_cache::{CacheBounds, FileCache, Invalidation, Manifest, RunIdentity};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Cache, Entry, ErrorKind, Freshness, Lifetime, Result};
use ballast_testkit::builders::day;
use ballast_testkit::conformance::cache::Subject;

fn bounds(max_entries: usize) -> CacheBounds {
    CacheBounds {
        max_entries: NonZeroUsize::new(max_entries).unwrap(),
        ..CacheBounds::default()
    }
}

/// A cache with the folder it lives in.
#[derive(Debug)]
struct Housed(
    FileCache,
    #[expect(dead_code, reason = "keeps the folder")] tempfile::TempDir,
);

#[async_trait]
impl Cache for Housed {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.0.get(key).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        self.0.put(key, value, lifetime).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.0.remove(key).await
    }
}

fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let cache = FileCache::open(folder.path(), bounds(8)).unwrap();
    Subject {
        cache: Arc::new(Housed(cache, folder)),
        max_entries: 8,
    }
}

ballast_testkit::cache_conformance!(subject());

fn stored_on(n: i64) -> Lifetime {
    Lifetime::starting(day(n), Span::from_seconds(3_600))
}

async fn filled(root: &Path) -> FileCache {
    let cache = FileCache::open(root, bounds(8)).unwrap();
    for (n, key) in [(0, "a/1"), (1, "a/2"), (2, "b/1")] {
        cache.put(key, vec![1], stored_on(n)).await.unwrap();
        // After a restart the order is that of the file times, which have a grain.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    cache
}

/// CAC-02: fresh up to and at its time, stale a nanosecond later and still there; removed by a call.
#[tokio::test]
async fn cac_02_an_entry_expires_at_its_time_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = filled(folder.path()).await;
    let entry = cache.get("a/1").await.unwrap().unwrap();
    let end = day(0) + Span::from_seconds(3_600);
    assert_eq!(entry.freshness(end), Freshness::Fresh);
    let late = entry.freshness(end + Span::from_nanos(1));
    assert!(matches!(late, Freshness::Stale { .. }), "{late:?}");
    assert_eq!(cache.invalidate(Invalidation::Everything).await.unwrap(), 3);
    assert_eq!(cache.len().await.unwrap(), 0);
    assert_eq!(cache.get("a/1").await.unwrap(), None);
}

/// CAC-05: by key, by prefix, by age (exactly that old stays), by the change of the UTC day.
#[tokio::test]
async fn cac_05_entries_are_invalidated_by_key_prefix_age_and_day() {
    let left = |which: Option<Invalidation>| async move {
        let folder = tempfile::tempdir().unwrap();
        let cache = filled(folder.path()).await;
        match which {
            Some(which) => {
                cache.invalidate(which).await.unwrap();
            }
            None => assert!(cache.remove("a/1").await.unwrap()),
        }
        let mut left = Vec::new();
        for key in ["a/1", "a/2", "b/1"] {
            if cache.get(key).await.unwrap().is_some() {
                left.push(key);
            }
        }
        left
    };
    let older = |nanos| Invalidation::OlderThan {
        now: day(2) + Span::from_nanos(nanos),
        age: Span::from_days(1),
    };
    assert_eq!(left(None).await, ["a/2", "b/1"]);
    let prefix = Invalidation::Prefix("a/".to_owned());
    assert_eq!(left(Some(prefix)).await, ["b/1"]);
    assert_eq!(left(Some(older(0))).await, ["a/2", "b/1"]);
    assert_eq!(left(Some(older(1))).await, ["b/1"]);
    let last = day(3) + Span::from_nanos(-1);
    assert_eq!(left(Some(Invalidation::BeforeDayOf(last))).await, ["b/1"]);
    assert_eq!(
        left(Some(Invalidation::BeforeDayOf(day(0)))).await,
        ["a/1", "a/2", "b/1"]
    );
}

/// CAC-11: the bound holds over a restart, and the oldest entries go first; a value that is too large
/// is refused.
#[tokio::test]
async fn cac_11_the_bound_holds_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let cache = FileCache::open(folder.path(), bounds(2)).unwrap();
    assert_eq!(cache.len().await.unwrap(), 2);
    assert_eq!(cache.get("a/1").await.unwrap(), None);
    assert!(cache.get("b/1").await.unwrap().is_some());
    let small = CacheBounds {
        max_value_bytes: 3,
        ..bounds(2)
    };
    let second = FileCache::open(folder.path(), small).unwrap_err();
    assert_eq!(second.kind, ErrorKind::Rejected, "one process at a time");
    drop(cache);
    let cache = FileCache::open(folder.path(), small).unwrap();
    cache.put("k", vec![0; 3], stored_on(0)).await.unwrap();
    let refused = cache.put("k", vec![0; 4], stored_on(0)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Rejected);
    assert_eq!(cache.get("k").await.unwrap().unwrap().value.len(), 3);
}

/// A file under another key's name is no answer to that key.
#[tokio::test]
async fn a_moved_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = FileCache::open(folder.path(), bounds(8)).unwrap();
    let entries = folder.path().join("entries");
    let only = || {
        fs::read_dir(&entries)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    cache.put("one", vec![1], stored_on(0)).await.unwrap();
    let bytes = fs::read(only()).unwrap();
    cache.remove("one").await.unwrap();
    cache.put("two", vec![2], stored_on(0)).await.unwrap();
    fs::write(only(), bytes).unwrap();
    let error = cache.get("two").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert!(error.to_string().contains("another key"), "{error}");
}

fn run(id: &str) -> RunIdentity {
    RunIdentity {
        run_id: id.to_owned(),
        git_sha: "0123abc".to_owned(),
        config_hash: "feed".to_owned(),
    }
}

/// CAC-09, CAC-10: what is written is loaded again; the report names each missing, resized and changed
/// file, a file that is added again is replaced, and files beside it are ignored.
#[tokio::test]
async fn cac_09_a_manifest_reports_every_file_that_is_not_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let cache = filled(root).await;
    let (mut manifest, path) = cache.write_manifest(run("1")).await.unwrap();
    assert_eq!(Manifest::load(&path).unwrap(), manifest);
    assert_eq!(manifest.files.len(), 3);
    assert!(manifest.validate(root).unwrap().is_valid());
    manifest.ensure_valid(root).unwrap();
    fs::write(root.join("entries/beside.txt"), "not ours").unwrap();
    fs::write(root.join("beside.txt"), "not ours").unwrap();
    assert!(manifest.validate(root).unwrap().is_valid());

    let names: Vec<_> = manifest.files.keys().cloned().collect();
    let place = |n: usize| root.join(&names[n]);
    fs::remove_file(place(0)).unwrap();
    let mut longer = fs::read(place(1)).unwrap();
    longer.push(0);
    fs::write(place(1), longer).unwrap();
    let mut other = fs::read(place(2)).unwrap();
    other[5] ^= 1;
    fs::write(place(2), other).unwrap();
    let report = manifest.validate(root).unwrap();
    assert_eq!(report.missing, names[..1]);
    assert_eq!(report.resized, names[1..2]);
    assert_eq!(report.changed, names[2..]);
    assert!(report.intact.is_empty());
    let error = manifest.ensure_valid(root).unwrap_err();
    assert!(
        names.iter().all(|name| error.to_string().contains(name)),
        "{error}"
    );

    // Added again it is listed as it is now.
    manifest.add(root, &names[1]).unwrap();
    let report = manifest.validate(root).unwrap();
    assert_eq!((report.intact.len(), manifest.files.len()), (1, 3));
    for outside in ["../x", "/etc/passwd", "a/../../b", "a\\b", ""] {
        let error = manifest.add(root, outside).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rejected, "{outside}");
    }
    assert_eq!(
        manifest.add(root, "none").unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert!(Timestamp::EPOCH < day(0));
}

/// CAC-28: a read takes one checksum, and without `verify` none; what it gives is the same. CAC-08: a flipped
/// bit and a file without its checksum are corrupt, also on a later read; without `verify` only what is no
/// entry any more is.
#[tokio::test]
async fn cac_08_cac_28_checksums_are_taken_unless_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let quick = CacheBounds {
        verify: false,
        ..bounds(8)
    };
    let open = |bounds| FileCache::open(folder.path(), bounds).unwrap();
    let mut found = Vec::new();
    for (bounds, taken) in [(bounds(8), 3), (quick, 0)] {
        let cache = open(bounds);
        let put = cache.put("key", b"value".to_vec(), stored_on(1)).await;
        put.unwrap();
        for _ in 0..3 {
            found.push(cache.get("key").await.unwrap().unwrap());
        }
        assert_eq!(cache.verified().await.unwrap(), taken);
    }
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|entry| *entry == found[0]));
    let file = fs::read_dir(folder.path().join("entries")).unwrap().next();
    let path = file.unwrap().unwrap().path();
    let whole = fs::read(&path).unwrap();
    let at = whole.windows(5).position(|w| w == b"value").unwrap();
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    let without_checksum = whole[..whole.len() - 32].to_vec();
    for (bytes, quick_reads) in [(flipped, true), (without_checksum, false)] {
        fs::write(&path, &bytes).unwrap();
        let cache = open(bounds(8));
        for _ in 0..2 {
            let refused = cache.get("key").await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::InvalidData);
            assert!(refused.to_string().contains("corrupt"), "{refused}");
        }
        drop(cache);
        let read = open(quick).get("key").await;
        assert_eq!(read.is_ok(), quick_reads, "{read:?}");
    }
}
