//! Cutting a text into passages that an embedding model can take in.

use serde::{Deserialize, Serialize};

/// A passage ends with the line that reaches so many bytes.
const ENOUGH: usize = 600;
/// Longer lines are cut.
const MAX_BYTES: usize = 1000;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Its first line, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// The passages of a text, at most `most`: whole paragraphs together as far as they are short, long ones in parts.
pub fn passages(text: &str, most: usize) -> Vec<Passage> {
    let mut found = Vec::new();
    let (mut current, mut first) = (String::new(), 1u32);
    for (line, number) in text.lines().zip(1u32..) {
        if found.len() >= most {
            break;
        }
        let is_blank = line.trim().is_empty();
        if is_blank && current.len() >= ENOUGH / 2 {
            push(&mut found, &mut current, first);
        }
        for part in parts(line) {
            if current.len() + part.len() + 1 > MAX_BYTES {
                push(&mut found, &mut current, first);
            }
            if current.is_empty() {
                if is_blank {
                    continue;
                }
                first = number;
            } else {
                current.push('\n');
            }
            current.push_str(part);
            if current.len() >= ENOUGH {
                push(&mut found, &mut current, first);
            }
        }
    }
    push(&mut found, &mut current, first);
    found.truncate(most);
    found
}

fn push(found: &mut Vec<Passage>, current: &mut String, line: u32) {
    let text = std::mem::take(current);
    if !text.trim().is_empty() {
        found.push(Passage {
            line,
            text: text.trim_end().to_owned(),
        });
    }
}

/// A line in parts of at most [`MAX_BYTES`], between characters.
fn parts(mut line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while line.len() > MAX_BYTES {
        let mut end = MAX_BYTES;
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let (part, rest) = line.split_at(end);
        parts.push(part);
        line = rest;
    }
    parts.push(line);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_but_blanks_is_lost(text in "([a-zäß模 .]{0,120}\n{0,3}){0,40}") {
            let all: String = passages(&text, usize::MAX).iter().flat_map(|passage| passage.text.chars()).filter(|c| !c.is_whitespace()).collect();
            let expected: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(all, expected);
        }

        #[test]
        fn passages_are_bounded_and_begin_where_they_say(text in "([a-z ]{0,2500}\n{0,3}){0,6}", most in 0usize..5) {
            let lines: Vec<_> = text.lines().collect();
            for passage in passages(&text, usize::MAX) {
                prop_assert!(passage.text.len() <= MAX_BYTES);
                prop_assert!(!passage.text.trim().is_empty());
                let begins = passage.text.lines().next().unwrap_or_default();
                prop_assert!(lines[passage.line as usize - 1].contains(begins.trim()));
            }
            prop_assert!(passages(&text, most).len() <= most);
        }
    }

    #[test]
    fn short_paragraphs_share_a_passage_and_long_ones_do_not() {
        assert_eq!(
            passages("a\n\nb\n", 9),
            [Passage {
                line: 1,
                text: "a\n\nb".into()
            }]
        );
        let long = format!("{}\n\n{}\n", "x".repeat(400), "y".repeat(400));
        let found = passages(&long, 9);
        assert_eq!(found.iter().map(|passage| passage.line).collect::<Vec<_>>(), [1, 3]);
        assert!(passages(" \n\n", 9).is_empty());
    }
}
