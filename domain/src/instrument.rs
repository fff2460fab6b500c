//! What can be traded: assets, instruments and the registry that gives them dense indexes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::error::{Error, Result};
use crate::money::{
    Cash, MAX_CASH_SCALE, MAX_SCALE, Price, Quantity, Rounding, divide, pow10, quotient_and_rest,
    times,
};

/// Dense index of an [`Asset`] in its [`Instruments`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AssetId(pub u16);

impl AssetId {
    /// The account's base currency: always the first asset.
    pub const BASE: Self = Self(0);

    /// As an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// From an index. Panics above `u16::MAX` assets.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: fewer than 2^16 assets"
    )]
    pub fn from_index(index: usize) -> Self {
        Self(u16::try_from(index).expect("fewer than 2^16 assets"))
    }
}

/// Dense index of an [`Instrument`] in its [`Instruments`]; also its lane in a panel.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// As an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// From an index. Panics above `u32::MAX` instruments.
    #[inline]
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: fewer than 2^32 instruments"
    )]
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 2^32 instruments"))
    }
}

/// A currency or coin in which cash is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Code such as `USD` or `USDC`.
    pub code: String,
    /// Digits after the point of this asset's [`Cash`].
    pub scale: u8,
}

/// The legal nature of an instrument, as far as rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentKind {
    /// A coin or currency bought outright.
    Spot,
    /// A perpetual future with funding.
    Perpetual,
    /// A listed share.
    Equity,
    /// An exchange-traded fund.
    Etf,
}

/// An instrument as people write it; [`Instruments::define`] checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentSpec {
    /// Symbol, unique within the registry.
    pub symbol: String,
    /// Legal nature.
    pub kind: InstrumentKind,
    /// Code of the asset it is quoted and settled in.
    pub quote: String,
    /// Digits after the point of its prices: fine enough for the tick and for reported fills.
    pub price_scale: u8,
    /// Digits after the point of its quantities: fine enough for the lot and for reported fills.
    pub quantity_scale: u8,
    /// Smallest step of a limit price.
    pub tick: Decimal,
    /// Smallest step of an order's quantity.
    pub lot: Decimal,
    /// Smallest notional of an order, in the quote asset.
    pub min_notional: Decimal,
    /// Units of the quote asset per unit of price and quantity; 1 for everything but contracts.
    pub multiplier: Decimal,
    /// When it trades.
    pub calendar: Calendar,
}

impl InstrumentSpec {
    /// A share in US dollars: prices of 4 digits on a tick of one cent, whole units, orders worth
    /// at least one dollar.
    pub fn share(symbol: impl Into<String>, calendar: Calendar) -> Self {
        Self {
            symbol: symbol.into(),
            kind: InstrumentKind::Equity,
            quote: "USD".to_owned(),
            price_scale: 4,
            quantity_scale: 0,
            tick: Decimal::new(1, 2),
            lot: Decimal::ONE,
            min_notional: Decimal::ONE,
            multiplier: Decimal::ONE,
            calendar,
        }
    }
}

/// A checked instrument. Read-only: rules of a live order never change under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instrument {
    /// Symbol, unique within the registry.
    pub symbol: String,
    /// Legal nature.
    pub kind: InstrumentKind,
    /// Asset it is quoted and settled in.
    pub quote: AssetId,
    /// Digits after the point of its prices.
    pub price_scale: u8,
    /// Digits after the point of its quantities.
    pub quantity_scale: u8,
    /// Smallest step of a limit price.
    pub tick: Price,
    /// Smallest step of an order's quantity.
    pub lot: Quantity,
    /// Smallest notional of an order.
    pub min_notional: Cash,
    /// When it trades.
    pub calendar: Calendar,
    /// Cash units per price unit and quantity unit: multiplier and scales in one integer.
    value_factor: i128,
}

impl Instrument {
    /// The exact signed value of `quantity` at `price`, in the quote asset.
    ///
    /// No rounding: [`Instruments::define`] refuses scales at which this could not be exact.
    #[inline]
    pub const fn notional(&self, price: Price, quantity: Quantity) -> Cash {
        let product = price.units() as i128 * quantity.units() as i128;
        // Most factors are a single unit or a power of ten of 64 bits.
        Cash::from_units(if self.value_factor == 1 {
            product
        } else {
            times(product, self.value_factor)
        })
    }

    /// The signed quantity worth `value` at `price`, whole lots towards zero exposure.
    ///
    /// `None` when `price` is not positive or the quantity leaves the range of i64 units.
    pub fn quantity_for(&self, value: Cash, price: Price) -> Option<Quantity> {
        if !price.is_positive() {
            return None;
        }
        let one = times(i128::from(price.units()), self.value_factor);
        let (units, _) = quotient_and_rest(value.units(), one);
        i64::try_from(units)
            .ok()
            .map(|u| Quantity::from_units(u).to_lots_toward_zero(self.lot))
    }

