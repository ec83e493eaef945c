//! Sealing and publishing a model.

use std::path::Path;

use serde_json::json;
use weft_chain::market::{Listing, NewAsset};
use weft_primitives::Ppm;

use crate::{
    amount::{parse_percent, percent},
    blocks::Blocks,
    engine::{self, Source},
    failure::Failure,
    models,
    node::{IdentityArgs, NodeArgs},
    output,
    progress::Progress,
    sealing,
    store::place::BackendArgs,
};

/// Seal a model and publish it, free to use but for its royalty. `weft market publish` asks for more.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, a GGUF file, or a directory with safetensors and tokenizer, with an image
    /// model, or with an exact model. An exact model's tokenizer is published unsealed, so that jobs can commit to prompts.
    #[arg(long)]
    model: String,
    /// Name shown to people.
    #[arg(long)]
    name: String,
    /// Your share of every job's price after the treasury's cut.
    #[arg(long, value_parser = parse_percent, default_value = "5%")]
    royalty: Ppm,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let path = models::resolve(&self.model)?;
        // Before anything is sealed or paid: what cannot be loaded here cannot be run by providers either.
        let source = look_at(&path)?;
        let (home, creator) = self.identity.open()?;
        let client = self.node.connect().await?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let tokenizer = source.tokenizer();
        let sealed = sealing::seal_and_store(&home, &blocks, &self.name, source.kind, &source.files, tokenizer).await?;
        let (manifest, content, size_bytes) = (sealed.manifest, sealed.content, sealed.size_bytes);
        let asset = NewAsset {
            kind: source.kind,
            name: self.name.clone(),
            manifest,
            content,
            size_bytes,
            key_commitment: sealed.key.commitment().0,
            royalty: self.royalty,
            exact_root: source.exact_root,
            pieces_root: Some(sealed.pieces_root),
            records: None,
            bases: Vec::new(),
        };
        let id = client.market().publish(&creator, asset, Listing::default()).await?;
        sealed.published(&blocks, id, None).await?;
        if self.json {
            return output::json(&json!({
                "asset": id,
                "name": self.name,
                "creator": creator.account(),
                "manifest": manifest,
                "content": content,
                "size_bytes": size_bytes,
                "royalty": self.royalty,
                "exact_root": source.exact_root.map(|root| format!("0x{}", hex::encode(root))),
            }));
        }
        let exact_root = source.exact_root.map(|root| ("exact root", hex::encode(root)));
        let lines = [
            ("asset", id.to_string()),
            ("name", self.name),
            ("manifest", manifest.to_string()),
            ("sealed file", format!("{content} ({size_bytes} bytes)")),
            ("royalty", percent(self.royalty)),
        ];
        let next = ("next", "serve it to providers with `weft creator serve`".to_owned());
        output::pairs(lines.into_iter().chain(exact_root).chain([next]))
    }
}

/// Loads a model once, so that what does not run here is not published.
pub fn look_at(path: &Path) -> Result<Source, Failure> {
    let progress = Progress::spinner("checking that the model runs");
    match engine::check(path) {
        Ok(source) => {
            progress.done("it does");
            Ok(source)
        }
        Err(failure) => {
            progress.abandon();
            Err(failure)
        }
    }
}
