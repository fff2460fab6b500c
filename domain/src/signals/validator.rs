//! The signal validator: two sides that a portfolio can be made of.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Result};

/// Checks the two sides of a signal before anything is weighed. It knows nothing of data or money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalValidator;

/// The two sides of a signal, by symbol or by lane, as they come from outside: a side may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<'a, T = &'a str> {
    /// What to hold.
    pub longs: Option<&'a [T]>,
    /// What to sell short.
    pub shorts: Option<&'a [T]>,
}

impl SignalValidator {
    /// Both sides are there, each names a symbol once, and none is on both.
    ///
    /// # Errors
    /// `SignalValidation` naming the absent side, the repeated symbols, or those on both sides.
    pub fn validate<T: Ord + Copy + fmt::Display>(self, sides: Sides<'_, T>) -> Result<()> {
        let longs = once_each("longs", sides.longs)?;
        let shorts = once_each("shorts", sides.shorts)?;
        let both: Vec<T> = (longs.iter().copied())
            .filter(|name| shorts.binary_search(name).is_ok())
            .collect();
        if both.is_empty() {
            return Ok(());
        }
        Err(Error::signal_validation("symbols are on both sides")
            .context("symbols", listed(&both))
            .hint("decide for one side; a signal against itself trades for nothing"))
    }
}

/// The names of a side in order, borrowed where they came in order.
fn once_each<'a, T: Ord + Copy + fmt::Display>(
    name: &str,
    side: Option<&'a [T]>,
) -> Result<Cow<'a, [T]>> {
    let Some(side) = side else {
        return Err(
            Error::signal_validation(format!("the signal has no '{name}'"))
                .hint("give both sides; a side without symbols is an empty list"),
        );
    };
    if side.is_sorted_by(|a, b| a < b) {
        return Ok(Cow::Borrowed(side));
    }
    let mut sorted = side.to_vec();
    sorted.sort_unstable();
    let mut twice: Vec<T> = (sorted.windows(2))
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    twice.dedup();
    if twice.is_empty() {
        return Ok(Cow::Owned(sorted));
    }
    Err(
        Error::signal_validation(format!("'{name}' repeats symbols"))
            .context("symbols", listed(&twice))
            .hint("name each symbol once a side"),
    )
}

fn listed<T: fmt::Display>(symbols: &[T]) -> String {
    symbols
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
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
