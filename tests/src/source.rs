//! Just enough of Rust's lexical structure to look for a word in code that ships.

/// The source with comments, strings and characters blanked out and items under `#[cfg(test)]` removed. Line numbers
/// stay what they were.
pub fn shipped_code(source: &str) -> String {
    without_test_items(&without_literals(source))
}

/// Lines (1-based) of the shipped code that contain `what`.
pub fn lines_with(source: &str, what: &str) -> Vec<usize> {
    shipped_code(source)
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(what))
        .map(|(at, _)| at + 1)
        .collect()
}

/// Comments, and what is between quotes, become spaces; line breaks stay.
fn without_literals(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let after_word = at > 0 && is_word(chars[at - 1]);
        let length = match rest {
            ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => quoted(rest, '"'),
            ['r' | 'b' | 'c', ..] if !after_word => prefixed_string(rest).unwrap_or(0),
            ['\'', ..] => character(rest),
            _ => 0,
        };
        for c in &rest[..length.max(1)] {
            out.push(if length == 0 || *c == '\n' { *c } else { ' ' });
        }
        at += length.max(1);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of a block comment, which may hold others.
fn block_comment(text: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of what starts with `quote` and ends with it, escapes skipped.
fn quoted(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Length of a raw, byte or C string or a byte character with its prefix; `None` if it is only a name.
fn prefixed_string(text: &[char]) -> Option<usize> {
    let prefix = text.iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let raw = text[..prefix].contains(&'r');
    let rest = &text[prefix..];
    let hashes = if raw {
        rest.iter().take_while(|c| **c == '#').count()
    } else {
        0
    };
    match rest.get(hashes)? {
        '"' if raw => {
            let body = &rest[hashes + 1..];
            let end = (0..body.len())
                .find(|i| body[*i] == '"' && body[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes);
            Some(prefix + hashes + 1 + end.map_or(body.len(), |i| i + 1 + hashes))
        }
        '"' => Some(prefix + quoted(rest, '"')),
        '\'' if !raw => Some(prefix + quoted(rest, '\'')),
        _ => None,
    }
}

/// Length of a character literal; 0 for a lifetime.
fn character(text: &[char]) -> usize {
    match text {
        ['\'', '\\', ..] => quoted(text, '\''),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// Blanks the item after each `#[cfg(test)]`, up to its closing brace or semicolon.
fn without_test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let item = &rest[start..];
        let length = item_length(&item[MARK.len()..]) + MARK.len();
        out.extend(item[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = &item[length..];
    }
    out.push_str(rest);
    out
}

/// Bytes of the item at the start of `code`: to the brace that closes its first one, or to a semicolon before any.
fn item_length(code: &str) -> usize {
    // Brackets and parentheses count too: `[u8; 3]` in a signature ends nothing.
    let (mut braces, mut others) = (0usize, 0usize);
    for (at, c) in code.char_indices() {
        match c {
            '{' => braces += 1,
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return at + 1;
                }
            }
            ';' if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_seen() {
        assert_eq!(lines_with("fn f() {\n    g().unwrap()\n}\n", ".unwrap()"), [2]);
        assert_eq!(
            lines_with("fn f<'a>(x: &'a str) -> &'a str { x.get(0).unwrap() }", ".unwrap()"),
            [1]
        );
    }

    #[test]
    fn what_is_said_of_it_is_not() {
        for text in [
            "// x.unwrap()",
            "/* a /* b */ x.unwrap() */",
            "let s = \"x.unwrap()\";",
            "let s = \"\\\"x.unwrap()\";",
            "let s = r#\"a \" x.unwrap()\"#;",
            "let s = br\"x.unwrap()\";",
            "let s = b\"x.unwrap()\";",
            "let s = c\"x.unwrap()\";",
        ] {
            assert_eq!(lines_with(text, ".unwrap()"), [] as [usize; 0], "{text}");
        }
    }

    #[test]
    fn literals_end_where_they_end() {
        for text in [
            "let c = '\"'; x.unwrap(); // \"",
            "let c = '\\''; x.unwrap(); let d = '\\'';",
            "let c = b'\"'; x.unwrap(); let s = \"\";",
            "let s = r\"\\\"; x.unwrap(); let t = \"\";",
            "let s = r##\"\"#\"##; x.unwrap();",
            "let r = 1; let s = \"\\\\\"; x.unwrap();",
            "for_b\"\"; x.unwrap();",
            "impl<'r> A<'r> { fn f(&'r self) { x.unwrap() } }",
        ] {
            assert_eq!(lines_with(text, ".unwrap()"), [1], "{text}");
        }
    }

    #[test]
    fn test_items_are_left_out_and_what_follows_is_not() {
        let source = "\
#[cfg(test)]
mod tests {
    fn f() { if true { x.unwrap() } }
}
fn g() { x.unwrap() }
#[cfg(test)]
mod other;
fn h() { x.unwrap() }
#[cfg(test)]
const A: [u8; 3] = [x.unwrap(); 3];
fn i() { x.unwrap() }
#[cfg(test)]
fn j(a: [u8; 3]) -> u8 { x.unwrap() }
fn k() { x.unwrap() }
";
        assert_eq!(lines_with(source, ".unwrap()"), [5, 8, 11, 14]);
    }
}
