//! The reference against a second implementation, in Python, written from docs/exact-arithmetic.md.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

mod models;
mod numbers;

use models::{FOUR, PLAIN, WIDE};
use numbers::Numbers;
use weft_exact::{
    activation::{gelu, logistic_table, normal_table, sigmoid, silu, swiglu},
    attention::{BLOCK, Mixed, attend, combine, exp2_of_minus, exponents, mix, power_table},
    fixed::{Fixed, Scale},
    hadamard::quantise_transformed,
    linear::{Bits, Shape},
    merkle::{self, Digest},
    model::Model,
    norm::{layer_norm, rms_norm},
    opening::{step, step_root},
    piece::Piece,
    pool::{mean, pool, unit},
    program::{Choice, Config, Family, Op, Part, Program, Shapes},
    quantise::{Quantised, Width, quantise},
    reference::{Memory, Reference},
    rotary::{Angle, turn},
    sampling::{BUCKETS, CHUNK, Draw, Random, choose, draw, masses, token},
    trace::{Committed, Trace, token_leaves},
};

/// Of all sizes.
trait Sizes {
    fn fixed(&mut self, most_bits: u32) -> Fixed;
    fn vector(&mut self, len: usize) -> Vec<Fixed>;
    fn below(&mut self, end: usize) -> usize;
}

impl Sizes for Numbers {
    fn fixed(&mut self, most_bits: u32) -> Fixed {
        let bits = (self.next() % u64::from(most_bits)) as u32;
        // Also the least of all, whose magnitude is no fixed number.
        if self.next().is_multiple_of(400) {
            i32::MIN
        } else {
            (self.next() as i32) >> (31 - bits)
        }
    }

