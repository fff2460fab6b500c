//! Round trips: what each holding of an instrument earned, from flat to flat, to the last unit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::money::{Cash, Price, Quantity, Rounding, divide};
use crate::time::Timestamp;

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRow {
    /// When it happened, in trading time.
    pub time: Timestamp,
    /// Dense index of the instrument.
    pub instrument: u32,
    /// Signed: positive buys, negative sells. Never zero.
    pub quantity: Quantity,
    /// Price per unit, on the instrument's scale.
    pub price: Price,
    /// Value of the fill in account currency, without sign.
    pub notional: Cash,
    /// Fee in account currency; positive costs, negative is a rebate.
    pub fee: Cash,
}

/// A change of a holding that is not a trade: a split, a dividend, funding, borrow cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// When it took effect.
    pub time: Timestamp,
    /// Dense index of the instrument.
    pub instrument: u32,
    /// Units gained or lost without trading, as by a split; zero for pure cash.
    pub quantity: Quantity,
    /// Cash received (positive) or paid (negative).
    pub cash: Cash,
}

/// What changes a holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeEvent {
    /// An execution.
    Fill(FillRow),
    /// A corporate action or a posting.
    Adjustment(Adjustment),
}

impl TradeEvent {
    const fn time(&self) -> Timestamp {
        match self {
            Self::Fill(f) => f.time,
            Self::Adjustment(a) => a.time,
        }
    }
}

/// The value at which a position still open at the end is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMark {
    /// Dense index of the instrument.
    pub instrument: u32,
    /// When the mark was taken; becomes the exit time of the open trade.
    pub time: Timestamp,
    /// Mark price per unit.
    pub price: Price,
    /// Value of the whole position, signed: negative for a short.
    pub value: Cash,
}

/// Which way a trade was exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeSide {
    /// Bought first.
    Long,
    /// Sold first.
    Short,
}

/// One holding of one instrument, from flat to flat. A fill through zero ends one and begins the
/// next, its notional and fee shared in proportion to quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trade {
    /// Dense index of the instrument.
    pub instrument: u32,
    /// Long or short.
    pub side: TradeSide,
    /// Time of the first fill.
    pub entry_time: Timestamp,
    /// Time of the fill that closed it, or of the mark when open.
    pub exit_time: Timestamp,
    /// The largest position held, without sign.
    pub max_quantity: Quantity,
    /// Mean price of the fills that added to the position, weighted by quantity, to the nearest
    /// unit. For display: with a split in between, prices before and after are not comparable.
    pub entry_price: Price,
    /// Mean price of the fills that reduced the position, or of those and the mark when open.
    pub exit_price: Price,
    /// Notional of the fills that added to the position.
    pub entry_notional: Cash,
    /// Sales less purchases, plus the mark when open. Exact; without fees and income.
    pub gross_pnl: Cash,
    /// Fees paid.
    pub fees: Cash,
    /// Dividends, funding and the like received while holding; negative when paid.
    pub income: Cash,
    /// `gross_pnl - fees + income`.
    pub net_pnl: Cash,
    /// `net_pnl / entry_notional`; `None` for a notional of zero.
    #[serde(rename = "return")]
    pub net_return: Option<f64>,
    /// Bars of the timeline after the entry, up to and including the exit.
    pub bars_held: usize,
    /// Whether the position was still open at the end.
    pub open: bool,
}

/// All trades of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundTrips {
    /// In order of exit; trades still open come last, by instrument.
    pub trades: Vec<Trade>,
    /// Cash of adjustments that fell on no holding. The net results of all trades plus this equal
    /// the cash and marks the events brought in, to the last unit.
    pub unattributed: Cash,
}

