//! `weft embed`: sentence embeddings with a local model.

use serde_json::json;

use weft_engine::exact::ExactEmbedding;

use crate::{
    engine::ComputeArgs,
    exact::{KernelArgs, failed},
    failure::Failure,
    models, output,
};

/// Embed text with a local model.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, or a directory with safetensors and tokenizer; with --exact, the directory of an
    /// exact model.
    #[arg(long)]
    model: String,
    /// The text.
    #[arg(long)]
    text: String,
    /// With an exact model: the same bits on every device, and a root that commits to them.
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    kernel: KernelArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        if self.exact {
            return self.run_exact();
        }
        self.kernel.none()?;
        let path = models::resolve_float(&self.model)?;
        let compute = self.compute.open()?;
        let model = compute.embedding_model(&path)?;
        let failed = |error: weft_engine::EngineError| Failure::Local(error.to_string());
        let embedding = model.embed(&[&self.text]).map_err(failed)?.pop().unwrap_or_default();
        if self.json {
            return output::json(&json!({ "embedding": embedding, "device": compute.name() }));
        }
        print(&embedding)
    }

    fn run_exact(self) -> Result<(), Failure> {
        let compute = self.compute.open()?;
        let kernel = self.kernel.choice(compute.device())?;
        let dir = models::resolve_exact(&self.model)?;
        let mut model = ExactEmbedding::load(&dir, compute.device(), kernel).map_err(failed)?;
        let mut made = model.embed(&[&self.text]).map_err(failed)?;
        let embedding = made.vectors.pop().unwrap_or_default();
        if self.json {
            return output::json(&json!({
                "embedding": embedding,
                "tokens": made.tokens,
                "device": model.device(),
                "trace_root": hex::encode(made.root),
                "model_root": hex::encode(model.root()),
            }));
        }
        print(&embedding)
    }
}

fn print(embedding: &[f32]) -> Result<(), Failure> {
    let numbers: Vec<_> = embedding.iter().map(|number| format!("{number:.6}")).collect();
    output::line(numbers.join(" "))
}
