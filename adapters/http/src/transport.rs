//! The three ways out: reading, a command that may be repeated, and an order.

use ballast_domain::kernel::{SendGate, SendPermit};
use ballast_ports::{Clock, Error, ErrorKind, Result};
use hyper::Method;

use super::answer::Answer;
use super::line::Line;
use super::request::Request;
use super::settings::TransportSettings;

/// What became of an order on its way to the venue.
#[derive(Debug)]
#[must_use = "an order that is unknown has to be dealt with"]
pub enum Sent {
    /// The venue answered. What the answer means is for its adapter to say.
    Answered(Answer),
    /// Not a byte was written; the unspent permit is the proof.
    NotSent {
        /// The permit, handed back.
        permit: SendPermit,
        /// Why.
        cause: Error,
    },
    /// It was written, or may have been, and there is no whole answer.
    Unknown {
        /// What was lost.
        cause: Error,
    },
}

/// A way to one neighbour.
#[derive(Clone, Debug)]
pub struct Transport {
    settings: TransportSettings,
}

impl Transport {
    /// A transport with these settings. Connects when it is used.
    pub const fn new(settings: TransportSettings) -> Self {
        Self { settings }
    }

    /// How it works.
    pub const fn settings(&self) -> &TransportSettings {
        &self.settings
    }

    /// Asks, once. Answers of any status are answers.
    ///
    /// # Errors
    /// `Unavailable` without a connection or a whole answer in time, `InvalidData` when what came is
    /// no answer or too large, `Unexpected` for a request that is more than a question.
    pub async fn read(&self, operation: &'static str, request: Request) -> Result<Answer> {
        if request.method != Method::GET {
            return Err(Error::new(
                ErrorKind::Unexpected,
                operation,
                "reading uses GET and nothing else",
            )
            .context("method", request.method));
        }
        self.command(operation, request).await
    }

    /// Asks for a change that may be repeated, once: a cancel, or feeding a sandbox. Never an order.
    ///
    /// # Errors
    /// As [`Transport::read`]; after any of them the change may have happened.
    pub async fn command(&self, operation: &'static str, request: Request) -> Result<Answer> {
        let request = request.build(operation, &self.settings.authority)?;
        let line = Line::open(operation, &self.settings).await?;
        line.exchange(request, self.settings.call_deadline).await
    }

    /// Sends an order, once: connects, redeems the permit against `gate` at the time of `clock`, and
    /// only then writes `request`, which the adapter built from the permit's order.
    pub async fn submit(
        &self,
        permit: SendPermit,
        request: Request,
        (gate, clock): (&SendGate, &dyn Clock),
    ) -> Sent {
        let request = match request.build("submit", &self.settings.authority) {
            Ok(request) => request,
            Err(cause) => return Sent::NotSent { permit, cause },
        };
        // What can be seen before costs the venue no connection.
        if !permit.is_redeemable(gate, clock.now()) {
            return closed(permit);
        }
        let line = match Line::open("submit", &self.settings).await {
            Ok(line) => line,
            Err(cause) => return Sent::NotSent { permit, cause },
        };
        let redeemed = match permit.redeem(gate, clock.now()) {
            Ok(redeemed) => redeemed,
            Err(permit) => return closed(permit),
        };
        match line.send_once(redeemed, request).await {
            Ok(answer) => Sent::Answered(answer),
            Err(cause) => Sent::Unknown { cause },
        }
    }
}

fn closed(permit: SendPermit) -> Sent {
    let cause = Error::new(ErrorKind::Halted, "submit", "the send gate is closed")
        .hint("the permit expired, the account was killed, or another writer owns it");
    Sent::NotSent { permit, cause }
}
