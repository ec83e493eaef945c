//! An order book and a registry of models, each in one storage value, so that a failed call undoes its changes.

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use frame_support::parameter_types;
use sp_runtime::traits::{BlakeTwo256, Hash};
use weft_primitives::{
    AssetId, Balance, JobId, LicenceId,
    device::EncryptionKey,
    registry::{Booking, Matching, ModelRegistry, ModelTerms, Moves, NoMatch, NotLicensed, Royalties},
    reputation::Outcome,
};

use super::*;

parameter_types! {
    /// What models there are.
    pub storage Models: BTreeMap<AssetId, Model> = BTreeMap::new();
    /// How many uses of models that need a licence users have left, by user. A licence has the number of its user.
    pub storage Uses: BTreeMap<LicenceId, u32> = BTreeMap::new();
    /// Who offers what.
    pub storage Providers: BTreeMap<AccountId, Provider> = BTreeMap::new();
}

/// A model of [`CREATOR`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Model {
    pub listed: bool,
    pub exact: bool,
    /// Whether it may be used only with a licence.
    pub licensed: bool,
    /// Whether it was made from works of [`GRANDPARENT`]'s and [`PARENT`]'s, who get an eighth and a quarter.
    pub derived: bool,
}

impl Model {
    pub const LISTED: Self = Self {
        listed: true,
        exact: false,
        licensed: false,
        derived: false,
    };
    pub const EXACT: Self = Self {
        exact: true,
        ..Self::LISTED
    };
    pub const LICENSED: Self = Self {
        licensed: true,
        ..Self::LISTED
    };
    pub const DERIVED: Self = Self {
        derived: true,
        ..Self::LISTED
    };
}

/// A provider of all models.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Provider {
    pub ask: Balance,
    pub capacity: u32,
    pub jobs: Vec<JobId>,
    pub outcomes: Vec<Outcome>,
    /// Whether the stake that answers for results is there.
    pub staked: bool,
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

    /// Puts a model in place, also of another kind than before.
    #[cfg(feature = "runtime-benchmarks")]
    fn list(asset: AssetId, model: Model) -> AssetId {
        let mut models = Models::get();
        models.insert(asset, model);
        Models::set(&models);
        asset
    }

    /// Gives a user so many uses of models that need a licence.
    pub fn license(user: AccountId, uses: u32) {
        let mut all = Uses::get();
        all.insert(user, uses);
        Uses::set(&all);
    }

    /// How many uses a user has left.
    pub fn uses_left(user: AccountId) -> Option<u32> {
        Uses::get().get(&user).copied()
    }
}
impl ModelRegistry<AccountId> for Registry {
    fn listed_model(asset: AssetId) -> Option<ModelTerms> {
        Models::get().get(&asset).filter(|model| model.listed)?;
        Self::model(asset)
    }

    fn model(asset: AssetId) -> Option<ModelTerms> {
        let model = *Models::get().get(&asset)?;
        Some(ModelTerms {
            royalty: ROYALTY,
            exact_root: model.exact.then_some(EXACT_ROOT),
        })
    }

    fn has_key(asset: AssetId, provider: &AccountId, key: &EncryptionKey) -> bool {
        Models::get().contains_key(&asset) && *key == key_of(*provider)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_model(_: &AccountId) -> AssetId {
        Self::list(EXACT_MODEL, Model::EXACT)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_exact_model(_: &AccountId, _: [u8; 32]) -> AssetId {
        Self::list(EXACT_MODEL, Model::EXACT)
    }

    fn take_use(asset: AssetId, user: &AccountId) -> Result<Option<LicenceId>, NotLicensed> {
        let model = Models::get().get(&asset).copied().ok_or(NotLicensed::NoLicence)?;
        if !model.licensed {
            return Ok(None);
        }
        let left = Self::uses_left(*user).ok_or(NotLicensed::NoLicence)?;
        Self::license(*user, left.checked_sub(1).ok_or(NotLicensed::RanOut)?);
        Ok(Some(*user))
    }

    fn return_use(licence: LicenceId) {
        if let Some(left) = Self::uses_left(licence) {
            Self::license(licence, left + 1);
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_grant(_: AssetId, _: &AccountId, _: &EncryptionKey) {}

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_uses(asset: AssetId, user: &AccountId) {
        let licensed = Model {
            licensed: true,
            ..Models::get()[&asset]
        };
        Self::list(asset, licensed);
        Self::license(*user, 10);
    }
}

impl Royalties<AccountId> for Registry {
    fn divide(asset: AssetId, amount: Balance) -> Vec<(AccountId, Balance)> {
        match Models::get().get(&asset) {
            None => Vec::new(),
            Some(model) if model.derived => {
                let (eighth, quarter) = (amount / 8, amount / 4);
                let parts = [
                    (GRANDPARENT, eighth),
                    (PARENT, quarter),
                    (CREATOR, amount - eighth - quarter),
                ];
                parts.to_vec()
            }
            Some(_) => vec![(CREATOR, amount)],
        }
    }

    fn most_payees() -> u32 {
        3
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_asset(_: &AccountId, payees: u32) -> AssetId {
        let derived = Model {
            derived: payees > 1,
            ..Model::EXACT
        };
        Self::list(EXACT_MODEL, derived)
    }
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
                staked: true,
            },
        );
        Providers::set(&providers);
    }

    /// Takes a provider's stake.
    pub fn slash(owner: AccountId) {
        let mut providers = Providers::get();
        providers.get_mut(&owner).unwrap().staked = false;
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

    fn is_staked(provider: &AccountId) -> bool {
        Providers::get().get(provider).is_some_and(|known| known.staked)
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
