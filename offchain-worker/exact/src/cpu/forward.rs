//! The layers, phase by phase.

use std::ops::Range;

use weft_exact::{
    fixed::{Fixed, Scale},
    linear::Matrix,
    model::Model,
    program::{Family, Part, Program},
    quantise::Width,
    rotary::Angle,
};

use super::{
    attend::{Queries, Room, attend, positions_together},
    cache::{Cache, HeadCache},
    linear::Linear,
    matrix,
    team::{Member, Team},
};
use crate::kernel::{
    Kernel, Shared,
    panels::{LANES, filled},
    products::{Inputs, SPARE_ROWS, sums, takes_whole, whole_sums},
    rows::{self, Planes, planes_of},
};

/// A token at a position of a sequence of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which sequence. Rows of a sequence follow one another in order.
    pub sequence: usize,
    /// Its position.
    pub position: usize,
    /// The token.
    pub token: u32,
    /// Positions that it sees.
    pub visible: usize,
    /// Whether its logits are wanted.
    pub wanted: bool,
}

type Gains = (Vec<Fixed>, Vec<Fixed>);

struct Layer {
    query_key_value: Linear,
    output: Linear,
    output_norm: Option<Gains>,
    up: Linear,
    down: Linear,
    down_norm: Option<Gains>,
}

/// A model's weights, laid out for a processor.
pub struct Weights {
    program: Program,
    embedding: Matrix,
    positions: Option<Matrix>,
    embedding_norm: Option<Gains>,
    angles: Vec<Angle>,
    layers: Vec<Layer>,
    head: Option<Linear>,
}

/// Buffers of a batch.
struct Buffers<'a> {
    /// Hidden states, row by row.
    x: Shared<'a, Fixed>,
    /// Inputs of the next products.
    steps: Shared<'a, u8>,
    /// A scale for each row of steps.
    scales: Shared<'a, Scale>,
    /// Queries, keys and values, row by row, as the panels have them.
    heads: Shared<'a, Fixed>,
    /// Queries in steps: for each key and value head, for each row, for each query head that shares it.
    queries: Shared<'a, u8>,
    query_scales: Shared<'a, Scale>,
    /// The heads' outputs, row by row.
    mixed: Shared<'a, Fixed>,
    /// Inner elements, row by row.
    inner: Shared<'a, Fixed>,
    logits: Shared<'a, Fixed>,
    rooms: Shared<'a, ThreadRoom>,
}

/// Room of one thread.
#[derive(Debug, Default)]
struct ThreadRoom {
    sums: Vec<i32>,
    whole: Vec<i16>,
    values: Vec<Fixed>,
    head: Vec<Fixed>,
    bytes: Vec<u8>,
    attend: Room,
}

/// Rows of a strip of products, and panels of an item.
const STRIP_ROWS: usize = 64;

fn gains(model: &Model, layer: usize, part: Part) -> Option<Gains> {
    model
        .gains(layer, part)
        .map(|(gain, bias)| (gain.to_vec(), bias.to_vec()))
}

