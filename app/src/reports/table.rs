//! A table of a report page.

use std::fmt::Write;

use super::escape::escape;

/// How a column's cells are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// To the left, on one line: names, dates.
    Text,
    /// To the left, broken into lines: reasons, remarks.
    Prose,
    /// To the right, with digits of equal width.
    Number,
    /// To the left in equal widths: something to type.
    Command,
}

/// A table with a caption; wide ones scroll sideways on their own.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    columns: Vec<(String, Column)>,
    rows: Vec<Vec<String>>,
    fold: Option<String>,
    even: bool,
}

impl Table {
    /// A table without rows. The first column names the row.
    pub fn new<N: Into<String>>(
        caption: impl Into<String>,
        columns: impl IntoIterator<Item = (N, Column)>,
    ) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.into_iter().map(|(n, c)| (n.into(), c)).collect(),
            rows: Vec::new(),
            fold: None,
            even: false,
        }
    }

    /// Behind a line of text that opens it: long tables that few read to the end.
    #[must_use]
    pub fn folded(mut self, line: impl Into<String>) -> Self {
        self.fold = Some(line.into());
        self
    }

    /// With columns of equal widths after the first, so that tables under each other line up.
    #[must_use]
    pub fn even(mut self) -> Self {
        self.even = true;
        self
    }

    /// With one more row.
    ///
    /// Panics when it has not one cell for each column.
    #[must_use]
    pub fn row<C: Into<String>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(
            cells.len(),
            self.columns.len(),
            "a row of table '{}' has one cell for each column",
            self.caption
        );
        self.rows.push(cells);
        self
    }

    pub(super) fn render(&self, out: &mut String) {
        if let Some(line) = &self.fold {
            _ = writeln!(out, "<details><summary>{}</summary>", escape(line));
        }
        self.render_open(out);
        if self.fold.is_some() {
            out.push_str("</details>\n");
        }
    }

    /// Pairs stand close together, long rows are set small.
    fn class(&self) -> &'static str {
        if self.even {
            return " class=\"even\"";
        }
        match self.columns.len() {
            0..=2 => " class=\"pairs\"",
            3..=9 => "",
            _ => " class=\"dense\"",
        }
    }

    fn render_open(&self, out: &mut String) {
        let caption = escape(&self.caption);
        _ = write!(
            out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n\
             <table{}>\n<caption>{caption}</caption>\n<thead><tr>",
            self.class()
        );
        for (name, column) in &self.columns {
            _ = write!(
                out,
                "<th scope=\"col\"{}>{}</th>",
                column.class(),
                escape(name)
            );
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (i, (cell, (_, column))) in row.iter().zip(&self.columns).enumerate() {
                let (class, text) = (column.class(), escape(cell));
                if i == 0 {
                    _ = write!(out, "<th scope=\"row\"{class}>{text}</th>");
                } else {
                    _ = write!(out, "<td{class}>{text}</td>");
                }
            }
            out.push_str("</tr>\n");
        }
        if self.rows.is_empty() {
            let width = self.columns.len();
            _ = writeln!(
                out,
                "<tr><td colspan=\"{width}\" class=\"empty\">None.</td></tr>"
            );
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
    }
}

impl Column {
    const fn class(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Prose => " class=\"prose\"",
            Self::Number => " class=\"n\"",
            Self::Command => " class=\"command\"",
        }
    }
}
