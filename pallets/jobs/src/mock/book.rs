//! An order book and a registry of models, each in one storage value, so that a failed call undoes its changes.

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use frame_support::parameter_types;
use sp_runtime::traits::{BlakeTwo256, Hash};
use weft_primitives::{
    AssetId, Balance, JobId,
    device::EncryptionKey,
    registry::{Booking, Matching, ModelRegistry, ModelTerms, Moves, NoMatch},
    reputation::Outcome,
};

use super::*;

parameter_types! {
    /// What models there are.
    pub storage Models: BTreeMap<AssetId, Model> = BTreeMap::new();
    /// Who offers what.
    pub storage Providers: BTreeMap<AccountId, Provider> = BTreeMap::new();
}

/// A model of [`CREATOR`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Model {
    pub listed: bool,
    pub exact: bool,
}

impl Model {
    pub const LISTED: Self = Self {
        listed: true,
        exact: false,
    };
    pub const EXACT: Self = Self {
        listed: true,
        exact: true,
    };
}

/// A provider of all models.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Provider {
    pub ask: Balance,
    pub capacity: u32,
    pub jobs: Vec<JobId>,
    pub outcomes: Vec<Outcome>,
}

impl Provider {
    pub fn busy(&self) -> u32 {
        self.jobs.len() as u32
    }
}

/// The device that works for an owner.
pub fn device_of(owner: AccountId) -> AccountId {
    owner.wrapping_add(1000)
}

/// The device's encryption key.
pub fn key_of(owner: AccountId) -> EncryptionKey {
    BlakeTwo256::hash(&owner.encode()).0
}

pub struct Registry;
impl Registry {
    pub fn retire(model: AssetId) {
        let mut models = Models::get();
        models.get_mut(&model).unwrap().listed = false;
        Models::set(&models);
    }
}
impl ModelRegistry<AccountId> for Registry {
    fn listed_model(asset: AssetId) -> Option<ModelTerms<AccountId>> {
        Models::get().get(&asset).filter(|model| model.listed)?;
        Self::model(asset)
    }

    fn model(asset: AssetId) -> Option<ModelTerms<AccountId>> {
        let Model { exact, .. } = *Models::get().get(&asset)?;
        Some(ModelTerms {
            creator: CREATOR,
            royalty: ROYALTY,
            exact,
        })
    }

    fn has_key(asset: AssetId, provider: &AccountId, key: &EncryptionKey) -> bool {
        Models::get().contains_key(&asset) && *key == key_of(*provider)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(_: &AccountId) -> AssetId {
        EXACT_MODEL
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(_: AssetId, _: &AccountId, _: &EncryptionKey) {}
}

pub struct Book;
impl Book {
    pub fn offer(owner: AccountId, ask: Balance, capacity: u32) {
        let mut providers = Providers::get();
        let (jobs, outcomes) = providers
            .remove(&owner)
            .map(|known| (known.jobs, known.outcomes))
            .unwrap_or_default();
        providers.insert(
            owner,
            Provider {
                ask,
                capacity,
                jobs,
                outcomes,
            },
        );
        Providers::set(&providers);
    }

    pub fn outcomes(owner: AccountId) -> Vec<Outcome> {
        Providers::get()[&owner].outcomes.clone()
    }
}
impl Matching<AccountId> for Book {
    fn most_moves() -> Moves {
        2
    }

    fn book(
        job: JobId,
        model: AssetId,
        max_ask: Balance,
        excluded: &[AccountId],
        seed: [u8; 32],
    ) -> Result<(Booking<AccountId>, Moves), NoMatch> {
        let mut providers = Providers::get();
        let free = providers
            .iter_mut()
            .filter(|(owner, p)| {
                Models::get().contains_key(&model) && p.busy() < p.capacity && !excluded.contains(owner)
            })
            .collect::<Vec<_>>();
        let someone = !free.is_empty();
        let Some((owner, best)) = free
            .into_iter()
            .filter(|(_, p)| p.ask <= max_ask)
            .min_by_key(|(owner, p)| (p.ask, BlakeTwo256::hash(&(seed, owner).encode())))
        else {
            return Err(if someone {
                NoMatch::PriceBelowAsk
            } else {
                NoMatch::NoProvider
            });
        };
        best.jobs.push(job);
        let moves = Moves::from(best.busy() == best.capacity);
        let booking = Booking {
            provider: *owner,
            device: device_of(*owner),
            encryption_key: key_of(*owner),
            ask_per_token: best.ask,
        };
        Providers::set(&providers);
        Ok((booking, moves))
    }

    fn settle(provider: &AccountId, job: JobId, outcome: Outcome) -> Moves {
        let mut providers = Providers::get();
        let booked = providers.get_mut(provider).unwrap();
        let moves = Moves::from(booked.busy() == booked.capacity);
        let slot = booked.jobs.iter().position(|booked| *booked == job);
        booked.jobs.remove(slot.expect("settled once for each booking"));
        booked.outcomes.push(outcome);
        Providers::set(&providers);
        moves
    }

    fn booked(provider: &AccountId) -> Vec<JobId> {
        Providers::get()
            .get(provider)
            .map_or_else(Vec::new, |known| known.jobs.clone())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_most_offers() -> u32 {
        1
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_offer(provider: &AccountId, _: AssetId, ask_per_token: Balance, offers: u32) {
        let busy = Providers::get().get(provider).map_or(0, Provider::busy);
        Self::offer(*provider, ask_per_token, if offers == 0 { busy + 2 } else { busy + 1 });
    }
}
