//! The model of a disputed answer, to compute it again: a directory, or the sealed file with a key that this home has.

use weft_chain::{AccountId, Client, market::Asset};
use weft_engine::exact::{KernelChoice, Replayer};

use crate::{blocks::Blocks, engine::Compute, failure::Failure, home::Home, models, sealed_model};

/// Which model.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ModelArgs {
    /// The exact model's directory. Without it the sealed model is fetched and opened, with the key that was published, bought or
    /// granted to this home.
    #[arg(long, value_name = "DIR")]
    model: Option<String>,
}

impl ModelArgs {
    /// Loads the model of an asset, and no other.
    pub async fn load(
        &self,
        client: &Client,
        home: &Home,
        own: AccountId,
        asset: &Asset,
        compute: &Compute,
    ) -> Result<Replayer, Failure> {
        let Some(published) = asset.exact_root else {
            return Err(Failure::Refused(format!(
                "asset {} is no exact model: nothing commits to its answers",
                asset.id
            )));
        };
        let replayer = match &self.model {
            Some(model) => {
                let dir = models::resolve_exact(model)?;
                let device = compute.device();
                let loaded = tokio::task::spawn_blocking(move || Replayer::load(&dir, device, KernelChoice::Auto));
                loaded
                    .await
                    .map_err(|panic| Failure::Local(format!("loading failed: {panic}")))?
                    .map_err(|error| Failure::Local(error.to_string()))?
            }
            None => {
                let content = asset.content.to_string();
                let key = home.content_key(&content)?.ok_or_else(|| {
                    Failure::NotFound(format!(
                        "this home has no key of model {}: get it with `weft market key`, or give the model with --model",
                        asset.id
                    ))
                })?;
                let peers = sealed_model::peers_of(client, asset, &own).await?;
                sealed_model::replayer(&Blocks::open(home)?, asset, key, &peers, compute).await?
            }
        };
        if replayer.root() != published {
            return Err(Failure::Local(format!(
                "the model has the root {} and asset {} was published as {}: give the model that was published",
                hex::encode(replayer.root()),
                asset.id,
                hex::encode(published)
            )));
        }
        Ok(replayer)
    }
}
