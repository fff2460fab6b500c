//! The two threads of an open journal: one that writes, one that reads. Each owns its connection.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use ballast_domain::kernel::Overview;
use ballast_ports::stream::Stream;
use ballast_ports::{Committed, Error, ErrorKind, JournalBatch, JournalRecord, Result, Snapshot};
use tokio::sync::{mpsc, oneshot};

use crate::audit::Acceptance;
use crate::refusal::STATE;
use crate::stored::Page;

/// Requests that may wait for a thread: a driver has a few batches under way, no more.
const QUEUE: usize = 64;
/// Records of one commit, about: a group takes no further batch beyond.
const GROUP_RECORDS: usize = 16_384;

/// What ends with its thread.
pub trait Closing {
    /// Lets go of what it holds.
    ///
    /// # Errors
    /// As the store says; what was acknowledged is durable all the same.
    fn close(self) -> Result<()>;
}

/// The writer's side of a journal.
pub trait Writing: Closing {
    /// Makes all of `group` durable in one commit; a batch that cannot follow is refused alone.
    fn append(&mut self, group: &[&JournalBatch]) -> Vec<Result<Committed>>;

    /// Keeps the state of a kernel.
    ///
    /// # Errors
    /// As [`Journal::keep_snapshot`](ballast_ports::Journal::keep_snapshot).
    fn keep(&mut self, snapshot: &Snapshot) -> Result<()>;

    /// Where the account stands.
    fn overview(&self) -> &Overview;

    /// What it was found to be.
    fn opened(&self) -> Opened;
}

/// What an open journal was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How often it was opened for writing, this time included.
    pub epoch: u64,
    /// The last batch.
    pub head: Option<Committed>,
    /// How often a person took the records as they are, oldest first.
    pub acceptances: Vec<Acceptance>,
}

type Answer<T> = oneshot::Sender<Result<T>>;
type Work<T> = Box<dyn FnOnce(&mut T) + Send>;

enum Request<T> {
    Append(JournalBatch, Answer<Committed>),
    Do(Work<T>),
    Close(Answer<()>),
}

/// Where a thread is asked.
pub struct Desk<T> {
    requests: mpsc::Sender<Request<T>>,
}

impl<T> Clone for Desk<T> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
        }
    }
}

impl<T> std::fmt::Debug for Desk<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl<T: 'static> Desk<T> {
    /// Has the thread do `work`, and waits for what comes of it.
    ///
    /// # Errors
    /// As `work`; `Unavailable` when the journal is closed.
    pub async fn ask<A: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> Result<A> + Send + 'static,
    ) -> Result<A> {
        let (answer, answered) = oneshot::channel();
        // Whoever dropped the question needs no answer; what it asked was done.
        let work = Box::new(move |served: &mut T| drop(answer.send(work(served))));
        self.send(Request::Do(work), answered).await
    }

    /// Ends the thread after what was asked before. Later calls fail.
    ///
    /// # Errors
    /// `Unavailable` when it was closed before, or its connection cannot be.
    pub async fn close(&self) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Close(answer), answered).await
    }

    async fn send<A>(
        &self,
        request: Request<T>,
        answered: oneshot::Receiver<Result<A>>,
    ) -> Result<A> {
        if self.requests.send(request).await.is_err() {
            return Err(ended());
        }
        self.answer(answered).await
    }

    /// What the thread answers. A request that reached the queue just after the thread emptied it
    /// for the last time lies there as long as somebody may ask: only the queue's end tells of it.
    async fn answer<A>(&self, mut answered: oneshot::Receiver<Result<A>>) -> Result<A> {
        let answer = tokio::select! {
            biased;
            answer = &mut answered => answer.ok(),
            // The thread answers before it lets go of its queue.
            () = self.requests.closed() => answered.try_recv().ok(),
        };
        answer.unwrap_or_else(|| Err(ended()))
    }
}

impl<W: Writing + 'static> Desk<W> {
    /// Makes a batch durable; what waits shares the commit.
    ///
    /// # Errors
    /// As [`Journal::append`](ballast_ports::Journal::append).
    pub async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Append(batch.clone(), answer), answered)
            .await
    }

    /// Keeps the state of a kernel.
    ///
    /// # Errors
    /// As [`Journal::keep_snapshot`](ballast_ports::Journal::keep_snapshot).
    pub async fn keep(&self, snapshot: &Snapshot) -> Result<()> {
        let snapshot = snapshot.clone();
        self.ask(move |writer| writer.keep(&snapshot)).await
    }

    /// Where the account stands after all records so far.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn overview(&self) -> Result<Overview> {
        self.ask(|writer| Ok(writer.overview().clone())).await
    }
}

/// The thread is gone: it was closed, or it panicked.
fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, STATE, "the journal is closed")
        .hint("stop trading and open the journal again")
}

/// Starts a writer, made in its thread by `open`; answers when it is open.
///
/// # Errors
/// As `open`; `Unavailable` when a thread cannot be started.
pub async fn start_writer<W: Writing + 'static>(
    open: impl FnOnce() -> Result<W> + Send + 'static,
) -> Result<(Desk<W>, Opened)> {
    let (requests, queue) = mpsc::channel(QUEUE);
    let (opened, opening) = oneshot::channel();
    start("ballast-journal", move || {
        let writer = match open() {
            Ok(writer) => writer,
            Err(e) => {
                let _ = opened.send(Err(e));
                return;
            }
        };
        if opened.send(Ok(writer.opened())).is_ok() {
            serve_writes(writer, queue);
        }
    })?;
    let opened = opening.await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Unexpected,
            STATE,
            "the journal's writer ended before it began",
        )
        .hint("this is a bug; its message is above"))
    })?;
    Ok((Desk { requests }, opened))
}

