//! Disputes as clients see them: the answer types of the runtime API.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{Side, Stage};

/// Whether a dispute goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum DisputeStanding {
    /// A move is awaited.
    Open,
    /// A side was silent, and has lost unless it appeals in time.
    Lapsed(Side),
    /// It has appealed.
    Appealed(Side),
}

/// A dispute that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct DisputeView<AccountId, BlockNumber> {
    /// Its number.
    pub id: u64,
    /// The job whose result is disputed.
    pub job: u64,
    /// Who doubts it.
    pub challenger: AccountId,
    /// Whose stake answers for it.
    pub provider: AccountId,
    /// The device that may move for the provider.
    pub device: AccountId,
    /// Whether it goes on.
    pub standing: DisputeStanding,
    /// Whose move is awaited, or was.
    pub turn: Side,
    /// The text whose sketch is demanded; `None` from there on.
    pub text: Option<u32>,
    /// What is disputed, as SCALE of [`crate::Claim`].
    pub claim: Option<Vec<u8>>,
    /// How far the game has come.
    pub stage: Option<Stage>,
    /// Last block for what is awaited.
    pub until: BlockNumber,
    /// What is held from the challenger, in the smallest unit.
    pub bond: u128,
    /// What was seized of the provider's stake, in the smallest unit.
    pub seized: u128,
    /// Moves so far.
    pub moves: u16,
    /// Block in which it was opened.
    pub opened_at: BlockNumber,
}
