//! When orders are over by time: after their fill point, or with the session they work in.

use super::exchange::Exchange;
use super::venue_order::VenueOrder;
use crate::kernel::Fact;
use crate::market::{LaneState, Slice};
use crate::orders::{OrderStatus, TimeInForce};

impl Exchange {
    fn expire_working(&mut self, ends: impl Fn(&VenueOrder) -> bool) {
        let (facts, history) = (&mut self.facts, &mut self.history);
        self.working.retain_mut(|order| {
            let ends = ends(order);
            if ends {
                order.status = OrderStatus::Expired;
                history.note_end(order.report());
                facts.push_back(Fact::Expired {
                    client_id: order.intent.client_id,
                    filled: order.filled,
                });
            }
            !ends
        });
    }

    /// Ends orders whose time is over after the fill point of this slice. A lane that was closed
    /// has not had its auction yet. Day orders go on to the end of their session, which
    /// [`Exchange::end_bar`] sees, where the rules let orders rest.
    pub fn expire(&mut self, slice: &Slice<'_>) {
        let day_goes_on = self.rules.lets_orders_rest();
        let is_over = |order: &VenueOrder| {
            let in_force = match order.intent.time_in_force {
                TimeInForce::Gtc => true,
                TimeInForce::Day => day_goes_on,
                TimeInForce::Ioc | TimeInForce::AtOpen | TimeInForce::AtClose => false,
            };
            !in_force && slice.state(order.intent.instrument) != LaneState::Closed
        };
        if day_goes_on {
            self.end_working(
                |order| is_over(order) && order.filled.is_positive(),
                "not enough volume for the rest",
            );
        }
        self.expire_working(is_over);
    }

    /// Before anything executes in this slice: day orders of an earlier session end, and those that
    /// have not had one begin theirs.
    pub fn begin_bar(&mut self, slice: &Slice<'_>) {
        let open = slice.open_time();
        self.expire_working(|order| order.session_close.is_some_and(|close| close <= open));
        self.begin_sessions(slice);
    }

    /// After everything executed in this slice: day orders end with their session.
    pub fn end_bar(&mut self, slice: &Slice<'_>) {
        self.begin_sessions(slice);
        let close = slice.time();
        self.expire_working(|order| order.session_close.is_some_and(|end| end <= close));
    }

    fn begin_sessions(&mut self, slice: &Slice<'_>) {
        let instruments = &self.instruments;
        for order in &mut self.working {
            let is_day = order.intent.time_in_force == TimeInForce::Day;
            let open = slice.state(order.intent.instrument) != LaneState::Closed;
            if !is_day || !open || order.session_close.is_some() {
                continue;
            }
            if let Some(instrument) = instruments.get(order.intent.instrument) {
                // Outside its calendar's table nothing is known of a session but this bar.
                order.session_close =
                    match instrument.calendar.session_containing(slice.open_time()) {
                        Ok(session) => session.map(|s| s.close),
                        Err(_) => Some(slice.time()),
                    };
            }
        }
    }
}
