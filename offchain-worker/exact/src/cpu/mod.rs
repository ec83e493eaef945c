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
    merkle::Digest,
    model::Model,
    program::{Kept, Part, Program},
    trace::{self, LEAF_POSITIONS},
};

pub use self::team::NoThreads;
use self::{
    cache::Cache,
    forward::{Row, Weights},
    team::Team,
};
use crate::{
    engine::{Encoded, Engine, Failure, Slot, Work, check_batch, check_texts},
    kernel::{
        Kernel, Missing, Shared,
        known_answer::{Tamper, Wrong, check_once, check_tampered},
    },
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
        Self::checked(model, kernel, threads)
    }

    /// With a kernel whose answers may be changed on their way to the known-answer test, which is run anew: a faulty processor,
    /// for tests of what happens then.
    pub fn with_answers(
        model: &Model,
        kernel: Kernel,
        threads: NonZeroUsize,
        tamper: Tamper<'_>,
    ) -> Result<Self, NotReady> {
        check_tampered(kernel.checked()?, tamper)?;
        Self::checked(model, kernel, threads)
    }

    fn checked(model: &Model, kernel: Kernel, threads: NonZeroUsize) -> Result<Self, NotReady> {
        Ok(Self {
            kernel,
            team: Team::new(threads)?,
            weights: Weights::new(model),
            sequences: BTreeMap::new(),
            opened: 0,
        })
    }

    fn run(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        check_batch(self, batch)?;
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
            let (_, some) = self.weights.forward(&self.team, self.kernel, &rows, &mut caches);
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
        self.run(batch)
    }

    fn group(&mut self, slot: Slot, first: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let cache = self.sequences.get(&slot).ok_or(Failure::Slot(slot))?;
        Ok(group_of(self.weights.program(), cache, first))
    }

    fn cells(&mut self, slot: Slot, first: usize, end: usize) -> Result<Vec<Digest>, Failure> {
        let cache = self.sequences.get(&slot).ok_or(Failure::Slot(slot))?;
        let program = self.weights.program();
        let starts: Vec<usize> = (first..end).step_by(LEAF_POSITIONS).collect();
        let cells = |first: usize| {
            let positions = LEAF_POSITIONS.min(end.min(cache.length).saturating_sub(first));
            trace::cells_of_group(program, &group_of(program, cache, first), positions)
        };
        if let [single] = starts[..] {
            return Ok(cells(single));
        }
        let mut groups: Vec<Vec<Digest>> = starts.iter().map(|_| Vec::new()).collect();
        let results = Shared::new(&mut groups);
        self.team.run(|member| {
            member.phase(starts.len(), |item| {
                // SAFETY: each item has its own place.
                let place = unsafe { results.part(item..item + 1) };
                place.fill_with(|| cells(starts[item]));
            });
        });
        Ok(groups.concat())
    }

    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure> {
        check_texts(self, texts)?;
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
        let mut caches: Vec<Cache> = texts.iter().map(|text| Cache::expecting(config, text.len())).collect();
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
        let (x, _) = self.weights.forward(&self.team, self.kernel, &rows, &mut caches);
        let mut firsts = Vec::new();
        texts.iter().fold(0, |first, text| {
            firsts.push(first);
            first + text.len()
        });
        let mut encoded: Vec<Option<Encoded>> = texts.iter().map(|_| None).collect();
        let results = Shared::new(&mut encoded);
        self.team.run(|member| {
            member.phase(texts.len(), |text| {
                let own = &x[firsts[text] * config.width..][..texts[text].len() * config.width];
                // SAFETY: each item has its own place.
                let place = unsafe { results.part(text..text + 1) };
                place.fill_with(|| Some(finish(program, own, &caches[text])));
            });
        });
        encoded.into_iter().flatten().collect()
    }
}

/// See [`Engine::group`].
fn group_of(program: &Program, cache: &Cache, first: usize) -> Vec<Vec<u8>> {
    let config = program.config();
    let end = cache.length.min(first + LEAF_POSITIONS);
    let leaf = |(layer, kind, head): (usize, Kept, usize)| {
        let head = &cache.heads[layer * config.kv_heads + head];
        let mut bytes = Vec::with_capacity(LEAF_POSITIONS * (config.head_width + 4));
        (first..end).for_each(|position| head.bytes(kind, position, config.head_width, &mut bytes));
        bytes
    };
    trace::group(program).map(leaf).collect()
}

/// What a text's last hidden states, row by row, and what its positions kept amount to.
fn finish(program: &Program, hidden: &[Fixed], cache: &Cache) -> Encoded {
    let config = program.config();
    let rows: Vec<Vec<Fixed>> = hidden.chunks(config.width).map(<[Fixed]>::to_vec).collect();
    Encoded::of(program, &rows, |layer, kind, head, position, bytes| {
        cache.heads[layer * config.kv_heads + head].bytes(kind, position, config.head_width, bytes);
    })
}

/// The weights that a model's parts name.
fn matrix(model: &Model, layer: usize, part: Part) -> weft_exact::linear::Matrix {
    // A checked model has a matrix wherever its program asks for one.
    model
        .matrix(layer, part)
        .cloned()
        .expect("a checked model has all matrices of its program")
}
