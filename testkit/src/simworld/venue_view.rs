//! What the venue shows when asked: one order, or the whole account, as of some instant.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{ExternalOrder, Fact, VenueReport};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::{ClientOrderId, OrderReport, OrderStatus};
use ballast_domain::time::Timestamp;

use super::venue::Venue;

/// What a report leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Omissions {
    pub(super) fills: bool,
    pub(super) orders: bool,
    pub(super) position: bool,
}

impl Venue {
    /// One order, from the state as of `seen`, claimed to be as of `claimed`.
    pub(super) fn show_order(
        &self,
        client_id: ClientOrderId,
        seen: Timestamp,
        claimed: Timestamp,
    ) -> Fact {
        let order = self.orders.get(&client_id);
        match order.and_then(|o| Some((o, o.at(seen)?))) {
            Some((order, turn)) => Fact::Reported(OrderReport {
                client_id,
                instrument: order.intent.instrument,
                side: order.intent.side,
                status: turn.status,
                filled: turn.filled,
            }),
            None => Fact::NotFound {
                client_id,
                as_of: self.stamp(claimed),
            },
        }
    }

    /// The whole account as of `seen`, claimed to be as of `claimed`, with executions and events
    /// since an instant of the venue's clock.
    pub(super) fn show_account(
        &self,
        since: Timestamp,
        seen: Timestamp,
        claimed: Timestamp,
        omit: Omissions,
    ) -> VenueReport {
        let mut report = VenueReport {
            as_of: self.stamp(claimed),
            since,
            ..VenueReport::default()
        };
        self.show_orders(&mut report, seen, omit);
        self.show_history(&mut report, since, seen, omit);
        self.show_balances(&mut report, seen, omit);
        report
    }

    fn show_orders(&self, report: &mut VenueReport, seen: Timestamp, omit: Omissions) {
        let open = |status: OrderStatus| !status.is_final();
        // The core works few orders; an order that has just ended may still be open as of `seen`.
        for order in self.orders.values().rev().take(200) {
            let Some(turn) = order.at(seen).filter(|t| open(t.status)) else {
                continue;
            };
            if !omit.orders {
                report.orders.push(OrderReport {
                    client_id: order.intent.client_id,
                    instrument: order.intent.instrument,
                    side: order.intent.side,
                    status: turn.status,
                    filled: turn.filled,
                });
            }
        }
        for (instrument, side, open, until) in &self.foreign {
            if *until > seen {
                report.external.push(ExternalOrder {
                    instrument: *instrument,
                    side: *side,
                    open: *open,
                });
            }
        }
    }

    fn show_history(
        &self,
        report: &mut VenueReport,
        since: Timestamp,
        seen: Timestamp,
        omit: Omissions,
    ) {
        let from = self.log.partition_point(|l| self.stamp(l.at) < since);
        let upto = self.log.partition_point(|l| l.at <= seen);
        for logged in self.log.get(from..upto).unwrap_or(&[]) {
            match &logged.fact {
                Fact::Filled(fill) if !omit.fills => report.fills.push(*fill),
                Fact::Filled(_) | Fact::Opening { .. } => {}
                event => report.events.push(event.clone()),
            }
        }
    }

    fn show_balances(&self, report: &mut VenueReport, seen: Timestamp, omit: Omissions) {
        let mut held: Vec<Quantity> = self
            .instruments
            .ids()
            .map(|id| self.core.position(id))
            .collect();
        let mut cash = [self.core.cash(), self.other_cash];
        for logged in self.log.iter().rev().take_while(|l| l.at > seen) {
            self.take_off(&logged.fact, &mut held, &mut cash);
        }
        for (id, quantity) in self.instruments.ids().zip(held) {
            if !quantity.is_zero() {
                report.positions.push((id, quantity));
            }
        }
        if omit.position {
            report.positions.pop();
        }
        for (index, amount) in cash.into_iter().enumerate() {
            if !amount.is_zero() {
                report.cash.push((AssetId::from_index(index), amount));
            }
        }
    }

    /// Undoes what a fact did to positions and cash.
    fn take_off(&self, fact: &Fact, held: &mut [Quantity], cash: &mut [Cash; 2]) {
        let mut change = |id: InstrumentId, quantity: Quantity| held[id.index()] += quantity;
        match fact {
            Fact::Filled(f) => {
                change(f.instrument, -f.delta());
                cash[0] += self.value(f.instrument, f.price, f.delta());
                cash[f.fee_asset.index()] += f.fee;
            }
            Fact::Voided(f) => {
                change(f.instrument, f.delta());
                cash[0] -= self.value(f.instrument, f.price, f.delta());
                cash[f.fee_asset.index()] -= f.fee;
            }
            Fact::Adjusted {
                instrument,
                asset,
                quantity,
                amount,
                ..
            } => {
                if let Some(id) = instrument {
                    change(*id, -*quantity);
                }
                cash[asset.index()] -= *amount;
            }
            Fact::Funding { asset, amount, .. } | Fact::Opening { asset, amount } => {
                cash[asset.index()] -= *amount;
            }
            _ => {}
        }
    }
}