/// Round trips of `events`, which are in time order.
///
/// `marks` values what is open at the end; `timeline` (ascending bar times) counts bars held.
///
/// # Errors
/// `Invariant` when times run backwards, a fill has no quantity or a negative price or notional,
/// or an adjustment changes units where nothing is held. `DataMissing` when an open position has
/// no mark.
pub fn round_trips(
    events: &[TradeEvent],
    marks: &[OpenMark],
    timeline: &[Timestamp],
) -> Result<RoundTrips> {
    let mut holdings: BTreeMap<u32, Holding> = BTreeMap::new();
    let mut trades = Vec::new();
    let mut unattributed = Cash::ZERO;
    let mut before = Timestamp::MIN;
    for event in events {
        if event.time() < before {
            return Err(Error::invariant("trade events must be in time order")
                .context("time", event.time())
                .context("after", before));
        }
        before = event.time();
        match event {
            TradeEvent::Fill(fill) => {
                check_fill(fill)?;
                let mut rest = *fill;
                if let Some(holding) = holdings.get_mut(&fill.instrument)
                    && let Some(closing) = holding.closing_part(fill)
                {
                    holding.add(&closing);
                    rest = remainder(fill, &closing);
                    if let Some(done) = holdings.remove(&fill.instrument) {
                        trades.push(done.finish(closing.time, None, timeline));
                    }
                }
                if !rest.quantity.is_zero() {
                    holdings
                        .entry(rest.instrument)
                        .or_insert_with(|| Holding::opened_by(&rest))
                        .add(&rest);
                }
            }
            TradeEvent::Adjustment(a) => match holdings.get_mut(&a.instrument) {
                Some(holding) => holding.adjust(a)?,
                None if a.quantity.is_zero() => unattributed += a.cash,
                None => {
                    return Err(
                        Error::invariant("an adjustment changes units of nothing held")
                            .context("instrument", a.instrument)
                            .context("time", a.time)
                            .hint("post splits only for instruments with a position"),
                    );
                }
            },
        }
    }
    for (instrument, holding) in holdings {
        let mark = marks
            .iter()
            .find(|m| m.instrument == instrument)
            .ok_or_else(|| {
                Error::missing("an open position has no mark")
                    .context("instrument", instrument)
                    .hint("value every open position at the last bar")
            })?;
        trades.push(holding.finish(mark.time, Some(mark), timeline));
    }
    Ok(RoundTrips {
        trades,
        unattributed,
    })
}

fn check_fill(fill: &FillRow) -> Result<()> {
    if fill.quantity.is_zero() || fill.notional.is_negative() {
        return Err(
            Error::invariant("a fill has a quantity and no negative notional")
                .context("instrument", fill.instrument)
                .context("time", fill.time)
                .context("quantity", fill.quantity.units())
                .context("notional", fill.notional.units()),
        );
    }
    Ok(())
}

/// What is left of `fill` without `part`.
fn remainder(fill: &FillRow, part: &FillRow) -> FillRow {
    FillRow {
        quantity: fill.quantity - part.quantity,
        notional: fill.notional - part.notional,
        fee: fill.fee - part.fee,
        ..*fill
    }
}

/// A position being held, and what it has cost and brought so far.
struct Holding {
    instrument: u32,
    side: TradeSide,
    entry_time: Timestamp,
    position: Quantity,
    max_quantity: Quantity,
    entry: PriceMean,
    exit: PriceMean,
    entry_notional: Cash,
    gross: Cash,
    fees: Cash,
    income: Cash,
}

impl Holding {
    /// Empty, on the side of `fill`.
    fn opened_by(fill: &FillRow) -> Self {
        Self {
            instrument: fill.instrument,
            side: if fill.quantity.is_positive() {
                TradeSide::Long
            } else {
                TradeSide::Short
            },
            entry_time: fill.time,
            position: Quantity::ZERO,
            max_quantity: Quantity::ZERO,
            entry: PriceMean::default(),
            exit: PriceMean::default(),
            entry_notional: Cash::ZERO,
            gross: Cash::ZERO,
            fees: Cash::ZERO,
            income: Cash::ZERO,
        }
    }

