//! Taking orders back: at home when nothing has left, at the venue otherwise.

use super::planted::Bug;
use super::{Action, Effects, Kernel, Watch};
use crate::instrument::InstrumentId;
use crate::money::Quantity;
use crate::orders::{OrderStatus, Side};
use crate::risk::{Mode, ModeScope};
use crate::strategy::Strategy;

impl<S: Strategy> Kernel<S> {
    /// Takes back reduce-only orders that the position no longer covers, before they flip it.
    pub(super) fn shrink_reductions(&mut self, id: InstrumentId, effects: &mut Effects) {
        let blind = self.planted(Bug::ReduceOnlyFlips);
        if self.settings.watch.is_none() || self.restoring || blind {
            return;
        }
        let held = self.account.position(id).quantity;
        let mut cover = held.abs();
        let mut beyond = Vec::new();
        for order in self.orders.iter() {
            let intent = &order.intent;
            let open = order.open_quantity();
            if intent.instrument != id || !intent.reduce_only || open.is_zero() {
                continue;
            }
            if Side::of(-held) != intent.side || open > cover {
                beyond.push(intent.id.0);
            } else {
                cover -= open;
            }
        }
        for number in beyond {
            self.cancel_order(number, "the position no longer covers it", effects);
        }
    }

    /// Takes an order back: at home when nothing has left, at the venue otherwise.
    pub(super) fn cancel_order(
        &mut self,
        number: u64,
        reason: &'static str,
        effects: &mut Effects,
    ) {
        let killed = self.modes.of(ModeScope::Account) == Mode::Halted;
        if killed && self.planted(Bug::CancelBlockedByKill) {
            return;
        }
        let watched = self
            .settings
            .watch
            .as_ref()
            .map(|w: &Watch| w.acknowledgement);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let (id, client_id) = (order.intent.instrument, order.intent.client_id);
        match order.status() {
            OrderStatus::Recorded => {
                let none = Quantity::ZERO;
                self.learn(number, OrderStatus::NotSent, none, reason.into(), effects);
            }
            OrderStatus::Unknown if watched.is_none() => {}
            status if status.is_final() => {}
            _ => {
                let again = std::mem::replace(&mut order.cancel_wanted, true);
                effects.actions.push_back(Action::Cancel(id, client_id));
                if let (Some(after), false) = (watched, again) {
                    self.watch_order(number, after, effects);
                }
            }
        }
    }
}
