//! What is claimed of a result, and that it is what the provider committed to.
//!
//! A job may have several texts (embeddings): then the root that is committed to is over the roots of their traces, and a dispute is
//! about one of them.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode};
use weft_exact::{
    merkle::{Digest, leaf},
    opening::{multiproof, operators, reveal::sections, step, steps},
    program::{Family, Program},
    trace::{Trace, cells_of_position, part_bytes},
};

use crate::{Claim, NoClaim, Prompt, Shown, Unasked, play::Sketch, prompt::NotUnasked};

/// The place of one among several, and what leads from it to the root over all.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Among {
    /// Its place, from 0.
    pub place: u32,
    /// How many there are: at least two.
    pub count: u32,
    /// For [`multiproof::root`].
    pub siblings: Vec<Digest>,
}

impl Among {
    /// Of one of these, of which there are several.
    pub fn of(all: &[Digest], place: usize) -> Option<Self> {
        let leaves: Vec<Digest> = all.iter().map(|digest| leaf(digest)).collect();
        Some(Self {
            place: u32::try_from(place).ok()?,
            count: u32::try_from(all.len()).ok().filter(|count| *count > 1)?,
            siblings: multiproof::prove(&leaves, &[place as u64])?,
        })
    }

    /// Whether it leads from a digest to a root. What is a leaf is hashed otherwise than what is not, so that nobody can show another
    /// number of leaves than there are.
    fn leads(&self, digest: &Digest, root: &Digest) -> bool {
        let (count, place) = (u64::from(self.count), u64::from(self.place));
        count > 1
            && multiproof::siblings(count, &[place]) == Some(self.siblings.len())
            && multiproof::root(count, &[(place, leaf(digest))], &self.siblings).as_ref() == Some(root)
    }
}

/// Whether a digest is the committed one, or one of those that are.
fn is_committed(digest: &Digest, among: Option<&Among>, root: &Digest) -> bool {
    match among {
        None => digest == root,
        Some(among) => among.leads(digest, root),
    }
}

fn place(among: Option<&Among>) -> (u32, u32) {
    among.map_or((0, 1), |among| (among.place, among.count))
}

/// A claim, and its place among those of the other texts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Claimed {
    /// What is disputed.
    pub claim: Claim,
    /// `None` if the job has one text.
    pub among: Option<Among>,
}

impl Claimed {
    /// Whether it is what the provider committed to for a model.
    pub fn check(&self, model_root: &Digest, committed: &Digest) -> Result<Program, NoClaim> {
        let root = self.claim.trace.root();
        if !is_committed(&root, self.among.as_ref(), committed) {
            return Err(NoClaim::Trace);
        }
        self.claim.check(model_root, &root)
    }

    /// Whether it answers who asks for a text: `Some(true)` if it is that one, `Some(false)` if it is the last one and comes before the
    /// one that is asked for, `None` if it is another.
    pub fn answers(&self, text: u32) -> Option<bool> {
        let (place, count) = place(self.among.as_ref());
        if place == text {
            return Some(true);
        }
        (place.checked_add(1) == Some(count) && text >= count).then_some(false)
    }
}

impl Claim {
    /// The most bytes that its provider may have to reveal in one move.
    pub fn reveal_bytes(&self, program: &Program) -> usize {
        let config = program.config();
        // A header that says more than the context has can be revealed by nobody; it must not keep anybody from asking.
        let most = u32::try_from(config.context).unwrap_or(u32::MAX).saturating_add(1);
        let trace = &Trace {
            given: self.trace.given.min(most),
            count: self.trace.count.min(most),
            ..self.trace.clone()
        };
        let kept =
            part_bytes(program, false)
                .saturating_mul(config.layers)
                .saturating_add(if config.family == Family::Bert {
                    part_bytes(program, true)
                } else {
                    0
                });
        let last = steps(program, trace).saturating_sub(1);
        // The last step has the most operators and sees the most positions; of BERT it is the one after the layers.
        let of = [trace.positions().saturating_sub(1), last].map(|position| {
            let all = operators(program, trace, position);
            let step = step(program, trace, position, 0);
            let tiles = all
                .iter()
                .filter_map(|(_, op)| Some(program.tiles(*op, step.as_ref()?)))
                .max();
            (all.len(), tiles.unwrap_or_default())
        });
        let operators = of.iter().map(|(operators, _)| *operators).max().unwrap_or_default();
        let tiles = of.iter().map(|(_, tiles)| *tiles).max().unwrap_or_default();
        // What leads from a place to a root is 64 digests at most.
        let siblings = cells_of_position(program).saturating_mul(64);
        let of_step = operators
            .saturating_add(sections(program, trace))
            .saturating_add(siblings)
            .saturating_mul(32)
            .saturating_add(kept);
        of_step.max(tiles.saturating_add(64).saturating_mul(32))
    }
}

/// All that a trace commits to, shown because somebody demanded it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct ShownSketch {
    /// What it is of.
    pub claimed: Claimed,
    /// All of it.
    pub sketch: Sketch,
}

/// That an answer is to another prompt, or not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct PromptFault {
    /// The answer.
    pub claimed: Claimed,
    /// What was asked for.
    pub prompt: Prompt,
    /// Its place among the texts of the job; `None` if it has one.
    pub among: Option<Among>,
    /// What is wrong.
    pub shown: Shown,
}

impl PromptFault {
    /// What is wrong with the answer, to a job that commits to its prompt. The claim was checked before.
    pub fn judge(&self, commitment: &Digest) -> Result<Unasked, NotUnasked> {
        let own = self.prompt.commitment();
        if !is_committed(&own, self.among.as_ref(), commitment) {
            return Err(NotUnasked::OtherPrompt);
        }
        let (asked, answered) = (place(self.among.as_ref()), place(self.claimed.among.as_ref()));
        if asked.1 != answered.1 {
            return Ok(Unasked::Texts);
        }
        if asked.0 != answered.0 {
            return Err(NotUnasked::OtherPrompt);
        }
        let context = u32::try_from(self.claimed.claim.config.context).unwrap_or(u32::MAX);
        self.prompt.judge(&own, &self.claimed.claim.trace, context, &self.shown)
    }
}
