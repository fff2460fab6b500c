//! The backtest driver: a synchronous loop without I/O around kernel and exchange.

use std::collections::vec_deque;

use super::exchange::Exchange;
use super::fill_point::FillPoint;
use super::limit_orders;
use crate::error::{Error, Result};
use crate::indicators::CacheUse;
use crate::instrument::{InstrumentId, Instruments};
use crate::kernel::{
    Action, AdjustmentKind, Counts, Effects, Fact, Input, Kernel, Quotes, Record, Severity, SizeAt,
};
use crate::market::{Fields, Panel, PriceBasis, Slice};
use crate::orders::TimeInForce;
use crate::portfolio::{Account, MarginModel};
use crate::strategy::Strategy;
use crate::time::Timestamp;

/// The end of one bar: what a run directory or a progress bar may want to know.
#[derive(Clone, Copy, Debug)]
pub struct BarClose<'a> {
    /// The slice that closed.
    pub slice: Slice<'a>,
    /// The account after everything that happened at this instant.
    pub account: &'a Account,
    /// The instruments.
    pub instruments: &'a Instruments,
}

/// One step of the kernel: what it was told, and what it asked for.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// When.
    pub now: Timestamp,
    /// What it was told.
    pub input: Input<'a>,
    /// What it recorded.
    pub records: &'a [Record],
    /// What is to be done, in order.
    pub actions: vec_deque::Iter<'a, Action>,
}

/// Where records and bar closes go. Records are durable when `records` returns.
pub trait Sink {
    /// Takes one batch of records.
    ///
    /// # Errors
    /// Whatever keeps them from being kept; the run stops.
    fn records(&mut self, records: &[Record]) -> Result<()>;

