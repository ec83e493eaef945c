//! One file for each group of calls.

mod availability;
mod keys;
mod listing;
mod matching;
mod offers;
mod registration;
mod rotation;
mod sequences;
mod slashing;
mod stake;
mod try_state;
