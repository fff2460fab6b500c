//! A start: what the journal holds goes back into a kernel, and the bars since are shown to it.

use ballast_domain::error::{Error, Result};
use ballast_domain::kernel::{Kernel, Record, RecordedState, Restore};
use ballast_domain::market::Panel;
use ballast_domain::simulation::{Cursor, FillPoint, Stage};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_journal::decode;
use ballast_ports::{Journal, stream};

use super::snapshot::{Kept, Noted, Upto};

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What an earlier session kept of the records before `records`.
    pub(super) kept: Option<Kept>,
    pub(super) records: Vec<Record>,
    /// The body of the last of `records`.
    pub(super) last_body: Option<Vec<u8>>,
    /// Where the journal stands.
    pub(super) upto: Upto,
    /// What the driver notes of all of it.
    pub(super) noted: Noted,
    /// Why a snapshot was left aside.
    pub(super) ignored: Option<String>,
}

/// What a start found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Where the journal stood.
    pub(super) upto: Upto,
    /// Records after the snapshot that was believed.
    pub(super) folded: u64,
    /// Why a snapshot was left aside.
    pub(super) ignored: Option<String>,
}

/// Where a journal stands that nobody writes.
///
/// # Errors
/// As [`Journal::head`].
pub(super) async fn whole(journal: &dyn Journal) -> ballast_ports::Result<Upto> {
    Ok(Upto {
        batch: journal.head().await?.map_or(0, |head| head.seq),
        record: u64::MAX,
    })
}

impl Recorded {
    /// Reads the newest snapshot that can be believed and what comes after it, up to `upto`; the
    /// journal proves each record on the way. `of` as [`snapshot::of`](super::snapshot::of).
    pub(super) async fn read(
        journal: &dyn Journal,
        of: &str,
        upto: Upto,
    ) -> ballast_ports::Result<Self> {
        let (kept, ignored) = match Kept::newest(journal, of, upto.batch).await? {
            Ok(kept) => (kept, None),
            Err(why) => (None, Some(why)),
        };
        let before = kept.as_ref().map_or(0, |kept| kept.record);
        let mut this = Self {
            noted: kept.as_ref().map(|k| k.noted.clone()).unwrap_or_default(),
            kept,
            ignored,
            upto: Upto {
                record: before,
                ..upto
            },
            ..Self::default()
        };
        let mut stored = journal.read_from(before + 1);
        while this.upto.record < upto.record
            && let Some(record) = stream::next(&mut stored).await
        {
            let record = record?;
            this.upto.record = record.seq;
            this.push(decode(&record)?);
            this.last_body = Some(record.body);
        }
        Ok(this)
    }

    /// All records from the first, without a snapshot.
    pub(super) fn of(records: Vec<Record>, batch: u64) -> Self {
        let record = records.len() as u64;
        let mut this = Self {
            upto: Upto { batch, record },
            ..Self::default()
        };
        records.into_iter().for_each(|record| this.push(record));
        this
    }

    /// What a start tells of it.
    pub(super) fn found(&self) -> Found {
        Found {
            upto: self.upto,
            folded: self.records.len() as u64,
            ignored: self.ignored.clone(),
        }
    }

    fn push(&mut self, record: Record) {
        self.noted.take(&record);
        self.records.push(record);
    }

    /// Puts everything into a new kernel that was shown nothing, and answers what it came to.
    pub(super) fn fold<S: Strategy>(
        self,
        kernel: &mut Kernel<S>,
    ) -> Result<(Noted, RecordedState)> {
        let mut restore = kernel.restore()?;
        put_back(self.kept, &self.records, &mut restore)?;
        Ok((self.noted, restore.state()))
    }

    /// Puts the records back into a new kernel and shows it every bar up to `shown`, each once.
    ///
    /// The strategy's memory is put back at its own bar: what came before it is shown first, for
    /// what the kernel keeps of bars, and what came after it is shown to strategy and kernel.
    ///
    /// # Errors
    /// `DataMissing` when a recorded slot has no bar in the data; `Invariant` when the records cannot
    /// follow each other; as [`Strategy::restore`].
    pub(super) fn restore<S: Strategy>(
        self,
        kernel: &mut Kernel<S>,
        panel: &Panel,
        shown: usize,
    ) -> Result<Taken> {
        let remembered = match self.noted.remembered {
            None => 0,
            Some(slot) => {
                1 + panel.close_times().binary_search(&slot).map_err(|_| {
                    Error::missing("the journal has a slot for which the data have no bar")
                    .context("slot", slot)
                    .hint(
                        "run.start, run.end and the data must reach back to what was traded: put \
                         them back, or trade under another account name",
                    )
                })?
            }
        };
        warm(kernel, panel, 0..remembered);
        let mut restore = kernel.restore()?;
        put_back(self.kept, &self.records, &mut restore)?;
        restore.finish()?;
        // A slot without a record may have been decided and not begun: it is asked for again.
        let settings = kernel.settings();
        let last = shown.checked_sub(1).filter(|row| *row >= remembered);
        let again = match last.and_then(|row| panel.slice(row)) {
            Some(slice) if settings.schedule.fires(settings.calendar, slice.time())? => last,
            _ => None,
        };
        warm(kernel, panel, remembered..again.unwrap_or(shown));
        Ok(Taken {
            shown: shown.max(remembered),
            again,
        })
    }
}

fn put_back<S: Strategy>(
    kept: Option<Kept>,
    records: &[Record],
    restore: &mut Restore<'_, S>,
) -> Result<()> {
    if let Some(kept) = kept {
        restore.resume(kept.state)?;
    }
    records.iter().try_for_each(|record| restore.record(record))
}

/// How far a kernel has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Bars it has seen: more than the market has shown when the market's own memory lost the last.
    pub(super) shown: usize,
    /// The last of them, when it was kept back: its slot has no record, and it is shown once more.
    pub(super) again: Option<usize>,
}

fn warm<S: Strategy>(kernel: &mut Kernel<S>, panel: &Panel, rows: std::ops::Range<usize>) {
    for slice in rows.filter_map(|row| panel.slice(row)) {
        kernel.warm(&slice);
    }
}

/// How many bars a market at `cursor` has shown.
pub(super) const fn shown_at(cursor: Cursor, point: FillPoint) -> usize {
    let after_show = matches!(point, FillPoint::SameClose)
        && matches!(cursor.stage, Stage::Quote | Stage::Execute);
    cursor.row + after_show as usize
}

/// When the last stage before `cursor` was carried out; the beginning of the data at the start.
pub(super) fn passed_at(cursor: Cursor, panel: &Panel, point: FillPoint) -> Timestamp {
    let first = panel.open_times().first().copied();
    let before = cursor
        .row
        .checked_sub(1)
        .and_then(|row| panel.close_times().get(row).copied());
    let mut at = before.or(first).unwrap_or(Timestamp::EPOCH);
    let mut stage = Cursor {
        row: cursor.row,
        stage: Stage::Actions,
    };
    while stage < cursor_end(cursor) && stage != cursor {
        at = at.max(stage.time(panel, point).unwrap_or(at));
        stage = stage.next(point);
    }
    at
}

/// Past every stage of the cursor's bar.
const fn cursor_end(cursor: Cursor) -> Cursor {
    Cursor {
        row: cursor.row + 1,
        stage: Stage::Actions,
    }
}
