//! The GPU's engine: whole layers on the device that Burn uses, by kernels of our own.
//!
//! Rows are tokens of sequences or of texts. A batch takes them through the layers together; keys and values stay on the device,
//! and what comes back are logits, what a trace commits to, and the last hidden states of embedding models. WGSL has no numbers
//! of 64 bits: `kernels/arithmetic.wgsl` makes them of two of 32.

mod error;
mod kernels;
mod known_answer;
mod memory;
mod pass;
mod weights;

use std::collections::BTreeMap;

use weft_exact::fixed::Fixed;
use weft_exact::model::Model;
use weft_exact::program::{Kept, Program};
use weft_exact::trace::{self, LEAF_POSITIONS};
use weft_exact_engine::engine::{Encoded, Engine, Failure, Slot, Work, check_batch, check_texts};

pub use self::error::GpuError;
use self::kernels::Kernels;
pub use self::kernels::Sources;
pub use self::memory::Gpu;
use self::pass::{Plan, Scratch, Segment, head_words, kept_words, run};
use self::weights::Weights;
use crate::device::wgpu_device;

/// Rows that go through the layers together, but for a text that is longer.
const MOST_ROWS: usize = 256;

/// Positions that a new sequence has room for.
const FIRST_POSITIONS: usize = 256;

/// A GPU with a model.
pub struct GpuEngine {
    gpu: Gpu,
    kernels: Kernels,
    weights: Weights,
    scratch: Scratch,
    sequences: BTreeMap<Slot, Sequence>,
    opened: usize,
}

/// What a sequence keeps.
struct Sequence {
    /// A buffer for each layer.
    kept: Vec<wgpu::Buffer>,
    /// Positions that there is room for.
    room: usize,
    length: usize,
}

impl GpuEngine {
    /// For a model, on the device that Burn uses. The first one of a process has to pass the known-answer test.
    pub fn new(model: &Model) -> Result<Self, GpuError> {
        let (device, queue, name) = wgpu_device()?;
        let gpu = Gpu { device, queue, name };
        let kernels = known_answer::checked_kernels(&gpu)?;
        Self::with(gpu, kernels, model)
    }

    /// With kernels from other sources, which have to pass the known-answer test as well.
    pub fn with_sources(model: &Model, sources: &Sources) -> Result<Self, GpuError> {
        let (device, queue, name) = wgpu_device()?;
        let gpu = Gpu { device, queue, name };
        let kernels = Kernels::new(&gpu, sources)?;
        known_answer::check(&gpu, &kernels)?;
        Self::with(gpu, kernels, model)
    }

    fn with(gpu: Gpu, kernels: Kernels, model: &Model) -> Result<Self, GpuError> {
        let (weights, scratch) = gpu.guarded(|| {
            let weights = Weights::new(&gpu, model)?;
            let scratch = Scratch::new(&gpu, &weights, 1, 1)?;
            Ok((weights, scratch))
        })?;
        Ok(Self {
            gpu,
            kernels,
            weights,
            scratch,
            sequences: BTreeMap::new(),
            opened: 0,
        })
    }

    /// Makes room for rows.
    fn fit(&mut self, rows: usize, wanted: usize) -> Result<(), GpuError> {
        if rows > self.scratch.rows || wanted > self.scratch.wanted {
            let (rows, wanted) = (rows.max(self.scratch.rows), wanted.max(self.scratch.wanted));
            self.scratch = Scratch::new(&self.gpu, &self.weights, rows, wanted)?;
        }
        Ok(())
    }

    fn upload(&self, rows: impl Iterator<Item = Vec<Fixed>>) {
        let x: Vec<Fixed> = rows.flatten().collect();
        self.gpu
            .queue
            .write_buffer(&self.scratch.x, 0, bytemuck::cast_slice(&x));
    }

