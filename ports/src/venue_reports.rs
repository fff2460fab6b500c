//! The account as its venue shows it whole: what reconciliation starts from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::kernel::VenueReport;
use ballast_domain::time::Timestamp;

use crate::error::Result;

/// A venue that shows the whole account, consistent at one instant: open orders, executions, events,
/// positions and cash.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait VenueReports: fmt::Debug + Send + Sync + 'static {
    /// The account now, with executions and events from `since` on.
    ///
    /// # Behaviour
    /// The report's own `since` is later than asked when the venue has forgotten what was before:
    /// a report never claims to be complete where it is not.
    ///
    /// # Errors
    /// `Unavailable` and `RateLimited` as the venue answers; `InvalidData` when its answer contradicts
    /// itself.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    ///
    /// # For adapter authors
    /// Where a venue has no consistent snapshot, read the executions before and after the positions,
    /// and answer only when both readings agree.
    async fn report(&self, since: Timestamp) -> Result<VenueReport>;
}

#[async_trait]
impl<T: VenueReports + ?Sized> VenueReports for Arc<T> {
    async fn report(&self, since: Timestamp) -> Result<VenueReport> {
        (**self).report(since).await
    }
}
