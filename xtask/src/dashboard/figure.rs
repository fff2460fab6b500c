//! A figure as people read it: digits in groups, a unit, a sign.

use serde_json::Value;

/// Shares, which read better in per cent.
const SHARES: &[&str] = &["average_gross", "max_drawdown", "total_return"];
/// Amounts in the currency of the account.
const AMOUNTS: &[&str] = &["total_notional", "fees"];
/// Seconds.
const SECONDS: &[&str] = &["uptime", "fetch_seconds"];

/// A value with its unit, which follows from its key; `none` for what is not known.
pub(super) fn show(key: &str, value: &Value, currency: &str) -> String {
    let n = match value {
        Value::String(text) => return moment(text).unwrap_or_else(|| text.clone()),
        value => match value.as_f64() {
            Some(n) => n,
            None => return "none".to_owned(),
        },
    };
    if SHARES.contains(&key) {
        format!("{:.2} %", n * 100.0).replace('-', "\u{2212}")
    } else if AMOUNTS.contains(&key) {
        format!("{} {currency}", grouped(&format!("{n:.2}")))
    } else if SECONDS.contains(&key) {
        seconds(n)
    } else if key.ends_with("_mb") {
        format!("{n:.1} MiB")
    } else if key.ends_with("_per_second") {
        grouped(&format!("{n:.0}"))
    } else {
        number(n)
    }
}

/// `2026-01-31T16:00:00.5Z` as `2026-01-31 16:00:00 UTC`; `None` for other text.
pub(super) fn moment(text: &str) -> Option<String> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let whole = time.split('.').next()?;
    let shaped = date.len() == 10 && whole.len() == 8;
    shaped.then(|| format!("{date} {whole} UTC"))
}

/// A duration in the unit that reads best.
pub(super) fn seconds(n: f64) -> String {
    match n.abs() {
        0.0 => "0 s".to_owned(),
        small if small < 0.001 => format!("{:.0} \u{b5}s", n * 1e6),
        small if small < 1.0 => format!("{:.1} ms", n * 1e3),
        _ => format!("{} s", grouped(&format!("{n:.2}"))),
    }
}

/// A number without a unit: whole ones whole, others with what they have.
pub(super) fn number(n: f64) -> String {
    grouped(&n.to_string())
}

/// `1234567.5` as `1 234 567.5`, with narrow spaces that do not break.
fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("\u{2212}", rest),
        None => ("", digits),
    };
    let (whole, rest) = match digits.find('.') {
        Some(dot) => digits.split_at(dot),
        None => (digits, ""),
    };
    let mut text = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text + rest
}

/// `max_memory_mb` as `Max memory`: the unit stands beside the value.
pub(super) fn label(key: &str) -> String {
    let words = key
        .strip_suffix("_mb")
        .unwrap_or(key)
        .replace("fetch_seconds", "fetch time")
        .replace('_', " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Text that cannot become markup.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
