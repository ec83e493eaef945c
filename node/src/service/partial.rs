//! The parts that subcommands share with the running node: everything short of the network.

use std::sync::Arc;

use sc_consensus_babe::{BabeLink, BabeWorkerHandle};
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf};
use sc_executor::WasmExecutor;
use sc_service::{Configuration, PartialComponents, TFullBackend, TFullClient, error::Error};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::inherents::BabeCreateInherentDataProviders;

use super::JUSTIFICATION_PERIOD;

/// Blocks as the node sees them: extrinsics are bytes.
pub use weft_runtime::opaque::Block;

/// Answers queries, executes blocks.
pub type Client = TFullClient<Block, weft_runtime::apis::RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
/// The database.
pub type Backend = TFullBackend<Block>;
/// The fork choice.
pub type SelectChain = sc_consensus::LongestChain<Backend, Block>;
/// Transactions waiting for a block.
pub type TransactionPool = TransactionPoolHandle<Block, Client>;

type Grandpa = GrandpaBlockImport<Backend, Block, Client, SelectChain>;
type Babe =
    sc_consensus_babe::BabeBlockImport<Block, Client, Grandpa, BabeCreateInherentDataProviders<Block>, SelectChain>;

/// What consensus needs beyond the parts every node has.
pub struct Consensus {
    pub block_import: Babe,
    pub babe_link: BabeLink<Block>,
    pub babe_worker: BabeWorkerHandle<Block>,
    pub grandpa_link: LinkHalf<Block, Client, SelectChain>,
    pub telemetry: Option<Telemetry>,
}

type Partial = PartialComponents<
    Client,
    Backend,
    SelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    TransactionPool,
    Consensus,
>;

/// Opens the database and sets up execution, the transaction pool and block import.
pub fn new_partial(config: &Configuration) -> Result<Partial, Error> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = sc_service::new_wasm_executor::<sp_io::SubstrateHostFunctions>(&config.executor);
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, weft_runtime::apis::RuntimeApi, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            Vec::new(),
        )?;
    let client = Arc::new(client);

    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });
    let telemetry_handle = || telemetry.as_ref().map(|telemetry| telemetry.handle());

    let select_chain = sc_consensus::LongestChain::new(backend.clone());

    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let (grandpa, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry_handle(),
    )?;

    let babe_config = sc_consensus_babe::configuration(&*client)?;
    let slot_duration = babe_config.slot_duration();
    let inherents = Arc::new(move |_parent, ()| async move { Ok(inherent_providers(slot_duration)) })
        as BabeCreateInherentDataProviders<Block>;
    let (block_import, babe_link) = sc_consensus_babe::block_import(
        babe_config,
        grandpa.clone(),
        client.clone(),
        inherents,
        select_chain.clone(),
        OffchainTransactionPoolFactory::new(transaction_pool.clone()),
    )?;

    let (import_queue, babe_worker) = sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
        link: babe_link.clone(),
        block_import: block_import.clone(),
        justification_import: Some(Box::new(grandpa)),
        client: client.clone(),
        slot_duration,
        spawner: &task_manager.spawn_essential_handle(),
        registry: config.prometheus_registry(),
        telemetry: telemetry_handle(),
    })?;

    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus {
            block_import,
            babe_link,
            babe_worker,
            grandpa_link,
            telemetry,
        },
    })
}

/// The inherents of a block made or checked now: its slot and the time.
pub fn inherent_providers(
    slot_duration: sp_consensus_babe::SlotDuration,
) -> (
    sp_consensus_babe::inherents::InherentDataProvider,
    sp_timestamp::InherentDataProvider,
) {
    let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
    let slot =
        sp_consensus_babe::inherents::InherentDataProvider::from_timestamp_and_slot_duration(*timestamp, slot_duration);
    (slot, timestamp)
}
