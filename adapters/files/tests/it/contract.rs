//! The data contract on files made for one rule each.

use ballast_domain::market::contract::{DefectCode, Verdict};
use ballast_domain::time::Span;
use ballast_files::{ContractOptions, ContractReport, check_contract};
use chrono::{Days, NaiveDate};

use crate::bytes;

/// Daily bars from 2024-01-01 on that wander by up to two percent, `row` by `row`.
fn daily(days: u64, edit: impl Fn(u64, [f64; 5]) -> Option<String>) -> String {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    let close = |i: u64| 100.0 + ((i * 7) % 5) as f64 * 0.5;
    for i in 0..days {
        let (open, close) = (close(i.saturating_sub(1)), close(i));
        let (high, low) = (open.max(close) + 0.5, open.min(close) - 0.5);
        if let Some(cells) = edit(i, [open, high, low, close, 1000.0 + i as f64]) {
            let date = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(i);
            text += &format!("{date}T00:00:00Z,{cells}\n");
        }
    }
    text
}

fn plain(_: u64, v: [f64; 5]) -> Option<String> {
    Some(format!("{},{},{},{},{}", v[0], v[1], v[2], v[3], v[4]))
}

fn options(text: &str) -> ContractOptions {
    ContractOptions::new(bytes("X.csv", text))
}

fn check(text: &str) -> ContractReport {
    check_contract(&options(text)).unwrap()
}

fn codes(report: &ContractReport) -> Vec<DefectCode> {
    report.defects.iter().map(|d| d.code).collect()
}

#[test]
fn a_clean_file_is_accepted_whole() {
    let report = check(&daily(60, plain));
    assert_eq!(
        (report.verdict, report.rows, report.rows_usable),
        (Verdict::Accept, 60, 60)
    );
    assert_eq!(report.symbols, ["X"]);
    assert!(report.defects.is_empty());
}

/// VAL-06: a price that is not positive is refused in each column, by the column's name.
#[test]
fn val_06_prices_are_positive_in_every_column() {
    for (i, column) in ["open", "high", "low", "close"].iter().enumerate() {
        for bad in [0.0, -1.0] {
            let report = check(&daily(60, |row, mut v| {
                if row == 30 {
                    v[i] = bad;
                }
                plain(row, v)
            }));
            let found = &report.defects[0];
            assert_eq!(found.code, DefectCode::NonPositivePrice);
            assert_eq!(found.column.as_deref(), Some(*column));
            assert_eq!((found.row, report.rows_usable), (Some(32), 59));
            let day = found.timestamp.unwrap().date();
            assert_eq!(day.to_string(), "2024-01-31");
            assert_eq!(report.verdict, Verdict::DropRows);
        }
    }
}

/// VAL-07: a volume below zero is refused, zero is not. VAL-08: so is infinity in every column.
#[test]
fn val_07_val_08_volumes_are_not_negative_and_numbers_finite() {
    let with = |i: usize, text: &str| {
        check(&daily(60, |row, v| {
            let mut cells = v.map(|x| x.to_string());
            if row == 30 {
                cells[i] = text.to_owned();
            }
            Some(cells.join(","))
        }))
    };
    assert_eq!(codes(&with(4, "-1")), [DefectCode::NegativeVolume]);
    assert_eq!(with(4, "0").verdict, Verdict::Accept);
    for column in 0..5 {
        for bad in ["inf", "-inf", "1e999"] {
            let report = with(column, bad);
            assert_eq!(codes(&report), [DefectCode::NotFinite], "{column} {bad}");
            assert_eq!(
                (report.verdict, report.rows_usable),
                (Verdict::DropRows, 59)
            );
        }
    }
}

