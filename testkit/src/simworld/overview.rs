//! I-68 at every start: the records alone say what the kernel that took them back says.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::kernel::{Overview, Record};
use ballast_domain::orders::{Order, OrderStatus};

use super::queue::ProcessId;
use super::world::World;

impl World<'_> {
    /// Compares the overview of the journal with the kernel that was restored from it, and takes
    /// every sixteenth record through its canonical bytes: all of them would double a start's time.
    pub(super) fn check_overview(&mut self, id: ProcessId, batches: &[Vec<Record>]) {
        let mut overview = Overview::new();
        let mut changed = BTreeSet::new();
        for (number, record) in batches.iter().flatten().enumerate() {
            overview.take(record, &mut changed);
            if number % 16 != 0 {
                continue;
            }
            let body = serde_json::to_vec(&record.body()).expect("records are plain data");
            let mut text = serde_json::Deserializer::from_slice(&body);
            let again = Record::from_body(record.kind(), &mut text);
            if again.ok().as_ref() != Some(record) {
                return self.accuse("I-68", format!("{} does not come back", record.kind()));
            }
        }
        let Some(place) = self.place_of(id) else {
            return;
        };
        let kernel = &self.processes[place].kernel;
        let mut differs = Vec::new();
        for instrument in self.instruments.ids() {
            let (ours, theirs) = (
                kernel.account().ledger().position(instrument).quantity,
                overview.position(instrument),
            );
            if ours != theirs {
                differs.push(format!(
                    "{instrument:?}: {ours:?} held, {theirs:?} by the overview"
                ));
            }
        }
        let said = |order: &Order| {
            // A start takes what was recorded and may have left for sent.
            let status = match order.status() {
                OrderStatus::Sent => OrderStatus::Recorded,
                status => status,
            };
            (status, order.open_quantity())
        };
        let ours: BTreeMap<_, _> = kernel
            .orders()
            .filter(|order| !order.is_complete())
            .map(|order| (order.intent.client_id, said(order)))
            .collect();
        let theirs: BTreeMap<_, _> = overview
            .orders()
            .map(|(id, order)| {
                let status = match order.status {
                    OrderStatus::Sent => OrderStatus::Recorded,
                    status => status,
                };
                (id, (status, order.open_quantity()))
            })
            .collect();
        if ours != theirs {
            differs.push(format!(
                "orders: {ours:?} in the kernel, {theirs:?} in the overview"
            ));
        }
        let (ours, theirs) = (kernel.disputes().count(), overview.disputes().count());
        if ours != theirs {
            differs.push(format!(
                "{ours} disputes in the kernel, {theirs} in the overview"
            ));
        }
        if !differs.is_empty() {
            self.accuse("I-68", differs.join("; "));
        }
    }
}
