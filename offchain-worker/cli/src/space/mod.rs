//! `weft space`: apps that call models, packed, published, installed and run.

mod bundle;
mod host;
mod installed;
mod manifest;
mod models;
mod onchain;
mod run;
mod search;

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use weft_primitives::{ContentId, space::SpaceId};
use weft_store::parse_cid;

use bundle::{Bundle, MAX_BYTES};
use installed::{Installed, Shelf};
use manifest::SpaceManifest;

use crate::{
    blocks::{Blocks, to_content_id},
    failure::Failure,
    home::Home,
    node::{HomeArgs, NodeArgs},
    output,
    peers::Peers,
    progress::Progress,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Pack the folder of a Space into its bundle; the same folder gives the same bytes.
    Pack {
        /// The folder, with space.json.
        dir: PathBuf,
        /// Where to write the bundle; without it, only its CID is told.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    OnChain(onchain::Command),
    /// Install a Space, checked against its CID.
    Install(InstallArgs),
    Run(run::Args),
    /// List the installed Spaces.
    Ls {
        #[command(flatten)]
        home: HomeArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove an installed Space.
    Remove {
        /// Its title, number or CID.
        space: String,
        #[command(flatten)]
        home: HomeArgs,
    },
}

/// What to install, and from where.
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    /// A number on the chain, a bundle's CID, or a bundle's file or a Space's folder.
    space: String,
    /// Of a number: this release instead of the latest.
    #[arg(long, value_name = "NUMBER")]
    release: Option<u32>,
    /// Of a file: the CID that it must have.
    #[arg(long, value_name = "CID")]
    cid: Option<String>,
    /// URL of somebody who may have the bundle, besides its owner.
    #[arg(long, value_name = "URL")]
    from: Vec<String>,
    #[command(flatten)]
    home: HomeArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Pack { dir, out, json } => pack(&dir, out.as_deref(), json),
            Self::OnChain(command) => command.run().await,
            Self::Install(args) => args.run().await,
            Self::Run(args) => args.run().await,
            Self::Ls { home, json } => list(&home.open()?, json),
            Self::Remove { space, home } => {
                let shelf = Shelf::open(&home.open()?)?;
                let record = shelf.record(&space)?;
                shelf.remove(&record)?;
                output::line(format_args!("removed {} {}", record.title, record.version))
            }
        }
    }
}

fn pack(dir: &Path, out: Option<&Path>, json: bool) -> Result<(), Failure> {
    let bundle = Bundle::from_dir(dir)?;
    let (bytes, cid) = bundle.packed()?;
    if let Some(out) = out {
        fs::write(out, &bytes)
            .map_err(|error| Failure::local(format_args!("cannot write {}", out.display()), error))?;
    }
    let manifest = bundle.manifest();
    if json {
        let files: Vec<_> = bundle
            .files()
            .map(|(path, bytes)| json!({ "path": path, "bytes": bytes.len() }))
            .collect();
        return output::json(&json!({
            "title": manifest.title,
            "version": manifest.version,
            "cid": cid,
            "bytes": bytes.len(),
            "files": files,
            "out": out,
        }));
    }
    output::pairs([
        ("space", format!("{} {}", manifest.title, manifest.version)),
        ("bundle", cid.to_string()),
        (
            "size",
            format!("{} bytes, {} files", bytes.len(), bundle.files().count()),
        ),
        ("may", may(manifest)),
    ])
}

fn may(manifest: &SpaceManifest) -> String {
    let names: Vec<_> = manifest
        .capabilities
        .iter()
        .map(|capability| capability.name())
        .collect();
    match names.as_slice() {
        [] => "nothing but show its pages".to_owned(),
        names => names.join(", "),
    }
}

fn list(home: &Home, json: bool) -> Result<(), Failure> {
    let records = Shelf::open(home)?.records()?;
    if json {
        return output::json(&records);
    }
    let row = |record: installed::Record| {
        let space = record.listed.map_or("-".to_owned(), |listed| listed.space.to_string());
        vec![record.title, record.version, space, record.bundle.to_string()]
    };
    let rows = records.into_iter().map(row).collect();
    output::table(
        &["TITLE", "VERSION", "SPACE", "BUNDLE"],
        rows,
        "no Spaces: see `weft space find`",
    )
}

