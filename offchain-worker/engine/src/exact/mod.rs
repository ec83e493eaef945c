//! Exact models: conversion from float models, text and embeddings with a trace, openings, and the GPU's engine.

mod convert;
mod embedding;
mod evidence;
pub mod gpu;
mod metadata_file;
mod open;
mod opening;
mod prompts;
mod replayer;
mod serve;
mod source;
mod text;

pub use convert::{ConvertOptions, Fitting, convert};
pub use embedding::{ExactEmbedding, ExactEmbeddings};
pub use open::{ExactError, KernelChoice};
pub use opening::open_answer;
pub use prompts::{Asked, Prompts, SENTENCE_TOKENIZER, among, commitment};
pub use replayer::{Player, Replayer, read_model};
pub use serve::ExactServer;
pub use text::{ExactGeneration, ExactText, TOKENIZER, choice};
// What these give and take.
pub use weft_exact::merkle::Digest;
pub use weft_exact::opening::{Checked, Opening, Refuted};
pub use weft_exact::program::{Choice, Config, Family};
pub use weft_exact::trace::Trace;
pub use weft_exact_engine::convert::{Format, Progress, Stage};
pub use weft_exact_engine::cpu::NotReady;
pub use weft_exact_engine::engine::Failure;
pub use weft_exact_engine::files::{MANIFEST, Manifest, WEIGHTS, read_manifest};
pub use weft_exact_engine::kernel::Kernel;
pub use weft_exact_engine::kernel::known_answer::Wrong;
pub use weft_exact_engine::opening::{Question, Unopened};
