//! Rows on their way through the layers: which kernel runs on what.

use weft_exact::program::{Family, Op};
use weft_exact::quantise::Width;

use super::error::GpuError;
use super::kernels::{Kernels, OUTPUTS, ROWS};
use super::memory::Gpu;
use super::weights::{Linear, Weights, packed};

/// Bytes between the parameters of two kernels: what every device can bind.
const PARAMS: usize = 256;

/// What rows need on their way.
pub struct Scratch {
    /// Rows that there is room for.
    pub rows: usize,
    pub x: wgpu::Buffer,
    pub steps: wgpu::Buffer,
    pub scales: wgpu::Buffer,
    /// Products.
    pub y: wgpu::Buffer,
    pub queries: wgpu::Buffer,
    pub mixed: wgpu::Buffer,
    pub inner: wgpu::Buffer,
    /// Rows of logits that there is room for.
    pub wanted: usize,
    pub logits: wgpu::Buffer,
}

/// Words of a head.
pub fn head_words(width: usize) -> usize {
    width.div_ceil(4)
}

/// Words that a position keeps in a layer.
pub fn kept_words(weights: &Weights) -> usize {
    let config = weights.program.config();
    config.kv_heads * 2 * (head_words(config.head_width) + 1)
}

impl Scratch {
    /// For some rows, some of which want logits.
    pub fn new(gpu: &Gpu, weights: &Weights, rows: usize, wanted: usize) -> Result<Self, GpuError> {
        let c = weights.program.config();
        let queries = c.heads * c.head_width;
        let widest = c.width.max(queries).max(c.inner).div_ceil(4);
        let products = weights
            .layers
            .iter()
            .map(|layer| layer.query_key_value.rows.max(layer.up.rows))
            .max();
        Ok(Self {
            rows,
            x: gpu.empty("hidden states", rows * c.width)?,
            steps: gpu.empty("steps", rows.max(wanted) * 2 * widest)?,
            scales: gpu.empty("scales", rows.max(wanted))?,
            y: gpu.empty("products", rows * products.unwrap_or(0))?,
            queries: gpu.empty("queries", rows * c.heads * (head_words(c.head_width) + 1))?,
            mixed: gpu.empty("mixed values", rows * queries)?,
            inner: gpu.empty("inner elements", rows * c.inner)?,
            wanted,
            logits: gpu.empty("logits", wanted * weights.head.as_ref().map_or(0, |head| head.rows))?,
        })
    }
}

/// Rows of one sequence in a batch.
pub struct Segment<'a> {
    /// What the sequence keeps, layer by layer.
    pub kept: &'a [wgpu::Buffer],
    /// Its first row in the batch.
    pub first_row: usize,
    /// Its rows.
    pub rows: usize,
    /// Position of the first.
    pub first_position: usize,
}

/// A kernel with what it runs on.
pub struct Step<'a> {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// What it gives: the layer, the operator if it is one of the program's, and the first row.
    pub gives: (usize, Option<Op>, usize),
    pipeline: &'a wgpu::ComputePipeline,
    params: Vec<u32>,
    buffers: Vec<&'a wgpu::Buffer>,
    groups: [usize; 2],
}

impl Step<'_> {
    /// The buffer that it writes to; of steps the one without their scales.
    pub fn given(&self) -> &wgpu::Buffer {
        let last = self.buffers.len() - 1;
        match self.kernel {
            "quantise" => self.buffers[last - 1],
            "layer_norm" => self.buffers[0],
            _ => self.buffers[last],
        }
    }
}

/// A batch that is planned.
pub struct Plan<'a> {
    pub steps: Vec<Step<'a>>,
    weights: &'a Weights,
    kernels: &'a Kernels,
    scratch: &'a Scratch,
}

