//! A dispute about an exact answer: two who disagree are led to one tile, which is computed again (ADR 012).
//!
//! Everything here is pure: the state of a game, what a move makes of it, and who has won. Time, money and accounts are the
//! pallet's. The challenger only names places; all values are the provider's own, held to the root it committed to. So there is
//! nothing that a challenger could say and that would have to be believed.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod claim;
pub mod game;
pub mod play;
pub mod prompt;
pub mod split;
pub mod view;

pub use claim::{Among, Claimed, PromptFault, ShownSketch};
pub use game::{Claim, Game, Judged, Move, Next, NoClaim, Refused, Side, Stage};
pub use prompt::{MAX_ENDS, NotUnasked, Prompt, Shown, Unasked};
pub use weft_exact::opening::Fraud;
