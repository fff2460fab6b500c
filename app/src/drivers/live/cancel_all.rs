//! Everything off the venue: from its own list, until that list is empty.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ballast_ports::{Broker, Error, ErrorKind, OrderReport, Result};

/// How often the list is asked for again.
const ROUNDS: u32 = 40;
/// Cancels under way at once: a hundred orders are not a hundred round trips of a wire.
const AT_ONCE: usize = 128;
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
        // An order may have ended meanwhile: the list tells.
        last = cancel_each(&broker, listed).await.or(last);
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

/// Sends a cancel for each of `listed`, some at once, and waits for the answers; the last error.
async fn cancel_each(broker: &Arc<dyn Broker>, listed: Vec<OrderReport>) -> Option<Error> {
    let mut waiting = listed.into_iter();
    let mut under: Vec<Pin<Box<dyn Future<Output = Result<()>> + Send>>> = Vec::new();
    let mut last = None;
    poll_fn(|cx| {
        loop {
            let room = AT_ONCE - under.len();
            for order in waiting.by_ref().take(room) {
                let broker = Arc::clone(broker);
                under.push(Box::pin(async move {
                    broker.cancel(order.instrument, order.client_id).await
                }));
            }
            let before = under.len();
            under.retain_mut(|cancel| match cancel.as_mut().poll(cx) {
                Poll::Ready(done) => {
                    last = done.err().or(last.take());
                    false
                }
                Poll::Pending => true,
            });
            if under.is_empty() && waiting.len() == 0 {
                return Poll::Ready(());
            }
            if under.len() == before || waiting.len() == 0 {
                return Poll::Pending;
            }
        }
    })
    .await;
    last
}
