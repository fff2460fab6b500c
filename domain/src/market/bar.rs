//! One bar, and the rule that makes it acceptable.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Open, high, low, close and volume between two instants. Prices are raw or back-adjusted as the
/// series says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// When the bar began.
    pub open_time: Timestamp,
    /// When the bar was complete; it is delivered at this instant, never earlier.
    pub close_time: Timestamp,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Units traded.
    pub volume: f64,
}

impl Bar {
    /// Checks everything one bar can break on its own.
    ///
    /// # Errors
    /// `DataValidation` naming the column: times not increasing, a price that is not finite and
    /// positive, a high below or a low above the others, a volume that is negative or not finite.
    pub fn validate(&self) -> Result<()> {
        let refuse = |column: &str, value: f64, message: &str| {
            Err(Error::validation(message)
                .context("column", column)
                .context("value", value)
                .context("open_time", self.open_time)
                .hint("correct the row, or import the file in lenient mode to drop it"))
        };
        if self.close_time <= self.open_time {
            return Err(Error::validation("bar closes before it opens")
                .context("open_time", self.open_time)
                .context("close_time", self.close_time)
                .hint("file timestamps are bar opens; check the bar length"));
        }
        for (column, value) in [
            ("open", self.open),
            ("high", self.high),
            ("low", self.low),
            ("close", self.close),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return refuse(column, value, "price is not a positive number");
            }
        }
        if self.high < self.open.max(self.close).max(self.low) {
            return refuse("high", self.high, "high is below another price of the bar");
        }
        if self.low > self.open.min(self.close) {
            return refuse("low", self.low, "low is above another price of the bar");
        }
        if !(self.volume.is_finite() && self.volume >= 0.0) {
            return refuse(
                "volume",
                self.volume,
                "volume is not a number of zero or more",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar() -> Bar {
        Bar {
            open_time: Timestamp::from_nanos(0),
            close_time: Timestamp::from_nanos(1),
            open: 10.0,
            high: 12.0,
            low: 9.0,
            close: 11.0,
            volume: 0.0,
        }
    }

    #[test]
    fn each_broken_field_is_named() {
        assert!(bar().validate().is_ok());
        for (broken, column) in [
            (
                Bar {
                    open: f64::NAN,
                    ..bar()
                },
                "column = open",
            ),
            (
                Bar {
                    close: 0.0,
                    ..bar()
                },
                "column = close",
            ),
            (
                Bar {
                    high: 10.5,
                    ..bar()
                },
                "column = high",
            ),
            (Bar { low: 10.5, ..bar() }, "column = low"),
            (
                Bar {
                    volume: -1.0,
                    ..bar()
                },
                "column = volume",
            ),
            (
                Bar {
                    close_time: Timestamp::from_nanos(0),
                    ..bar()
                },
                "closes before it opens",
            ),
        ] {
            let e = broken.validate().unwrap_err().to_string();
            assert!(e.contains(column), "{e}");
        }
    }
}
