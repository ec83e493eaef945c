//! `weft embed`: sentence embeddings with a local model.

use serde_json::json;

use crate::{engine::ComputeArgs, failure::Failure, models, output};

/// Embed text with a local model.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, or a directory with safetensors and tokenizer.
    #[arg(long)]
    model: String,
    /// The text.
    #[arg(long)]
    text: String,
    #[command(flatten)]
    compute: ComputeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let path = models::resolve(&self.model)?;
        let compute = self.compute.open()?;
        let model = compute.embedding_model(&path)?;
        let failed = |error: weft_engine::EngineError| Failure::Local(error.to_string());
        let embedding = model.embed(&[&self.text]).map_err(failed)?.pop().unwrap_or_default();
        if self.json {
            return output::json(&json!({ "embedding": embedding, "device": compute.name() }));
        }
        let numbers: Vec<_> = embedding.iter().map(|number| format!("{number:.6}")).collect();
        output::line(numbers.join(" "))
    }
}
