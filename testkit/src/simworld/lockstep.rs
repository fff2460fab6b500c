//! A day in lockstep: the feed shows what comes next when nothing is on its way any more.
//!
//! The session is the world's own: processes, a disk that takes its time, wires, a venue with its
//! history, oracles. Only the feed differs: it walks the stages of a bar as the backtest driver
//! does, and waits between two of them until the kernel is quiescent.

use ballast_domain::kernel::{Input, Quotes, SizeAt};
use ballast_domain::money::Rate;
use ballast_domain::orders::TimeInForce;
use ballast_domain::simulation::{FillPoint, LimitFills, VenueRules};
use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::planted::Planted;
use super::queue::{Event, Message};
use super::world::World;

/// How a day in lockstep trades. Its wires are short and in order, and its venue tells the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockstep {
    /// Where in a bar orders execute.
    pub fill_point: FillPoint,
    /// At which prices weights become units.
    pub size_at: SizeAt,
    /// How long orders work.
    pub time_in_force: TimeInForce,
    /// Slices between a decision and its taking effect.
    pub signal_lag: usize,
    /// The share of a bar's volume that orders get, in basis points.
    pub participation_bps: Option<u16>,
    /// Whether limits are met inside the bar.
    pub through_bar: bool,
    /// Seed of the delays: nothing but how long each write takes depends on it.
    pub delays: u64,
}

impl Lockstep {
    /// What the venue does beyond a cash account on bars.
    pub(super) fn rules(&self) -> VenueRules {
        let limit_fills = if self.through_bar {
            LimitFills::ThroughBar
        } else {
            LimitFills::AtFillPoint
        };
        VenueRules {
            limit_fills,
            participation: self.participation_bps.map(|b| Rate::from_bps(b.into())),
            ..VenueRules::default()
        }
    }

    /// Whether an order can outlive the fill point it met.
    fn lets_orders_rest(&self) -> bool {
        let rules = self.rules();
        rules.participation.is_some() || rules.limit_fills == LimitFills::ThroughBar
    }
}

/// What of a bar comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The bar begins.
    Begin,
    /// Prices of the fill point, for targets that wait for them.
    Quote,
    /// Executions at the fill point, until nothing executes any more.
    Execute,
    /// Limits the bar trades through.
    Inside,
    /// Marks of the venue.
    Close,
    /// The account is shown the bar.
    Show,
}

/// Where the feed stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    row: usize,
    stage: Stage,
}

impl Feed {
    /// Before the first bar.
    pub(super) const fn new() -> Self {
        Self {
            row: 0,
            stage: Stage::Begin,
        }
    }

    fn point(self, fill_point: FillPoint) -> Stage {
        match (self.stage, fill_point) {
            (Stage::Begin, FillPoint::NextOpen)
            | (Stage::Inside, FillPoint::NextClose)
            | (Stage::Show, FillPoint::SameClose) => Stage::Quote,
            (Stage::Begin, _) => Stage::Inside,
            (Stage::Inside, _) => Stage::Close,
            (Stage::Quote, _) => Stage::Execute,
            (Stage::Execute, FillPoint::NextOpen) => Stage::Inside,
            (Stage::Execute, FillPoint::NextClose) => Stage::Close,
            (Stage::Close, _) => Stage::Show,
            (Stage::Execute, FillPoint::SameClose) | (Stage::Show, _) => Stage::Begin,
        }
    }

    /// On to the next stage.
    fn advance(&mut self, fill_point: FillPoint) {
        self.stage = self.point(fill_point);
        self.row += usize::from(self.stage == Stage::Begin);
    }
}

impl World<'_> {
    /// When the feed's next stage is due by the market's own clock; `None` after the last bar.
    fn feed_due(&self) -> Option<Timestamp> {
        let lockstep = self.plan.lockstep?;
        let (feed, panel) = (self.feed, &self.market.venue);
        let opens = lockstep.fill_point == FillPoint::NextOpen
            && matches!(feed.stage, Stage::Quote | Stage::Execute);
        let times = if opens || feed.stage == Stage::Begin {
            panel.open_times()
        } else {
            panel.close_times()
        };
        times.get(feed.row).copied()
    }

    /// Asks to be called again when the next stage is due.
    pub(super) fn feed_later(&mut self) {
        if let Some(due) = self.feed_due() {
            self.queue.push(due.max(self.now), Event::Feed);
        }
    }

    /// Shows what is due, as long as nothing else is on its way. The market's clock stands still
    /// meanwhile: a stage that comes late comes with its own time.
    pub(super) fn feed(&mut self) {
        let Some(lockstep) = self.plan.lockstep else {
            return;
        };
        let before = (self.feed.row, self.feed.stage);
        let hurries = self.bug == Some(Planted::FeedHurries);
        while (hurries || self.queue.is_quiet())
            && self.feed_due().is_some_and(|due| due <= self.now)
        {
            self.feed_stage(lockstep);
            self.settle();
        }
        let waits = self.feed_due().is_some_and(|due| due > self.now);
        if waits && before != (self.feed.row, self.feed.stage) {
            self.feed_later();
        }
    }

    fn feed_stage(&mut self, lockstep: Lockstep) {
        let row = self.feed.row;
        let at = self.feed_due().unwrap_or(self.now);
        let rests = lockstep.lets_orders_rest();
        let Some(slice) = self.market.venue.slice(row) else {
            return;
        };
        match self.feed.stage {
            Stage::Begin => {
                if rests {
                    self.venue.core.begin_bar(&slice);
                    self.venue.hear_core(self.now);
                }
            }
            Stage::Quote => {
                let field = lockstep.fill_point.field();
                let ids = self.instruments.ids();
                let prices: Vec<_> = ids.map(|id| slice.value(id, field)).collect();
                let wants = |p: &&super::process::Process| p.kernel.wants_quotes();
                if lockstep.size_at == SizeAt::Fill
                    && let Some(id) = self.writer().filter(wants).map(|p| p.id)
                {
                    self.step(id, Input::Quotes(&Quotes { prices: &prices }));
                }
            }
            Stage::Execute => {
                if self.venue.core.has_work() {
                    self.venue.core.execute(&slice, at);
                    if self.venue.hear_core(self.now) > 0 {
                        return;
                    }
                    self.venue.expire(&slice, self.now);
                }
            }
            Stage::Inside => {
                if rests {
                    self.venue.core.execute_through_bar(&slice, at);
                    if self.venue.hear_core(self.now) > 0 {
                        return;
                    }
                }
            }
            Stage::Close => {
                self.venue.core.note_closes(&slice);
                if rests {
                    self.venue.core.end_bar(&slice);
                    self.venue.hear_core(self.now);
                }
                self.note_prices(row);
            }
            Stage::Show => {
                if let Some(id) = self.writer().map(|p| p.id) {
                    let message = Message::Slice(row);
                    self.queue.push(self.now, Event::Deliver(id, message));
                }
            }
        }
        self.feed.advance(lockstep.fill_point);
    }
}
