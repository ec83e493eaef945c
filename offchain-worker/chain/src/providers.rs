//! Compute providers.

use subxt::utils::Static;
use weft_primitives::{
    AssetId, Balance,
    device::EncryptionKey,
    page::{MAX_PAGE, Page},
};

use crate::{
    account::{AccountId, Consent, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A provider as the chain shows it.
pub type Provider = weft_primitives::view::ProviderView<AccountId>;

/// An offer as the chain shows it.
pub type Offer = weft_primitives::view::OfferView<AccountId>;

/// What a new provider states.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The device's account.
    pub device: AccountId,
    /// The device's X25519 key.
    pub encryption_key: EncryptionKey,
    /// Where the device serves its blocks.
    pub endpoint: String,
    /// How many jobs it takes at a time.
    pub capacity: u16,
    /// The device's signature under the owner's account.
    pub consent: Consent,
}

/// Reads and calls about providers.
pub struct Providers<'a> {
    pub(crate) client: &'a Client,
}

impl Providers<'_> {
    /// A provider by owner or device account; `None` if not registered.
    pub async fn provider(&self, owner: AccountId) -> Result<Option<Provider>, ChainError> {
        self.client
            .read("show a provider", |view| async move {
                let call = runtime::runtime_apis().providers_api().provider(owner);
                Ok(view.runtime_apis().call(call).await?.map(|Static(provider)| provider))
            })
            .await
    }

    /// The stake below which a provider gets no jobs.
    pub async fn minimum_stake(&self) -> Result<Balance, ChainError> {
        self.client
            .read("tell the minimum stake", |view| async move {
                Ok(view.constants().entry(runtime::constants().providers().min_stake())?)
            })
            .await
    }

    /// A page of the offers on a model, matchable or not, from position `from`.
    pub async fn offers_for_model(&self, model: AssetId, from: u64) -> Result<Page<Offer>, ChainError> {
        self.client
            .read("list offers", |view| async move {
                let call = runtime::runtime_apis()
                    .providers_api()
                    .offers_for_model(model, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(offer)| offer).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// What a provider asks for one token of a model and whether the creator has wrapped the key for them; `None` if
    /// there is no such offer.
    pub async fn own_offer(&self, owner: AccountId, model: AssetId) -> Result<Option<(Balance, bool)>, ChainError> {
        self.client
            .read("show an offer", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().providers().offers(), (owner, model))
                    .await?;
                Ok(match found {
                    Some(value) => {
                        let offer = value.decode()?;
                        Some((offer.ask_per_token, offer.keyed))
                    }
                    None => None,
                })
            })
            .await
    }

    /// Registers the signer as a provider.
    pub async fn register(&self, owner: &Signer, registration: Registration) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().register(
            registration.device,
            registration.encryption_key,
            runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(registration.endpoint.into_bytes()),
            registration.capacity,
            runtime::runtime_types::sp_runtime::MultiSignature::Sr25519(registration.consent.0),
        );
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Bonds more stake.
    pub async fn bond(&self, owner: &Signer, amount: Balance) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().bond(amount);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Starts to take stake out.
    pub async fn unbond(&self, owner: &Signer, amount: Balance) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().unbond(amount);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Takes out the stake whose unbonding period is over.
    pub async fn withdraw_unbonded(&self, owner: &Signer) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().withdraw_unbonded();
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Offers a model at a price per token, or changes the price.
    pub async fn offer(&self, owner: &Signer, model: AssetId, ask_per_token: Balance) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().offer(model, ask_per_token);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Withdraws an offer.
    pub async fn withdraw_offer(&self, owner: &Signer, model: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().withdraw_offer(model);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Changes endpoint and capacity. Signed by owner or device.
    pub async fn update(&self, signer: &Signer, endpoint: String, capacity: u16) -> Result<(), ChainError> {
        let endpoint = runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(endpoint.into_bytes());
        let call = runtime::transactions().providers().update(endpoint, capacity);
        self.client.submit(signer, &call, Until::InBlock).await.map(drop)
    }

    /// Takes no new jobs. Signed by owner or device.
    pub async fn pause(&self, signer: &Signer) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().pause();
        self.client.submit(signer, &call, Until::InBlock).await.map(drop)
    }

    /// Takes jobs again. Signed by owner or device.
    pub async fn resume(&self, signer: &Signer) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().resume();
        self.client.submit(signer, &call, Until::InBlock).await.map(drop)
    }

    /// Leaves, and gets everything back.
    pub async fn deregister(&self, owner: &Signer) -> Result<(), ChainError> {
        let call = runtime::transactions().providers().deregister();
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }
}
