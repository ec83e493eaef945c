//! Publishing models and datasets.

use std::path::{Path, PathBuf};

use serde_json::json;
use weft_chain::{
    Client,
    market::{Listing, NewAsset},
};
use weft_primitives::{AssetId, AssetKind, Ppm, asset::Records, licence::Tariff, lineage::Base};

use super::{Shared, tariff};
use crate::{
    amount::{parse_percent, percent},
    blocks::Blocks,
    creator::publish::look_at,
    custody::{self, Committee},
    failure::Failure,
    holdings::Holder,
    models, output, records,
    sealing::{self, SealedFiles},
    store::place::BackendArgs,
};

/// See [`super::Command::Publish`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A model: a name of `weft models ls`, a GGUF file, or a directory with safetensors and tokenizer, with an image model,
    /// or with an exact model, whose tokenizer is published unsealed, so that jobs can commit to prompts.
    #[arg(long, required_unless_present = "dataset", conflicts_with = "dataset")]
    model: Option<String>,
    /// The files of a dataset, one record a line.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    dataset: Vec<PathBuf>,
    /// What a record looks like, such as a JSON Schema.
    #[arg(long, value_name = "FILE", required_unless_present = "model")]
    schema: Option<PathBuf>,
    /// Name shown to people.
    #[arg(long)]
    name: String,
    /// Publish a further version of this work of yours instead of a new one.
    #[arg(long, value_name = "WORK", conflicts_with_all = ["tags", "tariffs"])]
    version_of: Option<AssetId>,
    /// By which it is found: lower-case letters, digits and hyphens. Up to five times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A price of a licence: once:PRICE, use:PRICE or BLOCKS:PRICE in WEFT, or PRICE@TOKEN. Up to four times; without any, no
    /// licence is needed.
    #[arg(long = "tariff", value_name = "TARIFF", value_parser = tariff::parse_tariff)]
    tariffs: Vec<Tariff>,
    /// An asset it was made from, and that one's share of what it earns, such as 3:10%. Up to eight times.
    #[arg(long = "base", value_name = "ASSET:SHARE", value_parser = base)]
    bases: Vec<Base>,
    /// Your share of every job's price after the treasury's cut.
    #[arg(long, value_parser = parse_percent, default_value = "5%")]
    royalty: Ppm,
    /// Hand the key to custodians, so that it can be bought while you are away.
    #[arg(long)]
    entrust: bool,
    #[command(flatten)]
    committee: Committee,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    shared: Shared,
}

/// Reads an asset with a share. For clap.
fn base(text: &str) -> Result<Base, String> {
    let wrong = || format!("`{text}` is not a base: write ASSET:SHARE, such as 3:10%");
    let (asset, share) = text.split_once(':').ok_or_else(wrong)?;
    Ok(Base {
        asset: asset.parse().map_err(|_| wrong())?,
        share: parse_percent(share)?,
    })
}

/// What is to be published.
struct Subject {
    kind: AssetKind,
    files: Vec<(String, PathBuf)>,
    /// The names of those that are published unsealed as well.
    tokenizer: &'static [&'static str],
    exact_root: Option<[u8; 32]>,
    /// Root over the records and their number.
    records: Option<([u8; 32], u64)>,
}

