//! Public texts: reviews, what attesters checked, what reports show, schemas. The chain has their content ids; the texts
//! themselves are one block each, served by whoever wrote them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use weft_chain::{
    AccountId, Client,
    market::{Asset, Scrutiny},
};
use weft_primitives::{AssetId, ContentId};

use crate::{
    asset,
    blocks::Blocks,
    failure::Failure,
    home::Home,
    node::{NodeArgs, account},
    output,
    peers::Peers,
    printable::printable,
    sealed_model::peers_of,
};

/// Most bytes of a public text: half of what one block takes.
const MAX_BYTES: usize = 1 << 20;
/// Most pages of ratings that are looked through for who wrote a review.
const MAX_RATING_PAGES: usize = 20;

/// See [`super::Command::Read`].
#[derive(Debug, clap::Args)]
pub struct ReadArgs {
    /// The text, as `weft market show` names it.
    #[arg(value_parser = content_id)]
    cid: ContentId,
    /// The asset that it is about: its owner, its pinners and who wrote the text of it are asked.
    #[arg(long, required_unless_present = "of")]
    asset: Option<AssetId>,
    /// Who wrote it: this account is asked.
    #[arg(long, value_parser = account)]
    of: Option<AccountId>,
    /// Keep it in this file instead of printing it; needed for what is not text.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl ReadArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let bytes = self.fetch(&client).await?;
        if bytes.len() > MAX_BYTES {
            return Err(Failure::Refused(format!(
                "{} has {} bytes: public texts have at most {MAX_BYTES}",
                self.cid,
                bytes.len()
            )));
        }
        if let Some(path) = &self.out {
            fs::write(path, &bytes)
                .map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))?;
            return match self.json {
                true => output::json(&json!({ "cid": self.cid, "bytes": bytes.len(), "out": path })),
                false => output::line(format_args!(
                    "{}: {} bytes in {}",
                    self.cid,
                    bytes.len(),
                    path.display()
                )),
            };
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::Refused(format!("{} is not text: keep it with --out FILE", self.cid)))?;
        match self.json {
            true => output::json(&json!({ "cid": self.cid, "bytes": bytes.len(), "text": text })),
            false => output::line(printable(text.trim_end())),
        }
    }

    /// The block, from whoever may have it, writers first. It is what its id says: peers are not believed.
    async fn fetch(&self, client: &Client) -> Result<Vec<u8>, Failure> {
        let mut writers: Vec<AccountId> = self.of.into_iter().collect();
        let mut about = None;
        if let Some(asset) = self.asset {
            let asset = asset::existing(client, asset).await?;
            writers.extend(writers_of(client, &asset, self.cid).await?);
            about = Some(asset);
        }
        let mut urls = Vec::new();
        for writer in &writers {
            urls.extend(client.market().endpoint(*writer).await?);
        }
        let mut refused = match Peers::new(urls)?.get(self.cid).await {
            Ok(bytes) => return Ok(bytes.to_vec()),
            Err(failure) => failure,
        };
        if let Some(asset) = about {
            // Nobody is left out: whoever reads has no account here.
            let nobody = AccountId([0; 32]);
            match peers_of(client, &asset, &nobody).await?.get(self.cid).await {
                Ok(bytes) => return Ok(bytes.to_vec()),
                Err(failure) => refused = failure,
            }
        }
        Err(refused.and("whoever wrote it serves it with `weft creator serve`: ask them to".to_owned()))
    }
}

/// Who said `cid` of an asset.
async fn writers_of(client: &Client, asset: &Asset, cid: ContentId) -> Result<Vec<AccountId>, Failure> {
    let mut writers = writers_in(&client.market().scrutiny(asset.id).await?, cid);
    let mut from = Some(0);
    for _ in 0..MAX_RATING_PAGES {
        let Some(start) = from.filter(|_| writers.is_empty()) else {
            break;
        };
        let page = client.market().ratings(asset.work, start).await?;
        let of_it = page.items.into_iter().filter(|rating| rating.review == Some(cid));
        writers.extend(of_it.map(|rating| rating.who));
        from = page.next;
    }
    Ok(writers)
}

fn writers_in(scrutiny: &Scrutiny, cid: ContentId) -> Vec<AccountId> {
    let attesters = scrutiny.attestations.iter().map(|said| (said.report, said.who));
    let reporters = scrutiny.reports.iter().map(|said| (said.evidence, said.who));
    attesters
        .chain(reporters)
        .filter(|(said, _)| *said == cid)
        .map(|(_, who)| who)
        .collect()
}

/// Keeps a public text as a block, so that others can fetch it from this home's server.
pub async fn keep(home: &Home, path: &Path) -> Result<ContentId, Failure> {
    let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > MAX_BYTES as u64 {
        return Err(Failure::Usage(format!(
            "{} has {bytes} bytes: a public text has at most {MAX_BYTES}",
            path.display()
        )));
    }
    Blocks::open(home)?.put(fs::read(path).map_err(failed)?).await
}

/// What is to be done so that others can read a text that was kept.
pub fn to_be_served(cid: &ContentId) -> String {
    format!("its text is {cid}: others can read it while you run `weft creator serve` from this --home")
}

/// Reads a content id. For clap.
fn content_id(text: &str) -> Result<ContentId, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a content id: write it as `weft market show` does"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_chain::market::Scrutiny;
    use weft_primitives::{
        ContentCodec,
        asset::Flaw,
        market_view::{AttestationView, ReportView},
    };

    fn cid(byte: u8) -> ContentId {
        ContentId {
            codec: ContentCodec::Raw,
            sha256: [byte; 32],
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_content_id_or_refused(text in ".{0,80}") {
            let _ = content_id(&text);
        }
    }

    #[test]
    fn a_content_id_is_read_as_it_is_shown() {
        assert_eq!(content_id(&cid(7).to_string()), Ok(cid(7)));
    }

    #[test]
    fn who_wrote_a_text_is_found() {
        let who = |byte| AccountId([byte; 32]);
        let scrutiny = Scrutiny {
            attestations: vec![AttestationView {
                who: who(1),
                stake: 1,
                report: cid(1),
                since: 0,
            }],
            reports: vec![ReportView {
                who: who(2),
                why: Flaw::Other,
                evidence: cid(2),
                bond: 1,
                since: 0,
            }],
            upheld_reports: 0,
        };
        assert_eq!(writers_in(&scrutiny, cid(1)), [who(1)]);
        assert_eq!(writers_in(&scrutiny, cid(2)), [who(2)]);
        assert!(writers_in(&scrutiny, cid(3)).is_empty());
    }

    #[test]
    fn a_text_is_kept_up_to_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().join("home"))).unwrap();
        let path = dir.path().join("text");
        let keep = |bytes: usize| {
            fs::write(&path, vec![b'a'; bytes]).unwrap();
            tokio::runtime::Builder::new_multi_thread()
                .build()
                .unwrap()
                .block_on(keep(&home, &path))
        };
        assert!(keep(MAX_BYTES).is_ok());
        assert!(matches!(keep(MAX_BYTES + 1), Err(Failure::Usage(_))));
    }
}
