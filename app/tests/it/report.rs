//! The report against the run's own files: it shows what they hold and computes nothing.
#![cfg(feature = "sample-data")]

use std::collections::BTreeSet;
use std::process::Command;

use ballast::reports::figures::{amount, count, percent, ratio};
use ballast::run_directory::{RunDirectory, RunFile};
use serde_json::Value;

/// A run of the shipped example, and the folder it is in.
fn example() -> (tempfile::TempDir, RunDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["backtest", "--out", "run"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let run = RunDirectory::open(&folder.path().join("run")).unwrap();
    (folder, run)
}

/// Every number of `value`, at any depth.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(n) => found.extend(n.as_f64()),
        Value::Array(all) => all.iter().for_each(|v| numbers(v, found)),
        Value::Object(all) => all.values().for_each(|v| numbers(v, found)),
        _ => {}
    }
}

/// The text of each cell of each table of the page, row by row, by caption.
fn tables(page: &str) -> Vec<(String, Vec<Vec<String>>)> {
    let between = |text: &str, from: &str, to: &str| -> Option<String> {
        let start = text.find(from)? + from.len();
        let end = start + text[start..].find(to)?;
        Some(text[start..end].to_owned())
    };
    page.split("<table")
        .skip(1)
        .map(|part| {
            let part = part.split("</table>").next().unwrap();
            let caption = between(part, "<caption>", "</caption>").unwrap_or_default();
            let body = between(part, "<tbody>", "</tbody>").unwrap();
            let cells = |row: &str| -> Vec<String> {
                row.split("</t")
                    .filter_map(|cell| Some(cell.rsplit_once('>')?.1.to_owned()))
                    .filter(|cell| !cell.contains('<'))
                    .collect()
            };
            let rows = body.split("<tr>").skip(1).map(cells).collect();
            (caption, rows)
        })
        .collect()
}

fn rows<'a>(tables: &'a [(String, Vec<Vec<String>>)], caption: &str) -> &'a [Vec<String>] {
    let found = tables.iter().find(|(c, _)| c.starts_with(caption));
    &found.unwrap_or_else(|| panic!("no table '{caption}'")).1
}

/// The words of a page that have a digit, in order: everything a reader sees but the scales of the
/// charts, which are ticks of a ruler and no figures.
fn figures_of(page: &str) -> Vec<String> {
    let body = page.split("<main>").nth(1).unwrap();
    let mut figures = Vec::new();
    let (mut hidden, mut tick) = (None, false);
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        let name = tag.split([' ', '/']).next().unwrap();
        match hidden {
            Some(end) if tag == end => hidden = None,
            None if name == "script" => hidden = Some("/script"),
            _ => {}
        }
        if name == "text" {
            tick = !tag.contains("ink");
        } else if tag == "/text" {
            tick = false;
        }
        if hidden.is_none() && !tick {
            figures.extend(words(text));
        }
    }
    figures
}

/// The words of `text` with a digit in them.
fn words(text: &str) -> impl Iterator<Item = String> {
    let plain = text.replace("&#39;", "'").replace("&amp;", "&");
    let parts: Vec<String> = plain
        .split(|c: char| c.is_whitespace() || "()\"'{}[]=·".contains(c))
        .map(|word| word.trim_matches([',', ';', ':', '.', '%']).to_owned())
        .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
        .collect();
    parts.into_iter()
}

/// The date of an instant.
fn date_of(word: &str) -> Option<String> {
    Some(word.split_once('T')?.0.to_owned())
}

/// Every way in which the numbers and words of a run's files may be shown.
fn shown_by(run: &RunDirectory) -> BTreeSet<String> {
    let text = |file| run.text(file).unwrap();
    let mut known = Vec::new();
    numbers(
        &serde_json::from_str(&text(RunFile::Summary)).unwrap(),
        &mut known,
    );
    let trades = run.rows(RunFile::Trades).unwrap();
    // How many round trips there are is the length of their file.
    known.push((trades.len() - 1) as f64);
    let mut shown: BTreeSet<String> = trades.into_iter().flatten().collect();
    let dates: Vec<_> = shown.iter().filter_map(|c| date_of(c)).collect();
    shown.extend(dates);
    known.extend(shown.iter().filter_map(|c| c.parse::<f64>().ok()));
    for value in known {
        let percent = percent(value);
        shown.insert(percent.trim_end_matches(" %").to_owned());
        shown.extend([amount(value), ratio(Some(value)), format!("x{value}")]);
        if value >= 0.0 && value.fract() == 0.0 {
            let whole = format!("{value:.0}");
            shown.insert(count(whole.parse().unwrap()));
            shown.insert(whole);
        }
    }
    let prose = [RunFile::Summary, RunFile::Config].map(text).join("\n");
    shown.extend(words(&prose).flat_map(|word| [date_of(&word).unwrap_or_default(), word]));
    // Confidence of a figure and the times at which costs are repeated: names, not results.
    shown.insert("95".to_owned());
    shown
}

/// The figures of `page` that no file of the run holds.
fn invented(page: &str, run: &RunDirectory) -> Vec<String> {
    let shown = shown_by(run);
    let mut figures = figures_of(page);
    assert!(figures.len() > 800, "{} figures", figures.len());
    figures.retain(|figure| !shown.contains(figure));
    figures
}

