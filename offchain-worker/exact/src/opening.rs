//! Openings of answers: one tile of a step that was computed again.

use weft_exact::{
    model::Model,
    opening::{NoOpening, NoTile, Opening, open},
    program::Address,
    reference::NoStep,
    trace::Trace,
};

use crate::{
    engine::{Engine, Failure},
    replay::{NotReplayed, Replay},
};

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
    /// The answer cannot be computed again.
    #[error(transparent)]
    NotReplayed(#[from] NotReplayed),
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
    let replay = Replay::of(engine, model, trace.clone(), tokens.to_vec())?;
    let record = replay.record(model, question.position)?;
    Ok(open(
        model,
        trace,
        tokens,
        replay.memory(),
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
