//! What a served venue can be told, as it comes over the wire and stands in the ledger.

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Result;
use ballast_domain::instrument::{
    Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments,
};
use ballast_domain::market::{
    CorporateAction, Field, Fields, LaneRow, LaneState, Panel, PriceBasis,
};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::{ClientOrderId, Intent};
use ballast_domain::simulation::{
    ExchangeSettings, FeeModel, FillPoint, LimitFills, SlippageModel, Stage, VenueRules,
};
use ballast_domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Ended orders, executions and events that can be asked for. The ledger and the ids that were taken
/// have no such bound.
const REMEMBERED: usize = 4_096;

/// Everything that changes a venue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// It opens.
    Open(Box<Opening>),
    /// An order arrived.
    Order(Order),
    /// An order was to be taken back.
    Cancel(ClientOrderId),
    /// It is this late. Who asks for an order says when, so that after a "no such order" the order is
    /// too late for ever.
    Now(Timestamp),
    /// A new bar begins; its stages follow.
    Bar(Bar),
    /// A stage of the newest bar. One that has passed does not come back.
    Stage(Stage),
}

/// What a venue lists and how it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// What is traded.
    pub listing: Listing,
    /// How.
    pub terms: Terms,
}

/// Assets, base currency first, and instruments in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Code and digits.
    pub assets: Vec<Asset>,
    /// In order.
    pub instruments: Vec<Specification>,
}

/// An instrument as it is listed: [`InstrumentSpec`] on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of InstrumentSpec")]
pub struct Specification {
    pub symbol: String,
    pub kind: InstrumentKind,
    pub quote: String,
    pub price_scale: u8,
    pub quantity_scale: u8,
    pub tick: Decimal,
    pub lot: Decimal,
    pub min_notional: Decimal,
    pub multiplier: Decimal,
    pub calendar: Calendar,
}

impl Listing {
    /// The registry of these instruments.
    ///
    /// # Errors
    /// As the registry refuses an asset or an instrument.
    pub fn instruments(&self) -> Result<Instruments> {
        let mut assets = self.assets.iter().cloned();
        let base = assets.next().ok_or_else(|| {
            ballast_domain::Error::config("a listing needs a base currency")
                .hint("name it first among the assets")
        })?;
        let mut all = Instruments::new(base)?;
        for asset in assets {
            all.add_asset(asset)?;
        }
        for listed in self.instruments.iter().cloned() {
            all.define(&InstrumentSpec {
                symbol: listed.symbol,
                kind: listed.kind,
                quote: listed.quote,
                price_scale: listed.price_scale,
                quantity_scale: listed.quantity_scale,
                tick: listed.tick,
                lot: listed.lot,
                min_notional: listed.min_notional,
                multiplier: listed.multiplier,
                calendar: listed.calendar,
            })?;
        }
        Ok(all)
    }
}

/// How orders execute and what they cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Where in a bar.
    pub fill_point: FillPoint,
    /// The fee of an execution.
    pub fees: FeeModel,
    /// How much worse than the market.
    pub slippage: SlippageModel,
    /// Cash of the account when it opens.
    pub opening_cash: Cash,
    /// What holders lose at a delisting.
    pub delisting_haircut: Rate,
    /// The share of a bar's volume that orders get; nothing is no limit.
    pub participation: Option<Rate>,
    /// Whether limits execute inside a bar.
    pub limits_inside_bars: bool,
}

impl Terms {
    /// The settings of an exchange in these terms.
    pub const fn settings(&self) -> ExchangeSettings {
        ExchangeSettings {
            fill_point: self.fill_point,
            fees: self.fees,
            slippage: self.slippage,
            opening_cash: self.opening_cash,
            delisting_haircut: self.delisting_haircut,
        }
    }

    /// The rules of a venue in these terms.
    pub fn rules(&self) -> VenueRules {
        VenueRules {
            participation: self.participation,
            limit_fills: if self.limits_inside_bars {
                LimitFills::ThroughBar
            } else {
                LimitFills::AtFillPoint
            },
            remembered: REMEMBERED,
            ..VenueRules::default()
        }
    }
}

/// An order as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What is wanted.
    pub intent: Intent,
    /// The venue refuses it after this.
    pub expires_at: Timestamp,
    /// When it was sent, by the sender's clock.
    pub at: Timestamp,
}

/// One bar of all instruments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// When it began.
    pub open: Timestamp,
    /// When it ended.
    pub close: Timestamp,
    /// Columns that are there.
    pub fields: Vec<Field>,
    /// What the prices mean.
    pub basis: PriceBasis,
    /// One an instrument.
    pub lanes: Vec<Lane>,
    /// What takes effect before its first price.
    pub actions: Vec<(InstrumentId, CorporateAction)>,
}

/// One instrument of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Its state.
    pub state: LaneState,
    /// Open, high, low, close, volume.
    pub values: [f64; 5],
}

impl Bar {
    /// The bar as the only row of a panel.
    ///
    /// # Errors
    /// As a panel refuses a row.
    pub fn panel(&self) -> Result<Panel> {
        let mut panel = Panel::new(self.lanes.len(), Fields::of(&self.fields), self.basis);
        let row: Vec<LaneRow> = self
            .lanes
            .iter()
            .map(|lane| LaneRow {
                state: lane.state,
                values: lane.values,
            })
            .collect();
        panel.push_row(self.open, self.close, &row, &self.actions)?;
        Ok(panel)
    }
}