    /// The part of `fill` that brings this position to zero, if it reaches zero.
    fn closing_part(&self, fill: &FillRow) -> Option<FillRow> {
        let opposite = self.position.is_positive() != fill.quantity.is_positive();
        if !opposite || fill.quantity.abs() < self.position.abs() {
            return None;
        }
        let (part, whole) = (
            i128::from(self.position.abs().units()),
            i128::from(fill.quantity.abs().units()),
        );
        // The division is exact whenever price times quantity fits the cash scale; what it cuts
        // off otherwise goes to the remainder, so nothing is lost. Whole and rest are divided
        // apart because a large amount at a fine scale times a quantity leaves i128.
        let share = |c: Cash| {
            let rest = divide(c.units() % whole * part, whole, Rounding::TowardZero);
            Cash::from_units(c.units() / whole * part + rest)
        };
        Some(FillRow {
            quantity: -self.position,
            notional: share(fill.notional),
            fee: share(fill.fee),
            ..*fill
        })
    }

    fn add(&mut self, fill: &FillRow) {
        let adds = fill.quantity.is_positive() == (self.side == TradeSide::Long);
        if adds {
            self.entry.add(fill.price, fill.quantity);
            self.entry_notional += fill.notional;
        } else {
            self.exit.add(fill.price, fill.quantity);
        }
        self.gross += if fill.quantity.is_positive() {
            -fill.notional
        } else {
            fill.notional
        };
        self.fees += fill.fee;
        self.position += fill.quantity;
        self.max_quantity = self.max_quantity.max(self.position.abs());
    }

    fn adjust(&mut self, a: &Adjustment) -> Result<()> {
        let position = self.position + a.quantity;
        if position.is_zero() || position.is_positive() != self.position.is_positive() {
            return Err(
                Error::invariant("an adjustment must leave the position on its side")
                    .context("instrument", a.instrument)
                    .context("time", a.time)
                    .context("position", self.position.units())
                    .context("change", a.quantity.units())
                    .hint("close a position with a fill"),
            );
        }
        self.position = position;
        self.max_quantity = self.max_quantity.max(position.abs());
        self.income += a.cash;
        Ok(())
    }

    fn finish(mut self, time: Timestamp, mark: Option<&OpenMark>, timeline: &[Timestamp]) -> Trade {
        if let Some(mark) = mark {
            self.exit.add(mark.price, self.position);
            self.gross += mark.value;
        }
        let net_pnl = self.gross - self.fees + self.income;
        Trade {
            instrument: self.instrument,
            side: self.side,
            entry_time: self.entry_time,
            exit_time: time,
            max_quantity: self.max_quantity,
            entry_price: self.entry.mean(),
            exit_price: self.exit.mean(),
            entry_notional: self.entry_notional,
            gross_pnl: self.gross,
            fees: self.fees,
            income: self.income,
            net_pnl,
            // Both on the scale of the account currency, which cancels.
            net_return: super::defined(net_pnl.to_f64(0) / self.entry_notional.to_f64(0)),
            bars_held: bars_until(timeline, time)
                .saturating_sub(bars_until(timeline, self.entry_time)),
            open: mark.is_some(),
        }
    }
}

/// Number of bars at or before `time`.
pub(super) fn bars_until(timeline: &[Timestamp], time: Timestamp) -> usize {
    timeline.partition_point(|t| *t <= time)
}

/// A mean of prices weighted by quantity, kept exact until it is read.
#[derive(Default)]
struct PriceMean {
    weighted: i128,
    weight: i128,
}

impl PriceMean {
    fn add(&mut self, price: Price, quantity: Quantity) {
        let weight = i128::from(quantity.abs().units());
        self.weighted += i128::from(price.units()) * weight;
        self.weight += weight;
    }

