//! Answers of an exact model computed again, for disputes about them.

use std::path::Path;

use weft_disputes::play::{Answer, Sketch};
use weft_disputes::{Game, Move, ShownSketch, Stage};
use weft_exact::merkle::{self, Digest};
use weft_exact::model::Model;
use weft_exact::program::Family;
use weft_exact::reference::Record;
use weft_exact::trace::{Trace, token_leaves};
use weft_exact_engine::Engine;
use weft_exact_engine::files;
use weft_exact_engine::generate::{Request, embed, generate};
use weft_exact_engine::replay::Replay;

use super::open::{ExactError, KernelChoice, engine};
use crate::bert::ModelFiles;
use crate::device::Device;
use crate::engine_error::EngineError;

/// An exact model, with an engine that computes answers again.
pub struct Replayer {
    model: Model,
    engine: Box<dyn Engine>,
    root: Digest,
}

/// An exact model of files in memory, by their names in a model's directory, and what commits to it.
pub fn read_model(files: &ModelFiles) -> Result<(Model, Digest), ExactError> {
    let manifest = files.require(files::MANIFEST).map_err(EngineError::from)?;
    let weights = files.require(files::WEIGHTS).map_err(EngineError::from)?;
    let (model, manifest) = files::from_bytes(manifest, weights)?;
    Ok((model, manifest.model_root))
}

/// One side of a dispute: an answer computed again, with what it takes to move.
pub struct Player<'a> {
    model: &'a Model,
    replay: Replay,
}

impl Replayer {
    /// Loads the model in a directory.
    pub fn load(dir: &Path, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let (model, manifest) = files::read(dir)?;
        Self::of(model, manifest.model_root, device, kernel)
    }

    /// Loads files that are in memory already, by their names in a model's directory.
    pub fn from_files(files: &ModelFiles, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        let (model, root) = read_model(files)?;
        Self::of(model, root, device, kernel)
    }

    /// Of a model that is said to have a root: what is computed is said to be of that one.
    pub fn of(model: Model, root: Digest, device: Device, kernel: KernelChoice) -> Result<Self, ExactError> {
        Ok(Self {
            engine: engine(&model, device, kernel)?,
            model,
            root,
        })
    }

    /// What commits to the model.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The step to dispute in another's answer; `None` if it is right. The answer to the same prompt is computed for it, with as many
    /// tokens. What is shown must have been held to its trace before ([`Sketch::is_of`]).
    pub fn doubt(&mut self, shown: &ShownSketch) -> Result<Option<u32>, ExactError> {
        let (trace, sketch) = (&shown.claimed.claim.trace, &shown.sketch);
        let own = match self.model.program().config().family {
            Family::Llama => self.anew(trace, &sketch.tokens)?.1,
            Family::Bert => {
                let made = embed(&mut *self.engine, self.root, &[&sketch.tokens])?.pop();
                let made = made.ok_or(EngineError::EmptyPrompt)?;
                Sketch {
                    tokens: sketch.tokens.clone(),
                    cells: made.cells,
                    result: made.trace.result,
                }
            }
        };
        let difference = own.first_difference(sketch, self.model.program(), trace.positions());
        // Of a trace that commits to more or fewer cells than it has no step can be revealed.
        let is_sound = own.cells.len() == sketch.cells.len();
        Ok(difference.or((!is_sound).then_some(0)))
    }

