//! Evidence: what the trace of an exact answer is made of, so that whoever has the model can find the first step that is wrong.
//!
//! It goes with the answer, sealed. Of a job that others may challenge it is there for everybody to read.

use codec::{DecodeAll, Encode};
use weft_chain::disputes::{Dispute, game};
use weft_disputes::ShownSketch;

/// Most bytes of evidence that go with an answer: what is more can be demanded on chain, text by text.
pub const MAX_BYTES: usize = 420 * 1_024;
/// Most texts of a job.
const MAX_TEXTS: usize = 256;

/// For each text of a job, in their order. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence(pub Vec<ShownSketch>);

/// Why evidence is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEvidence {
    /// It cannot be read.
    #[error("it cannot be read")]
    Malformed,
    /// It is of another answer than was committed to, or of another model.
    #[error("it is not what the provider committed to")]
    Other,
}

impl Evidence {
    /// As it travels.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.encode()
    }

    /// From a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotEvidence> {
        if bytes.len() > MAX_BYTES {
            return Err(NotEvidence::Malformed);
        }
        let all = Vec::<ShownSketch>::decode_all(&mut &*bytes).map_err(|_| NotEvidence::Malformed)?;
        if all.is_empty() || all.len() > MAX_TEXTS {
            return Err(NotEvidence::Malformed);
        }
        Ok(Self(all))
    }

    /// As it travels within an answer: hexadecimal digits; `None` if it is too long for that.
    pub fn to_text(&self) -> Option<String> {
        let bytes = self.bytes();
        (bytes.len() <= MAX_BYTES).then(|| hex::encode(bytes))
    }

    /// From within a stranger's answer.
    pub fn from_text(text: &str) -> Result<Self, NotEvidence> {
        Self::from_bytes(&hex::decode(text).map_err(|_| NotEvidence::Malformed)?)
    }

    /// Of the text that a dispute is about.
    pub fn of_dispute(self, dispute: &Dispute) -> Option<ShownSketch> {
        let root = game(dispute)?.claim.trace.root();
        self.0
            .into_iter()
            .find(|shown| shown.claimed.claim.trace.root() == root)
    }

    /// Holds it to what was published and what was committed to: every text is there, and what is shown of each is all that its trace
    /// commits to.
    pub fn check(&self, exact_root: &[u8; 32], trace_root: &[u8; 32]) -> Result<(), NotEvidence> {
        let is_whole = self.0.iter().enumerate().all(|(place, shown)| {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let (at, count) = match &shown.claimed.among {
                Some(among) => (among.place, among.count),
                None => (0, 1),
            };
            let is_next = at == place && usize::try_from(count) == Ok(self.0.len());
            is_next
                && shown.claimed.check(exact_root, trace_root).is_ok()
                && shown.sketch.is_of(&shown.claimed.claim.trace)
        });
        if is_whole { Ok(()) } else { Err(NotEvidence::Other) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Evidence::from_bytes(&bytes).is_err() || !bytes.is_empty());
            let _ = Evidence::from_text(&hex::encode(bytes));
        }
    }

    #[test]
    fn nothing_is_no_evidence() {
        assert_eq!(
            Evidence::from_bytes(&Evidence(Vec::new()).bytes()),
            Err(NotEvidence::Malformed)
        );
        assert_eq!(Evidence::from_text("no digits"), Err(NotEvidence::Malformed));
        assert_eq!(
            Evidence::from_bytes(&vec![0; MAX_BYTES + 1]),
            Err(NotEvidence::Malformed)
        );
    }
}
