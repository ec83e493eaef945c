//! One file for each group of calls.

mod catalogue;
mod endpoint;
mod flat;
mod grants;
mod licences;
mod lineage;
mod listing;
mod ownership;
mod publication;
mod ratings;
mod registry;
mod scrutiny;
mod sequences;
mod try_state;
mod uses;
