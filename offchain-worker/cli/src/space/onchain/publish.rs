//! Publishing a Space, and its releases.

use std::{fs, path::PathBuf};

use serde_json::json;
use weft_chain::spaces::{NewRelease, NewSpace};
use weft_primitives::{
    ContentId,
    space::{Called, SpaceId},
};

use super::{
    Shared,
    price::{Price, parse_price},
    words::called,
};
use crate::{
    blocks::Blocks,
    failure::Failure,
    home::Home,
    output,
    space::{bundle::Bundle, manifest::SpaceManifest},
    store::place::BackendArgs,
};

/// What to publish.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder, with space.json.
    dir: PathBuf,
    /// Release it as the next version of this Space of yours.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["price", "calls"])]
    space: Option<SpaceId>,
    /// What it costs, once: WEFT, or UNITS@TOKEN.
    #[arg(long, value_parser = parse_price, default_value = "0")]
    price: Price,
    /// An asset that it calls, and its share of the price. Assets that space.json names get no share unless given here.
    #[arg(long, value_name = "ASSET=PERCENT", value_parser = called)]
    calls: Vec<Called>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    shared: Shared,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let bundle = Bundle::from_dir(&self.dir)?;
        let calls = calls_of(bundle.manifest(), &self.calls)?;
        let (home, owner, client) = self.shared.open().await?;
        let blocks = Blocks::open_at(&home, &self.backend)?;
        let kept = keep(&home, &blocks, &bundle).await?;
        let manifest = bundle.manifest();
        let (space, release) = match self.space {
            Some(space) => {
                let release = NewRelease {
                    version: manifest.version.clone(),
                    manifest: kept.manifest,
                    bundle: kept.bundle,
                    bundle_bytes: kept.bytes,
                    notes: kept.notes,
                };
                (space, client.spaces().release(&owner, space, release).await?)
            }
            None => {
                let space = NewSpace {
                    title: manifest.title.clone(),
                    category: manifest.category,
                    version: manifest.version.clone(),
                    manifest: kept.manifest,
                    bundle: kept.bundle,
                    bundle_bytes: kept.bytes,
                    notes: kept.notes,
                    calls,
                    currency: self.price.currency,
                    price: self.price.amount,
                };
                (client.spaces().publish(&owner, space).await?, 0)
            }
        };
        if self.shared.json {
            return output::json(&json!({
                "space": space,
                "release": release,
                "title": manifest.title,
                "version": manifest.version,
                "owner": owner.account(),
                "manifest": kept.manifest,
                "bundle": kept.bundle,
                "bundle_bytes": kept.bytes,
                "notes": kept.notes,
            }));
        }
        output::pairs([
            ("space", space.to_string()),
            ("release", format!("{release} ({})", manifest.version)),
            ("bundle", format!("{} ({} bytes)", kept.bundle, kept.bytes)),
            ("next", "serve it with `weft creator serve`".to_owned()),
        ])
    }
}

/// Those given, and those of the manifest without a share.
fn calls_of(manifest: &SpaceManifest, given: &[Called]) -> Result<Vec<Called>, Failure> {
    let mut calls = given.to_vec();
    for asset in manifest.calls.iter().filter_map(|call| call.asset) {
        if !calls.iter().any(|called| called.asset == asset) {
            calls.push(Called { asset, share: 0 });
        }
    }
    check(&calls)?;
    Ok(calls)
}

/// Whether a Space can call these assets together.
pub fn check(calls: &[Called]) -> Result<(), Failure> {
    weft_primitives::space::check_calls(calls).map_err(|invalid| {
        Failure::Usage(format!(
            "these assets cannot be called together ({invalid:?}): name each once, with shares of at most 100% in all"
        ))
    })
}

/// A Space in the store of its owner.
struct Kept {
    manifest: ContentId,
    bundle: ContentId,
    bytes: u64,
    notes: Option<ContentId>,
}

async fn keep(home: &Home, blocks: &Blocks, bundle: &Bundle) -> Result<Kept, Failure> {
    let (bytes, name) = bundle.packed()?;
    let part = home.dir().join(format!("packing-{}.part", std::process::id()));
    fs::write(&part, &bytes).map_err(|error| Failure::local(format_args!("cannot write {}", part.display()), error))?;
    let stored = blocks.put_path(&part).await;
    // In the store by now, or of no use.
    let _ = fs::remove_file(&part);
    let (stored, bytes) = stored?;
    if stored != name {
        return Err(Failure::Local(format!(
            "the store names the bundle {stored} instead of {name}: check the disk"
        )));
    }
    let notes = &bundle.manifest().notes;
    let notes = match notes.is_empty() {
        true => None,
        false => Some(blocks.put(notes.clone().into_bytes()).await?),
    };
    Ok(Kept {
        manifest: blocks.put(bundle.manifest_bytes().to_vec()).await?,
        bundle: name,
        bytes,
        notes,
    })
}
