//! `weft classify`: what an image shows, with a local model.

use std::path::PathBuf;

use serde_json::json;

use crate::{engine::ComputeArgs, failure::Failure, image, models, output, request::Classified};

/// Classify an image with a local model.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a directory with `config.json` and `model.safetensors`, such as `spaces/digits/model`.
    #[arg(long)]
    model: String,
    /// The image in the model's size: a grey PGM file, or a JSON array of pixels from 0 (black) to 255 (white).
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    #[command(flatten)]
    compute: ComputeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let pixels = image::read(&self.image)?;
        let path = models::resolve_float(&self.model)?;
        let compute = self.compute.open()?;
        let model = compute.classifier(&path)?;
        let probabilities = model
            .classify(&[pixels])
            .map_err(|error| Failure::Local(error.to_string()))?;
        let classified = Classified {
            labels: model.config().labels.clone(),
            probabilities,
            tokens: 1,
            device: compute.name(),
        };
        let probabilities = classified.probabilities.first().map(Vec::as_slice).unwrap_or_default();
        if self.json {
            let best = classified.best().next();
            return output::json(&json!({
                "label": best.map(|(label, _)| label),
                "probability": best.map(|(_, probability)| probability),
                "labels": classified.labels,
                "probabilities": probabilities,
                "device": classified.device,
            }));
        }
        let mut rows: Vec<_> = classified.labels.iter().zip(probabilities).collect();
        rows.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let rows = rows
            .into_iter()
            .take(5)
            .map(|(label, probability)| vec![label.clone(), format!("{:.1} %", probability * 100.0)]);
        output::table(&["LABEL", "PROBABILITY"], rows.collect(), "no labels")
    }
}
