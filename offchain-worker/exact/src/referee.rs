//! The reference as an engine: slow, and right by definition.

use std::collections::BTreeMap;

use weft_exact::{
    fixed::Fixed,
    model::Model,
    piece::Piece,
    program::{Choice, Family, Kept, Op, Program},
    reference::{Memory, Reference},
    trace::{self, Committed},
};

use crate::engine::{Encoded, Engine, Failure, Slot, Work, check_batch};

/// The reference with a model.
#[derive(Debug)]
pub struct Referee {
    model: Model,
    sequences: BTreeMap<Slot, Memory>,
    opened: usize,
}

impl Referee {
    /// For a model.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            sequences: BTreeMap::new(),
            opened: 0,
        }
    }
}

impl Engine for Referee {
    fn program(&self) -> &Program {
        self.model.program()
    }

    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn open(&mut self) -> Slot {
        let slot = Slot(self.opened);
        self.opened += 1;
        self.sequences.insert(slot, Memory::default());
        slot
    }

    fn close(&mut self, slot: Slot) {
        self.sequences.remove(&slot);
    }

    fn position(&self, slot: Slot) -> usize {
        self.sequences
            .get(&slot)
            .map_or(0, |memory| memory.heads(0, Kept::Key, 0).len())
    }

    fn advance(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        check_batch(self, batch)?;
        if let Some(work) = batch.iter().find(|work| !self.sequences.contains_key(&work.slot)) {
            return Err(Failure::Slot(work.slot));
        }
        let reference = Reference::new(&self.model);
        let mut results = Vec::new();
        for work in batch {
            let memory = self.sequences.get_mut(&work.slot).ok_or(Failure::Slot(work.slot))?;
            let mut logits = None;
            for (index, token) in work.tokens.iter().enumerate() {
                let last = work.logits && index + 1 == work.tokens.len();
                let choice = if last { Choice::Greedy } else { Choice::Given };
                logits = reference.advance(memory, *token, choice)?.vector(0, Op::Head);
            }
            results.push(logits);
        }
        Ok(results)
    }

    fn group(&mut self, slot: Slot, first: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let memory = self.sequences.get(&slot).ok_or(Failure::Slot(slot))?;
        let end = memory.heads(0, Kept::Key, 0).len().min(first + trace::LEAF_POSITIONS);
        let leaf = |(layer, kind, head)| {
            let mut bytes = Vec::new();
            (first..end).for_each(|position| memory.bytes(layer, kind, head, position, &mut bytes));
            bytes
        };
        Ok(trace::group(self.model.program()).map(leaf).collect())
    }

    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure> {
        if self.model.program().config().family != Family::Bert {
            return Err(Failure::WrongFamily);
        }
        let reference = Reference::new(&self.model);
        let encode = |tokens: &&[u32]| {
            let mut memory = Memory::default();
            let (_, end) = reference.encode(&mut memory, tokens)?;
            let unit = match end.tile(0, Op::Unit, 0) {
                Some(Piece::Fixed(unit)) => unit.clone(),
                _ => Vec::new(),
            };
            let committed = Committed::of_all(
                self.model.program(),
                tokens.len(),
                |layer, kind, head, position, bytes| {
                    memory.bytes(layer, kind, head, position, bytes);
                },
            );
            let cells = committed.cells;
            Ok(Encoded { unit, cells })
        };
        texts.iter().map(encode).collect()
    }
}