    /// `per_unit` of cash for each unit of `quantity`, on an asset of `cash_scale` digits, rounded
    /// down: what we receive is not rounded up, what we owe is not rounded away.
    pub fn cash_per_unit(&self, per_unit: Decimal, quantity: Quantity, cash_scale: u8) -> Cash {
        let per_unit = per_unit.normalize();
        let product = per_unit.mantissa() * i128::from(quantity.units());
        let digits = per_unit.scale() + u32::from(self.quantity_scale);
        Cash::from_units(match u32::from(cash_scale).checked_sub(digits) {
            Some(missing) => product * 10_i128.pow(missing),
            None => divide(
                product,
                10_i128.pow(digits - u32::from(cash_scale)),
                Rounding::Down,
            ),
        })
    }

    /// Value of one unit of quantity per unit of f64 price, for statistics and marks.
    pub fn multiplier_f64(&self, cash_scale: u8) -> f64 {
        // value_factor = multiplier × 10^(cash − price − quantity)
        let exponent =
            i32::from(cash_scale) - i32::from(self.price_scale) - i32::from(self.quantity_scale);
        self.value_factor as f64 / libm::pow(10.0, f64::from(exponent))
    }
}

/// The registry of an account: its assets (base currency first) and its instruments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruments {
    assets: Vec<Asset>,
    instruments: Vec<Instrument>,
}

impl Instruments {
    /// An empty registry whose base currency is `base`.
    ///
    /// # Errors
    /// `Configuration` when the scale is above [`MAX_CASH_SCALE`] or the code is empty.
    pub fn new(base: Asset) -> Result<Self> {
        let mut this = Self {
            assets: Vec::new(),
            instruments: Vec::new(),
        };
        this.add_asset(base)?;
        Ok(this)
    }

