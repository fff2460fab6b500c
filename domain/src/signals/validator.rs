//! The signal validator: two sides that a portfolio can be made of.

use std::collections::BTreeSet;

use crate::error::{Error, Result};

/// Checks the two sides of a signal before anything is weighed. It knows nothing of data or money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalValidator;

/// The two sides of a signal, by symbol, as they come from outside: a side may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<'a> {
    /// What to hold.
    pub longs: Option<&'a [&'a str]>,
    /// What to sell short.
    pub shorts: Option<&'a [&'a str]>,
}

impl SignalValidator {
    /// Both sides are there, each names a symbol once, and none is on both.
    ///
    /// # Errors
    /// `Signal` naming the absent side, the repeated symbols, or those on both sides.
    pub fn validate(self, sides: Sides<'_>) -> Result<()> {
        let side = |name: &str, side: Option<&'_ [&'_ str]>| {
            let Some(symbols) = side else {
                return Err(Error::signal(format!("the signal has no '{name}'"))
                    .hint("give both sides; a side without symbols is an empty list"));
            };
            let mut seen = BTreeSet::new();
            let twice: BTreeSet<String> = symbols
                .iter()
                .filter(|symbol| !seen.insert(**symbol))
                .map(ToString::to_string)
                .collect();
            if !twice.is_empty() {
                return Err(Error::signal(format!("'{name}' repeats symbols"))
                    .context("symbols", listed(&twice))
                    .hint("name each symbol once a side"));
            }
            Ok(seen.into_iter().map(str::to_owned).collect::<BTreeSet<_>>())
        };
        let (longs, shorts) = (side("longs", sides.longs)?, side("shorts", sides.shorts)?);
        let both: BTreeSet<String> = longs.intersection(&shorts).cloned().collect();
        if !both.is_empty() {
            return Err(Error::signal("symbols are on both sides")
                .context("symbols", listed(&both))
                .hint("decide for one side; a signal against itself trades for nothing"));
        }
        Ok(())
    }
}

fn listed(symbols: &BTreeSet<String>) -> String {
    symbols.iter().cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VAL-15, VAL-17: the validator of signals stands alone; a missing side is named, an overlap is
    /// listed, two clean sides pass.
    #[test]
    fn val_15_val_17_sides_are_there_and_do_not_overlap() {
        let check = |longs, shorts| {
            let validated = SignalValidator.validate(Sides { longs, shorts });
            validated.map_err(|e| e.to_string())
        };
        let ab: Option<&[&str]> = Some(&["A", "B"]);
        assert_eq!(check(ab, Some(&["C"])), Ok(()));
        assert_eq!(check(Some(&[]), Some(&[])), Ok(()));
        for (longs, shorts, text) in [
            (None, ab, "the signal has no 'longs'"),
            (ab, None, "the signal has no 'shorts'"),
            (
                ab,
                Some(&["C", "B", "A"][..]),
                "symbols are on both sides (symbols = A, B)",
            ),
            (
                ab,
                Some(&["C", "C"][..]),
                "'shorts' repeats symbols (symbols = C)",
            ),
        ] {
            let error = check(longs, shorts).unwrap_err();
            assert!(error.starts_with(text), "{error}");
            assert!(error.contains("hint: "), "{error}");
        }
    }
}