/// VAL-09: order, repetition and text in a price reject a file when strict; leniently the first
/// two are repaired.
#[test]
fn val_09_strict_rejects_what_lenient_repairs() {
    let clean = daily(60, plain);
    let lines: Vec<&str> = clean.lines().collect();
    let mut swapped = lines.clone();
    swapped.swap(20, 21);
    let mut twice = lines.clone();
    twice.insert(20, lines[20]);
    let text = daily(60, |row, v| match row {
        30 => Some("100,x,99,100,5".to_owned()),
        _ => plain(row, v),
    });
    for (text, code, lenient, usable) in [
        (
            swapped.join("\n") + "\n",
            DefectCode::NotSorted,
            Verdict::Repair,
            60,
        ),
        (
            twice.join("\n") + "\n",
            DefectCode::DuplicateTimestamp,
            Verdict::Repair,
            60,
        ),
        (text, DefectCode::BadNumber, Verdict::DropRows, 59),
    ] {
        let report = check(&text);
        assert_eq!((codes(&report), report.verdict), (vec![code], lenient));
        assert_eq!(report.rows_usable, usable, "{code:?}");
        let strict = ContractOptions {
            strict: true,
            ..options(&text)
        };
        let report = check_contract(&strict).unwrap();
        assert_eq!((report.verdict, report.rows_usable), (Verdict::Reject, 0));
    }
}

/// VAL-16: an expected symbol that is absent is named.
#[test]
fn val_16_expected_symbols_are_there() {
    let labelled = daily(60, plain)
        .replacen("volume", "volume,symbol", 1)
        .lines()
        .map(|line| {
            if line.starts_with("time") {
                format!("{line}\n")
            } else {
                format!("{line},a\n")
            }
        })
        .collect::<String>();
    let expecting = |symbols: &[&str]| ContractOptions {
        expect: symbols.iter().map(|s| (*s).to_owned()).collect(),
        ..options(&labelled)
    };
    let report = check_contract(&expecting(&["A", "B"])).unwrap();
    assert_eq!(report.verdict, Verdict::Reject);
    let absent = report
        .defects
        .iter()
        .find(|d| d.code == DefectCode::SymbolMismatch);
    assert!(absent.unwrap().message.contains("no row of B"));
    let report = check_contract(&expecting(&["A"])).unwrap();
    assert_eq!(
        (report.verdict, codes(&report)),
        (Verdict::Repair, vec![DefectCode::SymbolCase])
    );
    assert_eq!(report.symbols, ["A"]);
    // Without a symbol column the file holds the one expected.
    let unnamed = ContractOptions {
        expect: vec!["A".to_owned()],
        ..options(&daily(60, plain))
    };
    assert_eq!(check_contract(&unnamed).unwrap().symbols, ["A"]);
}

#[test]
fn freshness_is_strictly_more_than_the_age() {
    let text = daily(60, plain);
    for (now, verdict) in [
        // The last bar opens on February 29 and closes on March 1.
        ("2024-03-03T00:00:00Z", Verdict::Accept),
        ("2024-03-03T00:00:01Z", Verdict::Reject),
        ("2024-02-29T12:00:00Z", Verdict::DropRows),
        ("2024-02-28T12:00:00Z", Verdict::DropRows),
    ] {
        let report = check_contract(&ContractOptions {
            now: Some(now.parse().unwrap()),
            max_age: Some(Span::from_days(2)),
            ..options(&text)
        })
        .unwrap();
        assert_eq!(report.verdict, verdict, "{now}: {:?}", report.defects);
    }
}

