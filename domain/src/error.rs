//! The one error type of the domain: what went wrong, where, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

/// The family of an [`ErrorKind`], for callers that only need the broad class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorFamily {
    /// Market data is missing, malformed or too old.
    Data,
    /// A signal, indicator or weighting rule cannot be computed as asked.
    Signal,
    /// An order, fill or account operation is not possible.
    Execution,
    /// A neighbour (venue, provider, file, database) failed.
    Api,
    /// The configuration asks for something that does not exist or contradicts itself.
    Configuration,
    /// A risk limit refuses the request.
    RiskLimit,
    /// The program contradicts itself: a bug, never the user's fault.
    Invariant,
}

/// What went wrong, precise enough to match on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ErrorKind {
    /// Required data is not there.
    DataMissing,
    /// Data is there but breaks its contract.
    DataValidation,
    /// Data is older than its limit.
    DataStale {
        /// When the data was true.
        observed_at: Timestamp,
        /// Its age when it was needed.
        age: Span,
        /// The limit it exceeds.
        max_age: Span,
    },
    /// What we stored ourselves does not match its checksum or cannot be read back.
    CacheCorruption,
    /// A signal or weighting rule refuses its parameters.
    Signal,
    /// A signal, statistic or weighting cannot be computed from the numbers it was given.
    SignalCalculation,
    /// What a signal or weighting says contradicts itself: a side missing, a symbol on both sides,
    /// two weights for one instrument, a weight that is no number.
    SignalValidation,
    /// An order or account operation is impossible.
    Execution,
    /// An order cannot be placed: its own figures, or what the venue says to it.
    OrderPlacement,
    /// An execution contradicts the order it belongs to.
    OrderFill,
    /// A position is not what orders and events make of it.
    Position,
    /// The account cannot pay.
    InsufficientCapital {
        /// What there is, where it is known.
        available: Option<String>,
        /// What would be needed, where it is known.
        required: Option<String>,
    },
    /// A neighbour failed: a file or disk of this machine.
    Api,
    /// A neighbour does not answer, or says "not now".
    ApiConnection,
    /// A neighbour takes no more requests for now.
    ApiRateLimit,
    /// A neighbour answers, and refuses the request as it stands.
    ApiResponse,
    /// The configuration asks for something that does not exist or contradicts itself.
    Configuration,
    /// The configuration lacks something that has no default.
    ConfigurationMissing,
    /// A risk limit refuses the request.
    RiskLimit {
        /// The limit's name, as configured.
        limit: String,
        /// What the limit allows.
        allowed: String,
        /// What was asked for.
        observed: String,
    },
    /// The program contradicts itself.
    Invariant,
    /// A backtest contradicts itself: two books of one run differ.
    BacktestInvariant,
}

impl ErrorKind {
    /// The family this kind belongs to.
    pub const fn family(&self) -> ErrorFamily {
        match self {
            Self::DataMissing
            | Self::DataValidation
            | Self::DataStale { .. }
            | Self::CacheCorruption => ErrorFamily::Data,
            Self::Signal | Self::SignalCalculation | Self::SignalValidation => ErrorFamily::Signal,
            Self::Execution
            | Self::OrderPlacement
            | Self::OrderFill
            | Self::Position
            | Self::InsufficientCapital { .. } => ErrorFamily::Execution,
            Self::Api | Self::ApiConnection | Self::ApiRateLimit | Self::ApiResponse => {
                ErrorFamily::Api
            }
            Self::Configuration | Self::ConfigurationMissing => ErrorFamily::Configuration,
            Self::RiskLimit { .. } => ErrorFamily::RiskLimit,
            Self::Invariant | Self::BacktestInvariant => ErrorFamily::Invariant,
        }
    }

