//! The orders the kernel still has to do with, by number and by client order id.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::orders::{ClientOrderId, Order};

/// A ring of orders by sequential number: looking one up is an index, forgetting one is free.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OrderBook {
    orders: VecDeque<Order>,
    /// Number of the first order in the ring.
    base: u64,
    plans: VecDeque<PlanSpan>,
    /// Final orders that are kept for late and repeated facts. Older ones the journal knows.
    remembered: usize,
}

/// Where the legs of one plan lie in the ring.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct PlanSpan {
    decision: u32,
    plan: u8,
    first: u64,
    legs: u16,
}

impl OrderBook {
    pub(super) fn new(remembered: usize) -> Self {
        Self {
            remembered,
            ..Self::default()
        }
    }

    /// The last plan has one leg more: records come one by one.
    pub(super) fn extend_plan(&mut self) {
        if let Some(plan) = self.plans.back_mut() {
            plan.legs += 1;
        }
    }

    /// The number the next order gets.
    pub(super) fn next_number(&self) -> u64 {
        self.base + self.orders.len() as u64
    }

    /// Notes that the next `legs` orders belong to a plan.
    pub(super) fn begin_plan(&mut self, decision: u32, plan: u8, legs: u16) {
        self.forget();
        let first = self.next_number();
        self.plans.push_back(PlanSpan {
            decision,
            plan,
            first,
            legs,
        });
    }

    pub(super) fn push(&mut self, order: Order) {
        debug_assert_eq!(order.intent.id.0, self.next_number());
        self.orders.push_back(order);
    }

    fn forget(&mut self) {
        while self.orders.len() > self.remembered
            && self.orders.front().is_some_and(Order::is_complete)
        {
            self.orders.pop_front();
            self.base += 1;
        }
        while self
            .plans
            .front()
            .is_some_and(|p| p.first + u64::from(p.legs) <= self.base)
        {
            self.plans.pop_front();
        }
    }

    /// The number of an order by the id the venue knows; `None` for an id that is not ours or
    /// long forgotten.
    pub(super) fn number_of(&self, id: ClientOrderId) -> Option<u64> {
        let of = |p: &&PlanSpan| p.decision == id.decision && p.plan == id.plan && id.leg < p.legs;
        // Facts are about the last plan most of the time.
        let last = self.plans.back().filter(of);
        let span = last.or_else(|| self.plans.iter().rev().find(of))?;
        let number = span.first + u64::from(id.leg);
        self.by_number(number)
            .filter(|o| o.intent.client_id == id)
            .map(|_| number)
    }

    #[inline]
    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.base)?).ok()
    }

    #[inline]
    pub(super) fn by_number(&self, number: u64) -> Option<&Order> {
        self.orders.get(self.index(number)?)
    }

    #[inline]
    pub(super) fn by_number_mut(&mut self, number: u64) -> Option<&mut Order> {
        let index = self.index(number)?;
        self.orders.get_mut(index)
    }

    /// Every order in the ring, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.orders.iter_mut()
    }
}
