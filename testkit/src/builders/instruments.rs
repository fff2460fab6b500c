//! Instruments for tests.

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use rust_decimal::Decimal;

/// A US share in whole units with a tick of one cent and prices of four digits.
pub fn equity(symbol: &str) -> InstrumentSpec {
    InstrumentSpec::share(symbol, Calendar::UsEquities)
}

/// A coin against USD, trading around the clock: tick 0.01, lot 0.00001, minimum notional 10.
pub fn spot(symbol: &str) -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Spot,
        price_scale: 4,
        quantity_scale: 5,
        lot: Decimal::new(1, 5),
        min_notional: Decimal::TEN,
        calendar: Calendar::Utc24x7,
        ..equity(symbol)
    }
}

/// A registry in USD (12 digits) with an [`equity`] of each symbol. Panics on a repeated symbol.
pub fn equities(symbols: &[&str]) -> Instruments {
    let usd = Asset {
        code: "USD".to_owned(),
        scale: 12,
    };
    let mut all = Instruments::new(usd).expect("USD with 12 digits is usable");
    for symbol in symbols {
        all.define(&equity(symbol)).expect("distinct symbols");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specs_are_definable() {
        let mut all = equities(&["A", "B"]);
        all.define(&spot("BTC-USD")).unwrap();
        assert_eq!(all.len(), 3);
    }
}
