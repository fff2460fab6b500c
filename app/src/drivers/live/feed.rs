//! The feed of a replay: what happens next, and when everybody is through with what happened.
//!
//! Timers and stages share one order of trading time. The market goes on when nothing is under way,
//! so what is decided does not depend on how long anything takes.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::error::Result;
use ballast_domain::kernel::{Input, Quotes, Session as Reconciled, SizeAt};
use ballast_domain::market::{Panel, Slice};
use ballast_domain::orders::OrderStatus;
use ballast_domain::simulation::{Cursor, FillPoint, Stage};
use ballast_domain::time::{Span, Timestamp};

use super::market::ReplayedMarket;
use super::session::Session;
use super::stop::Stop;
use super::{Goal, Speed, Standing};
use crate::config::CatchUp;

/// Trading time a start may take until the account is known.
const RECONCILED_WITHIN: Span = Span::from_seconds(3_600);

/// Where the feed stands, and how it goes on.
pub(super) struct Feed {
    pub(super) market: Arc<dyn ReplayedMarket>,
    pub(super) panel: Arc<Panel>,
    pub(super) point: FillPoint,
    pub(super) cursor: Cursor,
    /// Bars the kernel has seen.
    pub(super) shown: usize,
    /// A bar that was shown before the program ended, and whose slot has no record.
    pub(super) again: Option<usize>,
    /// Whether this stage was told to the kernel already.
    pub(super) told: bool,
    pub(super) speed: Speed,
    pub(super) goal: Goal,
    pub(super) catch_up: CatchUp,
    /// Bars there were at the start.
    pub(super) last_row: usize,
    /// Whether the pause before this stage is over.
    pub(super) paced: bool,
    /// Until when a start may take; `None` once it is over.
    pub(super) starting: Option<Timestamp>,
    /// The row whose slot was decided, where one is enough.
    pub(super) decided: Option<usize>,
    /// Bars shown in this session.
    pub(super) bars: u64,
}

impl Feed {
    /// A stage was carried out.
    pub(super) fn staged(&mut self, again: bool, session: &mut Session<'_>) {
        if !again {
            if self.cursor.stage == Stage::Show {
                session.observer.bar(&Standing {
                    time: session.clock.now(),
                    bars: self.cursor.row + 1,
                    equity: session.kernel.account().equity(),
                    residuals: session.residuals,
                });
            }
            self.cursor = self.cursor.next(self.point);
            self.told = false;
            self.paced = false;
        }
    }

    /// What comes next in a quiet session: a timer, a stage, or its end.
    pub(super) fn go_on(&mut self, session: &mut Session<'_>) -> Result<()> {
        if session.stop.is_some() {
            return Ok(());
        }
        if !self.is_started(session) {
            return self.wait_for_start(session);
        }
        if self.goal == Goal::Start {
            session.end(Stop::Commanded, None);
            return Ok(());
        }
        session.heed_modes();
        if session.stop.is_some() {
            return Ok(());
        }
        if let Some(row) = self.again.take() {
            let panel = Arc::clone(&self.panel);
            return match panel.slice(row) {
                Some(slice) => self.show(&slice, session),
                None => Ok(()),
            };
        }
        let Some(due) = self.cursor.time(&self.panel, self.point) else {
            session.end(Stop::EndOfData, None);
            return Ok(());
        };
        if let Some((at, _)) = session.timers.first().copied()
            && at <= due.max(session.clock.now())
        {
            return fire(session);
        }
        if self.is_once_over(session) {
            session.end(Stop::Once, None);
            return Ok(());
        }
        if !self.paced && self.pace(session, due) {
            return Ok(());
        }
        self.stage(session, due)
    }

    /// Whether the account is known and no order of before is without its outcome.
    fn is_started(&mut self, session: &mut Session<'_>) -> bool {
        let Some(until) = self.starting else {
            return session.kernel.session() == Reconciled::Ready;
        };
        let ready = session.kernel.session() == Reconciled::Ready;
        let unknown = |status| status == OrderStatus::Unknown;
        let unclear = session.kernel.orders().any(|o| unknown(o.status()));
        // What stays unknown blocks its instrument and not the account.
        if ready && (!unclear || session.clock.now() >= until) {
            self.starting = None;
            session.started = true;
            session.observer.active();
        }
        self.starting.is_none()
    }

