//! What the node and clients may ask the runtime.

use alloc::vec::Vec;

#[cfg(feature = "try-runtime")]
use frame_support::traits::Get;
use frame_support::{
    genesis_builder_helper::{build_state, get_preset},
    weights::Weight,
};
use sp_api::impl_runtime_apis;
use sp_core::{OpaqueMetadata, crypto::KeyTypeId};
use sp_runtime::{
    ApplyExtrinsicResult, ExtrinsicInclusionMode,
    traits::{Block as BlockT, NumberFor},
    transaction_validity::{TransactionSource, TransactionValidity},
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;
use weft_disputes::view::DisputeView;
use weft_primitives::{
    AssetId, JobId, LicenceId, WorkId,
    custody_view::{CustodianView, CustodyView, DealingId, DealingView, KeyRequestId, KeyRequestView},
    discovery::Query,
    job_view::JobView,
    market_view::{LicenceView, LineageView, RatingView, ScrutinyView, WorkView},
    page::Page,
    pieces::PinDealId,
    pin_view::{ChallengeView, PinDealView, PinView},
    registry::KeyRecipient,
    space::SpaceId,
    space_view::{PurchaseView, ReleaseView, ReportView, ReviewView, SpaceQuery, SpaceView},
    view::{AssetView, OfferView, ProviderView},
};

use super::{
    AccountId, Babe, Balance, Block, BlockNumber, Custody, Disputes, EPOCH_BLOCKS, Executive, Grandpa, InherentDataExt,
    Jobs, Market, Nonce, Pins, Providers, Runtime, RuntimeCall, RuntimeGenesisConfig, SessionKeys, Spaces, System,
    TransactionPayment, VERSION, presets::BABE_GENESIS_EPOCH_CONFIG,
};

impl_runtime_apis! {
    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            VERSION
        }

        fn execute_block(block: <Block as BlockT>::LazyBlock) {
            Executive::execute_block(block);
        }

        fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
            Executive::initialize_block(header)
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            OpaqueMetadata::new(Runtime::metadata().into())
        }

        fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
            Runtime::metadata_at_version(version)
        }

        fn metadata_versions() -> Vec<u32> {
            Runtime::metadata_versions()
        }
    }

    impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
        fn execute_view_function(
            id: frame_support::view_functions::ViewFunctionId,
            input: Vec<u8>,
        ) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
            Runtime::execute_view_function(id, input)
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
            Executive::apply_extrinsic(extrinsic)
        }

        fn finalize_block() -> <Block as BlockT>::Header {
            Executive::finalize_block()
        }

        fn inherent_extrinsics(data: sp_inherents::InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
            data.create_extrinsics()
        }

        fn check_inherents(
            block: <Block as BlockT>::LazyBlock,
            data: sp_inherents::InherentData,
        ) -> sp_inherents::CheckInherentsResult {
            data.check_extrinsics(&block)
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            source: TransactionSource,
            tx: <Block as BlockT>::Extrinsic,
            block_hash: <Block as BlockT>::Hash,
        ) -> TransactionValidity {
            Executive::validate_transaction(source, tx, block_hash)
        }
    }

    impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
        fn offchain_worker(header: &<Block as BlockT>::Header) {
            Executive::offchain_worker(header)
        }
    }

    impl sp_consensus_babe::BabeApi<Block> for Runtime {
        fn configuration() -> sp_consensus_babe::BabeConfiguration {
            let epoch = Babe::epoch_config().unwrap_or(BABE_GENESIS_EPOCH_CONFIG);
            sp_consensus_babe::BabeConfiguration {
                slot_duration: Babe::slot_duration(),
                epoch_length: EPOCH_BLOCKS.into(),
                c: epoch.c,
                authorities: Babe::authorities().to_vec(),
                randomness: Babe::randomness(),
                allowed_slots: epoch.allowed_slots,
            }
        }

        fn current_epoch_start() -> sp_consensus_babe::Slot {
            Babe::current_epoch_start()
        }

        fn current_epoch() -> sp_consensus_babe::Epoch {
            Babe::current_epoch()
        }

        fn next_epoch() -> sp_consensus_babe::Epoch {
            Babe::next_epoch()
        }

        // Equivocations are not punished before stake elects the validators (configs/consensus.rs).
        fn generate_key_ownership_proof(
            _slot: sp_consensus_babe::Slot,
            _authority: sp_consensus_babe::AuthorityId,
        ) -> Option<sp_consensus_babe::OpaqueKeyOwnershipProof> {
            None
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            _proof: sp_consensus_babe::EquivocationProof<<Block as BlockT>::Header>,
            _owner: sp_consensus_babe::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            None
        }
    }

    impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
        fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
            Grandpa::grandpa_authorities()
        }

        fn current_set_id() -> sp_consensus_grandpa::SetId {
            pallet_grandpa::CurrentSetId::<Runtime>::get()
        }

        fn generate_key_ownership_proof(
            _set_id: sp_consensus_grandpa::SetId,
            _authority: sp_consensus_grandpa::AuthorityId,
        ) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
            None
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            _proof: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
            _owner: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            None
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
            SessionKeys::generate(&owner, seed).into()
        }

        fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
            SessionKeys::decode_into_raw_public_keys(&encoded)
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
        fn account_nonce(account: AccountId) -> Nonce {
            System::account_nonce(account)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(
            uxt: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_info(uxt, len)
        }

        fn query_fee_details(
            uxt: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::FeeDetails<Balance> {
            TransactionPayment::query_fee_details(uxt, len)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<Block, Balance, RuntimeCall>
        for Runtime
    {
        fn query_call_info(
            call: RuntimeCall,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_call_info(call, len)
        }

        fn query_call_fee_details(
            call: RuntimeCall,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::FeeDetails<Balance> {
            TransactionPayment::query_call_fee_details(call, len)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl weft_runtime_api::MarketApi<Block, AccountId> for Runtime {
        fn asset(asset: AssetId) -> Option<AssetView<AccountId>> {
            Market::asset(asset)
        }

        fn assets(from: u64, limit: u32) -> Page<AssetView<AccountId>> {
            Market::assets(from, limit)
        }

        fn assets_by_creator(creator: AccountId, from: u64, limit: u32) -> Page<AssetView<AccountId>> {
            Market::assets_by_creator(&creator, from, limit)
        }

        fn work(work: WorkId) -> Option<WorkView<AccountId>> {
            Market::work(work)
        }

        fn search(query: Query<AccountId>, from: u64, limit: u32) -> Page<WorkView<AccountId>> {
            Market::search(query, from, limit)
        }

        fn versions(work: WorkId, from: u64, limit: u32) -> Page<AssetView<AccountId>> {
            Market::versions(work, from, limit)
        }

        fn licence(licence: LicenceId) -> Option<LicenceView<AccountId>> {
            Market::licence_view(licence)
        }

        fn licence_of(work: WorkId, holder: AccountId) -> Option<LicenceView<AccountId>> {
            Market::licence_of(work, &holder)
        }

        fn licences_of(holder: AccountId, from: u64, limit: u32) -> Page<LicenceView<AccountId>> {
            Market::licences_of(&holder, from, limit)
        }

        fn lineage(asset: AssetId) -> Option<LineageView<AccountId>> {
            Market::lineage(asset)
        }

        fn ratings(work: WorkId, from: u64, limit: u32) -> Page<RatingView<AccountId>> {
            Market::ratings(work, from, limit)
        }

        fn scrutiny(asset: AssetId) -> ScrutinyView<AccountId> {
            Market::scrutiny(asset)
        }
    }

    impl weft_runtime_api::CustodyApi<Block, AccountId> for Runtime {
        fn custody(asset: AssetId) -> Option<CustodyView<AccountId>> {
            Custody::custody(asset)
        }

        fn dealing(dealing: DealingId) -> Option<DealingView<AccountId>> {
            Custody::dealing(dealing)
        }

        fn dealings_for(custodian: AccountId, from: u64, limit: u32) -> Page<DealingView<AccountId>> {
            Custody::dealings_for(&custodian, from, limit)
        }

        fn key_request(request: KeyRequestId) -> Option<KeyRequestView<AccountId>> {
            Custody::request_view(request)
        }

        fn key_request_of(recipient: KeyRecipient<AccountId>, asset: AssetId) -> Option<KeyRequestView<AccountId>> {
            Custody::request_of(&recipient, asset)
        }

        fn key_requests_for(custodian: AccountId, from: u64, limit: u32) -> Page<KeyRequestView<AccountId>> {
            Custody::requests_for(&custodian, from, limit)
        }

        fn custodian(custodian: AccountId) -> Option<CustodianView<AccountId>> {
            Custody::custodian(&custodian)
        }

        fn custodians(from: u64, limit: u32) -> Page<CustodianView<AccountId>> {
            Custody::custodians(from, limit)
        }
    }

    impl weft_runtime_api::PinsApi<Block, AccountId> for Runtime {
        fn pin_deal(deal: PinDealId) -> Option<PinDealView<AccountId>> {
            Pins::pin_deal(deal)
        }

        fn pin_deals(from: u64, limit: u32) -> Page<PinDealView<AccountId>> {
            Pins::pin_deals(from, limit)
        }

        fn pin_deals_about(asset: AssetId, from: u64, limit: u32) -> Page<PinDealView<AccountId>> {
            Pins::pin_deals_about(asset, from, limit)
        }

        fn pins_of(account: AccountId, from: u64, limit: u32) -> Page<PinView<AccountId>> {
            Pins::pins_of(&account, from, limit)
        }

        fn challenge(deal: PinDealId, pinner: AccountId) -> Option<ChallengeView> {
            Pins::challenge(deal, &pinner)
        }
    }

    impl weft_runtime_api::SpacesApi<Block, AccountId> for Runtime {
        fn space(space: SpaceId) -> Option<SpaceView<AccountId>> {
            Spaces::space(space)
        }

        fn spaces(query: SpaceQuery<AccountId>, from: u64, limit: u32) -> Page<SpaceView<AccountId>> {
            Spaces::spaces(query, from, limit)
        }

        fn releases(space: SpaceId, from: u64, limit: u32) -> Page<ReleaseView> {
            Spaces::releases(space, from, limit)
        }

        fn reviews(space: SpaceId, from: u64, limit: u32) -> Page<ReviewView<AccountId>> {
            Spaces::reviews(space, from, limit)
        }

        fn purchase(space: SpaceId, account: AccountId) -> Option<PurchaseView<AccountId>> {
            Spaces::purchase(space, &account)
        }

        fn space_reports(space: SpaceId, from: u64, limit: u32) -> Page<ReportView<AccountId>> {
            Spaces::reports(space, from, limit)
        }
    }

    impl weft_runtime_api::ProvidersApi<Block, AccountId> for Runtime {
        fn provider(owner: AccountId) -> Option<ProviderView<AccountId>> {
            Providers::provider(owner)
        }

        fn offers_for_model(model: AssetId, from: u64, limit: u32) -> Page<OfferView<AccountId>> {
            Providers::offers_for_model(model, from, limit)
        }
    }

    impl weft_runtime_api::DisputesApi<Block, AccountId, BlockNumber> for Runtime {
        fn dispute(dispute: u64) -> Option<DisputeView<AccountId, BlockNumber>> {
            Disputes::dispute(dispute)
        }

        fn disputes(from: u64, limit: u32) -> Page<DisputeView<AccountId, BlockNumber>> {
            Disputes::disputes(from, limit)
        }

        fn disputes_of(job: JobId) -> Vec<DisputeView<AccountId, BlockNumber>> {
            Disputes::disputes_of(job)
        }
    }

    impl weft_runtime_api::JobsApi<Block, AccountId, BlockNumber> for Runtime {
        fn job(job: JobId) -> Option<JobView<AccountId, BlockNumber>> {
            Jobs::job(job)
        }

        fn jobs_by_user(user: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>> {
            Jobs::jobs_by_user(user, from, limit)
        }

        fn active_jobs_of_provider(provider: AccountId, from: u64, limit: u32) -> Page<JobView<AccountId, BlockNumber>> {
            Jobs::active_jobs_of_provider(provider, from, limit)
        }
    }

    impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
        fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
            build_state::<RuntimeGenesisConfig>(config)
        }

        fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
            get_preset::<RuntimeGenesisConfig>(id, crate::presets::get_preset)
        }

        fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
            crate::presets::preset_names()
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    impl frame_benchmarking::Benchmark<Block> for Runtime {
        fn benchmark_metadata(
            extra: bool,
        ) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
            crate::benchmarks::list(extra)
        }

        fn dispatch_benchmark(
            config: frame_benchmarking::BenchmarkConfig,
        ) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
            crate::benchmarks::dispatch(config)
        }
    }

    #[cfg(feature = "try-runtime")]
    impl frame_try_runtime::TryRuntime<Block> for Runtime {
        fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
            // A failed check must stop here, with its reason: this runs only in try-runtime builds.
            let weight = Executive::try_runtime_upgrade(checks).expect("a migration check failed");
            (weight, crate::configs::RuntimeBlockWeights::get().max_block)
        }

        fn execute_block(
            block: <Block as BlockT>::LazyBlock,
            state_root_check: bool,
            signature_check: bool,
            select: frame_try_runtime::TryStateSelect,
        ) -> Weight {
            Executive::try_execute_block(block, state_root_check, signature_check, select)
                .expect("the block does not execute or leaves a bad state")
        }
    }
}