    /// Stable snake_case name, for logs and machine-readable output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DataMissing => "data_missing",
            Self::DataValidation => "data_validation",
            Self::DataStale { .. } => "data_stale",
            Self::CacheCorruption => "cache_corruption",
            Self::Signal => "signal",
            Self::SignalCalculation => "signal_calculation",
            Self::SignalValidation => "signal_validation",
            Self::Execution => "execution",
            Self::OrderPlacement => "order_placement",
            Self::OrderFill => "order_fill",
            Self::Position => "position",
            Self::InsufficientCapital { .. } => "insufficient_capital",
            Self::Api => "api",
            Self::ApiConnection => "api_connection",
            Self::ApiRateLimit => "api_rate_limit",
            Self::ApiResponse => "api_response",
            Self::Configuration => "configuration",
            Self::ConfigurationMissing => "configuration_missing",
            Self::RiskLimit { .. } => "risk_limit",
            Self::Invariant => "invariant",
            Self::BacktestInvariant => "backtest_invariant",
        }
    }
}

/// An error with a message, a hint (what to do) and ordered context (what, where).
///
/// Messages are lowercase without a full stop. `Display` gives
/// `message (key = value, key = value); hint: …`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub struct Error {
    /// What went wrong, for matching.
    #[serde(flatten)]
    pub kind: Box<ErrorKind>,
    /// What went wrong, for reading.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What and where, in the order it was added.
    pub context: Vec<(String, String)>,
}

