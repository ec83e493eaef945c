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

/// What an opening that holds has shown.
const VERIFIED: [&str; 4] = [
    "the tile's output is what the reference computes from what it read",
    "weights that it read are the model root's; tokens, keys and values are the trace root's",
    "what it read of its step, and its output, are the step root's, which is of this step of this trace alone",
    "what the trace has of the output (kept keys or values, the next token, the result) is the same",
];

/// What it has not.
const NOT_VERIFIED: [&str; 3] = [
    "the step's other tiles: each has an opening of its own",
    "that a device committed to this trace root for a job, or revealed this step root: compare them with what it said",
    "that the model root is the one of the model you mean: compare them",
];

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
                "verified": VERIFIED,
                "not_verified": NOT_VERIFIED,
            }));
        }
        let at = checked.address;
        let facts = [
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
        ];
        let verified = VERIFIED.map(|what| ("verified", what.to_owned()));
        let not_verified = NOT_VERIFIED.map(|what| ("not verified", what.to_owned()));
        output::pairs(facts.into_iter().chain(verified).chain(not_verified))
    }
}
