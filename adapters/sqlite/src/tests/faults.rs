//! The n-th step fails, for every n: an error, a torn write, a process that dies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use ballast_ports::{ErrorKind, Journal as _, JournalBatch, Snapshot};
use ballast_testkit::conformance::journal::batch;

use crate::audit::audit;
use crate::backup::copy;
use crate::disk::{Disk, Fate, Step};
use crate::journal::{Options, SqliteJournal};

fn options(folder: &Path) -> Options {
    Options {
        reserve_bytes: 1 << 12,
        page_size: Some(512),
        ..Options::new(folder, "main", "a test")
    }
}

/// Batches of one to three records, and a snapshot in the middle.
fn work() -> Vec<JournalBatch> {
    let mut next = 1;
    (1..=6)
        .map(|n| {
            let batch = batch(n, next, n % 3 + 1);
            next += n % 3 + 1;
            batch
        })
        .collect()
}

/// What a program does in its life: opens, appends from where the journal ends, keeps a snapshot,
/// closes. `acknowledged` is told of each batch that was.
async fn live(folder: &Path, disk: Disk, acknowledged: &mut dyn FnMut(u64)) -> Result<(), String> {
    let text = |e: ballast_ports::Error| e.chain();
    let journal = SqliteJournal::open_on(options(folder), disk)
        .await
        .map_err(text)?;
    let head = journal.opened_at().map_or(0, |head| head.seq);
    // What a start finds it vouches for.
    acknowledged(head);
    let mut failed = None;
    for batch in work().iter().filter(|batch| batch.seq > head) {
        match journal.append(batch).await {
            Ok(_) => acknowledged(batch.seq),
            Err(e) => {
                failed = Some(e.chain());
                break;
            }
        }
        if batch.seq == 3 {
            let snapshot = Snapshot {
                batch: 3,
                state: vec![7; 700],
            };
            if let Err(e) = journal.keep_snapshot(&snapshot).await {
                failed = Some(e.chain());
                break;
            }
        }
    }
    if failed.is_some() {
        // It takes nothing more, not even what would follow.
        let last = work().pop().unwrap();
        let e = journal.append(&last).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unavailable, "{e}");
        assert!(e.to_string().contains("takes no more records"), "{e}");
    }
    let closed = journal.close().await;
    failed.map_or_else(|| closed.map_err(text), Err)
}

/// After any failure the next start finds all that was acknowledged, and goes on to the end.
async fn recovers(folder: &Path, acknowledged: u64, place: &str) {
    let mut more = Vec::new();
    live(folder, Disk::real(), &mut |seq| more.push(seq))
        .await
        .unwrap_or_else(|e| panic!("{place}: {e}"));
    let first = more[0] + 1;
    assert!(first > acknowledged, "{place}: {acknowledged} was lost");
    assert!(first <= acknowledged + 2, "{place}: more than was asked");
    let found = audit(folder).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!((found.batches, found.records), (6, 12), "{place}");
}

fn fates(n: usize, fate: Fate) -> (Disk, Arc<Mutex<Vec<Step>>>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let disk = Disk::with(move |step| {
        let mut steps = seen.lock().unwrap();
        steps.push(step);
        if steps.len() == n { fate } else { Fate::Go }
    });
    (disk, steps)
}

/// Each step of a program's first life fails once, in two ways.
#[tokio::test]
async fn every_step_may_fail_and_nothing_acknowledged_is_lost() {
    let mut refused = BTreeMap::new();
    let mut total = 0;
    for fate in [Fate::Fail, Fate::Tear] {
        for n in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let room = folder.path().join("account");
            let (disk, steps) = fates(n, fate);
            let mut acknowledged = 0;
            let outcome = live(&room, disk, &mut |seq| acknowledged = seq).await;
            let steps = steps.lock().unwrap().clone();
            if steps.len() < n {
                outcome.expect("nothing failed");
                assert_eq!(acknowledged, 6);
                break;
            }
            total += 1;
            let step = steps[n - 1];
            let place = format!("{fate:?} at step {n}, {step:?}");
            let error = outcome.expect_err(&place);
            assert!(error.contains("hint: "), "{place}: {error}");
            *refused.entry(step).or_insert(0_u32) += 1;
            recovers(&room, acknowledged, &place).await;
        }
    }
    println!("{total} failed steps: {refused:?}");
    let every = [
        Step::Folder,
        Step::Lock,
        Step::Open,
        Step::Schema,
        Step::Begin,
        Step::Row,
        Step::Commit,
        Step::Committed,
        Step::Anchor,
        Step::SyncAnchor,
        Step::Anchored,
        Step::Create,
        Step::Write,
        Step::SyncFile,
        Step::Rename,
        Step::SyncFolder,
    ];
    assert_eq!(
        refused.keys().copied().collect::<BTreeSet<_>>(),
        every.into_iter().collect()
    );
}

