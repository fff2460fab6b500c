//! A report page: one HTML file with everything in it, for screens of any width and for paper.

use std::fmt::Write;

use super::escape::escape;
use super::svg::LineChart;

/// The style sheet of a report page, charts included.
pub const STYLE: &str = include_str!("report.css");

/// A page under construction. All text is escaped; only charts bring markup of their own.
#[derive(Clone, Debug, Default)]
pub struct ReportPage {
    title: String,
    subtitle: String,
    summary: Vec<SummaryRow>,
    charts: Vec<LineChart>,
    sections: Vec<Section>,
    notes: Vec<String>,
    reproducibility: Vec<(String, String)>,
}

/// One line of the summary at the top.
#[derive(Clone, Debug)]
struct SummaryRow {
    label: String,
    value: String,
    note: String,
}

impl ReportPage {
    /// A page with a title and nothing else.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// With a line under the title.
    #[must_use]
    pub fn subtitle(mut self, text: impl Into<String>) -> Self {
        self.subtitle = text.into();
        self
    }

    /// With one more row in the summary; `note` may be empty.
    #[must_use]
    pub fn summary(
        mut self,
        label: impl Into<String>,
        value: impl Into<String>,
        note: impl Into<String>,
    ) -> Self {
        self.summary.push(SummaryRow {
            label: label.into(),
            value: value.into(),
            note: note.into(),
        });
        self
    }

    /// With a chart below the summary.
    #[must_use]
    pub fn chart(mut self, chart: LineChart) -> Self {
        self.charts.push(chart);
        self
    }

    /// With one more section below the charts.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// With one more note: what a reader has to know to trust the figures no more than they
    /// deserve.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// With one more row in the box that says how to get the same bytes again.
    #[must_use]
    pub fn reproducibility(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.reproducibility.push((key.into(), value.into()));
        self
    }

    /// The page, a complete HTML document.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(256 * 1024);
        let title = escape(&self.title);
        _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <header>\n<h1>{title}</h1>\n"
        );
        if !self.subtitle.is_empty() {
            _ = writeln!(out, "<p class=\"subtitle\">{}</p>", escape(&self.subtitle));
        }
        out.push_str("</header>\n");
        self.render_summary(&mut out);
        for chart in &self.charts {
            out.push_str(&chart.render());
        }
        for section in &self.sections {
            section.render(&mut out);
        }
        self.render_notes(&mut out);
        self.render_reproducibility(&mut out);
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }

    fn render_summary(&self, out: &mut String) {
        if self.summary.is_empty() {
            return;
        }
        out.push_str("<section>\n<h2>Summary</h2>\n<table class=\"summary\">\n<tbody>\n");
        for row in &self.summary {
            _ = writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"value\">{}</td>\
                 <td class=\"remark\">{}</td></tr>",
                escape(&row.label),
                escape(&row.value),
                escape(&row.note)
            );
        }
        out.push_str("</tbody>\n</table>\n</section>\n");
    }

    fn render_notes(&self, out: &mut String) {
        if self.notes.is_empty() {
            return;
        }
        out.push_str("<section class=\"notes\">\n<h2>Notes</h2>\n<ul>\n");
        for note in &self.notes {
            _ = writeln!(out, "<li>{}</li>", escape(note));
        }
        out.push_str("</ul>\n</section>\n");
    }

    fn render_reproducibility(&self, out: &mut String) {
        if self.reproducibility.is_empty() {
            return;
        }
        out.push_str("<section class=\"reproducibility\">\n<h2>Reproducibility</h2>\n<dl>\n");
        for (key, value) in &self.reproducibility {
            _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(key), escape(value));
        }
        out.push_str("</dl>\n</section>\n");
    }
}

/// A titled part of the page: paragraphs, charts and tables in the order given.
#[derive(Clone, Debug)]
pub struct Section {
    title: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Paragraph(String),
    Chart(LineChart),
    Table(Table),
}

impl Section {
    /// An empty section.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    /// With a paragraph of text.
    #[must_use]
    pub fn paragraph(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    /// With a chart.
    #[must_use]
    pub fn chart(mut self, chart: LineChart) -> Self {
        self.parts.push(Part::Chart(chart));
        self
    }

    /// With a table.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.parts.push(Part::Table(table));
        self
    }

    fn render(&self, out: &mut String) {
        _ = writeln!(out, "<section>\n<h2>{}</h2>", escape(&self.title));
        for part in &self.parts {
            match part {
                Part::Paragraph(text) => _ = writeln!(out, "<p>{}</p>", escape(text)),
                Part::Chart(chart) => out.push_str(&chart.render()),
                Part::Table(table) => table.render(out),
            }
        }
        out.push_str("</section>\n");
    }
}

/// How a column's cells are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// To the left, on one line: names, dates.
    Text,
    /// To the left, broken into lines: reasons, remarks.
    Prose,
    /// To the right, with digits of equal width.
    Number,
}

/// A table with a caption; wide ones scroll sideways on their own.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    columns: Vec<(String, Column)>,
    rows: Vec<Vec<String>>,
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
        }
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

    fn render(&self, out: &mut String) {
        let caption = escape(&self.caption);
        _ = write!(
            out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n\
             <table>\n<caption>{caption}</caption>\n<thead><tr>"
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "<img src=x onerror=\"alert(1)\">&'";

    #[test]
    fn every_text_is_escaped() {
        let table = Table::new(EVIL, [(EVIL, Column::Text), (EVIL, Column::Number)]);
        let page = ReportPage::new(EVIL)
            .subtitle(EVIL)
            .summary(EVIL, EVIL, EVIL)
            .chart(LineChart::new(EVIL, EVIL))
            .section(
                Section::new(EVIL)
                    .paragraph(EVIL)
                    .table(table.row([EVIL, EVIL])),
            )
            .note(EVIL)
            .reproducibility(EVIL, EVIL)
            .render();
        assert!(!page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;img src=x onerror=&quot;").count(), 19);
    }

    #[test]
    fn a_page_needs_nothing_from_outside_and_runs_nothing() {
        let page = ReportPage::new("t").render();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        for foreign in ["<script", "http://", "https://", "url(", "@import", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn what_is_empty_is_left_out_or_says_so() {
        let page = ReportPage::new("t").render();
        assert!(!page.contains("<h2>"), "{page}");
        let table = Table::new("Trades", [("a", Column::Text), ("b", Column::Number)]);
        let page = ReportPage::new("t")
            .section(Section::new("s").table(table))
            .render();
        assert!(page.contains("<td colspan=\"2\" class=\"empty\">None.</td>"));
    }

    #[test]
    #[should_panic(expected = "one cell for each column")]
    fn a_ragged_row_is_a_bug() {
        _ = Table::new("t", [("a", Column::Text)]).row(["1", "2"]);
    }
}
