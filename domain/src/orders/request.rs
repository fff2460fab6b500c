//! An order in a person's or a program's words, and what it comes to on an instrument.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::intent::{OrderType, Side, TimeInForce};
use crate::error::Error;
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::money::{Cash, Price, Quantity, Rounding};

/// An order as it was typed or sent: figures are text, so that no digit is lost before it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The instrument's symbol.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// How much, in the instrument's units. Either this or `notional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// For how much of the quote currency; rounded down to whole lots. Either this or `quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<String>,
    /// This price or better; any price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<String>,
    /// How long it works.
    pub time_in_force: TimeInForce,
}

/// A request whose every figure an order on its instrument can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidOrder {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// A positive number of whole lots.
    pub quantity: Quantity,
    /// How the price is found; a limit is positive and on the instrument's tick.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
}

impl OrderRequest {
    /// Judges the request on its own; whether risk lets it through is another question.
    ///
    /// A notional is divided by the limit price, or by `last`, the latest price, where there is no
    /// limit.
    ///
    /// # Errors
    /// `OrderPlacement` for each field that is not usable, all of them at once; the context names the
    /// field.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: an instrument's quote asset is defined"
    )]
    pub fn validate(
        &self,
        instruments: &Instruments,
        last: Option<Price>,
    ) -> Result<ValidOrder, Vec<Error>> {
        let Some(id) = instruments.by_symbol(&self.symbol) else {
            return Err(vec![
                refuse(
                    "symbol",
                    &self.symbol,
                    "is not an instrument of this account",
                )
                .hint("symbols are those of the config's instruments, spelt the same"),
            ]);
        };
        let instrument = instruments
            .get(id)
            .expect("an instrument that was found is defined");
        let cash_scale = instruments
            .asset(instrument.quote)
            .expect("an instrument's quote asset is defined")
            .scale;
        let mut errors = Vec::new();
        let mut keep = |result: Result<Option<Decimal>, Error>| {
            result.unwrap_or_else(|error| {
                errors.push(error);
                None
            })
        };
        let quantity = keep(positive("quantity", self.quantity.as_deref()));
        let notional = keep(positive("notional", self.notional.as_deref()));
        let limit = keep(positive("limit_price", self.limit_price.as_deref()));
        let limit = limit.and_then(|price| {
            on_tick(price, instrument)
                .map_err(|error| errors.push(error))
                .ok()
        });
        let quantity = match (self.quantity.is_some(), self.notional.is_some()) {
            (true, false) => quantity.map(|q| whole_lots(q, instrument)),
            (false, true) => notional.map(|n| lots_for(n, limit.or(last), instrument, cash_scale)),
            (true, true) => Some(Err(refuse("quantity", "and notional", "are both given")
                .hint("give one of quantity and notional"))),
            (false, false) => Some(Err(refuse("quantity", "and notional", "are both missing")
                .hint("give one of quantity and notional"))),
        };
        let quantity = match quantity {
            Some(Ok(quantity)) => quantity,
            Some(Err(error)) => {
                errors.push(error);
                Quantity::ZERO
            }
            None => Quantity::ZERO,
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(ValidOrder {
            instrument: id,
            side: self.side,
            quantity,
            order_type: limit.map_or(OrderType::Market, OrderType::Limit),
            time_in_force: self.time_in_force,
        })
    }
}

/// The figure of a field, above zero; `None` when the field is absent.
fn positive(field: &'static str, text: Option<&str>) -> Result<Option<Decimal>, Error> {
    let Some(text) = text else { return Ok(None) };
    let value = Decimal::from_str_exact(text.trim()).map_err(|_| {
        refuse(field, text, "is not a number an order can carry").hint(
            "write plain digits such as 12.5, at most 28 of them; no NaN, infinity or exponent",
        )
    })?;
    if value <= Decimal::ZERO {
        let error = refuse(field, text, "must be above zero");
        return Err(error.hint("the side says buy or sell; amounts and prices have no sign"));
    }
    Ok(Some(value))
}