    /// The market stands still until the account is known; only the kernel's own timers run.
    fn wait_for_start(&self, session: &mut Session<'_>) -> Result<()> {
        let until = self
            .starting
            .unwrap_or_else(|| session.clock.now() + RECONCILED_WITHIN);
        match session.timers.first().copied() {
            Some((at, _)) if at <= until => fire(session),
            _ => {
                let why = "no report of the venue agreed with the journal within the hour";
                session.end(Stop::NotReconciled, Some(why.to_owned()));
                Ok(())
            }
        }
    }

    /// The instant from which a start is too long.
    pub(super) fn deadline(now: Timestamp) -> Timestamp {
        now + RECONCILED_WITHIN
    }

    /// One slot is over when nothing of its rebalance works any more, or the next one is due.
    fn is_once_over(&self, session: &Session<'_>) -> bool {
        let Some(row) = self.decided.filter(|_| self.goal == Goal::Once) else {
            return false;
        };
        let next_slot = self.cursor.stage == Stage::Show && self.cursor.row > row;
        next_slot || session.kernel.is_quiescent()
    }

    /// Begins the pause before a stage, if there is one.
    fn pace(&mut self, session: &mut Session<'_>, due: Timestamp) -> bool {
        self.paced = true;
        let Speed::Times(factor) = self.speed else {
            return false;
        };
        let ahead = due.since(session.clock.now()).nanos();
        let seconds = ahead as f64 / 1e9 / factor;
        // A pause longer than a machine lives is as good as one of its length.
        let pause = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        if pause.is_zero() {
            return false;
        }
        session.pause = Some(Box::pin(tokio::time::sleep(pause)));
        true
    }

    fn stage(&mut self, session: &mut Session<'_>, due: Timestamp) -> Result<()> {
        session.clock.advance_to(due);
        if !self.told {
            self.told = true;
            if self.tell(session)? {
                // The market goes on when the account is through with it.
                return Ok(());
            }
        }
        let market = Arc::clone(&self.market);
        session.staging = Some(Box::pin(async move { market.carry_out().await }));
        Ok(())
    }

    /// Tells the kernel what this stage shows; whether it shows anything.
    fn tell(&mut self, session: &mut Session<'_>) -> Result<bool> {
        let panel = Arc::clone(&self.panel);
        let Some(slice) = panel.slice(self.cursor.row) else {
            return Ok(false);
        };
        match self.cursor.stage {
            Stage::Quote
                if session.kernel.settings().size_at == SizeAt::Fill
                    && session.kernel.wants_quotes() =>
            {
                let field = self.point.field();
                let ids = session.kernel.instruments().ids();
                let prices: Vec<_> = ids.map(|id| slice.value(id, field)).collect();
                session.step(Input::Quotes(&Quotes { prices: &prices }))?;
                Ok(true)
            }
            Stage::Show if self.cursor.row >= self.shown => {
                self.shown = self.cursor.row + 1;
                self.bars += 1;
                self.show(&slice, session)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

impl Feed {
    /// Shows a bar to the kernel; one that is only caught up with is not decided upon.
    fn show(&mut self, slice: &Slice<'_>, session: &mut Session<'_>) -> Result<()> {
        let now = session.clock.now();
        let health = session
            .vitals
            .shown(slice, now, session.kernel.instruments());
        for fact in &health {
            session.step(Input::Health(fact))?;
        }
        if self.catch_up == CatchUp::Latest && slice.index() < self.last_row {
            session.warm(slice);
            return Ok(());
        }
        let settings = session.kernel.settings();
        if settings.schedule.fires(settings.calendar, slice.time())? {
            self.decided.get_or_insert(slice.index());
        }
        session.step(Input::Slice(slice))
    }
}

/// Fires the next timer, at its own time.
fn fire(session: &mut Session<'_>) -> Result<()> {
    let Some((at, timer)) = session.timers.pop_first() else {
        return Ok(());
    };
    session.clock.advance_to(at);
    session.step(Input::Timer(timer))
}
