//! The market, the providers and the jobs, and how they meet.

use frame_support::{
    parameter_types,
    traits::{ConstU16, ConstU32, Randomness},
};
use frame_system::EnsureRoot;
use pallet_babe::{ParentBlockRandomness, RandomnessFromOneEpochAgo};

use super::{TreasuryAccount, payments::Money};
use crate::{
    AccountId, Balance, Balances, BlockNumber, Custody, DAYS, HOURS, Hash, Jobs, MILLI, MINUTES, Market, Providers,
    Runtime, RuntimeHoldReason, Signature, UNIT, weights,
};

parameter_types! {
    pub const PublishDeposit: Balance = UNIT;
    pub const GrantDeposit: Balance = 20 * MILLI;
    pub const EndpointDeposit: Balance = 20 * MILLI;
    /// A creator may ask for at most half of what the treasury leaves.
    pub const MaxRoyalty: u32 = 500_000;

    pub const LicenceDeposit: Balance = 20 * MILLI;
    pub const RatingDeposit: Balance = 10 * MILLI;
    pub const MinAttestation: Balance = 10 * UNIT;
    pub const ReportBond: Balance = 5 * UNIT;
    pub const AttestationPeriod: BlockNumber = 30 * DAYS;
    pub const ReportPeriod: BlockNumber = 14 * DAYS;
    /// Whoever vouched for what is found flawed loses half, of which half goes to the reporter.
    pub const AttestationSlash: u32 = 500_000;
    pub const ReporterShare: u32 = 500_000;

    pub const RegistrationDeposit: Balance = UNIT;
    pub const OfferDeposit: Balance = 100 * MILLI;
    pub const MinStake: Balance = 100 * UNIT;
    pub const UnbondingPeriod: BlockNumber = 7 * DAYS;

    pub const InputWindow: BlockNumber = 6;
    pub const ShortWindow: BlockNumber = 10;
    pub const StandardWindow: BlockNumber = 10 * MINUTES;
    pub const LongWindow: BlockNumber = 4 * HOURS;
    /// How long exact results may be challenged before they are paid.
    pub const ShortChallengeWindow: BlockNumber = 2 * MINUTES;
    pub const StandardChallengeWindow: BlockNumber = 20 * MINUTES;
    pub const LongChallengeWindow: BlockNumber = 4 * HOURS;
    pub const Retention: BlockNumber = 30 * DAYS;
    /// Two percent of the price of every job.
    pub const TreasuryCut: u32 = 20_000;
}

/// Randomness that nobody knew when the parent block was made: its author's VRF output. Its author could have withheld
/// the block, which costs them a slot; docs/security.md weighs that.
pub struct ChainRandomness;
impl Randomness<Hash, BlockNumber> for ChainRandomness {
    fn random(subject: &[u8]) -> (Hash, BlockNumber) {
        match ParentBlockRandomness::<Runtime>::random(subject) {
            (Some(random), since) => (random, since),
            // Only before the first block with a VRF output.
            (None, _) => RandomnessFromOneEpochAgo::<Runtime>::random(subject),
        }
    }
}

impl pallet_market::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Grantees = Providers;
    type PublishDeposit = PublishDeposit;
    type GrantDeposit = GrantDeposit;
    type EndpointDeposit = EndpointDeposit;
    type MaxRoyalty = MaxRoyalty;
    type MaxNameBytes = ConstU32<64>;
    type MaxEndpointBytes = ConstU32<128>;
    type Payments = Money;
    type Custody = Custody;
    type Jobs = Jobs;
    // Whoever governs the chain: sudo until there are referenda.
    type GovernanceOrigin = EnsureRoot<AccountId>;
    type TreasuryAccount = TreasuryAccount;
    type LicenceDeposit = LicenceDeposit;
    type RatingDeposit = RatingDeposit;
    type MinAttestation = MinAttestation;
    type ReportBond = ReportBond;
    type AttestationPeriod = AttestationPeriod;
    type ReportPeriod = ReportPeriod;
    type AttestationSlash = AttestationSlash;
    type ReporterShare = ReporterShare;
    type WeightInfo = weights::pallet_market::WeightInfo<Runtime>;
}

impl pallet_providers::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Models = Market;
    type Signature = Signature;
    type MinStake = MinStake;
    type UnbondingPeriod = UnbondingPeriod;
    type MaxOffers = ConstU32<8>;
    type MaxUnbonding = ConstU32<8>;
    type MaxCapacity = ConstU16<64>;
    type RegistrationDeposit = RegistrationDeposit;
    type OfferDeposit = OfferDeposit;
    type MaxEndpointBytes = ConstU32<128>;
    type TreasuryAccount = TreasuryAccount;
    type WeightInfo = weights::pallet_providers::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}

impl pallet_jobs::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Models = Market;
    type Royalties = Market;
    type Providers = Providers;
    type Randomness = ChainRandomness;
    type InputWindow = InputWindow;
    type ShortWindow = ShortWindow;
    type StandardWindow = StandardWindow;
    type LongWindow = LongWindow;
    type ShortChallengeWindow = ShortChallengeWindow;
    type StandardChallengeWindow = StandardChallengeWindow;
    type LongChallengeWindow = LongChallengeWindow;
    type Retention = Retention;
    type MaxDuePerBlock = ConstU32<20>;
    type MaxTokens = ConstU32<32_768>;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryCut = TreasuryCut;
    type WeightInfo = weights::pallet_jobs::WeightInfo<Runtime>;
}
