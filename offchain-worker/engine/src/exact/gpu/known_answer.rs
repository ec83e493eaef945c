//! The known-answer test: before a GPU takes exact work every kernel has to give the reference's bits, on small models whose weights
//! look random. A kernel that does not is named.

use std::sync::OnceLock;

use weft_exact::fixed::Scale;
use weft_exact::linear::{Bits, Matrix, Shape};
use weft_exact::model::Model;
use weft_exact::norm::EPSILON_PLACES;
use weft_exact::piece::Piece;
use weft_exact::program::{Choice, Config, Family, Op, Part, Precision, Program, Shapes};
use weft_exact::quantise::{Quantised, Width};
use weft_exact::reference::{Memory, Record, Reference};
use weft_exact::rotary::Angle;
use weft_exact_engine::engine::{Engine, Work};
use weft_exact_engine::kernel::known_answer::Numbers;

use super::error::GpuError;
use super::kernels::{Kernels, Sources};
use super::memory::Gpu;
use super::pass::{Plan, Segment, Step, head_words, kept_words, run};
use super::weights::packed;
use super::{GpuEngine, new_kept};

/// Positions of a text model's test: the last of them see a second block.
const POSITIONS: usize = 266;
/// Of them, those whose every kernel is looked at.
const LOOKED_AT: usize = 13;

/// The kernels of a process's device, compiled and tested once.
pub fn checked_kernels(gpu: &Gpu) -> Result<Kernels, GpuError> {
    static CHECKED: OnceLock<Result<Kernels, GpuError>> = OnceLock::new();
    CHECKED
        .get_or_init(|| {
            let kernels = Kernels::new(gpu, &Sources::default())?;
            check(gpu, &kernels)?;
            Ok(kernels)
        })
        .clone()
}

/// Tests kernels.
pub fn check(gpu: &Gpu, kernels: &Kernels) -> Result<(), GpuError> {
    for (family, width, group, bits) in [
        (Family::Llama, Width::Wide, 0, Bits::Eight),
        (Family::Llama, Width::Narrow, 12, Bits::Four),
        (Family::Bert, Width::Narrow, 0, Bits::Eight),
        (Family::Bert, Width::Wide, 16, Bits::Eight),
    ] {
        let model = made_up(family, width, group, bits)?;
        let mut engine = GpuEngine::with(gpu.clone(), kernels.clone(), &model)?;
        match family {
            Family::Llama => check_text(gpu, &mut engine, &model)?,
            Family::Bert => check_embedding(gpu, &mut engine, &model)?,
        }
    }
    Ok(())
}

fn failed(reason: impl ToString) -> GpuError {
    GpuError::Failed {
        reason: reason.to_string(),
    }
}

fn check_text(gpu: &Gpu, engine: &mut GpuEngine, model: &Model) -> Result<(), GpuError> {
    let mut numbers = Numbers(9);
    let vocabulary = model.program().config().vocabulary as u64;
    let tokens: Vec<u32> = (0..POSITIONS).map(|_| (numbers.next() % vocabulary) as u32).collect();
    let (before, looked_at) = tokens.split_at(POSITIONS - LOOKED_AT);
    let reference = Reference::new(model);
    let mut memory = Memory::default();
    let mut records = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let choice = if at + 1 == POSITIONS {
            Choice::Greedy
        } else {
            Choice::Given
        };
        let record = reference.advance(&mut memory, *token, choice).map_err(failed)?;
        if at >= before.len() {
            records.push(record);
        }
    }
    let slot = engine.open();
    engine
        .advance(&[Work {
            slot,
            tokens: before,
            logits: false,
        }])
        .map_err(failed)?;
    gpu.guarded(|| {
        engine.grow(slot, POSITIONS)?;
        engine.fit(LOOKED_AT, 1)?;
        let embedded = looked_at.iter().zip(before.len()..);
        engine.upload(embedded.map(|(token, position)| engine.weights.embed(*token, position)));
        let kept = engine.sequences.get(&slot).map_or(&[][..], |sequence| &sequence.kept);
        let segment = Segment {
            kept,
            first_row: 0,
            rows: LOOKED_AT,
            first_position: before.len(),
        };
        look(engine, &[segment], &[LOOKED_AT - 1], &records)
    })
}

