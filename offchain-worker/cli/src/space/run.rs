//! `weft space run`.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::json;
use weft_primitives::{AssetId, AssetKind};

use super::{
    bundle::Bundle,
    host::{self, Host},
    installed::Shelf,
    manifest::{self, Capability, parse_kind},
    models::{Hired, Local, Models},
    search::Searcher,
};
use crate::{
    amount::{Weft, parse_weft},
    engine::ComputeArgs,
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    output,
    progress::Progress,
    shutdown::Shutdown,
};

/// Run a Space in the browser, with models of this machine or by paid jobs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An installed Space by title, number or CID, or the folder of one.
    space: String,
    /// Where to listen, on loopback.
    #[arg(long, default_value_t = host::ANY_PORT)]
    listen: SocketAddr,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// A local model instead of the one that the Space names: text, embedding or image, and where it is.
    #[arg(long, value_name = "KIND=PATH", value_parser = model_dir)]
    model_dir: Vec<(AssetKind, PathBuf)>,
    /// The folder that the Space may search.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Have providers run the models, by paid jobs on the chain.
    #[arg(long, requires = "max_price", conflicts_with = "model_dir")]
    by_jobs: bool,
    /// With --by-jobs: the asset that is hired for a kind of model, instead of the one that the Space names.
    #[arg(long, value_name = "KIND=NUMBER", value_parser = asset, requires = "by_jobs")]
    asset: Vec<(AssetKind, AssetId)>,
    /// With --by-jobs: most to pay for one request, in WEFT.
    #[arg(long, value_parser = parse_weft, requires = "by_jobs")]
    max_price: Option<Weft>,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print the address as JSON.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(AssetKind, &str), String> {
    let (kind, value) = text.split_once('=').ok_or("write it as KIND=VALUE, such as text=3")?;
    Ok((parse_kind(kind)?, value))
}

fn model_dir(text: &str) -> Result<(AssetKind, PathBuf), String> {
    pair(text).map(|(kind, path)| (kind, path.into()))
}

fn asset(text: &str) -> Result<(AssetKind, AssetId), String> {
    let (kind, number) = pair(text)?;
    let number = number
        .parse()
        .map_err(|_| format!("`{number}` is no number of an asset"))?;
    Ok((kind, number))
}

/// What is to be run, and which assets the chain says that it calls.
struct Chosen {
    bundle: Bundle,
    on_chain: BTreeMap<AssetKind, AssetId>,
}

fn choose(space: &str, shelf: &Shelf) -> Result<Chosen, Failure> {
    let dir = Path::new(space);
    if dir.join(manifest::FILE).is_file() {
        return Ok(Chosen {
            bundle: Bundle::from_dir(dir)?,
            on_chain: BTreeMap::new(),
        });
    }
    let installed = shelf.find(space)?;
    Ok(Chosen {
        bundle: installed.bundle,
        on_chain: installed.record.listed.map(|listed| listed.assets).unwrap_or_default(),
    })
}

impl Args {
    /// Runs the command until it is interrupted.
    pub async fn run(self) -> Result<(), Failure> {
        let mut shutdown = Shutdown::listen()?;
        let home = self.identity.home.open()?;
        let shelf = Shelf::open(&home)?;
        let Chosen { bundle, on_chain } = choose(&self.space, &shelf)?;
        let models = Arc::new(self.models(&bundle, &on_chain).await?);
        let searcher = self.searcher(&bundle, &shelf, &models)?;
        if let Some(searcher) = &searcher {
            tokio::spawn(searcher.clone().build());
        }
        let title = bundle.manifest().title.clone();
        let host = Host::bind(self.listen, bundle, models, searcher).await?;
        if self.json {
            output::json(&json!({ "title": title, "url": host.url() }))?;
        } else {
            output::line(format_args!("{title} runs at {} until you interrupt it", host.url()))?;
        }
        if !self.no_open {
            open(host.url());
        }
        host.serve(shutdown.asked()).await
    }

    async fn models(&self, bundle: &Bundle, on_chain: &BTreeMap<AssetKind, AssetId>) -> Result<Models, Failure> {
        let Some(max_price) = self.max_price else {
            let compute = self.compute.open()?;
            let instead = self.model_dir.iter().cloned().collect();
            let progress = Progress::spinner("loading models");
            let loaded = Local::load(bundle, &instead, &compute);
            match &loaded {
                Ok(_) => progress.done("loaded"),
                Err(_) => progress.abandon(),
            }
            return loaded.map(|local| Models::Local(Box::new(local)));
        };
        let assets = Hired::assets(bundle.manifest(), &self.asset.iter().copied().collect(), on_chain)?;
        let (home, user): (Home, _) = self.identity.open()?;
        Ok(Models::Hired(Box::new(Hired {
            client: self.node.connect_persistently().await?,
            user,
            keys: home.user_keys()?,
            assets,
            max_price: max_price.0,
        })))
    }

    fn searcher(&self, bundle: &Bundle, shelf: &Shelf, models: &Arc<Models>) -> Result<Option<Arc<Searcher>>, Failure> {
        let manifest = bundle.manifest();
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        if !manifest.may(Capability::Search) {
            return Err(Failure::Usage(format!(
                "{} does not search folders: leave --folder out",
                manifest.title
            )));
        }
        let folder = folder
            .canonicalize()
            .map_err(|error| Failure::local(format_args!("cannot read {}", folder.display()), error))?;
        if !folder.is_dir() {
            return Err(Failure::Usage(format!("{} is no folder", folder.display())));
        }
        let searcher = Searcher::new(folder, &shelf.indexes(), manifest.limits(), models.clone());
        Ok(Some(Arc::new(searcher)))
    }
}

/// Opens the address in the user's browser. Without one, the address is on the terminal.
fn open(url: &str) {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    let started = command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        tracing::debug!(%error, "no browser was opened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_others_refused() {
        assert_eq!(model_dir("text=a=b"), Ok((AssetKind::TextModel, "a=b".into())));
        assert_eq!(asset("image=7"), Ok((AssetKind::ImageModel, 7)));
        for bad in ["7", "audio=7", "image=x", "image=-1"] {
            assert!(asset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_examples_are_spaces() {
        let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces"));
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(&Home::open(Some(dir.path().to_owned())).unwrap()).unwrap();
        for (name, capability) in [
            ("chat", Capability::Chat),
            ("search", Capability::Search),
            ("digits", Capability::Classify),
        ] {
            let example = examples.join(name);
            let bundle = choose(&example.to_string_lossy(), &shelf).unwrap().bundle;
            assert!(bundle.manifest().may(capability), "{name}");
            let (bytes, cid) = bundle.packed().unwrap();
            shelf.install(&bytes, cid, None).unwrap();
            assert_eq!(shelf.find(&bundle.manifest().title).unwrap().bundle, bundle);
        }
        assert_eq!(shelf.records().unwrap().len(), 3);
    }
}
