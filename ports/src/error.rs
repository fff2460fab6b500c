//! The one error of every port: what kind, in which operation, about what, and why.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ballast_domain::error::{Error as DomainError, ErrorFamily, ErrorKind as DomainKind};
use ballast_domain::orders::Refusal;

/// What an error means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// What was asked for does not exist.
    NotFound,
    /// The neighbour, or the port itself, refused the request as it stands.
    Rejected,
    /// The answer came and breaks its contract.
    InvalidData,
    /// Too many requests; the same one may pass later.
    RateLimited,
    /// No answer, or one that says "not now".
    Unavailable,
    /// A circuit breaker is open: the call was not made.
    CircuitOpen,
    /// The kill switch is on: the call was not made.
    Halted,
    /// The adapter does not do this, and its capabilities say so.
    Unsupported,
    /// The credentials are missing, wrong or not allowed to do this.
    Unauthenticated,
    /// The adapter cannot work as configured.
    Config,
    /// Anything else: treat it as a bug until it is classified.
    Unexpected,
}

impl ErrorKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 11] = [
        Self::NotFound,
        Self::Rejected,
        Self::InvalidData,
        Self::RateLimited,
        Self::Unavailable,
        Self::CircuitOpen,
        Self::Halted,
        Self::Unsupported,
        Self::Unauthenticated,
        Self::Config,
        Self::Unexpected,
    ];

    /// Stable snake_case name, for logs and machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Rejected => "rejected",
            Self::InvalidData => "invalid_data",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::CircuitOpen => "circuit_open",
            Self::Halted => "halted",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Config => "config",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Rejected => "rejected",
            Self::InvalidData => "invalid data",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "unavailable",
            Self::CircuitOpen => "circuit open",
            Self::Halted => "halted",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Config => "configuration refused",
            Self::Unexpected => "unexpected",
        })
    }
}

