//! A subscription to the venue's facts: questions that wait for an answer, one after another.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use ballast_domain::kernel::Fact;
use ballast_http::{Request, Transport};
use ballast_ports::{BoxStream, Error, Result};
use futures_core::Stream;

use super::wire;

type Answer = Pin<Box<dyn Future<Output = Result<wire::Facts>> + Send>>;

/// Facts after the newest that any subscription has heard. So one that ended with an error is gone on
/// with by the next.
pub(super) fn subscribe(transport: Transport, heard: Arc<AtomicU64>) -> BoxStream<Result<Fact>> {
    Box::pin(Facts {
        after: heard.load(Ordering::SeqCst),
        transport,
        heard,
        ready: VecDeque::new(),
        asked: None,
        over: false,
    })
}

struct Facts {
    transport: Transport,
    heard: Arc<AtomicU64>,
    /// The number of the newest fact that came.
    after: u64,
    ready: VecDeque<(u64, Fact)>,
    asked: Option<Answer>,
    over: bool,
}

impl Facts {
    fn ask(&self) -> Answer {
        // The venue answers in time to be heard, also when nothing happened.
        let wait = self.transport.settings().call_deadline / 2;
        let path = format!("/facts?after={}&wait={}", self.after, wait.as_millis());
        let transport = self.transport.clone();
        Box::pin(async move {
            let answer = transport.read("facts", Request::get(path)).await?;
            answer.json("facts")
        })
    }
}

impl Stream for Facts {
    type Item = Result<Fact>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            if let Some((number, fact)) = this.ready.pop_front() {
                this.heard.fetch_max(number, Ordering::SeqCst);
                return Poll::Ready(Some(Ok(fact)));
            }
            if this.asked.is_none() {
                this.asked = Some(this.ask());
            }
            let asked = this.asked.as_mut().map(|asked| asked.as_mut().poll(cx));
            let answer = match asked {
                Some(Poll::Ready(answer)) => answer,
                Some(Poll::Pending) | None => return Poll::Pending,
            };
            this.asked = None;
            match answer {
                Ok(facts) => {
                    // What the venue tells twice has one number.
                    for (number, fact) in facts.facts {
                        if number > this.after {
                            this.after = number;
                            this.ready.push_back((number, fact));
                        }
                    }
                }
                Err(error) => {
                    this.over = true;
                    return Poll::Ready(Some(Err(missed(error))));
                }
            }
        }
    }
}

fn missed(error: Error) -> Error {
    error.hint("subscribe again: the venue goes on after the last fact that was heard")
}
