//! The statements of a commit: begin, the fence, rows, link, commit.

use std::collections::BTreeSet;

use ballast_domain::kernel::{Line, Overview, Record};
use ballast_journal::Head;
use ballast_journal::chain::{CHECKSUM, LinkHasher};
use ballast_journal::overview_rows::value;
use ballast_journal::refusal::taken_over;
use ballast_journal::stored::hash_batch;
use ballast_ports::{JournalBatch, Result};

use crate::refusal::unreadable;
use crate::server::check_durable;
use crate::session::Session;

/// Begins a transaction that ends at `number`, and moves the fence there: only the writer whose
/// commit was the last can. The row stays locked until the end, so that no other comes between, and
/// the server says again that it keeps what it acknowledges.
pub(crate) fn begin(session: &Session, last: Head, epoch: u64, number: u64) -> Result<()> {
    session.run("BEGIN")?;
    let moved = session.row(
        "UPDATE writer SET epoch = $3, number = $4 \
         WHERE id = 1 AND epoch = $1 AND number = $2 \
         RETURNING current_setting('fsync'), current_setting('full_page_writes')",
        &[
            &last.epoch.cast_signed(),
            &last.mark.number.cast_signed(),
            &epoch.cast_signed(),
            &number.cast_signed(),
        ],
    )?;
    let Some(row) = moved else {
        return Err(taken_over().context("last of ours", last.mark.number));
    };
    let setting = |column| row.try_get(column).map_err(|e| unreadable("settings", e));
    check_durable(setting(0)?, setting(1)?)
}

/// Commits. Without an answer the records may be there or not: nobody assumes either.
pub(crate) fn end(session: &Session) -> Result<()> {
    session.try_run("COMMIT").map_err(|trouble| {
        session.told(
            trouble,
            "the answer to a commit was lost: its records may be there or not",
        )
    })
}

/// Writes the link of a commit.
pub(crate) fn link(session: &Session, head: Head, note: &str) -> Result<()> {
    session.change(
        "INSERT INTO links VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &head.mark.number.cast_signed(),
            &head.epoch.cast_signed(),
            &note,
            &head.batch.cast_signed(),
            &head.record.cast_signed(),
            &head.mark.hash.as_slice(),
        ],
    )?;
    Ok(())
}

/// Writes a batch and its records; answers the head after it.
pub(crate) fn insert(
    session: &Session,
    batch: &JournalBatch,
    records: &[Record],
    link: u64,
    head: Head,
    hasher: &mut LinkHasher,
) -> Result<Head> {
    let (after, hashes) = hash_batch(head, batch, hasher);
    session.change(
        "INSERT INTO batches VALUES ($1, $2, $3, $4)",
        &[
            &batch.seq.cast_signed(),
            &link.cast_signed(),
            &batch.digest.cast_signed(),
            &after.record.cast_signed(),
        ],
    )?;
    let stored = &batch.records;
    let seqs: Vec<i64> = stored.iter().map(|r| r.seq.cast_signed()).collect();
    let kinds: Vec<&str> = stored.iter().map(|r| r.kind.as_str()).collect();
    let bodies: Vec<&[u8]> = stored.iter().map(|r| r.body.as_slice()).collect();
    let checksums: Vec<&[u8]> = hashes.iter().map(|hash| &hash[..CHECKSUM]).collect();
    let once: Vec<Option<String>> = records
        .iter()
        .map(|record| record.once().map(|once| once.to_string()))
        .collect();
    session.change(
        "INSERT INTO records SELECT seq, $1, kind, body, checksum, once FROM \
         unnest($2::int8[], $3::text[], $4::bytea[], $5::bytea[], $6::text[]) \
         AS row (seq, kind, body, checksum, once)",
        &[
            &batch.seq.cast_signed(),
            &seqs,
            &kinds,
            &bodies,
            &checksums,
            &once,
        ],
    )?;
    Ok(after)
}

/// Writes the lines of the overview that changed.
pub(crate) fn overview(
    session: &Session,
    overview: &Overview,
    changed: &BTreeSet<Line>,
) -> Result<()> {
    let (mut set, mut gone) = (<[Vec<String>; 3]>::default(), <[Vec<String>; 2]>::default());
    for line in changed {
        let (topic, key) = line.name();
        match value(overview, *line) {
            Some(value) => {
                set[0].push(topic.to_owned());
                set[1].push(key);
                set[2].push(value);
            }
            None => {
                gone[0].push(topic.to_owned());
                gone[1].push(key);
            }
        }
    }
    if !set[0].is_empty() {
        session.change(
            "INSERT INTO overview SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) \
             ON CONFLICT (topic, key) DO UPDATE SET value = excluded.value",
            &[&set[0], &set[1], &set[2]],
        )?;
    }
    if !gone[0].is_empty() {
        session.change(
            "DELETE FROM overview USING unnest($1::text[], $2::text[]) AS gone (topic, key) \
             WHERE overview.topic = gone.topic AND overview.key = gone.key",
            &[&gone[0], &gone[1]],
        )?;
    }
    Ok(())
}
