//! What records left in a kernel: kept beside a journal, so that a start need not fold all of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::facts::Refusal;
use super::order_book::OrderBook;
use super::saga::Saga;
use super::{Dispute, EventId, Fact, Kernel, Restore};
use crate::error::{Error, Result};
use crate::portfolio::{Account, Sleeves};
use crate::risk::{Exposure, Modes};
use crate::strategy::{State, Strategy};
use crate::time::Timestamp;

/// Everything a kernel knows by its records alone: no bars, no timers, nothing under way.
///
/// It replaces no record. A kernel that takes it back and then the records after it is the kernel that
/// took all of them back, under the same settings: those are not in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedState {
    account: Account,
    orders: OrderBook,
    exposure: Exposure,
    modes: Modes,
    sleeves: Sleeves,
    now: Timestamp,
    decision_number: u32,
    orphans: Vec<Fact>,
    opened: Vec<bool>,
    events: BTreeSet<EventId>,
    changed_at: Vec<Timestamp>,
    last_slot: Timestamp,
    commands: u64,
    interrupted: Option<Box<Saga>>,
    agreed_at: Timestamp,
    recorded_agreement: Timestamp,
    disputes: Vec<Option<Dispute>>,
    refusals: Vec<Option<Refusal>>,
    /// Tapes name timers by their numbers.
    last_timer: u64,
    memory: Option<State>,
}

impl<S: Strategy> Restore<'_, S> {
    /// What the records so far left behind.
    pub fn state(&self) -> RecordedState {
        let k = &*self.kernel;
        RecordedState {
            account: k.account.clone(),
            orders: k.orders.clone(),
            exposure: k.exposure.clone(),
            modes: k.modes.clone(),
            sleeves: k.sleeves.clone(),
            now: k.now,
            decision_number: k.decision_number,
            orphans: k.orphans.clone(),
            opened: k.opened.clone(),
            events: k.events.clone(),
            changed_at: k.changed_at.clone(),
            last_slot: k.last_slot,
            commands: k.commands,
            interrupted: k.interrupted.clone(),
            agreed_at: k.agreed_at,
            recorded_agreement: k.recorded_agreement,
            disputes: k.disputes.clone(),
            refusals: k.refusals.clone(),
            last_timer: k.last_timer,
            memory: self.state.clone(),
        }
    }

    /// Takes back what earlier records left, before any record after them. Marks stay those of the bars
    /// that the kernel was shown.
    ///
    /// # Errors
    /// `Invariant` when a record was taken back before, or the state is of other instruments or assets;
    /// the kernel is then as it was.
    pub fn resume(&mut self, state: RecordedState) -> Result<()> {
        let k: &mut Kernel<S> = self.kernel;
        let lanes = k.instruments.len();
        let of_these = [
            state.changed_at.len(),
            state.disputes.len(),
            state.refusals.len(),
        ];
        let fits = of_these.iter().all(|n| *n == lanes)
            && state.opened.len() == k.opened.len()
            && state.account.is_of(&k.account);
        if k.now > Timestamp::MIN || !fits {
            return Err(Error::invariant("a kept state cannot go into this kernel")
                .context("instruments of the state", state.changed_at.len())
                .context("instruments of the kernel", lanes)
                .hint("take all records back instead"));
        }
        k.sleeves = state.sleeves;
        k.spare_sleeves.clone_from(&k.sleeves);
        if state.decision_number > 0 {
            k.sleeves.account_targets(lanes, &mut k.targets)?;
        }
        k.account.take_books(state.account);
        k.orders = state.orders;
        k.exposure = state.exposure;
        k.modes = state.modes;
        k.now = state.now;
        k.decision_number = state.decision_number;
        k.orphans = state.orphans;
        k.opened = state.opened;
        k.events = state.events;
        k.changed_at = state.changed_at;
        k.last_slot = state.last_slot;
        k.commands = state.commands;
        k.interrupted = state.interrupted;
        k.agreed_at = state.agreed_at;
        k.recorded_agreement = state.recorded_agreement;
        k.disputes = state.disputes;
        k.refusals = state.refusals;
        k.last_timer = state.last_timer;
        self.state = state.memory;
        Ok(())
    }
}
