//! Why a venue or broker refused, read from its words.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A refusal whose cause is known. Words that say nothing known are [`Refusal::Other`]: they are
/// never guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// The account cannot pay for the order.
    InsufficientBuyingPower {
        /// What the account can spend, in its currency, where the words say it.
        available: Option<Decimal>,
        /// What the order would need, where the words say it.
        required: Option<Decimal>,
    },
    /// Anything else.
    Other,
}

/// Ways in which brokers say that the account cannot pay.
const POOR: [&str; 5] = [
    "insufficient buying power",
    "insufficient balance",
    "insufficient funds",
    "insufficient margin",
    "not enough margin",
];

/// Words before the amount that is there, and before the amount that is needed.
const AVAILABLE: [&str; 3] = ["available", "buying_power", "buying power:"];
const REQUIRED: [&str; 4] = ["required", "requested", "cost_basis", "needed"];

impl Refusal {
    /// Reads a venue's words, plain or JSON, in any case.
    pub fn read(words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        if !POOR.iter().any(|poor| words.contains(poor)) {
            return Self::Other;
        }
        Self::InsufficientBuyingPower {
            available: amount_after(&words, &AVAILABLE),
            required: amount_after(&words, &REQUIRED),
        }
    }
}

impl Refusal {
    /// This refusal as an error that says `message`: `InsufficientCapital` with its amounts, else
    /// `OrderPlacement`.
    pub fn error(self, message: &str) -> Error {
        match self {
            Self::InsufficientBuyingPower {
                available,
                required,
            } => {
                let text = |amount: Option<Decimal>| amount.map(|a| a.to_string());
                Error::insufficient_capital(message, text(available), text(required))
            }
            Self::Other => Error::order_placement(message),
        }
    }
}

/// The first amount after one of `labels` with nothing but punctuation in between.
fn amount_after(words: &str, labels: &[&str]) -> Option<Decimal> {
    labels.iter().find_map(|label| {
        words.match_indices(label).find_map(|(at, _)| {
            let rest = words[at + label.len()..]
                .trim_start_matches(|c: char| c.is_whitespace() || "\"'`:=$(".contains(c));
            let end = rest
                .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
                .unwrap_or(rest.len());
            let figure = rest[..end].trim_end_matches(['.', ',']).replace(',', "");
            Decimal::from_str_exact(&figure).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poor(available: Option<&str>, required: Option<&str>) -> Refusal {
        let figure = |text: Option<&str>| text.map(|t| t.parse().unwrap());
        Refusal::InsufficientBuyingPower {
            available: figure(available),
            required: figure(required),
        }
    }

    /// ERR-10: both amounts are read from a broker's refusal, in the ways they are written.
    #[test]
    fn err_10_insufficient_buying_power_is_read_with_its_amounts() {
        for words in [
            "Insufficient buying power. Available: $1,234.50, required: $5,000.00",
            r#"{"code":40310000,"message":"insufficient buying power","buying_power":"1234.50","cost_basis":"5000"}"#,
            "insufficient balance for USD (requested: 5000, available: 1234.5)",
        ] {
            assert_eq!(
                Refusal::read(words),
                poor(Some("1234.5"), Some("5000")),
                "{words}"
            );
        }
        assert_eq!(
            Refusal::read("insufficient funds"),
            poor(None, None),
            "amounts are never invented"
        );
        assert_eq!(
            Refusal::read("Insufficient margin, required 10"),
            poor(None, Some("10"))
        );
    }

    #[test]
    fn other_words_are_not_guessed_at() {
        for words in [
            "",
            "market is closed",
            "buying power restored: 100",
            "price too far",
        ] {
            assert_eq!(Refusal::read(words), Refusal::Other, "{words}");
        }
    }
}
