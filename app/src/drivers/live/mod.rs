//! The live driver: the kernel that was tested, with a durable journal and a venue that answers when
//! it likes. Paper trading is this driver with the simulated venue on replayed data.
//!
//! ```text
//!            ┌── Persist ─▶ journal ── Persisted ──┐
//!  kernel ───┼── Send, Query ─▶ venue ── facts ────┼──▶ kernel
//!            ├── Cancel ─▶ venue ─────────────────┤
//!            └── Arm ─▶ timers ───────────────────┘
//! ```
//!
//! One task owns the kernel and holds every call that is under way; nothing else runs but the
//! journal's threads and the one that watches the kill switch. A start is a recovery: the journal is
//! proven and read back, the venue is asked for the whole account, and nothing is added before the
//! two agree. A stop is an end with manners: what is under way is waited for, for ten seconds; orders
//! stay at the venue, and the next start finds them there. Only the kill switch, a mode that lets
//! nothing pass, and a journal that cannot be written take everything off the venue.
//!
//! No rule of trading is here: [`Live`] arranges calls.

mod calls;
mod cancel_all;
mod events;
mod failed_call;
mod feed;
mod fill_latency;
mod market;
mod recovery;
mod replay;
mod session;
mod snapshot;
mod stop;
mod tape;
mod tape_deck;
mod tape_reader;
mod vitals;

pub use cancel_all::cancel_all;
pub use fill_latency::LatencyBucket;
pub use market::{ReplayedMarket, SharedClock, TurnedClock};
pub use replay::{Difference, Held, Replayed, replay};
pub use stop::{Ended, Stop};
pub use tape::{Checksum, Opening, Shown, Smaller, Told};
pub use tape_deck::{TapeLimits, TapePlace};
pub use tape_reader::Tape;

use std::fmt;
use std::sync::Arc;

use ballast_domain::error::{Error, Result as DomainResult};
use ballast_domain::instrument::{AssetId, Instruments};
use ballast_domain::kernel::{Command, Fact, Input, Kernel, SendGate, Settings};
use ballast_domain::market::Panel;
use ballast_domain::money::Cash;
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::simulation::FillPoint;
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_ports::{Broker, Journal, VenueReports};
pub use ballast_system::KillWatch;

use super::RunError;
use crate::config::CatchUp;
use crate::engine::Machine;
use crate::health::Pulse;
use feed::Feed;
use recovery::{Recorded, Taken, passed_at, shown_at, whole};
use session::{Event, Session};
use snapshot::of;
use stop::left_orders;
use tape_deck::Made;
use vitals::Vitals;

/// Orders in a row that the venue refuses or leaves unanswered before a session stops.
pub const MOST_FAILED_ORDERS: u8 = 3;

/// How fast a replay is released. It paces the release, and never what is decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as everybody is through with what was released before.
    Max,
    /// Seconds of trading time a second.
    Times(f64),
}

impl std::str::FromStr for Speed {
    type Err = Error;

    /// Reads `max`, or a number above 0.
    fn from_str(text: &str) -> DomainResult<Self> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::Times(factor)),
            _ => Err(Error::config(format!("'{text}' is no speed"))
                .hint("write seconds of trading time a second, such as 3600, or max")),
        }
    }
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Trade until there is no bar left.
    Trade,
    /// Trade the next slot.
    Once,
    /// Start, reconcile, and end: for a person's command.
    Start,
}

/// A person's word, carried out once the account is reconciled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing.
    Nothing,
    /// Take over what the venue holds, where the journal knows nothing of the account.
    AdoptAccount {
        /// Why.
        reason: String,
    },
    /// Back to active in every scope.
    Release {
        /// Why.
        reason: String,
    },
}

/// Where a session stands after a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Trading time.
    pub time: Timestamp,
    /// Bars shown so far, over all sessions.
    pub bars: usize,
    /// Equity in the base currency.
    pub equity: f64,
    /// Instruments in which the last decision was not reached.
    pub residuals: usize,
}

/// Is told how a session goes, and asked whether to stop: keep it cheap.
pub trait Observer: fmt::Debug {
    /// A session begins with so many bars ahead.
    fn begin(&mut self, bars: usize);

    /// The account is known and may trade: the start succeeded.
    fn active(&mut self) {}

    /// A bar is over, and what it led to is under way.
    fn bar(&mut self, standing: &Standing);

    /// The session's loop turned; called thousands of times a second.
    fn turn(&mut self);

    /// The session is over.
    fn end(&mut self);

    /// Whether the user wants to stop.
    fn is_interrupted(&self) -> bool;
}

/// Nobody.
impl Observer for () {
    fn begin(&mut self, _: usize) {}

