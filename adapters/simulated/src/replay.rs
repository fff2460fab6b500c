//! A venue that walks a replayed market and remembers what it was told.

use std::path::Path;
use std::sync::Arc;

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::SendGate;
use ballast_domain::market::Panel;
use ballast_domain::simulation::{
    Cursor, Exchange, ExchangeSettings, Stage, VenueInput, VenueRules,
};
use ballast_ports::{Error, ErrorKind, Result};

use crate::venue_log::{VENUE_STATE, VenueLog};
use crate::{ReplayClock, SimulatedBroker, Venue};

/// The market of a paper venue and the terms it trades on.
#[derive(Clone, Debug)]
pub struct ReplayTerms {
    /// What is listed, in the order of the panel's lanes.
    pub instruments: Instruments,
    /// How orders execute.
    pub settings: ExchangeSettings,
    /// What the venue does beyond that.
    pub rules: VenueRules,
    /// The market.
    pub panel: Arc<Panel>,
    /// All of that in words: a log that was begun under other words is refused.
    pub words: String,
}

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    /// It moved something and has to come again, after the account has answered.
    pub again: bool,
    /// Facts the venue has told since it was opened, these included.
    pub told: u64,
}

/// What a replaying venue has beyond its exchange.
#[derive(Debug)]
pub(crate) struct Replay {
    log: VenueLog,
    panel: Arc<Panel>,
    next: Cursor,
}

/// When a line of the log has to survive the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    /// Before anybody is told of it.
    Now,
    /// With the next line that has to: nobody was told anything.
    Later,
}

impl Venue {
    /// Notes what the exchange was told and took, where it has a memory.
    pub(crate) fn remember(&mut self, told: VenueInput, durable: Durable) -> Result<()> {
        let Some(replay) = &mut self.replay else {
            return Ok(());
        };
        replay.log.note(told, self.exchange.state())?;
        if durable == Durable::Now {
            replay.log.sync()?;
        }
        Ok(())
    }
}

impl SimulatedBroker {
    /// The venue of a paper account: what it was told before is in the file at `log`, and it comes
    /// back as it was. Permits are redeemed against `gate` at the time of `clock`.
    ///
    /// # Errors
    /// With the operation [`VENUE_STATE`]: `InvalidData` when the log was changed or does not lead to
    /// what it says, for the market data may be others; `Config` when it was begun under other terms;
    /// `Unsupported` when a newer program wrote it; `Unavailable` and `Unauthenticated` as the file
    /// system says.
    pub fn replay(
        terms: ReplayTerms,
        log: &Path,
        gate: Arc<SendGate>,
        clock: Arc<ReplayClock>,
    ) -> Result<Self> {
        let (log, entries) = VenueLog::open(log, &terms.words)?;
        let (exchange, next) = Exchange::rebuild(
            terms.instruments,
            terms.settings,
            terms.rules,
            &terms.panel,
            &entries,
        )
        .map_err(|e| Error::from_domain(VENUE_STATE, e))?;
        let replay = Replay {
            log,
            panel: terms.panel,
            next,
        };
        Ok(Self::over(exchange, Some(replay), gate, clock))
    }

    /// The stage that comes next; `None` for a venue without a market of its own.
    pub fn cursor(&self) -> Option<Cursor> {
        self.venue().replay.as_ref().map(|replay| replay.next)
    }

    /// Whether no order has ever come.
    pub fn is_untouched(&self) -> bool {
        self.venue().exchange.received() == 0
    }

    /// Carries out the stage that comes next, once, at the time of its own; the stages in which the
    /// venue does nothing are passed.
    ///
    /// # Errors
    /// `Unsupported` for a venue without a market of its own; as the log's file says, and then nobody
    /// is told what happened.
    pub fn carry_out(&self) -> Result<Staged> {
        let mut venue = self.venue();
        let Venue {
            exchange, replay, ..
        } = &mut *venue;
        let Some(replay) = replay else {
            let message = "this venue has no market of its own";
            return Err(Error::new(ErrorKind::Unsupported, "carry_out", message)
                .hint("open the venue with a market: SimulatedBroker::replay"));
        };
        let (cursor, panel) = (replay.next, Arc::clone(&replay.panel));
        let idle = exchange.is_idle(cursor, &panel);
        let again = exchange.carry_out(cursor, &panel);
        let quiet = !exchange.has_facts();
        if !again {
            replay.next = cursor.next(exchange.settings().fill_point);
        }
        if !idle {
            // Showing a bar changes nothing here, but what is shown is decided upon.
            let durable = if quiet && cursor.stage != Stage::Show {
                Durable::Later
            } else {
                Durable::Now
            };
            venue.remember(VenueInput::Stage(cursor), durable)?;
        }
        self.publish(&mut venue);
        Ok(Staged {
            again,
            told: venue.told,
        })
    }
}
