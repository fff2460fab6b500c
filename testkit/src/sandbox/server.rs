//! The served venue on loopback HTTP.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use ballast_domain::kernel::Fact;
use ballast_domain::orders::ClientOrderId;
use ballast_domain::simulation::Stage;
use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::faults::Faults;
use super::ledger::LedgerError;
use super::told::{Bar, Opening, Order, Told};
use super::venue::{Taken, Venue};

/// The longest a question for facts waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Who is told, in a word or two, what the venue has just done: `order ID accepted` when an order is
/// in the books, `answered ID` when its answer is about to leave, `facts N` when they are, and each
/// stage of the market with the close of its bar, such as `show 2024-01-31T21:00:00Z`.
pub type Announce = Arc<dyn Fn(&str) + Send + Sync>;

struct Shared {
    venue: Mutex<Venue>,
    /// How many facts there are.
    head: watch::Sender<u64>,
    faults: Faults,
    announce: Option<Announce>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("venue", &self.venue)
            .finish_non_exhaustive()
    }
}

/// A venue that is being served; it stops when this is dropped.
#[derive(Debug)]
pub struct SandboxServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<io::Result<()>>,
}

impl SandboxServer {
    /// Serves `venue` at `address`, such as `127.0.0.1:0` for any free port.
    ///
    /// # Errors
    /// The address is not of this machine or cannot be had.
    pub async fn start(
        venue: Venue,
        address: SocketAddr,
        faults: Faults,
        announce: Option<Announce>,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let words = "a sandbox venue is served on loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (head, _) = watch::channel(venue.facts().len() as u64);
        let shared = Arc::new(Shared {
            venue: Mutex::new(venue),
            head,
            faults,
            announce,
        });
        let router = Router::new()
            .route("/open", post(open))
            .route("/orders", post(submit).get(open_orders))
            .route("/orders/{id}", get(order))
            .route("/orders/{id}/cancel", post(cancel))
            .route("/account", get(account))
            .route("/facts", get(facts))
            .route("/market", post(market).get(standing))
            .route("/ledger", get(ledger))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Where it is served.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Looks at the venue itself.
    pub fn venue(&self) -> MutexGuard<'_, Venue> {
        lock(&self.shared.venue)
    }

    /// Waits until it stops serving, which it does only when it fails.
    ///
    /// # Errors
    /// Why it stopped.
    pub async fn ended(mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)?
    }
}

impl Drop for SandboxServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn say(&self, words: &str) {
        if let Some(announce) = &self.announce {
            announce(words);
        }
    }

    fn take(&self, told: Told) -> Result<Taken, LedgerError> {
        self.tell(|venue| venue.take(told))
    }

    /// Tells the venue, and whoever waits for facts.
    fn tell(
        &self,
        tell: impl FnOnce(&mut Venue) -> Result<Taken, LedgerError>,
    ) -> Result<Taken, LedgerError> {
        let mut venue = lock(&self.venue);
        let taken = tell(&mut venue)?;
        let head = venue.facts().len() as u64;
        self.head.send_if_modified(|known| {
            let news = *known != head;
            *known = head;
            news
        });
        Ok(taken)
    }
}

type Served = State<Arc<Shared>>;

fn lock(venue: &Mutex<Venue>) -> MutexGuard<'_, Venue> {
    venue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "called on the error of a result"
)]
fn unwritten(error: LedgerError) -> Response {
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        Json(json!({"refused": error.to_string()})),
    )
        .into_response()
}

fn answer(taken: Taken) -> Response {
    let refused = |status, why: &str| (status, Json(json!({"refused": why}))).into_response();
    match taken {
        Taken::Done(moved) => Json(json!({"moved": moved})).into_response(),
        Taken::Accepted => Json(json!({"outcome": "accepted"})).into_response(),
        Taken::Duplicate => refused(StatusCode::CONFLICT, "duplicate client order id"),
        Taken::Refused(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, &why),
        Taken::NotFound => refused(StatusCode::NOT_FOUND, "no such order works"),
    }
}

async fn open(State(shared): Served, Json(opening): Json<Opening>) -> Response {
    match shared.take(Told::Open(Box::new(opening))) {
        Ok(Taken::Done(_)) => {
            let facts = lock(&shared.venue).facts().len();
            Json(json!({"facts": facts})).into_response()
        }
        Ok(other) => answer(other),
        Err(error) => unwritten(error),
    }
}

