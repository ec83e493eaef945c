//! One file for each group of calls.

mod committees;
mod custodians;
mod deadlines;
mod disputes;
mod entrusting;
mod honesty;
mod listing;
mod requests;
mod rotation;
mod sequences;
mod try_state;
