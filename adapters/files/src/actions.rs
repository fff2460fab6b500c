//! Corporate actions from their own file.

use std::collections::BTreeMap;

use ballast_domain::market::{ActionKind, CorporateAction, Series, SplitRatio};
use ballast_ports::{Error, Result};
use csv::{ReaderBuilder, StringRecord};
use rust_decimal::Decimal;

use crate::defect::{Defect, DefectCode, Defects};
use crate::options::DateFormat;
use crate::session::Sessions;
use crate::source::TextFile;
use crate::stamp::{self, Stamp, slash_date, slash_format};

const COLUMNS: [&str; 4] = ["date", "symbol", "kind", "value"];

/// Adds the actions of `file` to their series, in time order.
///
/// # Errors
/// When the calendar cannot answer for a date.
pub(crate) fn attach(
    file: &TextFile,
    date_format: Option<DateFormat>,
    sessions: &mut Sessions,
    series: &mut BTreeMap<String, Series>,
    defects: &mut Defects,
) -> Result<()> {
    let text = match &file.text {
        Ok(text) => text,
        Err(defect) => {
            defects.push((**defect).clone());
            return Ok(());
        }
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let header: Vec<String> = match reader.read_record(&mut record) {
        Ok(true) => record.iter().map(|c| c.trim().to_lowercase()).collect(),
        Ok(false) | Err(_) => Vec::new(),
    };
    let positions = COLUMNS.map(|name| header.iter().position(|column| column == name));
    let [Some(date), Some(symbol), Some(kind), Some(value)] = positions else {
        for (name, position) in COLUMNS.iter().zip(positions) {
            if position.is_none() {
                let found = header.join(", ");
                defects.push(
                    Defect::new(
                        DefectCode::MissingColumn,
                        &file.name,
                        format!("column '{name}' is missing; found: {found}"),
                    )
                    .row(1)
                    .hint("an actions file has the columns date, symbol, kind, value"),
                );
            }
        }
        return Ok(());
    };
    let mut rows = Vec::new();
    while matches!(reader.read_record(&mut record), Ok(true)) {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |i: usize| record.get(i).unwrap_or("").trim().to_owned();
        rows.push((line, [date, symbol, kind, value].map(cell)));
    }
    // The bars' date format, else what the dates of this file allow.
    let date_format = date_format.or_else(|| {
        let slashes = rows
            .iter()
            .filter_map(|(_, [date, ..])| match stamp::parse(date) {
                Some(Stamp::Slash { first, second, .. }) => Some((first, second)),
                _ => None,
            });
        slash_format(slashes).ok()
    });
    for (line, [date, symbol, kind, value]) in rows {
        let refuse = |code, message: &str, column: &str, cell: &str, hint: &str| {
            Defect::new(code, &file.name, message)
                .row(line)
                .symbol(&symbol)
                .cell(column, cell)
                .hint(hint)
        };
        let day = match (stamp::parse(&date), date_format) {
            (Some(Stamp::Date(day)), _) => Some(day),
            (
                Some(Stamp::Slash {
                    first,
                    second,
                    year,
                }),
                Some(format),
            ) => slash_date(format, first, second, year),
            _ => None,
        };
        let Some(day) = day else {
            let hint = "write it like 2014-06-09, or set date_format";
            defects.push(refuse(
                DefectCode::BadTimestamp,
                "not a date",
                "date",
                &date,
                hint,
            ));
            continue;
        };
        let session = sessions.of(day).map_err(|e| {
            Error::from_domain("open", e)
                .context("file", &file.name)
                .context("line", line)
        })?;
        let Some((at, _)) = session else {
            let message = "the market is closed that day";
            let hint = "an action takes effect at the open of its ex date: use a session's date";
            defects.push(refuse(
                DefectCode::NonSessionDay,
                message,
                "date",
                &date,
                hint,
            ));
            continue;
        };
        let kind = match action(&kind, &value) {
            Ok(kind) => kind,
            Err((message, hint)) => {
                let cell = format!("{kind} {value}");
                defects.push(refuse(
                    DefectCode::BadAction,
                    &message,
                    "kind and value",
                    &cell,
                    &hint,
                ));
                continue;
            }
        };
        let Some(series) = series.get_mut(&symbol) else {
            let message = "there are no bars of this symbol";
            let hint = "correct the symbol, or remove the row";
            defects.push(refuse(
                DefectCode::SymbolMismatch,
                message,
                "symbol",
                &symbol,
                hint,
            ));
            continue;
        };
        let action = CorporateAction { at, kind };
        if series.actions.contains(&action) {
            let (message, hint) = ("the action is there twice", "remove one of the rows");
            let code = DefectCode::DuplicateTimestamp;
            defects.push(refuse(code, message, "date", &date, hint));
            continue;
        }
        series.actions.push(action);
    }
    for one in series.values_mut() {
        one.actions.sort_by_key(|action| action.at);
    }
    Ok(())
}

fn action(kind: &str, value: &str) -> std::result::Result<ActionKind, (String, String)> {
    let refused = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    let number = || Decimal::from_str_exact(value).ok();
    match kind.to_lowercase().as_str() {
        "split" => {
            let Some(ratio) = number() else {
                return refused(
                    "a split has no ratio",
                    "write new units per old unit, such as 2",
                );
            };
            match SplitRatio::from_decimal(ratio) {
                Ok(ratio) => Ok(ActionKind::Split(ratio)),
                Err(e) => Err((e.message, e.hint.unwrap_or_default())),
            }
        }
        "dividend" => match number().filter(|v| v.is_sign_positive() && !v.is_zero()) {
            Some(cash) => Ok(ActionKind::Dividend(cash)),
            None => refused(
                "a dividend is not above zero",
                "write cash per unit, such as 0.25",
            ),
        },
        "delisting" if value.is_empty() => Ok(ActionKind::Delisting),
        "delisting" => refused(
            "a delisting has a value",
            "leave the value empty: the last price and the account's haircut decide",
        ),
        _ => refused("an unknown kind", "use split, dividend or delisting"),
    }
}