#[test]
fn moves_are_judged_by_what_follows_them() {
    use DefectCode::{PossibleSplit, PriceSpike, StuckPrice, ZeroVolumeRun};
    let scaled = |range: std::ops::Range<u64>, factor: f64| {
        daily(60, move |row, v| {
            let by = if range.contains(&row) { factor } else { 1.0 };
            plain(row, [v[0] * by, v[1] * by, v[2] * by, v[3] * by, v[4]])
        })
    };
    let traded = |factor: f64| {
        // The same level shift, traded through in one bar.
        daily(60, move |row, v| {
            let [before, after] = [row > 30, row >= 30].map(|b| if b { factor } else { 1.0 });
            let (open, close) = (v[0] * before, v[3] * after);
            plain(
                row,
                [
                    open,
                    open.max(close) + 1.0,
                    open.min(close) - 1.0,
                    close,
                    v[4],
                ],
            )
        })
    };
    for (what, text, code, verdict, usable) in [
        (
            "ten times for a bar",
            scaled(30..31, 10.0),
            Some(PriceSpike),
            Verdict::DropRows,
            59,
        ),
        (
            "a hundredth for five",
            scaled(30..35, 0.01),
            Some(PriceSpike),
            Verdict::DropRows,
            55,
        ),
        (
            "a seventh for good",
            scaled(30..60, 1.0 / 7.0),
            Some(PossibleSplit),
            Verdict::Warn,
            60,
        ),
        (
            "traded to four times",
            traded(4.0),
            None,
            Verdict::Accept,
            60,
        ),
        ("traded to a fifth", traded(0.2), None, Verdict::Accept, 60),
        (
            "a lone high",
            daily(60, |row, v| {
                plain(
                    row,
                    [
                        v[0],
                        if row == 30 { v[1] * 3.0 } else { v[1] },
                        v[2],
                        v[3],
                        v[4],
                    ],
                )
            }),
            Some(PriceSpike),
            Verdict::Warn,
            60,
        ),
        (
            "no volume for five bars",
            daily(60, |row, v| {
                plain(
                    row,
                    [
                        v[0],
                        v[1],
                        v[2],
                        v[3],
                        if (30..35).contains(&row) { 0.0 } else { v[4] },
                    ],
                )
            }),
            Some(ZeroVolumeRun),
            Verdict::Warn,
            60,
        ),
        (
            "no volume for four bars",
            daily(60, |row, v| {
                plain(
                    row,
                    [
                        v[0],
                        v[1],
                        v[2],
                        v[3],
                        if (30..34).contains(&row) { 0.0 } else { v[4] },
                    ],
                )
            }),
            None,
            Verdict::Accept,
            60,
        ),
        (
            "five equal bars",
            daily(60, |row, v| {
                if (30..35).contains(&row) {
                    Some("100,101,99,100,5".to_owned())
                } else {
                    plain(row, v)
                }
            }),
            Some(StuckPrice),
            Verdict::Warn,
            60,
        ),
    ] {
        let report = check(&text);
        assert_eq!(
            (report.verdict, report.rows_usable),
            (verdict, usable),
            "{what} {:?}",
            report.defects
        );
        assert_eq!(report.defects.first().map(|d| d.code), code, "{what}");
        assert!(
            report.defects.iter().all(|d| Some(d.code) == code),
            "{what}"
        );
    }
}

#[test]
fn gaps_follow_the_calendar_and_the_bar_size() {
    use DefectCode::{GapTooLong, MissingBar, NonSessionDay};
    let without = |range: std::ops::Range<u64>| {
        daily(60, move |row, v| {
            if range.contains(&row) {
                None
            } else {
                plain(row, v)
            }
        })
    };
    // 2024-01-01 is a Monday and a holiday; weekends are days 5 and 6 of each week.
    let closed = |row: u64| row % 7 >= 5 || [0, 14, 49].contains(&row);
    let stocks = |extra: u64| {
        daily(60, move |row, v| {
            if closed(row) && row != extra {
                None
            } else {
                plain(row, v)
            }
        })
    };
    let minutes = |skip: u64| {
        let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
        for i in (0..600).filter(|i| i % skip != 3) {
            text += &format!(
                "2024-01-02T{:02}:{:02}:00Z,10,11,9,{},5\n",
                i / 60,
                i % 60,
                10.0 + (i % 3) as f64 / 10.0
            );
        }
        text
    };
    for (what, text, code, verdict) in [
        ("one day", without(30..31), Some(MissingBar), Verdict::Warn),
        ("ten days", without(30..40), Some(MissingBar), Verdict::Warn),
        (
            "eleven days",
            without(30..41),
            Some(GapTooLong),
            Verdict::Reject,
        ),
        ("weekends of stocks", stocks(99), None, Verdict::Accept),
        (
            "a Saturday of stocks",
            stocks(12),
            Some(NonSessionDay),
            Verdict::DropRows,
        ),
        ("every fourth minute", minutes(4), None, Verdict::Accept),
    ] {
        let report = check(&text);
        assert_eq!(report.verdict, verdict, "{what} {:?}", report.defects);
        assert_eq!(report.defects.first().map(|d| d.code), code, "{what}");
    }
}
