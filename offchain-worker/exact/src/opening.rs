//! Openings of answers: engines compute what positions kept, the reference the one step that is asked about.

use weft_exact::{
    model::Model,
    opening::{NoOpening, NoTile, Opening, open},
    piece::Reader,
    program::{Address, Choice, Family, Kept},
    quantise::Width,
    reference::{Memory, NoStep, Record, Reference},
    trace::{LEAF_POSITIONS, Trace, group},
};

use crate::engine::{Engine, Failure};

/// Tokens that an engine takes in at a time.
const MOST_AT_ONCE: usize = 512;

/// Which tile of an answer is asked for, as people write it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The step.
    pub position: usize,
    /// The layer; 0 for operators outside of the layers.
    pub layer: usize,
    /// Name of the operator.
    pub op: &'a str,
    /// The tile.
    pub tile: usize,
}

/// Why there is no opening.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// There is no such tile.
    #[error(transparent)]
    NoTile(#[from] NoTile),
    /// The program has no operator of that name at this step.
    #[error("step {position} has no operator `{op}`; it has {known}")]
    UnknownOperator {
        /// What was asked for.
        op: String,
        /// Of which step.
        position: usize,
        /// Those that it has.
        known: String,
    },
    /// The tokens do not suit the model.
    #[error(transparent)]
    NoStep(#[from] NoStep),
    /// The engine failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The engine kept something else than the trace says: it is not the one that made the trace.
    #[error("the answer cannot be opened: {0}")]
    NoOpening(#[from] NoOpening),
}

/// The opening of one tile of an answer. `tokens` are all that were given or made; `engine` has `model`.
pub fn opening(
    engine: &mut dyn Engine,
    model: &Model,
    trace: &Trace,
    tokens: &[u32],
    question: &Question<'_>,
) -> Result<Opening, Unopened> {
    let address = address(model, trace, question)?;
    let (memory, record) = match model.program().config().family {
        Family::Llama => {
            let memory = memory(engine, tokens.get(..trace.positions()).unwrap_or(tokens))?;
            let record = step(model, trace, tokens, &memory, question.position)?;
            (memory, record)
        }
        // All its positions depend on each other: there is no one step to be computed alone.
        Family::Bert => {
            let mut memory = Memory::default();
            let (mut records, end) = Reference::new(model).encode(&mut memory, tokens)?;
            let record = match question.position < records.len() {
                true => records.swap_remove(question.position),
                false => end,
            };
            (memory, record)
        }
    };
    Ok(open(
        model,
        trace,
        tokens,
        &memory,
        &record,
        address,
        question.position,
    )?)
}

fn address(model: &Model, trace: &Trace, question: &Question<'_>) -> Result<Address, Unopened> {
    let (program, position) = (model.program(), question.position);
    let steps = weft_exact::opening::steps(program, trace);
    if position >= steps {
        return Err(NoTile::Step { position, steps }.into());
    }
    let operators = weft_exact::opening::operators(program, trace, position);
    match operators.iter().find(|(_, op)| op.name() == question.op) {
        Some((_, op)) => Ok(Address {
            layer: question.layer,
            op: *op,
            tile: question.tile,
        }),
        None => {
            let mut known: Vec<&str> = Vec::new();
            operators.iter().map(|(_, op)| op.name()).for_each(|name| {
                if !known.contains(&name) {
                    known.push(name);
                }
            });
            let known = known.join(", ");
            Err(Unopened::UnknownOperator {
                op: question.op.to_owned(),
                position,
                known,
            })
        }
    }
}

/// What positions with these tokens keep, by an engine.
fn memory(engine: &mut dyn Engine, tokens: &[u32]) -> Result<Memory, Failure> {
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
