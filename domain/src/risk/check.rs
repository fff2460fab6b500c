//! The pre-trade check: every control on one intent, at worst case.

use super::control::{Control, Verdict};
use super::exposure::Exposure;
use super::limits::Limits;
use super::mode::Mode;
use crate::instrument::{AssetId, Instrument};
use crate::money::{Cash, Price, Quantity, Rate, Weight};
use crate::orders::{Intent, OrderType, Side};
use crate::portfolio::MarginModel;
use crate::time::{Span, Timestamp};

/// What a verdict is given on, besides the intent and the limits.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The instrument, if it is known.
    pub instrument: Option<&'a Instrument>,
    /// The reference price, if there is a usable one.
    pub reference: Option<Price>,
    /// How old the reference is.
    pub reference_age: Span,
    /// What is held.
    pub held: Quantity,
    /// What may still happen.
    pub exposure: &'a Exposure,
    /// Cash in the base currency.
    pub cash: Cash,
    /// Equity at the marks.
    pub equity: Cash,
    /// Worst-case gross exposure of the account before this intent.
    pub gross: Cash,
    /// The mode that holds for the instrument.
    pub mode: Mode,
    /// How the account pays.
    pub margin: MarginModel,
    /// The instant of the check.
    pub now: Timestamp,
}

/// Runs every control. Limits on exposure bind only what adds exposure: an order that reduces a
/// position beyond its limit must not be stopped by that limit.
pub fn check(limits: &Limits, intent: &Intent, context: &Context<'_>) -> Verdict {
    let mut verdict = Verdict::PASSED;
    let c = context;
    verdict.require(
        Control::InstrumentKnown,
        c.instrument.is_some_and(|i| i.quote == AssetId::BASE),
    );
    verdict.require(
        Control::ReferenceFresh,
        c.reference.is_some() && c.reference_age <= limits.max_price_age,
    );
    let reduces = reduces(intent, c);
    verdict.require(Control::Mode, c.mode.allows(reduces));
    verdict.require(
        Control::NoUnknownOrder,
        !c.exposure.has_unknown(intent.instrument),
    );
    verdict.require(Control::ReduceOnly, !intent.reduce_only || reduces);
    let (Some(instrument), Some(reference)) = (c.instrument, c.reference) else {
        return verdict;
    };
    let price = match intent.order_type {
        OrderType::Market => reference,
        OrderType::Limit(limit) => limit,
    };
    verdict.require(
        Control::Tick,
        on_grid(price, instrument.tick, intent.order_type),
    );
    verdict.require(
        Control::Lot,
        intent.quantity.is_positive() && intent.quantity.is_multiple_of(instrument.lot),
    );
    verdict.require(
        Control::PriceCollar,
        within_collar(price, reference, limits.price_collar),
    );
    // A limit above the reference can cost its limit; a market sell is worth its reference.
    let notional = instrument.notional(price.max(reference), intent.quantity);
    verdict.require(Control::MinNotional, notional >= instrument.min_notional);
    if let Some(allowed) = limits.max_order_notional {
        verdict.at_most(Control::MaxOrderNotional, notional, allowed);
    }
    let mut gross_after = c.gross;
    if !reduces {
        let before =
            instrument.notional(reference, c.exposure.worst_case(intent.instrument, c.held));
        let position = instrument.notional(reference, worst_case_with(intent, c));
        let weight_cap = limits.max_position_weight.of(c.equity);
        let cap = limits
            .max_position_notional
            .map_or(weight_cap, |n| n.min(weight_cap));
        verdict.at_most(Control::MaxPosition, position, cap);
        let gross = c.gross + (position - before).max(Cash::ZERO);
        verdict.at_most(Control::MaxGross, gross, limits.max_gross.of(c.equity));
        verdict.at_most(
            Control::MaxLeverage,
            gross,
            limits.max_leverage.of(c.equity),
        );
        gross_after = gross;
    }
    match c.margin {
        MarginModel::Cash => paid_in_full(&mut verdict, limits, intent, c, notional),
        MarginModel::Margin => {
            if !reduces {
                let costs = set_aside(limits, c.margin, intent.side, notional);
                let covering = c.equity - c.exposure.reserved_cash() - costs;
                let carried = limits.max_leverage.of(covering.max(Cash::ZERO));
                verdict.at_most(Control::BuyingPower, gross_after, carried);
            }
        }
        // No kernel runs such an account yet; nothing may pass that was not worked out.
        MarginModel::CrossMarginedPerpetual => verdict.require(Control::BuyingPower, false),
    }
    verdict
}