/// A journal of two batches: closed, or killed while the anchor of the second was written.
async fn two_batches(torn: bool) -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    let mut anchors = 0;
    let disk = Disk::with(move |step| {
        anchors += u32::from(step == Step::Anchor);
        if torn && anchors == 2 {
            Fate::Tear
        } else {
            Fate::Go
        }
    });
    let journal = SqliteJournal::open_on(options(base.path()), disk)
        .await
        .unwrap();
    for batch in &work()[..2] {
        let outcome = journal.append(batch).await;
        assert_eq!(outcome.is_err(), torn && batch.seq == 2);
    }
    journal.close().await.unwrap();
    base
}

/// Each step of a second life fails once: the journal was there before, whole or with an anchor
/// that was torn and is behind.
#[tokio::test]
async fn every_step_of_a_later_start_may_fail() {
    let mut total = 0;
    for (torn, fate) in [
        (false, Fate::Fail),
        (false, Fate::Tear),
        (true, Fate::Fail),
        (true, Fate::Tear),
    ] {
        let base = two_batches(torn).await;
        for n in 1.. {
            let folder = tempfile::tempdir().unwrap();
            copy_files(base.path(), folder.path());
            let (disk, steps) = fates(n, fate);
            let mut acknowledged = if torn { 1 } else { 2 };
            let outcome = live(folder.path(), disk, &mut |seq| acknowledged = seq).await;
            let steps = steps.lock().unwrap().clone();
            if steps.len() < n {
                outcome.expect("nothing failed");
                break;
            }
            total += 1;
            let place = format!("torn {torn}, {fate:?} at step {n}, {:?}", steps[n - 1]);
            outcome.expect_err(&place);
            recovers(folder.path(), acknowledged, &place).await;
        }
    }
    println!("{total} failed steps of a later start");
    assert!(total > 160);
}

pub(crate) fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A program that dies at a step, for the test below: it is this test, run alone.
#[tokio::test]
async fn child_that_dies_at_a_step() {
    let Some(folder) = std::env::var_os("BALLAST_TEST_PATH") else {
        return;
    };
    let n: usize = std::env::var("BALLAST_TEST_STEP").unwrap().parse().unwrap();
    let (disk, _) = fates(n, Fate::Die);
    live(Path::new(&folder), disk, &mut |seq| {
        // One write, at once: what was said was said.
        use std::io::Write as _;
        writeln!(std::io::stderr(), "acknowledged {seq}").unwrap();
    })
    .await
    .unwrap();
}

/// The process dies before every step of its first life; what it had acknowledged is there.
#[tokio::test]
async fn a_process_may_die_before_every_step() {
    let mut deaths = 0;
    for n in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let room = folder.path().join("account");
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::faults::child_that_dies_at_a_step",
                "--nocapture",
            ])
            .env("BALLAST_TEST_PATH", &room)
            .env("BALLAST_TEST_STEP", n.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let acknowledged = said
            .lines()
            .filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
            .max()
            .unwrap_or(0);
        recovers(&room, acknowledged, &format!("death before step {n}")).await;
        if output.status.success() {
            assert_eq!(acknowledged, 6);
            break;
        }
        deaths += 1;
    }
    println!("{deaths} deaths");
    assert!(deaths > 80);
}

/// Each step of a backup fails once: there is no journal that looks like one and is not.
#[tokio::test]
async fn every_step_of_a_backup_may_fail() {
    let folder = tempfile::tempdir().unwrap();
    let room = folder.path().join("account");
    live(&room, Disk::real(), &mut |_| {}).await.unwrap();
    let expected = audit(&room).unwrap();
    for fate in [Fate::Fail, Fate::Tear] {
        for n in 1.. {
            let to = folder.path().join(format!("{fate:?}-{n}"));
            let (_, conn) = crate::audit::open(&room).unwrap();
            let (mut disk, steps) = fates(n, fate);
            let outcome = copy(&conn, &to, &mut disk);
            if steps.lock().unwrap().len() < n {
                assert_eq!(outcome.unwrap().audit, expected);
                break;
            }
            outcome.unwrap_err();
            if let Ok(found) = audit(&to) {
                assert_eq!(found, expected, "{fate:?} at step {n}");
            }
        }
    }
}
