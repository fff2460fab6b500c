//! Parquet: any file as the cells of a table, and bars in the one shape this crate writes.

mod bars;
mod cells;
#[cfg(test)]
mod tests;

pub(crate) use bars::{read_bars, write_bars};
pub(crate) use cells::{is_parquet, to_text};