fn on_tick(price: Decimal, instrument: &Instrument) -> Result<Price, Error> {
    let tick = instrument.tick;
    Price::from_decimal(price, instrument.price_scale)
        .ok()
        .filter(|units| units.quantise(tick, Rounding::Down) == *units)
        .ok_or_else(|| {
            refuse(
                "limit_price",
                &price.to_string(),
                "is not on the instrument's tick",
            )
            .context("tick", tick.text(instrument.price_scale))
            .hint("round it to the tick, in your favour")
        })
}

fn whole_lots(quantity: Decimal, instrument: &Instrument) -> Result<Quantity, Error> {
    Quantity::from_decimal(quantity, instrument.quantity_scale)
        .ok()
        .filter(|units| units.is_multiple_of(instrument.lot))
        .ok_or_else(|| {
            refuse(
                "quantity",
                &quantity.to_string(),
                "is too large or not a whole number of lots",
            )
            .context("lot", instrument.lot.text(instrument.quantity_scale))
            .hint("round it down to a multiple of the lot")
        })
}

/// The whole lots that `notional` pays for at `price`.
fn lots_for(
    notional: Decimal,
    price: Option<Price>,
    instrument: &Instrument,
    cash_scale: u8,
) -> Result<Quantity, Error> {
    let text = notional.to_string();
    let Some(price) = price.filter(|price| price.is_positive()) else {
        return Err(
            refuse("notional", &text, "cannot be divided: there is no price")
                .hint("give a limit_price, or a quantity"),
        );
    };
    Cash::from_decimal(notional, cash_scale)
        .ok()
        .and_then(|value| instrument.quantity_for(value, price))
        .filter(|quantity| quantity.is_positive())
        .ok_or_else(|| {
            refuse(
                "notional",
                &text,
                "is too large, too fine, or less than one lot",
            )
            .context("lot", instrument.lot.text(instrument.quantity_scale))
            .context("price", price.text(instrument.price_scale))
            .hint("give an amount that pays for a lot or more, without digits beyond its asset's")
        })
}

