//! `report compare`: two runs side by side, in the terminal, as JSON and on one page.

use std::fs;
use std::path::Path;

use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, ballast, finished};

fn name(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

fn result_id(run: &Path) -> String {
    name(run).split_once('-').unwrap().1[..16].to_owned()
}

#[test]
fn the_differences_read_well() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let a = finished(&engine, home.path(), &[]);
    let b = finished(
        &engine,
        home.path(),
        &["--set", "run.seed=7", "--set", "execution.fee_bps=20"],
    );
    let used = ballast(
        &engine,
        home.path(),
        // One by its folder, one by the beginning of its result.
        &[
            "report",
            "compare",
            a.to_str().unwrap(),
            &result_id(&b)[..8],
        ],
    );
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    let text = used
        .out
        .replace(home.path().to_str().unwrap(), "HOME")
        .replace(&result_id(&a), "RESULT_A")
        .replace(&result_id(&b), "RESULT_B");
    insta::assert_snapshot!(text);
    let page = format!("compare-{}-{}.html", result_id(&a), result_id(&b));
    let reports = fs::read_dir(home.path().join("reports")).unwrap();
    let written: Vec<_> = reports.map(|e| e.unwrap().file_name()).collect();
    // Nothing half-written beside it.
    assert_eq!(written, [page.as_str()]);
    let page = fs::read_to_string(home.path().join("reports").join(page)).unwrap();
    let tables = page
        .split("<section id=\"runs\">")
        .nth(1)
        .unwrap()
        .split("<section id=\"equity\">")
        .next()
        .unwrap()
        .replace(&result_id(&a), "RESULT_A")
        .replace(&result_id(&b), "RESULT_B");
    // Hashes of settings and the revision of the build change with them.
    let shown: Vec<&str> = tables
        .lines()
        .filter(|line| !line.contains(" hash<") && !line.contains(">program<"))
        .collect();
    insta::assert_snapshot!("the_runs_on_the_page", shown.join("\n"));
}

#[test]
fn a_run_compared_with_itself_differs_in_nothing() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let a = finished(&engine, home.path(), &[]);
    let out = home.path().join("page.html");
    let used = ballast(
        &engine,
        home.path(),
        &[
            "report",
            "compare",
            &name(&a),
            &name(&a),
            "--json",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    let answer = used.json();
    assert_eq!(answer["same_result"], true);
    assert_eq!(answer["report"], out.to_str().unwrap());
    for key in ["differing", "settings", "data"] {
        assert_eq!(answer[key], serde_json::json!([]), "{key}");
    }
    assert_eq!(answer["common"]["whole"], true);
    let figures = answer["figures"].as_array().unwrap();
    assert!(figures.len() > 60, "{}", figures.len());
    for figure in figures {
        let difference = &figure["difference"];
        assert!(difference == 0.0 || figure["a"].is_null(), "{figure}");
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let a = finished(&engine, home.path(), &[]);
    let b = finished(&engine, home.path(), &["--set", "run.seed=7"]);
    let inside = a.join("page.html");
    let compare = |arguments: &[&str]| {
        let all: Vec<&str> = ["report", "compare"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        ballast(&engine, home.path(), &all)
    };
    let (first, second) = (name(&a), name(&b));
    for (arguments, exit, message) in [
        (vec![&*first, "2026"], Exit::Usage, "beginning of 2 runs"),
        (vec![&*first, "nothing"], Exit::DataRefused, "no run here"),
        (
            vec![&*first, &*second, "--out", inside.to_str().unwrap()],
            Exit::Usage,
            "inside a run directory",
        ),
    ] {
        let used = compare(&arguments);
        assert_eq!(used.exit, exit, "{used:?}");
        assert!(used.err.contains(message), "{}", used.err);
    }
    assert!(!inside.exists() && !home.path().join("reports").exists());
    // A file that was changed since is not compared.
    fs::write(b.join("equity.csv"), "time,equity\n").unwrap();
    let used = compare(&[&first, &second]);
    assert!(
        used.err.contains("equity.csv is not what the run wrote"),
        "{}",
        used.err
    );
}

/// Every number of a table on the page is a number of the answer, written by the same rule; and the
/// curves are those of the files.
#[cfg(feature = "sample-data")]
#[test]
fn the_page_shows_what_the_answer_says() {
    use ballast::reports::measure::{Measure, group, leaf};
    use ballast::run_directory::{RunDirectory, RunFile};
    use serde_json::Value;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output.stdout
    };
    run(&["backtest", "--out", "a"]);
    run(&["backtest", "--out", "b", "--set", "run.start=2006-01-03"]);
    let compare = ["report", "compare", "a", "b", "--out", "c.html", "--json"];
    let answer: Value = serde_json::from_slice(&run(&compare)).unwrap();
    assert_eq!(answer["common"]["first"], "2006-01-03T21:00:00.000000000Z");
    assert_eq!(answer["common"]["whole"], false);
    assert!(
        answer["notes"][0]
            .as_str()
            .unwrap()
            .contains("different periods")
    );
    let page = fs::read_to_string(folder.path().join("c.html")).unwrap();
    let (a, b) = ["a", "b"]
        .map(|name| RunDirectory::open(&folder.path().join(name)).unwrap())
        .into();
    let summary = |run: &RunDirectory| -> Value {
        serde_json::from_str(&run.text(RunFile::Summary).unwrap()).unwrap()
    };
    let (left, right) = (summary(&a), summary(&b));
    let figures = answer["figures"].as_array().unwrap();
    let mut rows = 0;
    for figure in figures {
        let key = figure["key"].as_str().unwrap();
        let (x, y) = (figure["a"].as_f64(), figure["b"].as_f64());
        assert_eq!(
            figure["difference"].as_f64(),
            x.zip(y).map(|(x, y)| y - x),
            "{key}"
        );
        // Both sides are what the summaries say, at full precision.
        let said = |of: &Value| {
            let within = group(key).split('.').filter(|part| !part.is_empty());
            let value = within.fold(of, |value, part| &value[part]);
            value[leaf(key)].as_f64()
        };
        if !["benchmarks.", "robustness.", "analysis.years."]
            .iter()
            .any(|g| key.starts_with(g))
        {
            assert_eq!((x, y), (said(&left), said(&right)), "{key}");
        }
        // A whole number reads without digits after its point.
        let row = |whole: bool| {
            let measure = Measure::of(key, whole);
            format!(
                "<th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td></tr>",
                leaf(key),
                measure.text(x),
                measure.text(y),
                measure.difference(figure["difference"].as_f64()),
            )
        };
        assert!(
            page.contains(&row(true)) || page.contains(&row(false)),
            "{key}"
        );
        rows += 1;
    }
    assert!(rows > 100, "{rows}");
    let block = page
        .split("<script type=\"application/json\">")
        .nth(1)
        .unwrap();
    let block: Value = serde_json::from_str(block.split("</script>").next().unwrap()).unwrap();
    for (series, run) in [(0, &a), (1, &b)] {
        let drawn = block["series"][series]["values"].as_array().unwrap();
        let drawn: Vec<f64> = drawn.iter().filter_map(Value::as_f64).collect();
        let rows = run.rows(RunFile::Equity).unwrap();
        assert_eq!(drawn.len(), rows.len() - 1);
        for (drawn, row) in drawn.iter().zip(&rows[1..]) {
            let equity: f64 = row[3].parse().unwrap();
            assert!((drawn - equity).abs() <= equity * 1e-6, "{drawn} {equity}");
        }
    }
    for foreign in ["http://", "https://", " src=", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}