impl Error {
    /// An error of `kind` with `message`.
    // Cold, as are the two that follow it: what leads to an error is kept out of the way of the rest.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind: Box::new(kind),
            message: message.into(),
            hint: None,
            context: Vec::new(),
        }
    }

    /// Required data is not there.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DataMissing, message)
    }

    /// Data breaks its contract.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DataValidation, message)
    }

    /// `what` observed at `observed_at` is older than `max_age` at `now`.
    pub fn stale(what: &str, observed_at: Timestamp, now: Timestamp, max_age: Span) -> Self {
        let age = now.since(observed_at);
        Self::new(
            ErrorKind::DataStale {
                observed_at,
                age,
                max_age,
            },
            format!(
                "{what} is {:.0} s old, the limit is {:.0} s",
                age.seconds(),
                max_age.seconds()
            ),
        )
        .context("observed_at", observed_at)
        .context("now", now)
        .hint("refresh the data, or raise its max_age if that age is acceptable")
    }

    /// What we stored ourselves cannot be trusted.
    pub fn cache_corruption(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::CacheCorruption, message)
    }

    /// The configuration is wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// The configuration lacks something that has no default.
    pub fn config_missing(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ConfigurationMissing, message)
    }

    /// A signal or weighting rule refuses its parameters.
    pub fn signal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Signal, message)
    }

    /// A signal or weighting cannot be computed from its numbers.
    pub fn signal_calculation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::SignalCalculation, message)
    }

    /// What a signal or weighting says contradicts itself.
    pub fn signal_validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::SignalValidation, message)
    }

    /// An order or account operation is impossible.
    pub fn execution(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Execution, message)
    }

    /// An order cannot be placed.
    pub fn order_placement(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OrderPlacement, message)
    }

    /// An execution contradicts its order.
    pub fn order_fill(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OrderFill, message)
    }

    /// A position is not what it should be.
    pub fn position(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Position, message)
    }

    /// The account cannot pay; amounts that nobody said stay `None`.
    pub fn insufficient_capital(
        message: impl Into<String>,
        available: Option<String>,
        required: Option<String>,
    ) -> Self {
        let kind = ErrorKind::InsufficientCapital {
            available,
            required,
        };
        Self::new(kind, message)
    }

    /// `limit` allows `allowed`, `observed` was asked for.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "literals and computed values read alike at the call"
    )]
    pub fn risk_limit(
        limit: impl Into<String>,
        allowed: impl ToString,
        observed: impl ToString,
    ) -> Self {
        let (limit, allowed, observed) = (limit.into(), allowed.to_string(), observed.to_string());
        let message = format!("{limit} allows {allowed}, {observed} was asked for");
        Self::new(
            ErrorKind::RiskLimit {
                limit,
                allowed,
                observed,
            },
            message,
        )
    }

    /// The program contradicts itself.
    pub fn invariant(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invariant, message)
    }

    /// A backtest contradicts itself.
    pub fn backtest_invariant(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BacktestInvariant, message)
    }

    /// With what to do about it.
    #[must_use]
    #[cold]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With one more `key = value` of what and where.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "literals and computed values read alike at the call"
    )]
    #[must_use]
    #[cold]
    pub fn context(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.context.push((key.into(), value.to_string()));
        self
    }

    /// The family of this error's kind.
    pub fn family(&self) -> ErrorFamily {
        self.kind.family()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (i, (key, value)) in self.context.iter().enumerate() {
            write!(f, "{}{key} = {value}", if i == 0 { " (" } else { ", " })?;
        }
        if !self.context.is_empty() {
            f.write_str(")")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

/// Shorthand for results of the domain.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    /// ERR-01: each kind is matchable by family and by kind.
    #[test]
    fn err_01_kinds_know_their_family() {
        let stale = Error::stale("close", Timestamp::EPOCH, Timestamp::EPOCH, Span::ZERO);
        for (error, family, name) in [
            (Error::missing("x"), ErrorFamily::Data, "data_missing"),
            (Error::validation("x"), ErrorFamily::Data, "data_validation"),
            (stale, ErrorFamily::Data, "data_stale"),
            (Error::signal("x"), ErrorFamily::Signal, "signal"),
            (Error::execution("x"), ErrorFamily::Execution, "execution"),
            (Error::new(ErrorKind::Api, "x"), ErrorFamily::Api, "api"),
            (
                Error::config("x"),
                ErrorFamily::Configuration,
                "configuration",
            ),
            (
                Error::risk_limit("max_gross", 1, 2),
                ErrorFamily::RiskLimit,
                "risk_limit",
            ),
            (Error::invariant("x"), ErrorFamily::Invariant, "invariant"),
        ] {
            assert_eq!((error.family(), error.kind.name()), (family, name));
        }
    }

    /// ERR-03: stale data and risk limits expose their fields, not only text.
    #[test]
    fn err_03_stale_and_limit_expose_fields() {
        let now = Timestamp::from_seconds(90_000).unwrap();
        let e = Error::stale("AAPL close", Timestamp::EPOCH, now, Span::from_days(1));
        assert!(matches!(*e.kind, ErrorKind::DataStale { age, max_age, .. }
            if age == Span::from_seconds(90_000) && max_age == Span::from_days(1)));
        assert_eq!(e.message, "AAPL close is 90000 s old, the limit is 86400 s");
        let e = Error::risk_limit("max_gross", "1.0", "1.2");
        assert_eq!(e.to_string(), "max_gross allows 1.0, 1.2 was asked for");
        assert!(matches!(&*e.kind, ErrorKind::RiskLimit { observed, .. } if observed == "1.2"));
    }

    /// ERR-04: message, context and hint all render, as text and as JSON.
    #[test]
    fn err_04_message_hint_and_context_render() {
        let e = Error::config("unknown strategy 'foo'")
            .context("key", "strategy.name")
            .context("available", "breakout, momentum")
            .hint("did you mean 'breakout'?");
        assert_eq!(
            e.to_string(),
            "unknown strategy 'foo' (key = strategy.name, available = breakout, momentum); \
             hint: did you mean 'breakout'?"
        );
        let json = serde_json::to_value(&e).unwrap();
        assert_eq!(json["kind"], "configuration");
        assert_eq!(json["hint"], "did you mean 'breakout'?");
        assert_eq!(json["context"][0][0], "key");
        assert_eq!(serde_json::from_value::<Error>(json).unwrap(), e);
    }
}
