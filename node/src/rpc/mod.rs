//! What the node answers over RPC: Substrate's own methods, and `weft_*` over the runtime APIs.

mod weft;

use std::sync::Arc;

use jsonrpsee::RpcModule;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::BabeApiServer;
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState};
use sc_consensus_grandpa_rpc::GrandpaApiServer;
use sc_rpc::SubscriptionTaskExecutor;
use sp_keystore::KeystorePtr;
use substrate_frame_rpc_system::SystemApiServer;
use weft_runtime::{BlockNumber, Hash};

use crate::service::{Backend, Block, Client, SelectChain, TransactionPool};

/// What BABE's methods need.
pub struct Babe {
    pub worker: BabeWorkerHandle<Block>,
    pub keystore: KeystorePtr,
    pub select_chain: SelectChain,
}

/// What GRANDPA's methods need.
pub struct Grandpa {
    pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
    pub voter_state: SharedVoterState,
    pub justification_stream: GrandpaJustificationStream<Block>,
    pub finality_proofs: Arc<FinalityProofProvider<Backend, Block>>,
    pub subscriptions: SubscriptionTaskExecutor,
}

/// What all methods need.
pub struct Deps {
    pub client: Arc<Client>,
    pub pool: Arc<TransactionPool>,
    pub babe: Babe,
    pub grandpa: Grandpa,
}

/// Puts all methods into one module.
pub fn create(deps: Deps) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use substrate_frame_rpc_system::System;

    let Deps {
        client,
        pool,
        babe,
        grandpa,
    } = deps;
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(
        sc_consensus_babe_rpc::Babe::new(client.clone(), babe.worker, babe.keystore, babe.select_chain).into_rpc(),
    )?;
    module.merge(
        sc_consensus_grandpa_rpc::Grandpa::new(
            grandpa.subscriptions,
            grandpa.authority_set,
            grandpa.voter_state,
            grandpa.justification_stream,
            grandpa.finality_proofs,
        )
        .into_rpc(),
    )?;
    module.merge(weft::WeftApiServer::into_rpc(weft::Weft::new(client)))?;
    Ok(module)
}
