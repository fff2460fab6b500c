//! What a header says about its file.

use std::collections::BTreeSet;

use ballast_domain::market::{Field, Fields};

use crate::defect::{Defect, DefectCode};
use crate::options::CsvOptions;

/// The price and volume columns, in the order of their values in a row.
pub(crate) const COLUMNS: [(Field, &str); 5] = [
    (Field::Open, "open"),
    (Field::High, "high"),
    (Field::Low, "low"),
    (Field::Close, "close"),
    (Field::Volume, "volume"),
];
/// Position of the close in a row of values.
pub(crate) const CLOSE: usize = 3;

/// Names of the time column.
pub(crate) const TIME_NAMES: [&str; 4] = ["timestamp", "date", "time", "datetime"];
/// Names of the symbol column.
pub(crate) const SYMBOL_NAMES: [&str; 2] = ["symbol", "ticker"];

/// How the rows of a file are laid out.
#[derive(Debug, PartialEq)]
pub(crate) enum Layout {
    /// One bar a row.
    Long(Long),
    /// One time a row, the close of one symbol a column.
    Wide {
        time: usize,
        /// Column and symbol.
        symbols: Vec<(usize, String)>,
    },
}

/// Positions of the columns of a long file.
#[derive(Debug, PartialEq)]
pub(crate) struct Long {
    pub(crate) time: usize,
    pub(crate) symbol: Option<usize>,
    pub(crate) values: [Option<usize>; 5],
    pub(crate) adjust: Option<usize>,
    pub(crate) extra: Vec<String>,
}

impl Long {
    /// The columns that are there.
    pub(crate) fn fields(&self) -> Fields {
        let there: Vec<Field> = (COLUMNS.iter().zip(&self.values))
            .filter(|(_, position)| position.is_some())
            .map(|((field, _), _)| *field)
            .collect();
        Fields::of(&there)
    }
}

/// Understands a header, or says which columns are missing or there twice.
pub(crate) fn layout(
    file: &str,
    header: &[String],
    options: &CsvOptions,
) -> Result<Layout, Vec<Defect>> {
    let lower: Vec<String> = header.iter().map(|name| name.to_lowercase()).collect();
    let mut defects = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, name) in lower.iter().enumerate() {
        if !name.is_empty() && !seen.insert(name) {
            defects.push(
                Defect::new(
                    DefectCode::DuplicateColumn,
                    file,
                    format!("column '{}' is there twice", header[i]),
                )
                .row(1)
                .hint("remove or rename one of them"),
            );
        }
    }
    let find = |names: &[&str]| lower.iter().position(|name| names.contains(&name.as_str()));
    let missing = |name: &str| {
        let hint = if header.len() == 1 && header[0].contains([';', '\t']) {
            "separate the columns by commas"
        } else {
            "rename the column that holds it, or add it"
        };
        let message = format!("column '{name}' is missing; found: {}", header.join(", "));
        Defect {
            column: Some(name.to_owned()),
            ..Defect::new(DefectCode::MissingColumn, file, message)
                .row(1)
                .hint(hint)
        }
    };
    let time = find(&TIME_NAMES);
    if time.is_none() {
        defects.push(missing("timestamp (or date, time, datetime)"));
    }
    let values = COLUMNS.map(|(_, name)| find(&[name]));
    // One price name alone can be a ticker in a wide table; two of them are bars. Names such as
    // bid_open are quotes, whose columns must not pass for symbols.
    let is_quote = |name: &String| {
        (["_open", "_high", "_low", "_close"].iter()).any(|ending| name.ends_with(ending))
    };
    let is_long = values[CLOSE].is_some()
        || values.iter().flatten().count() >= 2
        || lower.iter().any(is_quote);
    if is_long || time.is_none() {
        for (i, (field, name)) in COLUMNS.iter().enumerate() {
            if values[i].is_none() && (i == CLOSE || options.required.has(*field)) {
                defects.push(missing(name));
            }
        }
    }
    let adjust = match &options.adjust {
        Some(name) => {
            let position = find(&[&name.to_lowercase()]);
            if position.is_none() {
                defects.push(missing(name));
            }
            position
        }
        None => None,
    };
    let (Some(time), true) = (time, defects.is_empty()) else {
        return Err(defects);
    };
    if is_long {
        let symbol = find(&SYMBOL_NAMES);
        let used = |i: &usize| {
            *i == time || Some(*i) == symbol || values.contains(&Some(*i)) || adjust == Some(*i)
        };
        let extra = (0..header.len())
            .filter(|i| !used(i))
            .map(|i| header[i].clone())
            .collect();
        return Ok(Layout::Long(Long {
            time,
            symbol,
            values,
            adjust,
            extra,
        }));
    }
    let symbols: Vec<_> = (0..header.len())
        .filter(|i| *i != time)
        .map(|i| (i, header[i].clone()))
        .collect();
    if symbols.is_empty() || symbols.iter().any(|(_, name)| name.is_empty()) {
        let defect = Defect::new(
            DefectCode::MissingColumn,
            file,
            "a wide table needs a time column and one named column a symbol",
        );
        return Err(vec![defect.row(1).hint("name every column")]);
    }
    Ok(Layout::Wide { time, symbols })
}

#[cfg(test)]
mod tests {
    use ballast_domain::calendar::Calendar;

    use super::*;
    use crate::options::CsvSource;

    fn read(header: &str) -> Result<Layout, Vec<Defect>> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let source = CsvSource::Path("x.csv".into());
        layout(
            "x.csv",
            &header,
            &CsvOptions::new(source, Calendar::Utc24x7),
        )
    }

    #[test]
    fn long_and_wide_are_told_apart() {
        let Ok(Layout::Long(long)) = read("Ticker,Date,Open,High,Low,Close,Volume,Adj Close")
        else {
            panic!("not long");
        };
        assert_eq!((long.time, long.symbol), (1, Some(0)));
        assert_eq!(long.values, [2, 3, 4, 5, 6].map(Some));
        assert_eq!(long.extra, ["Adj Close"]);
        // A ticker named like a price column does not make a table of closes long.
        let Ok(Layout::Wide { time, symbols }) = read("date,SPY,LOW") else {
            panic!("not wide");
        };
        assert_eq!(time, 0);
        assert_eq!(symbols, [(1, "SPY".to_owned()), (2, "LOW".to_owned())]);
    }

    #[test]
    fn headers_that_cannot_be_used_say_why() {
        for (header, expected) in [
            (
                "date,open,high,low,volume",
                "column 'close' is missing; found: date, open, high",
            ),
            ("date,close,Close", "column 'Close' is there twice"),
            (
                "when,A,B",
                "column 'timestamp (or date, time, datetime)' is missing",
            ),
            (
                "date,bid_open,bid_close,ask_open,ask_close",
                "column 'close' is missing",
            ),
            ("date,A,", "one named column a symbol"),
            ("date;open;close", "separate the columns by commas"),
        ] {
            let defects = read(header).unwrap_err();
            let text: String = defects.iter().map(ToString::to_string).collect();
            assert!(text.contains(expected), "{header}: {text}");
        }
    }
}
