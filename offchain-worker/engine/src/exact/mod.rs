//! Exact models: conversion from float models, text and embeddings with a trace, and the GPU's engine.

mod embedding;
mod open;
mod text;

pub use embedding::{ExactEmbedding, ExactEmbeddings};
pub use open::{ExactError, KernelChoice};
pub use text::{ExactGeneration, ExactText, TOKENIZER, choice};
