//! Parquet of any writer, as the cells of a table.

mod cells;

pub(crate) use cells::{is_parquet, to_text};
