//! Everything off the venue: from its own list, until that list is empty.

use std::sync::Arc;
use std::time::Duration;

use ballast_ports::{Broker, Error, ErrorKind, Result};

/// How often the list is asked for again.
const ROUNDS: u32 = 40;
/// Between two looks at the list.
const PAUSE: Duration = Duration::from_millis(125);

/// Cancels every order the venue lists, ours or not, and looks again until the list is empty: an
/// order is canceled when the venue no longer lists it, and not because a cancel was sent. How many
/// were listed at first.
///
/// # Errors
/// `Unavailable` when the venue still lists orders after five seconds of looking, or never answered.
pub async fn cancel_all(broker: Arc<dyn Broker>) -> Result<usize> {
    let mut first = None;
    let mut last: Option<Error> = None;
    for round in 0..ROUNDS {
        if round > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let listed = match broker.open_orders().await {
            Ok(listed) => listed,
            Err(e) => {
                last = Some(e);
                continue;
            }
        };
        let first = *first.get_or_insert(listed.len());
        if listed.is_empty() {
            return Ok(first);
        }
        for order in listed {
            if let Err(e) = broker.cancel(order.instrument, order.client_id).await {
                // It may have ended meanwhile: the list tells.
                last = Some(e);
            }
        }
    }
    let error = Error::new(
        ErrorKind::Unavailable,
        "cancel_all",
        "the venue still lists orders",
    )
    .hint("cancel them at the venue by hand");
    Err(match last {
        Some(cause) => error.caused_by(cause),
        None => error,
    })
}
