//! A start: what the journal holds goes back into a kernel, and the bars since are shown to it.

use ballast_domain::error::{Error, Result};
use ballast_domain::kernel::{Kernel, Overview, Record};
use ballast_domain::market::Panel;
use ballast_domain::orders::Cause;
use ballast_domain::portfolio::EntryKind;
use ballast_domain::simulation::{Cursor, FillPoint, Stage};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_journal::decode;
use ballast_ports::{Journal, stream};
use std::collections::BTreeSet;

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) records: Vec<Record>,
    /// The number of the last batch.
    pub(super) batches: u64,
}

impl Recorded {
    /// Reads all of it; the journal proves each record on the way.
    pub(super) async fn read(journal: &dyn Journal) -> ballast_ports::Result<Self> {
        let batches = journal.head().await?.map_or(0, |head| head.seq);
        let mut stored = journal.read_from(1);
        let mut records = Vec::new();
        while let Some(record) = stream::next(&mut stored).await {
            records.push(decode(&record?)?);
        }
        Ok(Self { records, batches })
    }

    /// Whether the account's opening was ever booked.
    pub(super) fn is_opened(&self) -> bool {
        self.records.iter().any(|record| match record {
            Record::Entry(entry) => entry.kind == EntryKind::Opening,
            _ => false,
        })
    }

    /// The slot of the last memory of the strategy, which saw its bar and decided at it.
    fn remembered(&self) -> Option<Timestamp> {
        let (mut slot, mut remembered) = (None, None);
        for record in &self.records {
            match record {
                Record::Decision(r) => {
                    if let Cause::Slot(time) = r.cause {
                        slot = Some(time);
                    }
                }
                Record::Hold(r) => slot = Some(r.slot),
                Record::State(_) => remembered = slot,
                _ => {}
            }
        }
        remembered
    }

    /// Where the account stands by these records alone.
    pub(super) fn overview(&self) -> Overview {
        let (mut overview, mut changed) = (Overview::new(), BTreeSet::new());
        for record in &self.records {
            overview.take(record, &mut changed);
            changed.clear();
        }
        overview
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
        &self,
        kernel: &mut Kernel<S>,
        panel: &Panel,
        shown: usize,
    ) -> Result<Taken> {
        let remembered = match self.remembered() {
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
        for record in &self.records {
            restore.record(record)?;
        }
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
