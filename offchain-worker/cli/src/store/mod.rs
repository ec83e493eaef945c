//! `weft store`: files by their content, in this home's directory or in an IPFS daemon.

mod archive;
mod files;
mod pins;
pub mod place;
mod transfer;

use std::{net::SocketAddr, path::PathBuf};

use weft_store::{Cid, exchange::Url, parse_cid};

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
        /// Fetch what is missing from this machine first, such as http://192.0.2.7:7101; may be given several times.
        /// Repeated after a cut, it goes on.
        #[arg(long, value_name = "URL", value_parser = transfer::peer)]
        from: Vec<Url>,
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
        /// Fetch what is missing from this machine first, such as http://192.0.2.7:7101; may be given several times.
        /// Repeated after a cut, it goes on.
        #[arg(long, value_name = "URL", value_parser = transfer::peer)]
        from: Vec<Url>,
        /// Take the pin away instead.
        #[arg(long, conflicts_with = "from")]
        remove: bool,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List what is pinned, with sizes and what it is kept for.
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
    /// Remove the blocks that no pin leads to, such as those of files that never became whole.
    Gc {
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send a file to a machine that takes it (`weft store serve --take`). Repeated after a cut, it goes on.
    Push {
        /// Its CID.
        #[arg(value_parser = cid)]
        cid: Cid,
        /// Where to, such as http://192.0.2.7:7401.
        #[arg(long, value_name = "URL", value_parser = transfer::peer)]
        to: Url,
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Serve all blocks to whoever knows their CIDs, and take the files that are named. Runs until interrupted.
    Serve {
        /// Address to serve blocks at.
        #[arg(long, env = "WEFT_LISTEN", default_value = "127.0.0.1:7401", value_name = "ADDRESS")]
        listen: SocketAddr,
        /// Take this file from whoever pushes it, and pin it; may be given several times.
        #[arg(long, value_name = "CID", value_parser = cid)]
        take: Vec<Cid>,
        #[command(flatten)]
        place: PlaceArgs,
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
            } => files::add(&place.open_blocks()?, &path, !no_pin, json).await,
            Self::Get {
                cid,
                from,
                out,
                place,
                json,
            } => {
                let place = place.open()?;
                if !from.is_empty() {
                    transfer::fetch(&place, &cid, &from).await?;
                }
                files::get(&place, &cid, out.as_deref(), json).await
            }
            Self::Pin {
                cid,
                from,
                remove,
                place,
                json,
            } => match from.as_slice() {
                [] => pins::pin(&place.open_blocks()?, &cid, remove, json).await,
                from => transfer::pin(&place.open_blocks()?, &cid, from, json).await,
            },
            Self::Ls { place, json } => pins::ls(&place.open_blocks()?, json).await,
            Self::Gc { place, json } => pins::gc(&place.open()?, json).await,
            Self::Push { cid, to, place, json } => transfer::push(&place.open()?, &cid, &to, json).await,
            Self::Serve { listen, take, place } => transfer::serve(&place.open_blocks()?, listen, take).await,
            Self::Rm { cid, place, json } => pins::rm(&place.open_blocks()?, &cid, json).await,
            Self::Export { cids, out, place, json } => archive::export(&place.open()?, &cids, &out, json).await,
            Self::Import {
                path,
                no_pin,
                place,
                json,
            } => archive::import(&place.open_blocks()?, &path, !no_pin, json).await,
        }
    }
}

/// Reads a CID on the command line. For clap.
fn cid(text: &str) -> Result<Cid, String> {
    parse_cid(text).map_err(|error| error.to_string())
}
