//! Weft seen from outside: a harness that starts real nodes and workers on loopback, and the rules that the workspace
//! itself is held to.

pub mod address;
pub mod demo;
pub mod error;
pub mod executables;
pub mod identity;
pub mod layering;
pub mod metadata;
pub mod network;
pub mod node;
pub mod process;
pub mod purse;
pub mod rpc;
pub mod running_space;
pub mod settlement;
pub mod small_disk;
pub mod source;
