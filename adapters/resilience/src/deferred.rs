//! A stream whose items are fetched as a whole when it is first polled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ballast_ports::stream::Stream;
use ballast_ports::{BoxStream, Result};

type Fetch<T> = Pin<Box<dyn Future<Output = Result<Vec<T>>> + Send>>;

/// Nothing happens before the first poll; then all items come, or one error.
pub(crate) enum Deferred<T> {
    /// The fetch, not finished yet.
    Waiting(Fetch<T>),
    /// What is left of the answer.
    Items(std::vec::IntoIter<T>),
}

impl<T> Deferred<T> {
    pub(crate) fn new(fetch: impl Future<Output = Result<Vec<T>>> + Send + 'static) -> Self {
        Self::Waiting(Box::pin(fetch))
    }
}

/// A stream of what `fetch` gives: nothing happens before the first poll, then all items come, or one
/// error.
pub fn deferred<T: Send + 'static>(
    fetch: impl Future<Output = Result<Vec<T>>> + Send + 'static,
) -> BoxStream<Result<T>> {
    Box::pin(Deferred::new(fetch))
}

// The future is boxed and items are moved out whole: nothing here is pinned in place.
impl<T> Unpin for Deferred<T> {}

impl<T> Stream for Deferred<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if let Self::Waiting(fetch) = &mut *self {
            let answer = match fetch.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(answer) => answer,
            };
            match answer {
                Ok(items) => *self = Self::Items(items.into_iter()),
                Err(error) => {
                    *self = Self::Items(Vec::new().into_iter());
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        let Self::Items(items) = &mut *self else {
            return Poll::Ready(None);
        };
        Poll::Ready(items.next().map(Ok))
    }
}
