//! Text of strangers, fit for a terminal.

/// The text with everything escaped that would not show as what it is: control characters, which can steer a terminal, and
/// those that change the direction or vanish, which can make a text look like another. Lines and tabs stay.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            letter if letter.is_control() || is_deceptive(letter) => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
    }
    shown
}

/// The same on one line.
pub fn printable_line(text: &str) -> String {
    printable(text).replace('\n', "\\n").replace('\t', "\\t")
}

fn is_deceptive(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_that_steers_a_terminal_is_left(text: String) {
            let shown = printable(&text);
            prop_assert!(shown.chars().all(|letter| matches!(letter, '\n' | '\t') || !letter.is_control()));
            let line = printable_line(&text);
            prop_assert!(!line.contains(char::is_control));
        }
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        assert_eq!(printable("größer\r\n\tals 日本"), "größer\n\tals 日本");
        assert_eq!(printable("\u{1b}[2J\rx\u{202e}y"), "\\u{1b}[2J\\u{d}x\\u{202e}y");
        assert_eq!(printable_line("a\nb"), "a\\nb");
    }
}
