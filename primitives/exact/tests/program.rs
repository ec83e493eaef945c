//! Tiles: how much they read, that each can be computed alone, and that nothing else than their operands is taken.

mod models;
mod numbers;

use std::{collections::BTreeMap, sync::OnceLock};

use models::{FOUR, PLAIN, Variant, WIDE, bert, llama, model};
use proptest::prelude::*;
use weft_exact::{
    attention::{BLOCK, Mixed},
    fixed::Scale,
    linear::{Bits, Shape},
    merkle::{self, Digest},
    model::Model,
    piece::Piece,
    program::{
        ANGLE_BLOCK, Address, Choice, Config, Family, Kept, Op, POOLED, Part, Program, Shapes, Source, Step,
        TILE_BYTES, Unsound,
    },
    quantise::{Quantised, Width},
    reference::{Memory, Record, Reference},
    rotary::Angle,
    sampling::{BUCKETS, Best, CHUNK, Draw, Random},
    tile::{WrongOperands, compute},
};

const RANDOM: Choice = Choice::Random(Random {
    to_log2: Scale {
        mantissa: 47_274,
        shift: 15,
    },
    top_p: 60_000,
    seed: 77,
});

// What tiles read.

fn quantised_bytes(count: usize, width: Width) -> usize {
    4 + count * if width == Width::Wide { 2 } else { 1 }
}

/// Bytes of what a source gives, from the program alone.
fn bytes(program: &Program, source: &Source, step: &Step) -> usize {
    let c = program.config();
    let head = quantised_bytes(c.head_width, Width::Narrow);
    let pooled = |chunk: usize| (c.width - chunk * POOLED).min(POOLED);
    match source {
        Source::Weights { part, tile, .. } => {
            let per_tile = program.rows_per_tile(*part);
            let rows = per_tile.min(program.rows(*part) - tile * per_tile);
            match (part, program.shape(*part)) {
                (_, Some(shape)) => rows * shape.row_bytes(),
                (Part::Angles, None) => rows * c.head_width / 2 * 8,
                (_, None) => 2 * 4 * c.width,
            }
        }
        Source::Kept {
            kind: Kept::Hidden,
            head,
            positions,
            ..
        } => positions.len() * 4 * pooled(*head),
        Source::Kept { positions, .. } => positions.len() * head,
        Source::Drawn => c.vocabulary.min(CHUNK) * 4,
        Source::Output {
            elements: Some(elements),
            ..
        } => elements.len() * 4,
        Source::Output {
            op,
            tiles,
            elements: None,
            ..
        } => match op {
            Op::Embed | Op::EmbedNorm | Op::Output | Op::OutputNorm | Op::Down | Op::DownNorm | Op::Mean => 4 * c.width,
            Op::Up => 4 * c.inner,
            Op::Combine => tiles.len() * 4 * c.head_width,
            Op::AttentionInput => quantised_bytes(c.width, c.precision.query_key_value),
            Op::OutputInput => quantised_bytes(c.heads * c.head_width, c.precision.output),
            Op::FeedInput => quantised_bytes(c.width, c.precision.up),
            Op::DownInput => quantised_bytes(c.inner, c.precision.down),
            Op::HeadInput => quantised_bytes(c.width, c.precision.head),
            Op::Query => head,
            Op::Exponents => {
                let blocks = step.visible.div_ceil(BLOCK);
                tiles
                    .clone()
                    .map(|tile| 4 * BLOCK.min(step.visible - tile % blocks * BLOCK))
                    .sum()
            }
            Op::Peak => 4 * tiles.len(),
            Op::Mix => tiles.len() * (4 + 2 + 4 * c.head_width),
            Op::Best => tiles.len() * 8,
            Op::Masses => tiles.len() * 8 * BUCKETS,
            Op::Draw => 16,
            Op::Pool => tiles.len() * 8 * pooled(tiles.start / step.visible.div_ceil(BLOCK)),
            op => panic!("nothing reads all of {op:?}"),
        },
    }
}

