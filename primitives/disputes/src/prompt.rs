//! That an answer is to the prompt that was asked, chosen as was asked, and as long.
//!
//! Who posts a job commits to the prompt, salted, so that nobody finds out a short one by guessing. Whoever has it can show in one
//! move that an answer's trace begins with other tokens, was chosen otherwise, is too long, or was broken off. As in a game nothing
//! of this is to be believed: the prompt leads to what the job says, the tokens to what the provider committed to.

use alloc::vec::Vec;
use core::fmt::{Display, Formatter};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use weft_exact::{
    merkle::{self, Digest},
    opening::{Tokens, multiproof},
    program::Choice,
    trace::{LEAF_TOKENS, Trace, token_bytes, token_leaves},
};

/// Most tokens that may end an answer.
pub const MAX_ENDS: usize = 16;

/// What is asked for, but for the tokens themselves.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Prompt {
    /// Drawn at random for this job.
    pub salt: [u8; 32],
    /// The root over the leaves of the tokens, as a trace has them.
    pub tokens: Digest,
    /// How many they are.
    pub given: u32,
    /// How tokens are to be chosen.
    pub choice: Choice,
    /// Most tokens to make; 0 for a model that makes none.
    pub most: u32,
    /// Tokens that end an answer; at most [`MAX_ENDS`].
    pub ends: Vec<u32>,
}

/// What is wrong with an answer, as an answer to its prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Unasked {
    /// It begins with more or fewer tokens than were given.
    Given,
    /// It begins with other tokens.
    Tokens,
    /// Its tokens were chosen otherwise.
    Choice,
    /// It has more tokens than were asked for, or goes on after one that ends it.
    TooLong,
    /// It was broken off.
    TooShort,
    /// It is to more or fewer texts.
    Texts,
}

/// What shows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub enum Shown {
    /// The numbers of the trace's header do.
    Header,
    /// A leaf of the prompt's tokens and the same leaf of the trace's.
    Leaves {
        /// Which leaf.
        leaf: u32,
        /// Of the prompt: one leaf.
        prompt: Tokens,
        /// Of the trace: one leaf.
        trace: Tokens,
    },
    /// The leaf of the trace that has its last token.
    Last(Tokens),
    /// A leaf of the trace with a made token that ends an answer, though it is not the last one.
    End {
        /// The token's place.
        at: u32,
        /// One leaf.
        trace: Tokens,
    },
}

/// Why nothing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUnasked {
    /// The prompt is not the one that the job commits to.
    OtherPrompt,
    /// Tokens do not lead to the root that they should.
    NoProof,
    /// This is what was asked for.
    AsAsked,
}

impl Display for NotUnasked {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OtherPrompt => "the prompt is not the one that the job commits to",
            Self::NoProof => "the tokens do not lead to the root that they should",
            Self::AsAsked => "the answer is as it was asked for",
        })
    }
}

impl core::error::Error for NotUnasked {}

/// One leaf of a tree of `count` tokens, if it leads to the root.
fn leaf<'a>(count: u32, place: usize, shown: &'a Tokens, root: &Digest) -> Result<&'a [u32], NotUnasked> {
    let all = usize::try_from(count).map_err(|_| NotUnasked::NoProof)?;
    let [tokens] = shown.leaves.as_slice() else {
        return Err(NotUnasked::NoProof);
    };
    let first = place.saturating_mul(LEAF_TOKENS);
    if tokens.len() != all.saturating_sub(first).min(LEAF_TOKENS) {
        return Err(NotUnasked::NoProof);
    }
    let (leaves, at) = (all.div_ceil(LEAF_TOKENS) as u64, place as u64);
    let digest = merkle::leaf(&token_bytes(tokens));
    let leads = multiproof::siblings(leaves, &[at]) == Some(shown.siblings.len())
        && multiproof::root(leaves, &[(at, digest)], &shown.siblings).as_ref() == Some(root);
    if leads { Ok(tokens) } else { Err(NotUnasked::NoProof) }
}

impl Prompt {
    /// Of these tokens.
    pub fn of(salt: [u8; 32], tokens: &[u32], choice: Choice, most: u32, ends: Vec<u32>) -> Self {
        Self {
            salt,
            tokens: merkle::root(&token_leaves(tokens)),
            given: u32::try_from(tokens.len()).unwrap_or(u32::MAX),
            choice,
            most,
            ends,
        }
    }

