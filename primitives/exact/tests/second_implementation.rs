//! The reference against a second implementation, in Python, written from docs/exact-arithmetic.md.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

mod numbers;

use numbers::Numbers;
use weft_exact::{
    activation::{gelu, sigmoid, silu},
    attention::attend,
    fixed::{Fixed, Scale},
    hadamard::quantise_transformed,
    norm::{layer_norm, rms_norm},
    quantise::{Quantised, quantise},
};

/// Of all sizes.
trait Sizes {
    fn fixed(&mut self, most_bits: u32) -> Fixed;
    fn vector(&mut self, len: usize) -> Vec<Fixed>;
}

impl Sizes for Numbers {
    fn fixed(&mut self, most_bits: u32) -> Fixed {
        let bits = (self.next() % u64::from(most_bits)) as u32;
        (self.next() as i32) >> (31 - bits)
    }

    /// Up to a common size, so that small elements are lost in some vectors and not in others.
    fn vector(&mut self, len: usize) -> Vec<Fixed> {
        let most_bits = 1 + (self.next() % 31) as u32;
        (0..len).map(|_| self.fixed(most_bits)).collect()
    }
}

fn line(name: &str, parts: &[Vec<i64>]) -> String {
    let mut line = name.to_owned();
    for part in parts {
        let numbers: Vec<String> = part.iter().map(ToString::to_string).collect();
        line.push('|');
        line.push_str(&numbers.join(","));
    }
    line
}

fn wide(x: &[Fixed]) -> Vec<i64> {
    x.iter().map(|x| i64::from(*x)).collect()
}

fn parts(x: &Quantised) -> Vec<i64> {
    let scale = [i64::from(x.scale.mantissa), i64::from(x.scale.shift)];
    x.values.iter().map(|x| i64::from(*x)).chain(scale).collect()
}

fn cases() -> Vec<String> {
    let mut numbers = Numbers(0x5eed);
    let mut lines = Vec::new();
    for round in 0..300 {
        let len = 1 + (numbers.next() % 70) as usize;
        let (x, gain, bias) = (numbers.vector(len), numbers.vector(len), numbers.vector(len));
        let epsilon = if round % 4 == 0 {
            0
        } else {
            numbers.next() >> (24 + round % 32)
        };
        lines.push(line("quantise", &[wide(&x), parts(&quantise(&x))]));
        let block = 1 << (numbers.next() % 7);
        let transformed = parts(&quantise_transformed(&x, block));
        lines.push(line(
            "quantise_transformed",
            &[wide(&x), vec![block as i64], transformed],
        ));
        let normed = parts(&rms_norm(&x, epsilon));
        lines.push(line("rms_norm", &[wide(&x), vec![epsilon as i64], normed]));
        let normed = layer_norm(&x, &gain, &bias, epsilon);
        lines.push(line(
            "layer_norm",
            &[wide(&x), wide(&gain), wide(&bias), vec![epsilon as i64], wide(&normed)],
        ));
        let each = |f: fn(Fixed) -> i64| x.iter().map(|x| f(*x)).collect::<Vec<_>>();
        for (name, y) in [
            ("sigmoid", each(|x| i64::from(sigmoid(x)))),
            ("silu", each(|x| i64::from(silu(x)))),
            ("gelu", each(|x| i64::from(gelu(x)))),
        ] {
            lines.push(line(name, &[wide(&x), y]));
        }
        let (width, context) = (1 + (numbers.next() % 9) as usize, 1 + (numbers.next() % 12) as usize);
        let query = numbers.vector(width);
        let keys: Vec<_> = (0..context).map(|_| numbers.vector(width)).collect();
        let values: Vec<_> = (0..context).map(|_| numbers.vector(width)).collect();
        let scale = Scale::new(numbers.next() | 1, 60 + round % 12);
        let all = |rows: &[Vec<Fixed>]| rows.iter().map(|row| quantise(row)).collect::<Vec<_>>();
        let y = attend(&quantise(&query), &all(&keys), &all(&values), scale);
        lines.push(line(
            "attend",
            &[
                wide(&query),
                wide(&keys.concat()),
                wide(&values.concat()),
                vec![width as i64],
                vec![i64::from(scale.mantissa), i64::from(scale.shift)],
                wide(&y),
            ],
        ));
    }
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
    let lines = cases();
    let mut input = python.stdin.take().unwrap();
    // It may stop at the first difference, which its status tells.
    let _ = input.write_all((lines.join("\n") + "\n").as_bytes());
    drop(input);
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}",
        said.chars().take(4_000).collect::<String>()
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), lines.len().to_string());
}
