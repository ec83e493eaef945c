//! Exact inference on processors.
//!
//! A batch is some rows: tokens of sequences, or of texts. All threads go through a layer together in phases, each of which
//! is cut into items: rows, or strips of rows and some panels of weights. No sum depends on how it is cut.

mod attend;
mod cache;
mod forward;
mod linear;
mod team;

use std::{collections::BTreeMap, num::NonZeroUsize};

use weft_exact::{
    fixed::Fixed,
    merkle,
    model::Model,
    pool::{mean, pool, unit},
    program::{Family, Kept, POOLED, Part, Program},
    reference::NoStep,
    trace::{self, LEAF_POSITIONS},
};

use self::{
    cache::Cache,
    forward::{Row, Weights},
    team::Team,
};
pub use self::{forward::Observer, team::NoThreads};
use crate::{
    engine::{Encoded, Engine, Failure, Slot, Work},
    kernel::{
        Kernel, Missing,
        known_answer::{Wrong, check_once},
    },
    referee,
};

/// Rows that go through the layers together.
const MOST_ROWS: usize = 256;

/// A processor with a model.
pub struct CpuEngine {
    weights: Weights,
    team: Team,
    kernel: Kernel,
    sequences: BTreeMap<Slot, Cache>,
    opened: usize,
}

/// Why a processor cannot serve a model.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It lacks the kernel.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The kernel gives wrong bits.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// Its threads cannot be started.
    #[error(transparent)]
    Threads(#[from] NoThreads),
}

impl CpuEngine {
    /// For a model, with a kernel and some threads.
    ///
    /// Before its first model every kernel has to give the known answers.
    pub fn new(model: &Model, kernel: Kernel, threads: NonZeroUsize) -> Result<Self, NotReady> {
        check_once(kernel.checked()?)?;
        Ok(Self {
            kernel,
            team: Team::new(threads)?,
            weights: Weights::new(model),
            sequences: BTreeMap::new(),
            opened: 0,
        })
    }

    /// Appends tokens to a sequence while an observer sees the inputs of all products: for calibration.
    pub fn observe(&mut self, slot: Slot, tokens: &[u32], observer: &Observer<'_>) -> Result<(), Failure> {
        let work = [Work {
            slot,
            tokens,
            logits: true,
        }];
        self.run(&work, Some(observer)).map(|_| ())
    }

    fn run(&mut self, batch: &[Work<'_>], observer: Option<&Observer<'_>>) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        referee::check(self, batch)?;
        if let Some(work) = batch.iter().find(|work| !self.sequences.contains_key(&work.slot)) {
            return Err(Failure::Slot(work.slot));
        }
        let mut caches: Vec<Cache> = batch
            .iter()
            .filter_map(|work| self.sequences.remove(&work.slot))
            .collect();
        let mut logits: Vec<Option<Vec<Fixed>>> = batch.iter().map(|_| None).collect();
        let all = batch.iter().enumerate().flat_map(|(sequence, work)| {
            let last = work.tokens.len() - 1;
            work.tokens
                .iter()
                .enumerate()
                .map(move |(index, token)| (sequence, *token, work.logits && index == last))
        });
        let all: Vec<(usize, u32, bool)> = all.collect();
        for rows in all.chunks(MOST_ROWS) {
            let mut lengths: Vec<usize> = caches.iter().map(|cache| cache.length).collect();
            let rows: Vec<Row> = rows
                .iter()
                .map(|(sequence, token, wanted)| {
                    let position = lengths[*sequence];
                    lengths[*sequence] += 1;
                    Row {
                        sequence: *sequence,
                        position,
                        token: *token,
                        visible: position + 1,
                        wanted: *wanted,
                    }
                })
                .collect();
            let (_, some) = self
                .weights
                .forward(&self.team, self.kernel, &rows, &mut caches, observer);
            let wanted = rows.iter().filter(|row| row.wanted);
            wanted
                .zip(some)
                .for_each(|(row, made)| logits[row.sequence] = Some(made));
        }
        for (work, cache) in batch.iter().zip(caches) {
            self.sequences.insert(work.slot, cache);
        }
        Ok(logits)
    }
}

impl Engine for CpuEngine {
    fn program(&self) -> &Program {
        self.weights.program()
    }