impl<'a> Plan<'a> {
    /// Of rows of some sequences, of which `wanted` are to have logits.
    pub fn new(
        weights: &'a Weights,
        kernels: &'a Kernels,
        scratch: &'a Scratch,
        segments: &[Segment<'a>],
        wanted: &[usize],
    ) -> Self {
        let mut plan = Self {
            steps: Vec::new(),
            weights,
            kernels,
            scratch,
        };
        let rows = segments.iter().map(|segment| segment.rows).sum();
        for layer in 0..weights.layers.len() {
            plan.layer(layer, rows, segments);
        }
        if let Some(head) = &weights.head {
            let c = weights.program.config();
            for (to, row) in wanted.iter().enumerate() {
                plan.quantise(
                    0,
                    Op::HeadInput,
                    &scratch.x,
                    c.width,
                    [*row, to, 1],
                    true,
                    c.precision.head,
                );
            }
            plan.products(
                0,
                Some(Op::Head),
                head,
                wanted.len(),
                c.precision.head,
                false,
                &scratch.logits,
            );
        }
        plan
    }

    fn layer(&mut self, at: usize, rows: usize, segments: &[Segment<'a>]) {
        let (weights, scratch) = (self.weights, self.scratch);
        let (layer, c) = (&weights.layers[at], weights.program.config());
        let causal = c.family == Family::Llama;
        let (p, all) = (c.precision, [0, 0, rows]);
        self.quantise(
            at,
            Op::AttentionInput,
            &scratch.x,
            c.width,
            all,
            causal,
            p.query_key_value,
        );
        self.products(
            at,
            Some(Op::QueryKeyValue),
            &layer.query_key_value,
            rows,
            p.query_key_value,
            false,
            &scratch.y,
        );
        for segment in segments {
            let kept = &segment.kept[at];
            let count = c.heads + 2 * c.kv_heads;
            self.steps.push(Step {
                kernel: "heads",
                gives: (at, Some(Op::Query), segment.first_row),
                pipeline: &self.kernels.heads,
                params: [
                    c.heads,
                    c.kv_heads,
                    c.head_width,
                    count * c.head_width,
                    segment.first_row,
                    segment.first_position,
                    usize::from(causal),
                ]
                .map(word)
                .to_vec(),
                buffers: vec![&scratch.y, &weights.angles, &scratch.queries, kept],
                groups: [count, segment.rows],
            });
        }
        for segment in segments {
            let kept = &segment.kept[at];
            let visible = if causal {
                segment.first_position + 1
            } else {
                segment.first_position + segment.rows
            };
            let sizes = [
                c.heads,
                c.kv_heads,
                c.head_width,
                segment.first_row,
                visible,
                usize::from(causal),
            ];
            let mut params = sizes.map(word).to_vec();
            params.push(packed(c.to_log2));
            self.steps.push(Step {
                kernel: "attention",
                gives: (at, Some(Op::Combine), segment.first_row),
                pipeline: &self.kernels.attention,
                params,
                buffers: vec![&scratch.queries, kept, &weights.powers, &scratch.mixed],
                groups: [c.heads, segment.rows],
            });
        }
        self.quantise(
            at,
            Op::OutputInput,
            &scratch.mixed,
            c.heads * c.head_width,
            all,
            false,
            p.output,
        );
        self.products(at, Some(Op::Output), &layer.output, rows, p.output, true, &scratch.x);
        self.norm(at, Op::OutputNorm, layer.output_norm.as_ref(), rows);
        self.quantise(at, Op::FeedInput, &scratch.x, c.width, all, causal, p.up);
        self.products(at, None, &layer.up, rows, p.up, false, &scratch.y);
        self.steps.push(Step {
            kernel: "activation",
            gives: (at, Some(Op::Up), 0),
            pipeline: &self.kernels.activation,
            params: [c.inner, usize::from(causal), weights.entries].map(word).to_vec(),
            buffers: vec![&scratch.y, &weights.distribution, &scratch.inner],
            groups: [c.inner.div_ceil(64), rows],
        });
        self.quantise(at, Op::DownInput, &scratch.inner, c.inner, all, false, p.down);
        self.products(at, Some(Op::Down), &layer.down, rows, p.down, true, &scratch.x);
        self.norm(at, Op::DownNorm, layer.down_norm.as_ref(), rows);
    }

    /// `rows` are the first one of `x`, the first one of the steps, and how many.
    #[allow(
        clippy::too_many_arguments,
        reason = "a kernel's parameters, given in one place each"
    )]
    fn quantise(
        &mut self,
        layer: usize,
        op: Op,
        x: &'a wgpu::Buffer,
        elements: usize,
        [from, to, rows]: [usize; 3],
        norm: bool,
        width: Width,
    ) {
        let epsilon = self.weights.program.config().epsilon;
        let sizes = [elements, elements.div_ceil(4), planes(width), usize::from(norm)].map(word);
        let epsilon = [epsilon as u32, (epsilon >> 32) as u32];
        self.steps.push(Step {
            kernel: "quantise",
            gives: (layer, Some(op), to),
            pipeline: &self.kernels.quantise,
            params: [&sizes[..], &epsilon, &[word(from), word(to)]].concat(),
            buffers: vec![x, &self.scratch.steps, &self.scratch.scales],
            groups: [rows, 1],
        });
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a kernel's parameters, given in one place each"
    )]
    fn products(
        &mut self,
        layer: usize,
        op: Option<Op>,
        linear: &'a Linear,
        rows: usize,
        width: Width,
        residual: bool,
        y: &'a wgpu::Buffer,
    ) {
        let together = if rows <= 2 { 1 } else { ROWS };
        let sizes = [
            rows,
            linear.outputs,
            linear.words,
            planes(width),
            linear.group_words,
            linear.groups(),
            usize::from(residual),
            linear.rows,
        ];
        let Scratch { steps, scales, .. } = self.scratch;
        self.steps.push(Step {
            kernel: "products",
            gives: (layer, op, 0),
            pipeline: &self.kernels.products[usize::from(together == ROWS)],
            params: sizes.map(word).to_vec(),
            buffers: vec![steps, scales, &linear.weights, &linear.group_scales, &linear.rows_of, y],
            groups: [linear.outputs / OUTPUTS, rows.div_ceil(together)],
        });
    }

    fn norm(&mut self, layer: usize, op: Op, gains: Option<&'a wgpu::Buffer>, rows: usize) {
        let Some(gains) = gains else { return };
        let c = self.weights.program.config();
        self.steps.push(Step {
            kernel: "layer_norm",
            gives: (layer, Some(op), 0),
            pipeline: &self.kernels.layer_norm,
            params: vec![word(c.width), c.epsilon as u32, (c.epsilon >> 32) as u32],
            // The hidden states are changed in place.
            buffers: vec![&self.scratch.x, gains],
            groups: [rows, 1],
        });
    }
}

