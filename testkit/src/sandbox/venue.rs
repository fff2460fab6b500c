//! The served venue itself: the exchange core, what it was told, and every fact it has told.

use std::collections::BTreeMap;
use std::mem;

use ballast_domain::kernel::{Fact, VenueReport};
use ballast_domain::market::Panel;
use ballast_domain::orders::{ClientOrderId, Intent, OrderReport};
use ballast_domain::simulation::{Cursor, Exchange, FillPoint, Stage, VenueOrder};
use ballast_domain::time::Timestamp;

use serde::Serialize;

use super::ledger::{Entry, Ledger, LedgerError};
use super::told::{Bar, Opening, Order, Told};

/// What became of something the venue was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is done, and moved this many orders.
    Done(usize),
    /// An order is at the venue.
    Accepted,
    /// This client order id was taken before.
    Duplicate,
    /// The venue refuses it, for this reason; nothing changed.
    Refused(String),
    /// There is no such order that works.
    NotFound,
}

impl Taken {
    fn word(&self) -> &str {
        match self {
            Self::Done(_) => "done",
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::NotFound => "not_found",
            Self::Refused(why) => why,
        }
    }
}

/// Where the market stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The close of the newest bar.
    pub close: Timestamp,
    /// Its newest stage.
    pub stage: Stage,
    /// Whether that moved something, so that it has to come again.
    pub again: bool,
}

/// An open venue.
#[derive(Debug)]
struct Books {
    opening: Opening,
    exchange: Exchange,
    /// Every client order id that ever came, and what came with it first.
    orders: BTreeMap<ClientOrderId, Intent>,
    facts: Vec<Fact>,
    bar: Option<(Bar, Panel)>,
    /// The newest stage.
    at: Option<Standing>,
    now: Timestamp,
}

/// A venue, open or not yet.
#[derive(Debug, Default)]
pub struct Venue {
    books: Option<Books>,
    ledger: Ledger,
}

impl Venue {
    /// A venue that remembers what is in `ledger` and goes on writing there.
    ///
    /// # Errors
    /// What it comes to show is not what stands beside a line.
    pub fn new(mut ledger: Ledger) -> Result<Self, LedgerError> {
        let mut venue = Self::default();
        for (i, entry) in ledger.entries().iter().enumerate() {
            let taken = venue.carry_out(entry.told.clone());
            let shown = venue.entry(entry.told.clone(), &taken);
            if shown != *entry {
                let (told, shows) = (format!("{entry:?}"), format!("{shown:?}"));
                return Err(LedgerError::new(format!(
                    "line {}: the ledger says {told}, the books say {shows}",
                    i + 1
                )));
            }
        }
        mem::swap(&mut venue.ledger, &mut ledger);
        Ok(venue)
    }

    /// Takes what it is told, and writes it down before anybody hears what became of it.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing may be answered any more.
    pub fn take(&mut self, told: Told) -> Result<Taken, LedgerError> {
        let remembered = match &told {
            Told::Stage(stage) => self.books.as_ref().is_some_and(|b| !b.has_passed(*stage)),
            Told::Now(now) => self.books.as_ref().is_some_and(|b| b.now < *now),
            Told::Open(_) => self.books.is_none(),
            Told::Bar(_) | Told::Order(_) | Told::Cancel(_) => true,
        };
        let taken = self.carry_out(told.clone());
        let refused_bar = matches!(told, Told::Bar(_)) && taken != Taken::Done(0);
        if remembered && !refused_bar && self.books.is_some() {
            let entry = self.entry(told, &taken);
            self.ledger.push(entry)?;
        }
        Ok(taken)
    }

    /// Takes a stage of a bar. What has passed, told again by a program that was restarted, does
    /// nothing.
    ///
    /// # Errors
    /// As [`Venue::take`].
    pub fn market(&mut self, bar: Bar, stage: Stage) -> Result<Taken, LedgerError> {
        let newest = self.books.as_ref().and_then(|books| books.bar.as_ref());
        let newest = newest.map(|(bar, _)| bar.close);
        if newest > Some(bar.close) {
            return Ok(Taken::Done(0));
        }
        if newest < Some(bar.close) {
            let begun = self.take(Told::Bar(bar))?;
            if begun != Taken::Done(0) {
                return Ok(begun);
            }
        }
        self.take(Told::Stage(stage))
    }

    /// What it was told so far.
    pub fn ledger(&self) -> &[Entry] {
        self.ledger.entries()
    }

    /// Every fact it has told, oldest first.
    pub fn facts(&self) -> &[Fact] {
        self.books.as_ref().map_or(&[], |books| &books.facts)
    }

    /// What it lists and how it works, once it is open.
    pub fn opening(&self) -> Option<&Opening> {
        self.books.as_ref().map(|books| &books.opening)
    }

    /// Where its market stands; `None` before the first stage.
    pub fn standing(&self) -> Option<Standing> {
        self.books.as_ref()?.at
    }

    /// One order, working or ended.
    pub fn order(&self, client_id: ClientOrderId) -> Option<OrderReport> {
        self.books.as_ref()?.exchange.order_report(client_id)
    }

    /// The orders that work, in order of arrival.
    pub fn open_orders(&self) -> Vec<OrderReport> {
        let working = self.books.as_ref().map(|books| books.exchange.working());
        let reports = working.into_iter().flatten().map(VenueOrder::report);
        reports.collect()
    }

    /// The whole account, with executions and events from `since` on.
    pub fn report(&self, since: Timestamp) -> Option<VenueReport> {
        let books = self.books.as_ref()?;
        Some(books.exchange.report(since, books.now))
    }

