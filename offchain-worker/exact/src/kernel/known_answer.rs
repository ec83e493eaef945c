//! The test that every kernel passes before it computes for others: known inputs, and the answers of `weft-exact`.

use weft_exact::{
    activation,
    attention::{self, BLOCK, Mixed},
    fixed::{Fixed, PLACES, Scale},
    hadamard,
    linear::{Bits, Matrix},
    merkle::{Digest, hash},
    norm,
    norm::EPSILON_PLACES,
    quantise::{Quantised, Width, quantise},
    rotary::{self, ANGLE_PLACES, Angle},
};

use std::sync::OnceLock;

use super::{
    ALL, Kernel,
    panels::{LANES, Panels},
    products::{Inputs, SPARE_ROWS, sums, takes_whole, whole_sums},
    rows::{self, Planes, RowScales, Weighed},
};

/// A kernel that gives other bits than the reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// One of its functions does.
    #[error(
        "the {kernel} kernel's {function} gives wrong bits on this processor, which therefore takes no exact work with it: choose \
         another kernel (--kernel) or device (--device)"
    )]
    Function {
        /// Which kernel.
        kernel: Kernel,
        /// Which function.
        function: &'static str,
    },
    /// The reference itself does not give the answers that are known.
    #[error("the reference gives other bits than it should on this processor: this build cannot be trusted")]
    Reference,
}

/// Digest of the reference's answers: the same on every machine.
const ANSWERS: Digest = [
    247, 18, 31, 251, 213, 154, 194, 219, 116, 96, 247, 59, 39, 59, 212, 248, 207, 76, 35, 80, 76, 61, 116, 14, 219,
    141, 115, 247, 98, 60, 77, 167,
];

/// Changes answers before they are compared: for tests of the test.
pub type Tamper<'a> = &'a mut dyn FnMut(&'static str, &mut Vec<u8>);

/// Every function of a kernel.
pub fn check(kernel: Kernel) -> Result<(), Wrong> {
    check_tampered(kernel, &mut |_, _| {})
}

/// The same with answers that may be changed on their way.
pub fn check_tampered(kernel: Kernel, tamper: Tamper<'_>) -> Result<(), Wrong> {
    let mut all = Vec::new();
    for (function, mut answer, expected) in answers(kernel) {
        tamper(function, &mut answer);
        if answer != expected {
            return Err(Wrong::Function { kernel, function });
        }
        all.extend(expected);
    }
    tamper("reference", &mut all);
    if hash(b"weft known answers", &all) == ANSWERS {
        Ok(())
    } else {
        Err(Wrong::Reference)
    }
}

/// [`check`], once in the life of the process.
pub fn check_once(kernel: Kernel) -> Result<(), Wrong> {
    static CHECKED: [OnceLock<Result<(), Wrong>>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
    let index = ALL.iter().position(|found| *found == kernel).unwrap_or(0);
    CHECKED[index].get_or_init(|| check(kernel)).clone()
}

/// The names of the functions that are checked.
pub fn functions() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _, _) in answers(Kernel::Portable) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Numbers that look random and are the same everywhere (xorshift64*). They start from any number but 0.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one.
    #[allow(clippy::should_implement_trait, reason = "an iterator would end")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn byte(&mut self) -> i8 {
        ((self.next() >> 56) as i8).max(-127)
    }

    /// Up to a size of so many bits, with both ends of the range at the front if it is the whole one.
    fn vector(&mut self, length: usize, bits: u32) -> Vec<Fixed> {
        let mut x: Vec<Fixed> = (0..length).map(|_| (self.next() >> 32) as i32 >> (32 - bits)).collect();
        if bits == 32 {
            x.iter_mut()
                .zip([i32::MIN, i32::MAX, 0, -1, 1])
                .for_each(|(x, end)| *x = end);
        }
        x
    }
}

/// Sizes of numbers to try; a vector of zeros is the last.
const SIZES: [u32; 7] = [32, 31, 27, 20, 16, 9, 3];

