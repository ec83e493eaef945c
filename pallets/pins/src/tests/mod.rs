//! One file for each group of calls.

mod deals;
mod epochs;
mod eviction;
mod listing;
mod proofs;
mod sequences;
mod try_state;
