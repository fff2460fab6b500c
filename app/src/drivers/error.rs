//! Why a run could not be made: the domain refused, or a neighbour failed.

use ballast_domain::ErrorKind;

/// Why a run could not be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The domain refused a value, or found itself contradicted.
    #[error(transparent)]
    Domain(#[from] ballast_domain::Error),
    /// A source or a venue failed.
    #[error(transparent)]
    Port(#[from] ballast_ports::Error),
}

impl RunError {
    /// The domain error behind it, if there is one.
    pub fn domain(&self) -> Option<&ballast_domain::Error> {
        match self {
            Self::Domain(error) => Some(error),
            Self::Port(error) => error.domain(),
        }
    }

    /// Whether this is a bug rather than bad input.
    pub fn is_bug(&self) -> bool {
        self.domain()
            .is_some_and(|e| *e.kind == ErrorKind::Invariant)
    }
}