    fn bar(&mut self, _: &Standing) {}

    fn turn(&mut self) {}

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Everything the driver needs from outside; a test swaps each.
#[derive(Clone)]
pub struct Boundaries<'a> {
    /// The record.
    pub journal: Arc<dyn Journal>,
    /// Who takes orders.
    pub broker: Arc<dyn Broker>,
    /// Who shows the account.
    pub reports: Arc<dyn VenueReports>,
    /// The market that is replayed.
    pub market: Arc<dyn ReplayedMarket>,
    /// Trading time, shared with the venue.
    pub clock: SharedClock,
    /// The gate that permits are bound to, shared with the venue and the kill switch.
    pub gate: Arc<SendGate>,
    /// Who watches the kill switch. Begun after the kernel was made: see [`Live::kernel`].
    pub kill: &'a KillWatch,
    /// Why it was thrown.
    pub kill_reason: &'a dyn Fn() -> Option<String>,
    /// Machine time.
    pub machine: &'a dyn Machine,
    /// What the program's health forbids, and how the session says that it lives.
    pub pulse: Pulse,
    /// Where everything the kernel is told is taken down; `None` takes nothing down.
    pub tape: Option<TapePlace>,
}

impl fmt::Debug for Boundaries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boundaries")
            .field("journal", &self.journal)
            .field("broker", &self.broker)
            .field("market", &self.market)
            .finish_non_exhaustive()
    }
}

/// What is traded, and how.
#[derive(Clone, Debug)]
pub struct Live {
    /// What is traded.
    pub instruments: Instruments,
    /// How the kernel trades.
    pub settings: Settings,
    /// The market's data.
    pub panel: Arc<Panel>,
    /// Where in a bar orders execute.
    pub fill_point: FillPoint,
    /// What the venue opens an account with.
    pub opening_cash: Cash,
    /// What becomes of missed slots.
    pub catch_up: CatchUp,
    /// How fast the replay is released.
    pub speed: Speed,
    /// What the session is for.
    pub goal: Goal,
    /// A person's word.
    pub order: Order,
}

impl Live {
    /// A kernel bound to `gate` as it is now: make it before anybody may close the gate, for a
    /// kernel that is made later takes the closed gate for its own.
    ///
    /// # Errors
    /// As [`Kernel::new`].
    pub fn kernel(
        &self,
        strategy: Box<dyn Strategy>,
        gate: &Arc<SendGate>,
    ) -> DomainResult<Kernel<Box<dyn Strategy>>> {
        Kernel::new(
            self.instruments.clone(),
            self.settings.clone(),
            strategy,
            Arc::clone(gate),
        )
    }

    /// Recovers, reconciles, trades, and says what is left.
    ///
    /// # Errors
    /// The journal's or the venue's error when one of them cannot be used at the start; `Invariant`
    /// when the program contradicts itself; `Execution` when the account has no journal and is not
    /// new. The order path is closed whenever this returns.
    pub async fn run(
        &self,
        boundaries: &Boundaries<'_>,
        mut kernel: Kernel<Box<dyn Strategy>>,
        observer: &mut dyn Observer,
    ) -> Result<Ended, RunError> {
        let journal = boundaries.journal.as_ref();
        let recorded = Recorded::read(journal, &of(&kernel), whole(journal).await?).await?;
        let found = recorded.found();
        let cursor = boundaries.market.cursor().await?;
        let market_shown = shown_at(cursor, self.fill_point);
        let noted = recorded.noted.clone();
        let is_opened = noted.opened;
        let Taken { shown, again } = recorded.restore(&mut kernel, &self.panel, market_shown)?;
        let passed = passed_at(cursor, &self.panel, self.fill_point);
        boundaries.clock.advance_to(kernel.now().max(passed));
        observer.begin(self.panel.len().saturating_sub(shown));
        let vitals = Vitals::new(
            boundaries.pulse.clone(),
            self.settings.limits.max_price_age,
            (&self.panel, shown),
            boundaries.clock.now(),
        )?;
        let mut session =
            Session::new(boundaries, kernel, (noted, found.clone()), vitals, observer);
        session.begin_tape(
            boundaries.tape.clone(),
            Made {
                records: found.upto.record,
                batches: found.upto.batch,
                market_shown,
                again,
            },
        );
        let mut feed = Feed {
            market: Arc::clone(&boundaries.market),
            panel: Arc::clone(&self.panel),
            point: self.fill_point,
            cursor,
            shown,
            again,
            told: false,
            speed: self.speed,
            goal: self.goal,
            catch_up: self.catch_up,
            last_row: self.panel.len().saturating_sub(1),
            paced: false,
            starting: Some(Feed::deadline(boundaries.clock.now())),
            decided: None,
            bars: 0,
        };
        let releases = matches!(self.order, Order::Release { .. });
        let outcome = async {
            // Before anything is asked or told: a start that finds the switch thrown is halted.
            session.look_around()?;
            if releases {
                // A person is about to lift it, and nothing is traded meanwhile.
                session.stop = None;
            }
            if !is_opened {
                self.open(boundaries, &mut session).await?;
            }
            session.step(Input::Start)?;
            self.turn(&mut session, &mut feed).await
        }
        .await;
        if outcome.is_err() {
            // Whatever went wrong: nothing more may leave.
            boundaries.gate.kill();
        }
        session.end_tape();
        outcome?;
        session.keep_last_snapshot().await;
        session.observer.end();
        Ok(self.ended(&session, &feed))
    }