    /// Up to a common size, so that small elements are lost in some vectors and not in others.
    fn vector(&mut self, len: usize) -> Vec<Fixed> {
        let most_bits = 1 + (self.next() % 31) as u32;
        (0..len).map(|_| self.fixed(most_bits)).collect()
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Lines {
    /// Arguments, the last of which is the result.
    fn push(&mut self, name: &str, parts: &[Vec<i128>]) {
        let numbers = |part: &Vec<i128>| part.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let parts: Vec<String> = parts.iter().map(numbers).collect();
        self.lines.push(format!("{name}|{}", parts.join("|")));
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }
}

fn list<T: Copy + Into<i128>>(x: &[T]) -> Vec<i128> {
    x.iter().map(|x| (*x).into()).collect()
}

fn one(x: impl TryInto<i128>) -> Vec<i128> {
    x.try_into().into_iter().collect()
}

fn scale(x: Scale) -> Vec<i128> {
    vec![x.mantissa.into(), x.shift.into()]
}

fn parts(x: &Quantised) -> Vec<i128> {
    [list(&x.values), list(&x.fine), scale(x.scale)].concat()
}

fn wide(width: Width) -> Vec<i128> {
    vec![(width == Width::Wide).into()]
}

fn bytes(digests: &[Digest]) -> Vec<i128> {
    list(&digests.concat())
}

fn mixed(blocks: &[Mixed]) -> Vec<i128> {
    let block = |block: &Mixed| [vec![block.total.into(), block.shift.into()], list(&block.sums)].concat();
    blocks.iter().flat_map(block).collect()
}

fn random(x: &Random) -> Vec<i128> {
    [scale(x.to_log2), vec![x.top_p.into(), x.seed.into()]].concat()
}

fn vectors(lines: &mut Lines, numbers: &mut Numbers, round: usize) {
    let len = 1 + numbers.below(70);
    let (x, gain, bias) = (numbers.vector(len), numbers.vector(len), numbers.vector(len));
    let epsilon = if round.is_multiple_of(4) {
        0
    } else {
        numbers.next() >> (24 + round % 32)
    };
    for width in [Width::Narrow, Width::Wide] {
        lines.push("quantise", &[list(&x), wide(width), parts(&quantise(&x, width))]);
        let normed = parts(&rms_norm(&x, epsilon, width));
        lines.push("rms_norm", &[list(&x), one(epsilon), wide(width), normed]);
    }
    let block = 1 << numbers.below(7);
    lines.push(
        "quantise_transformed",
        &[list(&x), one(block), parts(&quantise_transformed(&x, block))],
    );
    let normed = layer_norm(&x, &gain, &bias, epsilon);
    lines.push(
        "layer_norm",
        &[list(&x), list(&gain), list(&bias), one(epsilon), list(&normed)],
    );
    for (name, y) in [
        ("sigmoid", list(&x.iter().map(|x| sigmoid(*x)).collect::<Vec<_>>())),
        ("silu", list(&x.iter().map(|x| silu(*x)).collect::<Vec<_>>())),
        ("gelu", list(&x.iter().map(|x| gelu(*x)).collect::<Vec<_>>())),
    ] {
        lines.push(name, &[list(&x), y]);
    }
    let gated: Vec<Fixed> = x.iter().zip(&gain).map(|(g, u)| swiglu(*g, *u)).collect();
    lines.push("swiglu", &[list(&x), list(&gain), list(&gated)]);
    let exponents: Vec<u32> = (0..20)
        .map(|_| (numbers.next() >> (32 + numbers.below(28))) as u32)
        .collect();
    let powers: Vec<u16> = exponents.iter().map(|x| exp2_of_minus(*x)).collect();
    lines.push("exp2_of_minus", &[list(&exponents), list(&powers)]);
    let head = &x[..len / 2 * 2];
    // Also such as are no angles.
    let shift = [1, 0][round % 2];
    let angle = |_| Angle {
        cosine: numbers.next() as i32 >> shift,
        sine: numbers.next() as i32 >> shift,
    };
    let angles: Vec<Angle> = (0..len / 2).map(angle).collect();
    let flat: Vec<i32> = angles.iter().flat_map(|angle| [angle.cosine, angle.sine]).collect();
    lines.push("turn", &[list(head), list(&flat), list(&turn(head, &angles))]);
    lines.push("unit", &[list(&x), list(&unit(&x))]);
    let width = 1 + numbers.below(5);
    let rows: Vec<_> = (0..1 + numbers.below(9)).map(|_| numbers.vector(width)).collect();
    let sums: Vec<_> = rows.chunks(4).map(pool).collect();
    lines.push("pool", &[list(&rows.concat()), one(width), list(&pool(&rows))]);
    let count = rows.len() as u32;
    lines.push(
        "mean",
        &[list(&sums.concat()), one(width), one(count), list(&mean(&sums, count))],
    );
}

fn numbers_and_scales(lines: &mut Lines, numbers: &mut Numbers) {
    let mut some = || {
        // Scales of any shift, and of such with which little is left.
        let shift = [numbers.below(200) as i32 - 100, 20 + numbers.below(20) as i32][numbers.below(2)];
        Scale::new(numbers.next() >> numbers.below(64), shift + 30)
    };
    let (x, y) = (some(), some());
    for a in [numbers.next() as i32, numbers.fixed(31), i32::MIN, i32::MAX] {
        for places in [0, 16] {
            lines.push("apply", &[scale(x), one(a), one(places), one(x.apply(a, places))]);
            lines.push(
                "apply2",
                &[scale(x), scale(y), one(a), one(places), one(x.apply_both(y, a, places))],
            );
        }
    }
}

fn products(lines: &mut Lines, numbers: &mut Numbers, round: usize) {
    let group = [1, 4, 12][numbers.below(3)];
    let shape = Shape {
        columns: group * (1 + numbers.below(6)),
        group,
        bits: [Bits::Eight, Bits::Four][round % 2],
        bias: numbers.below(2) == 1,
    };
    let rows = 1 + numbers.below(5);
    let mut matrix = models::matrix(numbers, rows, shape);
    matrix
        .row_scales
        .iter_mut()
        .for_each(|scale| scale.shift += numbers.below(30) as i16 - 15);
    assert_eq!(matrix.check(), Ok(()));
    let flat: Vec<i128> = matrix.row_scales.iter().flat_map(|x| scale(*x)).collect();
    let sizes = vec![matrix.columns as i128, matrix.group as i128];
    let weights = [
        sizes,
        list(&matrix.weights),
        list(&matrix.group_scales),
        flat,
        list(&matrix.bias),
    ];
    let x = numbers.vector(matrix.columns);
    for width in [Width::Narrow, Width::Wide] {
        let y = matrix.forward(&quantise(&x, width));
        lines.push("forward", &[&weights[..], &[list(&x), wide(width), list(&y)]].concat());
    }
    let at = numbers.below(matrix.rows());
    let row = matrix.row(at).expect("there is such a row");
    lines.push("row", &[&weights[..], &[one(at), list(&row)]].concat());
}

fn attention(lines: &mut Lines, numbers: &mut Numbers, round: usize) {
    // Some of more than one block, and some of three.
    let context = match round % 20 {
        0 => BLOCK + numbers.below(2 * BLOCK),
        1 => BLOCK,
        _ => 1 + numbers.below(12),
    };
    let width = 1 + numbers.below(9);
    let query = numbers.vector(width);
    let mut rows = |count: usize| (0..count).map(|_| numbers.vector(width)).collect::<Vec<_>>();
    let (keys, values) = (rows(context), rows(context));
    let c = Scale::new(
        numbers.next() | 1,
        60 + (round % 12) as i32 + if context > 20 { 10 } else { 0 },
    );
    let all = |rows: &[Vec<Fixed>]| rows.iter().map(|row| quantise(row, Width::Narrow)).collect::<Vec<_>>();
    let (q, k, v) = (quantise(&query, Width::Narrow), all(&keys), all(&values));
    let (flat_keys, flat_values) = (list(&keys.concat()), list(&values.concat()));
    let t = exponents(&q, &k, c);
    lines.push(
        "exponents",
        &[list(&query), flat_keys.clone(), one(width), scale(c), list(&t)],
    );
    let y = attend(&q, &k, &v, c);
    lines.push(
        "attend",
        &[list(&query), flat_keys, flat_values, one(width), scale(c), list(&y)],
    );
    let mut first = v[..context.min(BLOCK)].to_vec();
    let t = &t[..first.len()];
    let peak = *t.iter().max().expect("there is a position");
    // Also below the highest, and scales that no vector has: they are what a stranger may say they are.
    let peak = peak.saturating_add([0, -70_000, 70_000][round % 3]);
    if round.is_multiple_of(2) {
        first
            .iter_mut()
            .for_each(|x| x.scale.mantissa |= u16::MAX << numbers.below(16));
    }
    let block = mix(t, peak, &first);
    let first: Vec<i128> = first.iter().flat_map(parts).collect();
    lines.push("mix", &[list(t), one(peak), first, one(width), mixed(&[block])]);
    // Sums that blocks can have, of shifts far apart.
    let block = |at: usize| Mixed {
        total: 1 + numbers.below(BLOCK << 15) as u32,
        sums: (0..width)
            .map(|_| if at % 3 == 1 { 0 } else { numbers.next() as i32 >> 2 })
            .collect(),
        shift: numbers.below(60) as i16 - 30,
    };
    let blocks: Vec<Mixed> = (0..1 + round % 33).map(block).collect();
    lines.push("combine", &[mixed(&blocks), one(width), list(&combine(&blocks))]);
}

fn sampling(lines: &mut Lines, numbers: &mut Numbers, round: usize) {
    let how = Random {
        to_log2: Scale::new(numbers.next() | 1, 58 + numbers.below(24) as i32),
        top_p: [65_536, 70_000, numbers.below(65_537) as u32, 0][round % 4],
        seed: numbers.next(),
    };
    let count = 1 + numbers.below(60);
    let logits = numbers.vector(count);
    let peak = *logits.iter().max().expect("there is one");
    lines.push(
        "masses",
        &[
            list(&logits),
            one(peak),
            random(&how),
            list(&masses(&logits, peak, &how)),
        ],
    );
    let position = numbers.next() >> numbers.below(64);
    // Some buckets are empty, and sometimes all are.
    let (empty, most) = (1 + numbers.below(5), 1 << numbers.below(50));
    let mut bucket = |at: usize| {
        if round % 9 == 8 || !(at + 1).is_multiple_of(empty) {
            0
        } else {
            numbers.below(most) as u64
        }
    };
    let chunks: Vec<Vec<u64>> = (0..1 + round % 4)
        .map(|_| (0..BUCKETS).map(&mut bucket).collect())
        .collect();
    let drawn = draw(&chunks, &how, position);
    let parts = |draw: &Draw| vec![draw.chunk.into(), draw.last_bucket.into(), draw.rest.into()];
    let result = drawn.as_ref().map(parts).unwrap_or_default();
    lines.push("draw", &[list(&chunks.concat()), random(&how), one(position), result]);
    let to = Draw {
        chunk: 0,
        last_bucket: numbers.below(BUCKETS) as u32,
        rest: numbers.next() >> (28 + round % 30),
    };
    let found: Vec<i128> = token(&logits, 70, peak, &how, &to)
        .map(i128::from)
        .into_iter()
        .collect();
    lines.push(
        "token",
        &[list(&logits), one(70), one(peak), random(&how), parts(&to), found],
    );
    let chosen = choose(&logits, Some(&how), position).expect("there is one");
    lines.push("choose", &[list(&logits), random(&how), one(position), one(chosen)]);
    let greedy = choose(&logits, None, position).expect("there is one");
    lines.push("choose", &[list(&logits), vec![], one(position), one(greedy)]);
    if round.is_multiple_of(60) {
        let logits: Vec<Fixed> = (0..2 * CHUNK + 100).map(|_| numbers.fixed(18)).collect();
        let how = Random {
            to_log2: Scale::new(3, 1),
            ..how
        };
        let chosen = choose(&logits, Some(&how), position).expect("there is one");
        lines.push("choose", &[list(&logits), random(&how), one(position), one(chosen)]);
    }
}

fn trees(lines: &mut Lines, numbers: &mut Numbers, round: usize) {
    let data: Vec<u8> = (0..round * 3).map(|_| numbers.next() as u8).collect();
    lines.push("leaf", &[list(&data), list(&merkle::leaf(&data))]);
    let all: Vec<Digest> = (0..round).map(|at| merkle::leaf(&at.to_le_bytes())).collect();
    lines.push("merkle_root", &[bytes(&all), list(&merkle::root(&all))]);
    if round > 0 {
        let at = numbers.below(round);
        let proof = merkle::prove(&all, at).expect("there is such a leaf");
        let root = list(&merkle::root(&all));
        lines.push(
            "proof",
            &[one(at), one(round), bytes(&proof.siblings), list(&all[at]), root],
        );
    }
}

fn config(c: &Config) -> Vec<i128> {
    let mut numbers = vec![i128::from(c.family == Family::Bert)];
    let sizes = [
        c.width,
        c.layers,
        c.heads,
        c.kv_heads,
        c.head_width,
        c.inner,
        c.vocabulary,
        c.context,
    ];
    numbers.extend(sizes.map(|size| size as i128));
    numbers.push(c.epsilon.into());
    numbers.extend(scale(c.to_log2));
    let p = c.precision;
    numbers.extend(
        [p.query_key_value, p.output, p.up, p.down, p.head]
            .into_iter()
            .flat_map(wide),
    );
    let s = c.shapes;
    for shape in [s.embedding, s.query_key_value, s.output, s.up, s.down, s.head] {
        numbers.extend([shape.columns as i128, shape.group as i128]);
        numbers.extend([i128::from(shape.bits == Bits::Four), i128::from(shape.bias)]);
    }
    numbers
}

fn data(model: &Model) -> Vec<i128> {
    list(&model.parts().iter().flat_map(Piece::bytes).collect::<Vec<u8>>())
}

/// The roots over cells and sections.
fn committed(model: &Model, memory: &Memory, positions: usize) -> (Digest, Digest) {
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
    Committed::of_all(model.program(), positions, write).roots()
}

fn how_bytes(choice: Choice) -> Vec<i128> {
    match choice {
        Choice::Given => vec![0],
        Choice::Greedy => vec![1],
        Choice::Random(how) => [vec![2], random(&how)].concat(),
    }
}

/// Of long texts, and of models that are not small.
fn sizes(lines: &mut Lines, numbers: &mut Numbers) {
    let how = Random {
        to_log2: Scale::new(3, 1),
        top_p: 60_000,
        seed: u64::MAX,
    };
    for (count, choice) in [
        (0, Choice::Given),
        (256, Choice::Greedy),
        (257, Choice::Random(how)),
        (900, Choice::Given),
    ] {
        let tokens: Vec<u32> = (0..count).map(|_| numbers.next() as u32).collect();
        let mut digest = || merkle::leaf(&numbers.next().to_le_bytes());
        let (model, cells, kept, result) = (digest(), digest(), digest(), digest());
        let root = merkle::root(&token_leaves(&tokens));
        let trace = Trace {
            model,
            given: count / 2,
            count,
            tokens: root,
            choice,
            cells,
            kept,
            result,
        };
        let parts = [
            list(&model),
            one(count / 2),
            list(&tokens),
            how_bytes(choice),
            list(&cells),
            list(&result),
        ];
        lines.push("trace", &[&parts[..], &[list(&trace.root())]].concat());
    }
    for round in 0..200 {
        let (columns, bits) = (4 * (1 + numbers.below(1_365)), [Bits::Eight, Bits::Four][round % 2]);
        let shape = Shape {
            columns,
            group: [4, columns][numbers.below(2)],
            bits,
            bias: numbers.below(2) == 1,
        };
        let base = [models::llama(PLAIN), models::bert(PLAIN)][numbers.below(2)];
        let other = |columns| Shape {
            columns,
            group: columns,
            ..shape
        };
        let shapes = Shapes {
            embedding: shape,
            query_key_value: shape,
            output: other(base.heads * base.head_width),
            up: shape,
            down: base.shapes.down,
            head: shape,
        };
        let program = Program::new(Config {
            width: columns,
            shapes,
            ..base
        })
        .expect("the sizes go together");
        let flat = vec![
            columns as i128,
            shape.group as i128,
            (bits == Bits::Four).into(),
            shape.bias.into(),
        ];
        for (part, together) in [(Part::Embedding, base.family == Family::Bert), (Part::Up, false)] {
            let rows = program.rows_per_tile(part);
            lines.push("rows_per_tile", &[flat.clone(), one(i32::from(together)), one(rows)]);
        }
    }
}

/// A text of which the model makes some, with all roots.
fn causal(lines: &mut Lines, variant: models::Variant, given: &[u32], count: usize, choice: Choice) {
    let model = models::model(models::llama(variant));
    let (reference, mut memory) = (Reference::new(&model), Memory::default());
    let (mut tokens, mut logits, mut records) = (given.to_vec(), Vec::new(), Vec::new());
    for position in 0..count - 1 {
        let now = if position + 1 < given.len() {
            Choice::Given
        } else {
            choice
        };
        let record = reference
            .advance(&mut memory, tokens[position], now)
            .expect("there is room");
        tokens.extend(record.token());
        logits = record.vector(0, Op::Head).unwrap_or_default();
        records.push(record);
    }
    assert_eq!(tokens.len(), count);
    let (cells, kept) = committed(&model, &memory, count - 1);
    let trace = Trace {
        model: model.root(),
        given: given.len() as u32,
        count: count as u32,
        tokens: merkle::root(&token_leaves(&tokens)),
        choice,
        cells,
        kept,
        result: [0; 32],
    };
    assert_eq!(trace.positions(), count - 1);
    let step = |position: usize| {
        let step = step(model.program(), &trace, position, 0).expect("there is such a step");
        let operators = records[position].operators(model.program(), &step);
        let roots: Vec<Digest> = operators.into_iter().map(|(_, _, root)| root).collect();
        step_root(&trace, position, &roots)
    };
    let roots = [model.root(), trace.root(), step(0), step(count - 2)];
    let result = [list(&tokens), list(&logits), bytes(&roots)].concat();
    let config = config(model.program().config());
    lines.push(
        "llama",
        &[config, data(&model), list(given), one(count), how_bytes(choice), result],
    );
}

fn both_ways(lines: &mut Lines, variant: models::Variant, count: usize) {
    let model = models::model(models::bert(variant));
    let mut memory = Memory::default();
    let tokens: Vec<u32> = (0..count).map(|at| (at * 37 % 70) as u32).collect();
    let (_, end) = Reference::new(&model)
        .encode(&mut memory, &tokens)
        .expect("there is room");
    let unit = end.tile(0, Op::Unit, 0).expect("it has a direction");
    let (cells, kept) = committed(&model, &memory, count);
    let trace = Trace {
        model: model.root(),
        given: count as u32,
        count: count as u32,
        tokens: merkle::root(&token_leaves(&tokens)),
        choice: Choice::Given,
        cells,
        kept,
        result: merkle::hash(b"weft result", &unit.bytes()),
    };
    assert_eq!(trace.positions(), count);
    let direction = end.vector(0, Op::Unit).expect("it has a direction");
    let result = [list(&direction), list(&model.root()), list(&trace.root())].concat();
    lines.push(
        "bert",
        &[config(model.program().config()), data(&model), list(&tokens), result],
    );
}

fn cases() -> Lines {
    let mut numbers = Numbers(0x5eed);
    let mut lines = Lines::default();
    lines.push(
        "tables",
        &[list(&[&power_table()[..], logistic_table(), normal_table()].concat())],
    );
    for round in 0..240 {
        vectors(&mut lines, &mut numbers, round);
        numbers_and_scales(&mut lines, &mut numbers);
        products(&mut lines, &mut numbers, round);
        attention(&mut lines, &mut numbers, round);
        sampling(&mut lines, &mut numbers, round);
    }
    sizes(&mut lines, &mut numbers);
    (0..40).for_each(|round| trees(&mut lines, &mut numbers, round));
    let how = Random {
        to_log2: Scale::new(3, 1),
        top_p: 60_000,
        seed: 21,
    };
    causal(&mut lines, PLAIN, &[3, 49, 7], 6, Choice::Greedy);
    causal(&mut lines, FOUR, &[11], 19, Choice::Random(how));
    both_ways(&mut lines, WIDE, 20);
    both_ways(&mut lines, FOUR, 5);
    lines
}

#[test]
fn python_agrees_bit_for_bit() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/second_implementation.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 starts (`make setup` installs it)");
    let cases = cases();
    let mut input = python.stdin.take().unwrap();
    // It may stop at the first difference, which its status tells.
    let _ = input.write_all((cases.lines.join("\n") + "\n").as_bytes());
    drop(input);
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}",
        said.chars().take(4_000).collect::<String>()
    );
    let counts: Vec<String> = cases
        .counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), counts.join("\n"));
}
