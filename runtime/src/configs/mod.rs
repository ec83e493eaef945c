//! How each pallet is set up, by concern.

mod ai;
mod consensus;
mod custody;
mod disputes;
mod money;
mod payments;
mod spaces;
mod storage;
mod system;

pub use money::TreasuryAccount;
pub use system::{RuntimeBlockWeights, SS58Prefix};
