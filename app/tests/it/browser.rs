//! The report in a real browser: its script runs without a complaint and every control answers to
//! the keyboard. Needs Chromium on the path; without it the test says that it is skipped.
#![cfg(feature = "sample-data")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The first browser on the path that can be driven from the command line.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// Collects what goes wrong; stands before everything else in the page.
const EARLY: &str = "
window.complaints = [];
const complain = (what) => window.complaints.push(String(what));
addEventListener('error', (e) => complain(e.message));
addEventListener('unhandledrejection', (e) => complain(e.reason));
document.addEventListener('securitypolicyviolation', (e) => complain('policy: ' + e.violatedDirective));
for (const level of ['error', 'warn']) console[level] = (...all) => complain(all.join(' '));
";

/// Uses the page as a reader with a keyboard does and writes down what it saw.
const LATE: &str = r#"
const seen = { complaints: window.complaints };
const all = (what, from = document) => [...from.querySelectorAll(what)];
const visible = (node) => node.getClientRects().length > 0;
for (const folded of all('details')) folded.open = true;
const controls = all('a[href], button, summary, .scroll[tabindex], .chart.live > svg').filter(visible);
seen.controls = controls.length;
seen.unreachable = controls.filter((node) => {
  node.focus();
  return document.activeElement !== node || node.tabIndex < 0;
}).map((node) => node.outerHTML.slice(0, 80));
seen.nameless = all('button').filter((b) => !b.textContent.trim()).length;
const chart = document.querySelector('.chart');
const svg = all('svg', chart).find((s) => s.parentNode === chart && visible(s));
const readout = chart.querySelector('.readout');
const press = (key, set = {}) => svg.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...set }));
svg.focus();
press('End');
seen.at_end = readout.textContent;
press('Home');
seen.at_home = readout.textContent;
press('ArrowRight');
seen.one_on = readout.textContent;
const at_rest = svg.innerHTML;
const ranges = all('.tools button');
seen.ranges = ranges.map((b) => b.textContent);
const year = ranges.find((b) => b.textContent === '1 year');
year.click();
seen.year_pressed = year.getAttribute('aria-pressed');
seen.year_redraws = svg.innerHTML !== at_rest;
press('Escape');
seen.escaped = year.getAttribute('aria-pressed');
const toggle = chart.querySelector('.legend button');
const lines = () => svg.querySelectorAll('path.s0').length;
seen.lines_on = lines();
toggle.click();
seen.lines_off = lines();
seen.toggled = toggle.getAttribute('aria-pressed');
toggle.click();
seen.lines_again = lines();
const scale = chart.querySelector('button.scale');
const log_labels = all('text.v', svg).map((t) => t.textContent).join(' ');
scale.click();
seen.linear_differs = all('text.v', svg).map((t) => t.textContent).join(' ') !== log_labels;
seen.scale_says = scale.textContent;
scale.click();
seen.same_at_rest = !svg.innerHTML.includes('NaN');
seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const out = document.createElement('pre');
out.id = 'seen';
out.textContent = JSON.stringify(seen);
document.body.append(out);
"#;

/// `page` with both scripts in it, admitted by the page's own pass: its policy stays in force.
fn with_harness(page: &str) -> String {
    let pass = page.split("<script nonce=\"").nth(1).unwrap();
    let pass = pass.split('"').next().unwrap();
    let early = format!("<script nonce=\"{pass}\">{EARLY}</script>\n</head>");
    let late = format!("<script nonce=\"{pass}\">{LATE}</script>\n</body>");
    assert!(page.contains("</head>") && page.contains("</body>"));
    page.replacen("</head>", &early, 1)
        .replacen("</body>", &late, 1)
}

/// What the harness saw of `page` in a window of `width` pixels.
fn seen(chromium: &Path, page: &str, width: u32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, with_harness(page)).unwrap();
    let output = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
        ])
        .arg("--virtual-time-budget=5000")
        .arg(format!("--window-size={width},1000"))
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let Some(found) = dom.split("<pre id=\"seen\">").nth(1) else {
        let error = String::from_utf8_lossy(&output.stderr);
        panic!("the harness did not come to its end: {error}");
    };
    let text = found.split("</pre>").next().unwrap();
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

/// What of `seen` is not as it should be.
fn faults(seen: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut want = |name: &str, right: bool| {
        if !right {
            faults.push(format!("{name}: {}", seen[name]));
        }
    };
    let text = |name: &str| seen[name].as_str().unwrap_or_default();
    want("complaints", seen["complaints"] == serde_json::json!([]));
    want("controls", seen["controls"].as_u64() > Some(30));
    want("unreachable", seen["unreachable"] == serde_json::json!([]));
    want("nameless", seen["nameless"] == 0);
    want(
        "at_end",
        text("at_end").starts_with("2013-03-01 · breakout 3,286,028"),
    );
    want(
        "at_home",
        text("at_home").starts_with("2000-03-01 · breakout 1,000,000"),
    );
    want("one_on", text("one_on").starts_with("2000-03-02"));
    want(
        "ranges",
        seen["ranges"].as_array().is_some_and(|r| r.len() == 5),
    );
    want("year_pressed", text("year_pressed") == "true");
    want("year_redraws", seen["year_redraws"] == true);
    want("escaped", text("escaped") == "false");
    want(
        "lines_off",
        seen["lines_on"] == 1 && seen["lines_off"] == 0 && seen["lines_again"] == 1,
    );
    want("toggled", text("toggled") == "false");
    want("linear_differs", seen["linear_differs"] == true);
    want("scale_says", text("scale_says") == "log scale");
    want("same_at_rest", seen["same_at_rest"] == true);
    want("overflow", seen["overflow"].as_i64() <= Some(0));
    faults
}

/// On a wide and on a narrow screen; then the twins, each a way in which the page could be broken.
#[test]
fn the_page_answers_to_the_keyboard_without_a_complaint() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no chromium on the path, the report's script is not run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["backtest", "--quiet", "--out", "run"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = std::fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for width in [1_200, 500] {
        let seen = seen(&chromium, &page, width);
        assert_eq!(faults(&seen), [""; 0], "{width} pixels: {seen}");
    }
    for (right, wrong, fault) in [
        ("svg.setAttribute(\"tabindex\", \"0\");", "", "unreachable"),
        ("Home: first", "Home: last", "at_home"),
        (
            "this.on[i] = !this.on[i];",
            "console.error(\"x\");",
            "complaints",
        ),
        (
            "@media screen",
            "main { min-width: 3000px; } @media screen",
            "overflow",
        ),
    ] {
        assert!(page.contains(right), "{right}");
        let found = faults(&seen(&chromium, &page.replace(right, wrong), 1_200));
        assert!(
            found.iter().any(|f| f.starts_with(fault)),
            "{fault}: {found:?}"
        );
    }
}
