//! Reconciliation: what the venue shows against what the books say.
//!
//! [`reconcile`] is a pure function of both. It finds differences and never explains one by a trade
//! nobody reported: what is not explained is disputed, and a person settles it.

use super::planted::Bug;
use super::{
    Action, AdjustmentKind, AdjustmentRecord, AgreementRecord, DisputeRecord, Effects, EventId,
    Fact, Kernel, Query, Record, Session, Severity, VenueReport,
};
use crate::error::Error;
use crate::instrument::{AssetId, InstrumentId};
use crate::money::{Cash, Quantity};
use crate::orders::{ClientOrderId, Side};
use crate::risk::{Mode, ModeScope};
use crate::strategy::Strategy;
use crate::time::{Span, Timestamp};

/// Our side of a reconciliation.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    /// Positions in instrument order.
    pub positions: &'a [Quantity],
    /// When each last changed; a report from before cannot speak about it.
    pub changed_at: &'a [Timestamp],
    /// Balances in asset order.
    pub cash: &'a [Cash],
    /// Orders the venue acknowledged and did not end, by our books.
    pub open: &'a [ClientOrderId],
}

/// A difference between the books and the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Positions differ.
    Position {
        /// Of which instrument.
        instrument: InstrumentId,
        /// What our books say.
        ours: Quantity,
        /// What the venue says.
        theirs: Quantity,
    },
    /// Balances differ.
    Cash {
        /// In which asset.
        asset: AssetId,
        /// What our books say.
        ours: Cash,
        /// What the venue says.
        theirs: Cash,
    },
    /// The venue does not list an order that is open by our books.
    NotListed(ClientOrderId),
}

/// Every difference between the books and a report whose executions and events are booked, in
/// order. A position or balance that changed after the report was made is not compared.
///
/// The result does not depend on the order of the report's lists, and depends on nothing else.
pub fn reconcile(books: &Books<'_>, report: &VenueReport, tolerance: Cash) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut all_compared = true;
    for (index, ours) in books.positions.iter().enumerate() {
        let instrument = InstrumentId::from_index(index);
        if books.changed_at[index] > report.as_of {
            all_compared = false;
            continue;
        }
        let theirs = listed(&report.positions, instrument).unwrap_or(Quantity::ZERO);
        if *ours != theirs {
            differences.push(Difference::Position {
                instrument,
                ours: *ours,
                theirs,
            });
        }
    }
    // Cash moves with every position: it says something only where all of them agree.
    if all_compared && differences.is_empty() {
        for (index, ours) in books.cash.iter().enumerate() {
            let asset = AssetId::from_index(index);
            let theirs = listed(&report.cash, asset).unwrap_or(Cash::ZERO);
            if (*ours - theirs).abs() > tolerance {
                differences.push(Difference::Cash {
                    asset,
                    ours: *ours,
                    theirs,
                });
            }
        }
    }
    for id in books.open {
        if !report.orders.iter().any(|o| o.client_id == *id) {
            differences.push(Difference::NotListed(*id));
        }
    }
    differences.sort_unstable();
    differences
}

fn listed<K: PartialEq, V: Copy>(list: &[(K, V)], key: K) -> Option<V> {
    list.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
}

/// A position on which we and the venue do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dispute {
    /// What our books said.
    pub ours: Quantity,
    /// What the venue says.
    pub theirs: Quantity,
    /// How many reports in a row said so.
    pub seen: u8,
    /// The last report that said so.
    pub as_of: Timestamp,
}

