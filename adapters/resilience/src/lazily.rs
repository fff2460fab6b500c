//! A stream that is opened when it is first polled, after something that takes time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ballast_ports::stream::Stream;
use ballast_ports::{BoxStream, Result};

type Opening<T> = Pin<Box<dyn Future<Output = Result<BoxStream<Result<T>>>> + Send>>;

enum Lazily<T> {
    Opening(Opening<T>),
    Open(BoxStream<Result<T>>),
    Refused,
}

/// The stream that `open` gives, or its error as the only item. Nothing happens before the first
/// poll.
pub(crate) fn lazily<T: Send + 'static>(
    open: impl Future<Output = Result<BoxStream<Result<T>>>> + Send + 'static,
) -> BoxStream<Result<T>> {
    Box::pin(Lazily::Opening(Box::pin(open)))
}

// The future and the stream are boxed: nothing here is pinned in place.
impl<T> Unpin for Lazily<T> {}

impl<T> Stream for Lazily<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            match &mut *self {
                Self::Opening(open) => match open.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(stream)) => *self = Self::Open(stream),
                    Poll::Ready(Err(error)) => {
                        *self = Self::Refused;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Self::Open(stream) => return stream.as_mut().poll_next(cx),
                Self::Refused => return Poll::Ready(None),
            }
        }
    }
}
