//! A small journal with a bit of everything, and how to look at one.

use std::fs;
use std::path::Path;

use ballast_ports::{Journal as _, JournalBatch, Snapshot};
use ballast_sqlite::{Audit, Options, SqliteJournal, encode, export};
use ballast_testkit::journals::numbered;

/// Batches as a kernel writes them: a decision with its orders, what became of them, a dispute.
const BATCHES: &[&[&str]] = &[
    &[
        r#"{"entry":{"time":"2024-01-02T09:00:00Z","id":0,"kind":"opening","instrument":null,"asset":0,"amount":10000000000}}"#,
        r#"{"session":{"time":"2024-01-02T09:00:00Z","session":"ready","reason":"the venue agrees"}}"#,
    ],
    &[
        r#"{"decision":{"time":"2024-01-02T17:00:00Z","number":1,"cause":{"slot":"2024-01-02T17:00:00Z"},"slot":"2024-01-02T17:00:00Z","equity":10000000000,"fresh_share":1.0,"planned":true,"decision":{"targets":[{"entries":[{"instrument":0,"target":{"weight":0.4},"note":{"signal":"breakout","score":1.5,"volatility":0.2,"uncapped":null}}],"excluded":[]},"monthly"]}}}"#,
        r#"{"intent":{"time":"2024-01-02T17:00:00Z","cause":{"slot":"2024-01-02T17:00:00Z"},"intent":{"id":1,"client_id":"b0000200000102000","instrument":0,"side":"buy","quantity":100,"order_type":"market","time_in_force":"day","post_only":false,"reduce_only":false},"reference":31420,"wanted":100,"cut":null,"verdict":{"failed":0,"breach":null}}}"#,
        r#"{"intent":{"time":"2024-01-02T17:00:00Z","cause":{"slot":"2024-01-02T17:00:00Z"},"intent":{"id":2,"client_id":"b0000200000102001","instrument":1,"side":"sell","quantity":7,"order_type":{"limit":500},"time_in_force":"gtc","post_only":true,"reduce_only":false},"reference":510,"wanted":9,"cut":"cash","verdict":{"failed":0,"breach":null}}}"#,
    ],
    &[
        r#"{"order":{"time":"2024-01-02T17:00:01Z","client_id":"b0000200000102001","status":"accepted","filled":0,"reason":""}}"#,
        r#"{"fill":{"fill":{"time":"2024-01-02T17:00:02Z","client_id":"b0000200000102000","trade_id":340282366920938463463374607431768211455,"instrument":0,"side":"buy","quantity":100,"price":31425,"fee":-12,"fee_asset":0},"realised":0}}"#,
    ],
    &[
        r#"{"dispute":{"time":"2024-01-02T18:00:00Z","instrument":1,"ours":0,"theirs":-7}}"#,
        r#"{"mode":{"time":"2024-01-02T18:00:00Z","scope":{"instrument":1},"mode":"reduce_only","reason":"a \"dispute\""}}"#,
    ],
];

/// The batches, numbered.
pub(crate) fn batches() -> Vec<JournalBatch> {
    numbered(BATCHES, encode)
}

pub(crate) fn options(folder: &Path) -> Options {
    Options::new(folder, "main", "ballast-sqlite tests")
        .with_reserve(0)
        .with_page_size(512)
}

pub(crate) async fn open(folder: &Path) -> SqliteJournal {
    let opened = SqliteJournal::open(options(folder)).await;
    opened.unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// A journal with everything in it, still open.
pub(crate) async fn lived(folder: &Path) -> SqliteJournal {
    let journal = open(folder).await;
    for batch in batches() {
        journal.append(&batch).await.unwrap();
        if batch.seq == 3 {
            let state = b"the state of a kernel".to_vec();
            let snapshot = Snapshot { batch: 3, state };
            journal.keep_snapshot(&snapshot).await.unwrap();
        }
    }
    journal
}

/// Makes that journal and closes it.
pub(crate) async fn closed(folder: &Path) {
    lived(folder).await.close().await.unwrap();
}

/// What is in it, and the proof.
pub(crate) fn exported(folder: &Path) -> ballast_ports::Result<(Vec<u8>, Audit)> {
    let mut text = Vec::new();
    let audit = export(folder, &mut text)?;
    Ok((text, audit))
}

/// Copies the files but the lock and what SQLite shares between processes.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        if name != "lock" && name != "journal.db-shm" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
