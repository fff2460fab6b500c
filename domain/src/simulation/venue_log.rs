//! What a venue was told, in order: enough to build it again after its process ended.

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::exchange_settings::ExchangeSettings;
use super::stages::Cursor;
use super::venue_rules::VenueRules;
use crate::error::{Error, Result};
use crate::instrument::Instruments;
use crate::kernel::Redeemed;
use crate::market::Panel;
use crate::orders::{ClientOrderId, Intent};
use crate::time::Timestamp;

/// One thing a venue was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueInput {
    /// A stage of a bar was carried out once.
    Stage(Cursor),
    /// An order arrived.
    Order {
        /// The order.
        intent: Intent,
        /// The venue refuses it when it comes after this.
        expires_at: Timestamp,
        /// When it came.
        at: Timestamp,
    },
    /// An order was to be taken back.
    Cancel(ClientOrderId),
}

impl VenueInput {
    /// The arrival of an order, as it is written down before the venue takes it.
    pub const fn of_order(order: &Redeemed, at: Timestamp) -> Self {
        Self::Order {
            intent: *order.intent(),
            expires_at: order.expires_at(),
            at,
        }
    }
}

/// What an exchange has to show after an input: a rebuilt one must show the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueState {
    /// Executions so far.
    pub trades: u64,
    /// Orders that arrived so far.
    pub received: u64,
    /// Cash in the base currency, in units of its scale.
    pub cash: i128,
}

impl Exchange {
    /// What it has to show now.
    pub fn state(&self) -> VenueState {
        VenueState {
            trades: u64::try_from(self.trades()).unwrap_or(u64::MAX),
            received: self.received(),
            cash: self.cash().units(),
        }
    }

    /// An exchange that was told all of `log`, in order, and has shown what stands beside each; and
    /// the stage that comes next.
    ///
    /// Orders in a log need no permit: they were redeemed when they came. That is why a whole new
    /// exchange is built, and an exchange that trades takes nothing by this way.
    ///
    /// # Errors
    /// `DataValidation` when it does not come to show the same: the market data or the terms of the
    /// venue are not those of the log.
    pub fn rebuild<'a>(
        instruments: Instruments,
        settings: ExchangeSettings,
        rules: VenueRules,
        panel: &Panel,
        log: impl IntoIterator<Item = &'a (VenueInput, VenueState)>,
    ) -> Result<(Self, Cursor)> {
        let point = settings.fill_point;
        let mut exchange = Self::with_rules(instruments, settings, rules);
        let mut next = Cursor::START;
        // Whoever was told these knows them; they are in the report as well.
        exchange.facts.clear();
        for (number, (input, shown)) in log.into_iter().enumerate() {
            match *input {
                VenueInput::Stage(cursor) => {
                    let again = exchange.carry_out(cursor, panel);
                    next = if again { cursor } else { cursor.next(point) };
                }
                VenueInput::Order {
                    intent,
                    expires_at,
                    at,
                } => exchange.arrive(intent, expires_at, at),
                VenueInput::Cancel(client_id) => exchange.cancel(client_id),
            }
            exchange.facts.clear();
            let found = exchange.state();
            if found != *shown {
                return Err(Error::validation(
                    "the venue's own log does not lead to what it has shown",
                )
                .context("entry", number + 1)
                .context("found", format!("{found:?}"))
                .context("shown", format!("{shown:?}"))
                .hint(
                    "market data, fees, fill point or opening cash are not those this account has \
                     traded on: put them back, or trade under another account name",
                ));
            }
        }
        Ok((exchange, next))
    }
}