    /// Adds an asset, or finds the equal one that is there.
    ///
    /// # Errors
    /// `Configuration` when the scale is too fine, the code empty, or known with another scale.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: fewer than 2^16 assets"
    )]
    pub fn add_asset(&mut self, asset: Asset) -> Result<AssetId> {
        if asset.code.is_empty() || asset.scale > MAX_CASH_SCALE {
            return Err(
                Error::config(format!("asset '{}' cannot be used", asset.code))
                    .context("scale", asset.scale)
                    .hint(format!(
                        "an asset has a code and at most {MAX_CASH_SCALE} digits"
                    )),
            );
        }
        if let Some(i) = self.assets.iter().position(|a| a.code == asset.code) {
            if self.assets[i] != asset {
                return Err(
                    Error::config(format!("asset '{}' has two scales", asset.code))
                        .context("first", self.assets[i].scale)
                        .context("second", asset.scale)
                        .hint("define each asset once"),
                );
            }
            return Ok(AssetId(u16::try_from(i).expect("fewer than 2^16 assets")));
        }
        self.assets.push(asset);
        Ok(AssetId(
            u16::try_from(self.assets.len() - 1).expect("fewer than 2^16 assets"),
        ))
    }

    /// Checks `spec` and gives it the next dense index.
    ///
    /// # Errors
    /// `Configuration` with the field and a hint: duplicate symbol, unknown quote asset, scales out
    /// of range, tick, lot or minimum not exact at their scale or not positive.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: at most the cash scale"
    )]
    pub fn define(&mut self, spec: &InstrumentSpec) -> Result<InstrumentId> {
        let refuse = |field: &str, value: String, hint: &str| {
            Error::config(format!(
                "instrument '{}' has an unusable {field}",
                spec.symbol
            ))
            .context(field, value)
            .hint(hint)
        };
        if spec.symbol.is_empty() || spec.symbol.len() > 32 {
            return Err(refuse(
                "symbol",
                spec.symbol.clone(),
                "use 1 to 32 characters",
            ));
        }
        if self.by_symbol(&spec.symbol).is_some() {
            return Err(refuse(
                "symbol",
                spec.symbol.clone(),
                "define each symbol once",
            ));
        }
        let Some(quote) = self.asset_by_code(&spec.quote) else {
            return Err(refuse(
                "quote",
                spec.quote.clone(),
                "define the quote asset first",
            ));
        };
        if spec.price_scale > MAX_SCALE || spec.quantity_scale > MAX_SCALE {
            return Err(refuse(
                "scale",
                format!("{} / {}", spec.price_scale, spec.quantity_scale),
                "prices and quantities have at most 12 digits after the point",
            ));
        }
        let cash_scale = self.assets[quote.index()].scale;
        let multiplier = spec.multiplier.normalize();
        let used =
            u32::from(spec.price_scale) + u32::from(spec.quantity_scale) + multiplier.scale();
        let Some(spare) = u32::from(cash_scale).checked_sub(used) else {
            return Err(refuse(
                "scale",
                format!("price + quantity + multiplier = {used}, cash = {cash_scale}"),
                "give the quote asset at least the digits of price, quantity and multiplier \
                 together, so that every notional is exact",
            ));
        };
        let spare = u8::try_from(spare).expect("at most the cash scale");
        let value_factor = multiplier.mantissa() * i128::from(pow10(spare));
        if value_factor <= 0 {
            return Err(refuse(
                "multiplier",
                spec.multiplier.to_string(),
                "use a positive one",
            ));
        }
        let tick = Price::from_decimal(spec.tick, spec.price_scale)?;
        let lot = Quantity::from_decimal(spec.lot, spec.quantity_scale)?;
        let min_notional = Cash::from_decimal(spec.min_notional, cash_scale)?;
        if !tick.is_positive() {
            return Err(refuse("tick", spec.tick.to_string(), "use a positive tick"));
        }
        if !lot.is_positive() {
            return Err(refuse("lot", spec.lot.to_string(), "use a positive lot"));
        }
        if min_notional.is_negative() {
            return Err(refuse(
                "min_notional",
                spec.min_notional.to_string(),
                "use 0 or more",
            ));
        }
        self.instruments.push(Instrument {
            symbol: spec.symbol.clone(),
            kind: spec.kind,
            quote,
            price_scale: spec.price_scale,
            quantity_scale: spec.quantity_scale,
            tick,
            lot,
            min_notional,
            calendar: spec.calendar,
            value_factor,
        });
        Ok(InstrumentId::from_index(self.instruments.len() - 1))
    }

    /// The instrument at `id`, if it is known.
    #[inline]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index())
    }

    /// The asset at `id`, if it is known.
    pub fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get(id.index())
    }

    /// The base currency.
    pub fn base(&self) -> &Asset {
        &self.assets[0]
    }

    /// The asset with this code.
    pub fn asset_by_code(&self, code: &str) -> Option<AssetId> {
        let i = self.assets.iter().position(|a| a.code == code)?;
        u16::try_from(i).ok().map(AssetId)
    }

    /// The instrument with this symbol.
    pub fn by_symbol(&self, symbol: &str) -> Option<InstrumentId> {
        self.instruments
            .iter()
            .position(|i| i.symbol == symbol)
            .map(InstrumentId::from_index)
    }

    /// All assets in index order.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// All instruments in index order.
    pub fn all(&self) -> &[Instrument] {
        &self.instruments
    }

    /// All ids in index order.
    pub fn ids(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        (0..self.instruments.len()).map(InstrumentId::from_index)
    }

    /// How many instruments there are.
    pub fn len(&self) -> usize {
        self.instruments.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.instruments.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(scale: u8) -> Asset {
        Asset {
            code: "USD".into(),
            scale,
        }
    }

    fn share(symbol: &str) -> InstrumentSpec {
        InstrumentSpec::share(symbol, Calendar::UsEquities)
    }

    #[test]
    fn notional_is_exact_and_inverts() {
        let mut all = Instruments::new(usd(12)).unwrap();
        let id = all.define(&share("AAPL")).unwrap();
        let aapl = all.get(id).unwrap();
        let price = Price::from_units(1_303_100);
        let value = aapl.notional(price, Quantity::from_units(-3));
        assert_eq!(value.text(12), "-390.93");
        assert_eq!(
            aapl.quantity_for(value, price),
            Some(Quantity::from_units(-3))
        );
        let almost = value + Cash::from_units(1);
        assert_eq!(
            aapl.quantity_for(almost, price),
            Some(Quantity::from_units(-2))
        );
        assert_eq!(aapl.quantity_for(value, Price::ZERO), None);
        assert!((aapl.multiplier_f64(12) - 1.0).abs() < 1e-15);
    }

    /// ERR-11: refusals name the instrument, the field and what to do.
    #[test]
    fn err_11_unusable_specs_teach() {
        let mut all = Instruments::new(usd(12)).unwrap();
        all.define(&share("AAPL")).unwrap();
        let cases: Vec<(InstrumentSpec, &str)> = vec![
            (share("AAPL"), "define each symbol once"),
            (
                InstrumentSpec {
                    quote: "EUR".into(),
                    ..share("X")
                },
                "define the quote asset first",
            ),
            (
                InstrumentSpec {
                    price_scale: 12,
                    quantity_scale: 6,
                    ..share("X")
                },
                "so that every notional is exact",
            ),
            (
                InstrumentSpec {
                    lot: Decimal::ZERO,
                    ..share("X")
                },
                "use a positive lot",
            ),
            (
                InstrumentSpec {
                    tick: "0.00001".parse().unwrap(),
                    ..share("X")
                },
                "finer scale",
            ),
        ];
        for (spec, expected) in cases {
            let e = all.define(&spec).unwrap_err().to_string();
            assert!(e.contains(expected), "{e}");
        }
    }
}
