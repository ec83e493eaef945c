//! `weft store pin --from`, `get --from`, `push` and `serve`: files between machines, over HTTP. Repeated after a cut, each
//! goes on where it was.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use weft_store::{
    Cid, ContentStoreExt, DagLimits,
    exchange::{Client, ClientConfig, FetchError, FetchProgress, Fetched, PeerFailure, PushError, Pushed, Url},
    unixfs::CHUNK_BYTES,
};

use super::place::{Place, failure};
use crate::{
    blocks::{Blocks, Wants, to_content_id},
    failure::Failure,
    output,
    progress::Progress,
    shutdown::Shutdown,
};

/// Time between two looks at whether a file that is taken is whole.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads a peer's address. For clap.
pub fn peer(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}: write it as http://HOST:PORT"))?;
    match url.scheme() == "http" && url.has_host() {
        true => Ok(url),
        false => Err("it is not an http:// address with a host: write it as http://HOST:PORT".into()),
    }
}

fn client() -> Result<Client, Failure> {
    Client::new(ClientConfig::default()).map_err(|error| Failure::Local(error.to_string()))
}

/// Brings what is missing of a file here.
pub async fn fetch(place: &Place, cid: &Cid, from: &[Url]) -> Result<Fetched, Failure> {
    let progress = Progress::bytes("fetching", None);
    let mut show = |state: &FetchProgress| progress.set(state.present_bytes, state.total_bytes);
    let client = client()?;
    let fetched = client.fetch_dag(&**place, cid, from, DagLimits::default(), &mut show);
    match fetched.await {
        Ok(fetched) => {
            progress.done(&format!("{} bytes came", fetched.bytes));
            Ok(fetched)
        }
        Err(error) => {
            progress.abandon();
            Err(match error {
                FetchError::NotFound { .. } => {
                    Failure::Network(format!("{error}. What came is kept: repeat the command"))
                }
                FetchError::Store(error) => failure(error),
                FetchError::Dag(error) => Failure::Local(error.to_string()),
            })
        }
    }
}

/// `weft store pin --from`.
pub async fn pin(blocks: &Blocks, cid: &Cid, from: &[Url], json: bool) -> Result<(), Failure> {
    let fetched = fetch(blocks.place(), cid, from).await?;
    blocks.pin_by_hand(cid).await?;
    if json {
        return output::json(&json!({
            "cid": cid.to_string(), "pinned": true, "missing_blocks": 0,
            "fetched_blocks": fetched.blocks, "fetched_bytes": fetched.bytes,
        }));
    }
    output::line(format_args!("{cid}: here and pinned, {} blocks came", fetched.blocks))
}

/// `weft store push`.
pub async fn push(place: &Place, cid: &Cid, to: &Url, json: bool) -> Result<(), Failure> {
    let total = place.shared().file_size(cid).await.map_err(failure)?;
    let progress = Progress::bytes("sending", Some(total));
    let mut show = |pushed: &Pushed| {
        // Of what was there only the number of blocks is known; all but the last are full.
        let present = pushed.present_blocks.saturating_mul(CHUNK_BYTES as u64);
        progress.set(pushed.bytes.saturating_add(present).min(total), None);
    };
    let pushed = match client()?.push_dag(&**place, cid, to, &mut show).await {
        Ok(pushed) => pushed,
        Err(error) => {
            progress.abandon();
            return Err(not_pushed(error));
        }
    };
    progress.done(&format!("{} bytes went", pushed.bytes));
    if json {
        return output::json(&json!({
            "cid": cid.to_string(), "to": to.as_str(), "blocks": pushed.blocks,
            "present_blocks": pushed.present_blocks, "sent_bytes": pushed.bytes,
        }));
    }
    output::line(format_args!(
        "{cid}: {to} has all {} blocks, {} of them had been there",
        pushed.blocks, pushed.present_blocks
    ))
}

fn not_pushed(error: PushError) -> Failure {
    let text = error.to_string();
    match error {
        PushError::Store(error) => failure(error),
        PushError::Peer { failure, cid, .. } => match failure {
            PeerFailure::NotWanted => Failure::Refused(format!(
                "{text}: on the other machine, run `weft store serve --take {cid}` with the CID of the file"
            )),
            PeerFailure::NoRoom => Failure::Refused(text),
            _ => Failure::Network(format!("{text}. What it has it keeps: repeat the command")),
        },
    }
}

/// `weft store serve`.
pub async fn serve(blocks: &Blocks, listen: SocketAddr, take: Vec<Cid>) -> Result<(), Failure> {
    let mut shutdown = Shutdown::listen()?;
    let wants = Wants::nothing();
    let mut awaited = take;
    let served = blocks.serve(listen, wants.clone()).await?;
    want(&wants, &awaited)?;
    tracing::info!(address = %served.address(), awaited = awaited.len(), "serving");
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = looks.tick(), if !awaited.is_empty() => {}
            () = shutdown.asked() => break,
        }
        for cid in awaited.clone() {
            let missing = blocks.place().shared().missing(&cid, DagLimits::default()).await;
            if !missing.map_err(failure)?.is_empty() {
                continue;
            }
            blocks.pin_by_hand(&cid).await?;
            awaited.retain(|other| *other != cid);
            want(&wants, &awaited)?;
            tracing::info!(%cid, "here as a whole, and pinned");
        }
    }
    tracing::info!("stopped");
    served.stop().await;
    Ok(())
}

fn want(wants: &Wants, files: &[Cid]) -> Result<(), Failure> {
    let roots: Result<Vec<_>, _> = files.iter().map(to_content_id).collect();
    wants.set_files(roots?);
    Ok(())
}