impl<S: Strategy> Kernel<S> {
    /// Joins everything a report lists, compares what is left, and ends or begins disputes.
    pub(super) fn on_report(&mut self, report: &VenueReport, effects: &mut Effects) {
        self.forget_gross();
        if !self.opened.contains(&true) {
            return self.meet_account(report, effects);
        }
        self.book_report(report, effects);
        if report.as_of < self.reported_at {
            // Older than what was compared before: its facts are facts, its state is history.
            return;
        }
        self.reported_at = report.as_of;
        if self.planted(Bug::OlderSnapshotWins) {
            self.changed_at.fill(Timestamp::MIN);
        }
        self.see_external(report);
        let differences = self.compare(report);
        let mut agreed = true;
        for difference in &differences {
            match *difference {
                Difference::Position {
                    instrument,
                    ours,
                    theirs,
                } => {
                    agreed = false;
                    self.dispute(instrument, ours, theirs, report.as_of, effects);
                }
                Difference::Cash {
                    asset,
                    ours,
                    theirs,
                } => {
                    agreed = false;
                    self.dispute_cash(asset, ours, theirs, report.as_of, effects);
                }
                Difference::NotListed(client_id) => {
                    if let Some(number) = self.orders.number_of(client_id) {
                        self.ask_about_missing(number, report.as_of, effects);
                    }
                }
            }
        }
        self.end_settled_disputes(report, &differences, effects);
        if agreed {
            self.agreed_at = self.agreed_at.max(report.as_of);
            self.cash_dispute = None;
        }
        let before = self.session;
        self.end_reconciling(report.as_of, effects);
        if agreed {
            let concluded = before != self.session && self.session == Session::Ready;
            self.record_agreement(report.as_of, concluded, effects);
        }
    }

    /// Agreement is written down when a reconciliation concludes, and otherwise once in the span
    /// that questions look back. Stricter than what the running session goes by: every instrument
    /// was compared, so cash was as well.
    fn record_agreement(&mut self, as_of: Timestamp, concluded: bool, effects: &mut Effects) {
        let Some(watch) = &self.settings.watch else {
            return;
        };
        let last = self.recorded_agreement;
        let rare = watch.look_back.max(watch.audit);
        let due = concluded || last == Timestamp::MIN || as_of >= last + rare;
        let all_compared = self.changed_at.iter().all(|changed| *changed <= as_of);
        let settled = self.disputes.iter().all(Option::is_none);
        if as_of <= last || !due || !all_compared || !settled {
            return;
        }
        self.recorded_agreement = as_of;
        effects.records.push(Record::Agreement(AgreementRecord {
            time: self.now,
            as_of,
        }));
    }

    /// Executions, events and order states of a report, in an order that does not depend on the
    /// report's own.
    fn book_report(&mut self, report: &VenueReport, effects: &mut Effects) {
        let mut fills: Vec<_> = report.fills.iter().collect();
        fills.sort_unstable_by_key(|f| (f.time, f.client_id, f.trade_id));
        for fill in fills {
            self.on_fact(&Fact::Filled(*fill), effects);
        }
        self.book_events(report, effects);
        let mut orders: Vec<_> = report.orders.iter().collect();
        orders.sort_unstable_by_key(|o| o.client_id);
        for order in orders {
            if self.orders.number_of(order.client_id).is_some() {
                self.on_fact(&Fact::Reported(*order), effects);
            } else if order.client_id.installation == self.settings.installation {
                self.journal_rolled_back(order.client_id, effects);
            }
        }
    }

    fn book_events(&mut self, report: &VenueReport, effects: &mut Effects) {
        let mut events: Vec<_> = report.events.iter().collect();
        events.sort_by_key(|e| e.event_id());
        for event in events {
            self.on_fact(event, effects);
        }
    }

    /// The venue has an order with our id that no record of ours knows: records were lost.
    fn journal_rolled_back(&mut self, id: ClientOrderId, effects: &mut Effects) {
        let scope = ModeScope::Account;
        if self.modes.of(scope) == Mode::Halted {
            return;
        }
        let error = Error::execution("journal rolled back")
            .context("client_id", id)
            .hint("the venue has an order of ours that the journal does not: restore the newest journal");
        self.tighten(scope, Mode::Halted, error.message.clone(), effects);
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }

    /// Open orders of others may move our positions: they count at worst case.
    fn see_external(&mut self, report: &VenueReport) {
        let mut open = vec![(Quantity::ZERO, Quantity::ZERO); self.instruments.len()];
        for order in &report.external {
            if let Some((buys, sells)) = open.get_mut(order.instrument.index()) {
                match order.side {
                    Side::Buy => *buys += order.open,
                    Side::Sell => *sells += order.open,
                }
            }
        }
        self.forget_gross();
        for (id, (buys, sells)) in self.instruments.ids().zip(open) {
            self.exposure.set_external(id, buys, sells);
        }
    }

