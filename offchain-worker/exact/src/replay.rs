//! Answers computed again: engines compute what positions kept, the reference the one step that is asked about.

use weft_exact::{
    model::Model,
    piece::Reader,
    program::{Choice, Family, Kept},
    quantise::Width,
    reference::{Memory, NoStep, Record, Reference},
    trace::{LEAF_POSITIONS, Trace, group},
};

use crate::engine::{Engine, Failure};

/// Tokens that an engine takes in at a time.
const MOST_AT_ONCE: usize = 512;

/// Why an answer cannot be computed again.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// The tokens do not suit the model.
    #[error(transparent)]
    NoStep(#[from] NoStep),
    /// The engine failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// An answer with all that its positions kept.
pub struct Replay {
    trace: Trace,
    tokens: Vec<u32>,
    memory: Memory,
    /// Of BERT all steps, the last one that after the layers: all its positions depend on each other, and there is no one step to
    /// be computed alone.
    records: Vec<Record>,
}

impl Replay {
    /// Of an answer whose tokens are known. Its trace may say something else than what is computed.
    pub fn of(engine: &mut dyn Engine, model: &Model, trace: Trace, tokens: Vec<u32>) -> Result<Self, NotReplayed> {
        let (memory, records) = match model.program().config().family {
            Family::Llama => {
                let memory = kept(engine, tokens.get(..trace.positions()).unwrap_or(&tokens))?;
                (memory, Vec::new())
            }
            Family::Bert => {
                let mut memory = Memory::default();
                let (mut records, end) = Reference::new(model).encode(&mut memory, &tokens)?;
                records.push(end);
                (memory, records)
            }
        };
        Ok(Self {
            trace,
            tokens,
            memory,
            records,
        })
    }

    /// What commits to it.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Tokens given and made.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// What its positions kept.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The results of the step at a position, by the reference.
    pub fn record(&self, model: &Model, position: usize) -> Result<Record, NoStep> {
        match self.records.get(position) {
            Some(record) => Ok(record.clone()),
            None => step(model, &self.trace, &self.tokens, &self.memory, position),
        }
    }
}

/// What positions with these tokens keep, by an engine.
fn kept(engine: &mut dyn Engine, tokens: &[u32]) -> Result<Memory, Failure> {
    let slot = engine.open();
    let mut read = || {
        for tokens in tokens.chunks(MOST_AT_ONCE) {
            engine.advance(&[crate::Work {
                slot,
                tokens,
                logits: false,
            }])?;
        }
        let mut memory = Memory::default();
        let head_width = engine.program().config().head_width;
        for first in (0..tokens.len()).step_by(LEAF_POSITIONS) {
            let leaves = engine.group(slot, first)?;
            for ((layer, kind, head), leaf) in group(engine.program()).zip(leaves) {
                let mut reader = Reader::new(&leaf);
                while let Some(x) = reader.quantised(Width::Narrow, head_width) {
                    memory.push(layer, kind, head, x);
                }
            }
        }
        Ok(memory)
    };
    let memory = read();
    engine.close(slot);
    memory
}

/// The step at a position, by the reference.
fn step(model: &Model, trace: &Trace, tokens: &[u32], memory: &Memory, position: usize) -> Result<Record, NoStep> {
    let config = model.program().config();
    let mut before = Memory::default();
    for layer in 0..config.layers {
        for head in 0..config.kv_heads {
            for kind in [Kept::Key, Kept::Value] {
                let kept = memory.heads(layer, kind, head).iter().take(position);
                kept.for_each(|x| before.push(layer, kind, head, x.clone()));
            }
        }
    }
    let token = *tokens.get(position).ok_or(NoStep::Empty)?;
    let choice =
        weft_exact::opening::step(model.program(), trace, position, token).map_or(Choice::Given, |step| step.choice);
    Reference::new(model).advance(&mut before, token, choice)
}