/// A failed port call.
///
/// `Display` gives this layer on one line, `kind at operation: message (key = value); hint: …`,
/// without the source; [`Error::chain`] gives all layers. An error clones cheaply, so that one
/// failure can be recorded, counted and returned.
#[derive(Clone, Debug)]
pub struct Error {
    /// What it means to the caller.
    pub kind: ErrorKind,
    /// The port method it happened in, such as `history`.
    pub operation: &'static str,
    message: String,
    hint: Option<String>,
    context: Vec<(String, String)>,
    /// In milliseconds: a `Duration` would make every `Result` of a port larger.
    retry_after: Option<u32>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Shorthand for results of ports.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` in `operation`. The message is lowercase without a full stop.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            hint: None,
            context: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// A refusal of the domain met in `operation`. It becomes the source and keeps its hint.
    ///
    /// Data errors become `InvalidData`, configuration errors `Config`, failed neighbours
    /// `Unavailable`, risk limits and impossible orders `Rejected`, the rest `Unexpected`.
    pub fn from_domain(operation: &'static str, error: ballast_domain::Error) -> Self {
        Self::new(Self::kind_of(error.family()), operation, "").caused_by(error)
    }

    /// What this failure is to someone who knows no ports, with all its words: a domain error that
    /// caused it keeps its kind and says what happened; a cause below that becomes context.
    ///
    /// The neighbour's bad moments and refusals become the `Api` kinds, those of an order's way out
    /// `OrderPlacement`.
    pub fn to_domain(&self) -> DomainError {
        let source = StdError::source(self);
        let domain = self.domain();
        let cause = domain.map_or_else(
            || source.map(ToString::to_string),
            |domain| Some(domain.message.clone()),
        );
        let message = match (self.message.as_str(), &cause) {
            ("", Some(cause)) => cause.clone(),
            ("", None) => self.kind.to_string(),
            (message, _) => message.to_owned(),
        };
        let mut plain = DomainError::new(self.domain_kind(), message);
        plain.context.clone_from(&self.context);
        if let Some(domain) = domain {
            plain.context.extend(domain.context.iter().cloned());
        }
        if let Some(cause) = cause.filter(|cause| *cause != plain.message) {
            plain = plain.context("cause", cause);
        }
        plain.hint = self.advice().map(str::to_owned);
        plain
    }

    fn domain_kind(&self) -> DomainKind {
        if let Some(domain) = self.domain()
            && self.kind != ErrorKind::Unexpected
            && Self::kind_of(domain.family()) == self.kind
        {
            return (*domain.kind).clone();
        }
        match self.kind {
            ErrorKind::NotFound => DomainKind::DataMissing,
            ErrorKind::InvalidData => DomainKind::DataValidation,
            ErrorKind::Config | ErrorKind::Unsupported | ErrorKind::Unauthenticated => {
                DomainKind::Configuration
            }
            ErrorKind::Rejected if matches!(self.operation, "submit" | "cancel") => {
                *Refusal::read(&self.message).error("").kind
            }
            ErrorKind::Rejected => DomainKind::ApiResponse,
            ErrorKind::Halted => DomainKind::OrderPlacement,
            ErrorKind::RateLimited => DomainKind::ApiRateLimit,
            ErrorKind::Unavailable | ErrorKind::CircuitOpen => DomainKind::ApiConnection,
            ErrorKind::Unexpected => DomainKind::Invariant,
        }
    }

    /// The kind a family of the domain has here.
    const fn kind_of(family: ErrorFamily) -> ErrorKind {
        match family {
            ErrorFamily::Data => ErrorKind::InvalidData,
            ErrorFamily::Configuration => ErrorKind::Config,
            ErrorFamily::Api => ErrorKind::Unavailable,
            ErrorFamily::RiskLimit | ErrorFamily::Execution => ErrorKind::Rejected,
            ErrorFamily::Signal | ErrorFamily::Invariant => ErrorKind::Unexpected,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With one more `key = value` of what and where.
    #[must_use]
    pub fn context(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.context.push((key.into(), value.to_string()));
        self
    }

    /// With how long the neighbour wants to be left alone, in machine time from now; whole
    /// milliseconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let millis = wait.as_nanos().div_ceil(1_000_000);
        self.retry_after = Some(u32::try_from(millis).unwrap_or(u32::MAX));
        self
    }

    /// With the error that caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What went wrong, for reading; empty when the source says it all.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What and where, in the order it was added.
    pub fn contexts(&self) -> &[(String, String)] {
        &self.context
    }

    /// How long the neighbour asked to be left alone, if it said so.
    pub fn asked_to_wait(&self) -> Option<Duration> {
        self.retry_after
            .map(|millis| Duration::from_millis(millis.into()))
    }

    /// The first cause of this type below it, such as who timed out.
    pub fn cause<E: StdError + 'static>(&self) -> Option<&E> {
        let mut next = StdError::source(self);
        while let Some(error) = next {
            match error.downcast_ref() {
                Some(found) => return Some(found),
                None => next = error.source(),
            }
        }
        None
    }

    /// What to do about it: this error's hint, else the one of a domain error below it.
    pub fn advice(&self) -> Option<&str> {
        self.hint
            .as_deref()
            .or_else(|| self.domain()?.hint.as_deref())
    }

    /// The domain error this one was made from, if any.
    pub fn domain(&self) -> Option<&ballast_domain::Error> {
        self.source.as_deref()?.downcast_ref()
    }

    /// Whether the same call may succeed later without anyone doing anything.
    ///
    /// Not `CircuitOpen`: when to try again is the breaker's decision, and a caller with another
    /// source should use that.
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::RateLimited | ErrorKind::Unavailable)
    }

    /// This error and its sources on one line, joined by colons.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = StdError::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, self.operation)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
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

impl From<Error> for DomainError {
    fn from(error: Error) -> Self {
        error.to_domain()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|e| e as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_layer_reads_as_a_sentence() {
        let e = Error::new(ErrorKind::RateLimited, "history", "12 requests in 1 s")
            .context("symbol", "AAPL")
            .hint("lower the request rate");
        assert_eq!(
            e.to_string(),
            "rate limited at history: 12 requests in 1 s (symbol = AAPL); hint: lower the request \
             rate"
        );
        assert_eq!(e.advice(), Some("lower the request rate"));
    }

    #[test]
    fn a_domain_error_keeps_its_text_and_hint() {
        let domain = ballast_domain::Error::validation("high is below low")
            .context("row", 7)
            .hint("correct the row");
        let e = Error::from_domain("history", domain.clone());
        assert_eq!(e.kind, ErrorKind::InvalidData);
        assert_eq!(e.advice(), Some("correct the row"));
        assert_eq!(e.domain(), Some(&domain));
        assert_eq!(
            e.chain(),
            "invalid data at history: high is below low (row = 7); hint: correct the row"
        );
    }

    #[test]
    fn only_the_neighbours_bad_moments_are_transient() {
        let transient: Vec<_> = ErrorKind::ALL
            .into_iter()
            .filter(|kind| Error::new(*kind, "x", "").is_transient())
            .collect();
        assert_eq!(transient, [ErrorKind::RateLimited, ErrorKind::Unavailable]);
    }

    /// ERR-02: a neighbour's failures become the kinds of its calls: connection, rate, response,
    /// and for an order's way out its placement or the capital it lacks.
    #[test]
    fn err_02_failed_calls_become_the_api_kinds() {
        let kind = |kind, operation| Error::new(kind, operation, "x").to_domain().kind;
        for (port, operation, domain) in [
            (ErrorKind::Unavailable, "history", DomainKind::ApiConnection),
            (ErrorKind::CircuitOpen, "history", DomainKind::ApiConnection),
            (ErrorKind::RateLimited, "history", DomainKind::ApiRateLimit),
            (ErrorKind::Rejected, "history", DomainKind::ApiResponse),
            (ErrorKind::Rejected, "submit", DomainKind::OrderPlacement),
            (ErrorKind::Halted, "submit", DomainKind::OrderPlacement),
        ] {
            assert_eq!(*kind(port, operation), domain, "{port} at {operation}");
        }
        let words = "insufficient funds: available 10, required 1000";
        let poor = Error::new(ErrorKind::Rejected, "submit", words).to_domain();
        assert!(matches!(*poor.kind, DomainKind::InsufficientCapital { .. }));
        assert_eq!(poor.message, words);
    }

    /// ERR-05: data contract, config, provider, cache and backtest have an error each, told apart
    /// by kind, and each is the one error of the domain at last, also after a port carried it.
    #[test]
    fn err_05_each_source_of_failure_converts_into_the_common_root() {
        let provider = Error::new(ErrorKind::Unavailable, "history", "no answer");
        let roots: Vec<DomainError> = vec![
            DomainError::validation("high is below low"),
            DomainError::config("unknown key"),
            provider.into(),
            DomainError::cache_corruption("the checksum does not fit"),
            DomainError::backtest_invariant("two books differ"),
        ];
        let names: std::collections::BTreeSet<_> = roots.iter().map(|e| e.kind.name()).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        // What a neighbour's answer is refused for survives the way through a port.
        for root in [&roots[0], &roots[1], &roots[3]] {
            let carried = Error::from_domain("get", root.clone().context("key", 7).hint("again"));
            let back = DomainError::from(carried);
            assert_eq!((&back.kind, &back.message), (&root.kind, &root.message));
            assert_eq!(back.hint.as_deref(), Some("again"));
            assert_eq!(back.context, [("key".to_owned(), "7".to_owned())]);
        }
    }

    #[test]
    fn transport_causes_stay_in_the_chain() {
        let io = std::io::Error::other("connection reset");
        let e = Error::new(ErrorKind::Unavailable, "history", "no answer").caused_by(io);
        assert_eq!(
            e.chain(),
            "unavailable at history: no answer: connection reset"
        );
    }
}