fn bytes_of(x: &[Fixed]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn scale_bytes(scale: Scale) -> [u8; 4] {
    let ([a, b], [c, d]) = (scale.mantissa.to_le_bytes(), scale.shift.to_le_bytes());
    [a, b, c, d]
}

fn quantised_bytes(x: &Quantised) -> Vec<u8> {
    let mut bytes = scale_bytes(x.scale).to_vec();
    bytes.extend(x.values.iter().chain(&x.fine).map(|x| *x as u8));
    bytes
}

/// What a kernel makes of planes, in the bytes of [`quantised_bytes`].
fn planes(kernel: Kernel, length: usize, width: Width, fill: impl FnOnce(&mut Planes<'_>) -> Scale) -> Vec<u8> {
    let offset = if kernel.adds_128() { 128 } else { 0 };
    let mut values = vec![7; length];
    let mut fine = vec![7; if width == Width::Wide { length } else { 0 }];
    let scale = fill(&mut Planes {
        values: &mut values,
        fine: &mut fine,
        offset,
    });
    let plain = values.iter().chain(&fine).map(|byte| byte.wrapping_sub(offset));
    scale_bytes(scale).into_iter().chain(plain).collect()
}

type Answer = (&'static str, Vec<u8>, Vec<u8>);

/// Each function's answers, and those of the reference.
fn answers(kernel: Kernel) -> Vec<Answer> {
    let mut numbers = Numbers(0x5eed_1234);
    let mut answers = products(kernel, &mut numbers);
    for bits in SIZES {
        // No multiple of any vector's length.
        for length in [1, 61, 200] {
            let x = numbers.vector(length, bits);
            answers.extend(plain(kernel, &x, &mut numbers));
        }
    }
    answers.extend(plain(kernel, &[0; 33], &mut numbers));
    answers.extend(finish(kernel, &mut numbers));
    answers.extend(heads(kernel, &mut numbers));
    answers.extend(attention(kernel, &mut numbers));
    answers
}

fn products(kernel: Kernel, numbers: &mut Numbers) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (group, extreme) in [(128, false), (128, true), (16, false)] {
        let rows = 40;
        let columns = 128;
        let byte = |numbers: &mut Numbers| match (numbers.byte(), extreme) {
            (x, false) => x,
            (x, true) => {
                if x < 0 {
                    -127
                } else {
                    127
                }
            }
        };
        let matrix = Matrix {
            columns,
            bits: Bits::Eight,
            weights: (0..rows * columns).map(|_| byte(numbers)).collect(),
            group,
            group_scales: (0..rows * columns / group)
                .map(|_| {
                    if group == columns {
                        1
                    } else {
                        numbers.byte().unsigned_abs()
                    }
                })
                .collect(),
            row_scales: vec![Scale::new(1, 0); rows],
            bias: Vec::new(),
        };
        let panels = Panels::new(&matrix, rows, Some);
        // Every number of rows that is taken together somewhere, and more.
        for count in (1..=20).chain([35]) {
            let inputs: Vec<Vec<i8>> = (0..count)
                .map(|_| (0..columns).map(|_| byte(numbers)).collect())
                .collect();
            let offset = if kernel.adds_128() { 128u8 } else { 0 };
            let mut bytes: Vec<u8> = inputs
                .iter()
                .flatten()
                .map(|x| (*x as u8).wrapping_add(offset))
                .collect();
            bytes.resize((count + SPARE_ROWS) * columns, 1);
            let stride = panels.rows();
            let mut out = vec![0; count * stride];
            let view = Inputs {
                bytes: &bytes,
                stride: columns,
                columns,
                count,
            };
            sums(kernel, view, &panels, 0..panels.count(), &mut out, stride);
            let answer: Vec<i32> = out.chunks(stride).flat_map(|row| row[..rows].to_vec()).collect();
            let expected: Vec<i32> = inputs
                .iter()
                .flat_map(|x| (0..rows).map(|row| matrix.sum(row, x)))
                .collect();
            answers.push(("products", bytes_of(&answer), bytes_of(&expected)));
            if count % 2 == 0 {
                answers.push(wide_products(kernel, &matrix, &panels, view, &inputs));
            }
        }
    }
    answers
}

/// Rows in pairs as the values and fine steps of wide inputs: what is left of each fine one is its lower half.
fn wide_products(kernel: Kernel, matrix: &Matrix, panels: &Panels, view: Inputs<'_>, inputs: &[Vec<i8>]) -> Answer {
    let (rows, stride, count) = (matrix.rows(), panels.rows(), inputs.len() / 2);
    let offset = if kernel.adds_128() { 128u8 } else { 0 };
    let halved = |x: i8| x >> 1;
    let mut bytes = view.bytes.to_vec();
    for fine in bytes.chunks_mut(view.stride).take(inputs.len()).skip(1).step_by(2) {
        fine.iter_mut()
            .for_each(|byte| *byte = (halved(byte.wrapping_sub(offset) as i8) as u8).wrapping_add(offset));
    }
    let view = Inputs { bytes: &bytes, ..view };
    let mut out = vec![0; 2 * count * stride];
    let round = |fine: i32| weft_exact::fixed::round_shift(i64::from(fine), 7) as i32;
    let answer: Vec<i32> = if takes_whole(kernel, panels) {
        whole_sums(
            kernel,
            view,
            panels,
            0..panels.count(),
            &mut out,
            stride,
            &mut Vec::new(),
        );
        out.chunks(stride)
            .take(count)
            .flat_map(|row| row[..rows].to_vec())
            .collect()
    } else {
        sums(kernel, view, panels, 0..panels.count(), &mut out, stride);
        let pairs = out.chunks(2 * stride).flat_map(|both| {
            let (values, fine) = both.split_at(stride);
            values[..rows]
                .iter()
                .zip(fine)
                .map(|(value, fine)| value.wrapping_add(round(*fine)))
                .collect::<Vec<_>>()
        });
        pairs.collect()
    };
    let expected = inputs.chunks_exact(2).flat_map(|pair| {
        let fine: Vec<i8> = pair[1].iter().map(|x| halved(*x)).collect();
        let sum = |row| matrix.sum(row, &pair[0]).wrapping_add(round(matrix.sum(row, &fine)));
        (0..rows).map(sum).collect::<Vec<_>>()
    });
    let expected: Vec<i32> = expected.collect();
    ("wide products", bytes_of(&answer), bytes_of(&expected))
}

/// Functions of one plain vector.
fn plain(kernel: Kernel, x: &[Fixed], numbers: &mut Numbers) -> Vec<Answer> {
    let mut answers = Vec::new();
    for width in [Width::Narrow, Width::Wide] {
        let answer = planes(kernel, x.len(), width, |planes| rows::quantise(kernel, x, planes));
        answers.push(("quantise", answer, quantised_bytes(&quantise(x, width))));
        for epsilon in [1, 1 << (EPSILON_PLACES - 17), u64::MAX] {
            let answer = planes(kernel, x.len(), width, |planes| {
                rows::rms_norm(kernel, x, epsilon, planes)
            });
            answers.push(("rms norm", answer, quantised_bytes(&norm::rms_norm(x, epsilon, width))));
        }
    }
    let (gain, bias) = (numbers.vector(x.len(), 20), numbers.vector(x.len(), 32));
    let epsilon = 1 << (EPSILON_PLACES - 39);
    let mut y = x.to_vec();
    rows::layer_norm(kernel, &mut y, &gain, &bias, epsilon);
    answers.push((
        "layer norm",
        bytes_of(&y),
        bytes_of(&norm::layer_norm(x, &gain, &bias, epsilon)),
    ));
    let mut y = x.to_vec();
    rows::add(kernel, &mut y, &bias);
    let sum: Vec<Fixed> = x.iter().zip(&bias).map(|(x, y)| x.saturating_add(*y)).collect();
    answers.push(("sum", bytes_of(&y), bytes_of(&sum)));
    rows::swiglu(kernel, x, &bias, &mut y);
    let gated: Vec<Fixed> = x
        .iter()
        .zip(&bias)
        .map(|(gate, up)| activation::swiglu(*gate, *up))
        .collect();
    answers.push(("swiglu", bytes_of(&y), bytes_of(&gated)));
    y.copy_from_slice(x);
    rows::gelu(kernel, &mut y);
    let gelu: Vec<Fixed> = x.iter().map(|x| activation::gelu(*x)).collect();
    answers.push(("gelu", bytes_of(&y), bytes_of(&gelu)));
    let peak = rows::peak(kernel, x);
    answers.push((
        "peak",
        bytes_of(&[peak]),
        bytes_of(&[x.iter().copied().max().unwrap_or(0)]),
    ));
    answers
}

/// Sums to fixed numbers, with ordinary shifts and with those beyond either end.
fn finish(kernel: Kernel, numbers: &mut Numbers) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (base, spread) in [(30, 6), (17, 1), (70, 20), (-20, 8), (0, 33), (300, 1)] {
        let sums = numbers.vector(50, 32);
        let fine = numbers.vector(50, 30);
        let x = Scale {
            mantissa: 0x8000 | numbers.next() as u16,
            shift: 3,
        };
        let mut scales = RowScales::default();
        let all: Vec<Scale> = (0..50)
            .map(|row| match row {
                7 => Scale::default(),
                _ => Scale {
                    mantissa: 0x8000 | numbers.next() as u16,
                    shift: base + (numbers.next() % spread) as i16,
                },
            })
            .collect();
        all.iter().for_each(|scale| scales.push(*scale));
        for fine in [&[][..], &fine] {
            let mut y = vec![0; 50];
            rows::finish(kernel, &sums, fine, scales.part(0, 50), x, &mut y);
            let one = |(row, sum): (usize, &i32)| {
                let fine = fine
                    .get(row)
                    .map_or(0, |fine| weft_exact::fixed::round_shift(i64::from(*fine), 7) as i32);
                all[row].apply_both(x, sum.wrapping_add(fine), PLACES)
            };
            let expected: Vec<Fixed> = sums.iter().enumerate().map(one).collect();
            answers.push(("scaling", bytes_of(&y), bytes_of(&expected)));
        }
    }
    answers
}

fn heads(kernel: Kernel, numbers: &mut Numbers) -> Vec<Answer> {
    let mut answers = Vec::new();
    for bits in SIZES {
        for width in [2, 16, 32, 64, 128] {
            let head = numbers.vector(width, bits);
            let angles: Vec<Angle> = (0..width / 2)
                .map(|at| match at {
                    0 => Angle {
                        cosine: 1 << ANGLE_PLACES,
                        sine: -(1 << ANGLE_PLACES),
                    },
                    _ => {
                        let mut part = || (numbers.next() >> 32) as i32 >> 1;
                        Angle {
                            cosine: part(),
                            sine: part(),
                        }
                    }
                })
                .collect();
            let mut turned = head.clone();
            rows::turn(kernel, &mut turned, &angles);
            let expected = rotary::turn(&head, &angles);
            answers.push(("rotation", bytes_of(&turned), bytes_of(&expected)));
            let answer = planes(kernel, width, Width::Narrow, |planes| {
                rows::quantise_transformed(kernel, &mut turned, planes)
            });
            let expected = quantised_bytes(&hadamard::quantise_transformed(&expected, width));
            answers.push(("transform", answer, expected));
        }
    }
    answers
}

fn attention(kernel: Kernel, numbers: &mut Numbers) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (length, bits) in [(1, 20), (77, 19), (BLOCK, 18), (BLOCK, 32)] {
        let width = 24;
        let exponents = numbers.vector(length, bits);
        let peak = exponents.iter().copied().max().unwrap_or(0);
        let values: Vec<Quantised> = (0..length)
            .map(|at| {
                quantise(
                    &numbers.vector(width, if at % 50 == 3 { 1 } else { 10 + (at % 9) as u32 }),
                    Width::Narrow,
                )
            })
            .collect();
        let expected = attention::mix(&exponents, peak, &values);
        let mut scales = RowScales::default();
        values.iter().for_each(|value| scales.push(value.scale));
        let mut weighed = Weighed::default();
        let answer = planes(kernel, length, Width::Wide, |planes| {
            let values = scales.part(0, length);
            weighed = rows::weights(kernel, &exponents, peak, values, rows::least(kernel, values), planes);
            Scale::default()
        });
        // The planes are no part of the reference: only the sums that they lead to are.
        let plane = |at: usize| answer[4 + at * length..][..length].iter().map(|x| i32::from(*x as i8));
        let sum = |at: usize, column: usize| -> i32 {
            plane(at)
                .zip(&values)
                .map(|(weight, value)| weight * i32::from(value.values[column]))
                .sum()
        };
        let (values, fine): (Vec<i32>, Vec<i32>) = (0..width).map(|column| (sum(0, column), sum(1, column))).unzip();
        let mut sums = vec![0; width];
        rows::join(kernel, &values, &fine, &mut sums);
        let bytes = |mixed: &Mixed| {
            let mut bytes = mixed.total.to_le_bytes().to_vec();
            bytes.extend(mixed.shift.to_le_bytes());
            bytes.extend(bytes_of(&mixed.sums));
            bytes
        };
        let mixed = Mixed {
            total: weighed.total,
            shift: weighed.shift,
            sums,
        };
        answers.push(("weights", bytes(&mixed), bytes(&expected)));
    }
    for blocks in [1, 2, 5, 32] {
        let width = 24;
        let all: Vec<Mixed> = (0..blocks)
            .map(|block| Mixed {
                total: 1 + (numbers.next() >> 42) as u32,
                shift: (block as i16 * 7) % 40 + 5,
                sums: if block == 1 {
                    vec![0; width]
                } else {
                    numbers.vector(width, 30)
                },
            })
            .collect();
        let weighed: Vec<Weighed> = all
            .iter()
            .map(|block| Weighed {
                total: block.total,
                shift: block.shift,
            })
            .collect();
        let sums: Vec<i32> = all
            .iter()
            .flat_map(|block| block.sums.iter().copied().chain([99; LANES - 8]))
            .collect();
        let mut out = vec![5; width];
        rows::combine(kernel, &weighed, &sums, width + LANES - 8, &mut out);
        answers.push(("combination", bytes_of(&out), bytes_of(&attention::combine(&all))));
    }
    answers
}