/// Cash to set aside for a buy worth `notional`: fees and the buffer included, rounded up.
pub(crate) fn cost_of_buy(limits: &Limits, notional: Cash) -> Cash {
    notional + notional.fee(extra_costs(limits))
}

/// What an order worth `notional` sets aside. A cash account pays for its buys in full; a margin
/// account only keeps the costs of either side back, and the exposure is counted as such.
pub(crate) fn set_aside(limits: &Limits, margin: MarginModel, side: Side, notional: Cash) -> Cash {
    match (margin, side) {
        (MarginModel::Cash, Side::Buy) => cost_of_buy(limits, notional),
        (MarginModel::Cash, Side::Sell) => Cash::ZERO,
        _ => notional.fee(extra_costs(limits)),
    }
}

/// The largest notional that `equity` may still carry beside `gross`, its own costs counted:
/// `n` with `gross + n <= max_leverage × (equity − costs(n))`, rounded down, at least 0.
pub(crate) fn margin_room(limits: &Limits, equity: Cash, gross: Cash) -> Cash {
    let one = i128::from(Weight::ONE.units());
    // Costs are rounded up by less than a unit, which is kept back here.
    let equity = (equity - Cash::from_units(1)).max(Cash::ZERO);
    let room = (limits.max_leverage.of(equity) - gross).units();
    let leverage = i128::from(limits.max_leverage.units());
    let costs = leverage * i128::from(extra_costs(limits).units());
    // 1 + leverage × costs, in units of 1e-9, rounded up.
    let divisor = one + (costs + one - 1) / one;
    let room = room.max(0);
    Cash::from_units((room / divisor) * one + (room % divisor) * one / divisor)
}

fn extra_costs(limits: &Limits) -> Rate {
    Rate::from_units(limits.fee_estimate.units() + limits.cash_buffer.units())
}

fn paid_in_full(
    verdict: &mut Verdict,
    limits: &Limits,
    intent: &Intent,
    c: &Context<'_>,
    notional: Cash,
) {
    match intent.side {
        Side::Buy => {
            let available = c.cash - c.exposure.reserved_cash();
            verdict.at_most(
                Control::BuyingPower,
                cost_of_buy(limits, notional),
                available,
            );
        }
        Side::Sell => {
            let sellable = c.held - c.exposure.open(intent.instrument, Side::Sell);
            verdict.require(Control::BuyingPower, intent.quantity <= sellable);
        }
    }
}

/// Whether the order can only bring the position closer to zero, whatever else fills.
fn reduces(intent: &Intent, c: &Context<'_>) -> bool {
    let same_side = c.exposure.open(intent.instrument, intent.side);
    match intent.side {
        Side::Sell => c.held - same_side >= intent.quantity,
        Side::Buy => -c.held - same_side >= intent.quantity,
    }
}

fn worst_case_with(intent: &Intent, c: &Context<'_>) -> Quantity {
    let (others_buy, others_sell) = c.exposure.external(intent.instrument);
    let open = |side| {
        let own = if side == intent.side {
            intent.quantity
        } else {
            Quantity::ZERO
        };
        let others = match side {
            Side::Buy => others_buy,
            Side::Sell => others_sell,
        };
        c.exposure.open(intent.instrument, side) + own + others
    };
    (c.held + open(Side::Buy))
        .abs()
        .max((c.held - open(Side::Sell)).abs())
}

/// Market orders have no price of their own to lie on the grid.
fn on_grid(price: Price, tick: Price, order_type: OrderType) -> bool {
    order_type == OrderType::Market || price.units() % tick.units() == 0
}