    /// The side of who gave an answer: it has what its tokens lead to.
    pub fn provider(&mut self, shown: &ShownSketch) -> Result<Player<'_>, ExactError> {
        let trace = shown.claimed.claim.trace.clone();
        let replay = Replay::of(&mut *self.engine, &self.model, trace, shown.sketch.tokens.clone())?;
        Ok(Player {
            model: &self.model,
            replay,
        })
    }

    /// The side of who doubts it: it has the right answer to the same prompt.
    pub fn challenger(&mut self, shown: &ShownSketch) -> Result<Player<'_>, ExactError> {
        let trace = &shown.claimed.claim.trace;
        let (trace, tokens) = match self.model.program().config().family {
            Family::Llama => {
                let (trace, sketch) = self.anew(trace, &shown.sketch.tokens)?;
                (trace, sketch.tokens)
            }
            Family::Bert => {
                let made = embed(&mut *self.engine, self.root, &[&shown.sketch.tokens])?.pop();
                (made.ok_or(EngineError::EmptyPrompt)?.trace, shown.sketch.tokens.clone())
            }
        };
        let replay = Replay::of(&mut *self.engine, &self.model, trace, tokens)?;
        Ok(Player {
            model: &self.model,
            replay,
        })
    }

    /// The right answer to the prompt of a text, with as many tokens as another has.
    fn anew(&mut self, other: &Trace, tokens: &[u32]) -> Result<(Trace, Sketch), ExactError> {
        let given = usize::try_from(other.given).unwrap_or(usize::MAX).min(tokens.len());
        let prompt = tokens.get(..given).unwrap_or_default();
        self.continued(other, prompt, tokens.len())
    }

    /// An answer that begins with these tokens and has `count` in all, chosen as another's were; of its tokens as many count as given as of
    /// the other's.
    pub fn continued(&mut self, other: &Trace, begun: &[u32], count: usize) -> Result<(Trace, Sketch), ExactError> {
        let request = Request {
            prompt: begun.to_vec(),
            choice: other.choice,
            most: count.saturating_sub(begun.len()).max(1),
            // It is to be as long as the other, whatever ends it there.
            ends: Vec::new(),
        };
        let answer = generate(&mut *self.engine, self.root, vec![request], |_, _| ())?.pop();
        let answer = answer.ok_or(EngineError::EmptyPrompt)?;
        let mut all = begun.to_vec();
        all.extend(answer.tokens);
        // If nothing is to be made the one token that was made is not meant.
        all.truncate(count.max(begun.len()));
        let mut trace = Trace {
            given: other.given,
            count: u32::try_from(all.len()).unwrap_or(u32::MAX),
            tokens: merkle::root(&token_leaves(&all)),
            ..answer.trace
        };
        let mut cells = answer.cells;
        cells.truncate(trace.positions());
        trace.cells = merkle::root(&cells);
        let sketch = Sketch {
            tokens: all,
            cells,
            result: trace.result,
        };
        Ok((trace, sketch))
    }
}

impl Player<'_> {
    fn answer(&self) -> Answer<'_> {
        Answer {
            model: self.model,
            trace: self.replay.trace(),
            tokens: self.replay.tokens(),
            memory: self.replay.memory(),
        }
    }

    /// What commits to its answer.
    pub fn trace(&self) -> &Trace {
        self.replay.trace()
    }

    /// What its memory commits to: with these tokens, and what this model keeps of them.
    pub fn committed(&self) -> (Trace, Sketch) {
        let sketch = self.answer().sketch();
        let trace = Trace {
            cells: merkle::root(&sketch.cells),
            ..self.trace().clone()
        };
        (trace, sketch)
    }

    /// What the provider does; `None` if it is not its turn.
    pub fn defend(&self, game: &Game) -> Result<Option<Move>, ExactError> {
        let position = match game.stage {
            Stage::Step { position } | Stage::Tiles { position, .. } | Stage::Judge { position, .. } => position,
            // What is asked for then is no step's.
            _ => 0,
        };
        let record = self.record(position)?;
        let made = self.answer().defend(game, &record);
        made.map_err(|error| super::Unopened::from(error).into())
    }

    /// What the challenger does against an answer with this sketch, whose provider has made these moves so far; `None` if it is not its
    /// turn, or there is nothing that it could show.
    pub fn attack(&self, game: &Game, sketch: &Sketch, seen: &[Move]) -> Result<Option<Move>, ExactError> {
        let step = seen.iter().rev().find_map(|made| match made {
            Move::RevealStep(step) => Some(step),
            _ => None,
        });
        let answer = self.answer();
        Ok(match game.stage {
            Stage::Position => answer.doubt(sketch).map(Move::NamePosition),
            Stage::Operator { position, .. } => match step {
                Some(step) => {
                    let at = usize::try_from(position).unwrap_or(usize::MAX);
                    Some(answer.name(at, &self.record(position)?, sketch, step))
                }
                None => None,
            },
            Stage::Tile { position, .. } => {
                let tiles = seen.iter().rev().find_map(|made| match made {
                    Move::RevealTiles { tiles, .. } => Some(tiles),
                    _ => None,
                });
                match tiles {
                    Some(tiles) => answer.name_tile(game, &self.record(position)?, tiles),
                    None => None,
                }
            }
            Stage::Judge { position, .. } => match step {
                // If it was not the first that is wrong there is nothing to show.
                Some(step) => answer
                    .refute(game, &self.record(position)?, step, sketch)
                    .unwrap_or_default(),
                None => None,
            },
            Stage::Leaf { .. } => {
                let leaves = seen.iter().rev().find_map(|made| match made {
                    Move::RevealLeaves(reveal) => Some(&reveal.leaves),
                    _ => None,
                });
                leaves.and_then(|leaves| answer.name_leaf(game, leaves))
            }
            Stage::Step { .. } | Stage::Tiles { .. } | Stage::Leaves { .. } | Stage::Made { .. } => None,
        })
    }

    fn record(&self, position: u32) -> Result<Record, ExactError> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let record = self.replay.record(self.model, position);
        record.map_err(|error| ExactError::NotReplayed(error.into()))
    }
}