    /// Some rows of a batch: for each its item, token and whether its logits are wanted. Those of the last one that are wanted.
    fn advance_some(
        &mut self,
        slots: &[Slot],
        rows: &[(usize, u32, bool)],
    ) -> Result<Vec<(usize, Vec<Fixed>)>, GpuError> {
        let wanted: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].2).collect();
        self.fit(rows.len(), wanted.len())?;
        // Rows of an item follow one another.
        let mut parts: Vec<(Slot, usize, usize)> = Vec::new();
        let mut positions = Vec::new();
        for (row, (item, ..)) in rows.iter().enumerate() {
            let slot = slots[*item];
            match parts.last_mut().filter(|part| part.0 == slot) {
                Some(part) => part.2 += 1,
                None => parts.push((slot, row, 1)),
            }
            let before = parts.last().map_or(0, |part| part.2 - 1);
            positions.push(self.position(slot) + before);
        }
        for (slot, _, count) in &parts {
            self.grow(*slot, self.position(*slot) + count)?;
        }
        self.upload(
            rows.iter()
                .zip(&positions)
                .map(|((_, token, _), position)| self.weights.embed(*token, *position)),
        );
        let mut segments = Vec::new();
        for (slot, first_row, count) in &parts {
            let Some(sequence) = self.sequences.get(slot) else {
                continue;
            };
            segments.push(Segment {
                kept: &sequence.kept,
                first_row: *first_row,
                rows: *count,
                first_position: sequence.length,
            });
        }
        let plan = Plan::new(&self.weights, &self.kernels, &self.scratch, &segments, &wanted);
        run(&self.gpu, &plan.steps)?;
        let vocabulary = self.weights.head.as_ref().map_or(0, |head| head.rows);
        let logits = match wanted.len() {
            // Nothing to wait for.
            0 => Vec::new(),
            count => self
                .gpu
                .read(&[(&self.scratch.logits, 0, count * vocabulary)])?
                .concat(),
        };
        for (slot, _, count) in parts {
            if let Some(sequence) = self.sequences.get_mut(&slot) {
                sequence.length += count;
            }
        }
        let made = wanted.iter().zip(logits.chunks(vocabulary.max(1)));
        Ok(made
            .map(|(row, logits)| (rows[*row].0, logits.iter().map(|x| *x as Fixed).collect()))
            .collect())
    }

    /// Makes room for positions of a sequence; what it keeps moves.
    fn grow(&mut self, slot: Slot, positions: usize) -> Result<(), GpuError> {
        let (words, layers) = (kept_words(&self.weights), self.weights.layers.len());
        let context = self.weights.program.config().context;
        let Some(sequence) = self.sequences.get_mut(&slot) else {
            return Ok(());
        };
        if positions <= sequence.room {
            return Ok(());
        }
        let room = positions.max(2 * sequence.room).max(FIRST_POSITIONS).min(context);
        let kept = new_kept(&self.gpu, layers, room * words)?;
        let mut encoder = self
            .gpu
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let bytes = 4 * (sequence.length * words) as u64;
        for (from, to) in sequence.kept.iter().zip(&kept).filter(|_| bytes > 0) {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, bytes);
        }
        self.gpu.queue.submit([encoder.finish()]);
        sequence.kept = kept;
        sequence.room = room;
        Ok(())
    }

    /// Texts that fit a batch.
    fn encode_some(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, GpuError> {
        let rows: usize = texts.iter().map(|text| text.len()).sum();
        self.fit(rows, 1)?;
        let (words, layers) = (kept_words(&self.weights), self.weights.layers.len());
        let kept = texts.iter().map(|text| new_kept(&self.gpu, layers, text.len() * words));
        let kept = kept.collect::<Result<Vec<_>, _>>()?;
        let embedded = texts.iter().flat_map(|text| {
            text.iter()
                .enumerate()
                .map(|(position, token)| self.weights.embed(*token, position))
        });
        self.upload(embedded);
        let mut first_row = 0;
        let segments = texts.iter().zip(&kept).map(|(text, kept)| {
            let segment = Segment {
                kept,
                first_row,
                rows: text.len(),
                first_position: 0,
            };
            first_row += text.len();
            segment
        });
        let segments: Vec<Segment<'_>> = segments.collect();
        let plan = Plan::new(&self.weights, &self.kernels, &self.scratch, &segments, &[]);
        run(&self.gpu, &plan.steps)?;
        let config = *self.weights.program.config();
        let mut parts = vec![(&self.scratch.x, 0, rows * config.width)];
        for (text, kept) in texts.iter().zip(&kept) {
            parts.extend(kept.iter().map(|buffer| (buffer, 0, text.len() * words)));
        }
        let mut read = self.gpu.read(&parts)?.into_iter();
        let hidden: Vec<Fixed> = read
            .next()
            .unwrap_or_default()
            .into_iter()
            .map(|x| x as Fixed)
            .collect();
        let mut hidden = hidden.chunks(config.width);
        let encoded = texts.iter().map(|text| {
            let rows: Vec<Vec<Fixed>> = hidden.by_ref().take(text.len()).map(<[Fixed]>::to_vec).collect();
            let kept: Vec<Vec<u32>> = read.by_ref().take(layers).collect();
            Encoded::of(&self.weights.program, &rows, |layer, kind, head, position, bytes| {
                head_bytes(&kept[layer], &self.weights.program, kind, head, position, bytes);
            })
        });
        Ok(encoded.collect())
    }
}

