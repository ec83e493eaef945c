//! Programs of other people that talk to a dev node: a library of theirs, its own reading of the metadata, nothing of
//! ours in between.

mod polkadot_js;
mod subxt;