fn check_embedding(gpu: &Gpu, engine: &mut GpuEngine, model: &Model) -> Result<(), GpuError> {
    let tokens: Vec<u32> = (0..21).map(|at| at * 3).collect();
    let mut memory = Memory::default();
    let (records, _) = Reference::new(model).encode(&mut memory, &tokens).map_err(failed)?;
    gpu.guarded(|| {
        engine.fit(tokens.len(), 1)?;
        let kept = new_kept(
            gpu,
            engine.weights.layers.len(),
            tokens.len() * kept_words(&engine.weights),
        )?;
        engine.upload(
            tokens
                .iter()
                .zip(0..)
                .map(|(token, position)| engine.weights.embed(*token, position)),
        );
        let segment = Segment {
            kept: &kept,
            first_row: 0,
            rows: tokens.len(),
            first_position: 0,
        };
        look(engine, &[segment], &[], &records)
    })
}

/// Runs a batch kernel by kernel, and compares what each gives with the reference's records, one for each row.
fn look(engine: &GpuEngine, segments: &[Segment<'_>], wanted: &[usize], records: &[Record]) -> Result<(), GpuError> {
    let plan = Plan::new(&engine.weights, &engine.kernels, &engine.scratch, segments, wanted);
    let first_position = segments.first().map_or(0, |segment| segment.first_position);
    for step in &plan.steps {
        run(&engine.gpu, std::slice::from_ref(step))?;
        let (layer, Some(op), _) = step.gives else { continue };
        let wrong = |row: usize| GpuError::WrongBits {
            kernel: step.kernel,
            at: format!("{} of layer {layer}, row {row}", op.name()),
        };
        let found = match op {
            Op::Query => heads(engine, step, layer, first_position, records)?,
            Op::HeadInput | Op::Head => rows_of(engine, step, layer, op, &records[records.len() - 1..])?,
            _ => rows_of(engine, step, layer, op, records)?,
        };
        if let Some(row) = found {
            return Err(wrong(row));
        }
    }
    Ok(())
}

/// The first row in which a vector of fixed numbers, or steps, differ.
fn rows_of(
    engine: &GpuEngine,
    step: &Step<'_>,
    layer: usize,
    op: Op,
    records: &[Record],
) -> Result<Option<usize>, GpuError> {
    let mut expected: Vec<Vec<u32>> = Vec::new();
    let mut scales = Vec::new();
    for record in records {
        match record.tile(layer, op, 0) {
            Some(Piece::Quantised(x)) => {
                expected.push(words_of(x));
                scales.push(packed(x.scale));
            }
            _ => {
                let x = record
                    .vector(layer, op)
                    .ok_or_else(|| failed("the reference has no such operator"))?;
                expected.push(x.into_iter().map(|x| x as u32).collect());
            }
        }
    }
    let words = expected.first().map_or(0, Vec::len);
    let found = engine.gpu.read(&[(step.given(), 0, words * records.len())])?.concat();
    let mut wrong = expected
        .iter()
        .zip(found.chunks(words.max(1)))
        .position(|(expected, found)| expected != found);
    if !scales.is_empty() {
        let found = engine.gpu.read(&[(&engine.scratch.scales, 0, scales.len())])?.concat();
        wrong = wrong.or_else(|| {
            scales
                .iter()
                .zip(&found)
                .position(|(expected, found)| expected != found)
        });
    }
    Ok(wrong)
}

/// The first row of which a query, a key or a value differs.
fn heads(
    engine: &GpuEngine,
    step: &Step<'_>,
    layer: usize,
    first_position: usize,
    records: &[Record],
) -> Result<Option<usize>, GpuError> {
    let config = engine.weights.program.config();
    let (words, kept) = (head_words(config.head_width) + 1, kept_words(&engine.weights));
    let parts = [
        (&engine.scratch.queries, 0, records.len() * config.heads * words),
        (step.given(), first_position * kept, records.len() * kept),
    ];
    let found = engine.gpu.read(&parts)?;
    for (row, record) in records.iter().enumerate() {
        let of = |op: Op, head: usize| match record.tile(layer, op, head) {
            Some(Piece::Quantised(x)) => [words_of(x), vec![packed(x.scale)]].concat(),
            _ => Vec::new(),
        };
        let queries: Vec<u32> = (0..config.heads).flat_map(|head| of(Op::Query, head)).collect();
        let pairs: Vec<u32> = (0..config.kv_heads)
            .flat_map(|head| [of(Op::Key, head), of(Op::Value, head)].concat())
            .collect();
        let own = [
            found[0].chunks(config.heads * words).nth(row),
            found[1].chunks(kept).nth(row),
        ];
        if own != [Some(&queries[..]), Some(&pairs[..])] {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Steps as the kernels have them: the values in words, then the fine plane, if there is one.
fn words_of(x: &Quantised) -> Vec<u32> {
    let plane = |plane: &[i8]| {
        let word = |four: &[i8]| {
            four.iter()
                .enumerate()
                .fold(0, |word, (at, value)| word | u32::from(*value as u8) << (8 * at))
        };
        plane.chunks(4).map(word).collect::<Vec<u32>>()
    };
    [plane(&x.values), plane(&x.fine)].concat()
}

/// A small model. Sizes are no multiples of what kernels take together.
fn made_up(family: Family, width: Width, group: usize, bits: Bits) -> Result<Model, GpuError> {
    let llama = family == Family::Llama;
    let (size, heads, kv_heads, head_width, inner) = if llama { (84, 6, 3, 32, 132) } else { (64, 4, 4, 16, 80) };
    let shape = |columns: usize| {
        let group = if group > 0 && columns.is_multiple_of(group) {
            group
        } else {
            columns
        };
        Shape {
            columns,
            group,
            bits,
            bias: !llama,
        }
    };
    let table = Shape {
        bias: false,
        ..shape(size)
    };
    let precision = Precision {
        query_key_value: width,
        output: width,
        up: width,
        down: width,
        head: width,
    };
    let config = Config {
        family,
        width: size,
        layers: 1,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary: 70,
        context: POSITIONS,
        epsilon: (1 << EPSILON_PLACES) / 100_000,
        // log2(e) / sqrt(head_width) / head_width, about.
        to_log2: Scale::new(1_549_082_005, 36 + i32::from(llama)),
        precision,
        shapes: Shapes {
            embedding: table,
            query_key_value: shape(size),
            output: shape(heads * head_width),
            up: shape(size),
            down: shape(inner),
            head: table,
        },
    };
    let program = Program::new(config).map_err(|why| failed(format!("{why:?}")))?;
    let mut numbers = Numbers(1 + group as u64);
    let parts = program
        .all_parts()
        .into_iter()
        .map(|(_, part)| match (part, program.shape(part)) {
            (_, Some(shape)) => Piece::Rows(matrix(&mut numbers, program.rows(part), shape)),
            (Part::Angles, None) => {
                // No angles, but numbers of their size: a kernel does not know better.
                let angle = |_| Angle {
                    cosine: (numbers.next() as i32) >> 1,
                    sine: (numbers.next() as i32) >> 1,
                };
                Piece::Angles((0..config.context * head_width / 2).map(angle).collect())
            }
            _ => {
                let mut gains = |around: i32| (0..size).map(|_| around + ((numbers.next() as i32) >> 16)).collect();
                Piece::Gains(gains(65_536), gains(0))
            }
        });
    Model::new(config, parts.collect()).map_err(failed)
}

fn matrix(numbers: &mut Numbers, rows: usize, shape: Shape) -> Matrix {
    let groups = shape.columns / shape.group;
    let narrow = if shape.bits == Bits::Four { 4 } else { 0 };
    let places = 13 - narrow + if groups > 1 { 4 } else { 0 } + shape.columns.ilog2() as i32 / 2;
    let mut many =
        |count: usize, of: &dyn Fn(u64) -> i32| -> Vec<i32> { (0..count).map(|_| of(numbers.next())).collect() };
    let weights = many(rows * shape.columns, &|x| {
        i32::from(((x >> 56) as i8).max(-127) >> narrow)
    });
    let scales = many(rows * groups, &|x| if groups == 1 { 1 } else { 8 + (x >> 60) as i32 });
    let row_scales = many(rows, &|x| 40 + (x >> 58) as i32);
    let bias = if shape.bias {
        many(rows, &|x| (x as i32) >> 16)
    } else {
        Vec::new()
    };
    Matrix {
        columns: shape.columns,
        bits: shape.bits,
        weights: weights.into_iter().map(|weight| weight as i8).collect(),
        group: shape.group,
        group_scales: scales.into_iter().map(|scale| scale as u8).collect(),
        row_scales: row_scales
            .into_iter()
            .map(|scale| Scale::new(scale as u64, places))
            .collect(),
        bias,
    }
}