/// Runs steps in their order.
pub fn run(gpu: &Gpu, steps: &[Step<'_>]) -> Result<(), GpuError> {
    let steps: Vec<&Step<'_>> = steps
        .iter()
        .filter(|step| step.groups.iter().all(|groups| *groups > 0))
        .collect();
    let most = gpu.device.limits().max_compute_workgroups_per_dimension as usize;
    if steps.iter().any(|step| step.groups.iter().any(|groups| *groups > most)) {
        return Err(GpuError::TooLarge {
            what: "a batch",
            bytes: steps.len() as u64,
            limit: most as u64,
        });
    }
    let mut params = vec![0u32; steps.len() * PARAMS / 4];
    for (step, params) in steps.iter().zip(params.chunks_mut(PARAMS / 4)) {
        params[..step.params.len()].copy_from_slice(&step.params);
    }
    let uniform = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        size: 4 * params.len().max(1) as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(&params));
    let mut encoder = gpu
        .device
        .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (at, step) in steps.iter().enumerate() {
            let own = wgpu::BufferBinding {
                buffer: &uniform,
                offset: (at * PARAMS) as u64,
                size: wgpu::BufferSize::new(PARAMS as u64),
            };
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(own),
            }];
            entries.extend(
                step.buffers
                    .iter()
                    .zip(1..)
                    .map(|(buffer, binding)| wgpu::BindGroupEntry {
                        binding,
                        resource: buffer.as_entire_binding(),
                    }),
            );
            let bound = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(step.kernel),
                layout: &step.pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
            pass.set_pipeline(step.pipeline);
            pass.set_bind_group(0, &bound, &[]);
            pass.dispatch_workgroups(word(step.groups[0]), word(step.groups[1]), 1);
        }
    }
    gpu.queue.submit([encoder.finish()]);
    Ok(())
}

fn planes(width: Width) -> usize {
    match width {
        Width::Narrow => 1,
        Width::Wide => 2,
    }
}

/// Sizes of a checked model fit a word.
fn word(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