    /// What the job commits to.
    pub fn commitment(&self) -> Digest {
        merkle::hash(b"weft prompt 1", &self.encode())
    }

    /// What is wrong with an answer whose trace this is, of a model of `context` positions, if `shown` shows it.
    pub fn judge(
        &self,
        commitment: &Digest,
        trace: &Trace,
        context: u32,
        shown: &Shown,
    ) -> Result<Unasked, NotUnasked> {
        if self.commitment() != *commitment || self.ends.len() > MAX_ENDS {
            return Err(NotUnasked::OtherPrompt);
        }
        let made = trace.count.saturating_sub(trace.given);
        match shown {
            Shown::Header if trace.given != self.given => Ok(Unasked::Given),
            Shown::Header if trace.choice != self.choice => Ok(Unasked::Choice),
            Shown::Header if made > self.most => Ok(Unasked::TooLong),
            Shown::Header => Err(NotUnasked::AsAsked),
            Shown::Leaves {
                leaf: place,
                prompt,
                trace: of_trace,
            } => {
                let place = usize::try_from(*place).map_err(|_| NotUnasked::NoProof)?;
                let asked = leaf(self.given, place, prompt, &self.tokens)?;
                let answered = leaf(trace.count, place, of_trace, &trace.tokens)?;
                // The trace's leaf may go on with what was made.
                if asked.iter().zip(answered).any(|(asked, answered)| asked != answered) {
                    Ok(Unasked::Tokens)
                } else {
                    Err(NotUnasked::AsAsked)
                }
            }
            Shown::Last(tokens) => {
                let last = trace.count.checked_sub(1).ok_or(NotUnasked::AsAsked)?;
                let place = usize::try_from(last).map_err(|_| NotUnasked::NoProof)? / LEAF_TOKENS;
                let tokens = leaf(trace.count, place, tokens, &trace.tokens)?;
                let is_end = made > 0 && tokens.last().is_some_and(|last| self.ends.contains(last));
                // The last token that is made is at no position.
                let is_full = trace.count > context;
                if made < self.most && !is_end && !is_full {
                    Ok(Unasked::TooShort)
                } else {
                    Err(NotUnasked::AsAsked)
                }
            }
            Shown::End { at, trace: tokens } => {
                let place = usize::try_from(*at).map_err(|_| NotUnasked::NoProof)?;
                let leaf = leaf(trace.count, place / LEAF_TOKENS, tokens, &trace.tokens)?;
                let token = leaf.get(place % LEAF_TOKENS).ok_or(NotUnasked::NoProof)?;
                let goes_on = *at >= trace.given && at.saturating_add(1) < trace.count;
                if goes_on && self.ends.contains(token) {
                    Ok(Unasked::TooLong)
                } else {
                    Err(NotUnasked::AsAsked)
                }
            }
        }
    }

