//! One structured event for each signal, order and risk check, where it is decided.

use ballast_domain::kernel::Record;

/// Says what a record decides; the journal keeps it, these are for whoever listens.
pub(super) fn say(record: &Record) {
    match record {
        Record::Decision(r) => tracing::info!(
            decision = r.number,
            slot = %r.slot,
            planned = r.planned,
            fresh_share = r.fresh_share,
            "signal"
        ),
        Record::Hold(r) => tracing::info!(slot = %r.slot, hold = true, "signal"),
        Record::Intent(r) => {
            let order = &r.intent;
            tracing::info!(
                client_id = %order.client_id,
                instrument = order.instrument.0,
                delta_units = order.delta().units(),
                reference_units = r.reference.units(),
                "order"
            );
            tracing::info!(
                client_id = %order.client_id,
                passed = r.verdict.passed(),
                breach = ?r.verdict.breach,
                "risk check"
            );
        }
        _ => {}
    }
}
