//! The person who looks at the account now and then, and does what a careful person does.

use ballast_domain::kernel::{Command, Input, Session};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Span;

use super::chance;
use super::market::{MINUTE, dawn};
use super::queue::Event;
use super::world::World;

/// A kill stands at least this long.
const KILL_STANDS: Span = Span::from_seconds(600);

impl World<'_> {
    /// Whether nothing goes wrong any more.
    pub(super) fn is_healed(&self) -> bool {
        self.now >= dawn() + Span::from_nanos(i64::from(self.plan.heal) * MINUTE)
    }

    pub(super) fn visit_later(&mut self) {
        let minutes = if self.is_healed() {
            1
        } else {
            self.plan.tuning.visits
        };
        let at = self.now + Span::from_nanos(minutes * MINUTE + 7_000_000_000);
        self.queue.push(at, Event::Visit);
    }

    /// Starts what does not run, resumes what was killed, and releases what is explained.
    pub(super) fn visit(&mut self) {
        self.visit_later();
        let Some(process) = self.writer() else {
            if let Some(bit) = self.flipped.take() {
                // The journal's copy on another machine replaces the damaged one.
                self.disk.flip(bit);
            }
            self.help();
            return self.boot_at(self.now + Span::from_seconds(2));
        };
        if process.paused_until > self.now {
            return;
        }
        if process.journal_failed {
            self.help();
            // What was not acknowledged may be there all the same.
            let fate = chance::between(self.plan.seed, 15, self.messages, 0, 3);
            self.crash(u32::try_from(fate).unwrap_or(0));
            return;
        }
        let id = process.id;
        let kernel = &process.kernel;
        if self.plan.tuning.adopted && !process.books.opened {
            self.help();
            let reason = "a new account, looked at".to_owned();
            return self.step(id, Input::Command(&Command::AdoptAccount { reason }));
        }
        if kernel.session() != Session::Ready {
            return;
        }
        if let Some(at) = self.killed_at {
            if self.now.since(at) < KILL_STANDS && !self.is_healed() {
                return;
            }
            self.release(id, ModeScope::Account);
            self.killed_at = None;
            return;
        }
        let disputed: Vec<_> = kernel.disputes().map(|(id, _)| id).collect();
        for scope in self.restricted(id) {
            let explained = match scope {
                ModeScope::Instrument(instrument) => !disputed.contains(&instrument),
                _ => true,
            };
            if explained {
                self.release(id, scope);
            }
        }
    }

    fn restricted(&self, id: u32) -> Vec<ModeScope> {
        self.place_of(id)
            .map_or_else(Vec::new, |p| self.processes[p].books.restricted())
    }

    fn release(&mut self, id: u32, scope: ModeScope) {
        self.help();
        let command = Command::SetMode {
            scope,
            mode: Mode::Active,
            reason: "looked at and understood".to_owned(),
        };
        self.step(id, Input::Command(&command));
    }
}