    /// How many orders came and how many of them had an id that was taken.
    pub fn arrivals(&self) -> (usize, usize) {
        let came = |e: &&Entry| matches!(e.told, Told::Order(_));
        let arrived = self.ledger().iter().filter(came);
        let twice = arrived.clone().filter(|e| e.answer == "duplicate");
        (arrived.count(), twice.count())
    }

    fn entry(&self, told: Told, taken: &Taken) -> Entry {
        let books = self.books.as_ref();
        let trades = books.map_or(0, |b| b.exchange.trades());
        Entry {
            told,
            answer: taken.word().to_owned(),
            facts: self.facts().len() as u64,
            trades: u64::try_from(trades).unwrap_or(u64::MAX),
            cash: books.map_or(0, |b| b.exchange.cash().units()).to_string(),
        }
    }

    fn carry_out(&mut self, told: Told) -> Taken {
        match (told, &mut self.books) {
            (Told::Open(opening), None) => match Books::open(*opening) {
                Ok(books) => {
                    self.books = Some(books);
                    Taken::Done(0)
                }
                Err(why) => Taken::Refused(why),
            },
            (Told::Open(opening), Some(books)) if *opening == books.opening => Taken::Done(0),
            (Told::Open(_), Some(_)) => Taken::Refused("it is open in other terms".to_owned()),
            (_, None) => Taken::Refused("the venue is not open".to_owned()),
            (Told::Order(order), Some(books)) => books.order(&order),
            (Told::Cancel(client_id), Some(books)) => books.cancel(client_id),
            (Told::Now(now), Some(books)) => {
                books.now = books.now.max(now);
                Taken::Done(0)
            }
            (Told::Bar(bar), Some(books)) => books.begin(bar),
            (Told::Stage(stage), Some(books)) if books.has_passed(stage) => Taken::Done(0),
            (Told::Stage(stage), Some(books)) => books.carry_out(stage),
        }
    }
}

impl Books {
    fn open(opening: Opening) -> Result<Self, String> {
        let words = |e: ballast_domain::Error| e.to_string();
        let instruments = opening.listing.instruments().map_err(words)?;
        let (settings, rules) = (opening.terms.settings(), opening.terms.rules());
        settings.validate().map_err(words)?;
        rules.validate(&instruments).map_err(words)?;
        let mut exchange = Exchange::with_rules(instruments, settings, rules);
        // The opening balance is part of the account, not something that happened.
        while exchange.next_fact().is_some() {}
        Ok(Self {
            opening,
            exchange,
            orders: BTreeMap::new(),
            facts: Vec::new(),
            bar: None,
            at: None,
            now: Timestamp::MIN,
        })
    }

    fn hear(&mut self) {
        while let Some(fact) = self.exchange.next_fact() {
            self.facts.push(fact);
        }
    }

    fn order(&mut self, order: &Order) -> Taken {
        self.now = self.now.max(order.at);
        let id = order.intent.client_id;
        if self.orders.contains_key(&id) {
            return Taken::Duplicate;
        }
        self.orders.insert(id, order.intent);
        let exchange = &mut self.exchange;
        exchange.receive_from_wire(order.intent, order.expires_at, self.now);
        // The first fact is the answer. A refusal is told to who asked and to nobody else; that an
        // order is here, everybody hears.
        match self.exchange.next_fact() {
            Some(Fact::Rejected { reason, .. }) => {
                self.hear();
                Taken::Refused(reason.into_owned())
            }
            accepted => {
                self.facts.extend(accepted);
                self.hear();
                Taken::Accepted
            }
        }
    }

    fn cancel(&mut self, client_id: ClientOrderId) -> Taken {
        let works = |o: &VenueOrder| o.intent.client_id == client_id;
        if !self.exchange.working().iter().any(works) {
            return Taken::NotFound;
        }
        self.exchange.cancel(client_id);
        self.hear();
        Taken::Done(1)
    }

    fn begin(&mut self, bar: Bar) -> Taken {
        if bar.lanes.len() != self.exchange.instruments().len() {
            return Taken::Refused("a bar has one lane an instrument".to_owned());
        }
        let needed = self.exchange.settings().fill_point.field();
        if !bar.fields.contains(&needed) {
            return Taken::Refused(format!("the bar lacks {needed:?}, at which orders execute"));
        }
        match bar.panel() {
            Ok(panel) => {
                self.now = self.now.max(bar.open);
                self.bar = Some((bar, panel));
                Taken::Done(0)
            }
            Err(e) => Taken::Refused(e.to_string()),
        }
    }

    fn has_passed(&self, stage: Stage) -> bool {
        let point = self.exchange.settings().fill_point;
        let (Some((bar, _)), Some(at)) = (&self.bar, self.at) else {
            return false;
        };
        match (bar.close, place(stage, point)).cmp(&(at.close, place(at.stage, point))) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => !matches!(stage, Stage::Execute | Stage::Inside),
            std::cmp::Ordering::Greater => false,
        }
    }

    fn carry_out(&mut self, stage: Stage) -> Taken {
        let Some((bar, panel)) = &self.bar else {
            return Taken::Refused("no bar has begun".to_owned());
        };
        let cursor = Cursor { row: 0, stage };
        let due = cursor.time(panel, self.exchange.settings().fill_point);
        self.now = self.now.max(due.unwrap_or(bar.close));
        let again = self.exchange.carry_out(cursor, panel);
        self.at = Some(Standing {
            close: bar.close,
            stage,
            again,
        });
        self.hear();
        Taken::Done(usize::from(again))
    }
}

/// How many stages come before one in a bar whose orders execute at `point`.
fn place(stage: Stage, point: FillPoint) -> usize {
    let mut next = Cursor::START;
    let mut before = 0;
    while next.row == 0 && next.stage != stage {
        next = next.next(point);
        before += 1;
    }
    before
}
