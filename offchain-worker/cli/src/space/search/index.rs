//! The index of a folder: built in the background, file by file, and asked.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weft_primitives::AssetKind;

use super::{
    cache,
    folder::{self, Found},
    passages::{Passage, passages},
};
use crate::space::{
    manifest::Limits,
    models::{Models, NoAnswer},
};

/// Most passages of a folder. With vectors of 384 numbers they take 77 MB.
pub const MAX_PASSAGES: usize = 50_000;
/// Texts embedded at once.
const BATCH: usize = 16;
/// Most hits of a search.
const MAX_HITS: usize = 50;

/// A file with its passages, and a vector of length 1 for each.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexedFile {
    /// The file as it was.
    pub found: Found,
    /// Its passages.
    pub passages: Vec<Passage>,
    /// Their vectors, one after the other.
    pub vectors: Vec<f32>,
}

/// A passage that is close to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The file, from the folder.
    pub file: String,
    /// The passage's first line.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// Cosine of the angle between it and the question.
    pub score: f32,
}

/// How far the index is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// So many of so many files.
    Building {
        /// Files done.
        done: usize,
        /// Files in all.
        total: usize,
    },
    /// All of it.
    Ready,
    /// It could not be made.
    Failed(String),
}

/// A folder that can be searched.
pub struct Searcher {
    folder: PathBuf,
    cache: PathBuf,
    limits: Limits,
    models: Arc<Models>,
    state: Mutex<State>,
    passed_over: Mutex<usize>,
    files: RwLock<Vec<IndexedFile>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Searcher {
    /// A searcher of `folder` whose index is to be built by [`Self::build`]. What was computed is kept below `caches`.
    pub fn new(folder: PathBuf, caches: &std::path::Path, limits: Limits, models: Arc<Models>) -> Self {
        let cache = caches.join(cache::file_name(&folder, &models.identity(AssetKind::EmbeddingModel)));
        Self {
            folder,
            cache,
            limits,
            models,
            state: Mutex::new(State::Building { done: 0, total: 0 }),
            passed_over: Mutex::new(0),
            files: RwLock::new(Vec::new()),
        }
    }

    /// The file in which what was computed is kept.
    #[cfg(test)]
    pub fn cache(&self) -> &std::path::Path {
        &self.cache
    }

    /// Builds the index. What has not changed since the last time is taken from the cache.
    pub async fn build(self: Arc<Self>) {
        let state = match self.try_build().await {
            Ok(()) => State::Ready,
            Err(why) => {
                tracing::error!(folder = %self.folder.display(), why, "the folder cannot be searched");
                State::Failed(why)
            }
        };
        *locked(&self.state) = state;
    }

    async fn try_build(&self) -> Result<(), String> {
        let limits = self.limits;
        let max_files = usize::try_from(limits.max_files).unwrap_or(usize::MAX);
        let (dir, cache) = (self.folder.clone(), self.cache.clone());
        let listed = tokio::task::spawn_blocking(move || {
            let listing = folder::list(&dir, max_files, limits.max_file_bytes);
            listing
                .map(|listing| (listing, cache::read(&cache)))
                .map_err(|error| format!("cannot read {}: {error}", dir.display()))
        });
        let (listing, cached) = listed.await.map_err(|panic| panic.to_string())??;
        *locked(&self.passed_over) = listing.passed_over;
        let mut cached: BTreeMap<_, _> = cached.into_iter().map(|file| (file.found.path.clone(), file)).collect();
        let total = listing.files.len();
        let (mut files, mut count, mut is_new) = (Vec::new(), 0usize, false);
        for (done, found) in listing.files.into_iter().enumerate() {
            *locked(&self.state) = State::Building { done, total };
            let file = match cached.remove(&found.path) {
                Some(file) if file.found == found => file,
                _ => {
                    is_new = true;
                    self.index(found, MAX_PASSAGES.saturating_sub(count)).await?
                }
            };
            count = count.saturating_add(file.passages.len());
            files.push(file);
            if count >= MAX_PASSAGES {
                *locked(&self.passed_over) += total - done - 1;
                break;
            }
        }
        if is_new || !cached.is_empty() {
            let cache = self.cache.clone();
            let kept = tokio::task::spawn_blocking(move || (cache::write(&cache, &files), files)).await;
            let (kept, back) = kept.map_err(|panic| panic.to_string())?;
            files = back;
            if let Err(error) = kept {
                // Only the next start takes longer.
                tracing::warn!(%error, cache = %self.cache.display(), "the index was not kept");
            }
        }
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    async fn index(&self, found: Found, most: usize) -> Result<IndexedFile, String> {
        let (dir, max_bytes) = (self.folder.clone(), self.limits.max_file_bytes);
        let read = tokio::task::spawn_blocking(move || {
            let text = folder::text(&dir, &found, max_bytes).unwrap_or_default();
            (passages(&text, most), found)
        });
        let (passages, found) = read.await.map_err(|panic| panic.to_string())?;
        let mut vectors = Vec::new();
        for batch in passages.chunks(BATCH) {
            let texts: Vec<_> = batch.iter().map(|passage| passage.text.clone()).collect();
            let count = texts.len();
            let embedded = self.models.embed(texts).await.map_err(|error| error.to_string())?;
            if embedded.embeddings.len() != count {
                return Err("the model gave other vectors than it was asked for".into());
            }
            vectors.extend(embedded.embeddings.into_iter().flatten());
        }
        Ok(IndexedFile {
            found,
            passages,
            vectors,
        })
    }

    /// How far it is, for pages.
    pub fn describe(&self) -> Value {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let passages: usize = files.iter().map(|file| file.passages.len()).sum();
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let about = json!({
            "folder": name,
            "files": files.len(),
            "passages": passages,
            "passed_over": *locked(&self.passed_over),
        });
        let state = match &*locked(&self.state) {
            State::Building { done, total } => json!({ "state": "building", "done": done, "total": total }),
            State::Ready => json!({ "state": "ready" }),
            State::Failed(why) => json!({ "state": "failed", "why": why }),
        };
        match (about, state) {
            (Value::Object(mut about), Value::Object(state)) => {
                about.extend(state);
                Value::Object(about)
            }
            (about, _) => about,
        }
    }

    /// The passages closest to a question; `None` as long as the index is not ready.
    pub async fn search(&self, query: String, limit: usize) -> Result<Option<Vec<Hit>>, NoAnswer> {
        match &*locked(&self.state) {
            State::Ready => {}
            State::Building { .. } => return Ok(None),
            State::Failed(why) => return Err(NoAnswer::Failed(why.clone())),
        }
        let embedded = self.models.embed(vec![query]).await?;
        let vector = embedded.embeddings.into_iter().next().unwrap_or_default();
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(closest(&files, &vector, limit.min(MAX_HITS))))
    }
}

/// The passages whose vectors are closest to `query`, the closest first.
fn closest(files: &[IndexedFile], query: &[f32], limit: usize) -> Vec<Hit> {
    if query.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<(f32, &IndexedFile, &Passage)> = files
        .iter()
        .flat_map(|file| {
            let vectors = file.vectors.chunks_exact(query.len());
            let scores = vectors.map(|vector| vector.iter().zip(query).map(|(a, b)| a * b).sum::<f32>());
            scores
                .zip(&file.passages)
                .map(move |(score, passage)| (score, file, passage))
        })
        .collect();
    scored.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let hit = |(score, file, passage): (f32, &IndexedFile, &Passage)| Hit {
        file: file.found.path.clone(),
        line: passage.line,
        text: passage.text.clone(),
        score,
    };
    scored.into_iter().take(limit).map(hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_come_first() {
        let file = |path: &str, vectors: &[[f32; 2]]| IndexedFile {
            found: Found {
                path: path.into(),
                bytes: 1,
                modified_ns: 1,
            },
            passages: (1..)
                .zip(vectors)
                .map(|(line, _)| Passage { line, text: "t".into() })
                .collect(),
            vectors: vectors.concat(),
        };
        let files = [file("a", &[[1.0, 0.0], [0.0, 1.0]]), file("b", &[[0.6, 0.8]])];
        let found = closest(&files, &[0.0, 1.0], 2);
        let found: Vec<_> = found
            .iter()
            .map(|hit| (hit.file.as_str(), hit.line, hit.score))
            .collect();
        assert_eq!(found, [("a", 2, 1.0), ("b", 1, 0.8)]);
        assert!(closest(&files, &[], 2).is_empty());
    }
}
