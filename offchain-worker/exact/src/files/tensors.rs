//! The parts of a model as tensors of a safetensors file.
//!
//! A part's tensors are named after it, such as `layers.3.query-key-value.weights` or `embed.row_scales.shifts`; the
//! configuration tells which there are, of which type and shape, and so how long the file is.

use std::{borrow::Cow, collections::BTreeSet, ops::RangeInclusive, path::Path};

use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};
use weft_exact::{
    fixed::Scale,
    linear::{Bits, Matrix, Unfit},
    model::{Model, NoModel},
    piece::Piece,
    program::{Config, Part, Program},
    reference::parts_of,
    rotary::Angle,
};

use super::FilesError;

/// What a header may take for each tensor, and for itself: names are short, and offsets have at most 20 digits.
const HEADER_BYTES: u64 = 512;

/// A tensor that a model has.
pub(super) struct Expected {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
}

impl Expected {
    fn bytes(&self) -> u64 {
        let elements = self
            .shape
            .iter()
            .fold(1u64, |product, size| product.saturating_mul(*size as u64));
        elements.saturating_mul(self.dtype.bitsize() as u64) / 8
    }

    fn describe(dtype: Dtype, shape: &[usize]) -> String {
        format!("{dtype:?} {shape:?}")
    }
}

/// The name before the last dot.
fn prefix(program: &Program, layer: usize, part: Part) -> String {
    let (_, in_layers, _) = program.parts();
    if in_layers.contains(&part) {
        format!("layers.{layer}.{}", part.name())
    } else {
        part.name().to_owned()
    }
}

/// All tensors of a model of these sizes, or why there is none.
pub(super) fn expected(config: &Config) -> Result<Vec<Expected>, NoModel> {
    let program = Program::new(*config).map_err(NoModel::Config)?;
    let mut all = Vec::new();
    for (layer, part) in program.all_parts() {
        let prefix = prefix(&program, layer, part);
        let mut add = |name: &str, dtype, shape: Vec<usize>| {
            let name = if name.is_empty() {
                prefix.clone()
            } else {
                format!("{prefix}.{name}")
            };
            all.push(Expected { name, dtype, shape });
        };
        match (part, program.shape(part)) {
            (_, Some(shape)) => {
                let rows = program.rows(part);
                match shape.bits {
                    Bits::Eight => add("weights", Dtype::I8, vec![rows, shape.columns]),
                    Bits::Four => add(
                        "weights",
                        Dtype::U8,
                        vec![rows.saturating_mul(shape.columns).div_ceil(2)],
                    ),
                }
                add(
                    "group_scales",
                    Dtype::U8,
                    vec![rows, shape.columns / shape.group.max(1)],
                );
                add("row_scales.mantissas", Dtype::U16, vec![rows]);
                add("row_scales.shifts", Dtype::I16, vec![rows]);
                if shape.bias {
                    add("bias", Dtype::I32, vec![rows]);
                }
            }
            (Part::Angles, None) => add("", Dtype::I32, vec![config.context, config.head_width / 2, 2]),
            (_, None) => {
                add("gain", Dtype::I32, vec![config.width]);
                add("bias", Dtype::I32, vec![config.width]);
            }
        }
    }
    Ok(all)
}

/// How long a file with these tensors can be.
pub(super) fn file_bytes(expected: &[Expected]) -> RangeInclusive<u64> {
    let data = expected
        .iter()
        .fold(8u64, |sum, tensor| sum.saturating_add(tensor.bytes()));
    data..=data.saturating_add((expected.len() as u64).saturating_add(2).saturating_mul(HEADER_BYTES))
}

/// A tensor to be written: its bytes are made only when it is its turn.
struct Outgoing<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Data<'a>,
}

