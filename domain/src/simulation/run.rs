//! The backtest driver: a synchronous loop without I/O around kernel and exchange.

use std::ops::Range;

use super::exchange::Exchange;
use super::fill_point::FillPoint;
use super::limit_orders;
use super::run_end::check_end;
use super::sink::{BarClose, Sink, step, step_inlined};
use crate::error::{Error, Result};
use crate::indicators::CacheUse;
use crate::instrument::InstrumentId;
use crate::kernel::{
    Action, AdjustmentKind, BatchId, Counts, Effects, Fact, Input, Kernel, Query, Quotes,
    SendPermit, Severity, SizeAt, TimerId,
};
use crate::market::{Fields, Panel, PriceBasis, Slice};
use crate::orders::TimeInForce;
use crate::portfolio::MarginModel;
use crate::strategy::Strategy;
use crate::time::Timestamp;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTotals {
    /// Slices delivered.
    pub bars: usize,
    /// The order path, stage by stage.
    pub counts: Counts,
    /// Orders the exchange received.
    pub sends: u64,
    /// Orders that still waited for a fill point when the data ended.
    pub open_orders: usize,
    /// What was worth saying and did not stop the run.
    pub warnings: Vec<Error>,
    /// How the values that parts of the strategy share were used.
    pub cache_use: CacheUse,
}

