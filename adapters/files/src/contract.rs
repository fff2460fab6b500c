//! A file held against the data contract: one verdict, and every reason for it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{
    DefectCode, Examination, FEW, Finding, RawBar, Terms, Verdict, examine, likely_calendar,
    mislabelled, staleness,
};
use ballast_domain::market::{BarSize, Field, Fields};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Error, Result};

use crate::assemble::{bar_size, date_format, resolve_slashes};
use crate::checksum::Checksum;
use crate::contract_report::{ContractDefect, ContractReport};
use crate::defect::{Defect, Defects};
use crate::layout::COLUMNS;
use crate::options::{CsvOptions, CsvSource, DateFormat};
use crate::policy::ContractPolicy;
use crate::rows::{Place, Rows, read_file};
use crate::source::{self, TextFile};

/// What a file is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractOptions {
    /// The file.
    pub source: CsvSource,
    /// Bar size; `None` takes the commonest distance between rows.
    pub bar: Option<BarSize>,
    /// When the instruments trade; `None` takes the one the dates follow
    /// ([`likely_calendar`]).
    pub calendar: Option<Calendar>,
    /// The instant the data is for; `None` leaves future and unfinished bars unseen.
    pub now: Option<Timestamp>,
    /// The age at `now` beyond which the newest bar is stale; `None` does not ask.
    pub max_age: Option<Span>,
    /// The symbols that must be there, and no others; empty takes what comes. A file without
    /// symbols holds the one expected.
    pub expect: Vec<String>,
    /// Whether anything but an acceptance is a rejection.
    pub strict: bool,
    /// What times of day without a zone and rows with holes mean.
    pub policy: ContractPolicy,
    /// What the bytes of the one file must hash to, as `sha256:HEX` or `blake3:HEX`: the only way to
    /// see a changed value that is still plausible.
    pub checksum: Option<Checksum>,
    /// Splits, dividends and delistings, as [`CsvOptions::actions`]; they matter when loading.
    pub actions: Option<CsvSource>,
}

impl ContractOptions {
    /// Everything found out from the file, nothing expected, lenient.
    pub const fn new(source: CsvSource) -> Self {
        Self {
            source,
            bar: None,
            calendar: None,
            now: None,
            max_age: None,
            expect: Vec::new(),
            strict: false,
            policy: ContractPolicy::USUAL,
            checksum: None,
            actions: None,
        }
    }
}

/// Reads a file and holds it against the data contract.
///
/// # Errors
/// `NotFound`, `Unauthenticated` or `Unavailable` when the file cannot be read; `Config` when the
/// calendar does not know a date, or a checksum is given for a folder.
pub fn check_contract(options: &ContractOptions) -> Result<ContractReport> {
    Ok(judge(options)?.report)
}

/// What a check leaves besides its report.
pub(crate) struct Judged {
    pub(crate) report: ContractReport,
    /// Usable bars by symbol; those of a rejected file too.
    pub(crate) usable: BTreeMap<String, Examination>,
    /// Absent when no row could be understood.
    pub(crate) terms: Option<Terms>,
    pub(crate) date_format: Option<DateFormat>,
    pub(crate) rows: Rows,
    pub(crate) files: Vec<TextFile>,
}

/// Reads and judges: every way into the contract goes through here.
pub(crate) fn judge(options: &ContractOptions) -> Result<Judged> {
    let actions = match &options.actions {
        Some(CsvSource::Path(path)) => Some(path.as_path()),
        _ => None,
    };
    let (files, is_folder) = source::read(&options.source, actions)?;
    let calendar = options.calendar.unwrap_or(Calendar::Utc24x7);
    let reading = CsvOptions {
        bar: options.bar,
        ..CsvOptions::new(options.source.clone(), calendar)
    };
    let mut defects = Defects::default();
    if let Some(checksum) = &options.checksum {
        checksum.compare(&options.source, &files[0].name, &mut defects)?;
    }
    let mut rows = Rows::default();
    for (index, file) in files.iter().enumerate() {
        let place = match (is_folder, files.len()) {
            (false, _) => Place::Alone,
            (true, 1) => Place::OnlyOfFolder,
            (true, _) => Place::OneOfFolder,
        };
        read_file(index, file, place, &reading, &mut rows, &mut defects);
    }
    let mut check = Check {
        options,
        is_folder,
        files: &files,
        found: Vec::new(),
        verdict: Verdict::Accept,
        usable: BTreeMap::new(),
        times: BTreeMap::new(),
        terms: None,
        date_format: None,
    };
    check.content(&mut rows, &reading, &mut defects)?;
    defects.conclude(&files[0].name, rows.count > 0);
    for defect in &defects.kept {
        check.of_reading(defect);
    }
    let (terms, date_format) = (check.terms, check.date_format);
    let (report, usable) = check.report(rows.count);
    Ok(Judged {
        report,
        usable,
        terms,
        date_format,
        rows,
        files,
    })
}