/// Whatever the page shows as a figure stands in summary.json or a CSV file; a figure that
/// does not is found, wherever on the page it is.
#[test]
fn every_figure_of_the_page_is_in_the_data() {
    let (_folder, run) = example();
    let page = run.text(RunFile::Report).unwrap();
    assert_eq!(invented(&page, &run), [""; 0]);
    // In the summary, in a table, in a mark of a chart, under the title, in a note.
    for (true_one, planted) in [
        ("228.60 %", "228.61 %"),
        ("-52.78 %", "-52.79 %"),
        ("VaR 95 %: -1.96", "VaR 95 %: -9.96"),
        ("3,270 bars", "3,271 bars"),
        ("5 bps slippage", "5.5 bps slippage"),
    ] {
        assert!(page.contains(true_one), "{true_one}");
        let wrong = page.replacen(true_one, planted, 1);
        assert_eq!(invented(&wrong, &run).len(), 1, "{planted}");
    }
}

#[test]
fn tables_say_what_summary_json_says_at_the_same_place() {
    let (_folder, run) = example();
    let page = run.text(RunFile::Report).unwrap();
    let summary: Value = serde_json::from_str(&run.text(RunFile::Summary).unwrap()).unwrap();
    let tables = tables(&page);
    let (analysis, float) = (&summary["analysis"], |v: &Value| v.as_f64().unwrap());
    let worst = rows(&tables, "The ten deepest drawdowns");
    let listed = analysis["drawdowns"].as_array().unwrap();
    assert_eq!((worst.len(), listed.len()), (10, 10));
    for (row, d) in worst.iter().zip(listed) {
        assert_eq!(row[0], d["start"].as_str().unwrap());
        assert_eq!(row[2], d["recovery"].as_str().unwrap_or("not yet"));
        assert_eq!(row[3], percent(float(&d["depth"])));
    }
    assert_eq!(worst[0][3], percent(float(&summary["max_drawdown"])));
    let years = analysis["years"].as_array().unwrap();
    let months = rows(&tables, "Returns by month");
    assert_eq!(months.len(), years.len());
    for (row, year) in months.iter().zip(years) {
        assert_eq!(row[0], year["year"].to_string());
        assert_eq!(format!("{} %", row[13]), percent(float(&year["total"])));
    }
    // Years chain into the whole, and so do symbols.
    let product: f64 = years.iter().map(|y| 1.0 + float(&y["total"])).product();
    let total = float(&summary["total_return"]);
    assert!((product - 1.0 - total).abs() < 1e-9, "{product}");
    let symbols = analysis["contributions"].as_array().unwrap();
    let net: f64 = symbols.iter().map(|c| float(&c["net_return"])).sum();
    assert!((net - total).abs() < 1e-6, "{net} is not {total}");
    let bins = analysis["distribution"].as_array().unwrap();
    let counted: u64 = bins.iter().map(|b| b["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, summary["bars"].as_u64().unwrap());
    assert_eq!(rows(&tables, "Of ").len(), 5);
}

/// What the script draws and reads out are the columns of the files, rounded.
#[test]
fn the_embedded_curves_are_those_of_the_files() {
    let (_folder, run) = example();
    let page = run.text(RunFile::Report).unwrap();
    let columns = |file: RunFile| {
        let rows = run.rows(file).unwrap();
        move |name: &str| -> Vec<Option<f64>> {
            let k = rows[0].iter().position(|c| c == name).unwrap();
            rows[1..].iter().map(|r| r[k].parse().ok()).collect()
        }
    };
    let (curves, equity) = (columns(RunFile::Curves), columns(RunFile::Equity));
    let expected = [
        ("Capital over time", 0, equity("equity")),
        ("Capital over time", 2, curves("sp500")),
        ("Under water", 0, curves("drawdown")),
        ("Volatility", 0, curves("volatility")),
        ("Sharpe ratio", 0, curves("sharpe")),
        ("Beta", 0, curves("beta")),
        ("Invested", 0, curves("gross")),
        ("Turnover", 0, curves("turnover")),
    ];
    for (title, series, values) in expected {
        let figure = page
            .split(&format!("<strong>{title}</strong>"))
            .nth(1)
            .unwrap();
        let block = figure
            .split("<script type=\"application/json\">")
            .nth(1)
            .unwrap();
        let block: Value = serde_json::from_str(block.split("</script>").next().unwrap()).unwrap();
        let embedded = block["series"][series]["values"].as_array().unwrap();
        assert_eq!(embedded.len(), values.len(), "{title}");
        assert_eq!(block["steps"].as_array().unwrap().len() + 1, values.len());
        for (i, (a, b)) in embedded.iter().zip(&values).enumerate() {
            assert_eq!(a.is_null(), b.is_none(), "{title}, row {i}");
            if let (Some(a), Some(b)) = (a.as_f64(), b) {
                let rounded = 5.1e-6_f64.max(b.abs() * 1e-6);
                assert!((a - b).abs() <= rounded, "{title}, row {i}: {a} is not {b}");
            }
        }
        assert!(values.iter().flatten().count() > 2_500, "{title}");
    }
}

/// The command beside a round trip answers with the decision that opened it.
#[test]
fn the_command_of_a_trade_explains_its_entry() {
    let (folder, run) = example();
    let page = run.text(RunFile::Report).unwrap();
    let tables = tables(&page);
    let trips = rows(&tables, "Round trips");
    assert_eq!(trips.len(), run.rows(RunFile::Trades).unwrap().len() - 1);
    for trip in [&trips[0], &trips[20], &trips[trips.len() - 1]] {
        let words: Vec<_> = trip[10].split(' ').collect();
        assert_eq!(words[..3], ["ballast", "explain", "."], "{trip:?}");
        let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(&words[1..])
            .arg("--json")
            .current_dir(folder.path().join("run"))
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let fills = answer["fills"].as_array().unwrap();
        let entered = |f: &Value| {
            f["side"] == "buy" && f["time"].as_str().unwrap().starts_with(trip[2].as_str())
        };
        assert!(fills.iter().any(entered), "{trip:?} {answer}");
    }
}