/// Runs a kernel against an exchange over all slices of a panel.
///
/// At one instant: corporate actions, then executions, then marks, then decisions. Orders sent in
/// answer to executions execute at the same instant, until nothing happens any more.
///
/// After a liquidation the run goes on with a warning. The kernel only reduces that instrument from
/// then on, as it does with whatever a venue changes unasked.
///
/// # Errors
/// `DataMissing` or `DataValidation` when the panel cannot serve the strategy or the fill point;
/// the error of an alert; the sink's error; and `Invariant` when at the end verdicts and intents,
/// permits and sends, or the two accounts do not agree, or equity is not positive (on margin that is
/// `Execution`: it can happen to anybody).
pub fn run<S: Strategy, K: Sink + ?Sized>(
    kernel: &mut Kernel<S>,
    exchange: &mut Exchange,
    panel: &Panel,
    sink: &mut K,
) -> Result<RunTotals> {
    check_data(kernel, exchange, panel)?;
    let mut driver = Driver {
        point: exchange.settings().fill_point,
        plain: exchange.rules().is_plain(),
        notes_each_close: !closes_can_wait(exchange, panel),
        quiet_bars: exchange.rules().is_plain() && closes_can_wait(exchange, panel),
        sizes_at_fill: kernel.settings().size_at == SizeAt::Fill,
        kernel,
        exchange,
        unspent: 0,
        sink,
        effects: Effects::new(),
        quotes: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some(first) = panel.open_times().first() {
        driver.settle(*first)?;
    }
    // No bar asks for actions but those that have some, and none for its place but the one before.
    let mut acted = panel.next_actions(0).unwrap_or(panel.len());
    for slice in panel.slices() {
        let row = slice.index();
        if row == acted {
            driver.apply(panel.actions_in(row), &slice)?;
            acted = panel.next_actions(row + 1).unwrap_or(panel.len());
        }
        driver.bar(&slice, row + 1 == acted)?;
    }
    let (warnings, unspent) = (std::mem::take(&mut driver.warnings), driver.unspent);
    check_end(kernel, exchange, unspent)?;
    Ok(RunTotals {
        bars: panel.len(),
        counts: kernel.counts(),
        sends: exchange.received(),
        open_orders: exchange.working().len(),
        warnings,
        cache_use: kernel.strategy().cache_use(),
    })
}

/// Whether closes need noting only before corporate actions and at the end: nothing else goes by
/// them in an account without margin, and without holes those of a later row replace them all.
fn closes_can_wait(exchange: &Exchange, panel: &Panel) -> bool {
    let rules = exchange.rules();
    let first = panel.slices().next();
    let without_holes = first.is_some_and(|s| s.full_closes().is_some());
    rules.is_plain() && rules.margin.is_none() && without_holes
}

/// Refuses data that cannot mean what the strategy or the fill point needs. [`run`] begins with it;
/// whoever walks the stages by hand begins with it too.
///
/// # Errors
/// As the first ones of [`run`].
pub fn check_data<S: Strategy>(
    kernel: &Kernel<S>,
    exchange: &Exchange,
    panel: &Panel,
) -> Result<()> {
    if panel.lanes() != kernel.instruments().len() {
        return Err(Error::backtest_invariant(
            "panel and registry have different numbers of instruments",
        )
        .context("panel", panel.lanes())
        .context("registry", kernel.instruments().len()));
    }
    exchange.settings().validate()?;
    exchange.rules().validate(kernel.instruments())?;
    let model = exchange.rules().account_model();
    if model == MarginModel::CrossMarginedPerpetual {
        return Err(Error::config(
            "the account's books cannot follow a perpetual's collateral yet",
        )
        .context("key", "margin.model")
        .hint("drive the exchange by hand, or use a cash or margin account"));
    }
    if model != kernel.settings().margin {
        return Err(Error::config(
            "kernel and exchange differ about what kind of account they keep",
        )
        .context("key", "account.margin")
        .hint("give the venue margin terms exactly when the account is on margin"));
    }
    limit_orders::check(kernel.settings(), exchange, panel.basis())?;
    let requirements = kernel.requirements();
    let point = exchange.settings().fill_point;
    let waits = kernel.settings().time_in_force;
    let auctions = [TimeInForce::AtOpen, TimeInForce::AtClose];
    if auctions.contains(&waits) && waits != point.time_in_force() {
        return Err(
            Error::config("orders wait for another auction than the one they fill in")
                .context("time_in_force", format!("{waits:?}"))
                .context("fill_point", point.name())
                .hint("use the fill point's own time in force, or day or gtc"),
        );
    }
    let missing = requirements
        .fields
        .union(Fields::of(&[point.field()]))
        .union(exchange.rules().fields())
        .missing_from(panel.fields());
    if !missing.is_empty() {
        return Err(
            Error::missing(format!("missing columns: {}", missing.join(", ")))
                .context("strategy", kernel.strategy().name())
                .context("fill_point", point.name())
                .hint("use data with these columns, or a strategy and fill point that do without"),
        );
    }
    if requirements.level_dependent && panel.basis() == PriceBasis::BackAdjusted {
        return Err(
            Error::validation("a rule on price levels cannot use back-adjusted prices")
                .context("strategy", kernel.strategy().name())
                .hint(
                    "every back-adjusted level depends on the future: use raw prices with their \
                 corporate actions",
                ),
        );
    }
    Ok(())
}

struct Driver<'a, S, K: ?Sized> {
    // What does not change during a run, so that no bar asks for it.
    point: FillPoint,
    plain: bool,
    notes_each_close: bool,
    /// Whether a bar at which nothing waits to be executed has nothing to do before its close.
    quiet_bars: bool,
    sizes_at_fill: bool,
    kernel: &'a mut Kernel<S>,
    exchange: &'a mut Exchange,
    unspent: u64,
    sink: &'a mut K,
    effects: Effects,
    quotes: Vec<Option<f64>>,
    warnings: Vec<Error>,
}

