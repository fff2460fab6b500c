//! One text for one question, however its arguments were ordered.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::market::PriceBasis;
use ballast_ports::HistoryRequest;

/// A canonical cache key: a name and its arguments, sorted by their names.
///
/// `Display` is the key: `history/alpaca?bar=1d&symbols=AAPL,MSFT`. Whatever could be mistaken for
/// the grammar is written as `%` and two hex digits a byte, so two different questions never have one
/// key. The name comes first, so that all answers of a source share a prefix. A cache on disk hashes
/// the key for its file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheKey {
    name: String,
    arguments: BTreeMap<String, String>,
}

impl CacheKey {
    /// A question without arguments. Slashes in the name part it for prefixes.
    pub fn new(name: &str) -> Self {
        Self {
            name: escaped(name, "/"),
            arguments: BTreeMap::new(),
        }
    }

    /// The same with an argument; a name that is there is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.arguments.insert(escaped(name, ""), escaped(value, ""));
        self
    }

    /// The same with a set of values, in any order.
    #[must_use]
    pub fn with_set<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values: Vec<_> = values.into_iter().map(|v| escaped(v, "")).collect();
        values.sort_unstable();
        self.arguments.insert(escaped(name, ""), values.join(","));
        self
    }

    /// The key of a history from the source `source`: symbols in any order are one question.
    pub fn history(source: &str, request: &HistoryRequest) -> Self {
        let basis = match request.basis {
            PriceBasis::Raw => "raw",
            PriceBasis::BackAdjusted => "back_adjusted",
        };
        Self::new(&format!("history/{source}"))
            .with("bar", &request.bar.to_string())
            .with("basis", basis)
            .with("start", &request.start.nanos().to_string())
            .with("end", &request.end.nanos().to_string())
            .with_set("symbols", request.symbols.iter().map(String::as_str))
    }

    /// What the keys of every history of a source begin with.
    pub fn histories_of(source: &str) -> String {
        format!("history/{}?", escaped(source, ""))
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (n, (name, value)) in self.arguments.iter().enumerate() {
            let mark = if n == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={value}")?;
        }
        Ok(())
    }
}

fn escaped(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        if plain || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ballast_domain::market::BarSize;

    use super::*;

    /// CAC-01: arguments in another order are the same question; another name, argument or value is
    /// another one, also when it contains the signs of the grammar.
    #[test]
    fn cac_01_one_question_has_one_key() {
        let key = |name: &str, a: &str, b: &str| {
            let key = CacheKey::new(name).with("a", a).with("b", b);
            key.to_string()
        };
        let other_order = CacheKey::new("f").with("b", "2").with("a", "1");
        assert_eq!(key("f", "1", "2"), other_order.to_string());
        assert_eq!(key("f", "1", "2"), "f?a=1&b=2");
        let all = [
            key("f", "1", "2"),
            key("g", "1", "2"),
            key("f", "2", "1"),
            key("f", "1&b=2", ""),
            key("f", "1&b", "2"),
            key("f?a=1", "1", "2"),
            CacheKey::new("f").with("a", "1").to_string(),
            CacheKey::new("f").with_set("a", ["1", "2"]).to_string(),
            CacheKey::new("f").with("a", "1,2").to_string(),
            CacheKey::new("f").with("a", "1%2C2").to_string(),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        let request = |symbols: [&str; 2]| HistoryRequest::all(symbols, BarSize::DAY);
        let one = CacheKey::history("a", &request(["X", "Y"])).to_string();
        assert_eq!(
            one,
            CacheKey::history("a", &request(["Y", "X"])).to_string()
        );
        assert_ne!(
            one,
            CacheKey::history("b", &request(["X", "Y"])).to_string()
        );
        assert_ne!(
            one,
            CacheKey::history("a", &request(["X", "Z"])).to_string()
        );
        assert!(one.starts_with(&CacheKey::histories_of("a")), "{one}");
    }
}
