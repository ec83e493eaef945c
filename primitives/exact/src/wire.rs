//! SCALE of what is addressed by sizes of this machine: as 32 bits, which all sizes of a sound configuration have.

use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, Output};

use crate::{
    fixed::Scale,
    linear::{Bits, Shape},
    merkle::Digest,
    opening::{InCell, Opening, Operand, Tiles, Tokens},
    program::{Address, Config, Family, Op, Precision, Shapes},
    trace::Trace,
};

/// A size; one that has more than 32 bits, which no sound one has, as the largest.
fn size(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn read<I: Input>(input: &mut I) -> Result<usize, Error> {
    usize::try_from(u32::decode(input)?).map_err(|_| "a size of more bits than this machine has".into())
}

impl Encode for Shape {
    fn encode_to<T: Output + ?Sized>(&self, to: &mut T) {
        (size(self.columns), size(self.group), self.bits, self.bias).encode_to(to);
    }
}

impl Decode for Shape {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            columns: read(input)?,
            group: read(input)?,
            bits: Bits::decode(input)?,
            bias: bool::decode(input)?,
        })
    }
}

impl Encode for Config {
    fn encode_to<T: Output + ?Sized>(&self, to: &mut T) {
        self.family.encode_to(to);
        let sizes = [
            self.width,
            self.layers,
            self.heads,
            self.kv_heads,
            self.head_width,
            self.inner,
            self.vocabulary,
            self.context,
        ];
        sizes.map(size).encode_to(to);
        (self.epsilon, self.to_log2, self.precision).encode_to(to);
        let shapes = &self.shapes;
        [
            shapes.embedding,
            shapes.query_key_value,
            shapes.output,
            shapes.up,
            shapes.down,
            shapes.head,
        ]
        .encode_to(to);
    }
}

impl Decode for Config {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            family: Family::decode(input)?,
            width: read(input)?,
            layers: read(input)?,
            heads: read(input)?,
            kv_heads: read(input)?,
            head_width: read(input)?,
            inner: read(input)?,
            vocabulary: read(input)?,
            context: read(input)?,
            epsilon: u64::decode(input)?,
            to_log2: Scale::decode(input)?,
            precision: Precision::decode(input)?,
            shapes: Shapes {
                embedding: Shape::decode(input)?,
                query_key_value: Shape::decode(input)?,
                output: Shape::decode(input)?,
                up: Shape::decode(input)?,
                down: Shape::decode(input)?,
                head: Shape::decode(input)?,
            },
        })
    }
}

impl Encode for Address {
    fn encode_to<T: Output + ?Sized>(&self, to: &mut T) {
        (size(self.layer), self.op, size(self.tile)).encode_to(to);
    }
}

impl Decode for Address {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            layer: read(input)?,
            op: Op::decode(input)?,
            tile: read(input)?,
        })
    }
}

impl Encode for Opening {
    fn encode_to<T: Output + ?Sized>(&self, to: &mut T) {
        (&self.config, &self.weights, &self.trace, &self.step_root).encode_to(to);
        (size(self.position), &self.address, &self.tokens).encode_to(to);
        (&self.operands, &self.output, &self.kept).encode_to(to);
    }
}

impl Decode for Opening {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            config: Config::decode(input)?,
            weights: Digest::decode(input)?,
            trace: Trace::decode(input)?,
            step_root: Digest::decode(input)?,
            position: read(input)?,
            address: Address::decode(input)?,
            tokens: Option::<Tokens>::decode(input)?,
            operands: alloc::vec::Vec::<Operand>::decode(input)?,
            output: Tiles::decode(input)?,
            kept: Option::<InCell>::decode(input)?,
        })
    }
}

impl DecodeWithMemTracking for Shape {}
impl DecodeWithMemTracking for Config {}
impl DecodeWithMemTracking for Address {}
impl DecodeWithMemTracking for Opening {}
