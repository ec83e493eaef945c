//! Buying a licence, and what comes with it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weft_chain::{Client, Signer, market::Asset};
use weft_primitives::{AssetId, LicenceId, WorkId, licence::Tariff};

use super::{
    Shared, get,
    key::{self, Kept},
    tariff,
};
use crate::{asset, blocks::Blocks, failure::Failure, home::Home, output, store::place::BackendArgs};

/// See [`super::Command::Buy`].
#[derive(Debug, clap::Args)]
pub struct BuyArgs {
    /// The asset whose key you want; the licence is for its work, in all versions.
    asset: AssetId,
    /// At which of its tariffs, as `weft market show` writes them; may be left out if there is only one.
    #[arg(long, value_parser = tariff::parse_tariff)]
    tariff: Option<Tariff>,
    /// How many uses or periods.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    quantity: u32,
    /// Fetch and open it into this directory at once.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Buy though no custodian can give the key now, such as to get it from the owner.
    #[arg(long, conflicts_with = "out")]
    without_key: bool,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    shared: Shared,
}

/// What a purchase came to.
struct Bought {
    licence: LicenceId,
    work: WorkId,
    tariff: Tariff,
    /// Block of the purchase.
    block: u32,
    /// What the custodians gave, unless the key was here already or cannot come.
    kept: Option<Kept>,
    /// Why the key cannot come; `None` if it is here.
    keyless: Option<&'static str>,
    /// What failed after the purchase.
    failure: Option<Failure>,
}

impl BuyArgs {
    /// Runs the command. What was bought is told even if what should follow fails.
    pub async fn run(self) -> Result<(), Failure> {
        let (home, buyer) = self.shared.identity.open()?;
        let keys = home.user_keys()?;
        let client = self.shared.node.connect_persistently().await?;
        let asset = asset::existing(&client, self.asset).await?;
        let tariff = self.tariff(&client, &asset).await?;
        let has_key = home.content_key(&asset.content.to_string())?.is_some();
        let custody = client.custody().custody(asset.id).await?;
        let keyless = key::why_no_key(custody.as_ref()).filter(|_| !has_key);
        // A model's licence allows jobs, key or not. That of anything else is worth its key.
        if let Some(why) = keyless
            && (self.out.is_some() || !asset.kind.runs_jobs() && !self.without_key)
        {
            return Err(Failure::Refused(format!(
                "asset {}: {why}, so that nothing was bought: ask its owner, or buy the licence alone with --without-key",
                asset.id
            )));
        }
        let (licence, block) = client
            .licences()
            .buy(&buyer, asset.id, tariff, self.quantity, *keys.public().as_bytes())
            .await?;
        let mut bought = Bought {
            licence,
            work: asset.work,
            tariff,
            block: block.number,
            kept: None,
            keyless,
            failure: None,
        };
        bought.failure = bought
            .deliver(&client, &home, &buyer, &asset, has_key, self.out())
            .await
            .err();
        self.say(&asset, &bought)?;
        match bought.failure {
            None => Ok(()),
            Some(failure) => Err(failure),
        }
    }

    fn out(&self) -> Option<(&Path, &BackendArgs)> {
        self.out.as_deref().map(|dir| (dir, &self.backend))
    }

    /// The tariff that was named, or the only one.
    async fn tariff(&self, client: &Client, asset: &Asset) -> Result<Tariff, Failure> {
        let work = client
            .market()
            .work(asset.work)
            .await?
            .ok_or_else(|| Failure::NotFound(format!("there is no work {}", asset.work)))?;
        match (self.tariff, work.tariffs.as_slice()) {
            (Some(tariff), _) => Ok(tariff),
            (None, [only]) => Ok(*only),
            (None, []) => Err(Failure::Usage(format!(
                "work {} needs no licence: use it with `weft run --asset {}`",
                work.id, asset.id
            ))),
            (None, several) => {
                let choices: Vec<_> = several.iter().map(tariff::written).collect();
                Err(Failure::Usage(format!(
                    "work {} has several tariffs: choose with --tariff {}",
                    work.id,
                    choices.join(" or --tariff ")
                )))
            }
        }
    }

