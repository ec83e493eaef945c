//! One file for each group of calls.

mod endpoint;
mod grants;
mod listing;
mod publication;
mod registry;
mod sequences;
mod try_state;
