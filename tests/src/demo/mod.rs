//! The story that `make demo` tells: from a fresh chain to an answer that is computed, committed, paid and receipted,
//! and to one that is finished although the device that had begun it was killed.

mod lie;
mod plot;
mod story;

use std::path::Path;

pub use plot::Wishes;
pub use story::Story;

use crate::error::HarnessError;

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A step did not come about.
    #[error(transparent)]
    Harness(#[from] HarnessError),
    /// A step came about otherwise than promised.
    #[error("not as promised: {0}")]
    Promise(String),
}

/// Plays the story on a network whose files are below `folder`.
pub fn play(folder: &Path, wishes: &Wishes) -> Result<(), Broken> {
    plot::play(folder, wishes, &mut Story::new())
}

/// Plays how a provider that lies is caught, on a network whose files are below `folder`.
pub fn play_dispute(folder: &Path) -> Result<(), Broken> {
    lie::play(folder, &mut Story::new())
}

/// Breaks the story unless `kept`.
fn promised(kept: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if kept {
        Ok(())
    } else {
        Err(Broken::Promise(otherwise()))
    }
}