fn new_kept(gpu: &Gpu, layers: usize, words: usize) -> Result<Vec<wgpu::Buffer>, GpuError> {
    (0..layers).map(|_| gpu.empty("keys and values", words)).collect()
}

/// Appends a position's key or value of a head, as a trace has it: its scale, then its bytes. `kept` begins with position 0.
fn head_bytes(kept: &[u32], program: &Program, kind: Kept, head: usize, position: usize, bytes: &mut Vec<u8>) {
    let config = program.config();
    let words = head_words(config.head_width);
    let place = (position * config.kv_heads + head) * 2 + usize::from(kind == Kept::Value);
    let own = &kept[place * (words + 1)..][..words + 1];
    bytes.extend(own[words].to_le_bytes());
    let values = own[..words].iter().flat_map(|word| word.to_le_bytes());
    bytes.extend(values.take(config.head_width));
}

fn failure(error: GpuError) -> Failure {
    Failure::Device(error.to_string())
}

impl Engine for GpuEngine {
    fn program(&self) -> &Program {
        &self.weights.program
    }

    fn name(&self) -> String {
        format!("wgpu:{}", self.gpu.name)
    }

    fn open(&mut self) -> Slot {
        let slot = Slot(self.opened);
        self.opened += 1;
        self.sequences.insert(
            slot,
            Sequence {
                kept: Vec::new(),
                room: 0,
                length: 0,
            },
        );
        slot
    }

    fn close(&mut self, slot: Slot) {
        self.sequences.remove(&slot);
    }

    fn position(&self, slot: Slot) -> usize {
        self.sequences.get(&slot).map_or(0, |sequence| sequence.length)
    }

    fn advance(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        check_batch(self, batch)?;
        if let Some(work) = batch.iter().find(|work| !self.sequences.contains_key(&work.slot)) {
            return Err(Failure::Slot(work.slot));
        }
        let before: Vec<usize> = batch.iter().map(|work| self.position(work.slot)).collect();
        let slots: Vec<Slot> = batch.iter().map(|work| work.slot).collect();
        let rows = batch.iter().enumerate().flat_map(|(item, work)| {
            let last = work.tokens.len() - 1;
            work.tokens
                .iter()
                .enumerate()
                .map(move |(at, token)| (item, *token, work.logits && at == last))
        });
        let rows: Vec<(usize, u32, bool)> = rows.collect();
        let mut logits: Vec<Option<Vec<Fixed>>> = batch.iter().map(|_| None).collect();
        let gpu = self.gpu.clone();
        let done = gpu.guarded(|| {
            for rows in rows.chunks(MOST_ROWS) {
                for (item, made) in self.advance_some(&slots, rows)? {
                    logits[item] = Some(made);
                }
            }
            Ok(())
        });
        if let Err(error) = done {
            // Nothing has been computed: what was kept meanwhile is written anew.
            for (slot, length) in slots.iter().zip(before) {
                if let Some(sequence) = self.sequences.get_mut(slot) {
                    sequence.length = length;
                }
            }
            return Err(failure(error));
        }
        Ok(logits)
    }

    fn group(&mut self, slot: Slot, first: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let sequence = self.sequences.get(&slot).ok_or(Failure::Slot(slot))?;
        let program = &self.weights.program;
        let count = sequence.length.min(first + LEAF_POSITIONS).saturating_sub(first);
        let words = kept_words(&self.weights);
        let parts: Vec<_> = sequence
            .kept
            .iter()
            .map(|buffer| (buffer, first * words, count * words))
            .collect();
        let kept = match count {
            0 => vec![Vec::new(); self.weights.layers.len()],
            _ => self.gpu.guarded(|| self.gpu.read(&parts)).map_err(failure)?,
        };
        let leaf = |(layer, kind, head): (usize, Kept, usize)| {
            let mut bytes = Vec::new();
            (0..count).for_each(|position| head_bytes(&kept[layer], program, kind, head, position, &mut bytes));
            bytes
        };
        Ok(trace::group(program).map(leaf).collect())
    }

    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure> {
        check_texts(self, texts)?;
        let mut encoded = Vec::new();
        let mut rest = texts;
        let gpu = self.gpu.clone();
        while !rest.is_empty() {
            let mut rows = 0;
            let fits = rest.iter().take_while(|text| {
                rows += text.len();
                rows <= MOST_ROWS
            });
            let (some, later) = rest.split_at(fits.count().max(1));
            rest = later;
            encoded.extend(gpu.guarded(|| self.encode_some(some)).map_err(failure)?);
        }
        Ok(encoded)
    }
}
