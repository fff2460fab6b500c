//! What an exchange remembers and shows when asked: ended orders, executions, events, the account.

use std::collections::VecDeque;

use super::exchange::Exchange;
use super::venue_order::VenueOrder;
use crate::instrument::AssetId;
use crate::kernel::{Fact, VenueReport};
use crate::orders::{ClientOrderId, Fill, OrderReport};
use crate::time::{Span, Timestamp};

/// The newest of what happened, bounded.
#[derive(Debug)]
pub(super) struct History {
    remembered: usize,
    ended: VecDeque<OrderReport>,
    fills: VecDeque<Fill>,
    events: VecDeque<(Timestamp, Fact)>,
    /// Nothing at or before this instant is surely complete.
    forgotten: Option<Timestamp>,
}

impl History {
    pub(super) const fn new(remembered: usize) -> Self {
        Self {
            remembered,
            ended: VecDeque::new(),
            fills: VecDeque::new(),
            events: VecDeque::new(),
            forgotten: None,
        }
    }

    pub(super) fn note_end(&mut self, report: OrderReport) {
        if self.ended.len() >= self.remembered {
            self.ended.pop_front();
        }
        if self.remembered > 0 {
            self.ended.push_back(report);
        }
    }

    pub(super) fn note_fill(&mut self, fill: Fill) {
        let dropped = if self.fills.len() < self.remembered {
            None
        } else if self.remembered == 0 {
            Some(fill.time)
        } else {
            self.fills.pop_front().map(|f| f.time)
        };
        self.forgotten = self.forgotten.max(dropped);
        if self.remembered > 0 {
            self.fills.push_back(fill);
        }
    }

    pub(super) fn note_event(&mut self, time: Timestamp, fact: Fact) {
        let dropped = if self.events.len() < self.remembered {
            None
        } else if self.remembered == 0 {
            Some(time)
        } else {
            self.events.pop_front().map(|(t, _)| t)
        };
        self.forgotten = self.forgotten.max(dropped);
        if self.remembered > 0 {
            self.events.push_back((time, fact));
        }
    }
}

impl Exchange {
    /// One order as the exchange shows it, working or ended; `None` when it never came or is
    /// forgotten.
    pub fn order_report(&self, client_id: ClientOrderId) -> Option<OrderReport> {
        let working = self.working.iter().map(VenueOrder::report);
        let ended = self.history.ended.iter().rev().copied();
        working.chain(ended).find(|r| r.client_id == client_id)
    }

    /// The executions that are remembered, oldest first.
    pub fn executions(&self) -> impl Iterator<Item = &Fill> {
        self.history.fills.iter()
    }

    /// The whole account as the exchange shows it at `now`, with executions and events from `since`
    /// on. The report's own `since` is later when older ones are forgotten: it never claims to be
    /// complete where it is not.
    pub fn report(&self, since: Timestamp, now: Timestamp) -> VenueReport {
        let known_from = self.history.forgotten.map(|t| t + Span::from_nanos(1));
        let since = known_from.map_or(since, |known| since.max(known));
        let positions = self.instruments.ids().map(|id| (id, self.position(id)));
        let others = (1..self.instruments.assets().len()).map(AssetId::from_index);
        let balances = std::iter::once(AssetId::BASE).chain(others);
        let events = self.history.events.iter();
        VenueReport {
            as_of: now,
            since,
            orders: self.working.iter().map(VenueOrder::report).collect(),
            external: Vec::new(),
            fills: self
                .executions()
                .filter(|f| f.time >= since)
                .copied()
                .collect(),
            events: events
                .filter(|(time, _)| *time >= since)
                .map(|(_, fact)| fact.clone())
                .collect(),
            positions: positions.filter(|(_, q)| !q.is_zero()).collect(),
            cash: balances
                .map(|asset| (asset, self.balance(asset)))
                .filter(|(_, amount)| !amount.is_zero())
                .collect(),
        }
    }
}
