//! `weft space`: apps that call models, packed, published, installed and run.

mod bundle;
mod host;
mod install;
mod installed;
mod manifest;
mod models;
mod onchain;
mod run;
mod search;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use bundle::Bundle;
use installed::Shelf;
use manifest::SpaceManifest;
pub use onchain::{grievance, named};

use crate::{failure::Failure, home::Home, node::HomeArgs, output};

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
    Install(install::Args),
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
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
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
            Self::Remove { space, home, json } => {
                let shelf = Shelf::open(&home.open()?)?;
                let record = shelf.record(&space)?;
                shelf.remove(&record)?;
                if json {
                    return output::json(&record);
                }
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
