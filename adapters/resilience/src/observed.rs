//! A stream that tells an observer what passes through it and changes nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use ballast_ports::stream::Stream;
use ballast_ports::{BoxStream, Error, Result};

/// Is told what a stream does, in this order: begun once, then items, then failed or ended once.
pub(crate) trait Observer<T>: Send + Unpin {
    /// The stream is polled for the first time.
    fn begun(&mut self);
    /// An item came.
    fn item(&mut self, item: &T);
    /// It ended with an error.
    fn failed(&mut self, error: &Error);
    /// It ended well.
    fn ended(&mut self);
}

/// The stream with its observer.
pub(crate) struct Observed<T, O> {
    inner: BoxStream<Result<T>>,
    observer: O,
    begun: bool,
    over: bool,
}

impl<T, O> Observed<T, O> {
    pub(crate) fn new(inner: BoxStream<Result<T>>, observer: O) -> Self {
        Self {
            inner,
            observer,
            begun: false,
            over: false,
        }
    }
}

// The inner stream is boxed: nothing here is pinned in place.
impl<T, O> Unpin for Observed<T, O> {}

impl<T, O: Observer<T>> Stream for Observed<T, O> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let this = &mut *self;
        if !this.begun {
            this.begun = true;
            this.observer.begun();
        }
        let polled = this.inner.as_mut().poll_next(cx);
        if let Poll::Ready(item) = &polled
            && !this.over
        {
            match item {
                Some(Ok(item)) => this.observer.item(item),
                Some(Err(error)) => {
                    this.over = true;
                    this.observer.failed(error);
                }
                None => {
                    this.over = true;
                    this.observer.ended();
                }
            }
        }
        polled
    }
}

/// What a check says of an item.
pub(crate) type Checked = Result<()>;

/// The items of a stream that pass `check`; the first that does not ends it with the check's error.
pub(crate) fn checked<T: Send + 'static>(
    inner: BoxStream<Result<T>>,
    check: impl FnMut(&T) -> Checked + Send + Unpin + 'static,
) -> BoxStream<Result<T>> {
    Box::pin(Check {
        inner,
        check,
        over: false,
    })
}

struct Check<T, F> {
    inner: BoxStream<Result<T>>,
    check: F,
    over: bool,
}

// The inner stream is boxed: nothing here is pinned in place.
impl<T, F> Unpin for Check<T, F> {}

impl<T, F: FnMut(&T) -> Checked> Stream for Check<T, F> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let polled = this.inner.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(item))) = &polled
            && let Err(error) = (this.check)(item)
        {
            this.over = true;
            return Poll::Ready(Some(Err(error)));
        }
        polled
    }
}
