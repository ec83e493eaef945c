//! Keys that custodians hand out in their owners' absence.

use subxt::utils::Static;
use weft_custody::Evidence;
use weft_primitives::{
    AssetId, Balance,
    custody_view::{DealingId, KeyRequestId},
    device::{EncryptionKey, WrappedKey},
    page::{MAX_PAGE, Page},
    registry::KeyRecipient,
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A custodian as the chain shows it.
pub type Custodian = weft_primitives::custody_view::CustodianView<AccountId>;
/// A key in custody as the chain shows it.
pub type Custody = weft_primitives::custody_view::CustodyView<AccountId>;
/// One sharing of a key as the chain shows it.
pub type Dealing = weft_primitives::custody_view::DealingView<AccountId>;
/// A request for a key as the chain shows it.
pub type KeyRequest = weft_primitives::custody_view::KeyRequestView<AccountId>;

/// A secret shared by its dealer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// To the coefficients of the polynomial.
    pub commitments: Vec<[u8; 32]>,
    /// The share of custodian `i` at place `i - 1`, wrapped to its key.
    pub wrapped: Vec<WrappedKey>,
}

/// A custodian's share, wrapped for who asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which request it answers.
    pub request: KeyRequestId,
    /// The share.
    pub wrapped: WrappedKey,
}

/// What [`Custody`] does not show of the changes of a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotations {
    /// No other committee is drawn before this block.
    pub paused_until: u32,
    /// Whether the last one could not take over.
    pub failed: bool,
}

/// Reads and calls about keys in custody.
pub struct Keys<'a> {
    pub(crate) client: &'a Client,
}

fn bounded<T>(items: Vec<T>) -> runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec<T> {
    runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(items)
}

/// A recipient as the generated code has it: within types with parameters it cannot be substituted.
fn generated(
    recipient: &KeyRecipient<AccountId>,
) -> runtime::runtime_types::weft_primitives::registry::KeyRecipient<AccountId> {
    use runtime::runtime_types::weft_primitives::registry::KeyRecipient as Generated;
    match recipient {
        KeyRecipient::Licence(licence) => Generated::Licence(*licence),
        KeyRecipient::Provider(provider) => Generated::Provider(*provider),
    }
}

