//! A model's weights, checked against its program, and the root that commits to them.

use alloc::vec::Vec;

use crate::{
    fixed::Fixed,
    linear::{Matrix, Unfit},
    merkle::{self, Digest},
    piece::Piece,
    program::{Config, Family, Op, Part, Program, Unsound},
    quantise::Width,
    rotary::Angle,
};

/// A program and its weights. What is made by [`Model::new`] fits together, and no input makes its sums overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    program: Program,
    /// As [`Program::all_parts`] lists them.
    parts: Vec<Piece>,
}

/// Why parts are no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoModel {
    /// The sizes do not go together.
    Config(Unsound),
    /// There are not as many parts as the program has.
    Parts,
    /// A part has other sizes than the configuration says, or could overflow.
    Part {
        /// Its layer; 0 for what belongs to none.
        layer: usize,
        /// Which.
        part: Part,
        /// What is wrong with it.
        unfit: Unfit,
    },
}

impl core::fmt::Display for NoModel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Config(Unsound::Size(name)) => write!(f, "{name} is zero, or more than {}", bound(name)),
            Self::Config(Unsound::Mismatch(name)) => write!(f, "sizes do not go together: {name}"),
            Self::Config(Unsound::Shape(name)) => {
                write!(
                    f,
                    "the weights of {name} have other columns than its input, or groups that do not divide them"
                )
            }
            Self::Parts => f.write_str("weights are missing, or there are too many"),
            Self::Part { layer, part, unfit } => {
                let name = part.name();
                match unfit {
                    Unfit::Shape => write!(
                        f,
                        "{name} of layer {layer}: not of the size that the configuration says"
                    ),
                    Unfit::Weight => write!(f, "{name} of layer {layer}: a weight or a scale is out of range"),
                    Unfit::Overflow { row } => {
                        write!(f, "{name} of layer {layer}: the sum of row {row} could overflow")
                    }
                }
            }
        }
    }
}

/// Why a size is bounded: the operator that could overflow, or whose tiles would be too large, and the bound.
fn bound(size: &str) -> &'static str {
    match size {
        "width" => "`query-key-value`, `up` and the norms can sum: 8192, of BERT 5461",
        "inner" => "`down` can sum: 8192",
        "heads" => "`output` can sum: 8192 elements of all heads together",
        "head_width" => "`exponents` can sum: 128",
        "vocabulary" => "`draw` can sum: 262144",
        "context" => "`combine` can sum: 8192",
        "layers" => "512",
        "kv_heads" => "1024",
        _ => "fits",
    }
}

impl Part {
    /// Its name: of weights that of the operator which uses them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embed",
            Self::Positions => "positions",
            Self::EmbeddingNorm => Op::EmbedNorm.name(),
            Self::Angles => "angles",
            Self::QueryKeyValue => Op::QueryKeyValue.name(),
            Self::Output => Op::Output.name(),
            Self::OutputNorm => Op::OutputNorm.name(),
            Self::Up => Op::Up.name(),
            Self::Down => Op::Down.name(),
            Self::DownNorm => Op::DownNorm.name(),
            Self::Head => Op::Head.name(),
        }
    }
}

impl Config {
    /// All of it in bytes, for the root.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.push(match self.family {
            Family::Llama => 0,
            Family::Bert => 1,
        });
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
        sizes.iter().for_each(|size| bytes.extend((*size as u32).to_le_bytes()));
        bytes.extend(self.epsilon.to_le_bytes());
        bytes.extend(self.to_log2.mantissa.to_le_bytes());
        bytes.extend(self.to_log2.shift.to_le_bytes());
        let p = &self.precision;
        for width in [p.query_key_value, p.output, p.up, p.down, p.head] {
            bytes.push((width == Width::Wide) as u8);
        }
        let s = &self.shapes;
        for shape in [s.embedding, s.query_key_value, s.output, s.up, s.down, s.head] {
            bytes.extend((shape.columns as u32).to_le_bytes());
            bytes.extend((shape.group as u32).to_le_bytes());
            bytes.push((shape.bits == crate::linear::Bits::Four) as u8);
            bytes.push(shape.bias as u8);
        }
        bytes
    }
}

