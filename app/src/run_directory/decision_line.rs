//! One line of `decisions.jsonl`: what was decided and what it means for each instrument.

use ballast_domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::text::serialize_time;

/// A decision. Amounts are exact decimals, written as strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionLine {
    /// Number of the decision in the account, from 1.
    pub number: u32,
    /// The slot it was made for: the close it saw.
    #[serde(serialize_with = "serialize_time")]
    pub slot: Timestamp,
    /// When its targets took effect.
    #[serde(serialize_with = "serialize_time")]
    pub time: Timestamp,
    /// `targets` or `hold`.
    pub action: String,
    /// Why, in the strategy's words.
    pub reason: String,
    /// Equity the targets were valued with.
    pub equity: Decimal,
    /// The source of every price it saw.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Prices it saw that were older than the slot. Every other instrument that was listed had a
    /// price of the slot itself: age 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleInput>,
    /// Share of gross exposure with fresh data.
    pub fresh_share: f64,
    /// Whether it led to plans; not when too little data was fresh or nothing had to be traded.
    pub planned: bool,
    /// What it means for each instrument that is held or wanted.
    pub legs: Vec<LegLine>,
    /// Instruments that were looked at and have no target; with sleeves, in none of them.
    pub excluded: Vec<ExcludedLine>,
    /// What each sleeve decided; empty for a strategy that runs the account as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sleeves: Vec<SleeveLine>,
}

/// The price of an instrument that was older than the slot of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaleInput {
    /// Which instrument.
    pub symbol: String,
    /// From its last close to the slot, in seconds.
    pub age_seconds: f64,
}

impl DecisionLine {
    /// The age at the slot of the price of an instrument the decision looked at, in seconds.
    pub fn age_of(&self, symbol: &str) -> f64 {
        let stale = self.stale.iter().find(|input| input.symbol == symbol);
        stale.map_or(0.0, |input| input.age_seconds)
    }
}

/// One sleeve's part of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleeveLine {
    /// Its name.
    pub sleeve: String,
    /// Its share of equity.
    pub allocation: f64,
    /// `targets` or `hold`: then its last targets stand.
    pub action: String,
    /// Why, in the words of its strategy.
    pub reason: String,
}

/// What one sleeve wants of an instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleeveLegLine {
    /// Its name.
    pub sleeve: String,
    /// Its signal, or why it has no target; empty when it said nothing.
    pub signal: String,
    /// The signal's value, if it has one.
    pub score: Option<f64>,
    /// The risk estimate that sized it, such as an annualised volatility.
    pub volatility: Option<f64>,
    /// The weight before caps, a share of the sleeve.
    pub uncapped: Option<f64>,
    /// Its target with its allocation counted, as `0.25 of equity`; `None` wants nothing.
    pub target: Option<String>,
    /// Quantity the sleeve held before the decision.
    pub current: Decimal,
    /// Quantity it wants; the leg's is the sum of all.
    pub wanted: Decimal,
}

/// One instrument on its way from what is held to what is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegLine {
    /// Which instrument.
    pub symbol: String,
    /// The signal's state or name; empty when the strategy said nothing.
    pub signal: String,
    /// The signal's value, if it has one.
    pub score: Option<f64>,
    /// The risk estimate that sized it, such as an annualised volatility.
    pub volatility: Option<f64>,
    /// The weight before caps.
    pub uncapped: Option<f64>,
    /// The target, as `0.25 of equity`, `10 units` or `5000 in value`; `None` closes.
    pub target: Option<String>,
    /// Price at which both quantities were valued.
    pub price: Decimal,
    /// Quantity held.
    pub current: Decimal,
    /// Quantity wanted, in whole lots.
    pub wanted: Decimal,
    /// Value held.
    pub current_value: Decimal,
    /// Value wanted, before rounding to lots.
    pub target_value: Decimal,
    /// Value wanted less value held.
    pub drift: Decimal,
    /// The drift had to be above this, without its sign, to trade.
    pub threshold: Decimal,
    /// What became of it, such as `trade`, `below_threshold`, `at_target`.
    pub disposition: String,
    /// What an addition was cut to: `cash` or `gross_budget`.
    pub cut: Option<String>,
    /// The orders that followed, in order.
    pub orders: Vec<OrderLine>,
    /// What was missing to the target at the end, signed; `None` when nothing was.
    pub residual: Option<Decimal>,
    /// What each sleeve wants of it; empty for a strategy that runs the account as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sleeves: Vec<SleeveLegLine>,
}

/// An order that was wanted and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// Its client order id, as in `orders.csv` and `fills.csv`.
    pub order_id: String,
    /// `buy` or `sell`.
    pub side: String,
    /// How much was ordered.
    pub quantity: Decimal,
    /// How much the plan wanted before cash and budget cut it.
    pub wanted: Decimal,
    /// The worst price it may execute at; absent at the market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Decimal>,
    /// Whether it is what a limit order left at its deadline, sent at the market by policy.
    #[serde(default, skip_serializing_if = "is_false")]
    pub last_resort: bool,
    /// `passed`, or the control that refused it and why.
    pub verdict: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// An instrument without a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcludedLine {
    /// Which instrument.
    pub symbol: String,
    /// Why it has none.
    pub reason: String,
}