    fn say(&self, asset: &Asset, bought: &Bought) -> Result<(), Failure> {
        if self.shared.json {
            return output::json(&self.as_json(asset, bought));
        }
        let key = match (bought.keyless, &bought.kept) {
            (Some(why), _) if asset.kind.runs_jobs() => format!("not here: {why}; the licence allows jobs"),
            (Some(why), _) => format!("not here: {why}; once it can come, `weft market key {}`", asset.id),
            (None, Some(kept)) => format!(
                "here {} blocks after the purchase, from {} custodians",
                kept.block.saturating_sub(bought.block),
                kept.released
            ),
            (None, None) if bought.failure.is_some() => "not here yet".to_owned(),
            (None, None) => "here already".to_owned(),
        };
        let mut lines = vec![
            ("licence", bought.licence.to_string()),
            ("work", bought.work.to_string()),
            ("paid", tariff::price(&bought.tariff)),
            ("key", key),
        ];
        if let (Some(dir), None) = (&self.out, &bought.failure) {
            lines.push(("opened in", dir.display().to_string()));
        }
        output::pairs(lines)
    }

    fn as_json(&self, asset: &Asset, bought: &Bought) -> Value {
        let kept = bought.kept.as_ref();
        json!({
            "licence": bought.licence,
            "work": bought.work,
            "asset": asset.id,
            "tariff": bought.tariff,
            "quantity": self.quantity,
            "block": bought.block,
            "key_block": kept.map(|kept| kept.block),
            "key_seconds": kept.map(|kept| kept.seconds),
            "released": kept.map(|kept| kept.released),
            "keyless": bought.keyless,
            "out": self.out.as_ref().filter(|_| bought.failure.is_none()),
            "failure": bought.failure.as_ref().map(ToString::to_string),
        })
    }
}

impl Bought {
    /// Gets the key, and the files if they are to go anywhere.
    async fn deliver(
        &mut self,
        client: &Client,
        home: &Home,
        buyer: &Signer,
        asset: &Asset,
        has_key: bool,
        out: Option<(&Path, &BackendArgs)>,
    ) -> Result<(), Failure> {
        let stays = |what: &str| format!("licence {} is bought and stays yours: {what}", self.licence);
        let (get_key, get_files) = (
            stays(&format!("go on with `weft market key {}`", asset.id)),
            stays(&format!("go on with `weft market get {} --out DIR`", asset.id)),
        );
        if self.keyless.is_none() && !has_key {
            let received = key::receive(client, home, buyer, asset, self.licence).await;
            self.kept = Some(received.map_err(|failure| failure.and(get_key))?);
        }
        if let Some((dir, backend)) = out {
            let opened = match Blocks::open_at(home, backend) {
                Ok(blocks) => get::open_into(client, home, &blocks, &buyer.account(), asset, dir).await,
                Err(failure) => Err(failure),
            };
            opened.map_err(|failure| failure.and(get_files))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use weft_chain::AccountId;
    use weft_primitives::{AssetKind, ContentCodec, ContentId, Currency, licence::Term};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: BuyArgs,
    }

    fn asset() -> Asset {
        let content = ContentId {
            codec: ContentCodec::DagPb,
            sha256: [0; 32],
        };
        Asset {
            id: 4,
            work: 3,
            version: 2,
            creator: AccountId([0; 32]),
            kind: AssetKind::Dataset,
            name: b"digits".to_vec(),
            manifest: content,
            content,
            size_bytes: 1,
            key_commitment: [0; 32],
            royalty: 0,
            exact_root: None,
            pieces_root: None,
            records: None,
            bases: Vec::new(),
            needs_licence: true,
            attestations: 0,
            open_reports: 0,
            upheld_reports: 0,
            listed: true,
            published_at: 0,
            endpoint: None,
        }
    }

    #[test]
    fn a_licence_is_told_even_if_the_key_did_not_come() {
        let args = Command::parse_from(["buy", "4", "--out", "dir"]).args;
        let bought = Bought {
            licence: 7,
            work: 3,
            tariff: Tariff {
                term: Term::Once,
                currency: Currency::Native,
                price: 5,
            },
            block: 10,
            kept: None,
            keyless: None,
            failure: Some(Failure::Refused("too few released".into()).and("go on".into())),
        };
        let told = args.as_json(&asset(), &bought);
        assert_eq!(told["licence"], 7);
        assert_eq!(told["failure"], "too few released; go on");
        assert_eq!((&told["out"], &told["key_block"]), (&Value::Null, &Value::Null));
        let whole = Bought {
            kept: Some(Kept {
                block: 12,
                released: 3,
                seconds: 1.0,
            }),
            failure: None,
            ..bought
        };
        let told = args.as_json(&asset(), &whole);
        assert_eq!((&told["out"], &told["key_block"]), (&json!("dir"), &json!(12)));
    }
}