    fn compare(&self, report: &VenueReport) -> Vec<Difference> {
        let ids = self.instruments.ids();
        let positions: Vec<_> = ids.map(|id| self.account.position(id).quantity).collect();
        let assets = 0..self.instruments.assets().len();
        let cash: Vec<_> = assets
            .map(|i| self.account.ledger().cash(AssetId::from_index(i)))
            .collect();
        let open: Vec<_> = self
            .orders
            .iter()
            .filter(|o| o.status().is_from_venue() && !o.status().is_final())
            .map(|o| o.intent.client_id)
            .collect();
        let books = Books {
            positions: &positions,
            changed_at: &self.changed_at,
            cash: &cash,
            open: &open,
        };
        let watch = self.settings.watch.as_ref();
        reconcile(
            &books,
            report,
            watch.map_or(Cash::ZERO, |w| w.cash_tolerance),
        )
    }

    /// An acknowledged order is missing from the listing: it has ended, or the listing is not
    /// complete. The order itself is asked for.
    fn ask_about_missing(&mut self, number: u64, as_of: Timestamp, effects: &mut Effects) {
        let listed_since = self
            .settings
            .watch
            .as_ref()
            .map_or(Span::ZERO, |w| w.propagation);
        let fresh = self
            .orders
            .by_number(number)
            .is_none_or(|o| o.sent_at + listed_since >= as_of);
        if !fresh {
            self.ask_about(number, effects);
        }
    }

    fn dispute(
        &mut self,
        id: InstrumentId,
        ours: Quantity,
        theirs: Quantity,
        as_of: Timestamp,
        effects: &mut Effects,
    ) {
        if self.planted(Bug::ReconcileInventsTrade) || self.planted(Bug::OlderSnapshotWins) {
            let record = AdjustmentRecord {
                time: self.now,
                id: EventId::default(),
                kind: AdjustmentKind::Other,
                instrument: Some(id),
                asset: self.quote_of(id),
                quantity: theirs - ours,
                amount: Cash::ZERO,
            };
            return self.book_adjustment(record, effects);
        }
        let needed = self.settings.watch.as_ref().map_or(1, |w| w.confirmations);
        let slot = &mut self.disputes[id.index()];
        let before = *slot;
        let same = before.filter(|d| (d.ours, d.theirs) == (ours, theirs));
        let seen = match same {
            Some(d) if as_of > d.as_of => d.seen.saturating_add(1),
            Some(d) => d.seen,
            None => 1,
        };
        *slot = Some(Dispute {
            ours,
            theirs,
            seen,
            as_of,
        });
        if before.is_none() {
            // Until it is explained nothing is planned here; look again, further back.
            self.exposure.set_unknown(id, true);
            effects.actions.push_back(Action::Query(Query::Account {
                since: Timestamp::MIN,
            }));
        }
        if seen < needed || same.is_some_and(|d| d.seen >= needed) {
            return;
        }
        effects.records.push(Record::Dispute(DisputeRecord {
            time: self.now,
            instrument: id,
            ours,
            theirs,
        }));
        let error = Error::position("our position and the venue's differ, and nothing explains it")
            .context("instrument", id.0)
            .context("ours", ours.units())
            .context("theirs", theirs.units())
            .hint("find the missing execution or trade; or adopt the venue's figure with a reason");
        let scope = ModeScope::Instrument(id);
        self.tighten(scope, Mode::CancelOnly, error.message.clone(), effects);
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }

