//! `explain RUN SYMBOL [DATE]`: why a symbol was traded, or was not.

use std::path::PathBuf;

use ballast_domain::error::{Error, Result};
use chrono::NaiveDate;
use serde::Serialize;

use crate::config::nearest;
use crate::run_directory::{DecisionLine, LegLine, RunDirectory, RunFile, text};

/// What to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainRequest {
    /// The run directory.
    pub run: PathBuf,
    /// The symbol.
    pub symbol: String,
    /// The UTC date of the decision's slot: the last decision on or before it that says something
    /// about the symbol. Without a date the last of the run.
    pub date: Option<NaiveDate>,
}

/// One decision about one symbol, from signal to fill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The symbol.
    pub symbol: String,
    /// Number of the decision.
    pub decision: u32,
    /// The close it saw.
    pub slot: String,
    /// When its targets took effect.
    pub time: String,
    /// The strategy's reason.
    pub reason: String,
    /// Whether it led to plans.
    pub planned: bool,
    /// Why it led to none; `None` when it did.
    pub not_planned: Option<String>,
    /// The source of the price the decision saw; `None` in runs of before it was kept.
    pub source: Option<String>,
    /// How old that price was at the slot, in seconds; `None` without a source.
    pub age_seconds: Option<f64>,
    /// Signal, weight, cap, threshold, lot, verdict and residual; `None` when the symbol was
    /// excluded.
    pub leg: Option<LegLine>,
    /// Why the symbol had no target.
    pub excluded: Option<String>,
    /// Rows of `fills.csv` of the leg's orders.
    pub fills: Vec<FillRow>,
}

/// One row of `fills.csv`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FillRow {
    /// When.
    pub time: String,
    /// Which order.
    pub order_id: String,
    /// `buy` or `sell`.
    pub side: String,
    /// How much.
    pub quantity: String,
    /// At what price.
    pub price: String,
    /// What it cost.
    pub fee: String,
}

/// Finds the decision and everything that followed from it.
///
/// # Errors
/// `DataMissing` when the run says nothing about the symbol by then; as [`RunDirectory::open`].
pub fn explain(request: &ExplainRequest) -> Result<Explanation> {
    let run = RunDirectory::open(&request.run)?;
    explain_by(request, &run.decisions()?, &run.rows(RunFile::Fills)?)
}

/// The same from decisions and the rows of `fills.csv`, header first.
pub(super) fn explain_by(
    request: &ExplainRequest,
    decisions: &[DecisionLine],
    rows: &[Vec<String>],
) -> Result<Explanation> {
    let found = decisions
        .iter()
        .rev()
        .filter(|line| request.date.is_none_or(|date| line.slot.date() <= date))
        .find(|line| leg(line, &request.symbol).is_some() || excluded(line, request).is_some());
    let Some(line) = found else {
        return Err(nothing(request, decisions));
    };
    let leg = leg(line, &request.symbol).cloned();
    let fills = match &leg {
        Some(leg) => fills(rows, leg)?,
        None => Vec::new(),
    };
    Ok(Explanation {
        symbol: request.symbol.clone(),
        decision: line.number,
        slot: text::time(line.slot),
        time: text::time(line.time),
        reason: line.reason.clone(),
        planned: line.planned,
        source: (!line.source.is_empty()).then(|| line.source.clone()),
        age_seconds: (!line.source.is_empty()).then(|| line.age_of(&request.symbol)),
        not_planned: not_planned(line),
        excluded: excluded(line, request).map(str::to_owned),
        leg,
        fills,
    })
}

fn not_planned(line: &DecisionLine) -> Option<String> {
    if line.planned {
        return None;
    }
    let wanted = line.legs.iter().any(|leg| leg.disposition == "trade");
    Some(if wanted {
        format!(
            "only {:.1} % of the exposure had fresh data",
            line.fresh_share * 100.0
        )
    } else {
        "nothing had to be traded".to_owned()
    })
}

fn leg<'a>(line: &'a DecisionLine, symbol: &str) -> Option<&'a LegLine> {
    line.legs.iter().find(|leg| leg.symbol == symbol)
}

fn excluded<'a>(line: &'a DecisionLine, request: &ExplainRequest) -> Option<&'a str> {
    line.excluded
        .iter()
        .find(|excluded| excluded.symbol == request.symbol)
        .map(|excluded| excluded.reason.as_str())
}

fn fills(rows: &[Vec<String>], leg: &LegLine) -> Result<Vec<FillRow>> {
    let Some((header, rows)) = rows.split_first() else {
        return Err(Error::validation("fills.csv is empty"));
    };
    let column = |name: &str| {
        header.iter().position(|h| h == name).ok_or_else(|| {
            Error::validation(format!("fills.csv has no column {name}"))
                .hint("read the run with the program that wrote it")
        })
    };
    let (time, order_id, side) = (column("time")?, column("order_id")?, column("side")?);
    let (quantity, price, fee) = (column("quantity")?, column("price")?, column("fee")?);
    let mut found = Vec::new();
    for row in rows {
        let cell = |i: usize| row.get(i).cloned().unwrap_or_default();
        if leg
            .orders
            .iter()
            .any(|order| order.order_id == cell(order_id))
        {
            found.push(FillRow {
                time: cell(time),
                order_id: cell(order_id),
                side: cell(side),
                quantity: cell(quantity),
                price: cell(price),
                fee: cell(fee),
            });
        }
    }
    Ok(found)
}

/// No decision says anything about the symbol: why, as far as the run tells.
fn nothing(request: &ExplainRequest, decisions: &[DecisionLine]) -> Error {
    let mut symbols: Vec<&str> = decisions
        .iter()
        .flat_map(|line| {
            let legs = line.legs.iter().map(|leg| leg.symbol.as_str());
            legs.chain(line.excluded.iter().map(|e| e.symbol.as_str()))
        })
        .collect();
    symbols.sort_unstable();
    symbols.dedup();
    let error = Error::missing(format!("no decision about '{}'", request.symbol));
    let error = match request.date {
        Some(date) => error.context("on or before", date),
        None => error,
    };
    if symbols.contains(&request.symbol.as_str()) {
        return error.hint("the first decision about it is later: name a later date, or none");
    }
    match nearest(&request.symbol, symbols.iter().copied()) {
        Some(meant) => error.hint(format!("did you mean '{meant}'?")),
        None => error.hint(format!("the run knows {}", symbols.join(", "))),
    }
}
