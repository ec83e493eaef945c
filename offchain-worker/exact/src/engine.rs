//! What a device does for exact inference.

use weft_exact::{
    fixed::Fixed,
    merkle::Digest,
    pool::{mean, pool, unit},
    program::{Family, Kept, POOLED, Program},
    reference::NoStep,
    trace::{self, LEAF_POSITIONS},
};

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
    /// The trace's cells.
    pub cells: Vec<Digest>,
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

    /// The trace's cells of all groups of positions from `first`, which begins a group, to `end`.
    fn cells(&mut self, slot: Slot, first: usize, end: usize) -> Result<Vec<Digest>, Failure> {
        let mut cells = Vec::new();
        for first in (first..end).step_by(LEAF_POSITIONS) {
            let leaves = self.group(slot, first)?;
            let positions = LEAF_POSITIONS.min(end - first);
            cells.extend(trace::cells_of_group(self.program(), &leaves, positions));
        }
        Ok(cells)
    }

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

/// Whether a batch can be computed as a whole: what [`Engine::advance`] checks before it starts.
pub fn check_batch(engine: &dyn Engine, batch: &[Work<'_>]) -> Result<(), Failure> {
    let config = engine.program().config();
    if config.family != Family::Llama {
        return Err(Failure::WrongFamily);
    }
    for (index, work) in batch.iter().enumerate() {
        if batch.iter().take(index).any(|earlier| earlier.slot == work.slot) {
            return Err(Failure::Slot(work.slot));
        }
        if work.tokens.is_empty() {
            return Err(NoStep::Empty.into());
        }
        if engine.position(work.slot).saturating_add(work.tokens.len()) > config.context {
            return Err(NoStep::ContextFull.into());
        }
        let unknown = work.tokens.iter().find(|token| **token as usize >= config.vocabulary);
        if let Some(token) = unknown {
            return Err(NoStep::UnknownToken(*token).into());
        }
    }
    Ok(())
}

/// Whether texts can be encoded: what [`Engine::encode`] checks before it starts.
pub fn check_texts(engine: &dyn Engine, texts: &[&[u32]]) -> Result<(), Failure> {
    let config = engine.program().config();
    if config.family != Family::Bert {
        return Err(Failure::WrongFamily);
    }
    for text in texts {
        if text.is_empty() {
            return Err(NoStep::Empty.into());
        }
        if text.len() > config.context {
            return Err(NoStep::ContextFull.into());
        }
        if let Some(token) = text.iter().find(|token| **token as usize >= config.vocabulary) {
            return Err(NoStep::UnknownToken(*token).into());
        }
    }
    Ok(())
}

impl Encoded {
    /// Of a text's last hidden states, a row for each position; `write` appends what a position keeps.
    pub fn of(
        program: &Program,
        rows: &[Vec<Fixed>],
        mut write: impl FnMut(usize, Kept, usize, usize, &mut Vec<u8>),
    ) -> Self {
        let mut cells = Vec::new();
        for first in (0..rows.len()).step_by(LEAF_POSITIONS) {
            let mut leaves = Vec::new();
            for (layer, kind, head) in trace::group(program) {
                let mut bytes = Vec::with_capacity(LEAF_POSITIONS * 4 * POOLED);
                for (position, row) in rows.iter().enumerate().skip(first).take(LEAF_POSITIONS) {
                    if kind == Kept::Hidden {
                        let elements = row.chunks(POOLED).nth(head).unwrap_or_default();
                        elements.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
                    } else {
                        write(layer, kind, head, position, &mut bytes);
                    }
                }
                leaves.push(bytes);
            }
            let positions = LEAF_POSITIONS.min(rows.len() - first);
            cells.extend(trace::cells_of_group(program, &leaves, positions));
        }
        Self {
            unit: unit(&mean(&[pool(rows)], rows.len() as u32)),
            cells,
        }
    }
}