enum Data<'a> {
    Signed(&'a [i8]),
    Nibbles(&'a [i8]),
    Bytes(&'a [u8]),
    Mantissas(&'a [Scale]),
    Shifts(&'a [Scale]),
    Words(&'a [i32]),
    Angles(&'a [Angle]),
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.data {
            Data::Signed(values) => values.iter().map(|value| value.to_le_bytes()[0]).collect(),
            Data::Nibbles(values) => values.chunks(2).map(pack).collect(),
            Data::Bytes(values) => Cow::Borrowed(values),
            Data::Mantissas(scales) => scales.iter().flat_map(|scale| scale.mantissa.to_le_bytes()).collect(),
            Data::Shifts(scales) => scales.iter().flat_map(|scale| scale.shift.to_le_bytes()).collect(),
            Data::Words(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Data::Angles(angles) => angles
                .iter()
                .flat_map(|angle| [angle.cosine, angle.sine])
                .flat_map(i32::to_le_bytes)
                .collect(),
        }
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// Two weights of 4 bits in a byte, the first in the low half, 8 added to each: as in [`Piece::bytes`].
fn pack(pair: &[i8]) -> u8 {
    let nibble = |at: usize| pair.get(at).map_or(0, |weight| (weight.wrapping_add(8) as u8) & 15);
    nibble(0) | nibble(1) << 4
}

/// Writes a model's parts to the file `path`.
pub(super) fn write(path: &Path, model: &Model) -> Result<(), FilesError> {
    let program = model.program();
    let expected = expected(program.config()).map_err(|why| FilesError::NoModel(why.into()))?;
    for ((layer, part), piece) in parts_of(model) {
        // A table of positions may be laid out unlike that of tokens; files have no place for that.
        if let (Piece::Rows(matrix), Some(shape)) = (piece, program.shape(part))
            && matrix.shape() != shape
        {
            return Err(FilesError::NoModel(
                NoModel::Part {
                    layer,
                    part,
                    unfit: Unfit::Shape,
                }
                .into(),
            ));
        }
    }
    let data = parts_of(model).flat_map(|(_, piece)| match piece {
        Piece::Rows(matrix) => {
            let weights = match matrix.bits {
                Bits::Eight => Data::Signed(&matrix.weights),
                Bits::Four => Data::Nibbles(&matrix.weights),
            };
            let scales = &matrix.row_scales;
            let mut data = vec![
                weights,
                Data::Bytes(&matrix.group_scales),
                Data::Mantissas(scales),
                Data::Shifts(scales),
            ];
            if !matrix.bias.is_empty() {
                data.push(Data::Words(&matrix.bias));
            }
            data
        }
        Piece::Angles(angles) => vec![Data::Angles(angles)],
        Piece::Gains(gain, bias) => vec![Data::Words(gain), Data::Words(bias)],
        _ => Vec::new(),
    });
    let tensors = expected
        .into_iter()
        .zip(data)
        .map(|(Expected { name, dtype, shape }, data)| (name, Outgoing { dtype, shape, data }));
    safetensors::serialize_to_file(tensors, None, path).map_err(|error| match error {
        safetensors::SafeTensorError::IoError(source) => FilesError::io(path, source),
        other => FilesError::Safetensors {
            path: path.to_owned(),
            problem: other.to_string(),
        },
    })
}

/// Reads a model's parts from the bytes of the file `path`.
pub(super) fn parts(
    path: &Path,
    config: &Config,
    expected: &[Expected],
    bytes: &[u8],
) -> Result<Vec<Piece>, FilesError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| FilesError::Safetensors {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    let known: BTreeSet<&str> = expected.iter().map(|tensor| tensor.name.as_str()).collect();
    if let Some(name) = file.names().into_iter().find(|name| !known.contains(name)) {
        return Err(FilesError::Unexpected {
            path: path.to_owned(),
            name: name.to_owned(),
        });
    }
    let mut tensors = Vec::with_capacity(expected.len());
    for wanted in expected {
        tensors.push(tensor(path, &file, wanted)?);
    }
    let mut tensors = tensors.into_iter();
    // There are as many as `expected` has: it lists them in this order.
    let mut next = || tensors.next().unwrap_or_default();
    let program = Program::new(*config).map_err(|why| FilesError::NoModel(NoModel::Config(why).into()))?;
    let piece = |(_, part): (usize, Part)| match (part, program.shape(part)) {
        (_, Some(shape)) => {
            let count = program.rows(part) * shape.columns;
            let weights = match shape.bits {
                Bits::Eight => next().iter().map(|byte| i8::from_le_bytes([*byte])).collect(),
                Bits::Four => unpack(next(), count),
            };
            let group_scales = next().to_vec();
            let (mantissas, shifts) = (next(), next());
            let scales = mantissas.as_chunks().0.iter().zip(shifts.as_chunks().0);
            let row_scales = scales
                .map(|(mantissa, shift)| Scale {
                    mantissa: u16::from_le_bytes(*mantissa),
                    shift: i16::from_le_bytes(*shift),
                })
                .collect();
            let bias = if shape.bias { words(next()) } else { Vec::new() };
            Piece::Rows(Matrix {
                columns: shape.columns,
                bits: shape.bits,
                weights,
                group: shape.group,
                group_scales,
                row_scales,
                bias,
            })
        }
        (Part::Angles, None) => {
            let words = words(next());
            let pairs = words.as_chunks().0.iter();
            Piece::Angles(
                pairs
                    .map(|[cosine, sine]| Angle {
                        cosine: *cosine,
                        sine: *sine,
                    })
                    .collect(),
            )
        }
        (_, None) => Piece::Gains(words(next()), words(next())),
    };
    Ok(program.all_parts().into_iter().map(piece).collect())
}

/// The bytes of a tensor that is of the type and shape that the model wants.
fn tensor<'a>(path: &Path, file: &SafeTensors<'a>, wanted: &Expected) -> Result<&'a [u8], FilesError> {
    let view: TensorView<'a> = file.tensor(&wanted.name).map_err(|_| FilesError::Missing {
        path: path.to_owned(),
        name: wanted.name.clone(),
    })?;
    if view.dtype() != wanted.dtype || view.shape() != wanted.shape {
        return Err(FilesError::Tensor {
            path: path.to_owned(),
            name: wanted.name.clone(),
            found: Expected::describe(view.dtype(), view.shape()),
            wanted: Expected::describe(wanted.dtype, &wanted.shape),
        });
    }
    Ok(view.data())
}

fn unpack(bytes: &[u8], count: usize) -> Vec<i8> {
    let both = bytes
        .iter()
        .flat_map(|byte| [(byte & 15) as i8 - 8, (byte >> 4) as i8 - 8]);
    both.take(count).collect()
}

fn words(bytes: &[u8]) -> Vec<i32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| i32::from_le_bytes(*word))
        .collect()
}
