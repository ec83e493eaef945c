//! How each pallet is set up, by concern.

mod ai;
mod consensus;
mod money;
mod system;

pub use money::TreasuryAccount;
pub use system::{RuntimeBlockWeights, SS58Prefix};
