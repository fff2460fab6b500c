//! The wires between a process and the venue: late, lost, doubled and out of order.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{Fact, HealthFact, Query, Redeemed};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::{Span, Timestamp};

use super::chance;
use super::fault::FaultKind;
use super::market::MILLI;
use super::queue::{Answer, Event, Message, ProcessId};
use super::venue::{Mischief, Path};
use super::venue_view::Omissions;
use super::world::{InFlight, World, millis};

/// How long the client waits for an answer before it says that it lost the order, in milliseconds.
const TIMEOUT: u64 = 2_000;

impl World<'_> {
    /// A latency of this message, up to `most` milliseconds.
    pub(super) fn latency(&mut self, most: i64) -> Span {
        self.messages += 1;
        // Of a day in lockstep only the delays differ from seed to seed, not the market.
        let seed = self.plan.lockstep.map_or(self.plan.seed, |l| l.delays);
        let nanos = chance::between(seed, 6, self.messages, 0, most * MILLI);
        Span::from_nanos(nanos.max(100_000))
    }

    fn draw(&self, what: u64, low: i64, high: i64) -> Span {
        Span::from_nanos(chance::between(self.plan.seed, what, self.messages, low, high) * MILLI)
    }

    pub(super) fn to(&mut self, process: ProcessId, after: Span, message: Message) {
        self.queue
            .push(self.now + after, Event::Deliver(process, message));
    }

    /// An order leaves: the bytes are written.
    pub(super) fn order_leaves(&mut self, process: ProcessId, order: Redeemed) {
        self.counts.sent += 1;
        let client_id = order.intent().client_id;
        let mut after = self.latency(self.venue.profile.rest_latency);
        if self.within(FaultKind::Maintenance) {
            // An error page, whatever became of the order behind it.
            self.gives_up(process, client_id, "503");
            if chance::happens(self.plan.seed, 7, self.messages, 50) {
                self.flies(process, order, after, Answer::Lost);
            }
            return;
        }
        if self.hits(FaultKind::RequestLost) {
            self.gives_up_or_says_nothing(process, client_id);
            return;
        }
        let answer = if self.hits(FaultKind::RequestLate) {
            after = self.draw(8, 1_000, 30_000);
            Answer::Lost
        } else if self.hits(FaultKind::AnswerLost) {
            Answer::Lost
        } else if self.hits(FaultKind::AnswerLate) {
            Answer::Late
        } else {
            Answer::Comes
        };
        if answer != Answer::Comes {
            self.gives_up_or_says_nothing(process, client_id);
        }
        self.flies(process, order, after, answer);
    }

    fn flies(&mut self, process: ProcessId, order: Redeemed, after: Span, answer: Answer) {
        let arrives = self.venue.stamp(self.now + after);
        if !self.venue.profile.fenced || arrives <= order.expires_at() {
            let intent = *order.intent();
            self.in_flight.push(InFlight { intent });
        }
        let at = self.now + after;
        self.queue.push(at, Event::Order(process, order, answer));
    }

    /// The client loses the order: it says so, or dies trying.
    fn gives_up_or_says_nothing(&mut self, process: ProcessId, client_id: ClientOrderId) {
        if chance::happens(self.plan.seed, 9, self.messages, 60) {
            self.gives_up(process, client_id, "no answer");
        }
    }

    fn gives_up(&mut self, process: ProcessId, client_id: ClientOrderId, why: &'static str) {
        let reason = why.into();
        let fact = Fact::OutcomeUnknown { client_id, reason };
        self.to(process, millis(TIMEOUT), Message::Fact(fact));
    }

    pub(super) fn order_arrives(&mut self, process: ProcessId, order: Redeemed, answer: Answer) {
        let intent = *order.intent();
        let (id, index) = (intent.client_id, intent.instrument.index());
        self.in_flight.retain(|f| f.intent.client_id != id);
        let ten_lots = self
            .venue
            .instruments
            .get(intent.instrument)
            .is_some_and(|i| intent.quantity.units() % (i.lot.units() * 10) != 0);
        let refuse = if self.within(FaultKind::RateBan) {
            Some("too many requests")
        } else if self.within_for(FaultKind::Reject, index) {
            Some("the instrument is restricted")
        } else if ten_lots && self.within_for(FaultKind::Filters, index) {
            Some("the quantity is not a multiple of the lot")
        } else {
            None
        };
        if refuse.is_none() && self.hits(FaultKind::Overfill) {
            self.venue.overfill += 1;
        } else if refuse.is_none()
            && intent.quantity.units() >= 2 * self.venue.lot(intent.instrument).units()
            && self.hits(FaultKind::CutShort)
        {
            self.venue.cut_short.insert(intent.client_id);
        }
        if self.venue.receive(order, self.now, Mischief { refuse }) {
            self.judge_arrival(&intent);
        }
        self.answer(process, answer);
        let feed_executes = self.plan.lockstep.is_some();
        if self.venue.core.has_work() && !self.execution_due && !feed_executes {
            self.execution_due = true;
            let after = self.latency(self.venue.profile.match_latency);
            self.queue.push(self.now + after, Event::Execute);
        }
    }

    /// Sends the answers to a request back to who asked.
    fn answer(&mut self, process: ProcessId, fate: Answer) {
        let mut said = std::mem::take(&mut self.venue.said);
        for (path, fact) in &mut said {
            if *path != Path::Answer {
                continue;
            }
            let after = match fate {
                Answer::Lost => continue,
                Answer::Comes => self.latency(self.venue.profile.rest_latency),
                Answer::Late => self.draw(10, 3_000, 12_000),
            };
            self.to(process, after, Message::Fact(fact.clone()));
        }
        said.retain(|(path, _)| *path == Path::Stream);
        self.venue.said = said;
    }

    /// Everything the venue said meanwhile goes onto the stream.
    pub(super) fn stream(&mut self) {
        for (path, fact) in std::mem::take(&mut self.venue.said) {
            if path == Path::Answer {
                // Nobody waits for it any more.
                continue;
            }
            self.frame(&fact);
        }
    }

    fn frame(&mut self, fact: &Fact) {
        if matches!(fact, Fact::Opening { .. }) && self.plan.tuning.adopted {
            return;
        }
        if !matches!(fact, Fact::Opening { .. }) {
            if self.within(FaultKind::StreamDown) || self.within(FaultKind::StreamSilent) {
                return;
            }
            if self.hits(FaultKind::FactOmitted) {
                return;
            }
        }
        let mut after = self.latency(self.venue.profile.stream_latency);
        if self.hits(FaultKind::FactLate) {
            after = self.draw(11, 1_000, 120_000);
        }
        let again = self
            .hits(FaultKind::FactTwice)
            .then(|| Span::from_nanos(after.nanos() + self.draw(12, 1, 60_000).nanos()));
        let ids: Vec<ProcessId> = self.processes.iter().map(|p| p.id).collect();
        for id in ids {
            for after in std::iter::once(after).chain(again) {
                self.to(id, after, Message::Fact(fact.clone()));
            }
        }
    }

    /// The openings of the account, told to a process that begins.
    pub(super) fn tell_openings(&mut self, process: ProcessId) {
        let openings = [AssetId::BASE, AssetId::from_index(1)];
        for (asset, logged) in openings.into_iter().zip(&self.venue.log) {
            if let Fact::Opening { amount, .. } = logged.fact {
                let fact = Fact::Opening { asset, amount };
                self.queue
                    .push(self.now, Event::Deliver(process, Message::Fact(fact)));
            }
        }
    }

    pub(super) fn cancel_leaves(&mut self, process: ProcessId, id: ClientOrderId) {
        self.counts.cancels += 1;
        let lost = self.hits(FaultKind::CancelLost) || self.within(FaultKind::Maintenance);
        if lost || self.within(FaultKind::RateBan) {
            return;
        }
        let after = self.latency(self.venue.profile.rest_latency);
        self.queue
            .push(self.now + after, Event::Cancel(process, id));
    }

    pub(super) fn cancel_arrives(&mut self, process: ProcessId, id: ClientOrderId) {
        if self.venue.core.has_work() && self.hits(FaultKind::CancelRace) {
            self.execute();
        }
        self.venue.cancel(id, self.now);
        self.answer(process, Answer::Comes);
    }

    pub(super) fn question_leaves(&mut self, process: ProcessId, query: Query) {
        let down = self.within(FaultKind::Maintenance) || self.within(FaultKind::RateBan);
        if down || self.hits(FaultKind::QueryLost) {
            return;
        }
        let after = self.latency(self.venue.profile.rest_latency);
        self.queue
            .push(self.now + after, Event::Question(process, query));
    }

    /// The venue answers from a state that lags, and says that it is the present one.
    pub(super) fn question_arrives(&mut self, process: ProcessId, query: Query) {
        let mut claimed = self.now;
        let mut seen = self.now - millis(u64::try_from(self.venue.profile.lag).unwrap_or(0));
        let message = match query {
            Query::Order(_, id) => Message::Fact(self.venue.show_order(id, seen, claimed)),
            Query::Account { since } => {
                if self.hits(FaultKind::ReportStale) {
                    seen = self.now - self.draw(13, 2_000, 90_000);
                    claimed = seen;
                }
                let omit = Omissions {
                    fills: self.hits(FaultKind::ReportOmitsFills),
                    orders: self.hits(FaultKind::ReportOmitsOrders),
                    position: self.hits(FaultKind::ReportOmitsPosition),
                };
                if !self.venue.foreign.is_empty() {
                    self.venue.foreign.retain(|f| f.3 > self.now);
                }
                let report = self.venue.show_account(since, seen, claimed, omit);
                Message::Report(Box::new(report))
            }
        };
        let after = self.latency(self.venue.profile.rest_latency);
        self.to(process, after, message);
    }

    /// The stream goes down and the driver notices, or it is down when a process starts.
    pub(super) fn stream_down(&mut self, until: Timestamp) {
        let ids: Vec<ProcessId> = self.processes.iter().map(|p| p.id).collect();
        for id in ids {
            let health = HealthFact::ExecutionReportsDown;
            self.to(id, millis(200), Message::Health(health));
        }
        self.queue.push(until, Event::StreamUp);
    }

    pub(super) fn stream_up(&mut self) {
        if self.is_open(FaultKind::StreamDown) {
            return;
        }
        let ids: Vec<ProcessId> = self.processes.iter().map(|p| p.id).collect();
        for id in ids {
            let health = HealthFact::ExecutionReportsUp;
            self.to(id, millis(200), Message::Health(health));
        }
    }
}
