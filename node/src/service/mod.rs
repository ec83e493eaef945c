//! What runs in the process: client and database, transaction pool, import queue, network, BABE authorship, GRANDPA
//! finality, RPC.

mod partial;
mod start;

pub use partial::{Backend, Block, Client, SelectChain, TransactionPool, new_partial};
pub use start::start;

/// A GRANDPA justification is kept at least every so many blocks; warp sync and bridges start from one.
const JUSTIFICATION_PERIOD: u32 = 512;
