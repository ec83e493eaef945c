//! A job bound to its prompt: who asks makes tokens of it with the model's own tokenizer, which is published beside the sealed model, and
//! the job commits to them.

use std::time::Duration;

use weft_chain::{AccountId, Client, market::Asset};
use weft_engine::exact::{Asked, Prompts, commitment};

use crate::{
    engine::asked_for,
    failure::Failure,
    manifest::{self, Manifest},
    request::Request,
    sealed_model,
};

/// How long it may take to get a tokenizer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a job commits to.
pub struct Bound {
    /// The digest on chain.
    pub commitment: [u8; 32],
    /// What it is of.
    pub asked: Vec<Asked>,
}

/// Binds a request for at most `limit` tokens: gives it a salt, and says what its job commits to.
///
/// # Errors
/// If the model's tokenizer is not to be had, or makes no tokens of the request, which then has no salt.
pub async fn bind(
    client: &Client,
    asset: &Asset,
    own: &AccountId,
    request: &mut Request,
    limit: u32,
) -> Result<Bound, Failure> {
    let prompts = tokio::time::timeout(PATIENCE, prompts(client, asset, own));
    let prompts = prompts
        .await
        .map_err(|_| Failure::Network("the model's tokenizer did not come in time".into()))??;
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| Failure::local("no random numbers from the system", error))?;
    let mut salted = request.clone();
    salted.set_salt(salt);
    let (asked, salted) = tokio::task::spawn_blocking(move || (asked_for(&prompts, &salted, limit), salted))
        .await
        .map_err(|panic| Failure::local("the model's tokenizer failed", panic))?;
    let asked = asked
        .map_err(|error| Failure::Local(error.to_string()))?
        .unwrap_or_default();
    let commitment = commitment(&asked).ok_or_else(|| Failure::Usage("nothing is asked for".into()))?;
    *request = salted;
    Ok(Bound { commitment, asked })
}

/// The tokenizer of an exact model.
async fn prompts(client: &Client, asset: &Asset, own: &AccountId) -> Result<Prompts, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::Local(error.to_string());
    let peers = sealed_model::peers_of(client, asset, own).await?;
    let manifest = peers.file(asset.manifest, manifest::MAX_BYTES as u64).await?;
    let manifest = Manifest::from_bytes(&manifest, &asset.content).map_err(|error| told(&error))?;
    if manifest.tokenizer.is_empty() {
        return Err(Failure::NotFound(
            "the model was published without its tokenizer".into(),
        ));
    }
    let mut files = Vec::new();
    for file in &manifest.tokenizer {
        let content = peers.file(file.content, file.bytes).await?;
        if !manifest.is_as_sealed(file, &content) {
            return Err(told(&format!("{} is not what was sealed with the model", file.name)));
        }
        files.push((file.name.clone(), content));
    }
    tokio::task::spawn_blocking(move || Prompts::from_files(&files.into_iter().collect()))
        .await
        .map_err(|panic| told(&format!("the model's tokenizer cannot be read: {panic}")))?
        .map_err(|error| told(&error))
}
