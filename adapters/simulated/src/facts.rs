//! A subscription to the venue's facts as a stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ballast_domain::kernel::Fact;
use ballast_ports::{BoxStream, Error, ErrorKind, Result};
use futures_core::Stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

type Receive = Pin<Box<dyn Future<Output = (Receiver<Fact>, Option<Result<Fact>>)> + Send>>;

/// A stream of the facts `receiver` hears; it ends with an error when it falls too far behind.
pub(crate) fn subscribe(receiver: Receiver<Fact>) -> BoxStream<Result<Fact>> {
    Box::pin(Facts {
        next: Some(Box::pin(receive(receiver))),
    })
}

struct Facts {
    /// `None` after the last item.
    next: Option<Receive>,
}

async fn receive(mut receiver: Receiver<Fact>) -> (Receiver<Fact>, Option<Result<Fact>>) {
    let item = match receiver.recv().await {
        Ok(fact) => Some(Ok(fact)),
        Err(RecvError::Closed) => None,
        Err(RecvError::Lagged(missed)) => Some(Err(Error::new(
            ErrorKind::Unavailable,
            "facts",
            format!("{missed} facts were missed"),
        )
        .hint("subscribe again and close the gap by asking for orders and account"))),
    };
    (receiver, item)
}

impl Stream for Facts {
    type Item = Result<Fact>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let Poll::Ready((receiver, item)) = next.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        self.next = match &item {
            Some(Ok(_)) => Some(Box::pin(receive(receiver))),
            Some(Err(_)) | None => None,
        };
        Poll::Ready(item)
    }
}
