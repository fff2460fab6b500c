//! What is written to the sandbox venue and read from it.

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, Instrument, InstrumentId, InstrumentKind, Instruments};
use ballast_domain::kernel::Fact;
use ballast_domain::market::{CorporateAction, Field, LaneState, PriceBasis};
use ballast_domain::money::{Cash, Price, Quantity, Rate};
use ballast_domain::orders::Intent;
use ballast_domain::simulation::{
    ExchangeSettings, FeeModel, FillPoint, LimitFills, SlippageModel, Stage, VenueRules,
};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is listed, and in which terms.
#[derive(Debug, Serialize)]
pub(super) struct Opening {
    listing: Listing,
    terms: Terms,
}

#[derive(Debug, Serialize)]
struct Listing {
    assets: Vec<Asset>,
    instruments: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    symbol: String,
    kind: InstrumentKind,
    quote: String,
    price_scale: u8,
    quantity_scale: u8,
    tick: Decimal,
    lot: Decimal,
    min_notional: Decimal,
    multiplier: Decimal,
    calendar: Calendar,
}

#[derive(Debug, Serialize)]
struct Terms {
    fill_point: FillPoint,
    fees: FeeModel,
    slippage: SlippageModel,
    opening_cash: Cash,
    delisting_haircut: Rate,
    participation: Option<Rate>,
    limits_inside_bars: bool,
}

impl Opening {
    pub(super) fn new(
        instruments: &Instruments,
        settings: &ExchangeSettings,
        rules: &VenueRules,
    ) -> Result<Self> {
        let known = VenueRules {
            participation: rules.participation,
            limit_fills: rules.limit_fills,
            remembered: rules.remembered,
            ..VenueRules::default()
        };
        if known != *rules {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "connect",
                "the sandbox venue has cash accounts on bars only",
            )
            .hint("leave out margin, funding, latency and cash in other assets"));
        }
        let listed = instruments.ids().filter_map(|id| instruments.get(id));
        let listed: ballast_domain::Result<Vec<Listed>> =
            listed.map(|i| Listed::new(instruments, i)).collect();
        let listed = listed.map_err(|e| Error::from_domain("connect", e))?;
        Ok(Self {
            listing: Listing {
                assets: instruments.assets().to_vec(),
                instruments: listed,
            },
            terms: Terms {
                fill_point: settings.fill_point,
                fees: settings.fees,
                slippage: settings.slippage,
                opening_cash: settings.opening_cash,
                delisting_haircut: settings.delisting_haircut,
                participation: rules.participation,
                limits_inside_bars: rules.limit_fills == LimitFills::ThroughBar,
            },
        })
    }
}

impl Listed {
    fn new(instruments: &Instruments, instrument: &Instrument) -> ballast_domain::Result<Self> {
        let quote = instruments
            .asset(instrument.quote)
            .ok_or_else(|| ballast_domain::Error::missing("an instrument's quote asset"))?;
        let (prices, quantities) = (instrument.price_scale, instrument.quantity_scale);
        // One unit at a price of one is worth the multiplier.
        let one = instrument.notional(
            Price::from_decimal(Decimal::ONE, prices)?,
            Quantity::from_decimal(Decimal::ONE, quantities)?,
        );
        Ok(Self {
            symbol: instrument.symbol.clone(),
            kind: instrument.kind,
            quote: quote.code.clone(),
            price_scale: prices,
            quantity_scale: quantities,
            tick: instrument.tick.to_decimal(prices)?,
            lot: instrument.lot.to_decimal(quantities)?,
            min_notional: instrument.min_notional.to_decimal(quote.scale)?,
            multiplier: one.to_decimal(quote.scale)?.normalize(),
            calendar: instrument.calendar,
        })
    }
}

/// What the venue says when it is open.
#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    /// How many facts it has told.
    pub(super) facts: u64,
}

/// An order.
#[derive(Debug, Serialize)]
pub(super) struct Order<'a> {
    pub(super) intent: &'a Intent,
    pub(super) expires_at: Timestamp,
    pub(super) at: Timestamp,
}

/// The answer to an order that is at the venue.
#[derive(Debug, Deserialize)]
pub(super) struct Accepted {
    pub(super) outcome: Outcome,
}

/// The only good word.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Accepted,
}

/// The answer to what the venue does not do.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    pub(super) refused: String,
}

/// Facts with their numbers.
#[derive(Debug, Deserialize)]
pub(super) struct Facts {
    pub(super) facts: Vec<(u64, Fact)>,
}

/// A stage of a bar.
#[derive(Debug, Serialize)]
pub(super) struct Market {
    pub(super) bar: Bar,
    pub(super) stage: Stage,
}

#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) open: Timestamp,
    pub(super) close: Timestamp,
    pub(super) fields: Vec<Field>,
    pub(super) basis: PriceBasis,
    pub(super) lanes: Vec<Lane>,
    pub(super) actions: Vec<(InstrumentId, CorporateAction)>,
}

#[derive(Debug, Serialize)]
pub(super) struct Lane {
    pub(super) state: LaneState,
    pub(super) values: [f64; 5],
}

/// What became of a stage.
#[derive(Debug, Deserialize)]
pub(super) struct Carried {
    pub(super) again: bool,
    /// How many facts the venue has told.
    pub(super) told: u64,
}
