//! `weft exact convert`: an exact model of a float model.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;
use weft_engine::{
    ModelKind,
    exact::{self, ConvertOptions, Fitting, Format, Stage},
};

use super::failed;
use crate::{engine::ComputeArgs, failure::Failure, models, output, progress::Progress};

/// Make an exact model of a float model. The same file and options give the same model on every machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The float model: a name of `weft models ls`; a text model of the Llama family as a GGUF file; or an embedding model of
    /// the BERT family as a directory with config.json and model.safetensors.
    #[arg(long)]
    model: String,
    /// The exact model's directory.
    #[arg(long)]
    out: PathBuf,
    /// How weights are stored.
    #[arg(long, value_enum, default_value = "rows")]
    weights: Weights,
    /// What the rounding of a text model is fitted to: `written` (the default) for text that the model writes itself, `none`, or
    /// a file with text.
    #[arg(long, value_name = "written|none|FILE")]
    calibration: Option<String>,
    /// Start of a text model's random numbers; 0 without it.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    compute: ComputeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Weights {
    /// 8 bits, a scale for each row.
    Rows,
    /// 8 bits, a scale for each 64 of a row: finer, and a little slower.
    Groups,
    /// 4 bits, a scale for each 32 of a row: smaller, and coarser.
    FourBits,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let path = models::resolve_float(&self.model)?;
        let compute = self.compute.open()?;
        let given = [
            ("--calibration", self.calibration.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given)
            && matches!(ModelKind::detect(&path), Ok(ModelKind::Embedding(_)))
        {
            return Err(Failure::Usage(format!(
                "{option} is for text models: an embedding model is rounded to the nearest, leave it out"
            )));
        }
        let fitting = match self.calibration.as_deref().unwrap_or("written") {
            "written" => Fitting::Written,
            "none" => Fitting::None,
            file => Fitting::Given(
                std::fs::read_to_string(file)
                    .map_err(|error| Failure::local(format!("cannot read the calibration text {file}"), error))?,
            ),
        };
        let weights = match self.weights {
            Weights::Rows => Format::ROWS,
            Weights::Groups => Format::groups_of(64),
            Weights::FourBits => Format::FOUR_BITS,
        };
        let options = ConvertOptions {
            weights,
            fitting,
            seed: self.seed.unwrap_or(0),
        };
        let mut shown: Option<(Stage, Progress)> = None;
        let made = exact::convert(&path, &self.out, &options, compute.device(), &mut |now| {
            if shown.as_ref().is_none_or(|(stage, _)| *stage != now.stage) {
                if let Some((_, progress)) = shown.take() {
                    progress.abandon();
                }
                shown = Some((now.stage, Progress::steps(name(now.stage), now.total)));
            }
            if let Some((_, progress)) = &shown {
                progress.set(now.done as u64, Some(now.total as u64));
            }
        });
        if let Some((_, progress)) = shown.take() {
            progress.abandon();
        }
        let manifest = made.map_err(failed)?;
        if self.json {
            return output::json(&json!({
                "path": self.out,
                "model_root": hex::encode(manifest.model_root),
                "weight_root": hex::encode(manifest.weight_root),
                "origin": manifest.origin,
            }));
        }
        output::pairs([
            ("model", self.out.display().to_string()),
            ("root", hex::encode(manifest.model_root)),
            ("rounding", manifest.origin.rounding),
        ])
    }
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Folding => "folding",
        Stage::Writing => "writing a text to fit to",
        Stage::Rounding => "rounding",
    }
}