fn within_collar(price: Price, reference: Price, collar: Rate) -> bool {
    let distance = i128::from((price.units() - reference.units()).abs());
    distance * i128::from(Rate::ONE.units())
        <= i128::from(reference.units()) * i128::from(collar.units())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::Calendar;
    use crate::instrument::{Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments};
    use crate::orders::{ClientOrderId, OrderId, TimeInForce};

    fn dollars(n: i128) -> Cash {
        Cash::from_units(n * 1_000_000)
    }

    fn instruments() -> Instruments {
        let mut all = Instruments::new(Asset {
            code: "USD".into(),
            scale: 6,
        })
        .unwrap();
        all.add_asset(Asset {
            code: "EUR".into(),
            scale: 6,
        })
        .unwrap();
        for (symbol, quote) in [("X", "USD"), ("Y", "EUR")] {
            all.define(&InstrumentSpec {
                symbol: symbol.into(),
                kind: InstrumentKind::Spot,
                quote: quote.into(),
                price_scale: 2,
                quantity_scale: 0,
                tick: "0.05".parse().unwrap(),
                lot: "10".parse().unwrap(),
                min_notional: "100".parse().unwrap(),
                multiplier: "1".parse().unwrap(),
                calendar: Calendar::Utc24x7,
            })
            .unwrap();
        }
        all
    }

    fn limits() -> Limits {
        Limits {
            max_order_notional: Some(dollars(5_000)),
            max_position_notional: Some(dollars(8_000)),
            max_position_weight: Weight::ONE,
            max_gross: Weight::ONE,
            max_leverage: Weight::ONE,
            price_collar: Rate::from_bps(500),
            max_price_age: Span::from_days(4),
            fee_estimate: Rate::from_bps(10),
            cash_buffer: Rate::ZERO,
        }
    }

    fn buy(quantity: i64) -> Intent {
        Intent {
            id: OrderId(0),
            client_id: ClientOrderId::default(),
            instrument: InstrumentId(0),
            side: Side::Buy,
            quantity: Quantity::from_units(quantity),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            post_only: false,
            reduce_only: false,
        }
    }

    /// A check on price 10, cash and equity 10,000, nothing held, with one thing changed.
    fn denied(intent: Intent, change: impl Fn(&mut Context<'_>)) -> Vec<&'static str> {
        let (all, exposure) = (instruments(), Exposure::new(2));
        let mut context = Context {
            instrument: all.get(InstrumentId(0)),
            reference: Some(Price::from_units(1_000)),
            reference_age: Span::ZERO,
            held: Quantity::ZERO,
            exposure: &exposure,
            cash: dollars(10_000),
            equity: dollars(10_000),
            gross: Cash::ZERO,
            mode: Mode::Active,
            margin: MarginModel::Cash,
            now: Timestamp::EPOCH,
        };
        change(&mut context);
        check(&limits(), &intent, &context)
            .denied_by()
            .map(Control::name)
            .collect()
    }

    #[test]
    fn a_cash_account_sets_aside_what_its_buys_cost_and_nothing_for_sales() {
        let (limits, worth) = (limits(), dollars(1_000));
        let of = |margin, side| set_aside(&limits, margin, side, worth);
        assert_eq!(of(MarginModel::Cash, Side::Buy), dollars(1_001));
        assert_eq!(of(MarginModel::Cash, Side::Sell), Cash::ZERO);
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(of(MarginModel::Margin, side), dollars(1));
        }
    }

    #[test]
    fn a_sound_order_passes() {
        assert!(denied(buy(100), |_| {}).is_empty());
    }

    #[test]
    fn each_control_denies_on_its_own() {
        let limit = |units| Intent {
            order_type: OrderType::Limit(Price::from_units(units)),
            ..buy(100)
        };
        let sell = |q| Intent {
            side: Side::Sell,
            ..buy(q)
        };
        let held = |n| move |c: &mut Context<'_>| c.held = Quantity::from_units(n);
        let cases: Vec<(Vec<&str>, &str)> = vec![
            (
                denied(buy(100), |c| c.instrument = None),
                "instrument_known",
            ),
            (denied(buy(100), |c| c.reference = None), "reference_fresh"),
            (
                denied(buy(100), |c| c.reference_age = Span::from_days(5)),
                "reference_fresh",
            ),
            (denied(limit(1_003), |_| {}), "tick"),
            (denied(buy(105), |_| {}), "lot"),
            (denied(sell(10), held(10)), ""),
            (
                denied(
                    Intent {
                        quantity: Quantity::ZERO,
                        ..sell(0)
                    },
                    held(10),
                ),
                "lot min_notional",
            ),
            (denied(buy(510), |_| {}), "max_order_notional"),
            (denied(buy(100), held(710)), "max_position"),
            (
                denied(buy(100), |c| c.gross = dollars(9_500)),
                "max_gross max_leverage",
            ),
            (denied(limit(1_055), |_| {}), "price_collar"),
            (
                denied(buy(100), |c| c.cash = dollars(1_000)),
                "buying_power",
            ),
            (denied(sell(100), held(90)), "buying_power"),
            (denied(buy(100), |c| c.mode = Mode::ReduceOnly), "mode"),
            (
                denied(sell(100), |c| {
                    (c.mode, c.held) = (Mode::ReduceOnly, Quantity::from_units(100));
                }),
                "",
            ),
            (
                denied(sell(100), |c| {
                    (c.mode, c.held) = (Mode::Halted, Quantity::from_units(100));
                }),
                "mode",
            ),
            (
                denied(
                    Intent {
                        reduce_only: true,
                        ..buy(100)
                    },
                    |_| {},
                ),
                "reduce_only",
            ),
        ];
        for (i, (denied_by, expected)) in cases.iter().enumerate() {
            assert_eq!(denied_by.join(" "), *expected, "case {i}");
        }
        let all = instruments();
        let foreign = denied(buy(100), |c| c.instrument = None);
        assert_eq!(foreign, ["instrument_known"]);
        assert_ne!(all.get(InstrumentId(1)).unwrap().quote, AssetId::BASE);
    }

    #[test]
    fn an_unknown_order_blocks_and_open_orders_count_at_worst_case() {
        let all = instruments();
        let mut exposure = Exposure::new(2);
        exposure.add_open(InstrumentId(0), Side::Buy, Quantity::from_units(750));
        exposure.set_unknown(InstrumentId(0), true);
        let context = Context {
            instrument: all.get(InstrumentId(0)),
            reference: Some(Price::from_units(1_000)),
            reference_age: Span::ZERO,
            held: Quantity::ZERO,
            exposure: &exposure,
            cash: dollars(10_000),
            equity: dollars(10_000),
            gross: dollars(7_500),
            mode: Mode::Active,
            margin: MarginModel::Cash,
            now: Timestamp::EPOCH,
        };
        let verdict = check(&limits(), &buy(100), &context);
        let names: Vec<_> = verdict.denied_by().map(Control::name).collect();
        assert_eq!(names, ["max_position", "no_unknown_order"]);
        let breach = verdict.breach.unwrap();
        assert_eq!(
            (breach.observed, breach.allowed),
            (dollars(8_500), dollars(8_000))
        );
    }

    /// What is set aside for other buys cannot pay, and what other sales may take cannot be sold.
    #[test]
    fn a_cash_account_spends_and_sells_only_what_nothing_else_claims() {
        let all = instruments();
        let mut exposure = Exposure::new(2);
        exposure.add_reserved(dollars(9_000));
        exposure.add_open(InstrumentId(0), Side::Sell, Quantity::from_units(30));
        let denied = |side, quantity| {
            let context = Context {
                instrument: all.get(InstrumentId(0)),
                reference: Some(Price::from_units(1_000)),
                reference_age: Span::ZERO,
                held: Quantity::from_units(100),
                exposure: &exposure,
                cash: dollars(10_000),
                equity: dollars(11_000),
                gross: dollars(1_000),
                mode: Mode::ReduceOnly,
                margin: MarginModel::Cash,
                now: Timestamp::EPOCH,
            };
            let verdict = check(
                &limits(),
                &Intent {
                    side,
                    ..buy(quantity)
                },
                &context,
            );
            let controls: Vec<_> = verdict.denied_by().map(Control::name).collect();
            controls.join(" ")
        };
        // 1,000 are left: 90 at 10 and their fee fit, 100 do not.
        assert_eq!(denied(Side::Buy, 90), "mode");
        assert_eq!(denied(Side::Buy, 100), "buying_power mode");
        assert_eq!(denied(Side::Sell, 70), "");
        assert_eq!(denied(Side::Sell, 80), "buying_power mode");
    }

    #[test]
    fn a_margin_account_needs_equity_for_what_it_adds_and_nothing_to_reduce() {
        let short = |q| Intent {
            side: Side::Sell,
            ..buy(q)
        };
        let margin = |cash: i128, held: i64| {
            move |c: &mut Context<'_>| {
                c.margin = MarginModel::Margin;
                (c.cash, c.equity) = (dollars(cash), dollars(1_000));
                c.held = Quantity::from_units(held);
                c.gross = dollars(i128::from(held.abs()) * 10);
            }
        };
        // 1,000 of equity at a leverage of 1 carries less than 100 units at 10: fees come first.
        assert!(denied(short(90), margin(0, 0)).is_empty());
        assert_eq!(denied(short(100), margin(0, 0)), ["buying_power"]);
        assert_eq!(denied(buy(100), margin(-5_000, 0)), ["buying_power"]);
        for held in [200, -200] {
            let less = if held > 0 { short(200) } else { buy(200) };
            assert!(denied(less, margin(0, held)).is_empty(), "{held}");
        }
        let perpetual = |c: &mut Context<'_>| c.margin = MarginModel::CrossMarginedPerpetual;
        assert_eq!(denied(buy(10), perpetual), ["buying_power"]);
    }

    proptest! {
        /// Whatever is held and open on both sides, a passing order leaves the
        /// worst case of either side within leverage times the equity that no cost has claimed.
        #[test]
        fn passing_orders_stay_within_margin_at_worst_case(
            held in -200_i64..200,
            open_buys in 0_i64..100,
            open_sells in 0_i64..100,
            set_aside_before in 0_i128..200,
            equity in 1_i128..5_000,
            leverage in 1_i64..40,
            quantity in 1_i64..30,
            sells in any::<bool>(),
        ) {
            let (all, mut exposure) = (instruments(), Exposure::new(2));
            let id = InstrumentId(0);
            exposure.add_open(id, Side::Buy, Quantity::from_units(open_buys));
            exposure.add_open(id, Side::Sell, Quantity::from_units(open_sells));
            exposure.add_reserved(dollars(set_aside_before));
            let instrument = all.get(id).unwrap();
            let price = Price::from_units(1_000);
            let held = Quantity::from_units(held);
            let limits = Limits {
                max_order_notional: None,
                max_position_notional: None,
                max_position_weight: Weight::from_units(1_000_000_000_000),
                max_gross: Weight::from_units(1_000_000_000_000),
                max_leverage: Weight::from_units(leverage * 100_000_000),
                cash_buffer: Rate::from_bps(100),
                ..limits()
            };
            let context = Context {
                instrument: Some(instrument),
                reference: Some(price),
                reference_age: Span::ZERO,
                held,
                exposure: &exposure,
                cash: Cash::ZERO,
                equity: dollars(equity),
                gross: instrument.notional(price, exposure.worst_case(id, held)),
                mode: Mode::Active,
                margin: MarginModel::Margin,
                now: Timestamp::EPOCH,
            };
            let side = if sells { Side::Sell } else { Side::Buy };
            let intent = Intent { side, ..buy(quantity * 10) };
            let passed = check(&limits, &intent, &context).passed();
            // By hand: the two extremes the position can reach.
            let (mut high, mut low) = (held.units() + open_buys, held.units() - open_sells);
            if sells { low -= quantity * 10 } else { high += quantity * 10 }
            let worst = i128::from(high.abs().max(low.abs())) * 10_000_000;
            let costs = (i128::from(quantity) * 100_000_000 * 110).div_euclid(10_000);
            let free = (equity - set_aside_before) * 1_000_000 - costs;
            let carried = free.max(0) * i128::from(leverage) / 10;
            let only_reduces = reduces(&intent, &context);
            prop_assert_eq!(passed, only_reduces || worst <= carried, "{} {}", worst, carried);
            // What the plan may add fits the check, and not one dollar more does.
            let room = margin_room(&limits, dollars(equity), Cash::ZERO);
            let fits = |n: Cash| {
                let costs = set_aside(&limits, MarginModel::Margin, side, n);
                n <= limits.max_leverage.of((dollars(equity) - costs).max(Cash::ZERO))
            };
            prop_assert!(fits(room) && !fits(room + dollars(1)));
        }
    }
}
