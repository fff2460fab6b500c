//! What a venue does beyond the plain cash account on bars.

use super::funding::FundingRate;
use super::margin::MarginTerms;
use crate::error::{Error, Result};
use crate::instrument::{AssetId, Instruments};
use crate::market::{Field, Fields};
use crate::money::{Cash, Rate};
use crate::portfolio::MarginModel;
use crate::time::Span;

/// Ended orders, executions and events that an exchange remembers unless told otherwise: a day of a
/// busy account.
pub const REMEMBERED: usize = 1_024;

/// How resting limit orders meet bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LimitFills {
    /// At the fill point's price alone: a buy executes when that price is at or below its limit.
    /// What happens inside the bar is not looked at, so no order executes at a price nobody can
    /// prove it had. Orders that must not trade at once are refused.
    #[default]
    AtFillPoint,
    /// Inside the bar as well: at the open when the bar opens at or through the limit, else at the
    /// limit when the bar trades through it (a buy needs a low strictly below). Such executions are
    /// told at the bar's close, for when in the bar they happened is not known.
    ThroughBar,
}

/// Rules of a venue that come on top of [`ExchangeSettings`](super::ExchangeSettings). The default
/// is a cash account whose orders find unlimited volume at the fill point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueRules {
    /// The share of a bar's volume that all our orders together get of it, in order of arrival.
    /// `None` is unlimited. At an open this is the volume of the bar that begins there: known to
    /// the venue, never shown to a strategy.
    pub participation: Option<Rate>,
    /// How limit orders meet bars.
    pub limit_fills: LimitFills,
    /// How long after its arrival an order takes effect, where quotes exist. Bars are coarser than
    /// any latency, so it does not apply to them.
    pub latency: Span,
    /// Shorts, borrowed cash and perpetuals; `None` is a cash account, which pays in full and cannot
    /// be short.
    pub margin: Option<MarginTerms>,
    /// Funding of perpetuals, in order of time.
    pub funding: Vec<FundingRate>,
    /// Cash in other assets at the beginning, such as the one fees are paid in.
    pub other_cash: Vec<(AssetId, Cash)>,
    /// How many ended orders, executions and events can be asked for.
    pub remembered: usize,
}

impl Default for VenueRules {
    fn default() -> Self {
        Self {
            participation: None,
            limit_fills: LimitFills::AtFillPoint,
            latency: Span::ZERO,
            margin: None,
            funding: Vec::new(),
            other_cash: Vec::new(),
            remembered: REMEMBERED,
        }
    }
}

impl VenueRules {
    /// How the venue thinks the account pays for exposure.
    pub fn account_model(&self) -> MarginModel {
        self.margin.map_or(MarginModel::Cash, |terms| terms.model)
    }

    /// Whether an order can outlive the fill point it met: then `Day` means the rest of the session.
    pub(super) fn lets_orders_rest(&self) -> bool {
        self.participation.is_some() || self.limit_fills == LimitFills::ThroughBar
    }

    /// Whether a bar is over with its fill point: nothing rests in it, is funded, charged or
    /// liquidated.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        let upkeep = self.margin.is_some_and(|terms| terms.needs_upkeep());
        !self.lets_orders_rest() && !upkeep && self.funding.is_empty()
    }

    /// Columns without which these rules have nothing to go by.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::CLOSE;
        if self.participation.is_some() {
            fields = fields.union(Fields::of(&[Field::Volume]));
        }
        if self.limit_fills == LimitFills::ThroughBar {
            fields = fields.union(Fields::of(&[Field::Open, Field::High, Field::Low]));
        }
        fields
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// `Configuration` with the key: a participation outside (0, 1], a negative latency, margin
    /// terms as [`MarginTerms::validate`] refuses them, funding out of order, an
    /// unknown asset or instrument.
    pub fn validate(&self, instruments: &Instruments) -> Result<()> {
        let refuse = |key: &str, value: String, hint: &str| {
            Err(Error::config(format!("{key} cannot be {value}"))
                .context("key", key)
                .hint(hint))
        };
        if let Some(share) = self.participation
            && (share <= Rate::ZERO || share > Rate::ONE)
        {
            let hint = "use a share above 0 and at most 1, or leave it out for no limit";
            return refuse("participation", share.to_f64().to_string(), hint);
        }
        if self.latency < Span::ZERO {
            let value = format!("{} ns", self.latency.nanos());
            return refuse("latency", value, "no order takes effect before it arrives");
        }
        if let Some(terms) = &self.margin {
            terms.validate()?;
        }
        if let Some(pair) = self.funding.windows(2).find(|p| p[0].at > p[1].at) {
            let hint = "sort funding by time";
            return refuse("funding", format!("out of order at {}", pair[1].at), hint);
        }
        for rate in &self.funding {
            if instruments.get(rate.instrument).is_none() {
                let value = format!("for instrument {}", rate.instrument.0);
                return refuse("funding", value, "define the instrument first");
            }
        }
        for (asset, amount) in &self.other_cash {
            let known = instruments.asset(*asset).is_some() && *asset != AssetId::BASE;
            if !known || amount.is_negative() {
                let hint = "name another asset than the base currency, defined, with 0 or more";
                return refuse("other_cash", format!("{amount:?} of {}", asset.0), hint);
            }
        }
        Ok(())
    }
}
