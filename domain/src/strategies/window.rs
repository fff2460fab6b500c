//! How long a window may be.

use crate::error::{Error, Result};

/// Longest window in bars: nearly two years of minutes. Windows are allocated for each instrument
/// at once, so a slip of the finger must not ask for all memory.
const MAX_WINDOW: usize = 1_000_000;

/// Refuses a window beyond [`MAX_WINDOW`]; rules check the lower end themselves.
pub(super) fn require_window(parameter: &str, bars: usize) -> Result<()> {
    if bars <= MAX_WINDOW {
        return Ok(());
    }
    Err(
        Error::signal(format!("{parameter} is longer than {MAX_WINDOW} bars"))
            .context(parameter, bars)
            .hint("use a shorter window, or longer bars"),
    )
}
