//! A stop at every step of the disk, and a flip of every byte, and what is found afterwards.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Cache, ErrorKind, Lifetime};
use ballast_system::{Fate, Step};

use crate::manifest::{Manifest, RunIdentity};
use crate::{CacheBounds, FileCache};

const OLD: &[u8] = b"the old value";
const NEW: &[u8] = b"a new value that is longer than the old one";

fn lifetime() -> Lifetime {
    Lifetime::starting(Timestamp::EPOCH, Span::from_days(2))
}

fn open(root: &Path) -> FileCache {
    let quick = |_: Step| Fate::Quick;
    FileCache::open_with(root, CacheBounds::default(), Box::new(quick)).unwrap()
}

/// A cache whose step number `stop` has this fate; how many steps there were is counted.
fn stopping(root: &Path, stop: usize, fate: Fate) -> (FileCache, Arc<AtomicUsize>) {
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let fates = move |_: Step| {
        let step = counted.fetch_add(1, Ordering::Relaxed);
        if step < stop { Fate::Quick } else { fate }
    };
    let cache = FileCache::open_with(root, CacheBounds::default(), Box::new(fates));
    (cache.unwrap(), steps)
}

fn run() -> RunIdentity {
    RunIdentity {
        run_id: "7".to_owned(),
        git_sha: "abc".to_owned(),
        config_hash: "def".to_owned(),
    }
}

/// CAC-07: after a stop or a torn write at each step of a put, the entry is the old one or the new
/// one; so is the manifest. Nothing else is left once the cache is opened again.
#[tokio::test]
async fn cac_07_a_stop_at_any_step_leaves_old_or_new() {
    let (mut old, mut new, mut stops) = (0, 0, 0);
    for fate in [Fate::Stop, Fate::Tear] {
        for stop in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            let before = open(root);
            before.put("key", OLD.to_vec(), lifetime()).await.unwrap();
            before.write_manifest(run()).await.unwrap();
            drop(before);
            let (cache, steps) = stopping(root, stop, fate);
            let put = cache.put("key", NEW.to_vec(), lifetime()).await;
            let listed = cache.write_manifest(run()).await;
            let stopped = steps.load(Ordering::Relaxed) > stop;
            assert_eq!(put.is_err() || listed.is_err(), stopped);
            drop(cache);
            let after = open(root);
            let value = after.get("key").await.unwrap().unwrap().value;
            assert!(value == OLD || value == NEW, "step {stop}");
            old += usize::from(value == OLD);
            new += usize::from(value == NEW);
            if put.is_ok() {
                assert_eq!(value, NEW);
            }
            let manifest = Manifest::load(&root.join(Manifest::NAME)).unwrap();
            // The old manifest knows the old bytes, the new one the new: never a mixture of its own.
            assert_eq!(manifest.files.len(), 1);
            assert_eq!(after.len().await.unwrap(), 1);
            let entries = fs::read_dir(root.join("entries")).unwrap().count();
            assert_eq!(entries, 1, "step {stop} left something");
            if !stopped {
                break;
            }
            stops += 1;
        }
    }
    println!("{stops} stops: {old} times the old entry, {new} times the new one");
    assert!(stops >= 16 && old > 0 && new > 0, "{stops} {old} {new}");
}

/// Every byte of an entry and of a manifest, flipped in each of its bits at once and in one:
/// refused as corrupt, or equal to what was written. Never another value.
#[tokio::test]
async fn every_flipped_byte_is_refused_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.put("key", NEW.to_vec(), lifetime()).await.unwrap();
    let truth = cache.get("key").await.unwrap().unwrap();
    let (manifest, manifest_path) = cache.write_manifest(run()).await.unwrap();
    let entry_path = folder.path().join(manifest.files.keys().next().unwrap());
    for (what, path) in [("entry", &entry_path), ("manifest", &manifest_path)] {
        let bytes = fs::read(path).unwrap();
        let (mut refused, mut equal) = (0, 0);
        for n in 0..bytes.len() {
            for flip in [0xff, 1 << (n % 8)] {
                let mut flipped = bytes.clone();
                flipped[n] ^= flip;
                fs::write(path, &flipped).unwrap();
                let same = if what == "entry" {
                    cache
                        .get("key")
                        .await
                        .map(|found| found.as_ref() == Some(&truth))
                } else {
                    Manifest::load(path).map(|found| found == manifest)
                };
                match same {
                    Ok(same) => {
                        assert!(same, "{what}: byte {n} became another value");
                        equal += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
                        assert!(error.to_string().contains("corrupt"), "{error}");
                        refused += 1;
                    }
                }
            }
        }
        println!(
            "{what} of {} bytes: {refused} flips refused, {equal} equal",
            bytes.len()
        );
        assert_eq!(refused + equal, 2 * bytes.len());
        for end in 0..bytes.len() {
            fs::write(path, &bytes[..end]).unwrap();
            if what == "entry" {
                cache.get("key").await.unwrap_err();
            } else {
                Manifest::load(path).unwrap_err();
            }
        }
        fs::write(path, &bytes).unwrap();
    }
    assert_eq!(cache.get("key").await.unwrap().unwrap(), truth);
}
