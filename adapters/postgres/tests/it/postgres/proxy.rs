//! The connection is cut at every message, in either direction: also at the answer to a commit.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ballast_ports::{ErrorKind, Journal as _, JournalBatch};
use ballast_postgres::PostgresJournal;
use ballast_testkit::conformance::journal::batch;

use super::room::{Room, server, snapshot};

/// Forwards whole messages until the one with the number `cut`, which nobody gets.
struct Proxy {
    port: u16,
    messages: Arc<AtomicUsize>,
}

impl Proxy {
    fn cutting(cut: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let messages = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&messages);
        thread::spawn(move || {
            // A writer and a reader; the threads end with their connections.
            for client in listener.incoming().take(2) {
                let Ok(client) = client else { return };
                if count.load(Ordering::SeqCst) >= cut {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", server().port())).unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let said = Arc::clone(&count);
                thread::spawn(move || forward(from, to, true, &said, cut));
                let said = Arc::clone(&count);
                thread::spawn(move || forward(server, client, false, &said, cut));
            }
        });
        Self { port, messages }
    }

    fn address(&self) -> String {
        format!(
            "host=127.0.0.1 port={} user=ballast dbname=ballast",
            self.port
        )
    }
}

/// A message is a letter, a length that counts itself, and what it says; a client's first one has no
/// letter.
fn forward(
    mut from: TcpStream,
    mut to: TcpStream,
    is_client: bool,
    said: &AtomicUsize,
    cut: usize,
) {
    let mut letters = usize::from(!is_client);
    loop {
        let mut message = vec![0; letters + 4];
        let whole = from.read_exact(&mut message).is_ok() && {
            let mut length = [0; 4];
            length.copy_from_slice(&message[letters..]);
            let more = u32::from_be_bytes(length) as usize - 4;
            let begun = message.len();
            message.resize(begun + more, 0);
            from.read_exact(&mut message[begun..]).is_ok()
        };
        letters = 1;
        let is_cut = !whole || said.fetch_add(1, Ordering::SeqCst) + 1 >= cut;
        if is_cut || to.write_all(&message).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}

const BATCHES: u64 = 3;

fn work(seq: u64) -> JournalBatch {
    batch(seq, (seq - 1) * 2 + 1, 2)
}

/// A session: opens, appends what is missing, keeps a snapshot after the second batch, closes. Tells
/// of the last batch that was acknowledged.
async fn live(room: &Room, address: &str, acknowledged: &mut u64) -> ballast_ports::Result<()> {
    let journal = PostgresJournal::open(room.options_through(address)).await?;
    let head = journal.opened_at().map_or(0, |head| head.seq);
    *acknowledged = head.max(*acknowledged);
    let appended = async {
        for seq in head + 1..=BATCHES {
            journal.append(&work(seq)).await?;
            *acknowledged = seq;
            if seq == 2 {
                journal.keep_snapshot(&snapshot()).await?;
            }
        }
        Ok(())
    };
    let outcome = appended.await;
    if outcome.is_err() {
        let e = journal.append(&work(BATCHES)).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unavailable, "{}", e.chain());
    }
    let closed = journal.close().await;
    outcome.and(closed)
}

/// Nothing acknowledged is lost and nothing is there twice, whichever message is the last one.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_message_may_be_the_last() {
    cut_at_every(8).await;
}

/// The same for every message there is.
#[tokio::test]
#[ignore = "takes minutes, on a PostgreSQL server: cargo xtask postgres --all"]
async fn exhaustive_every_message_may_be_the_last() {
    cut_at_every(1).await;
}

async fn cut_at_every(step: usize) {
    let (mut cuts, mut there, mut not_there) = (0, 0, 0);
    for cut in (1..).step_by(step) {
        let room = Room::new();
        // The tables are made before: their making is one transaction like any other, and is cut in
        // the test below.
        room.open().await.close().await.unwrap();
        let proxy = Proxy::cutting(cut);
        let mut acknowledged = 0;
        let outcome = live(&room, &proxy.address(), &mut acknowledged).await;
        let place = format!("cut at message {cut}");
        let is_cut = proxy.messages.load(Ordering::SeqCst) >= cut;
        match outcome {
            Ok(()) if !is_cut => {
                assert_eq!(acknowledged, BATCHES);
                break;
            }
            // The last messages are of the farewell.
            Ok(()) => {}
            Err(e) => {
                assert!(e.advice().is_some(), "{place}: no hint in {e}");
                assert_eq!(e.kind, ErrorKind::Unavailable, "{place}: {}", e.chain());
            }
        }
        cuts += 1;
        settle(&room, acknowledged, &place, &mut there, &mut not_there).await;
    }
    println!(
        "{cuts} messages cut; a batch nobody answered for was there {there} times and was not \
         {not_there} times"
    );
    assert!(there > 0 && not_there > 0, "answers to commits were lost");
    assert!(cuts > 200 / step, "{cuts}");
}

/// The same at every nineteenth message of a first life, in which the tables are made.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_first_life_may_end_at_any_message() {
    let (mut there, mut not_there) = (0, 0);
    for cut in (1..).step_by(19) {
        let room = Room::new();
        let proxy = Proxy::cutting(cut);
        let mut acknowledged = 0;
        let outcome = live(&room, &proxy.address(), &mut acknowledged).await;
        if outcome.is_ok() && proxy.messages.load(Ordering::SeqCst) < cut {
            break;
        }
        let place = format!("a first life cut at message {cut}");
        settle(&room, acknowledged, &place, &mut there, &mut not_there).await;
    }
}

/// The next start reads what is there, and goes on from it to the end.
async fn settle(room: &Room, acknowledged: u64, place: &str, there: &mut u32, not_there: &mut u32) {
    let journal = PostgresJournal::open(room.options()).await;
    let journal = journal.unwrap_or_else(|e| panic!("{place}: {}", e.chain()));
    let head = journal.opened_at().map_or(0, |head| head.seq);
    assert!(
        head >= acknowledged,
        "{place}: {acknowledged} was lost, {head} is there"
    );
    assert!(head <= acknowledged + 1, "{place}: more than was asked");
    *there += u32::from(head > acknowledged);
    *not_there += u32::from(head == acknowledged);
    for seq in head + 1..=BATCHES {
        journal
            .append(&work(seq))
            .await
            .unwrap_or_else(|e| panic!("{place}: {}", e.chain()));
    }
    journal.close().await.unwrap();
    let found = room
        .audit()
        .unwrap_or_else(|e| panic!("{place}: {}", e.chain()));
    assert_eq!(
        (found.batches, found.records),
        (BATCHES, BATCHES * 2),
        "{place}"
    );
}
