//! Returns by month and year as a table whose colours say it at a glance.

use std::fmt::Write;

use ballast_domain::performance::YearReturns;

use super::escape::escape;
use super::figures::percent;
use super::html::Drawing;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Where the next stronger colour begins, by the size of a monthly return.
const STEPS: [f64; 4] = [0.01, 0.03, 0.06, 0.10];

/// A row a year, a column a month, the year's total at the end.
#[derive(Clone, Debug)]
pub struct CalendarTable<'a> {
    caption: &'a str,
    years: &'a [YearReturns],
}

impl<'a> CalendarTable<'a> {
    /// A table of `years`, in order.
    pub const fn new(caption: &'a str, years: &'a [YearReturns]) -> Self {
        Self { caption, years }
    }
}

impl Drawing for CalendarTable<'_> {
    fn render(&self) -> String {
        let caption = escape(self.caption);
        let mut out = format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n\
             <table class=\"heat\">\n<caption>{caption}</caption>\n<thead><tr>\
             <th scope=\"col\">year</th>"
        );
        for month in MONTHS {
            _ = write!(out, "<th scope=\"col\" class=\"n\">{month}</th>");
        }
        out.push_str("<th scope=\"col\" class=\"n\">year</th></tr></thead>\n<tbody>\n");
        for year in self.years {
            _ = write!(out, "<tr><th scope=\"row\">{}</th>", year.year);
            for month in year.months {
                cell(&mut out, month, "n");
            }
            cell(&mut out, year.total, "n total");
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
        out
    }
}

fn cell(out: &mut String, value: Option<f64>, class: &str) {
    match value {
        None => _ = write!(out, "<td class=\"{class}\"></td>"),
        Some(value) => {
            let step = STEPS.iter().filter(|s| value.abs() >= **s).count();
            let side = if value < 0.0 { "down" } else { "up" };
            let tone = if value == 0.0 { 0 } else { step + 1 };
            let text = percent(value);
            let text = text.trim_end_matches(" %");
            _ = write!(out, "<td class=\"{class} {side}{tone}\">{text}</td>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_sign_and_size_and_months_without_bars_are_blank() {
        let mut months = [None; 12];
        months[0] = Some(0.004);
        months[1] = Some(-0.12);
        months[2] = Some(0.0);
        let years = [YearReturns {
            year: 2001,
            months,
            total: Some(-0.117),
        }];
        let text = CalendarTable::new("Returns", &years).render();
        for cell in [
            "<th scope=\"row\">2001</th><td class=\"n up1\">0.40</td>",
            "<td class=\"n down5\">-12.00</td><td class=\"n up0\">0.00</td><td class=\"n\"></td>",
            "<td class=\"n total down5\">-11.70</td></tr>",
        ] {
            assert!(text.contains(cell), "{cell} is not in {text}");
        }
    }
}
