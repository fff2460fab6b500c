//! Text laid out for a width: lines broken between words, tables that fit.

use std::fmt::Write;

/// The width answers are laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paper {
    columns: usize,
}

/// Below this a broken line would hold a word or two.
const LEAST_ROOM: usize = 16;
/// Columns a name gets beside its numbers, if it needs them.
const LEAST_NAME: usize = 8;

impl Paper {
    /// As wide as the terminal; without one no line is broken, so that programs find whole lines.
    pub(super) fn new(columns: Option<usize>) -> Self {
        // A terminal that tells no width, or an absurd one, is not asked to fit anything.
        let columns = columns.filter(|c| *c >= 20).unwrap_or(usize::MAX);
        Self { columns }
    }

    /// The columns there are.
    pub(super) const fn columns(self) -> usize {
        self.columns
    }

    /// `text` with long lines broken between words; what follows hangs under the last column of
    /// the line. A word, a number and its unit, and a path are never broken.
    pub(super) fn wrapped(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 64);
        for line in text.split_inclusive('\n') {
            let whole = line.trim_end_matches('\n');
            if width(whole) <= self.columns {
                out.push_str(line);
            } else {
                self.broken(whole, &mut out);
                out.push('\n');
            }
        }
        out
    }

    fn broken(self, line: &str, out: &mut String) {
        let indent = line.len() - line.trim_start().len();
        let gap = line[indent..].rfind("  ").map(|at| indent + at + 2);
        let (head, words, mut hang) = match gap {
            Some(at) => (&line[..at], &line[at..], width(&line[..at])),
            None => (&line[..indent], &line[indent..], indent + 2),
        };
        out.push_str(head.trim_end_matches(|c| gap.is_some() && c == ' '));
        let mut at = width(head);
        let mut first = true;
        let words = words_of(words);
        if gap.is_some() {
            let longest = words.iter().map(|word| width(word)).max().unwrap_or(0);
            if hang + LEAST_ROOM.max(longest) > self.columns {
                // Too little room beside the label: the text goes under it.
                hang = indent + 4;
                at = usize::MAX;
            } else {
                let missing = at - width(head.trim_end_matches(' '));
                out.push_str(&" ".repeat(missing));
            }
        }
        for word in &words {
            let needed = width(word);
            let space = usize::from(!first);
            if at == usize::MAX || (!first && at + space + needed > self.columns) {
                out.push('\n');
                out.push_str(&" ".repeat(hang));
                at = hang;
            } else if !first {
                out.push(' ');
                at += 1;
            }
            out.push_str(word);
            at += needed;
            first = false;
        }
    }

    /// Adds a table: the first column to the left, the others to the right, each at least as wide as
    /// `least` says where there is room. Where it is too wide, long names stand on a line of their
    /// own; where even the numbers are, each has its own line.
    pub(super) fn table(
        self,
        out: &mut String,
        least: &[usize],
        head: &[&str],
        rows: &[Vec<String>],
    ) {
        let widest = |k: usize| {
            let cells = rows.iter().map(|row| width(&row[k]));
            cells.max().unwrap_or(0).max(width(head[k]))
        };
        let natural: Vec<usize> = (0..head.len()).map(widest).collect();
        let wished: Vec<usize> = natural
            .iter()
            .enumerate()
            .map(|(k, w)| *w.max(least.get(k).unwrap_or(&0)))
            .collect();
        let total = |widths: &[usize]| widths.iter().map(|w| w + 2).sum::<usize>();
        let mut widths = if total(&wished) <= self.columns {
            wished
        } else {
            natural
        };
        let wanted = widths.remove(0);
        let room = self.columns.saturating_sub(2 + total(&widths));
        let first = wanted.min(room);
        if first < wanted.min(LEAST_NAME) {
            stacked(out, head, rows);
            return;
        }
        let mut line = |cells: &[&str]| {
            let mut name = cells[0];
            if width(name) > first {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "  {name}");
                name = "";
            }
            let mut text = format!("  {name:<first$}");
            for (cell, width) in cells[1..].iter().zip(&widths) {
                let _ = write!(text, "  {cell:>width$}");
            }
            let _ = writeln!(out, "{}", text.trim_end());
        };
        line(head);
        for row in rows {
            line(&row.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

fn stacked(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let label = head[1..].iter().map(|h| width(h)).max().unwrap_or(0);
    for row in rows {
        let _ = writeln!(out, "  {}", row[0]);
        for (name, cell) in head[1..].iter().zip(&row[1..]) {
            let _ = writeln!(out, "    {name:<label$}  {cell}");
        }
    }
}

/// The words of `text`; a number keeps the unit behind it.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let unit = matches!(
            word.trim_end_matches([',', '.', ';', ':']),
            "%" | "pp" | "bps" | "s"
        );
        match words.last_mut() {
            Some(last) if unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Columns `text` takes: its characters, but for colours.
fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour ends with its `m`.
            chars.by_ref().find(|c| *c == 'm');
        } else {
            columns += 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(columns: usize) -> Paper {
        Paper::new(Some(columns))
    }

    #[test]
    fn lines_break_between_words_and_hang_under_their_column() {
        let text = "  costs      5 bps fee and 5 bps slippage on each execution\n  short      x\n";
        assert_eq!(
            paper(40).wrapped(text),
            "  costs      5 bps fee and 5 bps\n             slippage on each execution\n  short      x\n"
        );
        // No number loses its unit.
        assert_eq!(
            paper(22).wrapped("loss of at most 25 % in a year\n"),
            "loss of at most 25 %\n  in a year\n"
        );
        // A label that leaves no room has its text below.
        assert_eq!(
            paper(30).wrapped("  a label that is long  and words for it\n"),
            "  a label that is long\n      and words for it\n"
        );
        assert_eq!(Paper::new(None).wrapped(text), text);
        assert_eq!(Paper::new(Some(0)).wrapped(text), text);
    }

    #[test]
    fn what_cannot_be_broken_is_left_whole() {
        let path = "/a/very/long/path/that/no/terminal/holds/report.html";
        let text = paper(30).wrapped(&format!("  report  {path}\n"));
        // Under its label, where it has the most room.
        assert_eq!(text, format!("  report\n      {path}\n"));
        let coloured = "\u{1b}[1;31merror[x]\u{1b}[0m: twenty\n";
        assert_eq!(paper(20).wrapped(coloured), coloured);
    }

    #[test]
    fn tables_shrink_to_their_numbers_and_no_further() {
        let rows = [
            vec![
                "short".to_owned(),
                "1,234.00".to_owned(),
                "5.00 %".to_owned(),
            ],
            vec![
                "a name of many words".to_owned(),
                "2.00".to_owned(),
                "–".to_owned(),
            ],
        ];
        let table = |columns: Option<usize>| {
            let mut out = String::new();
            Paper::new(columns).table(&mut out, &[24], &["name", "value", "share"], &rows);
            out
        };
        assert_eq!(
            table(None),
            "  name                         value   share\n  \
               short                     1,234.00  5.00 %\n  \
               a name of many words          2.00       –\n"
        );
        assert_eq!(
            table(Some(30)),
            "  name           value   share\n  \
               short       1,234.00  5.00 %\n  \
               a name of many words\n                  \
                               2.00       –\n"
        );
        assert_eq!(
            table(Some(24)),
            "  short\n    value  1,234.00\n    share  5.00 %\n  \
               a name of many words\n    value  2.00\n    share  –\n"
        );
    }
}
