//! A thread that looks at a program's health while the program works.
//!
//! A thread of its own: a loop that hangs must not hang whoever would notice.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;

use ballast_domain::time::Span;
use ballast_ports::{Clock, Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::gate::{HealthGate, watch};
use super::registry::{HealthRegistry, HealthReport};

/// Somebody who looks at health; dropping it ends the looking.
#[derive(Debug)]
pub struct HealthWatcher {
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HealthWatcher {
    /// Looks now and then every `every` of `clock`: `gate` holds each report, and `told` hears of it.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no thread or no timer.
    pub fn start(
        registry: HealthRegistry,
        every: Span,
        clock: Arc<dyn Clock>,
        gate: HealthGate,
        told: impl FnMut(&HealthReport) + Send + 'static,
    ) -> Result<Self> {
        let missing = |cause: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "watch", "no thread for the health")
                .hint("free some of the system's threads, then start again")
                .caused_by(cause)
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(missing)?;
        let (over, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("health".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let mut ended = pin!(ended);
                    let mut watched = pin!(watch(&registry, every, &clock, &gate, told));
                    poll_fn(|cx| {
                        // An error is the other side's end, which is a word as well.
                        if ended.as_mut().poll(cx).is_ready() {
                            return Poll::Ready(());
                        }
                        watched.as_mut().poll(cx)
                    })
                    .await;
                });
                // A check that hangs must not hold up the program's end.
                runtime.shutdown_background();
            })
            .map_err(missing)?;
        Ok(Self {
            over: Some(over),
            thread: Some(thread),
        })
    }
}

impl Drop for HealthWatcher {
    fn drop(&mut self) {
        if let Some(over) = self.over.take() {
            // Nobody listens any more when the thread has ended.
            let _ = over.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic in a check is in its report; one in the watch itself was printed.
            let _ = thread.join();
        }
    }
}