impl Weights {
    /// Lays out a model.
    pub fn new(model: &Model) -> Self {
        let program = *model.program();
        let llama = program.config().family == Family::Llama;
        let layers = (0..program.config().layers).map(|layer| {
            let linear = |part| Linear::new(&matrix(model, layer, part));
            Layer {
                query_key_value: linear(Part::QueryKeyValue),
                output: linear(Part::Output),
                output_norm: gains(model, layer, Part::OutputNorm),
                up: if llama {
                    Linear::gated(&matrix(model, layer, Part::Up))
                } else {
                    linear(Part::Up)
                },
                down: linear(Part::Down),
                down_norm: gains(model, layer, Part::DownNorm),
            }
        });
        Self {
            program,
            embedding: matrix(model, 0, Part::Embedding),
            positions: model.matrix(0, Part::Positions).cloned(),
            embedding_norm: gains(model, 0, Part::EmbeddingNorm),
            angles: model.angles().to_vec(),
            layers: layers.collect(),
            head: llama.then(|| Linear::new(&matrix(model, 0, Part::Head))),
        }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Takes rows through all layers: the last hidden states, and the logits of the rows that want them.
    pub fn forward(
        &self,
        team: &Team,
        kernel: Kernel,
        rows: &[Row],
        caches: &mut [Cache],
    ) -> (Vec<Fixed>, Vec<Vec<Fixed>>) {
        let c = self.program.config();
        let count = rows.len();
        let queries = c.heads * c.head_width;
        let all_heads = self
            .layers
            .first()
            .map_or(0, |layer| layer.query_key_value.panels.rows());
        let widest = filled(c.width).max(filled(queries)).max(filled(c.inner));
        let wanted: Vec<usize> = (0..count).filter(|row| rows[*row].wanted).collect();
        let logits_stride = self.head.as_ref().map_or(0, |head| head.panels.rows());
        let inner_stride = c.inner.next_multiple_of(LANES);

        let mut x = vec![0; count * c.width];
        let mut steps = vec![0; (2 * count + SPARE_ROWS) * widest];
        let mut scales = vec![Scale::default(); count];
        let mut heads = vec![0; count * all_heads];
        let mut query_bytes = vec![0; (count * c.heads + SPARE_ROWS) * filled(c.head_width)];
        let mut query_scales = vec![Scale::default(); count * c.heads];
        let mut mixed = vec![0; count * queries];
        let mut inner = vec![0; count * inner_stride];
        let mut logits = vec![0; wanted.len() * logits_stride];
        let mut rooms: Vec<ThreadRoom> = (0..team.threads()).map(|_| ThreadRoom::default()).collect();
        {
            let buffers = Buffers {
                x: Shared::new(&mut x),
                steps: Shared::new(&mut steps),
                scales: Shared::new(&mut scales),
                heads: Shared::new(&mut heads),
                queries: Shared::new(&mut query_bytes),
                query_scales: Shared::new(&mut query_scales),
                mixed: Shared::new(&mut mixed),
                inner: Shared::new(&mut inner),
                logits: Shared::new(&mut logits),
                rooms: Shared::new(&mut rooms),
            };
            let lengths: Vec<usize> = caches.iter().map(|cache| cache.length).collect();
            let mut spans = vec![0..0; caches.len()];
            for (at, row) in rows.iter().enumerate() {
                let span = &mut spans[row.sequence];
                *span = if span.start == span.end { at } else { span.start }..at + 1;
            }
            let kept: Vec<Shared<'_, HeadCache>> =
                caches.iter_mut().map(|cache| Shared::new(&mut cache.heads)).collect();
            let pass = Pass {
                weights: self,
                kernel,
                rows,
                wanted: &wanted,
                buffers,
                kept,
                lengths,
                spans,
            };
            team.run(|member| pass.run(member));
        }
        for row in rows {
            caches[row.sequence].length = row.position + 1;
        }
        let logits = logits
            .chunks(logits_stride.max(1))
            .map(|row| row[..c.vocabulary.min(row.len())].to_vec());
        (x, logits.collect())
    }
}

/// One batch on its way.
struct Pass<'a> {
    weights: &'a Weights,
    kernel: Kernel,
    rows: &'a [Row],
    wanted: &'a [usize],
    buffers: Buffers<'a>,
    /// For each sequence, layer by layer and head by head.
    kept: Vec<Shared<'a, HeadCache>>,
    lengths: Vec<usize>,
    /// Rows of each sequence.
    spans: Vec<Range<usize>>,
}

/// What becomes of a strip's products.
#[derive(Clone, Copy)]
enum Use {
    Heads,
    Residual,
    Gated,
    Gelu,
    Logits,
}