impl<S: Strategy, K: Sink + ?Sized> Driver<'_, S, K> {
    /// `notes_close` where actions or the end follow.
    #[inline]
    fn bar(&mut self, slice: &Slice<'_>, notes_close: bool) -> Result<()> {
        let close = slice.time();
        if notes_close || !self.quiet_bars || self.fills() {
            self.before_close(slice, notes_close)?;
        }
        // Inlined here and nowhere else: a quiet bar is this call and little more.
        step_inlined(
            self.kernel,
            self.sink,
            &mut self.effects,
            close,
            Input::Slice(slice),
        );
        if self.is_asked() || self.point == FillPoint::SameClose {
            self.after_close(slice, close)?;
        }
        let account = self.kernel.account();
        let equity = account.equity();
        // False for what is no finite number.
        if !(equity > 0.0 && equity <= f64::MAX) {
            return Err(self.ruined(close, equity));
        }
        self.sink.bar(&BarClose {
            slice: *slice,
            account,
            instruments: self.kernel.instruments(),
        })
    }

    /// Everything of a bar that comes before anybody is shown it.
    #[inline(never)]
    fn before_close(&mut self, slice: &Slice<'_>, notes_close: bool) -> Result<()> {
        let (point, close) = (self.point, slice.time());
        if !self.plain {
            self.begin_bar(slice)?;
        }
        if point == FillPoint::NextOpen && self.fills() {
            let open = self.opening(slice);
            self.fill_point(slice, open)?;
        }
        if !self.plain {
            self.inside_bar(slice, close)?;
        }
        if point == FillPoint::NextClose && self.fills() {
            self.fill_point(slice, close)?;
        }
        if notes_close || self.notes_each_close {
            self.exchange.note_closes(slice);
        }
        if !self.plain {
            self.end_bar(slice, close)?;
        }
        Ok(())
    }

    /// What follows from a decision, at its own close too where that is the fill point.
    #[inline(never)]
    fn after_close(&mut self, slice: &Slice<'_>, close: Timestamp) -> Result<()> {
        self.settle(close)?;
        if self.point == FillPoint::SameClose {
            if self.fills() {
                self.fill_point(slice, close)?;
            }
            self.kernel.renew_equity();
        }
        Ok(())
    }

    #[inline(never)]
    fn apply(
        &mut self,
        actions: &[(usize, InstrumentId, crate::market::CorporateAction)],
        slice: &Slice<'_>,
    ) -> Result<()> {
        for (_, id, action) in actions {
            self.exchange.apply(*id, action, slice);
        }
        self.settle(self.opening(slice))
    }

    /// When a bar opens; never before what happened last.
    fn opening(&self, slice: &Slice<'_>) -> Timestamp {
        slice.open_time().max(self.kernel.now())
    }

    #[cold]
    fn ruined(&self, close: Timestamp, equity: f64) -> Error {
        if equity.is_finite() && self.exchange.rules().margin.is_some() {
            return Error::insufficient_capital(
                "the margin account has lost all of its equity",
                Some(equity.to_string()),
                None,
            )
            .context("time", close)
            .context("equity", equity)
            .hint(
                "a venue with a maintenance requirement closes positions before that, as far as \
                 prices let it: lower risk.max_gross, or risk less on one name",
            );
        }
        Error::backtest_invariant("equity is not a positive number")
            .context("time", close)
            .context("equity", equity)
            .hint("check the prices at this time; an account without money cannot go on")
    }

    /// What comes before the executions at an open: funding on what is held, and day orders whose
    /// session is over.
    #[inline(never)]
    fn begin_bar(&mut self, slice: &Slice<'_>) -> Result<()> {
        let open = self.opening(slice);
        self.exchange.settle_funding(open);
        self.exchange.begin_bar(slice);
        self.settle(open)
    }

    /// What happens between open and close: funding, then limits the bar trades through.
    #[inline(never)]
    fn inside_bar(&mut self, slice: &Slice<'_>, close: Timestamp) -> Result<()> {
        self.exchange.settle_funding(close);
        self.settle(close)?;
        while self.exchange.execute_through_bar(slice, close) > 0 {
            self.settle(close)?;
        }
        Ok(())
    }

    /// What follows from the marks at a close, before anybody decides.
    #[inline(never)]
    fn end_bar(&mut self, slice: &Slice<'_>, close: Timestamp) -> Result<()> {
        self.exchange.end_bar(slice);
        self.exchange.maintain(close);
        self.settle(close)
    }

    /// Whether a fill point has anything to do; at most bars it has not.
    #[inline(always)]
    fn fills(&self) -> bool {
        self.exchange.has_work() || self.wants_quotes()
    }

    #[inline(always)]
    fn wants_quotes(&self) -> bool {
        self.sizes_at_fill && self.kernel.wants_quotes()
    }

    /// Executes at one instant until nothing happens any more.
    #[inline(never)]
    fn fill_point(&mut self, slice: &Slice<'_>, now: Timestamp) -> Result<()> {
        if self.wants_quotes() {
            self.quote(slice, now)?;
        }
        if !self.exchange.has_work() {
            return Ok(());
        }
        while self.exchange.has_work() && self.exchange.execute(slice, now) > 0 {
            self.settle(now)?;
        }
        self.settle(now)?;
        if self.exchange.has_work() {
            self.exchange.expire(slice);
            self.settle(now)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn quote(&mut self, slice: &Slice<'_>, now: Timestamp) -> Result<()> {
        let field = self.exchange.settings().fill_point.field();
        self.quotes.clear();
        if let Some(prices) = slice.full(field) {
            self.quotes.extend(prices.iter().copied().map(Some));
        } else {
            let lanes = (0..slice.lanes()).map(InstrumentId::from_index);
            self.quotes.extend(lanes.map(|id| slice.value(id, field)));
        }
        let quotes = Quotes {
            prices: &self.quotes,
        };
        let (kernel, effects) = (&mut self.kernel, &mut self.effects);
        step(kernel, self.sink, effects, now, Input::Quotes(&quotes));
        self.settle(now)
    }

    /// Carries out effects and delivers facts until both are used up.
    #[inline(always)]
    fn settle(&mut self, now: Timestamp) -> Result<()> {
        if self.is_asked() {
            self.settle_all(now)
        } else {
            Ok(())
        }
    }

    /// Whether an effect or a fact waits; at most bars none does.
    #[inline(always)]
    fn is_asked(&self) -> bool {
        self.effects.has_actions() || self.exchange.has_facts()
    }

    #[inline(never)]
    fn settle_all(&mut self, now: Timestamp) -> Result<()> {
        let mut foreseen = false;
        loop {
            while let Some(action) = self.effects.next_action() {
                match action {
                    Action::Persist(id, range) => self.persist(id, range, now)?,
                    Action::Send(permit) => self.send(permit, now),
                    Action::Cancel(_, client_id) => self.exchange.cancel(client_id),
                    Action::Alert(Severity::Error, error) if !foreseen => return Err(error),
                    // Foreseen, the venue did what its terms say: what is left trades on.
                    Action::Alert(_, error) => self.warnings.push(error),
                    Action::Query(query) => return Err(unanswered(&query)),
                    Action::Arm(timer, _) => return Err(without_timers(timer)),
                }
            }
            // Read where it is: facts are large.
            let Some(fact) = self.exchange.facts.front() else {
                return Ok(());
            };
            foreseen =
                matches!(fact, Fact::Adjusted { kind, .. } if *kind == AdjustmentKind::Liquidation);
            let (kernel, effects) = (&mut self.kernel, &mut self.effects);
            step(kernel, self.sink, effects, now, Input::Fact(fact));
            self.exchange.facts.pop_front();
        }
    }

    #[inline]
    fn persist(&mut self, id: BatchId, range: Range<usize>, now: Timestamp) -> Result<()> {
        self.sink.records(&self.effects.records[range])?;
        self.step(now, Input::Persisted(id));
        Ok(())
    }

    fn send(&mut self, permit: SendPermit, now: Timestamp) {
        match permit.redeem(self.kernel.gate(), now) {
            Ok(order) => self.exchange.submit_at(order, now),
            Err(unspent) => {
                self.unspent += 1;
                let fact = Fact::NotSent {
                    client_id: unspent.intent().client_id,
                    reason: "the send gate refused the permit".into(),
                };
                self.step(now, Input::Fact(&fact));
            }
        }
    }

    #[inline]
    fn step(&mut self, now: Timestamp, input: Input<'_>) {
        let (kernel, effects) = (&mut self.kernel, &mut self.effects);
        step(kernel, self.sink, effects, now, input);
    }
}

fn unanswered(query: &Query) -> Error {
    Error::backtest_invariant("the exchange core answers everything at once")
        .context("query", format!("{query:?}"))
}

fn without_timers(timer: TimerId) -> Error {
    Error::backtest_invariant("no timer runs in a backtest").context("timer", timer.0)
}