impl Model {
    /// Checks that the parts are those of the program, and that no sum can overflow.
    pub fn new(config: Config, parts: Vec<Piece>) -> Result<Self, NoModel> {
        let program = Program::new(config).map_err(NoModel::Config)?;
        let all = program.all_parts();
        if all.len() != parts.len() {
            return Err(NoModel::Parts);
        }
        for ((layer, part), piece) in all.into_iter().zip(&parts) {
            check(&program, part, piece).map_err(|unfit| NoModel::Part { layer, part, unfit })?;
        }
        Ok(Self { program, parts })
    }

    /// Its program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A part of a layer; 0 for what belongs to none.
    pub fn part(&self, layer: usize, part: Part) -> Option<&Piece> {
        let at = self
            .program
            .all_parts()
            .iter()
            .position(|found| *found == (layer, part))?;
        self.parts.get(at)
    }

    /// All parts, as [`Program::all_parts`] lists them.
    pub fn parts(&self) -> &[Piece] {
        &self.parts
    }

    /// A matrix.
    pub fn matrix(&self, layer: usize, part: Part) -> Option<&Matrix> {
        match self.part(layer, part)? {
            Piece::Rows(matrix) => Some(matrix),
            _ => None,
        }
    }

    /// Gain and bias of a norm.
    pub fn gains(&self, layer: usize, part: Part) -> Option<(&[Fixed], &[Fixed])> {
        match self.part(layer, part)? {
            Piece::Gains(gain, bias) => Some((gain, bias)),
            _ => None,
        }
    }

    /// Cosines and sines: for each position, for each pair of a head.
    pub fn angles(&self) -> &[Angle] {
        match self.part(0, Part::Angles) {
            Some(Piece::Angles(angles)) => angles,
            _ => &[],
        }
    }

    /// A tile of a part.
    pub fn tile(&self, layer: usize, part: Part, tile: usize) -> Option<Piece> {
        if tile >= self.program.weight_tiles(part) {
            return None;
        }
        Some(tile_of(&self.program, part, self.part(layer, part)?, tile))
    }

    /// Digests of all tiles of the weights, in order: the leaves of the model's tree.
    pub fn leaves(&self) -> Vec<Digest> {
        let parts = self.program.all_parts();
        let tiles = parts.iter().zip(&self.parts).flat_map(|((_, part), piece)| {
            (0..self.program.weight_tiles(*part)).map(move |tile| tile_of(&self.program, *part, piece, tile))
        });
        tiles.map(|tile| merkle::leaf(&tile.bytes())).collect()
    }

    /// What commits to configuration and weights.
    pub fn root(&self) -> Digest {
        root_of(self.program.config(), &merkle::root(&self.leaves()))
    }
}

/// A model's root from its configuration and the root of its tree.
pub fn root_of(config: &Config, tree: &Digest) -> Digest {
    let mut bytes = config.bytes();
    bytes.extend(tree);
    merkle::hash(b"weft model 1", &bytes)
}

fn tile_of(program: &Program, part: Part, piece: &Piece, tile: usize) -> Piece {
    let rows = program.rows_per_tile(part);
    match piece {
        Piece::Rows(matrix) => Piece::Rows(matrix.slice(tile * rows..(tile + 1) * rows)),
        Piece::Angles(angles) => {
            let pairs = program.config().head_width / 2;
            Piece::Angles(angles.chunks(rows * pairs).nth(tile).unwrap_or_default().to_vec())
        }
        whole => whole.clone(),
    }
}

fn check(program: &Program, part: Part, piece: &Piece) -> Result<(), Unfit> {
    let config = program.config();
    match (piece, program.shape(part)) {
        (Piece::Rows(matrix), Some(shape)) => {
            matrix.check()?;
            let fits = matrix.rows() == program.rows(part) && matrix.shape() == shape;
            if fits { Ok(()) } else { Err(Unfit::Shape) }
        }
        (Piece::Gains(gain, bias), None) if part != Part::Angles => {
            let fits = gain.len() == config.width && bias.len() == config.width;
            if fits { Ok(()) } else { Err(Unfit::Shape) }
        }
        (Piece::Angles(angles), None) if part == Part::Angles => {
            let count = config.context * (config.head_width / 2);
            let most = 1 << crate::rotary::ANGLE_PLACES;
            let in_range = |angle: &Angle| {
                [angle.cosine, angle.sine]
                    .iter()
                    .all(|part| (-most..=most).contains(part))
            };
            match (angles.len() == count, angles.iter().all(in_range)) {
                (true, true) => Ok(()),
                (true, false) => Err(Unfit::Weight),
                (false, _) => Err(Unfit::Shape),
            }
        }
        _ => Err(Unfit::Shape),
    }
}
