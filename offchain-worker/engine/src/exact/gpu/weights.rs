//! A model's weights, laid out for a GPU.

use weft_exact::activation::{logistic_table, normal_table};
use weft_exact::attention::power_table;
use weft_exact::fixed::{Fixed, Scale};
use weft_exact::linear::Matrix;
use weft_exact::model::Model;
use weft_exact::norm::layer_norm;
use weft_exact::program::{Family, Part, Program};

use super::error::GpuError;
use super::kernels::OUTPUTS;
use super::memory::Gpu;

/// A scale in one word, as the kernels have it.
pub fn packed(scale: Scale) -> u32 {
    u32::from(scale.mantissa) | u32::from(scale.shift as u16) << 16
}

/// A matrix.
pub struct Linear {
    /// Rows.
    pub rows: usize,
    /// Rows, filled up.
    pub outputs: usize,
    /// Words of a row.
    pub words: usize,
    /// Words that share a group scale.
    pub group_words: usize,
    pub weights: wgpu::Buffer,
    pub group_scales: wgpu::Buffer,
    /// Scale and bias of each row.
    pub rows_of: wgpu::Buffer,
}

impl Linear {
    fn new(gpu: &Gpu, matrix: &Matrix) -> Result<Self, GpuError> {
        let (rows, words) = (matrix.rows(), matrix.columns.div_ceil(4));
        let outputs = rows.next_multiple_of(OUTPUTS);
        let groups = matrix.columns / matrix.group.max(1);
        let mut weights = vec![0u32; words * outputs];
        let mut group_scales = vec![0u32; groups * outputs];
        let mut rows_of = vec![0u32; 2 * outputs];
        for row in 0..rows {
            let own = &matrix.weights[row * matrix.columns..][..matrix.columns];
            for (word, four) in own.chunks(4).enumerate() {
                let bytes = four.iter().enumerate();
                weights[word * outputs + row] =
                    bytes.fold(0, |word, (at, weight)| word | u32::from(*weight as u8) << (8 * at));
            }
            for (group, scale) in matrix.group_scales[row * groups..][..groups].iter().enumerate() {
                group_scales[group * outputs + row] = u32::from(*scale);
            }
            rows_of[2 * row] = packed(matrix.row_scales[row]);
            rows_of[2 * row + 1] = matrix.bias.get(row).map_or(0, |bias| *bias as u32);
        }
        Ok(Self {
            rows,
            outputs,
            words,
            // A row that is one group may end within a word; groups of which there are several do not.
            group_words: if groups == 1 { words } else { matrix.group / 4 },
            weights: gpu.filled("a matrix", &weights)?,
            group_scales: gpu.filled("a matrix's scales", &group_scales)?,
            rows_of: gpu.filled("a matrix's rows", &rows_of)?,
        })
    }

    /// Groups of a row.
    pub fn groups(&self) -> usize {
        self.words / self.group_words.max(1)
    }
}

/// A layer.
pub struct Layer {
    pub query_key_value: Linear,
    pub output: Linear,
    pub output_norm: Option<wgpu::Buffer>,
    pub up: Linear,
    pub down: Linear,
    pub down_norm: Option<wgpu::Buffer>,
}

/// Everything that does not change from step to step. Tables of tokens and positions stay with the processor, which takes rows
/// from them.
pub struct Weights {
    pub program: Program,
    embedding: Matrix,
    positions: Option<Matrix>,
    embedding_norm: Option<(Vec<Fixed>, Vec<Fixed>)>,
    pub layers: Vec<Layer>,
    pub head: Option<Linear>,
    pub angles: wgpu::Buffer,
    pub powers: wgpu::Buffer,
    /// That of the activation.
    pub distribution: wgpu::Buffer,
    pub entries: usize,
}

impl Weights {
    /// Lays out a model.
    pub fn new(gpu: &Gpu, model: &Model) -> Result<Self, GpuError> {
        let program = *model.program();
        let llama = program.config().family == Family::Llama;
        let matrix = |layer, part| {
            model
                .matrix(layer, part)
                .expect("a checked model has a matrix wherever its program asks for one")
        };
        let norm = |layer, part| {
            let gains = model.gains(layer, part).map(|(gain, bias)| {
                let pairs = gain.iter().zip(bias);
                pairs
                    .flat_map(|(gain, bias)| [*gain as u32, *bias as u32])
                    .collect::<Vec<u32>>()
            });
            gains.map(|words| gpu.filled("a norm", &words)).transpose()
        };
        let mut layers = Vec::new();
        for layer in 0..program.config().layers {
            layers.push(Layer {
                query_key_value: Linear::new(gpu, matrix(layer, Part::QueryKeyValue))?,
                output: Linear::new(gpu, matrix(layer, Part::Output))?,
                output_norm: norm(layer, Part::OutputNorm)?,
                up: Linear::new(gpu, matrix(layer, Part::Up))?,
                down: Linear::new(gpu, matrix(layer, Part::Down))?,
                down_norm: norm(layer, Part::DownNorm)?,
            });
        }
        let angles: Vec<u32> = model
            .angles()
            .iter()
            .flat_map(|angle| [angle.cosine as u32, angle.sine as u32])
            .collect();
        let distribution: &[u32] = if llama { logistic_table() } else { normal_table() };
        Ok(Self {
            program,
            embedding: matrix(0, Part::Embedding).clone(),
            positions: model.matrix(0, Part::Positions).cloned(),
            embedding_norm: model
                .gains(0, Part::EmbeddingNorm)
                .map(|(gain, bias)| (gain.to_vec(), bias.to_vec())),
            layers,
            head: llama.then(|| Linear::new(gpu, matrix(0, Part::Head))).transpose()?,
            angles: gpu.filled("angles", &angles)?,
            powers: gpu.filled("powers of two", power_table())?,
            distribution: gpu.filled("a distribution", distribution)?,
            entries: distribution.len(),
        })
    }

    /// The hidden state before the first layer.
    pub fn embed(&self, token: u32, position: usize) -> Vec<Fixed> {
        // The engine has checked tokens and positions.
        let mut x = self.embedding.row(token as usize).unwrap_or_default();
        if let Some(row) = self.positions.as_ref().and_then(|table| table.row(position)) {
            x.iter_mut().zip(row).for_each(|(x, more)| *x = x.saturating_add(more));
        }
        match &self.embedding_norm {
            Some((gain, bias)) => layer_norm(&x, gain, bias, self.program.config().epsilon),
            None => x,
        }
    }
}