/// Starts a reader, made in its thread by `open`; answers when it is open.
///
/// # Errors
/// As [`start_writer`].
pub async fn start_reader<R: Closing + 'static>(
    open: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<Desk<R>> {
    let (requests, queue) = mpsc::channel(QUEUE);
    let (opened, opening) = oneshot::channel();
    start("ballast-journal-reader", move || match open() {
        Ok(reader) => {
            if opened.send(Ok(())).is_ok() {
                serve_reads(reader, queue);
            }
        }
        Err(e) => drop(opened.send(Err(e))),
    })?;
    opening.await.unwrap_or_else(|_| Err(ended()))?;
    Ok(Desk { requests })
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|e| {
        Error::new(ErrorKind::Unavailable, STATE, "a thread cannot be started")
            .caused_by(e)
            .hint("raise the limit on threads")
    })
}

fn serve_writes<W: Writing>(mut writer: W, mut queue: mpsc::Receiver<Request<W>>) {
    let mut waiting = None;
    while let Some(request) = waiting.take().or_else(|| queue.blocking_recv()) {
        match request {
            Request::Append(batch, answer) => {
                let mut size = batch.records.len();
                let mut group = vec![(batch, answer)];
                // What came meanwhile shares the commit.
                while size < GROUP_RECORDS {
                    match queue.try_recv() {
                        Ok(Request::Append(batch, answer)) => {
                            size += batch.records.len();
                            group.push((batch, answer));
                        }
                        Ok(other) => {
                            waiting = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                let batches: Vec<_> = group.iter().map(|(batch, _)| batch).collect();
                let outcomes = writer.append(&batches);
                for ((_, answer), outcome) in group.into_iter().zip(outcomes) {
                    let _ = answer.send(outcome);
                }
            }
            Request::Do(work) => work(&mut writer),
            Request::Close(answer) => {
                let _ = answer.send(writer.close());
                return;
            }
        }
    }
    // Nobody is left to be told; the next start finds what is there.
    let _ = writer.close();
}

fn serve_reads<R: Closing>(mut reader: R, mut queue: mpsc::Receiver<Request<R>>) {
    while let Some(request) = queue.blocking_recv() {
        match request {
            Request::Do(work) => work(&mut reader),
            Request::Append(_, answer) => drop(answer),
            Request::Close(answer) => {
                let _ = answer.send(reader.close());
                return;
            }
        }
    }
    let _ = reader.close();
}

/// A page on its way.
type Asked = Pin<Box<dyn Future<Output = Result<Page>> + Send>>;

/// Records, a page at a time: a slow reader holds one page and no lock.
pub struct Records {
    pages: Box<dyn Fn(u64) -> Asked + Send>,
    next: u64,
    page: VecDeque<JournalRecord>,
    asked: Option<Asked>,
    ended: bool,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("next", &self.next).finish()
    }
}

impl Records {
    /// The records from `seq` on; `page` reads those from a number on in the reader's thread.
    pub fn new<R: 'static>(
        reader: Desk<R>,
        seq: u64,
        page: fn(&mut R, u64) -> Result<Page>,
    ) -> Self {
        let pages = move |from| -> Asked {
            let reader = reader.clone();
            Box::pin(async move { reader.ask(move |r| page(r, from)).await })
        };
        Self {
            pages: Box::new(pages),
            next: seq,
            page: VecDeque::new(),
            asked: None,
            ended: false,
        }
    }
}

impl Stream for Records {
    type Item = Result<JournalRecord>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(record) = this.page.pop_front() {
                this.next = record.seq + 1;
                return Poll::Ready(Some(Ok(record)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let asked = this.asked.get_or_insert_with(|| (this.pages)(this.next));
            let page = match asked.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(page) => page,
            };
            this.asked = None;
            match page {
                Ok(page) => {
                    this.ended = page.is_last;
                    this.page = page.records;
                }
                Err(e) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(e)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    struct Nothing;

    impl Closing for Nothing {
        fn close(self) -> Result<()> {
            Ok(())
        }
    }

    /// A desk, and word of when its thread has let go of the queue.
    fn reader_and_its_thread() -> (Desk<Nothing>, oneshot::Receiver<()>) {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (over, ended) = oneshot::channel();
        start("test", move || {
            serve_reads(Nothing, queue);
            let _ = over.send(());
        })
        .unwrap();
        (Desk { requests }, ended)
    }

    #[tokio::test]
    async fn a_request_that_comes_as_the_thread_ends_is_answered() {
        let (desk, thread) = reader_and_its_thread();
        // Where a caller stands who asks at that moment: sure of a place, not in it yet.
        let place = desk.requests.reserve().await.unwrap();
        desk.close().await.unwrap();
        thread.await.unwrap();
        let (answer, answered) = oneshot::channel::<Result<()>>();
        let work: Work<Nothing> = Box::new(move |_| drop(answer.send(Ok(()))));
        place.send(Request::Do(work));
        let outcome = timeout(Duration::from_secs(20), desk.answer(answered)).await;
        let refused = outcome.expect("an answer").unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable);
    }
}
