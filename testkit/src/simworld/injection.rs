//! Faults taking effect: one arm a kind.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{AdjustmentKind, Command, HealthFact, Input};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{Installation, Side};
use ballast_domain::time::{Span, Timestamp};

use super::chance;
use super::disk::Fate;
use super::fault::{Fault, FaultKind, Shape};
use super::market::MILLI;
use super::queue::{Event, Message};
use super::world::{World, millis};

impl World<'_> {
    /// A fault of the schedule is due.
    pub(super) fn inject(&mut self, fault: Fault) {
        match fault.kind.shape() {
            Shape::Armed => self.arm(fault.kind),
            Shape::Window => self.begin_window(fault),
            Shape::Event => {
                if self.happen(fault) {
                    self.witness(fault.kind);
                }
            }
        }
    }

    /// The instrument a fault hits; one kind prefers where an order works.
    fn target(&self, fault: Fault) -> InstrumentId {
        let working = self.venue.working().collect::<Vec<_>>();
        let moves = matches!(fault.kind, FaultKind::Deleverage | FaultKind::ManualTrade);
        if moves && !working.is_empty() {
            return working[fault.target as usize % working.len()].instrument;
        }
        InstrumentId(fault.target % self.plan.instruments)
    }

    fn begin_window(&mut self, fault: Fault) {
        let until = self.now + millis(u64::from(fault.param));
        self.open_window(fault.kind, fault.target, fault.param);
        match fault.kind {
            FaultKind::StreamDown => {
                self.witness(fault.kind);
                self.stream_down(until);
            }
            FaultKind::Pause => self.pause(until, fault),
            FaultKind::ForeignOrder => {
                self.witness(fault.kind);
                let id = self.target(fault);
                let side = if fault.param.is_multiple_of(2) {
                    Side::Buy
                } else {
                    Side::Sell
                };
                let quantity = Quantity::from_units(i64::from(fault.param % 50 + 1));
                self.venue.foreign.push((id, side, quantity, until));
            }
            // What the market of the day has in it already.
            FaultKind::Hole | FaultKind::Freeze | FaultKind::Illiquid => self.witness(fault.kind),
            _ => {}
        }
    }

    /// The process stands still; its driver sees the gap in the clock before anything else.
    fn pause(&mut self, until: Timestamp, fault: Fault) {
        let Some(process) = self.processes.iter_mut().find(|p| !p.superseded) else {
            return;
        };
        process.paused_until = process.paused_until.max(until);
        let nanos = i64::from(fault.param) * MILLI;
        let health = HealthFact::ClockStepped { nanos };
        process.inbox.push_front(Message::Health(health));
        let (id, at) = (process.id, process.paused_until);
        self.queue.push(at, Event::Wake(id));
        self.witness(FaultKind::Pause);
    }

    /// Whether it had an effect.
    fn happen(&mut self, fault: Fault) -> bool {
        let (id, now) = (self.target(fault), self.now);
        match fault.kind {
            FaultKind::ManualTrade => {
                let share = i64::from(fault.param % 100 + 1);
                self.venue
                    .trade_without_order(AdjustmentKind::External, id, share, now)
            }
            FaultKind::Deleverage => {
                let kind = if fault.param.is_multiple_of(2) {
                    AdjustmentKind::AutoDeleveraging
                } else {
                    AdjustmentKind::Liquidation
                };
                self.venue.trade_without_order(kind, id, 50, now)
            }
            FaultKind::Void => self.venue.void_one(fault.target as usize % 5, now),
            FaultKind::Funding => self.venue.fund(id, now),
            FaultKind::Transfer => {
                // Up to a thousand, in or out.
                let units = i64::from(fault.param % 200_001) * 1_000_000 - 100_000_000_000;
                self.venue.move_money(units, now);
                true
            }
            FaultKind::Orphan => {
                let ours = Installation::new(7).expect("a small number");
                let invented = self.venue.invent(ours);
                self.invented.insert(invented);
                true
            }
            FaultKind::SliceTwice => {
                let Some(id) = self.writer().map(|p| p.id) else {
                    return false;
                };
                self.queue
                    .push(now, Event::Deliver(id, Message::Slice(self.row)));
                true
            }
            FaultKind::ClockStep => {
                let nanos = i64::from(fault.param) * MILLI - 500_000 * MILLI;
                self.tell_writer(&Input::Health(&HealthFact::ClockStepped { nanos }))
            }
            FaultKind::Liquidate => {
                let instrument = (!fault.param.is_multiple_of(4)).then_some(id);
                let reason = "a person wants out".to_owned();
                let command = Command::Liquidate { instrument, reason };
                self.tell_writer(&Input::Command(&command))
            }
            FaultKind::Kill => self.kill(),
            FaultKind::Crash => self.crash(fault.param),
            FaultKind::DoubleStart => {
                let Some(old) = self.writer().map(|p| p.id) else {
                    return false;
                };
                let after = millis(1 + u64::from(fault.param % 60_000));
                self.queue.push(now + after, Event::Reap(old));
                self.boot_at(now);
                true
            }
            FaultKind::BitFlip => {
                if self.flipped.is_some() || self.writer().is_none() {
                    return false;
                }
                let bit = fault.target as usize;
                if self.disk.flip(bit) {
                    self.flipped = Some(bit);
                    self.crash(0);
                }
                // Its effect is the refusal of the next start.
                false
            }
            FaultKind::DiskFull => {
                self.disk.broken = true;
                true
            }
            _ => false,
        }
    }

    fn tell_writer(&mut self, input: &Input<'_>) -> bool {
        let now = self.now;
        let writer = self.writer().filter(|p| p.paused_until <= now);
        let Some(id) = writer.map(|p| p.id) else {
            return false;
        };
        self.step(id, *input);
        true
    }

    /// The file appears and every gate closes; kernels hear of it when they next run.
    pub(super) fn kill(&mut self) -> bool {
        if self.killed_at.is_some() {
            return false;
        }
        self.killed_at = Some(self.now);
        let ids: Vec<_> = self.processes.iter().map(|p| p.id).collect();
        for process in &self.processes {
            process.gate.kill();
        }
        for id in ids {
            // The kernel hears of it when its driver next looks at the file.
            let after = self.latency(500);
            let reason = "a person threw the switch".to_owned();
            self.to(id, after, Message::Health(HealthFact::Killed { reason }));
        }
        true
    }

    pub(super) fn crash_at(&mut self, at: Timestamp) {
        self.queue.push(at, Event::Crash);
    }

    /// The writer dies; what was not durable has one of three fates. It is started again later.
    pub(super) fn crash(&mut self, variant: u32) -> bool {
        let Some(id) = self.writer().map(|p| p.id) else {
            return false;
        };
        self.counts.crashes += 1;
        self.end_process(id);
        let fate = match variant % 3 {
            0 => Fate::Lost,
            1 => Fate::Kept,
            _ => Fate::Torn,
        };
        // A disk that is broken keeps nothing.
        let fate = if self.disk.broken { Fate::Lost } else { fate };
        self.disk.fail_power(fate, variant as usize);
        let seconds = chance::between(self.plan.seed, 14, u64::from(variant), 1, 90);
        let at = self.now + Span::from_seconds(seconds);
        self.boot_at(at);
        true
    }
}
