//! Rust text without its comments and literals, so that a rule about code reads only code.

/// `text` with every comment and every string or character literal replaced by spaces.
///
/// Lines keep their number and code keeps its column. Handles nested block comments, raw strings,
/// escapes and lifetimes; it is a scanner, no parser, so it never refuses.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = skip_from(&chars, i);
        if end == i {
            out.push(chars[i]);
            i += 1;
        } else {
            out.extend(
                chars[i..end]
                    .iter()
                    .map(|&c| if c == '\n' { '\n' } else { ' ' }),
            );
            i = end;
        }
    }
    out
}

/// Where the comment or literal that starts at `i` ends; `i` itself when none starts there.
fn skip_from(chars: &[char], i: usize) -> usize {
    let at = |k: usize| chars.get(k).copied().unwrap_or('\0');
    match (at(i), at(i + 1)) {
        ('/', '/') => (i..chars.len())
            .find(|&k| chars[k] == '\n')
            .unwrap_or(chars.len()),
        ('/', '*') => block_comment_end(chars, i),
        ('"', _) => string_end(chars, i),
        ('r', '"' | '#') if i == 0 || !is_word_before_raw(chars, i) => raw_string_end(chars, i),
        ('\'', '\\') => (i + 3..chars.len())
            .find(|&k| chars[k] == '\'')
            .map_or(chars.len(), |k| k + 1),
        ('\'', _) if at(i + 2) == '\'' => i + 3,
        _ => i,
    }
}

/// Is the `r` at `i` the end of a name, and not a raw string's prefix (`r"`, `br"`, `cr"`)?
fn is_word_before_raw(chars: &[char], i: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let before = chars[i - 1];
    if matches!(before, 'b' | 'c') {
        return i >= 2 && word(chars[i - 2]);
    }
    word(before)
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = start;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => {
                depth += 1;
                i += 2;
            }
            ('*', '/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// The end of `r"…"` or `r#"…"#`; `start` for a raw identifier such as `r#type`.
fn raw_string_end(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    (open + 1..chars.len())
        .find(|&k| {
            chars[k] == '"'
                && chars[k + 1..]
                    .iter()
                    .take(hashes)
                    .filter(|&&c| c == '#')
                    .count()
                    == hashes
        })
        .map_or(chars.len(), |k| k + 1 + hashes)
}

/// How many lines stand before the first inline `#[cfg(test)]` module; all of them without one.
///
/// `code` is the output of [`code_only`]: an attribute inside a string must not count.
pub fn production_lines(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        if line.trim() != "#[cfg(test)]" {
            continue;
        }
        let item = lines[i + 1..]
            .iter()
            .map(|l| l.trim())
            .find(|l| !l.is_empty() && !l.starts_with("#["));
        let inline_module = item.is_some_and(|item| {
            let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
            item.starts_with("mod ") && item.ends_with('{')
        });
        if inline_module {
            return i;
        }
    }
    lines.len()
}

/// The line numbers (from 1) on which `word` stands in `code` as a whole word.
///
/// A word may hold any characters; only at its outer ends must no name go on.
pub fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    code.lines()
        .enumerate()
        .filter(|(_, line)| has_word(line, word))
        .map(|(i, _)| i + 1)
        .collect()
}

/// Does `word` stand in `line` as a whole word?
pub fn has_word(line: &str, word: &str) -> bool {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, found)| {
        let before = line[..at].chars().next_back();
        let after = line[at + found.len()..].chars().next();
        let open = !word.starts_with(name) || !before.is_some_and(name);
        let close = !word.ends_with(name) || !after.is_some_and(name);
        open && close
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x\"y", 1)"#, "f(      , 1)"),
            (r##"g(r#"a"b"#, br"c")"##, "g(        , b    )"),
            ("r#type::x", "r#type::x"),
            (
                "&'a str, 'x', '\\'', '\\u{41}'",
                "&'a str,    ,     ,         ",
            ),
            ("bar\"x\"", "bar   "),
            ("\"one\ntwo\" z", "    \n     z"),
        ] {
            assert_eq!(code_only(text), code, "{text}");
        }
    }

    #[test]
    fn production_ends_where_the_inline_test_module_starts() {
        for (code, lines) in [
            ("a\nb\n", 2),
            ("a\n#[cfg(test)]\nmod tests {\n}\n", 1),
            ("a\n#[cfg(test)]\n#[path]\nmod tests {\n}\n", 1),
            ("#[cfg(test)]\nmod tests;\na\n", 3),
            ("#[cfg(test)]\nuse x;\na\n", 3),
        ] {
            assert_eq!(production_lines(code), lines, "{code}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("x = Utc::now();", "Utc::now"));
        assert!(!has_word("x = MyUtc::now();", "Utc::now"));
        assert!(!has_word("x = Utc::nowhere();", "Utc::now"));
        assert!(has_word("rand::rng()", "rand::rng"));
        assert_eq!(lines_with_word("a\nb a\nab", "a"), [1, 2]);
    }
}