impl InstallArgs {
    async fn run(self) -> Result<(), Failure> {
        let home = self.home.open()?;
        let shelf = Shelf::open(&home)?;
        let installed = if let Ok(space) = self.space.parse::<SpaceId>() {
            self.from_chain(space, &home, &shelf).await?
        } else if let Ok(cid) = parse_cid(&self.space) {
            let peers = Peers::new(self.from.iter().cloned())?;
            let name = to_content_id(&cid)?;
            shelf.install(&fetch(&home, name, &peers).await?, name, None)?
        } else {
            self.from_disk(&shelf)?
        };
        self.report(&installed)
    }

    async fn from_chain(&self, space: SpaceId, home: &Home, shelf: &Shelf) -> Result<Installed, Failure> {
        let found = onchain::find_release(&self.node, home, space, self.release).await?;
        let peers = Peers::new(self.from.iter().cloned().chain(found.endpoint))?;
        let bytes = fetch(home, found.bundle, &peers).await?;
        let installed = shelf.install(&bytes, found.bundle, Some(found.listed))?;
        let manifest = bundle::name_of(installed.bundle.manifest_bytes())?;
        if manifest != found.manifest {
            shelf.remove(&installed.record)?;
            return Err(Failure::Refused(format!(
                "the bundle's space.json is not the one that the chain names ({}): its owner must release it again",
                found.manifest
            )));
        }
        Ok(installed)
    }

    fn from_disk(&self, shelf: &Shelf) -> Result<Installed, Failure> {
        let path = Path::new(&self.space);
        let bytes = if path.is_dir() {
            Bundle::from_dir(path)?.packed()?.0
        } else {
            let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
            let mut bytes = Vec::new();
            File::open(path)
                .map_err(failed)?
                .take(MAX_BYTES + 1)
                .read_to_end(&mut bytes)
                .map_err(failed)?;
            bytes
        };
        let name = match &self.cid {
            Some(cid) => {
                let cid = parse_cid(cid).map_err(|error| Failure::Usage(format!("--cid: {error}")))?;
                to_content_id(&cid)?
            }
            None => bundle::name_of(&bytes)?,
        };
        shelf.install(&bytes, name, None)
    }

    fn report(&self, installed: &Installed) -> Result<(), Failure> {
        let (record, manifest) = (&installed.record, installed.bundle.manifest());
        if self.json {
            return output::json(&as_json(installed));
        }
        output::pairs([
            ("installed", format!("{} {}", record.title, record.version)),
            ("bundle", record.bundle.to_string()),
            ("licence", manifest.licence.clone()),
            ("may", may(manifest)),
            ("next", format!("`weft space run {}`", record.bundle)),
        ])
    }
}

fn as_json(installed: &Installed) -> Value {
    let (record, manifest) = (&installed.record, installed.bundle.manifest());
    json!({
        "title": record.title,
        "version": record.version,
        "bundle": record.bundle,
        "space": record.listed.as_ref().map(|listed| listed.space),
        "release": record.listed.as_ref().map(|listed| listed.release),
        "licence": manifest.licence,
        "capabilities": manifest.capabilities,
        "dir": installed.dir,
    })
}

/// The bytes of a bundle, from the store of `home` or from peers. Each block is checked on the way.
async fn fetch(home: &Home, name: ContentId, peers: &Peers) -> Result<Vec<u8>, Failure> {
    let blocks = Blocks::open(home)?;
    let progress = Progress::bytes("fetching the bundle", None);
    match blocks.fetch(name, peers, MAX_BYTES, Some(&progress)).await {
        Ok(()) => progress.done("here"),
        Err(failure) => {
            progress.abandon();
            return Err(failure);
        }
    }
    let reader = blocks.reader(name)?;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let read = read
        .await
        .map_err(|panic| Failure::local("reading the bundle failed", panic))?;
    read.map_err(|error| Failure::local("cannot read the bundle", error))
}
