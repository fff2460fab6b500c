//! I-63 at every start: what was kept of the records up to some point, and the records after it, make the
//! kernel that all records make.

use std::sync::Arc;

use ballast_domain::error::Result;
use ballast_domain::kernel::{Kernel, Record, RecordedState, SendGate};

use super::account::settings;
use super::strategy::Planned;
use super::world::World;

impl World<'_> {
    /// Compares `whole`, which took back all records, with a kernel that took back a state kept in the
    /// middle of them, to the last field of both.
    pub(super) fn check_kept(
        &mut self,
        whole: &Kernel<Planned>,
        gate: &Arc<SendGate>,
        batches: &[Vec<Record>],
    ) {
        let records: Vec<&Record> = batches.iter().flatten().collect();
        // Another place at every start, the same in every play of the day.
        let cut = usize::try_from(self.writer_epoch).unwrap_or(0) * 7_919 % (records.len() + 1);
        let again = self.through_a_kept_state(gate, records.split_at(cut));
        match again.map(|again| parted(&format!("{whole:?}"), &format!("{again:?}"))) {
            Ok(None) => {}
            Ok(Some(at)) => self.accuse(
                "I-63",
                format!("a state kept after record {cut} leads to another kernel: {at}"),
            ),
            Err(e) => self.accuse("I-63", format!("a state kept after record {cut}: {e}")),
        }
    }

    fn through_a_kept_state(
        &self,
        gate: &Arc<SendGate>,
        (before, after): (&[&Record], &[&Record]),
    ) -> Result<Kernel<Planned>> {
        let fresh = || {
            let settings = settings(self.plan, self.bug);
            let strategy = Planned::new(self.plan);
            Kernel::new(
                self.instruments.clone(),
                settings,
                strategy,
                Arc::clone(gate),
            )
        };
        let mut kernel = fresh()?;
        let mut restore = kernel.restore()?;
        before
            .iter()
            .try_for_each(|record| restore.record(record))?;
        let text = serde_json::to_string(&restore.state()).expect("a state is plain data");
        let kept: RecordedState = serde_json::from_str(&text).expect("it comes back");
        let mut kernel = fresh()?;
        let mut restore = kernel.restore()?;
        restore.resume(kept)?;
        after.iter().try_for_each(|record| restore.record(record))?;
        restore.finish()?;
        Ok(kernel)
    }
}

/// What two texts say around their first difference.
fn parted(whole: &str, kept: &str) -> Option<String> {
    let same = |(a, b): &(char, char)| a == b;
    let at = whole.chars().zip(kept.chars()).take_while(same).count();
    let around =
        |text: &str| -> String { text.chars().skip(at.saturating_sub(60)).take(120).collect() };
    (whole != kept).then(|| format!("«{}» and not «{}»", around(kept), around(whole)))
}
