//! The nearest known name to a misspelt one, by edit distance.

/// The candidate closest to `word`, when it is close enough to be meant.
///
/// Distance is Damerau–Levenshtein in its optimal-string-alignment form: insert, delete, replace
/// a character, or swap two neighbours, each costs one. Close enough is at most a third of the
/// word's length and at least one. The first of equally close candidates wins.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // Lengths that differ by more are further apart: a word of a megabyte is near to nothing,
        // and its table of distances would not fit into memory.
        if candidate.chars().count().abs_diff(length) > limit {
            continue;
        }
        let d = distance(&word.to_lowercase(), &candidate.to_lowercase());
        if d <= limit && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, candidate));
        }
    }
    best.map(|(_, name)| name)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of a megabyte once took half a minute.
    #[test]
    fn an_endless_word_is_near_to_nothing() {
        let word = "x".repeat(1 << 20);
        assert_eq!(nearest(&word, ["fee_bps", "slippage_bps"]), None);
        assert_eq!(nearest("fee_bp", ["fee_bps"]), Some("fee_bps"));
    }

    #[test]
    fn distances_count_edits() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("max_positon_weight", "max_position_weight", 1),
            ("naem", "name", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_what_can_be_meant_is_offered() {
        let known = ["breakout", "momentum", "sma_cross", "equal_weight"];
        for (word, expected) in [
            ("brakout", Some("breakout")),
            ("Momentum", Some("momentum")),
            ("sma-cross", Some("sma_cross")),
            ("mean_reversion", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