    fn dispute_cash(
        &mut self,
        asset: AssetId,
        ours: Cash,
        theirs: Cash,
        as_of: Timestamp,
        effects: &mut Effects,
    ) {
        let needed = self.settings.watch.as_ref().map_or(1, |w| w.confirmations);
        let same = self
            .cash_dispute
            .filter(|d| d.0 == asset && d.1 == theirs - ours);
        let seen = match same {
            Some((_, _, seen, at)) if as_of > at => seen.saturating_add(1),
            Some((_, _, seen, _)) => seen,
            None => 1,
        };
        self.cash_dispute = Some((asset, theirs - ours, seen, as_of));
        if seen != needed || same.is_some_and(|d| d.2 == seen) {
            if same.is_none() {
                effects.actions.push_back(Action::Query(Query::Account {
                    since: Timestamp::MIN,
                }));
            }
            return;
        }
        let error = Error::execution("our cash and the venue's differ, and nothing explains it")
            .context("asset", asset.0)
            .context("ours", ours.units())
            .context("theirs", theirs.units())
            .hint("look for funding, transfers or fees that were not reported");
        self.tighten(
            ModeScope::Account,
            Mode::Halted,
            error.message.clone(),
            effects,
        );
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }

    /// Disputes that this report explains. The mode they imposed is a person's to release.
    fn end_settled_disputes(
        &mut self,
        report: &VenueReport,
        differences: &[Difference],
        effects: &mut Effects,
    ) {
        for id in self.instruments.ids() {
            let compared = self.changed_at[id.index()] <= report.as_of;
            let differs = differences
                .iter()
                .any(|d| matches!(d, Difference::Position { instrument, .. } if *instrument == id));
            if compared && !differs {
                self.end_dispute(id, effects);
            }
        }
    }

    pub(super) fn end_dispute(&mut self, id: InstrumentId, effects: &mut Effects) {
        let Some(dispute) = self.disputes[id.index()].take() else {
            return;
        };
        self.exposure.set_unknown(id, false);
        let needed = self.settings.watch.as_ref().map_or(1, |w| w.confirmations);
        if dispute.seen >= needed {
            let agreed = self.account.position(id).quantity;
            effects.records.push(Record::Dispute(DisputeRecord {
                time: self.now,
                instrument: id,
                ours: agreed,
                theirs: agreed,
            }));
        }
    }

    /// An empty journal meets an account that is not: a person decides, nobody assumes. Its events
    /// are booked meanwhile, so that adopting adds only what they do not explain.
    fn meet_account(&mut self, report: &VenueReport, effects: &mut Effects) {
        self.book_events(report, effects);
        if self.unadopted.replace(Box::new(report.clone())).is_none() {
            let error = Error::execution("this account has no journal yet")
                .context("positions", report.positions.len())
                .context("balances", report.cash.len())
                .hint("look at what it holds, then adopt the account with a reason");
            effects
                .actions
                .push_back(Action::Alert(Severity::Warning, error));
        }
    }

    /// Whether a report is young enough to know of every event that was booked.
    pub(super) fn knows_events(&self, report: &VenueReport) -> bool {
        let watch = self.settings.watch.as_ref();
        let lag = watch.map_or(Span::ZERO, |w| w.propagation);
        self.event_at == Timestamp::MIN || report.as_of > self.event_at + lag
    }

    /// The session is ready once a report made in it was joined, and nothing of an earlier session
    /// still works at the venue.
    pub(super) fn end_reconciling(&mut self, as_of: Timestamp, effects: &mut Effects) {
        if !matches!(self.session, Session::Reconciling | Session::Doubtful) {
            return;
        }
        let lag = self
            .settings
            .watch
            .as_ref()
            .map_or(Span::ZERO, |w| w.propagation);
        if as_of + lag < self.session_since {
            return;
        }
        if self.session == Session::Reconciling && self.starting {
            let left: Vec<u64> = self
                .orders
                .iter()
                .filter(|o| !o.is_complete() && !o.is_unclear())
                .map(|o| o.intent.id.0)
                .collect();
            if !left.is_empty() {
                for number in left {
                    self.cancel_order(number, "left over from an earlier session", effects);
                }
                return;
            }
            // What is unknown may still turn out to be open: its instrument waits, not the account.
        }
        self.starting = false;
        self.set_session(Session::Ready, "reconciled".into(), effects);
        self.resume_after_restart(effects);
    }
}