/// At the last position of the longest context.
fn last_step(config: &Config) -> Step {
    Step {
        position: config.context - 1,
        visible: config.context,
        token: config.vocabulary as u32 - 1,
        choice: RANDOM,
    }
}

/// All operators of the first and of the last layer, and those outside of the layers.
fn operators(program: &Program, step: &Step) -> Vec<(usize, Op)> {
    let mut all: Vec<(usize, Op)> = program
        .start()
        .iter()
        .chain(program.end(step))
        .map(|op| (0, *op))
        .collect();
    for layer in [0, program.config().layers - 1] {
        all.extend(program.layer().iter().map(|op| (layer, *op)));
    }
    all
}

/// The most that a tile reads, and which one that is. Of each operator every `stride`-th tile, and the last.
fn most_read(config: &Config, stride: usize) -> (usize, Op, usize) {
    let program = Program::new(*config).expect("the sizes go together");
    let step = last_step(config);
    let mut most = (0, Op::Embed, 0);
    for (layer, op) in operators(&program, &step) {
        let tiles = program.tiles(op, &step);
        assert!(tiles > 0, "{op:?} has no tiles");
        assert_eq!(program.sources(&Address { layer, op, tile: tiles }, &step), None);
        for tile in (0..tiles).step_by(stride).chain([tiles - 1]) {
            let sources = program
                .sources(&Address { layer, op, tile }, &step)
                .expect("there is such a tile");
            let read = sources.iter().map(|source| bytes(&program, source, &step)).sum();
            most = most.max((read, op, tile));
        }
    }
    most
}

fn precise(config: Config, width: Width) -> Config {
    let precision = models::precision(width);
    Config { precision, ..config }
}

fn sized(family: Family, sizes: [usize; 8], group: usize, bits: Bits, bias: bool) -> Config {
    let [width, layers, heads, kv_heads, head_width, inner, vocabulary, context] = sizes;
    let shape = |columns: usize| Shape {
        columns,
        group: if group == 0 { columns } else { group },
        bits,
        bias,
    };
    let bare = |columns| Shape {
        bias: false,
        ..shape(columns)
    };
    let shapes = Shapes {
        embedding: bare(width),
        query_key_value: shape(width),
        output: shape(heads * head_width),
        up: shape(width),
        down: shape(inner),
        head: bare(width),
    };
    let base = llama(WIDE);
    let to_log2 = models::to_log2(head_width);
    Config {
        family,
        width,
        layers,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context,
        to_log2,
        shapes,
        ..base
    }
}

#[test]
fn every_tile_of_real_models_reads_at_most_64_kibibytes() {
    let smol = [576, 30, 9, 3, 64, 1_536, 49_152, 8_192];
    let llama = [2_048, 16, 32, 8, 64, 8_192, 128_256, 8_192];
    let mini = [384, 6, 12, 12, 32, 1_536, 30_522, 512];
    let large = [1_024, 24, 16, 16, 64, 4_096, 30_522, 512];
    for (family, sizes) in [
        (Family::Llama, smol),
        (Family::Llama, llama),
        (Family::Bert, mini),
        (Family::Bert, large),
    ] {
        for (group, bits) in [(32, Bits::Eight), (32, Bits::Four), (0, Bits::Eight)] {
            for width in [Width::Narrow, Width::Wide] {
                let config = precise(sized(family, sizes, group, bits, family == Family::Bert), width);
                let (read, op, tile) = most_read(&config, 1);
                assert!(
                    read <= TILE_BYTES,
                    "tile {tile} of {op:?} reads {read} bytes: {config:?}"
                );
            }
        }
    }
}

