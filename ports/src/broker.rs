//! A venue that takes orders: the only way an order can leave.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::money::{Cash, Quantity};
pub use ballast_domain::orders::OrderReport;
use ballast_domain::orders::{ClientOrderId, OrderType, TimeInForce};
use ballast_domain::time::Span;

use crate::error::Result;
use crate::stream::BoxStream;

/// For how long a venue recognises a client order id it has seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// It does not: two orders with one id are two orders.
    None,
    /// While the first is open.
    OpenOnly,
    /// For ever.
    Permanent,
}

/// What a venue can do. A call outside it answers `Unsupported`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerCapabilities {
    /// Market orders.
    pub market_orders: bool,
    /// Limit orders.
    pub limit_orders: bool,
    /// Times in force that are accepted.
    pub times_in_force: Vec<TimeInForce>,
    /// Orders that must not trade at once.
    pub post_only: bool,
    /// Orders that must not increase or flip a position.
    pub reduce_only: bool,
    /// What repeating a client order id does.
    pub idempotency: Idempotency,
    /// An order not seen by the venue this long after its send can no longer arrive; `None` when
    /// the venue gives no such promise.
    pub expiry_fence: Option<Span>,
}

impl BrokerCapabilities {
    /// Whether an order of this type and time in force can be sent.
    pub fn admits(&self, order_type: OrderType, time_in_force: TimeInForce) -> bool {
        let by_type = match order_type {
            OrderType::Market => self.market_orders,
            OrderType::Limit(_) => self.limit_orders,
        };
        by_type && self.times_in_force.contains(&time_in_force)
    }
}

/// What became of a submit. Not a `Result`: not knowing is an answer, and the most dangerous one.
#[derive(Debug)]
#[must_use = "an order that failed or is unknown has to be dealt with"]
pub enum SubmitOutcome {
    /// The venue has it.
    Accepted,
    /// The venue refused it; it will never execute.
    Rejected {
        /// The venue's words.
        reason: String,
    },
    /// It never left; the unspent permit is the proof.
    NotSent {
        /// The permit, handed back.
        permit: SendPermit,
        /// Why.
        cause: crate::Error,
    },
    /// The permit is spent and there is no answer.
    Unknown {
        /// What was lost.
        cause: crate::Error,
    },
}

/// The account as the venue has it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountReport {
    /// Cash by asset.
    pub cash: Vec<(AssetId, Cash)>,
    /// Positions that are not zero.
    pub positions: Vec<(InstrumentId, Quantity)>,
}

/// A venue that takes orders.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Broker: fmt::Debug + Send + Sync + 'static {
    /// Short lowercase name, such as `simulated`.
    fn name(&self) -> &str;

    /// What this venue can do. Constant over its life.
    fn capabilities(&self) -> BrokerCapabilities;

    /// Sends one order, once.
    ///
    /// # Behaviour
    /// Redeems the permit as the last thing before the first byte leaves. Executions do not come
    /// back here but through [`Broker::facts`].
    ///
    /// # Errors
    /// None as `Err`: see [`SubmitOutcome`]. An order that [`BrokerCapabilities::admits`] refuses
    /// comes back `NotSent` with kind `Unsupported`.
    ///
    /// # Idempotency
    /// Never repeated by anyone: a permit is spent by value.
    ///
    /// # Cancellation
    /// A dropped call has an unknown outcome.
    ///
    /// # For adapter authors
    /// Only who still holds the permit may say `NotSent`. A timeout, a lost connection or an
    /// answer that cannot be read after redeeming is `Unknown`.
    async fn submit(&self, permit: SendPermit) -> SubmitOutcome;

    /// Asks the venue to take back the rest of an order.
    ///
    /// # Behaviour
    /// Returning means the venue has the request; the end of the order comes as a fact.
    ///
    /// # Errors
    /// `NotFound` when the venue does not know the order; `Unavailable` and `RateLimited` as the
    /// venue answers.
    ///
    /// # Idempotency
    /// Canceling twice is canceling once.
    ///
    /// # Cancellation
    /// Safe: cancel again.
    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()>;

    /// What the venue knows of one order.
    ///
    /// # Errors
    /// `NotFound` when the venue has never seen it or has forgotten it: after the expiry fence
    /// that is proof of death, before it nothing.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport>;

    /// Every open order of the account, ours or not.
    ///
    /// # Errors
    /// As [`Broker::order`].
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn open_orders(&self) -> Result<Vec<OrderReport>>;

    /// Cash and positions.
    ///
    /// # Errors
    /// As [`Broker::order`].
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn account(&self) -> Result<AccountReport>;

    /// What happens to our orders and our account, as the venue reports it.
    ///
    /// # Behaviour
    /// From the first poll on. Facts may come late, twice or out of order; the kernel joins them.
    ///
    /// # Errors
    /// An error is the last item; the caller subscribes again and closes the gap by asking.
    ///
    /// # Idempotency
    /// Each subscription is its own and sees what follows it.
    ///
    /// # Cancellation
    /// Dropping the stream ends the subscription.
    ///
    /// # For adapter authors
    /// Bound the queue; when it is full, end with `Unavailable` rather than drop a fact.
    fn facts(&self) -> BoxStream<Result<Fact>>;
}

#[async_trait]
impl<T: Broker + ?Sized> Broker for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        (**self).capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        (**self).submit(permit).await
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        (**self).cancel(instrument, client_id).await
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        (**self).order(instrument, client_id).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        (**self).open_orders().await
    }

    async fn account(&self) -> Result<AccountReport> {
        (**self).account().await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        (**self).facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ERR-07: placing an order ends in one of four outcomes, none of which is silence: no `Option`, and no
    /// fifth that a caller could overlook. An outcome more, or another type, does not compile here.
    #[test]
    fn err_07_an_order_has_one_of_four_outcomes() {
        fn told(outcome: SubmitOutcome) -> &'static str {
            match outcome {
                SubmitOutcome::Accepted => "accepted",
                SubmitOutcome::Rejected { .. } => "rejected",
                SubmitOutcome::NotSent { .. } => "not sent",
                SubmitOutcome::Unknown { .. } => "unknown",
            }
        }
        async fn placed(broker: &dyn Broker, permit: SendPermit) -> &'static str {
            told(broker.submit(permit).await)
        }
        let _ = placed;
        let cause = crate::Error::new(crate::ErrorKind::Unavailable, "submit", "lost");
        assert_eq!(told(SubmitOutcome::Unknown { cause }), "unknown");
        assert_eq!(told(SubmitOutcome::Accepted), "accepted");
    }
}
