//! Prompts of a batch, from a file.

use std::path::Path;

use crate::failure::Failure;

/// A prompt for each line that is not empty.
pub fn prompts(file: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::local(format!("cannot read the prompts in {}", file.display()), error))?;
    Ok(text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}
