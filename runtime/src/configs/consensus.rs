//! Who makes blocks and who finalises them.
//!
//! BABE makes blocks and randomness, GRANDPA finalises. The validators are those of the genesis until stake elects
//! them; until then there is no stake that an equivocation could cost, so proofs of it are not collected.

use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU64},
};
use pallet_session::FindAccountFromAuthorIndex;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

use crate::{
    AccountId, Babe, Balance, Balances, EPOCH_BLOCKS, MILLI, MILLISECS_PER_BLOCK, Runtime, RuntimeEvent, Session,
    SessionKeys,
};

/// The most validators a session has; bounds every list of authorities.
pub type MaxAuthorities = ConstU32<256>;

parameter_types! {
    pub const SessionKeyDeposit: Balance = 100 * MILLI;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Babe;
    type MinimumPeriod = ConstU64<{ MILLISECS_PER_BLOCK / 2 }>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = ConstU64<{ EPOCH_BLOCKS as u64 }>;
    type ExpectedBlockTime = ConstU64<MILLISECS_PER_BLOCK>;
    // Sessions are epochs: the session pallet asks BABE when one ends.
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem = ();
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = ();
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = ();
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = SessionKeyDeposit;
}
