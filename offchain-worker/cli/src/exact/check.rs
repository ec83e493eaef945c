//! `weft exact check`: an opened tile, computed again.

use std::path::PathBuf;

use serde_json::json;
use weft_engine::exact::Opening;

use crate::{failure::Failure, output};

/// Compute an opened tile again with the reference alone, and check every proof.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What `weft exact open --json` printed.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let unreadable =
            |error: &dyn std::fmt::Display| Failure::local(format!("{} is no opening", self.file.display()), error);
        let text = std::fs::read(&self.file).map_err(|error| unreadable(&error))?;
        let opening: Opening = serde_json::from_slice(&text).map_err(|error| unreadable(&error))?;
        let checked = opening
            .check()
            .map_err(|why| Failure::Refused(format!("the opening does not hold: {why}")))?;
        if self.json {
            return output::json(&json!({
                "holds": true,
                "step": checked.position,
                "layer": checked.address.layer,
                "op": checked.address.op.name(),
                "tile": checked.address.tile,
                "model_root": hex::encode(checked.model_root),
                "trace_root": hex::encode(checked.trace_root),
                "step_root": hex::encode(checked.step_root),
            }));
        }
        let at = checked.address;
        output::pairs([
            (
                "holds",
                format!(
                    "tile {} of {}, layer {}, step {}",
                    at.tile,
                    at.op.name(),
                    at.layer,
                    checked.position
                ),
            ),
            ("model root", hex::encode(checked.model_root)),
            ("trace root", hex::encode(checked.trace_root)),
            ("step root", hex::encode(checked.step_root)),
        ])
    }
}
