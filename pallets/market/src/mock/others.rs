//! Those whom the market meets.

use frame_support::traits::{
    fungible::{Inspect, Mutate},
    tokens::{DepositConsequence, Preservation, Provenance},
};
use weft_primitives::{
    Currency,
    payment::{Payments, Unpaid},
    registry::{self, KeyCustody, KeyGrantHandler, NotRequested},
};

use super::*;

/// A token in which prices may be asked.
pub const STABLE: u32 = 7;
/// One in which they may not.
pub const UNKNOWN: u32 = 8;

pub struct Providers;

impl Providers {
    /// Registers a provider, or rotates its key.
    pub fn set_key(provider: u64, key: EncryptionKey) {
        let mut keys = DeviceKeys::get();
        keys.insert(provider, key);
        DeviceKeys::set(&keys);
    }

    fn tell(asset: AssetId, provider: u64, granted: bool) {
        let mut told = Told::get();
        told.push((asset, provider, granted));
        Told::set(&told);
    }
}

impl KeyGrantHandler<u64> for Providers {
    fn encryption_key(provider: &u64) -> Option<EncryptionKey> {
        DeviceKeys::get().get(provider).copied()
    }

    fn key_granted(asset: AssetId, provider: &u64) {
        Self::tell(asset, *provider, true);
    }

    fn key_revoked(asset: AssetId, provider: &u64) {
        Self::tell(asset, *provider, false);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_unkeyed_offer(_: AssetId, provider: &u64) -> EncryptionKey {
        let key = key_of(1);
        Self::set_key(*provider, key);
        key
    }
}

/// Payments as the runtime makes them, but with tokens that cost nothing to have.
pub struct Money;

impl Payments<u64> for Money {
    fn is_accepted(currency: Currency) -> bool {
        match currency {
            Currency::Native => true,
            Currency::Token(token) => token == STABLE && !Withdrawn::get(),
        }
    }

    fn pay(from: &u64, to: &u64, currency: Currency, amount: Balance) -> Result<(), Unpaid> {
        if amount == 0 || from == to {
            return Ok(());
        }
        match currency {
            Currency::Native => {
                let receivable = Balances::can_deposit(to, amount, Provenance::Extant) == DepositConsequence::Success;
                match Balances::transfer(from, to, amount, Preservation::Preserve) {
                    Ok(_) => Ok(()),
                    Err(_) if receivable => Err(Unpaid::NotCovered),
                    Err(_) => Err(Unpaid::CannotReceive),
                }
            }
            Currency::Token(token) => {
                if Blocked::get().contains(to) {
                    return Err(Unpaid::CannotReceive);
                }
                let mut tokens = Tokens::get();
                let has = tokens.entry((token, *from)).or_default();
                *has = has.checked_sub(amount).ok_or(Unpaid::NotCovered)?;
                *tokens.entry((token, *to)).or_default() += amount;
                Tokens::set(&tokens);
                Ok(())
            }
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_endow(who: &u64, currency: Currency, amount: Balance) {
        Balances::mint_into(who, amount.max(1)).unwrap();
        if let Currency::Token(token) = currency {
            let mut tokens = Tokens::get();
            *tokens.entry((token, *who)).or_default() += amount;
            Tokens::set(&tokens);
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_currency() -> Currency {
        Currency::Token(STABLE)
    }
}

/// How much somebody has of the accepted token.
pub fn tokens_of(who: u64) -> Balance {
    Tokens::get().get(&(STABLE, who)).copied().unwrap_or(0)
}

/// How much there is of all tokens.
pub fn tokens_issued() -> Balance {
    Tokens::get().values().sum()
}

pub struct Custodians;

impl Custodians {
    pub fn entrust(asset: AssetId) {
        let mut entrusted = Entrusted::get();
        entrusted.insert(asset);
        Entrusted::set(&entrusted);
    }

    pub fn release(asset: AssetId, provider: u64, key: EncryptionKey) {
        let mut released = Released::get();
        released.insert((asset, provider, key));
        Released::set(&released);
    }
}

impl KeyCustody<u64> for Custodians {
    fn is_entrusted(asset: AssetId) -> bool {
        Entrusted::get().contains(&asset)
    }

    fn request_for_licence(
        asset: AssetId,
        licence: LicenceId,
        holder: &u64,
        key: &EncryptionKey,
    ) -> Result<(), NotRequested> {
        if !Self::is_entrusted(asset) {
            return Ok(());
        }
        if Penniless::get() {
            return Err(NotRequested::FeeNotCovered);
        }
        let mut asked = Asked::get();
        asked.push((asset, licence, *holder, *key));
        Asked::set(&asked);
        Ok(())
    }

    fn has_released(asset: AssetId, provider: &u64, key: &EncryptionKey) -> bool {
        Released::get().contains(&(asset, *provider, *key))
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_entrust(asset: AssetId) {
        Self::entrust(asset);
    }
}

pub struct PaidJobs;

impl PaidJobs {
    pub fn paid(job: JobId, user: u64, model: AssetId) {
        let mut receipts = Receipts::get();
        receipts.insert(job, (user, model));
        Receipts::set(&receipts);
    }
}

impl registry::PaidJobs<u64> for PaidJobs {
    fn paid_job(job: JobId) -> Option<(u64, AssetId)> {
        Receipts::get().get(&job).copied()
    }

    fn next_job() -> JobId {
        Receipts::get().last_key_value().map_or(0, |(job, _)| job + 1)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_paid_job(user: &u64, model: AssetId) -> JobId {
        Self::paid(0, *user, model);
        0
    }
}
