//! What a device does for exact inference.

use weft_exact::{fixed::Fixed, merkle::Digest, program::Program, reference::NoStep};

/// A sequence that an engine keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub usize);

/// Tokens that are appended to a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Which sequence; at most once in a batch.
    pub slot: Slot,
    /// At least one.
    pub tokens: &'a [u32],
    /// Whether the logits after the last of them are wanted.
    pub logits: bool,
}

/// What a model of the BERT family makes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Of length 1, with [`weft_exact::pool::UNIT_PLACES`]; as many elements as the model is wide.
    pub unit: Vec<Fixed>,
    /// Digests of the trace's leaves, in the order of [`weft_exact::trace::leaves`].
    pub kept: Vec<Digest>,
}

/// A device with a model. All methods give the same bits on every device, whatever else is in a batch.
pub trait Engine: Send {
    /// The model's program.
    fn program(&self) -> &Program;

    /// What computes, such as `cpu:2:avx512`.
    fn name(&self) -> String;

    /// A new, empty sequence.
    fn open(&mut self) -> Slot;

    /// Forgets a sequence.
    fn close(&mut self, slot: Slot);

    /// Tokens of a sequence so far.
    fn position(&self, slot: Slot) -> usize;

    /// Appends tokens to sequences of a causal model; for each item the logits after its last token, if wanted. Where an item
    /// cannot be computed nothing is.
    fn advance(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure>;

    /// Bytes of the trace's leaves of the group of positions that starts at `first`, a multiple of
    /// [`weft_exact::trace::LEAF_POSITIONS`], in the order of [`weft_exact::trace::group`].
    fn group(&mut self, slot: Slot, first: usize) -> Result<Vec<Vec<u8>>, Failure>;

    /// Texts by a model that looks both ways.
    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure>;
}

/// Why an engine could not compute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The tokens do not suit the model.
    #[error(transparent)]
    NoStep(#[from] NoStep),
    /// No such sequence, or one that is twice in a batch.
    #[error("sequence {} is not open, or is twice in the batch", .0.0)]
    Slot(Slot),
    /// The model is of another family.
    #[error("the model is of another family: text models generate, embedding models embed")]
    WrongFamily,
    /// The device failed.
    #[error("the device failed: {0}")]
    Device(String),
}
