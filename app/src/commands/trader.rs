//! What a trader says of itself while it trades: into its file, and to who watches.

use std::fmt;

use ballast_domain::calendar::Calendar;
use ballast_domain::strategy::Schedule;
use ballast_domain::time::Timestamp;

use crate::account_folder::{AccountFolder, TraderPhase, TraderState};
use crate::config::TradeStage;
use crate::drivers::Progress;
use crate::drivers::live::{Ended, Live, Observer, Standing};
use crate::engine::Machine;

/// Seconds of machine time between two words.
const EVERY: f64 = 1.0;

/// What does not change while it trades.
#[derive(Clone, Debug)]
pub(super) struct TraderWords {
    stage: TradeStage,
    currency: String,
    symbols: Vec<(String, u8)>,
    closes: Vec<Timestamp>,
    schedule: Schedule,
    calendar: Calendar,
}

impl TraderWords {
    pub(super) fn new(live: &Live, stage: TradeStage) -> Self {
        let all = live.instruments.all().iter();
        Self {
            stage,
            currency: live.instruments.base().code.clone(),
            symbols: all.map(|i| (i.symbol.clone(), i.quantity_scale)).collect(),
            closes: live.panel.close_times().to_vec(),
            schedule: live.settings.schedule,
            calendar: live.settings.calendar,
        }
    }

    /// The first slot at or after the bar `row`.
    fn next_slot(&self, row: usize) -> Option<Timestamp> {
        let rest = self.closes.get(row..)?.iter().copied();
        let fires = |time: &Timestamp| self.schedule.fires(self.calendar, *time).unwrap_or(false);
        rest.filter(fires).take(1).next()
    }
}

/// A trader's mouth.
pub(super) struct Trader<'a> {
    folder: &'a AccountFolder,
    machine: &'a dyn Machine,
    progress: &'a mut dyn Progress,
    words: TraderWords,
    started: Timestamp,
    said_at: f64,
    standing: Option<Standing>,
    first_time: Option<Timestamp>,
    before: Option<TraderState>,
}

impl fmt::Debug for Trader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trader")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl<'a> Trader<'a> {
    pub(super) fn new(
        folder: &'a AccountFolder,
        machine: &'a dyn Machine,
        progress: &'a mut dyn Progress,
        words: TraderWords,
    ) -> Self {
        Self {
            folder,
            machine,
            progress,
            words,
            started: machine.now(),
            said_at: machine.seconds(),
            standing: None,
            first_time: None,
            before: folder.trader(),
        }
    }

    /// Trading time of the first bar of this session.
    pub(super) const fn first_time(&self) -> Option<Timestamp> {
        self.first_time
    }

    /// Says what it is doing. What cannot be said is not traded by: it only goes unheard.
    pub(super) fn say(&mut self, phase: TraderPhase, ended: Option<&Ended>) {
        self.said_at = self.machine.seconds();
        let before = self.before.as_ref();
        let bars = self
            .standing
            .map_or(before.map_or(0, |b| b.bars), |s| s.bars);
        let time = ended.map(|e| e.time).or(self.standing.map(|s| s.time));
        let state = TraderState {
            v: 1,
            program: concat!("ballast ", env!("CARGO_PKG_VERSION")).to_owned(),
            pid: std::process::id(),
            stage: self.words.stage,
            phase,
            stop: ended.map(|e| e.stop),
            why: ended.and_then(|e| e.why.clone()),
            exit_code: ended.map(|e| e.exit().code()),
            started: self.started,
            updated: self.machine.now(),
            trading_time: time
                .or(before.map(|b| b.trading_time))
                .or(self.words.closes.first().copied())
                .unwrap_or(Timestamp::EPOCH),
            bars,
            bars_in_all: self.words.closes.len(),
            next_slot: self.words.next_slot(bars),
            residuals: ended
                .map(|e| e.residuals)
                .or(self.standing.map(|s| s.residuals))
                .or(before.map(|b| b.residuals))
                .unwrap_or(0),
            equity: ended
                .map(|e| e.equity)
                .or(self.standing.map(|s| s.equity))
                .or(before.map(|b| b.equity))
                .unwrap_or(0.0),
            currency: self.words.currency.clone(),
            symbols: self.words.symbols.clone(),
            alerts: ended.map(|e| e.alerts.clone()).unwrap_or_default(),
        };
        if let Err(e) = self.folder.put_trader(&state) {
            tracing::warn!(error = %e, "the trader's file cannot be written");
        }
    }

    /// Says that it ended with an error.
    pub(super) fn failed(&mut self, why: &str) {
        self.say(TraderPhase::Stopped, None);
        if let Some(mut state) = self.folder.trader() {
            state.why = Some(why.to_owned());
            if let Err(e) = self.folder.put_trader(&state) {
                tracing::warn!(error = %e, "the trader's file cannot be written");
            }
        }
    }
}

impl Observer for Trader<'_> {
    fn begin(&mut self, bars: usize) {
        self.progress.begin(bars);
    }

    fn active(&mut self) {
        self.folder.count_start(|starts| starts.active += 1);
    }

    fn bar(&mut self, standing: &Standing) {
        self.first_time.get_or_insert(standing.time);
        self.standing = Some(*standing);
        self.progress.advance();
    }

    fn turn(&mut self) {
        // A slow market has few bars; who watches from outside still hears a beat a second.
        if self.machine.seconds() - self.said_at >= EVERY {
            let phase = match self.standing {
                Some(_) => TraderPhase::Trading,
                None => TraderPhase::Starting,
            };
            self.say(phase, None);
        }
    }

    fn end(&mut self) {
        self.progress.end();
    }

    fn is_interrupted(&self) -> bool {
        self.progress.is_interrupted()
    }
}
