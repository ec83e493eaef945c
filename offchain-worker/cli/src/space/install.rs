//! Installing Spaces, checked against their CIDs.

use std::{fs::File, io::Read, path::Path};

use serde_json::{Value, json};
use weft_primitives::{ContentId, space::SpaceId};
use weft_store::parse_cid;

use super::{
    bundle::{self, Bundle, MAX_BYTES},
    installed::{Installed, Shelf},
    may, onchain,
};
use crate::{
    blocks::{Blocks, to_content_id},
    failure::Failure,
    home::Home,
    node::{IdentityArgs, NodeArgs},
    output,
    peers::Peers,
    progress::Progress,
    store::place::BackendArgs,
};

/// What to install, and from where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A number on the chain, a bundle's CID, or a bundle's file or a Space's folder.
    space: String,
    /// Of a number: this release instead of the latest.
    #[arg(long, value_name = "NUMBER", conflicts_with = "cid")]
    release: Option<u32>,
    /// Of a file: the CID that it must have.
    #[arg(long, value_name = "CID")]
    cid: Option<String>,
    /// URL of somebody who may have the bundle, besides its owner.
    #[arg(long, value_name = "URL")]
    from: Vec<String>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// From where a Space is installed.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// The chain says what it is.
    Listed(SpaceId),
    /// The bundle of this name, from whoever has it.
    Bundle(ContentId),
    /// A bundle's file or a folder of this machine.
    Local,
}

impl Source {
    fn named(text: &str) -> Result<Self, Failure> {
        if let Ok(space) = text.parse() {
            return Ok(Self::Listed(space));
        }
        match parse_cid(text) {
            Ok(cid) => Ok(Self::Bundle(to_content_id(&cid)?)),
            Err(_) => Ok(Self::Local),
        }
    }
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let from = Source::named(&self.space)?;
        self.check(&from)?;
        let home = self.identity.home.open()?;
        let shelf = Shelf::open(&home)?;
        let installed = match from {
            Source::Listed(space) => self.listed(space, &home, &shelf).await?,
            Source::Bundle(name) => {
                let peers = Peers::new(self.from.iter().cloned())?;
                shelf.install(&self.fetch(&home, name, &peers).await?, name, None)?
            }
            Source::Local => self.local(&shelf)?,
        };
        self.report(&installed)
    }

    /// What would be ignored is refused, lest somebody believe that it was heeded.
    fn check(&self, from: &Source) -> Result<(), Failure> {
        let refused = |option: &str, only: &str| {
            Err(Failure::Usage(format!(
                "the argument '{option}' cannot be used with '{}': it is for {only}",
                self.space
            )))
        };
        if self.release.is_some() && !matches!(from, Source::Listed(_)) {
            return refused("--release", "a number on the chain");
        }
        if self.cid.is_some() && !matches!(from, Source::Local) {
            return refused("--cid", "a file or folder");
        }
        if !self.from.is_empty() && matches!(from, Source::Local) {
            return refused("--from", "a number on the chain or a CID");
        }
        Ok(())
    }

    async fn listed(&self, space: SpaceId, home: &Home, shelf: &Shelf) -> Result<Installed, Failure> {
        let found = onchain::find_release(&self.node, self.identity.known(home)?, space, self.release).await?;
        let peers = Peers::new(self.from.iter().cloned().chain(found.endpoint))?;
        let bytes = self.fetch(home, found.bundle, &peers).await?;
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

    fn local(&self, shelf: &Shelf) -> Result<Installed, Failure> {
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

    /// The bytes of a bundle, from the store or from peers. Each block is checked on the way.
    async fn fetch(&self, home: &Home, name: ContentId, peers: &Peers) -> Result<Vec<u8>, Failure> {
        let blocks = Blocks::open_at(home, &self.backend)?;
        let progress = Progress::bytes("fetching the bundle", None);
        match blocks.fetch(name, peers, MAX_BYTES, Some(&progress)).await {
            Ok(()) => progress.done("here"),
            Err(failure) => {
                progress.abandon();
                return Err(failure);
            }
        }
        read(&blocks, name).await
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

/// The bytes of a bundle that is in the store.
async fn read(blocks: &Blocks, name: ContentId) -> Result<Vec<u8>, Failure> {
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
