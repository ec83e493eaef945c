//! Samples of datasets, with proofs.

use std::path::PathBuf;

use serde_json::json;
use weft_primitives::AssetId;

use crate::{
    asset,
    failure::Failure,
    node::NodeArgs,
    output,
    records::{self, Sample},
};

/// See [`super::Command::Sample`].
#[derive(Debug, clap::Args)]
pub struct SampleArgs {
    /// The dataset's files, in the order in which they were published.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    dataset: Vec<PathBuf>,
    /// Which record, from 0.
    #[arg(long)]
    index: u64,
}

impl SampleArgs {
    /// Runs the command. A sample is JSON: it goes to a program or a file.
    pub fn run(self) -> Result<(), Failure> {
        match records::sample(&self.dataset, self.index)? {
            Some(sample) => output::json(&sample),
            None => Err(Failure::NotFound(format!("the dataset has no record {}", self.index))),
        }
    }
}

/// See [`super::Command::CheckSample`].
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The sample.
    file: PathBuf,
    /// The dataset that it is said to be from.
    #[arg(long)]
    asset: AssetId,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| Failure::local(format_args!("cannot read {}", self.file.display()), error))?;
        let sample: Sample = serde_json::from_str(&text)
            .map_err(|error| Failure::local(format_args!("{} is no sample", self.file.display()), error))?;
        let client = self.node.connect().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let records = asset
            .records
            .ok_or_else(|| Failure::Refused(format!("asset {} commits to no records", asset.id)))?;
        sample
            .check(&records.root, records.count)
            .map_err(|unsound| Failure::Refused(unsound.to_string()))?;
        if self.json {
            return output::json(&json!({ "asset": asset.id, "index": sample.index, "sound": true }));
        }
        output::line(format_args!(
            "record {} is one of the {} records of asset {}",
            sample.index, records.count, asset.id
        ))
    }
}
