//! CSV with fixed columns: exact text, LF, UTF-8, the same bytes everywhere.

use std::io::{self, Write};

use super::text::csv_field;

/// Writes rows of a fixed number of cells.
#[derive(Debug)]
pub struct Table<W: Write> {
    to: W,
    columns: usize,
    line: String,
}

impl<W: Write> Table<W> {
    /// A table whose header is `columns`.
    ///
    /// # Errors
    /// Whatever writing to `to` fails with.
    pub fn new(to: W, columns: &[&str]) -> io::Result<Self> {
        let mut table = Self {
            to,
            columns: columns.len(),
            line: String::new(),
        };
        table.row(columns)?;
        Ok(table)
    }

    /// Writes one row. Numbers come as exact text: decimals by their `Display`, floats by
    /// [`float`](super::float).
    ///
    /// # Errors
    /// Whatever writing fails with, or `InvalidInput` when the number of cells is not that of the
    /// columns.
    pub fn row<C: AsRef<str>>(&mut self, cells: &[C]) -> io::Result<()> {
        if cells.len() != self.columns {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a row of {} cells in {} columns", cells.len(), self.columns),
            ));
        }
        self.line.clear();
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.line.push(',');
            }
            self.line += &csv_field(cell.as_ref());
        }
        self.line.push('\n');
        self.to.write_all(self.line.as_bytes())
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.to
    }
}

/// The cells of each row of `text`, header included.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let mut in_quotes = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => row.push(std::mem::take(&mut cell)),
            '\n' if !in_quotes => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::text::float;
    use super::*;

    #[test]
    fn rows_are_written_and_read_back() {
        let mut table = Table::new(Vec::new(), &["time", "text"]).unwrap();
        let written = [["a", "plain"], ["b", "x, \"y\"\nz"], ["", ""]];
        for row in &written {
            table.row(row).unwrap();
        }
        assert!(table.row(&["one"]).is_err());
        let bytes = table.into_inner();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "time,text\na,plain\nb,\"x, \"\"y\"\"\nz\"\n,\n");
        let read = rows(&text);
        assert_eq!(read[0], ["time", "text"]);
        assert!(read[1..].iter().zip(&written).all(|(r, w)| r == w));
        assert_eq!(rows("a,b"), [["a", "b"]]);
    }

    #[test]
    fn floats_read_back_as_themselves() {
        for (value, text) in [(0.1, "0.1"), (1.0, "1.0"), (-0.0, "-0.0"), (1e-7, "1e-7")] {
            assert_eq!(float(value), text);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