    /// The nearest unit, half away from zero (prices are not negative).
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: prices are not negative"
    )]
    fn mean(&self) -> Price {
        if self.weight == 0 {
            return Price::ZERO;
        }
        let units = divide(
            2 * self.weighted + self.weight,
            2 * self.weight,
            Rounding::Down,
        );
        let units = i64::try_from(units).expect("a mean lies between its prices");
        Price::try_from(units).expect("prices are not negative")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(bar: i64) -> Timestamp {
        Timestamp::from_seconds(bar * 86_400).unwrap()
    }

    fn timeline() -> Vec<Timestamp> {
        (0..20).map(at).collect()
    }

    /// A fill of instrument 0 whose notional is price times quantity.
    fn fill(bar: i64, quantity: i64, price: i64, fee: i128) -> TradeEvent {
        TradeEvent::Fill(FillRow {
            time: at(bar),
            instrument: 0,
            quantity: Quantity::from_units(quantity),
            price: Price::from_units(price),
            notional: Cash::from_units(i128::from(quantity.abs()) * i128::from(price)),
            fee: Cash::from_units(fee),
        })
    }

    fn adjustment(bar: i64, quantity: i64, cash: i128) -> TradeEvent {
        TradeEvent::Adjustment(Adjustment {
            time: at(bar),
            instrument: 0,
            quantity: Quantity::from_units(quantity),
            cash: Cash::from_units(cash),
        })
    }

    fn trips(events: &[TradeEvent]) -> RoundTrips {
        round_trips(events, &[], &timeline()).unwrap()
    }

    #[test]
    fn scaling_in_and_out_is_one_trade() {
        let result = trips(&[
            fill(1, 10, 100, 1),
            fill(2, 20, 130, 2),
            fill(3, -5, 150, 3),
            fill(6, -25, 140, 4),
        ]);
        let expected = Trade {
            instrument: 0,
            side: TradeSide::Long,
            entry_time: at(1),
            exit_time: at(6),
            max_quantity: Quantity::from_units(30),
            entry_price: Price::from_units(120),
            exit_price: Price::from_units(142),
            entry_notional: Cash::from_units(3_600),
            gross_pnl: Cash::from_units(650),
            fees: Cash::from_units(10),
            income: Cash::ZERO,
            net_pnl: Cash::from_units(640),
            net_return: Some(640.0 / 3_600.0),
            bars_held: 5,
            open: false,
        };
        assert_eq!(result.trades, [expected]);
    }

    #[test]
    fn a_fill_through_zero_ends_one_trade_and_begins_the_next() {
        let result = trips(&[
            fill(1, 10, 100, 10),
            fill(4, -30, 110, 33),
            fill(9, 20, 90, 18),
        ]);
        let seen: Vec<_> = result
            .trades
            .iter()
            .map(|t| {
                let (gross, fees) = (t.gross_pnl.units(), t.fees.units());
                (t.side, t.max_quantity.units(), gross, fees, t.bars_held)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (TradeSide::Long, 10, 100, 21, 3),
                (TradeSide::Short, 20, 400, 40, 5)
            ]
        );
    }

    #[test]
    fn large_fills_at_fine_scales_are_shared_without_overflow() {
        // 2 million units at 8 digits for 3 billion in cash at 18 digits.
        let (quantity, notional) = (200_000_000_000_000, 3_000_000_000 * 10_i128.pow(18));
        let large = |bar, quantity, notional| {
            TradeEvent::Fill(FillRow {
                time: at(bar),
                instrument: 0,
                quantity: Quantity::from_units(quantity),
                price: Price::from_units(150_000_000_000),
                notional: Cash::from_units(notional),
                fee: Cash::ZERO,
            })
        };
        let result = trips(&[
            large(1, quantity, notional),
            large(2, -2 * quantity, 2 * notional),
            large(3, quantity, notional - 7),
        ]);
        let gross: Vec<_> = result.trades.iter().map(|t| t.gross_pnl.units()).collect();
        assert_eq!(gross, [0, 7]);
    }

    #[test]
    fn splits_and_dividends_belong_to_the_trade_that_held_them() {
        let result = trips(&[
            fill(1, 100, 60, 0),
            adjustment(2, 100, 0),
            adjustment(3, 0, 250),
            fill(4, -200, 31, 5),
            adjustment(5, 0, 7),
        ]);
        let [trade] = &result.trades[..] else {
            panic!("one trade, not {}", result.trades.len());
        };
        assert_eq!(trade.max_quantity.units(), 200);
        assert_eq!(trade.gross_pnl.units(), 200);
        assert_eq!(trade.net_pnl.units(), 200 + 250 - 5);
        assert_eq!(result.unattributed.units(), 7);
    }

    #[test]
    fn an_open_position_is_counted_at_its_mark_or_refused() {
        let events = [fill(1, -10, 100, 1)];
        let mark = OpenMark {
            instrument: 0,
            time: at(9),
            price: Price::from_units(80),
            value: Cash::from_units(-800),
        };
        let result = round_trips(&events, &[mark], &timeline()).unwrap();
        let trade = &result.trades[0];
        assert!(trade.open);
        assert_eq!(trade.net_pnl.units(), 199);
        assert_eq!((trade.exit_price.units(), trade.bars_held), (80, 8));
        let e = round_trips(&events, &[], &timeline()).unwrap_err();
        assert!(e.to_string().contains("no mark"), "{e}");
    }

    #[test]
    fn impossible_events_are_refused() {
        for (events, says) in [
            (vec![fill(2, 1, 1, 0), fill(1, 1, 1, 0)], "time order"),
            (vec![fill(1, 0, 1, 0)], "a fill has a quantity"),
            (vec![adjustment(1, 5, 0)], "nothing held"),
            (vec![fill(1, 5, 1, 0), adjustment(2, -5, 0)], "on its side"),
        ] {
            let e = round_trips(&events, &[], &timeline()).unwrap_err();
            assert!(e.to_string().contains(says), "{e}");
        }
    }

    proptest! {
        /// Fees that do not divide by the quantity included: no unit is lost or invented.
        #[test]
        fn every_unit_of_cash_is_in_some_trade(
            rows in proptest::collection::vec((0_u32..3, -40_i64..40, 1_i64..500, -3_i128..90), 0..80)
        ) {
            let mut events = Vec::new();
            let mut position = [0_i64; 3];
            let mut cash = 0_i128;
            for (bar, (instrument, quantity, price, fee)) in (0_i64..).zip(rows) {
                if quantity == 0 {
                    continue;
                }
                // A notional off by one unit stands for one rounded to a coarser cash scale.
                let notional = i128::from(quantity.abs()) * i128::from(price) + 1;
                position[instrument as usize] += quantity;
                cash -= notional * i128::from(quantity.signum()) + fee;
                events.push(TradeEvent::Fill(FillRow {
                    time: at(bar),
                    instrument,
                    quantity: Quantity::from_units(quantity),
                    price: Price::from_units(price),
                    notional: Cash::from_units(notional),
                    fee: Cash::from_units(fee),
                }));
            }
            let marks = [0_u32, 1, 2].map(|instrument| OpenMark {
                instrument,
                time: at(100),
                price: Price::from_units(7),
                value: Cash::from_units(i128::from(position[instrument as usize]) * 7),
            });
            let result = round_trips(&events, &marks, &timeline()).unwrap();
            let marked: i128 = marks.iter().map(|m| m.value.units()).sum();
            let net: Cash = result.trades.iter().map(|t| t.net_pnl).sum();
            prop_assert_eq!(net.units(), cash + marked);
            let open = result.trades.iter().filter(|t| t.open).count();
            prop_assert_eq!(open, position.iter().filter(|p| **p != 0).count());
        }
    }
}