impl Args {
    fn subject(&self) -> Result<Subject, Failure> {
        if let Some(model) = &self.model {
            // Before anything is sealed or paid: what cannot be loaded here cannot be run by providers either.
            let source = look_at(&models::resolve(model)?)?;
            return Ok(Subject {
                kind: source.kind,
                tokenizer: source.tokenizer(),
                files: source.files,
                exact_root: source.exact_root,
                records: None,
            });
        }
        let leaves = records::leaves(&self.dataset)?;
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return Err(Failure::Usage(
                "the dataset has no records: it has one record a line".into(),
            ));
        }
        Ok(Subject {
            kind: AssetKind::Dataset,
            files: named(&self.dataset)?,
            tokenizer: &[],
            exact_root: None,
            records: Some((weft_merkle::root(&leaves), count)),
        })
    }

    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let subject = self.subject()?;
        let (home, owner) = self.shared.identity.open()?;
        let client = self.shared.node.connect().await?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let records = match (subject.records, &self.schema) {
            (Some((root, count)), Some(schema)) => {
                let bytes = std::fs::read(schema)
                    .map_err(|error| Failure::local(format_args!("cannot read {}", schema.display()), error))?;
                let schema = blocks.put_for(Holder::Publishing, bytes).await?;
                Some(Records { root, count, schema })
            }
            _ => None,
        };
        let (files, tokenizer) = (&subject.files, subject.tokenizer);
        let sealed = sealing::seal_and_store(&home, &blocks, &self.name, subject.kind, files, tokenizer).await?;
        let asset = NewAsset {
            kind: subject.kind,
            name: self.name.clone(),
            manifest: sealed.manifest,
            content: sealed.content,
            size_bytes: sealed.size_bytes,
            key_commitment: sealed.key.commitment().0,
            royalty: self.royalty,
            exact_root: subject.exact_root,
            pieces_root: Some(sealed.pieces_root),
            records,
            bases: self.bases.clone(),
        };
        if self.entrust {
            // Before it is listed: `weft creator serve` may be at work.
            home.keep_for_licences_only(&sealed.content.to_string(), self.committee.not_to_providers)?;
        }
        let id = match self.version_of {
            Some(work) => client.market().release(&owner, work, asset).await?,
            None => {
                let listing = Listing {
                    tags: self.tags.clone(),
                    tariffs: self.tariffs.clone(),
                };
                client.market().publish(&owner, asset, listing).await?
            }
        };
        sealed
            .published(&blocks, id, records.map(|records| records.schema))
            .await?;
        if self.entrust {
            custody::entrust(&client, &owner, id, &sealed.key, self.committee).await?;
        }
        self.say(&client, id, &sealed, records).await
    }

    async fn say(
        &self,
        client: &Client,
        id: AssetId,
        sealed: &SealedFiles,
        records: Option<Records>,
    ) -> Result<(), Failure> {
        let work = self.version_of.unwrap_or(id);
        if self.shared.json {
            return output::json(&json!({
                "asset": id,
                "work": work,
                "name": self.name,
                "manifest": sealed.manifest,
                "content": sealed.content,
                "size_bytes": sealed.size_bytes,
                "royalty": self.royalty,
                "tags": self.tags,
                "tariffs": self.tariffs,
                "bases": self.bases,
                "records": records,
                "entrusted": client.custody().custody(id).await?.is_some(),
            }));
        }
        let tariffs: Vec<_> = self.tariffs.iter().map(tariff::price).collect();
        let mut lines = vec![
            ("asset", id.to_string()),
            ("work", work.to_string()),
            ("name", self.name.clone()),
            (
                "sealed file",
                format!("{} ({} bytes)", sealed.content, sealed.size_bytes),
            ),
            ("royalty", percent(self.royalty)),
        ];
        if !tariffs.is_empty() {
            lines.push(("licence", tariffs.join(", or ")));
        }
        if let Some(records) = records {
            lines.push((
                "records",
                format!("{} under {}", records.count, hex::encode(records.root)),
            ));
        }
        lines.push(if self.entrust {
            (
                "key",
                format!(
                    "with {} custodians, of whom {} release it",
                    self.committee.custodians, self.committee.threshold
                ),
            )
        } else {
            (
                "next",
                "serve it with `weft creator serve`, or hand the key to custodians with `weft market entrust`".into(),
            )
        });
        output::pairs(lines)
    }
}

/// Files with the names they get in the sealed file.
fn named(paths: &[PathBuf]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .ok_or_else(|| Failure::Usage(format!("{} is no file", path.display())))
    };
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for path in paths {
        let name = name(path)?;
        if files.iter().any(|(other, _)| *other == name) {
            return Err(Failure::Usage(format!("two files are called {name}: rename one")));
        }
        files.push((name, path.clone()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_read_or_refused() {
        assert_eq!(
            base("3:10%"),
            Ok(Base {
                asset: 3,
                share: 100_000
            })
        );
        for bad in ["", "3", "x:1%", "3:101%", ":1%"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_of_one_name_are_refused() {
        let paths = ["a/x", "b/x"].map(PathBuf::from);
        assert!(matches!(named(&paths), Err(Failure::Usage(_))));
        assert_eq!(named(&paths[..1]).unwrap()[0].0, "x");
    }
}