    /// What shows that an answer is not as it was asked for, by who has the tokens of both; `None` if it is.
    pub fn doubt(&self, prompt: &[u32], trace: &Trace, tokens: &[u32], context: u32) -> Option<Shown> {
        let one = |all: &[u32], place: usize| {
            Some(Tokens {
                leaves: alloc::vec![all.chunks(LEAF_TOKENS).nth(place)?.to_vec()],
                siblings: multiproof::prove(&token_leaves(all), &[place as u64])?,
            })
        };
        let made = trace.count.saturating_sub(trace.given);
        if trace.given != self.given || trace.choice != self.choice || made > self.most {
            return Some(Shown::Header);
        }
        if let Some(at) = prompt
            .iter()
            .zip(tokens)
            .position(|(asked, answered)| asked != answered)
        {
            let place = at / LEAF_TOKENS;
            return Some(Shown::Leaves {
                leaf: u32::try_from(place).ok()?,
                prompt: one(prompt, place)?,
                trace: one(tokens, place)?,
            });
        }
        let ends = |token: &u32| self.ends.contains(token);
        let of_made = tokens.get(prompt.len()..)?;
        if let Some(end) = of_made.iter().position(ends)
            && end.saturating_add(1) < of_made.len()
        {
            let at = prompt.len().saturating_add(end);
            return Some(Shown::End {
                at: u32::try_from(at).ok()?,
                trace: one(tokens, at / LEAF_TOKENS)?,
            });
        }
        let is_done = of_made.last().is_some_and(ends) || trace.count > context || made >= self.most;
        if is_done {
            return None;
        }
        one(tokens, tokens.len().checked_sub(1)? / LEAF_TOKENS).map(Shown::Last)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const END: u32 = 7;
    const CONTEXT: u32 = 2_000;

    fn trace(given: u32, tokens: &[u32], choice: Choice) -> Trace {
        Trace {
            model: [1; 32],
            given,
            count: tokens.len() as u32,
            tokens: merkle::root(&token_leaves(tokens)),
            choice,
            cells: [2; 32],
            kept: [3; 32],
            result: [0; 32],
        }
    }

    /// A prompt, what was made of it, and whether that is as asked, by the plain rules.
    fn case() -> impl Strategy<Value = (Vec<u32>, Vec<u32>, u32)> {
        let token = prop_oneof![9 => 100u32..120, 1 => Just(END)];
        (
            prop::collection::vec(token.clone(), 1..600),
            prop::collection::vec(token, 1..300),
            1u32..320,
        )
    }

    fn is_as_asked(made: &[u32], most: u32) -> bool {
        let ends = made.iter().position(|token| *token == END);
        match ends {
            Some(at) => at + 1 == made.len() && made.len() as u32 <= most,
            None => made.len() as u32 == most,
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_faulted_exactly_if_it_is_not_as_asked((prompt, made, most) in case()) {
            let asked = Prompt::of([5; 32], &prompt, Choice::Greedy, most, alloc::vec![END]);
            let tokens = [prompt.clone(), made.clone()].concat();
            let trace = trace(prompt.len() as u32, &tokens, Choice::Greedy);
            match asked.doubt(&prompt, &trace, &tokens, CONTEXT) {
                None => prop_assert!(is_as_asked(&made, most)),
                Some(shown) => {
                    prop_assert!(!is_as_asked(&made, most), "{shown:?}");
                    prop_assert!(asked.judge(&asked.commitment(), &trace, CONTEXT, &shown).is_ok());
                    // Not with another job's commitment.
                    prop_assert_eq!(asked.judge(&[0; 32], &trace, CONTEXT, &shown), Err(NotUnasked::OtherPrompt));
                }
            }
        }

        #[test]
        fn another_prompt_is_shown((prompt, made, _) in case(), at in any::<prop::sample::Index>()) {
            let most = made.len() as u32;
            let asked = Prompt::of([5; 32], &prompt, Choice::Greedy, most, alloc::vec![]);
            let mut answered = prompt.clone();
            let at = at.index(answered.len());
            answered[at] += 1;
            let tokens = [answered, made].concat();
            let trace = trace(prompt.len() as u32, &tokens, Choice::Greedy);
            let shown = asked.doubt(&prompt, &trace, &tokens, CONTEXT).unwrap();
            prop_assert_eq!(asked.judge(&asked.commitment(), &trace, CONTEXT, &shown), Ok(Unasked::Tokens));
        }
    }

    #[test]
    fn the_header_is_held_to_what_was_asked() {
        let prompt = [1, 2, 3];
        let asked = Prompt::of([5; 32], &prompt, Choice::Greedy, 2, alloc::vec![]);
        let tokens = [1, 2, 3, 4, 5];
        let judge = |trace: &Trace| asked.judge(&asked.commitment(), trace, CONTEXT, &Shown::Header);
        assert_eq!(judge(&trace(3, &tokens, Choice::Greedy)), Err(NotUnasked::AsAsked));
        assert_eq!(judge(&trace(2, &tokens, Choice::Greedy)), Ok(Unasked::Given));
        assert_eq!(judge(&trace(3, &tokens, Choice::Given)), Ok(Unasked::Choice));
        assert_eq!(
            judge(&trace(3, &[1, 2, 3, 4, 5, 6], Choice::Greedy)),
            Ok(Unasked::TooLong)
        );
    }

    #[test]
    fn what_fills_the_context_is_not_broken_off() {
        let prompt = [1, 2, 3];
        let asked = Prompt::of([5; 32], &prompt, Choice::Greedy, 100, alloc::vec![]);
        let tokens = [1, 2, 3, 4, 5];
        let trace = trace(3, &tokens, Choice::Greedy);
        assert_eq!(asked.doubt(&prompt, &trace, &tokens, 4), None);
        let shown = asked.doubt(&prompt, &trace, &tokens, 5).unwrap();
        assert_eq!(
            asked.judge(&asked.commitment(), &trace, 5, &shown),
            Ok(Unasked::TooShort)
        );
        assert_eq!(
            asked.judge(&asked.commitment(), &trace, 4, &shown),
            Err(NotUnasked::AsAsked)
        );
    }
}