async fn submit(State(shared): Served, Json(order): Json<Order>) -> Response {
    let id = order.intent.client_id;
    let taken = match shared.take(Told::Order(order)) {
        Ok(taken) => taken,
        Err(error) => return unwritten(error),
    };
    let word = match &taken {
        Taken::Accepted => "accepted",
        Taken::Duplicate => "duplicate",
        _ => "refused",
    };
    shared.say(&format!("order {id} {word}"));
    tokio::time::sleep(shared.faults.delay_answer).await;
    let count = lock(&shared.venue).arrivals().0 as u64;
    if shared.faults.drops(count) {
        // The client's connection ends this, at the latest.
        return std::future::pending().await;
    }
    shared.say(&format!("answered {id}"));
    answer(taken)
}

async fn cancel(State(shared): Served, Path(id): Path<ClientOrderId>) -> Response {
    shared.take(Told::Cancel(id)).map_or_else(unwritten, answer)
}

#[derive(Deserialize)]
struct AsOf {
    now: Timestamp,
}

async fn order(
    State(shared): Served,
    Path(id): Path<ClientOrderId>,
    Query(asked): Query<AsOf>,
) -> Response {
    if let Err(error) = shared.take(Told::Now(asked.now)) {
        return unwritten(error);
    }
    let shown = lock(&shared.venue).order(id);
    shown.map_or_else(
        || answer(Taken::NotFound),
        |report| Json(report).into_response(),
    )
}

async fn open_orders(State(shared): Served) -> Response {
    let orders = lock(&shared.venue).open_orders();
    Json(orders).into_response()
}

#[derive(Deserialize)]
struct Window {
    since: Timestamp,
    now: Timestamp,
}

async fn account(State(shared): Served, Query(window): Query<Window>) -> Response {
    if let Err(error) = shared.take(Told::Now(window.now)) {
        return unwritten(error);
    }
    let report = lock(&shared.venue).report(window.since);
    report.map_or_else(
        || answer(Taken::Refused("the venue is not open".to_owned())),
        |report| Json(report).into_response(),
    )
}

#[derive(Deserialize)]
struct After {
    after: u64,
    #[serde(default)]
    wait: u64,
}

/// Facts, each with its number from 1.
#[derive(Serialize)]
struct Numbered {
    facts: Vec<(u64, Fact)>,
}

async fn facts(State(shared): Served, Query(asked): Query<After>) -> Response {
    let wait = Duration::from_millis(asked.wait).min(LONGEST_WAIT);
    let mut head = shared.head.subscribe();
    // Nothing new is an answer as well.
    let _ = tokio::time::timeout(wait, head.wait_for(|head| *head > asked.after)).await;
    let mut facts = Vec::new();
    {
        let venue = lock(&shared.venue);
        let skipped = usize::try_from(asked.after).unwrap_or(usize::MAX);
        for (n, fact) in (1..).zip(venue.facts()).skip(skipped) {
            for _ in 0..=u8::from(shared.faults.doubles(n)) {
                facts.push((n, fact.clone()));
            }
        }
    }
    if let Some((n, _)) = facts.last() {
        shared.say(&format!("facts {n}"));
    }
    Json(Numbered { facts }).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Market {
    bar: Bar,
    stage: Stage,
}

async fn market(State(shared): Served, Json(market): Json<Market>) -> Response {
    let (close, stage) = (market.bar.close, market.stage);
    let taken = shared.tell(|venue| venue.market(market.bar, stage));
    shared.say(&format!("{} {close}", name(stage)));
    match taken {
        Ok(Taken::Done(moved)) => {
            let told = lock(&shared.venue).facts().len();
            Json(json!({"again": moved > 0, "told": told})).into_response()
        }
        Ok(other) => answer(other),
        Err(error) => unwritten(error),
    }
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Actions => "actions",
        Stage::Begin => "begin",
        Stage::Quote => "quote",
        Stage::Execute => "execute",
        Stage::Inside => "inside",
        Stage::Close => "close",
        Stage::Show => "show",
    }
}

async fn standing(State(shared): Served) -> Response {
    let venue = lock(&shared.venue);
    let (orders, _) = venue.arrivals();
    Json(json!({"orders": orders, "at": venue.standing()})).into_response()
}

async fn ledger(State(shared): Served, Query(asked): Query<After>) -> Response {
    let skipped = usize::try_from(asked.after).unwrap_or(usize::MAX);
    let venue = lock(&shared.venue);
    let entries = venue.ledger().get(skipped..).unwrap_or_default();
    Json(entries).into_response()
}
