//! Search over the text files of a folder: passages, their embeddings, and a cache of both on disk.

mod cache;
mod folder;
mod index;
mod passages;

pub use index::Searcher;
