//! `weft store`: files by their content, in this home's directory or in an IPFS daemon.

mod archive;
mod files;
mod pins;
mod place;

use std::path::PathBuf;

use weft_store::{Cid, parse_cid};

use crate::failure::Failure;
use place::PlaceArgs;

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Keep a file and pin it. Prints its CID, the same that IPFS gives it. Repeated after a cut, it goes on.
    Add {
        /// The file; - for the standard input.
        path: PathBuf,
        /// Do not pin it: the next collection may take it.
        #[arg(long)]
        no_pin: bool,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write out a file, every block of it checked.
    Get {
        /// Its CID.
        #[arg(value_parser = cid)]
        cid: Cid,
        /// Where to; the standard output if not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long, requires = "out")]
        json: bool,
    },
    /// Keep what a CID leads to from being collected, or no longer.
    Pin {
        /// Which.
        #[arg(value_parser = cid)]
        cid: Cid,
        /// Take the pin away instead.
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List what is pinned, with sizes.
    Ls {
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a file's pin away and remove the blocks that nothing else needs.
    Rm {
        /// Which.
        #[arg(value_parser = cid)]
        cid: Cid,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write files as one archive (CAR, version 1), for IPFS or another store.
    Export {
        /// Their CIDs.
        #[arg(required = true, value_parser = cid)]
        cids: Vec<Cid>,
        /// The archive.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bring in the blocks of an archive (CAR, version 1), each of them checked, and pin its roots.
    Import {
        /// The archive.
        path: PathBuf,
        /// Do not pin the roots.
        #[arg(long)]
        no_pin: bool,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add {
                path,
                no_pin,
                place,
                json,
            } => files::add(&place.open()?, &path, !no_pin, json).await,
            Self::Get { cid, out, place, json } => files::get(&place.open()?, &cid, out.as_deref(), json).await,
            Self::Pin {
                cid,
                remove,
                place,
                json,
            } => pins::pin(&place.open()?, &cid, remove, json).await,
            Self::Ls { place, json } => pins::ls(&place.open()?, json).await,
            Self::Rm { cid, place, json } => pins::rm(&place.open()?, &cid, json).await,
            Self::Export { cids, out, place, json } => archive::export(&place.open()?, &cids, &out, json).await,
            Self::Import {
                path,
                no_pin,
                place,
                json,
            } => archive::import(&place.open()?, &path, !no_pin, json).await,
        }
    }
}

/// Reads a CID on the command line. For clap.
fn cid(text: &str) -> Result<Cid, String> {
    parse_cid(text).map_err(|error| error.to_string())
}
