//! The stream type of every port, and what callers need to read one.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use futures_core::Stream;

/// A boxed stream: what a port returns when there is more than one answer.
///
/// Lazy: nothing happens before it is polled. Dropping it cancels what is under way.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// The next item; `None` at the end. Dropping the future loses no item.
pub async fn next<T>(stream: &mut BoxStream<T>) -> Option<T> {
    poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

/// A stream of the items of an iterator, each ready at once.
pub fn iter<I>(items: I) -> BoxStream<I::Item>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
{
    Box::pin(Iter(items.into_iter()))
}

/// A stream of one item.
pub fn once<T: Send + 'static>(item: T) -> BoxStream<T> {
    iter([item])
}

struct Iter<I>(I);

// The iterator is never pinned: it is only called through `&mut`.
impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_end() {
        let mut stream = iter(0..3);
        let mut seen = Vec::new();
        while let Some(n) = next(&mut stream).await {
            seen.push(n);
        }
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(next(&mut once('a')).await, Some('a'));
    }
}