impl Pass<'_> {
    fn offset(&self) -> u8 {
        if self.kernel.adds_128() { 128 } else { 0 }
    }

    fn run(&self, member: &Member<'_>) {
        let c = self.weights.program.config();
        let count = self.rows.len();
        let queries = c.heads * c.head_width;
        let inner_stride = c.inner.next_multiple_of(LANES);
        let precision = c.precision;
        member.phase(count, |row| self.embed(member, row));
        for (at, layer) in self.weights.layers.iter().enumerate() {
            member.phase(count, |row| {
                // SAFETY: each item has its own row; nobody reads hidden states in this phase.
                let x = unsafe { self.buffers.x.part(row * c.width..(row + 1) * c.width) };
                self.input(row, x, precision.query_key_value);
            });
            self.products(
                member,
                &layer.query_key_value,
                count,
                precision.query_key_value,
                Use::Heads,
            );
            let sequences = self.kept.len();
            member.phase_of_two(
                sequences * c.kv_heads,
                |item| self.keep(member, at, item / c.kv_heads, item % c.kv_heads),
                count,
                |row| self.queries(row),
            );
            let strips = self.strips();
            member.phase(strips.len() * c.kv_heads, |item| {
                self.attend(member, at, strips[item / c.kv_heads].clone(), item % c.kv_heads);
            });
            member.phase(count, |row| {
                // SAFETY: each item has its own row.
                let mixed = unsafe { self.buffers.mixed.part(row * queries..(row + 1) * queries) };
                self.quantise(row, mixed, precision.output);
            });
            self.products(member, &layer.output, count, precision.output, Use::Residual);
            member.phase(count, |row| {
                // SAFETY: each item has its own row.
                let x = unsafe { self.buffers.x.part(row * c.width..(row + 1) * c.width) };
                self.norm(layer.output_norm.as_ref(), x);
                self.input(row, x, precision.up);
            });
            let activation = if c.family == Family::Llama {
                Use::Gated
            } else {
                Use::Gelu
            };
            self.products(member, &layer.up, count, precision.up, activation);
            member.phase(count, |row| {
                // SAFETY: each item has its own row.
                let inner = unsafe {
                    self.buffers
                        .inner
                        .part(row * inner_stride..row * inner_stride + c.inner)
                };
                self.quantise(row, inner, precision.down);
            });
            self.products(member, &layer.down, count, precision.down, Use::Residual);
            if layer.down_norm.is_some() {
                member.phase(count, |row| {
                    // SAFETY: each item has its own row.
                    let x = unsafe { self.buffers.x.part(row * c.width..(row + 1) * c.width) };
                    self.norm(layer.down_norm.as_ref(), x);
                });
            }
        }
        if let Some(head) = &self.weights.head {
            member.phase(self.wanted.len(), |at| {
                let row = self.wanted[at];
                // SAFETY: each item has its own row.
                let x = unsafe { self.buffers.x.part(row * c.width..(row + 1) * c.width) };
                self.input(at, x, precision.head);
            });
            self.products(member, head, self.wanted.len(), precision.head, Use::Logits);
        }
    }

    fn embed(&self, member: &Member<'_>, row: usize) {
        let c = self.weights.program.config();
        let Row { token, position, .. } = self.rows[row];
        // SAFETY: each item has its own row.
        let x = unsafe { self.buffers.x.part(row * c.width..(row + 1) * c.width) };
        self.row_of(&self.weights.embedding, token as usize, x);
        if let Some(positions) = &self.weights.positions {
            // SAFETY: this thread's own room.
            let room = unsafe { &mut self.buffers.rooms.part(member.index..member.index + 1)[0] };
            room.head.resize(c.width, 0);
            self.row_of(positions, position, &mut room.head);
            rows::add(self.kernel, x, &room.head);
        }
        self.norm(self.weights.embedding_norm.as_ref(), x);
    }

    /// A row of a table. The engine has checked tokens and positions.
    fn row_of(&self, table: &Matrix, row: usize, out: &mut [Fixed]) {
        if table.group == table.columns && table.group_scales[row] == 1 {
            let weights = &table.weights[row * table.columns..][..table.columns];
            return rows::scale(self.kernel, weights, table.row_scales[row], out);
        }
        out.copy_from_slice(&table.row(row).expect("the table has a row for each token and position"));
    }

    fn norm(&self, gains: Option<&Gains>, x: &mut [Fixed]) {
        if let Some((gain, bias)) = gains {
            rows::layer_norm(self.kernel, x, gain, bias, self.weights.program.config().epsilon);
        }
    }

    /// Where the steps of a row go.
    #[allow(clippy::mut_from_ref)]
    fn steps(&self, row: usize, elements: usize, width: Width) -> (Planes<'_>, &mut Scale) {
        let (stride, planes) = (filled(elements), planes_of(width));
        // SAFETY: rows of one phase have the same stride and planes, and each item has its own.
        let bytes = unsafe {
            self.buffers
                .steps
                .part(row * planes * stride..(row + 1) * planes * stride)
        };
        let scale = unsafe { &mut self.buffers.scales.part(row..row + 1)[0] };
        let (values, fine) = bytes.split_at_mut(stride);
        let fine = if planes == 2 { &mut fine[..elements] } else { &mut [] };
        (
            Planes {
                values: &mut values[..elements],
                fine,
                offset: self.offset(),
            },
            scale,
        )
    }

    /// The hidden state in steps, of Llama after its norm.
    fn input(&self, row: usize, x: &[Fixed], width: Width) {
        if self.weights.program.config().family != Family::Llama {
            return self.quantise(row, x, width);
        }
        let (mut planes, scale) = self.steps(row, x.len(), width);
        *scale = rows::rms_norm(self.kernel, x, self.weights.program.config().epsilon, &mut planes);
    }

    fn quantise(&self, row: usize, x: &[Fixed], width: Width) {
        let (mut planes, scale) = self.steps(row, x.len(), width);
        *scale = rows::quantise(self.kernel, x, &mut planes);
    }

    /// The phase of an operator's products.
    fn products(&self, member: &Member<'_>, linear: &Linear, count: usize, width: Width, what: Use) {
        let strips = count.div_ceil(STRIP_ROWS).max(1);
        // Even, as gates and their factors are panels side by side, and in threes, as they are multiplied.
        let panels = if count <= 16 { 6 } else { 12 };
        let chunks = linear.panels.count().div_ceil(panels);
        // A thread's share is some strips with all weights where there are enough strips, else some weights with all strips;
        // within it, the strips of some weights follow each other, while the weights are at hand.
        let together = match strips >= member.threads() {
            true => strips.div_ceil(member.threads()),
            false => strips,
        };
        member.phase(if count == 0 { 0 } else { chunks * strips }, |item| {
            let (group, item) = (item / (chunks * together), item % (chunks * together));
            let own = together.min(strips - group * together);
            let (chunk, strip) = (item / own, group * together + item % own);
            let range = chunk * panels..((chunk + 1) * panels).min(linear.panels.count());
            let rows = strip * STRIP_ROWS..((strip + 1) * STRIP_ROWS).min(count);
            self.strip(member, linear, rows, range, width, what);
        });
    }

    fn strip(
        &self,
        member: &Member<'_>,
        linear: &Linear,
        rows: Range<usize>,
        panels: Range<usize>,
        width: Width,
        what: Use,
    ) {
        let c = self.weights.program.config();
        let (stride, planes) = (linear.panels.columns(), planes_of(width));
        // SAFETY: each thread has its own room.
        let room = unsafe { &mut self.buffers.rooms.part(member.index..member.index + 1)[0] };
        // SAFETY: nobody writes steps or scales in this phase.
        let (bytes, scales) = unsafe {
            let bytes = self
                .buffers
                .steps
                .read(rows.start * planes * stride..(rows.end * planes + SPARE_ROWS) * stride);
            (bytes, self.buffers.scales.read(rows.clone()))
        };
        let lanes = panels.len() * LANES;
        let first = panels.start * LANES;
        room.sums.resize((rows.len() * planes * lanes).max(room.sums.len()), 0);
        room.values.resize(lanes.max(room.values.len()), 0);
        let inputs = Inputs {
            bytes,
            stride,
            columns: stride,
            count: rows.len() * planes,
        };
        // Sums of two planes, or of both as one.
        let planes = if planes == 2 && takes_whole(self.kernel, &linear.panels) {
            whole_sums(
                self.kernel,
                inputs,
                &linear.panels,
                panels,
                &mut room.sums,
                lanes,
                &mut room.whole,
            );
            1
        } else {
            sums(self.kernel, inputs, &linear.panels, panels, &mut room.sums, lanes);
            planes
        };
        let own = first..(first + lanes).min(linear.rows);
        let row_scales = linear.scales.part(first, lanes);
        let stride = linear.panels.rows();
        for (index, row) in rows.enumerate() {
            let (sums, fine) = room.sums[index * planes * lanes..][..planes * lanes].split_at(lanes);
            let place = row * stride + first..row * stride + first + lanes;
            // SAFETY: this item alone writes these elements of these rows. Inner elements have the stride of their panels.
            let values = unsafe {
                match what {
                    Use::Heads => self.buffers.heads.part(place),
                    Use::Logits => self.buffers.logits.part(place),
                    Use::Gelu => self.buffers.inner.part(place),
                    Use::Residual | Use::Gated => &mut room.values[..lanes],
                }
            };
            rows::finish(self.kernel, sums, fine, row_scales, scales[index], values);
            if !linear.bias.is_empty() {
                rows::add(self.kernel, values, &linear.bias[first..first + lanes]);
            }
            match what {
                Use::Heads | Use::Logits => {}
                Use::Gelu => rows::gelu(self.kernel, values),
                Use::Residual => {
                    // SAFETY: as above.
                    let x = unsafe { self.buffers.x.part(row * c.width + own.start..row * c.width + own.end) };
                    rows::add(self.kernel, x, values);
                }
                Use::Gated => {
                    let stride = c.inner.next_multiple_of(LANES);
                    for (pair, values) in values.chunks(2 * LANES).enumerate() {
                        let (gate, up) = values.split_at(LANES);
                        let at = row * stride + first / 2 + pair * LANES;
                        // SAFETY: as above.
                        let out = unsafe { self.buffers.inner.part(at..at + LANES) };
                        rows::swiglu(self.kernel, gate, up, out);
                    }
                }
            }
        }
    }

    /// Keys and values of one head of a sequence's rows.
    fn keep(&self, member: &Member<'_>, layer: usize, sequence: usize, head: usize) {
        let c = self.weights.program.config();
        let stride = self.weights.layers[layer].query_key_value.panels.rows();
        // SAFETY: each thread has its own room, and this item alone has this head of this sequence.
        let (room, cache) = unsafe {
            let at = layer * c.kv_heads + head;
            (
                &mut self.buffers.rooms.part(member.index..member.index + 1)[0],
                &mut self.kept[sequence].part(at..at + 1)[0],
            )
        };
        let offset = self.offset();
        room.bytes.resize((2 * c.head_width).max(room.bytes.len()), 0);
        for at in self.spans[sequence].clone() {
            let row = &self.rows[at];
            let from = |first: usize| at * stride + (first + head) * c.head_width;
            // SAFETY: in this phase nobody else looks at this head.
            let (key, value) = unsafe {
                let (key, value) = (from(c.heads), from(c.heads + c.kv_heads));
                (
                    self.buffers.heads.part(key..key + c.head_width),
                    self.buffers.heads.read(value..value + c.head_width),
                )
            };
            let (key_bytes, value_bytes) = room.bytes[..2 * c.head_width].split_at_mut(c.head_width);
            let key_scale = self.turned(row.position, key, key_bytes);
            let mut planes = Planes {
                values: value_bytes,
                fine: &mut [],
                offset,
            };
            let value_scale = rows::quantise(self.kernel, value, &mut planes);
            cache.push(key_bytes, key_scale, value_bytes, value_scale, offset, c.head_width);
        }
    }

    /// A query or key in steps; the head is used up.
    fn turned(&self, position: usize, head: &mut [Fixed], bytes: &mut [u8]) -> Scale {
        let pairs = head.len() / 2;
        if let Some(angles) = self.weights.angles.get(position * pairs..(position + 1) * pairs) {
            rows::turn(self.kernel, head, angles);
        }
        let mut planes = Planes {
            values: bytes,
            fine: &mut [],
            offset: self.offset(),
        };
        rows::quantise_transformed(self.kernel, head, &mut planes)
    }

    /// All query heads of a row.
    fn queries(&self, row: usize) {
        let c = self.weights.program.config();
        let (shared, width) = (c.heads / c.kv_heads, filled(c.head_width));
        let stride = self
            .weights
            .layers
            .first()
            .map_or(0, |layer| layer.query_key_value.panels.rows());
        for head in 0..c.heads {
            let at = (head / shared * self.rows.len() + row) * shared + head % shared;
            let from = row * stride + head * c.head_width;
            // SAFETY: in this phase nobody else looks at this head, and this item alone writes the queries of its row.
            unsafe {
                let queries = self.buffers.heads.part(from..from + c.head_width);
                let bytes = self.buffers.queries.part(at * width..at * width + c.head_width);
                let scale = self.turned(self.rows[row].position, queries, bytes);
                self.buffers.query_scales.part(at..at + 1)[0] = scale;
            }
        }
    }

    /// Rows that attend together: of one sequence, and not too many.
    fn strips(&self) -> Vec<Range<usize>> {
        let c = self.weights.program.config();
        let mut strips = Vec::new();
        let mut start = 0;
        while start < self.rows.len() {
            let sequence = self.rows[start].sequence;
            let own = self.rows[start..]
                .iter()
                .take_while(|row| row.sequence == sequence)
                .count();
            let last = &self.rows[start + own.min(16) - 1];
            let together = positions_together(c.heads / c.kv_heads, last.visible).min(own);
            strips.push(start..start + together);
            start += together;
        }
        strips
    }

    fn attend(&self, member: &Member<'_>, layer: usize, strip: Range<usize>, head: usize) {
        let c = self.weights.program.config();
        let (shared, width) = (c.heads / c.kv_heads, filled(c.head_width));
        let first = (head * self.rows.len() + strip.start) * shared;
        let count = strip.len() * shared;
        let sequence = self.rows[strip.start].sequence;
        debug_assert!(self.lengths[sequence] <= self.rows[strip.start].position);
        // SAFETY: each thread has its own room; nobody writes queries or what is kept in this phase.
        let (room, bytes, scales, cache) = unsafe {
            let at = layer * c.kv_heads + head;
            (
                &mut self.buffers.rooms.part(member.index..member.index + 1)[0],
                self.buffers
                    .queries
                    .read(first * width..(first + count + SPARE_ROWS) * width),
                self.buffers.query_scales.read(first..first + count),
                &self.kept[sequence].read(at..at + 1)[0],
            )
        };
        let visible = |query: usize| self.rows[strip.start + query / shared].visible;
        let queries = Queries {
            bytes,
            stride: width,
            scales,
            visible: &visible,
        };
        attend(
            self.kernel,
            &queries,
            cache,
            c.to_log2,
            c.head_width,
            &mut room.attend,
            |query, output| {
                let row = strip.start + query / shared;
                let at = (row * c.heads + head * shared + query % shared) * c.head_width;
                // SAFETY: this item alone writes the outputs of these rows' heads.
                unsafe { self.buffers.mixed.part(at..at + c.head_width) }.copy_from_slice(output);
            },
        );
    }
}
