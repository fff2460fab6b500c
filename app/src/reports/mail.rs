//! A finished run as a letter: a subject, and the same figures as text and as HTML.
//!
//! Mail programs drop scripts and style sheets, so the HTML is one narrow table with its style on
//! each element. What a run does not have is a dash, never a gap.

use serde_json::Value;

use super::escape::escape;
use super::figures::{amount, count, maybe_percent, ratio};

/// A letter before it has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line without line ends.
    pub subject: String,
    /// For programs and people that read text.
    pub text: String,
    /// A whole page.
    pub html: String,
}

const DASH: &str = "–";
const CELL: &str = "padding:4px 12px 4px 0;border-bottom:1px solid #ddd";

/// The letter about the run called `run`, from its `summary.json`. No field has to be there.
pub fn render(summary: &Value, run: &str) -> Mail {
    let name = line(&summary["name"]);
    let result = maybe_percent(summary["total_return"].as_f64());
    let rows = rows(summary);
    let caveats: Vec<(String, String)> = (summary["caveats"].as_array().into_iter().flatten())
        .map(|c| (line(&c["topic"]), line(&c["text"])))
        .collect();
    Mail {
        subject: format!("Ballast: {name}, {result}"),
        text: text(&name, &rows, &caveats, run),
        html: html(&name, &rows, &caveats, run),
    }
}

/// Label and figure of each line.
fn rows(summary: &Value) -> Vec<(&'static str, String)> {
    let number = |key: &str| summary[key].as_f64();
    let money = |key: &str| {
        let currency = summary["currency"].as_str().unwrap_or("");
        number(key).map_or_else(
            || DASH.to_owned(),
            |value| {
                format!("{} {currency}", amount(value))
                    .trim_end()
                    .to_owned()
            },
        )
    };
    let whole = |value: &Value| value.as_u64().map_or_else(|| DASH.to_owned(), count);
    vec![
        (
            "Period",
            format!("{} to {}", line(&summary["start"]), line(&summary["end"])),
        ),
        ("Strategy", line(&summary["strategy"])),
        ("Total return", maybe_percent(number("total_return"))),
        ("Sharpe ratio", ratio(number("sharpe"))),
        ("Deepest drawdown", maybe_percent(number("max_drawdown"))),
        ("Final equity", money("final_equity")),
        ("Fees", money("fees")),
        ("Closed trades", whole(&summary["trades"])),
        ("Orders denied by risk", whole(&summary["orders"]["denied"])),
        (
            "Targets not reached",
            whole(&summary["orders"]["residuals"]),
        ),
        ("Result", line(&summary["result_id"])),
    ]
}

/// Text on one line; a dash when there is none.
fn line(value: &Value) -> String {
    let words: Vec<&str> = value.as_str().unwrap_or("").split_whitespace().collect();
    if words.is_empty() {
        return DASH.to_owned();
    }
    words.join(" ").replace(char::is_control, "")
}

fn text(name: &str, rows: &[(&str, String)], caveats: &[(String, String)], run: &str) -> String {
    let mut out = format!("{name}\n\n");
    for (label, value) in rows {
        out.push_str(&format!("{:<22} {value}\n", format!("{label}:")));
    }
    if !caveats.is_empty() {
        out.push_str("\nTo keep in mind\n");
        for (topic, text) in caveats {
            out.push_str(&format!("- {topic}: {text}\n"));
        }
    }
    out.push_str(&format!(
        "\nPage and tables: {run}\nRun it again: ballast verify {run}\n"
    ));
    out
}

fn html(name: &str, rows: &[(&str, String)], caveats: &[(String, String)], run: &str) -> String {
    let name = escape(name);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title></head>\n\
         <body style=\"margin:16px;max-width:600px;font-family:sans-serif;color:#222\">\n\
         <h1 style=\"font-size:20px\">{name}</h1>\n\
         <table style=\"border-collapse:collapse\">\n"
    );
    for (label, value) in rows {
        out.push_str(&format!(
            "<tr><th scope=\"row\" style=\"{CELL};text-align:left;font-weight:normal\">{label}</th>\
             <td style=\"{CELL};text-align:right\">{}</td></tr>\n",
            escape(value)
        ));
    }
    out.push_str("</table>\n");
    if !caveats.is_empty() {
        out.push_str("<h2 style=\"font-size:16px\">To keep in mind</h2>\n<ul>\n");
        for (topic, text) in caveats {
            out.push_str(&format!(
                "<li><b>{}</b>: {}</li>\n",
                escape(topic),
                escape(text)
            ));
        }
        out.push_str("</ul>\n");
    }
    let run = escape(run);
    out.push_str(&format!(
        "<p>Page and tables: <code>{run}</code><br>\n\
         Run it again: <code>ballast verify {run}</code></p>\n</body></html>\n"
    ));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Value {
        json!({
            "name": "breakout on us-stocks", "strategy": "breakout", "currency": "USD",
            "start": "2000-03-01T14:30:00Z", "end": "2013-03-01T21:00:00Z",
            "total_return": 0.4217, "sharpe": 0.31, "max_drawdown": -0.2839,
            "final_equity": 142_170.25, "fees": 1_234.5, "trades": 133,
            "orders": {"denied": 2, "residuals": 0}, "result_id": "0123456789abcdef",
            "caveats": [{"topic": "Universe", "text": "five symbols of today <survivors>"}],
        })
    }

    /// TST-10: the letter is pinned as text and as HTML.
    #[test]
    fn tst_10_a_letter_reads_well() {
        let mail = render(&full(), "runs/20130301");
        insta::assert_snapshot!(format!("{}\n\n{}\n{}", mail.subject, mail.text, mail.html));
    }

    /// TST-10: whatever a summary lacks is a dash, in every combination of one missing field.
    #[test]
    fn tst_10_what_is_missing_is_a_dash() {
        let empty = render(&json!({}), "r");
        assert_eq!(empty.subject, "Ballast: –, –");
        assert_eq!(empty.text.matches(DASH).count(), 13, "{}", empty.text);
        let whole = full();
        for key in whole.as_object().unwrap().keys() {
            let mut less = whole.clone();
            less[key] = Value::Null;
            let mail = render(&less, "r");
            for body in [&mail.text, &mail.html] {
                assert!(
                    !body.contains("null") && !body.contains("NaN"),
                    "{key}: {body}"
                );
                let dashes = body.matches(DASH).count();
                let lost = match key.as_str() {
                    "currency" | "caveats" => 0,
                    "orders" => 2,
                    "name" => dashes.max(1),
                    _ => 1,
                };
                assert_eq!(dashes, lost, "{key}: {body}");
            }
        }
    }

    #[test]
    fn a_name_adds_neither_header_nor_markup() {
        let mut summary = full();
        summary["name"] = json!("a\r\nBcc: all@example.com <b>\u{7}");
        let mail = render(&summary, "<run>");
        assert_eq!(mail.subject, "Ballast: a Bcc: all@example.com <b>, 42.17 %");
        assert!(!mail.html.contains("<b>\u{7}") && mail.html.contains("&lt;run&gt;"));
    }
}
