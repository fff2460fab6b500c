//! What the driver does for the kernel outside: one thing at a time each way, in order.
//!
//! Journal, venue and cancels have a way of their own, so that a hung order holds up neither a
//! record nor a cancel. Nothing runs unowned: each call under way is held here, and its end is an
//! event of the loop.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{BatchId, Fact, Query, SendPermit, VenueReport};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;
use ballast_ports::{
    Broker, Clock, Committed, Error, ErrorKind, Journal, JournalBatch, Result, SubmitOutcome,
    VenueReports,
};

/// Calls that may wait at once. A kernel that asks for more than that runs away.
const MOST_WAITING: usize = 65_536;

/// A call under way.
pub(super) type Under<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What to ask of the venue, in order.
#[derive(Debug)]
pub(super) enum Call {
    /// Send an order.
    Send(SendPermit),
    /// Ask.
    Ask(Query),
}

/// What came back from the venue.
#[derive(Debug)]
pub(super) enum Answer {
    /// A fact about an order.
    Fact(Fact),
    /// The account.
    Report(Box<VenueReport>),
    /// No answer; the kernel's own timers ask again.
    None(Error),
    /// There is nothing to say.
    Done,
}

/// A queue and what of it is under way.
struct Way<Q, T> {
    waiting: VecDeque<Q>,
    under: Option<Under<T>>,
}

impl<Q, T> Way<Q, T> {
    const fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            under: None,
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under.is_none()
    }

    /// The end of what is under way; begins the next.
    fn poll(&mut self, cx: &mut Context<'_>, mut begin: impl FnMut(Q) -> Under<T>) -> Option<T> {
        if self.under.is_none() {
            self.under = self.waiting.pop_front().map(&mut begin);
        }
        let Poll::Ready(end) = self.under.as_mut()?.as_mut().poll(cx) else {
            return None;
        };
        self.under = None;
        Some(end)
    }
}

/// All ways to the outside.
pub(super) struct Calls {
    journal: Arc<dyn Journal>,
    broker: Arc<dyn Broker>,
    reports: Arc<dyn VenueReports>,
    clock: Arc<dyn Clock>,
    records: Way<JournalBatch, Result<Committed>>,
    venue: Way<Call, Answer>,
    cancels: Way<(InstrumentId, ClientOrderId), Answer>,
    /// Orders given to the venue.
    pub(super) sent: u64,
}

impl Calls {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        broker: Arc<dyn Broker>,
        reports: Arc<dyn VenueReports>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            journal,
            broker,
            reports,
            clock,
            records: Way::new(),
            venue: Way::new(),
            cancels: Way::new(),
            sent: 0,
        }
    }

    /// Where records go.
    pub(super) const fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.records.is_idle() && self.venue.is_idle() && self.cancels.is_idle()
    }

    /// Whether more waits than a sound kernel asks for.
    pub(super) fn is_flooded(&self) -> bool {
        let waiting = [
            self.records.waiting.len(),
            self.venue.waiting.len(),
            self.cancels.waiting.len(),
        ];
        waiting.into_iter().any(|n| n > MOST_WAITING)
    }

    pub(super) fn append(&mut self, batch: JournalBatch) {
        self.records.waiting.push_back(batch);
    }

    /// What waits to be written is given up: the journal takes nothing any more.
    pub(super) fn abandon_records(&mut self) {
        self.records.waiting.clear();
    }

    pub(super) fn call(&mut self, call: Call) {
        self.venue.waiting.push_back(call);
    }

    pub(super) fn cancel(&mut self, instrument: InstrumentId, client_id: ClientOrderId) {
        self.cancels.waiting.push_back((instrument, client_id));
    }

    /// The next thing that ended. Records first: they release orders and decide nothing; then
    /// cancels, then the rest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Ending> {
        let journal = &self.journal;
        let written = self.records.poll(cx, |batch| {
            let journal = Arc::clone(journal);
            Box::pin(async move { journal.append(&batch).await })
        });
        if let Some(written) = written {
            return Some(Ending::Written(written.map(|c| BatchId {
                sequence: c.seq,
                digest: c.digest,
            })));
        }
        let broker = &self.broker;
        let canceled = self.cancels.poll(cx, |(instrument, client_id)| {
            Box::pin(cancel(Arc::clone(broker), instrument, client_id))
        });
        if let Some(answer) = canceled {
            return Some(Ending::Answered(answer));
        }
        let (reports, clock, sent) = (&self.reports, &self.clock, &mut self.sent);
        let answer = self.venue.poll(cx, |call| match call {
            Call::Send(permit) => {
                *sent += 1;
                Box::pin(send(Arc::clone(broker), permit))
            }
            Call::Ask(Query::Order(instrument, client_id)) => {
                let as_of = clock.now();
                Box::pin(ask_order(
                    Arc::clone(broker),
                    (instrument, client_id),
                    as_of,
                ))
            }
            Call::Ask(Query::Account { since }) => {
                let reports = Arc::clone(reports);
                Box::pin(async move {
                    match reports.report(since).await {
                        Ok(report) => Answer::Report(Box::new(report)),
                        Err(e) => Answer::None(e),
                    }
                })
            }
        });
        answer.map(Ending::Answered)
    }
}

/// The end of a call.
#[derive(Debug)]
pub(super) enum Ending {
    /// A batch is durable, or is not.
    Written(Result<BatchId>),
    /// The venue answered.
    Answered(Answer),
}

async fn send(broker: Arc<dyn Broker>, permit: SendPermit) -> Answer {
    let client_id = permit.intent().client_id;
    Answer::Fact(match broker.submit(permit).await {
        SubmitOutcome::Accepted => Fact::Accepted { client_id },
        SubmitOutcome::Rejected { reason } => Fact::Rejected {
            client_id,
            reason: reason.into(),
        },
        SubmitOutcome::NotSent { permit, cause } => Fact::NotSent {
            client_id: permit.intent().client_id,
            reason: cause.to_string().into(),
        },
        SubmitOutcome::Unknown { cause } => Fact::OutcomeUnknown {
            client_id,
            reason: cause.to_string().into(),
        },
    })
}

async fn cancel(
    broker: Arc<dyn Broker>,
    instrument: InstrumentId,
    client_id: ClientOrderId,
) -> Answer {
    match broker.cancel(instrument, client_id).await {
        // The end of the order comes as a fact.
        Ok(()) => Answer::Done,
        Err(e) if e.kind == ErrorKind::NotFound => Answer::Fact(Fact::CancelRejected {
            client_id,
            reason: e.to_string().into(),
        }),
        Err(e) => Answer::None(e),
    }
}

async fn ask_order(
    broker: Arc<dyn Broker>,
    (instrument, client_id): (InstrumentId, ClientOrderId),
    as_of: Timestamp,
) -> Answer {
    match broker.order(instrument, client_id).await {
        Ok(report) => Answer::Fact(Fact::Reported(report)),
        Err(e) if e.kind == ErrorKind::NotFound => {
            Answer::Fact(Fact::NotFound { client_id, as_of })
        }
        Err(e) => Answer::None(e),
    }
}
