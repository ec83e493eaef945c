//! A provider that lies on demand: the fault injector of tests and of `make demo-dispute`. Built with the feature `testing` only.
//!
//! A lie goes as far as a liar can: what it commits to and shows fits together, and it answers every challenge that it can answer.

use std::sync::{Mutex, PoisonError};

use weft_disputes::{Claimed, ShownSketch, play::Sketch};
use weft_engine::exact::{KernelChoice, Replayer};
use weft_exact::{model::Model, program::Config, trace::Trace};
use weft_primitives::AssetId;

use super::work::{Worker, exact_model};
use crate::failure::Failure;

/// How to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Compute with another model than was published, and give the right tokens all the same.
    WrongTile,
    /// Go on with another token than was chosen.
    WrongToken,
    /// Commit to something that no answer has.
    WrongRoot,
    /// As `wrong-tile`, and say nothing when challenged.
    Silent,
    /// Commit to the answer to an earlier job.
    Stale,
}

/// What a liar remembers.
pub struct Misbehaviour {
    mode: Mode,
    earlier: Mutex<Option<Vec<ShownSketch>>>,
}

impl Misbehaviour {
    /// In this manner.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            earlier: Mutex::new(None),
        }
    }

    /// Whether challenges are answered.
    pub fn answers(&self) -> bool {
        self.mode != Mode::Silent
    }

    /// What is committed to and shown in place of a right answer.
    pub async fn bend(
        &self,
        worker: &Worker,
        model: AssetId,
        root: [u8; 32],
        shown: Vec<ShownSketch>,
    ) -> Result<([u8; 32], Vec<ShownSketch>), Failure> {
        let [right] = shown.as_slice() else {
            return Ok((root, shown));
        };
        let given = usize::try_from(right.claimed.claim.trace.given).unwrap_or_default();
        let tokens = &right.sketch.tokens;
        let bent = match self.mode {
            Mode::WrongRoot => {
                let mut other = root;
                other[0] ^= 1;
                return Ok((other, shown));
            }
            Mode::Stale => {
                let earlier = self
                    .earlier
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .replace(shown.clone());
                earlier.unwrap_or(shown)
            }
            Mode::WrongTile | Mode::Silent => {
                // The tokens are the right ones, so that it is as it was asked for: only what was computed is not.
                let mut replayer = self.replayer(worker, model).await?;
                let lied = replayer.provider(right).map(|player| player.committed());
                let (trace, sketch) = lied.map_err(|error| Failure::Local(error.to_string()))?;
                vec![said(right, trace, sketch)]
            }
            Mode::WrongToken => {
                let mut replayer = worker.replayer(model).await?;
                let mut begun = tokens.clone();
                begun.truncate(given.saturating_add(3).min(tokens.len()));
                if let Some(last) = begun.last_mut().filter(|_| tokens.len() > given) {
                    *last = if *last > 300 { *last - 1 } else { *last + 1 };
                }
                vec![continued(&mut replayer, right, &begun)?]
            }
        };
        let root = bent.first().map_or(root, |shown| shown.claimed.claim.trace.root());
        Ok((root, bent))
    }

    /// With what a challenge is answered: what the lie was computed with.
    pub async fn replayer(&self, worker: &Worker, model: AssetId) -> Result<Replayer, Failure> {
        if !matches!(self.mode, Mode::WrongTile | Mode::Silent) {
            return worker.replayer(model).await;
        }
        let published = exact_model(worker, model).await?;
        let root = published.root();
        let config = *published.program().config();
        let other = Config {
            epsilon: config.epsilon.saturating_mul(1_000),
            ..config
        };
        let parts = published.parts().to_vec();
        let other = Model::new(other, parts).map_err(|error| Failure::Local(error.to_string()))?;
        Replayer::of(other, root, worker.compute.device(), KernelChoice::Auto)
            .map_err(|error| Failure::Local(error.to_string()))
    }
}

/// An answer that begins with these tokens, as long as another, and said to be of the same model.
fn continued(replayer: &mut Replayer, other: &ShownSketch, begun: &[u32]) -> Result<ShownSketch, Failure> {
    let count = other.sketch.tokens.len();
    let (trace, sketch) = replayer
        .continued(&other.claimed.claim.trace, begun, count)
        .map_err(|error| Failure::Local(error.to_string()))?;
    Ok(said(other, trace, sketch))
}

/// What is said of the same model.
fn said(other: &ShownSketch, trace: Trace, sketch: Sketch) -> ShownSketch {
    let mut claim = other.claimed.claim.clone();
    claim.trace = trace;
    ShownSketch {
        claimed: Claimed { claim, among: None },
        sketch,
    }
}
