//! The running node.

use std::{sync::Arc, time::Duration};

use sc_client_api::BlockBackend;
use sc_consensus_babe::{BabeParams, SlotProportion};
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaParams, SharedVoterState};
use sc_network::{NetworkBackend, config::FullNetworkConfiguration};
use sc_service::{
    BuildNetworkParams, Configuration, PartialComponents, SpawnTasksParams, TaskManager, WarpSyncConfig, error::Error,
};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_runtime::traits::Block as BlockT;

use super::{
    JUSTIFICATION_PERIOD,
    partial::{Block, Consensus, inherent_providers, new_partial},
};
use crate::rpc;

/// How long GRANDPA waits between gossip rounds; finality lags by a few of these.
const GRANDPA_GOSSIP: Duration = Duration::from_millis(333);

/// Starts everything a node of this role runs.
pub fn start<N: NetworkBackend<Block, <Block as BlockT>::Hash>>(config: Configuration) -> Result<TaskManager, Error> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other:
            Consensus {
                block_import,
                babe_link,
                babe_worker,
                grandpa_link,
                mut telemetry,
            },
    } = new_partial(&config)?;

    let mut net_config = FullNetworkConfiguration::<Block, <Block as BlockT>::Hash, N>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let genesis_hash = client
        .block_hash(0)?
        .ok_or_else(|| Error::Other("the database has no genesis block: purge the chain and start again".into()))?;
    let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
    let (grandpa_protocol_config, grandpa_notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
        grandpa_protocol.clone(),
        metrics.clone(),
        net_config.peer_store_handle(),
    );
    net_config.add_notification_protocol(grandpa_protocol_config);

    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let role = config.role;
    let force_authoring = config.force_authoring;
    let name = config.network.node_name.clone();
    let enable_grandpa = !config.disable_grandpa;
    let prometheus_registry = config.prometheus_registry().cloned();
    let voter_state = SharedVoterState::empty();

    let rpc_builder = {
        let client = client.clone();
        let pool = transaction_pool.clone();
        let select_chain = select_chain.clone();
        let keystore = keystore_container.keystore();
        let justification_stream = grandpa_link.justification_stream();
        let authority_set = grandpa_link.shared_authority_set().clone();
        let voter_state = voter_state.clone();
        let finality_proofs =
            FinalityProofProvider::new_for_service(backend.clone(), Some(grandpa_link.shared_authority_set().clone()));
        Box::new(move |subscriptions: sc_rpc::SubscriptionTaskExecutor| {
            rpc::create(rpc::Deps {
                client: client.clone(),
                pool: pool.clone(),
                babe: rpc::Babe {
                    worker: babe_worker.clone(),
                    keystore: keystore.clone(),
                    select_chain: select_chain.clone(),
                },
                grandpa: rpc::Grandpa {
                    authority_set: authority_set.clone(),
                    voter_state: voter_state.clone(),
                    justification_stream: justification_stream.clone(),
                    finality_proofs: finality_proofs.clone(),
                    subscriptions,
                },
            })
            .map_err(Into::into)
        })
    };

    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder,
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let proposer = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            telemetry.as_ref().map(|telemetry| telemetry.handle()),
        );
        let slot_duration = babe_link.config().slot_duration();
        let babe = sc_consensus_babe::start_babe(BabeParams {
            keystore: keystore_container.keystore(),
            client,
            select_chain,
            env: proposer,
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            create_inherent_data_providers: move |_parent, ()| async move { Ok(inherent_providers(slot_duration)) },
            force_authoring,
            // Authors wait when finality falls behind, so that a stalled GRANDPA does not leave a long unfinalised tail.
            backoff_authoring_blocks: Some(sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging::default()),
            babe_link,
            block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
        })?;
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("babe", Some("block-authoring"), babe);
    }

    if enable_grandpa {
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GRANDPA_GOSSIP,
                justification_generation_period: JUSTIFICATION_PERIOD,
                observer_enabled: false,
                local_role: role,
                name: Some(name),
                // A node that does not vote needs no key.
                keystore: role.is_authority().then(|| keystore_container.keystore()),
                telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
                protocol_name: grandpa_protocol,
            },
            link: grandpa_link,
            network,
            sync: sync_service,
            notification_service: grandpa_notifications,
            voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
            prometheus_registry,
            shared_voter_state: voter_state,
            telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager
            .spawn_essential_handle()
            .spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}