#[test]
fn every_tile_of_the_largest_models_reads_at_most_64_kibibytes() {
    let context = [8_192, 8_191];
    for (heads, kv_heads, head_width) in [(64, 64, 128), (64, 8, 128), (1_024, 1_024, 8), (32, 32, 256), (2, 2, 2)] {
        for width in [8_192, 5_460, 4_096, 1_028, 4] {
            for (group, bits) in [(4, Bits::Eight), (4, Bits::Four), (0, Bits::Eight)] {
                for (family, kv_heads) in [(Family::Llama, kv_heads), (Family::Bert, heads)] {
                    let sizes = [
                        width,
                        512,
                        heads,
                        kv_heads,
                        head_width,
                        8_192,
                        32 * CHUNK,
                        context[width % 3 % 2],
                    ];
                    let config = sized(family, sizes, group, bits, true);
                    match Program::new(config) {
                        Ok(_) => {
                            let (read, op, tile) = most_read(&config, 7);
                            assert!(
                                read <= TILE_BYTES,
                                "tile {tile} of {op:?} reads {read} bytes: {config:?}"
                            );
                        }
                        // Only what would read more.
                        Err(Unsound::Size(name)) => {
                            let refused = (name, family);
                            assert!(
                                matches!(refused, ("width", Family::Bert) | ("head_width", _)),
                                "{name}: {config:?}"
                            );
                            assert!(width > 5_460 || head_width > 128, "{name}: {config:?}");
                        }
                        Err(unsound) => panic!("{unsound:?} of {config:?}"),
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn every_tile_of_any_model_reads_at_most_64_kibibytes(
        bert in any::<bool>(),
        four in any::<bool>(),
        bias in any::<bool>(),
        wide in any::<bool>(),
        quarters in (1usize..=2_048, 1usize..=2_048),
        head_width in (1u32..=8).prop_map(|bits| 1usize << bits),
        heads in 1usize..=1_024,
        shared in 1usize..=8,
        group in 0usize..=1,
        vocabulary in 1usize..=32 * CHUNK,
        context in 1usize..=8_192,
    ) {
        let (family, shared) = if bert { (Family::Bert, 1) } else { (Family::Llama, shared) };
        let sizes = [4 * quarters.0, 3, heads * shared, heads, head_width, 4 * quarters.1, vocabulary, context];
        let bits = if four { Bits::Four } else { Bits::Eight };
        let config = sized(family, sizes, 4 * group, bits, bias);
        let config = precise(config, if wide { Width::Wide } else { Width::Narrow });
        if Program::new(config).is_ok() {
            let (read, op, tile) = most_read(&config, 97);
            prop_assert!(read <= TILE_BYTES, "tile {} of {:?} reads {} bytes", tile, op, read);
        }
    }
}

// Tiles alone.

/// A model that has run, and all that its tiles read.
struct Run {
    model: Model,
    memory: Memory,
    steps: Vec<(Step, Record)>,
    /// The operators after the layers, where these are not a step's.
    end: Option<(Step, Record)>,
}

fn run_llama(variant: Variant) -> Run {
    let model = model(llama(variant));
    let mut memory = Memory::default();
    let step = |position: usize| {
        let token = (position * 17 % 50) as u32;
        let choice = [Choice::Given, Choice::Greedy, RANDOM][position % 3];
        let record = Reference::new(&model)
            .advance(&mut memory, token, choice)
            .expect("there is room");
        (
            Step {
                position,
                visible: position + 1,
                token,
                choice,
            },
            record,
        )
    };
    let steps = (0..39).map(step).collect();
    Run {
        model,
        memory,
        steps,
        end: None,
    }
}

fn run_bert(variant: Variant, count: usize) -> Run {
    let model = model(bert(variant));
    let mut memory = Memory::default();
    let tokens: Vec<u32> = (0..count).map(|position| (position * 31 % 70) as u32).collect();
    let (records, end) = Reference::new(&model)
        .encode(&mut memory, &tokens)
        .expect("there is room");
    let steps = tokens.iter().enumerate().map(|(position, token)| Step {
        position,
        visible: count,
        token: *token,
        choice: Choice::Given,
    });
    let steps: Vec<_> = steps.zip(records).collect();
    let end = Some((steps[count - 1].0, end));
    Run {
        model,
        memory,
        steps,
        end,
    }
}

impl Run {
    fn operands(&self, at: &Address, step: &Step, record: &Record) -> Vec<Piece> {
        let sources = self.model.program().sources(at, step).expect("there is such a tile");
        let reference = Reference::new(&self.model);
        let operand = |source| reference.operand(source, &self.memory, record).expect("it is there");
        sources.iter().map(operand).collect()
    }

    /// Every tile, computed alone; how many there were of each operator.
    fn recompute(&self) -> BTreeMap<Op, usize> {
        let program = self.model.program();
        let mut counts = BTreeMap::new();
        let in_steps = self
            .steps
            .iter()
            .map(|(step, record)| (step, record, program.operators(step).collect()));
        let at_end = self.end.iter().map(|(step, record)| {
            (
                step,
                record,
                program.end(step).iter().map(|op| (0, *op)).collect::<Vec<_>>(),
            )
        });
        for (step, record, operators) in in_steps.chain(at_end) {
            for (layer, op) in operators {
                let tiles = program.tiles(op, step);
                *counts.entry(op).or_default() += tiles;
                assert_eq!(record.leaves(layer, op).len(), tiles, "{op:?}");
                for tile in 0..tiles {
                    let at = Address { layer, op, tile };
                    let operands = self.operands(&at, step, record);
                    assert_eq!(
                        compute(program, &at, step, &operands).as_ref(),
                        Ok(record.tile(layer, op, tile).expect("it was computed"))
                    );
                    let sources = program.sources(&at, step).expect("there is such a tile");
                    for (source, operand) in sources.iter().zip(operands) {
                        assert_eq!(
                            operand.bytes().len(),
                            bytes(program, source, step),
                            "{source:?} of {at:?}"
                        );
                    }
                }
            }
        }
        counts
    }
}

#[test]
fn every_tile_of_a_causal_model_is_computed_alone() {
    for variant in [PLAIN, FOUR] {
        let counts = run_llama(variant).recompute();
        let steps = 39;
        assert_eq!(counts[&Op::Exponents], steps * 2 * 4);
        assert_eq!((counts[&Op::Token], counts[&Op::Draw]), (26, 13));
        // Every operator of the family.
        assert_eq!(counts.len(), 22);
    }
}

#[test]
fn every_tile_of_a_model_that_looks_both_ways_is_computed_alone() {
    for (variant, count, blocks) in [(PLAIN, 258, 2), (WIDE, 9, 1)] {
        let counts = run_bert(variant, count).recompute();
        assert_eq!(counts[&Op::Mix], count * 2 * 3 * blocks);
        // 48 elements are two chunks.
        assert_eq!(
            (counts[&Op::Pool], counts[&Op::Mean], counts[&Op::Unit]),
            (2 * blocks, 2, 1)
        );
        assert_eq!(counts.len(), 22);
    }
}

#[test]
fn tiles_that_are_not_there_have_no_sources() {
    let run = run_llama(PLAIN);
    let program = run.model.program();
    let step = run.steps[5].0;
    let at = Address {
        layer: 0,
        op: Op::Embed,
        tile: 0,
    };
    assert!(program.sources(&at, &step).is_some());
    for (at, step) in [
        (Address { layer: 1, ..at }, step),
        (Address { tile: 1, ..at }, step),
        (Address { op: Op::Pool, ..at }, step),
        (
            Address {
                op: Op::OutputNorm,
                ..at
            },
            step,
        ),
        (
            Address {
                op: Op::Down,
                layer: 2,
                tile: 0,
            },
            step,
        ),
        (
            Address { op: Op::Head, ..at },
            Step {
                choice: Choice::Given,
                ..step
            },
        ),
        (
            Address { op: Op::Draw, ..at },
            Step {
                choice: Choice::Greedy,
                ..step
            },
        ),
        (at, Step { token: 50, ..step }),
        (at, Step { visible: 0, ..step }),
        (
            at,
            Step {
                position: 40,
                visible: 41,
                ..step
            },
        ),
        (
            at,
            Step {
                visible: usize::MAX,
                ..step
            },
        ),
        (
            at,
            Step {
                position: usize::MAX,
                ..step
            },
        ),
        (
            Address {
                tile: usize::MAX,
                op: Op::Best,
                ..at
            },
            Step { choice: RANDOM, ..step },
        ),
    ] {
        assert_eq!(program.sources(&at, &step), None, "{at:?} {step:?}");
        assert_eq!(compute(program, &at, &step, &[]), Err(WrongOperands));
    }
    assert_eq!(program.operator("down-input", &step), Some(Op::DownInput));
    assert_eq!(program.operator("pool", &step), None);
}

// Operands that are none.

fn runs() -> &'static [Run; 3] {
    static RUNS: OnceLock<[Run; 3]> = OnceLock::new();
    RUNS.get_or_init(|| [run_llama(FOUR), run_llama(PLAIN), run_bert(PLAIN, 258)])
}

/// A tile of a run, chosen by a number.
fn some_tile(run: &'static Run, choice: usize) -> (Address, Step, Vec<Piece>) {
    let program = run.model.program();
    let (step, record) = match &run.end {
        Some(end) if choice.is_multiple_of(3) => end,
        _ => &run.steps[choice % run.steps.len()],
    };
    let at_end = run.end.as_ref().is_some_and(|(_, end)| std::ptr::eq(end, record));
    let operators: Vec<(usize, Op)> = match at_end {
        true => program.end(step).iter().map(|op| (0, *op)).collect(),
        false => program.operators(step).collect(),
    };
    let (layer, op) = operators[choice / 64 % operators.len()];
    let at = Address {
        layer,
        op,
        tile: choice / 4_096 % program.tiles(op, step),
    };
    (at, *step, run.operands(&at, step, record))
}

/// One of every kind.
fn kinds() -> Vec<Piece> {
    let head = Quantised {
        values: vec![1; 16],
        fine: vec![],
        scale: Scale::new(1, 4),
    };
    vec![
        Piece::Fixed(vec![1; 16]),
        Piece::Quantised(head.clone()),
        Piece::Heads(vec![head]),
        Piece::Mixed(vec![Mixed {
            total: 1,
            sums: vec![1; 16],
            shift: 3,
        }]),
        Piece::Rows(models::matrix(&mut numbers::Numbers(1), 4, llama(PLAIN).shapes.up)),
        Piece::Gains(vec![1; 48], vec![1; 48]),
        Piece::Angles(vec![
            Angle {
                cosine: 1 << 30,
                sine: 0
            };
            ANGLE_BLOCK
        ]),
        Piece::Best(vec![Best { logit: 1, token: 1 }]),
        Piece::Masses(vec![vec![1; BUCKETS]]),
        Piece::Draw(Draw {
            chunk: 0,
            last_bucket: 0,
            rest: 0,
        }),
        Piece::Token(1),
        Piece::Elements(vec![vec![1; 32]]),
        Piece::Sums(vec![vec![1; 32]]),
    ]
}

fn resize<T: Clone>(x: &mut Vec<T>, longer: bool) {
    let last = x.last().cloned();
    match last {
        Some(last) if longer => x.push(last),
        _ => drop(x.pop()),
    }
}

fn last_of<T: Clone>(rows: &mut [Vec<T>], longer: bool) {
    if let Some(row) = rows.last_mut() {
        resize(row, longer);
    }
}

/// Another size of the same kind, in one of its `way`s; `None` where all are of one size.
fn resized(mut piece: Piece, longer: bool, way: usize) -> Option<Piece> {
    match (&mut piece, way % 7) {
        (Piece::Fixed(x), _) => resize(x, longer),
        (Piece::Quantised(x), 0 | 1) => resize(&mut x.values, longer),
        (Piece::Quantised(x), _) => x.fine = if x.fine.is_empty() { x.values.clone() } else { vec![] },
        (Piece::Heads(heads), 0 | 1) => resize(heads, longer),
        (Piece::Heads(heads), 2 | 3) => resize(&mut heads[0].values, longer),
        (Piece::Heads(heads), _) => heads[0].fine = heads[0].values.clone(),
        (Piece::Mixed(blocks), 0 | 1) => resize(blocks, longer),
        (Piece::Mixed(blocks), _) => resize(&mut blocks[0].sums, longer),
        (Piece::Rows(matrix), 0) => resize(&mut matrix.weights, longer),
        (Piece::Rows(matrix), 1) => resize(&mut matrix.group_scales, longer),
        (Piece::Rows(matrix), 2) => resize(&mut matrix.row_scales, longer),
        (Piece::Rows(matrix), 3) => matrix.bias = if matrix.bias.is_empty() { vec![0] } else { vec![] },
        (Piece::Rows(matrix), 4) => matrix.columns = if longer { 2 * matrix.columns } else { 0 },
        (Piece::Rows(matrix), 5) => matrix.group = if longer { 2 * matrix.group } else { 0 },
        (Piece::Rows(matrix), _) => {
            matrix.bits = if matrix.bits == Bits::Four {
                Bits::Eight
            } else {
                Bits::Four
            };
        }
        (Piece::Gains(gain, _), 0..=2) => resize(gain, longer),
        (Piece::Gains(_, bias), _) => resize(bias, longer),
        (Piece::Angles(angles), _) => resize(angles, longer),
        (Piece::Best(chunks), _) => resize(chunks, longer),
        (Piece::Masses(chunks), 0 | 1) => resize(chunks, longer),
        (Piece::Masses(chunks), _) => last_of(chunks, longer),
        (Piece::Elements(rows), 0 | 1) => resize(rows, longer),
        (Piece::Elements(rows), _) => last_of(rows, longer),
        (Piece::Sums(blocks), 0 | 1) => resize(blocks, longer),
        (Piece::Sums(blocks), _) => last_of(blocks, longer),
        // A chunk that is not there.
        (Piece::Draw(draw), 0..=2) => draw.chunk = u32::MAX,
        (Piece::Draw(draw), _) => draw.chunk += 1,
        (Piece::Token(_), _) => return None,
    }
    Some(piece)
}

/// The same size, but whatever numbers: of any of these a stranger may say that they are operands.
fn filled(piece: &mut Piece, mut next: impl FnMut() -> u64) {
    fn scale(bits: u64) -> Scale {
        Scale {
            mantissa: bits as u16,
            shift: (bits >> 16) as i16,
        }
    }
    let quantised = |x: &mut Quantised, next: &mut dyn FnMut() -> u64| {
        x.values.iter_mut().chain(&mut x.fine).for_each(|x| *x = next() as i8);
        x.scale = scale(next());
    };
    match piece {
        Piece::Fixed(x) => x.iter_mut().for_each(|x| *x = next() as i32),
        Piece::Quantised(x) => quantised(x, &mut next),
        Piece::Heads(heads) => heads.iter_mut().for_each(|x| quantised(x, &mut next)),
        Piece::Mixed(blocks) => blocks.iter_mut().for_each(|block| {
            block.sums.iter_mut().for_each(|x| *x = next() as i32);
            (block.total, block.shift) = (next() as u32, next() as i16);
        }),
        Piece::Rows(matrix) => {
            matrix.weights.iter_mut().for_each(|x| *x = next() as i8);
            matrix.group_scales.iter_mut().for_each(|x| *x = next() as u8);
            matrix.row_scales.iter_mut().for_each(|x| *x = scale(next()));
            matrix.bias.iter_mut().for_each(|x| *x = next() as i32);
        }
        Piece::Gains(gain, bias) => gain.iter_mut().chain(bias).for_each(|x| *x = next() as i32),
        Piece::Angles(angles) => angles.iter_mut().for_each(|angle| {
            *angle = Angle {
                cosine: next() as i32,
                sine: next() as i32,
            };
        }),
        Piece::Best(chunks) => chunks.iter_mut().for_each(|best| {
            *best = Best {
                logit: next() as i32,
                token: next() as u32,
            };
        }),
        Piece::Masses(rows) => rows.iter_mut().flatten().for_each(|x| *x = next()),
        Piece::Draw(draw) => (draw.last_bucket, draw.rest) = (next() as u32, next()),
        Piece::Token(token) => *token = next() as u32,
        Piece::Elements(rows) => rows.iter_mut().flatten().for_each(|x| *x = next() as i32),
        Piece::Sums(rows) => rows.iter_mut().flatten().for_each(|x| *x = next() as i64),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn wrong_operands_are_refused(
        which in 0usize..3, choice in any::<u32>(), at_operand in 0usize..3, mangle in 0usize..4, longer in any::<bool>(),
        way in 0usize..7,
    ) {
        let run = &runs()[which];
        let (at, step, operands) = some_tile(run, choice as usize);
        let program = run.model.program();
        prop_assert!(compute(program, &at, &step, &operands).is_ok());
        let mut wrong = operands.clone();
        let place = at_operand % wrong.len();
        match mangle {
            0 => drop(wrong.remove(place)),
            1 => wrong.insert(place, operands[place].clone()),
            2 => {
                let other = kinds().swap_remove((choice % 13) as usize);
                prop_assume!(std::mem::discriminant(&other) != std::mem::discriminant(&wrong[place]));
                wrong[place] = other;
            }
            _ => match resized(wrong[place].clone(), longer, way) {
                Some(resized) => wrong[place] = resized,
                None => return Ok(()),
            },
        }
        prop_assert_eq!(compute(program, &at, &step, &wrong), Err(WrongOperands), "{:?} {}", at, place);
    }

    #[test]
    fn no_numbers_make_a_tile_panic(which in 0usize..3, choice in any::<u32>(), seed in 1u64.., small in 0u32..60) {
        let run = &runs()[which];
        let (at, step, mut operands) = some_tile(run, choice as usize);
        let mut numbers = numbers::Numbers(seed);
        operands.iter_mut().for_each(|piece| filled(piece, || ((numbers.next() as i64) >> small) as u64));
        let once = compute(run.model.program(), &at, &step, &operands);
        prop_assert_eq!(&once, &compute(run.model.program(), &at, &step, &operands));
        // Of the right sizes, all but a token that a draw does not reach can be computed.
        prop_assert!(once.is_ok() || matches!(at.op, Op::Token | Op::Draw), "{:?}", at);
    }
}

// The tree of a model.

#[test]
fn the_leaves_are_where_the_program_says() {
    for config in [llama(PLAIN), llama(FOUR), bert(PLAIN)] {
        let model = model(config);
        let program = model.program();
        let leaves = model.leaves();
        let mut seen = vec![0; leaves.len()];
        for (layer, part) in program.all_parts() {
            let tiles = program.weight_tiles(part);
            let mut rows = 0;
            for tile in 0..tiles {
                let at = program.weight_leaf(layer, part, tile).expect("it has a place");
                let piece = model.tile(layer, part, tile).expect("it is there");
                assert_eq!(merkle::leaf(&piece.bytes()), leaves[at], "{part:?} {tile} of {layer}");
                seen[at] += 1;
                if let Piece::Rows(matrix) = piece {
                    rows += matrix.rows();
                }
            }
            assert!(program.shape(part).is_none() || rows == program.rows(part), "{part:?}");
            assert_eq!(
                (program.weight_leaf(layer, part, tiles), model.tile(layer, part, tiles)),
                (None, None)
            );
        }
        assert!(seen.iter().all(|times| *times == 1));
        assert_eq!(program.weight_leaf(config.layers, Part::Up, 0), None);
        assert_eq!(program.weight_leaf(1, Part::Embedding, 0), None);
        // Every tile that an operator reads is among them.
        let step = last_step(&config);
        for (layer, op) in operators(program, &step) {
            for tile in 0..program.tiles(op, &step) {
                for source in program
                    .sources(&Address { layer, op, tile }, &step)
                    .expect("there is such a tile")
                {
                    if let Source::Weights { layer, part, tile } = source {
                        assert!(
                            program.weight_leaf(layer, part, tile).is_some(),
                            "{part:?} {tile} of {layer}"
                        );
                    }
                }
            }
        }
        let proved = |at: usize| -> Option<Digest> { merkle::prove(&leaves, at)?.root(leaves[at]) };
        assert!((0..leaves.len()).all(|at| proved(at) == Some(merkle::root(&leaves))));
    }
}