    /// The kernel took an input. Whoever keeps these has a tape of the run; most do not.
    #[inline]
    fn step(&mut self, _: &Step<'_>) {}

    /// A bar is complete.
    ///
    /// # Errors
    /// Whatever the sink cannot cope with; the run stops.
    fn bar(&mut self, close: &BarClose<'_>) -> Result<()>;
}

/// Keeps nothing.
impl Sink for () {
    fn records(&mut self, _: &[Record]) -> Result<()> {
        Ok(())
    }

    fn bar(&mut self, _: &BarClose<'_>) -> Result<()> {
        Ok(())
    }
}

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
    for (row, slice) in panel.slices().enumerate() {
        driver.bar(&slice, panel.actions_in(row))?;
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

/// Refuses data that cannot mean what the strategy or the fill point needs.
fn check_data<S: Strategy>(kernel: &Kernel<S>, exchange: &Exchange, panel: &Panel) -> Result<()> {
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

/// What must hold when the data ends.
fn check_end<S: Strategy>(kernel: &Kernel<S>, exchange: &Exchange, unspent: u64) -> Result<()> {
    let counts = kernel.counts();
    let broken = |what: &str, left: String, right: String| {
        Err(
            Error::backtest_invariant(format!("{what} do not agree at the end of the run"))
                .context("left", left)
                .context("right", right)
                .hint("this is a bug; please report it with the run's config"),
        )
    };
    if counts.intents != counts.verdicts {
        return broken(
            "intents and verdicts",
            counts.intents.to_string(),
            counts.verdicts.to_string(),
        );
    }
    if counts.permits != exchange.received() + unspent {
        return broken(
            "permits and sends",
            counts.permits.to_string(),
            exchange.received().to_string(),
        );
    }
    let account = kernel.account();
    if account.cash() != exchange.cash() {
        return broken(
            "our cash and the exchange's",
            account.cash().units().to_string(),
            exchange.cash().units().to_string(),
        );
    }
    for id in kernel.instruments().ids() {
        let (ours, theirs) = (account.position(id).quantity, exchange.position(id));
        if ours != theirs {
            return broken(
                "our position and the exchange's",
                ours.units().to_string(),
                theirs.units().to_string(),
            );
        }
    }
    let set_aside = kernel.exposure().reserved_cash();
    if exchange.working().is_empty() && !set_aside.is_zero() {
        return broken(
            "cash set aside and working orders",
            set_aside.units().to_string(),
            "0".to_owned(),
        );
    }
    let trial = account.ledger().trial_balance();
    if !trial.is_zero() {
        return broken(
            "debits and credits",
            trial.units().to_string(),
            "0".to_owned(),
        );
    }
    Ok(())
}

struct Driver<'a, S, K: ?Sized> {
    kernel: &'a mut Kernel<S>,
    exchange: &'a mut Exchange,
    unspent: u64,
    sink: &'a mut K,
    effects: Effects,
    quotes: Vec<Option<f64>>,
    warnings: Vec<Error>,
}

impl<S: Strategy, K: Sink + ?Sized> Driver<'_, S, K> {
    #[inline]
    fn bar(
        &mut self,
        slice: &Slice<'_>,
        actions: &[(usize, InstrumentId, crate::market::CorporateAction)],
    ) -> Result<()> {
        let point = self.exchange.settings().fill_point;
        let (open, close) = (slice.open_time().max(self.kernel.now()), slice.time());
        if !actions.is_empty() {
            for (_, id, action) in actions {
                self.exchange.apply(*id, action, slice);
            }
            self.settle(open)?;
        }
        let plain = self.exchange.rules().is_plain();
        if !plain {
            self.begin_bar(slice, open)?;
        }
        if point == FillPoint::NextOpen {
            self.fill_point(slice, open)?;
        }
        if !plain {
            self.inside_bar(slice, close)?;
        }
        if point == FillPoint::NextClose {
            self.fill_point(slice, close)?;
        }
        self.exchange.note_closes(slice);
        if !plain {
            self.end_bar(slice, close)?;
        }
        self.step(close, Input::Slice(slice));
        self.settle(close)?;
        if point == FillPoint::SameClose {
            self.fill_point(slice, close)?;
        }
        let account = self.kernel.account();
        let equity = account.equity();
        let on_margin = self.exchange.rules().margin.is_some();
        if equity.is_finite() && equity <= 0.0 && on_margin {
            return Err(Error::insufficient_capital(
                "the margin account has lost all of its equity",
                Some(equity.to_string()),
                None,
            )
            .context("time", close)
            .context("equity", equity)
            .hint(
                "a venue with a maintenance requirement closes positions before that, as \
                     far as prices let it: lower risk.max_gross, or risk less on one name",
            ));
        }
        if equity <= 0.0 || !equity.is_finite() {
            return Err(Error::backtest_invariant("equity is not a positive number")
                .context("time", close)
                .context("equity", equity)
                .hint("check the prices at this time; an account without money cannot go on"));
        }
        self.sink.bar(&BarClose {
            slice: *slice,
            account,
            instruments: self.kernel.instruments(),
        })
    }

    /// What comes before the executions at an open: funding on what is held, and day orders whose
    /// session is over.
    fn begin_bar(&mut self, slice: &Slice<'_>, open: Timestamp) -> Result<()> {
        self.exchange.settle_funding(open);
        self.exchange.begin_bar(slice);
        self.settle(open)
    }

    /// What happens between open and close: funding, then limits the bar trades through.
    fn inside_bar(&mut self, slice: &Slice<'_>, close: Timestamp) -> Result<()> {
        self.exchange.settle_funding(close);
        self.settle(close)?;
        while self.exchange.execute_through_bar(slice, close) > 0 {
            self.settle(close)?;
        }
        Ok(())
    }

    /// What follows from the marks at a close, before anybody decides.
    fn end_bar(&mut self, slice: &Slice<'_>, close: Timestamp) -> Result<()> {
        self.exchange.end_bar(slice);
        self.exchange.maintain(close);
        self.settle(close)
    }

    /// Executes at one instant until nothing happens any more.
    #[inline]
    fn fill_point(&mut self, slice: &Slice<'_>, now: Timestamp) -> Result<()> {
        if self.kernel.settings().size_at == SizeAt::Fill && self.kernel.wants_quotes() {
            self.quote(slice, now)?;
        }
        if !self.exchange.has_work() {
            return Ok(());
        }
        while self.exchange.execute(slice, now) > 0 {
            self.settle(now)?;
        }
        self.settle(now)?;
        if self.exchange.has_work() {
            self.exchange.expire(slice);
            self.settle(now)?;
        }
        Ok(())
    }

    fn quote(&mut self, slice: &Slice<'_>, now: Timestamp) -> Result<()> {
        let field = self.exchange.settings().fill_point.field();
        self.quotes.clear();
        self.quotes
            .extend((0..slice.lanes()).map(|i| slice.value(InstrumentId::from_index(i), field)));
        let prices = std::mem::take(&mut self.quotes);
        self.step(now, Input::Quotes(&Quotes { prices: &prices }));
        self.quotes = prices;
        self.settle(now)
    }

    /// Carries out effects and delivers facts until both are used up.
    #[inline]
    fn settle(&mut self, now: Timestamp) -> Result<()> {
        let mut foreseen = false;
        loop {
            while let Some(action) = self.effects.next_action() {
                match action {
                    // The venue did what its terms say. What is left of the account trades on.
                    Action::Alert(Severity::Error, error) if foreseen => self.warnings.push(error),
                    action => self.carry_out(action, now)?,
                }
            }
            let Some(fact) = self.exchange.next_fact() else {
                return Ok(());
            };
            foreseen = matches!(&fact, Fact::Adjusted { kind, .. } if *kind == AdjustmentKind::Liquidation);
            self.step(now, Input::Fact(&fact));
        }
    }

    #[inline]
    fn step(&mut self, now: Timestamp, input: Input<'_>) {
        let (records, actions) = (self.effects.records.len(), self.effects.actions.len());
        self.kernel.step(now, input, &mut self.effects);
        self.sink.step(&Step {
            now,
            input,
            records: &self.effects.records[records..],
            actions: self.effects.actions.range(actions..),
        });
    }

    fn carry_out(&mut self, action: Action, now: Timestamp) -> Result<()> {
        match action {
            Action::Persist(id, range) => {
                self.sink.records(&self.effects.records[range])?;
                self.step(now, Input::Persisted(id));
            }
            Action::Send(permit) => match permit.redeem(self.kernel.gate(), now) {
                Ok(order) => self.exchange.submit_at(order, now),
                Err(unspent) => {
                    self.unspent += 1;
                    let fact = Fact::NotSent {
                        client_id: unspent.intent().client_id,
                        reason: "the send gate refused the permit".into(),
                    };
                    self.step(now, Input::Fact(&fact));
                }
            },
            Action::Cancel(_, client_id) => self.exchange.cancel(client_id),
            Action::Query(query) => {
                return Err(Error::backtest_invariant(
                    "the exchange core answers everything at once",
                )
                .context("query", format!("{query:?}")));
            }
            Action::Arm(timer, _) => {
                return Err(Error::backtest_invariant("no timer runs in a backtest")
                    .context("timer", timer.0));
            }
            Action::Alert(Severity::Error, error) => return Err(error),
            Action::Alert(Severity::Warning, error) => self.warnings.push(error),
        }
        Ok(())
    }
}
