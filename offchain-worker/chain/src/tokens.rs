//! Tokens besides the native one: assets of `pallet-assets`, such as stable ones, in which prices may be asked once governance has
//! made them sufficient. Anybody may make an asset and call it anything: trust its number, not its name.

use weft_primitives::Balance;

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// Number of a token.
pub type TokenId = u32;

/// Most tokens that are looked at for those that are accepted: anybody may make one.
const MAX_LOOKED_AT: usize = 1_000;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What it is called for short, if its issuer said so.
    pub symbol: String,
    /// How it is called.
    pub name: String,
    /// Decimal places between what people write and the smallest unit.
    pub decimals: u8,
    /// The least an account holds of it, in the smallest unit.
    pub least: Balance,
    /// Whether prices may be asked in it.
    pub accepted: bool,
}

/// Reads and calls about tokens.
pub struct Tokens<'a> {
    pub(crate) client: &'a Client,
}

impl Tokens<'_> {
    /// One token; `None` if there is none with this number.
    pub async fn token(&self, token: TokenId) -> Result<Option<Token>, ChainError> {
        let found = self
            .client
            .read("show a token", |view| async move {
                let storage = view.storage();
                let details = storage.try_fetch(runtime::storage().assets().asset(), (token,)).await?;
                let Some(details) = details else { return Ok(None) };
                let details = details.decode()?;
                let metadata = storage
                    .try_fetch(runtime::storage().assets().metadata(), (token,))
                    .await?;
                let metadata = match metadata {
                    Some(metadata) => Some(metadata.decode()?),
                    None => None,
                };
                Ok(Some((details, metadata)))
            })
            .await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(found.map(|(details, metadata)| Token {
            id: token,
            symbol: metadata
                .as_ref()
                .map(|metadata| text(&metadata.symbol.0))
                .unwrap_or_default(),
            name: metadata
                .as_ref()
                .map(|metadata| text(&metadata.name.0))
                .unwrap_or_default(),
            decimals: metadata.map_or(0, |metadata| metadata.decimals),
            least: details.min_balance,
            accepted: details.is_sufficient,
        }))
    }

    /// The tokens in which prices may be asked, by number. At most a thousand tokens are looked at.
    pub async fn accepted(&self) -> Result<Vec<Token>, ChainError> {
        let mut ids = self
            .client
            .read("list tokens", |view| async move {
                let mut entries = view.storage().iter(runtime::storage().assets().asset(), ()).await?;
                let (mut ids, mut looked_at) = (Vec::new(), 0);
                while let Some(entry) = entries.next().await {
                    let entry = entry?;
                    if entry.value().decode()?.is_sufficient {
                        let (id,) = entry.key()?.decode()?;
                        ids.push(id);
                    }
                    looked_at += 1;
                    if looked_at >= MAX_LOOKED_AT {
                        break;
                    }
                }
                Ok(ids)
            })
            .await?;
        ids.sort_unstable();
        let mut tokens = Vec::with_capacity(ids.len());
        for id in ids {
            tokens.extend(self.token(id).await?);
        }
        Ok(tokens)
    }

    /// What an account has of a token, in its smallest unit.
    pub async fn of(&self, token: TokenId, account: AccountId) -> Result<Balance, ChainError> {
        self.client
            .read("tell a balance", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().assets().account(), (token, account))
                    .await?;
                Ok(match found {
                    Some(value) => value.decode()?.balance,
                    None => 0,
                })
            })
            .await
    }

    /// Sends of a token. Waits for `until`.
    pub async fn transfer(
        &self,
        from: &Signer,
        token: TokenId,
        to: AccountId,
        amount: Balance,
        until: Until,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .assets()
            .transfer(token, subxt::utils::MultiAddress::Id(to), amount);
        self.client.submit(from, &call, until).await.map(drop)
    }
}