impl Keys<'_> {
    /// The custody of an asset's key; `None` if nobody keeps it.
    pub async fn custody(&self, asset: AssetId) -> Result<Option<Custody>, ChainError> {
        self.client
            .read("show a key's custody", |view| async move {
                let call = runtime::runtime_apis().custody_api().custody(asset);
                Ok(view.runtime_apis().call(call).await?.map(|Static(custody)| custody))
            })
            .await
    }

    /// One sharing of a key.
    pub async fn dealing(&self, dealing: DealingId) -> Result<Option<Dealing>, ChainError> {
        self.client
            .read("show the sharing of a key", |view| async move {
                let call = runtime::runtime_apis().custody_api().dealing(dealing);
                Ok(view.runtime_apis().call(call).await?.map(|Static(dealing)| dealing))
            })
            .await
    }

    /// A page of the sharings in which a custodian has a share, from position `from`. It may be empty and still have a next one.
    pub async fn dealings_for(&self, custodian: AccountId, from: u64) -> Result<Page<Dealing>, ChainError> {
        self.client
            .read("list the sharings of keys", |view| async move {
                let call = runtime::runtime_apis()
                    .custody_api()
                    .dealings_for(custodian, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(dealing)| dealing).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// The request of one recipient for an asset's key.
    pub async fn request_of(
        &self,
        recipient: &KeyRecipient<AccountId>,
        asset: AssetId,
    ) -> Result<Option<KeyRequest>, ChainError> {
        self.client
            .read("show a request for a key", |view| {
                let recipient = generated(recipient);
                async move {
                    let call = runtime::runtime_apis().custody_api().key_request_of(recipient, asset);
                    Ok(view.runtime_apis().call(call).await?.map(|Static(request)| request))
                }
            })
            .await
    }

    /// A page of the requests that a custodian serves, from position `from`. It may be empty and still have a next one.
    pub async fn requests_for(&self, custodian: AccountId, from: u64) -> Result<Page<KeyRequest>, ChainError> {
        self.client
            .read("list requests for keys", |view| async move {
                let call = runtime::runtime_apis()
                    .custody_api()
                    .key_requests_for(custodian, from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(request)| request).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// One custodian; `None` if not registered.
    pub async fn custodian(&self, custodian: AccountId) -> Result<Option<Custodian>, ChainError> {
        self.client
            .read("show a custodian", |view| async move {
                let call = runtime::runtime_apis().custody_api().custodian(custodian);
                Ok(view.runtime_apis().call(call).await?.map(|Static(custodian)| custodian))
            })
            .await
    }

    /// A page of the custodians from whom committees are drawn, from position `from`.
    pub async fn custodians(&self, from: u64) -> Result<Page<Custodian>, ChainError> {
        self.client
            .read("list custodians", |view| async move {
                let call = runtime::runtime_apis().custody_api().custodians(from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(custodian)| custodian).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// How many custodians can be drawn.
    pub async fn drawable(&self) -> Result<u32, ChainError> {
        self.client
            .read("count the custodians", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().custody().drawable_count(), ())
                    .await?;
                Ok(match found {
                    Some(count) => count.decode()?,
                    None => 0,
                })
            })
            .await
    }

    /// The block since which a custodian cannot be drawn; `None` if it can be, or is not registered.
    pub async fn out_since(&self, custodian: AccountId) -> Result<Option<u32>, ChainError> {
        self.client
            .read("show a custodian", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().custody().custodians(), (custodian,))
                    .await?;
                Ok(match found {
                    Some(value) => {
                        let custodian = value.decode()?;
                        custodian.position.is_none().then_some(custodian.out_since)
                    }
                    None => None,
                })
            })
            .await
    }

    /// What else decides whether the committee of a key can be changed; `None` if nobody keeps it.
    pub async fn rotations(&self, asset: AssetId) -> Result<Option<Rotations>, ChainError> {
        self.client
            .read("show a key's custody", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().custody().custodies(), (asset,))
                    .await?;
                Ok(match found {
                    Some(value) => {
                        let custody = value.decode()?;
                        Some(Rotations {
                            paused_until: custody.rotation_paused_until,
                            failed: custody.rotation_failed,
                        })
                    }
                    None => None,
                })
            })
            .await
    }

    /// The age in blocks at which any committee may be changed, and how long a custodian who wants to leave waits until a key
    /// whose committee cannot be changed goes back to its owner.
    pub async fn rotation_period(&self) -> Result<u32, ChainError> {
        self.client
            .read("tell how old committees get", |view| async move {
                Ok(view
                    .constants()
                    .entry(runtime::constants().custody().rotation_period())?)
            })
            .await
    }

    /// Registers the signer as a custodian.
    pub async fn register(
        &self,
        custodian: &Signer,
        encryption_key: EncryptionKey,
        endpoint: Option<String>,
    ) -> Result<(), ChainError> {
        let endpoint = endpoint.map(|url| bounded(url.into_bytes()));
        let call = runtime::transactions().custody().register(encryption_key, endpoint);
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Leaves, once in no committee, and gets everything back.
    pub async fn deregister(&self, custodian: &Signer) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().deregister();
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Says whether the signer wants to be drawn, and to stay in its committees.
    pub async fn set_available(&self, custodian: &Signer, available: bool) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().set_available(available);
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Adds to a custodian's stake.
    pub async fn bond(&self, custodian: &Signer, amount: Balance) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().bond(amount);
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Takes stake out.
    pub async fn unbond(&self, custodian: &Signer, amount: Balance) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().unbond(amount);
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Sets the key for shares of future dealings. Final when this returns: a key that a reorganisation took back is not
    /// noticed by anybody.
    pub async fn set_encryption_key(
        &self,
        custodian: &Signer,
        encryption_key: EncryptionKey,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().set_encryption_key(encryption_key);
        self.client.submit(custodian, &call, Until::Finalised).await.map(drop)
    }

    /// Has a committee drawn for the key of one's own asset.
    pub async fn open(
        &self,
        owner: &Signer,
        asset: AssetId,
        threshold: u8,
        custodians: u8,
        to_providers: bool,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .custody()
            .open_custody(asset, threshold, custodians, to_providers);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Deals the key's secret to the committee.
    pub async fn deal(&self, owner: &Signer, asset: AssetId, deal: Deal, envelope: [u8; 32]) -> Result<(), ChainError> {
        let call =
            runtime::transactions()
                .custody()
                .deal(asset, bounded(deal.commitments), envelope, bounded(deal.wrapped));
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Shows that the seller dealt a wrong share.
    pub async fn dispute_deal(
        &self,
        who: &Signer,
        asset: AssetId,
        index: u8,
        evidence: Evidence,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .custody()
            .dispute_deal(asset, index, Static(evidence));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Shows that the seller entrusted another key than was promised.
    pub async fn report_wrong_key(&self, who: &Signer, asset: AssetId, secret: [u8; 32]) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().report_wrong_key(asset, secret);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Takes a key out of custody.
    pub async fn close(&self, owner: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().close(asset);
        self.client.submit(owner, &call, Until::InBlock).await.map(drop)
    }

    /// Asks for a model's key as a provider who offers it.
    pub async fn request_for_provider(&self, provider: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().request_for_provider(asset);
        self.client.submit(provider, &call, Until::InBlock).await.map(drop)
    }

    /// Removes the record that a provider has a key from custodians, and returns its deposit.
    pub async fn forget_key(&self, provider: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().forget_key(asset);
        self.client.submit(provider, &call, Until::InBlock).await.map(drop)
    }

    /// Releases the signer's shares in one transaction, and tells for each whether the chain took it, in their order. An error
    /// is one of the transaction: none was taken.
    ///
    /// A single one is free if it is taken. Several cost the fee of a batch, a tenth of what they earn.
    pub async fn release_all(
        &self,
        custodian: &Signer,
        answers: &[Answer],
    ) -> Result<Vec<Result<(), ChainError>>, ChainError> {
        use runtime::{Call, runtime_types::pallet_custody::pallet::Call as OfCustody};
        if let [Answer { request, wrapped }] = answers {
            let call = runtime::transactions().custody().release(*request, *wrapped);
            self.client.submit(custodian, &call, Until::InBlock).await?;
            return Ok(vec![Ok(())]);
        }
        if answers.is_empty() {
            return Ok(Vec::new());
        }
        let calls = answers.iter().map(|answer| {
            Call::Custody(OfCustody::release {
                request: answer.request,
                wrapped: answer.wrapped,
            })
        });
        // Its shape is that of all calls of the runtime. That `release` has not changed is known since the node was connected.
        let call = runtime::transactions()
            .utility()
            .force_batch(calls.collect())
            .unvalidated();
        let included = self.client.submit(custodian, &call, Until::InBlock).await?;
        if included.items.len() != answers.len() {
            return Err(ChainError::Unreadable {
                what: "a batch of releases",
                reason: format!("it tells of {} items and has {}", included.items.len(), answers.len()),
            });
        }
        Ok(included.items)
    }

    /// Shows that a released share is wrong.
    pub async fn dispute_release(
        &self,
        recipient: &Signer,
        request: KeyRequestId,
        index: u8,
        evidence: Evidence,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .custody()
            .dispute_release(request, index, Static(evidence));
        self.client.submit(recipient, &call, Until::InBlock).await.map(drop)
    }

    /// Has another committee drawn for a key, if it is time.
    pub async fn rotate(&self, who: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().rotate(asset);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Ends a custody whose committee cannot be changed, once a custodian has waited long enough to be let go.
    pub async fn dissolve(&self, who: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().dissolve(asset);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Deals the signer's share to the next committee.
    pub async fn reshare(&self, custodian: &Signer, asset: AssetId, deal: Deal) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .custody()
            .reshare(asset, bounded(deal.commitments), bounded(deal.wrapped));
        self.client.submit(custodian, &call, Until::InBlock).await.map(drop)
    }

    /// Shows that an old custodian dealt a wrong share to a new one.
    pub async fn dispute_reshare(
        &self,
        who: &Signer,
        asset: AssetId,
        dealer: u8,
        index: u8,
        evidence: Evidence,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .custody()
            .dispute_reshare(asset, dealer, index, Static(evidence));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Puts the next committee in place, once its deals can no longer be disputed.
    pub async fn finish_rotation(&self, who: &Signer, asset: AssetId) -> Result<(), ChainError> {
        let call = runtime::transactions().custody().finish_rotation(asset);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }
}
