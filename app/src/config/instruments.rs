//! The rules of an instrument: its own, then those for all, then those of its kind.

use ballast_domain::instrument::{InstrumentKind, InstrumentSpec};
use ballast_domain::market::PriceBasis;
use ballast_domain::money::MAX_CASH_SCALE;
use rust_decimal::Decimal;

use super::sections::{Config, InstrumentRules};

/// Least digits after the point of cash: fees of small fills stay exact.
const LEAST_CASH_SCALE: u8 = 8;

/// Scales, tick, lot and minimum of a kind.
struct KindRules {
    price_scale: u8,
    quantity_scale: u8,
    tick: Decimal,
    lot: Decimal,
    min_notional: Decimal,
}

impl KindRules {
    const fn of(kind: InstrumentKind, basis: PriceBasis) -> Self {
        let fine = Self {
            price_scale: 8,
            quantity_scale: 8,
            tick: Decimal::from_parts(1, 0, 0, false, 8),
            lot: Decimal::from_parts(1, 0, 0, false, 8),
            min_notional: Decimal::ONE,
        };
        match (basis, kind) {
            // Levels depend on the future: whole shares and cents mean nothing.
            (PriceBasis::BackAdjusted, _)
            | (_, InstrumentKind::Spot | InstrumentKind::Perpetual) => fine,
            // Shares are quoted in cents, but fills and data of the past are finer.
            (PriceBasis::Raw, InstrumentKind::Equity | InstrumentKind::Etf) => Self {
                price_scale: 4,
                quantity_scale: 0,
                tick: Decimal::from_parts(1, 0, 0, false, 2),
                lot: Decimal::ONE,
                min_notional: Decimal::ONE,
            },
        }
    }
}

impl Config {
    /// Digits after the point of cash in the base currency: as many as the finest instrument's
    /// price and quantity have together, at least 8, so that every notional is exact.
    pub fn cash_scale(&self) -> u8 {
        let named = self.instruments.by_symbol.keys().map(String::as_str);
        std::iter::once("")
            .chain(named)
            .map(|symbol| {
                let spec = self.instrument_spec(symbol);
                spec.price_scale.saturating_add(spec.quantity_scale)
            })
            .fold(LEAST_CASH_SCALE, u8::max)
            .min(MAX_CASH_SCALE)
    }

    /// The rules of `symbol`, complete.
    ///
    /// What neither `[instruments.SYMBOL]` nor `[instruments]` says follows from the kind
    /// (`equity` when nothing says otherwise): equities and ETFs have prices of 4 digits, a tick
    /// of 0.01, whole shares; spot and perpetual have 8 digits each and no coarser tick or lot,
    /// and so has everything back-adjusted. The smallest order is worth 1.
    pub fn instrument_spec(&self, symbol: &str) -> InstrumentSpec {
        let none = InstrumentRules::default();
        let own = self.instruments.by_symbol.get(symbol).unwrap_or(&none);
        let all = &self.instruments.defaults;
        let kind = own.kind.or(all.kind).unwrap_or(InstrumentKind::Equity);
        let rules = KindRules::of(kind, self.data.basis);
        InstrumentSpec {
            symbol: symbol.to_owned(),
            kind,
            quote: self.account.base.clone(),
            price_scale: own
                .price_scale
                .or(all.price_scale)
                .unwrap_or(rules.price_scale),
            quantity_scale: own
                .quantity_scale
                .or(all.quantity_scale)
                .unwrap_or(rules.quantity_scale),
            tick: own.tick.or(all.tick).unwrap_or(rules.tick),
            lot: own.lot.or(all.lot).unwrap_or(rules.lot),
            min_notional: own
                .min_notional
                .or(all.min_notional)
                .unwrap_or(rules.min_notional),
            multiplier: Decimal::ONE,
            calendar: self.data.calendar,
        }
    }
}