    /// The first record of an account that is new on both sides.
    async fn open(
        &self,
        boundaries: &Boundaries<'_>,
        session: &mut Session<'_>,
    ) -> Result<(), RunError> {
        if boundaries.market.is_untouched().await? {
            let opening = Fact::Opening {
                asset: AssetId::BASE,
                amount: self.opening_cash,
            };
            return Ok(session.step(Input::Fact(&opening))?);
        }
        if matches!(self.order, Order::AdoptAccount { .. }) {
            return Ok(());
        }
        Err(Error::execution("the venue knows this account and its journal is empty")
            .hint(
                "if its journal was lost, restore the newest backup with `ballast journal restore`; \
                 if what the venue shows is right, take it over with `ballast trade CONFIG \
                 --adopt-account WHY`",
            )
            .into())
    }

    async fn turn(&self, session: &mut Session<'_>, feed: &mut Feed) -> Result<(), RunError> {
        let mut order = self.order.clone();
        loop {
            session.look_around()?;
            let event = session.next().await;
            match event {
                Event::Quiet if self.is_due(&order, session) => {
                    let given = std::mem::replace(&mut order, Order::Nothing);
                    give(&given, session)?;
                }
                Event::Quiet if session.stop.is_some() => return Ok(()),
                Event::Quiet => {
                    session.keep_snapshot()?;
                    feed.go_on(session)?;
                }
                Event::Staged(Ok(staged)) => {
                    feed.staged(staged.again, session);
                    session.take(Event::Staged(Ok(staged)))?;
                }
                event => session.take(event)?,
            }
            if session.is_out_of_patience() {
                session.note("calls were still under way when the session ended".to_owned());
                return Ok(());
            }
        }
    }

    /// Whether a person's word can be carried out now.
    fn is_due(&self, order: &Order, session: &Session<'_>) -> bool {
        match order {
            Order::Nothing => false,
            Order::AdoptAccount { .. } => session.stop.is_none(),
            Order::Release { .. } => {
                session.stop.is_none()
                    && session.kernel.session() == ballast_domain::kernel::Session::Ready
            }
        }
    }

    fn ended(&self, session: &Session<'_>, feed: &Feed) -> Ended {
        let kernel = &session.kernel;
        let counts = kernel.counts();
        let (unknown, working) = left_orders(kernel.orders());
        let scale = self.instruments.base().scale;
        let (stop, why) = session.stop.clone().unwrap_or((Stop::Interrupted, None));
        Ended {
            stop,
            why,
            time: session.clock.now(),
            bars: feed.bars,
            decisions: counts.decisions,
            intents: counts.intents,
            denied: counts.denied,
            sent: session.calls.sent,
            fills: counts.fills,
            unknown,
            working,
            residuals: session.residuals,
            disputes: kernel.disputes().count(),
            equity: kernel.account().equity(),
            cash: kernel.account().cash().to_f64(scale),
            alerts: session.alerts.iter().cloned().collect(),
            canceled_in_ms: session.canceled_in_ms,
            recovered: session.found.upto.record,
            folded: session.found.folded,
            fill_latency: session.fill_latency.cumulative(),
        }
    }
}

/// Tells the kernel what a person wants.
fn give(order: &Order, session: &mut Session<'_>) -> DomainResult<()> {
    match order {
        Order::Nothing => Ok(()),
        Order::AdoptAccount { reason } => session.step(Input::Command(&Command::AdoptAccount {
            reason: reason.clone(),
        })),
        Order::Release { reason } => {
            let tightened: Vec<ModeScope> = session
                .noted
                .modes
                .iter()
                .filter(|line| line.mode > Mode::Active)
                .map(|line| line.scope)
                .collect();
            for scope in tightened {
                session.step(Input::Command(&Command::SetMode {
                    scope,
                    mode: Mode::Active,
                    reason: reason.clone(),
                }))?;
            }
            Ok(())
        }
    }
}