fn refuse(field: &'static str, value: &str, why: &str) -> Error {
    Error::order_placement(format!("{field} {value} {why}")).context("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::instrument::{Asset, InstrumentSpec};

    /// `ABC` in whole shares on a tick of a cent; `COIN` in millionths.
    fn instruments() -> Instruments {
        let mut instruments = Instruments::new(Asset {
            code: "USD".into(),
            scale: 12,
        })
        .unwrap();
        let share = InstrumentSpec::share("ABC", Calendar::Utc24x7);
        instruments.define(&share).unwrap();
        let coin = InstrumentSpec {
            symbol: "COIN".into(),
            quantity_scale: 6,
            lot: "0.000001".parse().unwrap(),
            ..share
        };
        instruments.define(&coin).unwrap();
        instruments
    }

    /// A request from JSON, as it reaches us.
    fn request(fields: &str) -> OrderRequest {
        let text = format!(r#"{{"side": "buy", "time_in_force": "day", {fields}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn judge(fields: &str) -> Result<ValidOrder, Vec<Error>> {
        let last = Price::from_decimal("50".parse().unwrap(), 4).unwrap();
        request(fields).validate(&instruments(), Some(last))
    }

    #[track_caller]
    fn refused(fields: &str, field: &str, words: &str) {
        let errors = judge(fields).unwrap_err();
        let text = errors[0].to_string();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(text.contains(words), "{text}");
        let named = ("field".to_owned(), field.to_owned());
        assert!(errors[0].context.contains(&named), "{text}");
        assert!(errors[0].hint.is_some(), "{text}");
    }

    #[test]
    fn a_usable_request_becomes_exact_figures() {
        let order = judge(r#""symbol": "ABC", "quantity": "12", "limit_price": "49.99""#).unwrap();
        assert_eq!(order.quantity.units(), 12);
        assert_eq!(
            order.order_type,
            OrderType::Limit(Price::from_units(499_900))
        );
        // At the last price of 50, and at the limit where there is one.
        for (fields, lots) in [
            (r#""symbol": "ABC", "notional": "1049.99""#, 20),
            (
                r#""symbol": "ABC", "notional": "100", "limit_price": "33.34""#,
                2,
            ),
            (r#""symbol": "COIN", "notional": "100""#, 2_000_000),
        ] {
            assert_eq!(judge(fields).unwrap().quantity.units(), lots, "{fields}");
        }
    }

    /// VAL-21: more digits than the lot has.
    #[test]
    fn val_21_a_quantity_beyond_its_precision_is_refused() {
        refused(r#""symbol": "ABC", "quantity": "1.5""#, "quantity", "lots");
    }

    /// TST-11: six digits after the point are accepted, seven are not.
    #[test]
    fn tst_11_the_seventh_digit_is_refused() {
        let six = judge(r#""symbol": "COIN", "quantity": "0.000001""#).unwrap();
        assert_eq!(six.quantity.units(), 1);
        assert!(judge(r#""symbol": "COIN", "quantity": "1.1234560""#).is_ok());
        let seven = r#""symbol": "COIN", "quantity": "0.0000001""#;
        refused(seven, "quantity", "lots");
    }

    /// VAL-21: more than an order can carry.
    #[test]
    fn val_21_a_value_that_is_too_large_is_refused() {
        let nines = "9".repeat(25);
        let quantity = format!(r#""symbol": "ABC", "quantity": "{nines}""#);
        refused(&quantity, "quantity", "too large");
        let notional = format!(r#""symbol": "ABC", "notional": "{nines}""#);
        refused(&notional, "notional", "too large");
        let longer = format!(r#""symbol": "ABC", "quantity": "{}""#, "9".repeat(40));
        refused(&longer, "quantity", "is not a number");
    }

    /// VAL-21: no sign and no zero.
    #[test]
    fn val_21_figures_that_are_not_positive_are_refused() {
        for bad in ["-1", "0", "-0.0"] {
            let price = format!(r#""symbol": "ABC", "quantity": "1", "limit_price": "{bad}""#);
            refused(&price, "limit_price", "must be above zero");
            let quantity = format!(r#""symbol": "ABC", "quantity": "{bad}""#);
            refused(&quantity, "quantity", "must be above zero");
            let notional = format!(r#""symbol": "ABC", "notional": "{bad}""#);
            refused(&notional, "notional", "must be above zero");
        }
    }

    /// VAL-21: what is no number.
    #[test]
    fn val_21_figures_that_are_no_numbers_are_refused() {
        for bad in ["NaN", "inf", "-Infinity", "1e400", "", "ten", "0x10"] {
            for field in ["quantity", "notional"] {
                let fields = format!(r#""symbol": "ABC", "{field}": "{bad}""#);
                refused(&fields, field, "is not a number");
            }
            let price = format!(r#""symbol": "ABC", "quantity": "1", "limit_price": "{bad}""#);
            refused(&price, "limit_price", "is not a number");
        }
    }

    /// VAL-21: an amount is given once.
    #[test]
    fn val_21_both_or_neither_amount_is_refused() {
        let both = r#""symbol": "ABC", "quantity": "1", "notional": "50""#;
        refused(both, "quantity", "both given");
        refused(r#""symbol": "ABC""#, "quantity", "both missing");
    }

    #[test]
    fn every_unusable_field_is_named_at_once() {
        let all = r#""symbol": "ABC", "quantity": "-1", "limit_price": "9.999""#;
        let errors = judge(all).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|e| e.context[0].1.as_str()).collect();
        assert_eq!(fields, ["quantity", "limit_price"]);
        refused(
            r#""symbol": "XYZ", "quantity": "1""#,
            "symbol",
            "not an instrument",
        );
        let unpriced = request(r#""symbol": "ABC", "notional": "50""#);
        let errors = unpriced.validate(&instruments(), None).unwrap_err();
        assert!(errors[0].to_string().contains("there is no price"));
    }
}
