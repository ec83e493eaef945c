//! How the demo is told: numbered steps with the time each took, facts in aligned lines.

use std::{
    io::{self, Write},
    time::Instant,
};

/// Columns of a fact's label.
const LABEL: usize = 12;
/// Columns of text; longer is wrapped.
const WIDTH: usize = 100;

/// See the module.
pub struct Story {
    began: Instant,
    step: Option<(u32, Instant)>,
}

impl Story {
    /// Begins now.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            step: None,
        }
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &str) {
        self.end_step();
        let number = self.step.map_or(1, |(number, _)| number + 1);
        self.step = Some((number, Instant::now()));
        say(&format!("\n{number}. {title}"));
    }

    /// A fact of the present step.
    pub fn fact(&self, label: &str, value: impl std::fmt::Display) {
        let value = value.to_string();
        for (at, line) in wrapped(&value, WIDTH - LABEL - 5).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            say(&format!("   {label:LABEL$}  {line}"));
        }
    }

    /// Ends the story.
    pub fn end(&mut self, moral: &str) {
        self.end_step();
        say(&format!("\n{moral} ({:.0} s)", self.began.elapsed().as_secs_f64()));
    }

    fn end_step(&self) {
        if let Some((_, since)) = self.step {
            self.fact("took", format_args!("{:.1} s", since.elapsed().as_secs_f64()));
        }
    }
}

fn say(line: &str) {
    // Somebody who closes the output does not want to read on; the exit code still tells.
    let _ = writeln!(io::stdout().lock(), "{}", line.trim_end());
}

/// Text in lines of at most `width` characters, broken between words where that can be.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim().lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let (have, more) = (line.chars().count(), word.chars().count());
            if have > 0 && have + 1 + more > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_kept_otherwise() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one\ntwo", 7), ["one", "two"]);
        assert_eq!(wrapped("wordthatislong x", 5), ["wordthatislong", "x"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