/// Rows of one symbol with the place of their file.
type Lane = Vec<(usize, RawBar)>;

/// A check under way.
struct Check<'a> {
    options: &'a ContractOptions,
    is_folder: bool,
    files: &'a [TextFile],
    found: Vec<(usize, ContractDefect)>,
    verdict: Verdict,
    usable: BTreeMap<String, Examination>,
    terms: Option<Terms>,
    date_format: Option<DateFormat>,
    /// Times of rows with refused values, by file and line.
    times: BTreeMap<(usize, u64), Timestamp>,
}

impl Check<'_> {
    /// Everything beyond single cells.
    fn content(
        &mut self,
        rows: &mut Rows,
        reading: &CsvOptions,
        defects: &mut Defects,
    ) -> Result<()> {
        let Some(format) = date_format(self.files, rows, reading, defects) else {
            return Ok(());
        };
        self.date_format = format;
        for symbol in rows.symbols.values_mut() {
            resolve_slashes(self.files, symbol, format, defects);
        }
        let refused = rows.symbols.values().flat_map(|symbol| &symbol.refused);
        self.times = refused
            .filter_map(|row| Some(((row.file, row.line), row.stamp.instant()?)))
            .collect();
        let Some(bar) = bar_size(self.files, rows, reading, defects) else {
            return Ok(());
        };
        let mut lanes = self.one_name_each(lanes(rows), rows.labelled);
        self.expected(&mut lanes, rows.labelled);
        self.other_names(&mut lanes);
        let dates: Vec<_> = (lanes.values().flatten())
            .map(|(_, bar)| bar.time.date())
            .collect();
        let calendar = self.options.calendar;
        let terms = Terms {
            bar,
            calendar: calendar.unwrap_or_else(|| likely_calendar(&dates)),
            now: self.options.now,
            fields: rows.fields.unwrap_or(Fields::CLOSE),
        };
        self.terms = Some(terms);
        let mut newest: Vec<(String, Timestamp)> = Vec::new();
        for (symbol, lane) in &lanes {
            // A symbol's rows stand in one file, or in files that continue each other.
            let file = lane.first().map_or(0, |(file, _)| *file);
            let bars: Vec<RawBar> = lane.iter().map(|(_, bar)| *bar).collect();
            let mut examined =
                examine(&bars, &terms).map_err(|e| Error::from_domain("check", e))?;
            newest.extend(examined.newest_close.map(|close| (symbol.clone(), close)));
            for finding in examined.findings.drain(..) {
                self.finding(file, Some(symbol), finding);
            }
            if !examined.usable.is_empty() {
                self.usable.insert(symbol.clone(), examined);
            }
        }
        self.fresh(&newest, &terms)
    }

    /// One spelling a symbol: with several, capitals; with an expectation, the expected one.
    fn one_name_each(
        &mut self,
        lanes: BTreeMap<String, Lane>,
        labelled: bool,
    ) -> BTreeMap<String, Lane> {
        let mut spellings: BTreeMap<String, usize> = BTreeMap::new();
        for symbol in lanes.keys() {
            *spellings.entry(symbol.to_uppercase()).or_default() += 1;
        }
        let mut merged: BTreeMap<String, Lane> = BTreeMap::new();
        for (symbol, lane) in lanes {
            let capitals = symbol.to_uppercase();
            let expect = &self.options.expect;
            let expected = expect.iter().find(|e| e.to_uppercase() == capitals);
            let name = match (expected, expect.as_slice(), labelled) {
                (None, [only], false) => only.clone(),
                (Some(expected), ..) => expected.clone(),
                (None, ..) if spellings[&capitals] > 1 => capitals,
                (None, ..) => symbol.clone(),
            };
            if labelled && name != symbol {
                let (file, first) = lane[0];
                let message = format!("{} rows of {name} are named '{symbol}'", lane.len());
                self.push(
                    file,
                    DefectCode::SymbolCase.verdict(),
                    ContractDefect {
                        row: Some(first.row),
                        timestamp: Some(first.time),
                        symbol: Some(name.clone()),
                        ..defect(
                            DefectCode::SymbolCase,
                            message,
                            "they were joined; write each symbol in one way",
                        )
                    },
                );
            }
            merged.entry(name).or_default().extend(lane);
        }
        for rows in merged.values_mut() {
            rows.sort_by_key(|(file, bar)| (*file, bar.row));
        }
        merged
    }

    /// Expected symbols are there and others are left out.
    fn expected(&mut self, lanes: &mut BTreeMap<String, Lane>, labelled: bool) {
        let expect = &self.options.expect;
        if expect.is_empty() {
            return;
        }
        let code = DefectCode::SymbolMismatch;
        let others: Vec<String> = (lanes.keys())
            .filter(|symbol| !expect.contains(symbol))
            .cloned()
            .collect();
        for symbol in others.into_iter().filter(|_| labelled) {
            let lane = lanes.remove(&symbol).unwrap_or_default();
            let first = lane.first().map(|(file, bar)| (*file, bar.row));
            let message = format!("{} rows of {symbol}, which is not expected", lane.len());
            self.push(
                first.map_or(0, |(file, _)| file),
                code.verdict(),
                ContractDefect {
                    row: first.map(|(_, row)| row),
                    symbol: Some(symbol),
                    ..defect(
                        code,
                        message,
                        "they were left out; expect the symbol to use it",
                    )
                },
            );
        }
        for symbol in expect.iter().filter(|s| !lanes.contains_key(*s)) {
            self.push(
                0,
                Verdict::Reject,
                ContractDefect {
                    symbol: Some(symbol.clone()),
                    ..defect(
                        code,
                        format!("there is no row of {symbol}, which is expected"),
                        "fetch it, or do not expect it",
                    )
                },
            );
        }
    }

    /// Rows that fill holes of another symbol at its price are left out.
    fn other_names(&mut self, lanes: &mut BTreeMap<String, Lane>) {
        let sorted: BTreeMap<String, Vec<RawBar>> = (lanes.iter())
            .map(|(name, lane)| {
                let mut bars: Vec<RawBar> = lane.iter().map(|(_, bar)| *bar).collect();
                bars.sort_by_key(|bar| bar.time);
                (name.clone(), bars)
            })
            .collect();
        let code = DefectCode::SymbolMismatch;
        // A guest of other rows than twins can only be of a far longer host. Most hosts are left out
        // that way, or a file of one row a symbol would take the square of its rows.
        let mut longest: Vec<(usize, &String)> = (sorted.iter())
            .map(|(name, bars)| (bars.len(), name))
            .collect();
        longest.sort_by_key(|(length, _)| Reverse(*length));
        for (guest, bars) in &sorted {
            let has_twins = bars.windows(2).any(|pair| pair[0].time == pair[1].time);
            let least = if has_twins { 0 } else { bars.len() * FEW };
            let mut hosts: Vec<&String> = (longest.iter())
                .take_while(|(length, _)| *length >= least)
                .map(|(_, host)| *host)
                .filter(|host| *host != guest)
                .collect();
            hosts.sort();
            for host in hosts {
                let of_host = &sorted[host];
                for i in mislabelled(of_host, bars) {
                    let bar = bars[i];
                    let Some(lane) = lanes.get_mut(guest) else {
                        continue;
                    };
                    // Two hosts may fit; the first one has taken the row.
                    let Some(at) = lane.iter().position(|(_, other)| *other == bar) else {
                        continue;
                    };
                    let (file, _) = lane.remove(at);
                    let message =
                        format!("the row has the price of {host}, which misses this time");
                    self.push(
                        file,
                        code.verdict(),
                        ContractDefect {
                            row: Some(bar.row),
                            timestamp: Some(bar.time),
                            symbol: Some(guest.clone()),
                            ..defect(code, message, "it was left out; correct its symbol")
                        },
                    );
                }
            }
        }
        lanes.retain(|_, lane| !lane.is_empty());
    }

    /// The newest bar of all decides; a symbol that lags behind fresh ones is a warning.
    fn fresh(&mut self, newest: &[(String, Timestamp)], terms: &Terms) -> Result<()> {
        let (Some(now), Some(max_age)) = (self.options.now, self.options.max_age) else {
            return Ok(());
        };
        let ask = |close| {
            staleness(close, now, max_age, terms.calendar)
                .map_err(|e| Error::from_domain("check", e))
        };
        let Some(latest) = newest.iter().map(|(_, close)| *close).max() else {
            return Ok(());
        };
        if let Some(found) = ask(latest)? {
            self.finding(0, None, found);
            return Ok(());
        }
        for (symbol, close) in newest {
            if let Some(mut found) = ask(*close)? {
                found.verdict = Verdict::Warn;
                self.finding(0, Some(symbol), found);
            }
        }
        Ok(())
    }

    fn finding(&mut self, file: usize, symbol: Option<&str>, found: Finding) {
        let named = ContractDefect {
            row: found.row,
            timestamp: found.time,
            symbol: symbol.map(str::to_owned),
            column: found.field.map(|field| column_name(field).to_owned()),
            ..defect(found.code, found.message, found.hint)
        };
        self.push(file, found.verdict, named);
    }

    /// A defect the reader found.
    fn of_reading(&mut self, found: &Defect) {
        let verdict = self.options.policy.verdict(found);
        let message = match &found.value {
            Some(value) => format!("{}: '{value}'", found.message),
            None => found.message.clone(),
        };
        let file = self.files.iter().position(|file| file.name == found.file);
        let known = || self.times.get(&(file?, found.row?)).copied();
        let named = ContractDefect {
            row: found.row,
            timestamp: found.timestamp.or_else(known),
            symbol: found.symbol.clone(),
            column: found.column.clone(),
            ..defect(found.code, message, &found.hint)
        };
        self.push(file.unwrap_or(0), verdict, named);
    }

    fn push(&mut self, file: usize, verdict: Verdict, mut found: ContractDefect) {
        if self.is_folder {
            found.message = format!("{}: {}", self.files[file].name, found.message);
        }
        found.verdict = verdict;
        self.verdict = self.verdict.max(verdict);
        self.found.push((file, found));
    }

    fn report(mut self, rows: u64) -> (ContractReport, BTreeMap<String, Examination>) {
        self.found.sort_by_key(|(file, found)| (*file, found.row));
        let usable: u64 = self.usable.values().map(|e| e.usable.len() as u64).sum();
        // What is mostly unusable is not the data it claims to be. A hole, such as the time before
        // a listing, contradicts nothing.
        let missing =
            |(_, found): &&(usize, ContractDefect)| found.code == DefectCode::MissingValue;
        let holes: BTreeSet<_> = (self.found.iter().filter(missing))
            .map(|(file, found)| (*file, found.row))
            .collect();
        let too_few = usable * 2 < rows.saturating_sub(holes.len() as u64) || usable == 0;
        let verdict = if too_few || (self.options.strict && self.verdict > Verdict::Accept) {
            Verdict::Reject
        } else {
            self.verdict
        };
        let report = ContractReport {
            verdict,
            rows,
            rows_usable: if verdict == Verdict::Reject {
                0
            } else {
                usable
            },
            symbols: self.usable.keys().cloned().collect(),
            defects: self.found.into_iter().map(|(_, found)| found).collect(),
        };
        (report, self.usable)
    }
}

fn defect(code: DefectCode, message: String, hint: &str) -> ContractDefect {
    ContractDefect {
        code,
        row: None,
        timestamp: None,
        symbol: None,
        column: None,
        message,
        hint: hint.to_owned(),
        verdict: code.verdict(),
    }
}

fn column_name(field: Field) -> &'static str {
    COLUMNS[field as usize].1
}

/// The rows by symbol and place, those with refused values among them.
fn lanes(rows: &Rows) -> BTreeMap<String, Lane> {
    let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
    for (symbol, of_symbol) in &rows.symbols {
        let whole = of_symbol.rows.iter().map(|r| (r, Some(r.values)));
        let refused = of_symbol.refused.iter().map(|r| (r, None));
        let bars = whole.chain(refused).filter_map(|(row, values)| {
            let time = row.stamp.instant()?;
            let row_number = row.line;
            Some((
                row.file,
                RawBar {
                    row: row_number,
                    time,
                    values,
                },
            ))
        });
        let mut lane: Lane = bars.collect();
        lane.sort_by_key(|(file, bar)| (*file, bar.row));
        if !lane.is_empty() {
            lanes.insert(symbol.clone(), lane);
        }
    }
    lanes
}
