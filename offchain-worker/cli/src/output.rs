//! What goes to the standard output: aligned lines for people, one JSON value for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints one line.
pub fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints part of a line at once, for text that arrives bit by bit.
pub fn piece(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints a value as JSON on one line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::local("cannot write JSON", error))?;
    line(text)
}

/// Prints pairs of a label and a value, values aligned.
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Result<(), Failure> {
    let rows: Vec<_> = pairs
        .into_iter()
        .map(|(label, value)| vec![label.to_owned(), value])
        .collect();
    for row in aligned(&rows) {
        line(row)?;
    }
    Ok(())
}

/// Prints rows under a head, columns aligned; nothing but a remark if there are none.
pub fn table(head: &[&str], rows: Vec<Vec<String>>, none: &str) -> Result<(), Failure> {
    if rows.is_empty() {
        return line(none);
    }
    let head = head.iter().map(|title| (*title).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    for row in aligned(&rows) {
        line(row)?;
    }
    Ok(())
}

/// Rows as lines whose columns begin at the same place, two spaces apart.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let pad = |(cell, width): (&String, &usize)| format!("{cell:width$}");
    rows.iter()
        .map(|row| {
            row.iter()
                .zip(&widths)
                .map(pad)
                .collect::<Vec<_>>()
                .join("  ")
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_their_length() {
        let rows = [vec!["a", "long cell", "x"], vec!["größer", "b"], vec![]]
            .map(|row| row.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(aligned(&rows), ["a       long cell  x", "größer  b", ""]);
    }
}
