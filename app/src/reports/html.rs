//! A report page: one HTML file with everything in it, for screens of any width and for paper.

use std::fmt::Write;

use super::escape::escape;
pub use super::table::{Column, Table};

/// The style sheet of a report page, charts included.
pub const STYLE: &str = include_str!("report.css");

/// What makes charts answer to pointer and keyboard. The page says everything without it.
pub const SCRIPT: &str = include_str!("report.js");

/// Something drawn: the only parts of a page that bring markup of their own.
pub trait Drawing {
    /// The markup. Every text in it is escaped.
    fn render(&self) -> String;
}

/// A page under construction. All text is escaped; only charts bring markup of their own.
#[derive(Clone, Debug, Default)]
pub struct ReportPage {
    title: String,
    subtitle: String,
    summary: Vec<SummaryRow>,
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

    /// With one more section below the summary.
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
        let mut body = String::with_capacity(256 * 1024);
        let title = escape(&self.title);
        _ = writeln!(body, "<main>\n<header>\n<h1>{title}</h1>");
        if !self.subtitle.is_empty() {
            let subtitle = escape(&self.subtitle);
            _ = writeln!(body, "<p class=\"subtitle\">{subtitle}</p>");
        }
        body.push_str("</header>\n");
        self.render_navigation(&mut body);
        self.render_summary(&mut body);
        for section in &self.sections {
            section.render(&mut body);
        }
        self.render_notes(&mut body);
        // The script's pass depends on all that came from outside, so nothing in there can name
        // it; not on the identity, so that equal results have equal pages but for their name.
        let nonce = blake3::hash(body.as_bytes()).to_hex();
        self.render_reproducibility(&mut body);
        body.push_str("</main>\n");
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'\">\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             {body}<script nonce=\"{nonce}\">\n{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }

    fn render_navigation(&self, out: &mut String) {
        if self.sections.len() < 2 {
            return;
        }
        out.push_str("<nav aria-label=\"Sections\"><ul>");
        for section in &self.sections {
            let (id, title) = (anchor(&section.title), escape(&section.title));
            _ = write!(out, "<li><a href=\"#{id}\">{title}</a></li>");
        }
        if !self.notes.is_empty() {
            out.push_str("<li><a href=\"#notes\">Notes</a></li>");
        }
        out.push_str("</ul></nav>\n");
    }

    fn render_summary(&self, out: &mut String) {
        if self.summary.is_empty() {
            return;
        }
        out.push_str(
            "<section id=\"summary\">\n<h2>Summary</h2>\n<table class=\"summary\">\n<tbody>\n",
        );
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
        out.push_str("<section id=\"notes\" class=\"notes\">\n<h2>Notes</h2>\n<ul>\n");
        for note in &self.notes {
            _ = writeln!(out, "<li>{}</li>", escape(note));
        }
        out.push_str("</ul>\n</section>\n");
    }

    fn render_reproducibility(&self, out: &mut String) {
        if self.reproducibility.is_empty() {
            return;
        }
        out.push_str("<section id=\"reproducibility\" class=\"reproducibility\">\n<h2>Reproducibility</h2>\n<dl>\n");
        for (key, value) in &self.reproducibility {
            _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(key), escape(value));
        }
        out.push_str("</dl>\n</section>\n");
    }
}

/// The name by which a section is linked: its letters and digits.
fn anchor(title: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    title.chars().map(letter).collect()
}

/// A titled part of the page: paragraphs, drawings and tables in the order given.
#[derive(Clone, Debug)]
pub struct Section {
    title: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Paragraph(String),
    Drawing(String),
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

    /// With a drawing.
    #[must_use]
    pub fn drawing(mut self, drawing: &impl Drawing) -> Self {
        self.parts.push(Part::Drawing(drawing.render()));
        self
    }

    /// With a table.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.parts.push(Part::Table(table));
        self
    }

    fn render(&self, out: &mut String) {
        let (id, title) = (anchor(&self.title), escape(&self.title));
        _ = writeln!(out, "<section id=\"{id}\">\n<h2>{title}</h2>");
        for part in &self.parts {
            match part {
                Part::Paragraph(text) => _ = writeln!(out, "<p>{}</p>", escape(text)),
                Part::Drawing(markup) => out.push_str(markup),
                Part::Table(table) => table.render(out),
            }
        }
        out.push_str("</section>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::svg::LineChart;

    const EVIL: &str = "<img src=x onerror=\"alert(1)\">&'";

    #[test]
    fn every_text_is_escaped() {
        let table = Table::new(EVIL, [(EVIL, Column::Text), (EVIL, Column::Number)]);
        let page = ReportPage::new(EVIL)
            .subtitle(EVIL)
            .summary(EVIL, EVIL, EVIL)
            .section(
                Section::new(EVIL)
                    .paragraph(EVIL)
                    .drawing(&LineChart::new(EVIL, EVIL))
                    .table(table.row([EVIL, EVIL]).folded(EVIL)),
            )
            .note(EVIL)
            .reproducibility(EVIL, EVIL)
            .render();
        assert!(!page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;img src=x onerror=&quot;").count(), 20);
    }

    #[test]
    fn a_page_needs_nothing_from_outside_and_runs_only_its_own_script() {
        let page = ReportPage::new("t").render();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        for foreign in ["http://", "https://", "url(", "@import", " src="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert_eq!(page.matches("<script").count(), 1);
        let pass = page
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        assert!(
            page.contains(&format!("<script nonce=\"{pass}\">")),
            "{pass}"
        );
        assert!(SCRIPT.len() < 15_000, "{}", SCRIPT.len());
        for reach in [
            "fetch(",
            "XMLHttp",
            "eval(",
            "import ",
            "localStorage",
            "cookie",
        ] {
            assert!(!SCRIPT.contains(reach), "{reach}");
        }
    }

    /// The identity is the only difference between the pages of equal results.
    #[test]
    fn the_pass_of_the_script_follows_the_content_and_not_the_identity() {
        let pass = |page: ReportPage| {
            let page = page.render();
            page.split("'nonce-").nth(1).unwrap()[..64].to_owned()
        };
        let page = || ReportPage::new("t").note("n");
        assert_eq!(pass(page()), pass(page().reproducibility("result", "1")));
        assert_ne!(pass(page()), pass(page().note("m")));
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
