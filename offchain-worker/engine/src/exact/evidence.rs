//! What traces are made of, for whoever may want to compute an answer again.

use weft_disputes::play::Sketch;
use weft_disputes::{Among, Claim, Claimed, ShownSketch};
use weft_exact::merkle::Digest;
use weft_exact::program::Config;
use weft_exact::trace::Trace;

/// What a model was published as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub(super) config: Config,
    pub(super) weights: Digest,
}

impl Published {
    /// Of answers, each with its trace, its tokens and its cells, whose traces are committed to together.
    pub(super) fn evidence(&self, answers: &[(&Trace, &[u32], &[Digest])]) -> Vec<ShownSketch> {
        let roots: Vec<Digest> = answers.iter().map(|(trace, ..)| trace.root()).collect();
        let of = |(place, (trace, tokens, cells)): (usize, &(&Trace, &[u32], &[Digest]))| ShownSketch {
            claimed: Claimed {
                claim: Claim {
                    config: self.config,
                    weights: self.weights,
                    trace: (*trace).clone(),
                },
                among: Among::of(&roots, place),
            },
            sketch: Sketch {
                tokens: tokens.to_vec(),
                cells: cells.to_vec(),
                result: trace.result,
            },
        };
        answers.iter().enumerate().map(of).collect()
    }
}