    fn name(&self) -> String {
        format!("cpu:{}:{}", self.team.threads(), self.kernel)
    }

    fn open(&mut self) -> Slot {
        let slot = Slot(self.opened);
        self.opened += 1;
        self.sequences.insert(slot, Cache::new(self.weights.program().config()));
        slot
    }

    fn close(&mut self, slot: Slot) {
        self.sequences.remove(&slot);
    }

    fn position(&self, slot: Slot) -> usize {
        self.sequences.get(&slot).map_or(0, |cache| cache.length)
    }

    fn advance(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        self.run(batch, None)
    }

    fn group(&mut self, slot: Slot, first: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let cache = self.sequences.get(&slot).ok_or(Failure::Slot(slot))?;
        let config = self.weights.program().config();
        let end = cache.length.min(first + LEAF_POSITIONS);
        let leaf = |(layer, kind, head): (usize, Kept, usize)| {
            let head = &cache.heads[layer * config.kv_heads + head];
            let mut bytes = Vec::with_capacity(LEAF_POSITIONS * (config.head_width + 4));
            (first..end).for_each(|position| head.bytes(kind, position, config.head_width, &mut bytes));
            bytes
        };
        Ok(trace::group(self.weights.program()).map(leaf).collect())
    }

    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure> {
        let config = *self.weights.program().config();
        if config.family != Family::Bert {
            return Err(Failure::WrongFamily);
        }
        for text in texts {
            if text.is_empty() {
                return Err(NoStep::Empty.into());
            }
            if text.len() > config.context {
                return Err(NoStep::ContextFull.into());
            }
            if let Some(token) = text.iter().find(|token| **token as usize >= config.vocabulary) {
                return Err(NoStep::UnknownToken(*token).into());
            }
        }
        let mut encoded = Vec::new();
        let mut rest = texts;
        while !rest.is_empty() {
            let mut rows = 0;
            let fits = rest.iter().take_while(|text| {
                rows += text.len();
                rows <= MOST_ROWS
            });
            let (some, later) = rest.split_at(fits.count().max(1));
            rest = later;
            encoded.extend(self.encode_some(some));
        }
        Ok(encoded)
    }
}

impl CpuEngine {
    fn encode_some(&self, texts: &[&[u32]]) -> Vec<Encoded> {
        let program = self.weights.program();
        let config = program.config();
        let mut caches: Vec<Cache> = texts.iter().map(|_| Cache::new(config)).collect();
        let rows = texts.iter().enumerate().flat_map(|(sequence, text)| {
            text.iter().enumerate().map(move |(position, token)| Row {
                sequence,
                position,
                token: *token,
                visible: text.len(),
                wanted: false,
            })
        });
        let rows: Vec<Row> = rows.collect();
        let (x, _) = self.weights.forward(&self.team, self.kernel, &rows, &mut caches, None);
        let mut hidden: Vec<Vec<Fixed>> = x.chunks(config.width).map(<[Fixed]>::to_vec).collect();
        let mut encoded = Vec::new();
        for (text, cache) in texts.iter().zip(&caches) {
            let later = hidden.split_off(text.len());
            let own = std::mem::replace(&mut hidden, later);
            let kept = trace::leaves(program, text.len(), |layer, kind, head, position, bytes| match kind {
                Kept::Hidden => {
                    let elements = own[position].chunks(POOLED).nth(head).unwrap_or_default();
                    bytes.extend(elements.iter().flat_map(|x| x.to_le_bytes()));
                }
                kind => cache.heads[layer * config.kv_heads + head].bytes(kind, position, config.head_width, bytes),
            });
            encoded.push(Encoded {
                unit: unit(&mean(&[pool(&own)], text.len() as u32)),
                kept,
            });
        }
        encoded
    }
}

/// For traces that are made of bytes: their digests.
pub fn digests(leaves: &[Vec<u8>]) -> Vec<merkle::Digest> {
    leaves.iter().map(|leaf| merkle::leaf(leaf)).collect()
}

/// The weights that a model's parts name.
fn matrix(model: &Model, layer: usize, part: Part) -> weft_exact::linear::Matrix {
    // A checked model has a matrix wherever its program asks for one.
    model
        .matrix(layer, part)
        .cloned()
        .expect("a checked model has all matrices of its program")
}
