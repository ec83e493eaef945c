//! `weft asset`: published models and datasets.

use weft_chain::{AccountId, Client, market::Asset};
use weft_primitives::{AssetId, AssetKind};

use crate::{
    amount::percent,
    failure::Failure,
    node::{NodeArgs, account},
    output,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List assets in the order of publication.
    Ls {
        /// Only this creator's.
        #[arg(long, value_parser = account)]
        creator: Option<AccountId>,
        /// Position of the first one, from the `next` of an earlier page.
        #[arg(long, default_value_t = 0)]
        from: u64,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one asset.
    Show {
        /// Its number.
        asset: AssetId,
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ls {
                creator,
                from,
                node,
                json,
            } => {
                let client = node.connect().await?;
                let page = match creator {
                    Some(creator) => client.market().assets_by_creator(creator, from).await?,
                    None => client.market().assets(from).await?,
                };
                if json {
                    return output::json(&page);
                }
                let rows = page.items.iter().map(row).collect();
                output::table(&["ID", "NAME", "KIND", "ROYALTY", "SIZE", "CREATOR"], rows, "no assets")?;
                match page.next {
                    Some(next) => output::line(format_args!("more: --from {next}")),
                    None => Ok(()),
                }
            }
            Self::Show { asset, node, json } => {
                let asset = existing(&node.connect().await?, asset).await?;
                if json {
                    return output::json(&asset);
                }
                let exact_root = asset.exact_root.map(|root| ("exact root", hex::encode(root)));
                let lines = [
                    ("id", asset.id.to_string()),
                    ("name", name(&asset)),
                    ("kind", kind(asset.kind).to_owned()),
                    ("creator", asset.creator.to_string()),
                    ("royalty", percent(asset.royalty)),
                ];
                let more = [
                    ("manifest", asset.manifest.to_string()),
                    ("sealed file", format!("{} ({} bytes)", asset.content, asset.size_bytes)),
                    ("published", format!("in block {}", asset.published_at)),
                    ("status", if asset.listed { "listed" } else { "retired" }.to_owned()),
                    (
                        "served at",
                        endpoint(&asset).unwrap_or_else(|| "nowhere yet".to_owned()),
                    ),
                ];
                output::pairs(lines.into_iter().chain(exact_root).chain(more))
            }
        }
    }
}

/// The asset with this number.
pub async fn existing(client: &Client, asset: AssetId) -> Result<Asset, Failure> {
    let found = client.market().asset(asset).await?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no asset {asset}: see `weft asset ls`")))
}

/// Its name, as text.
pub fn name(asset: &Asset) -> String {
    String::from_utf8_lossy(&asset.name).into_owned()
}

/// Where its creator serves it, as text.
pub fn endpoint(asset: &Asset) -> Option<String> {
    asset
        .endpoint
        .as_deref()
        .map(|url| String::from_utf8_lossy(url).into_owned())
}

/// What it is, for people.
pub fn kind(kind: AssetKind) -> &'static str {
    match kind {
        AssetKind::TextModel => "text model",
        AssetKind::EmbeddingModel => "embedding model",
        AssetKind::Dataset => "dataset",
        AssetKind::ImageModel => "image model",
    }
}

fn row(asset: &Asset) -> Vec<String> {
    vec![
        asset.id.to_string(),
        if asset.listed {
            name(asset)
        } else {
            format!("{} (retired)", name(asset))
        },
        match asset.exact_root {
            Some(_) => format!("{}, exact", kind(asset.kind)),
            None => kind(asset.kind).to_owned(),
        },
        percent(asset.royalty),
        format!("{:.1} MB", asset.size_bytes as f64 / 1e6),
        asset.creator.to_string(),
    ]
}
