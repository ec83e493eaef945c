//! The game: whose turn it is, what a move must show, and where it leads.

use alloc::vec::Vec;
use core::fmt::{Display, Formatter};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use weft_exact::{
    merkle::{Digest, leaf},
    model,
    opening::{
        Fraud, LeafReveal, NotRevealed, Opening, Refuted, Revealed, SectionReveal, StepReveal, multiproof, operators,
        reveal::{check_tiles, sections},
        step, steps,
    },
    program::{Address, Config, Op, Program},
    trace::{Trace, section_size, sections_of_group},
};

/// What is disputed: a trace, and the model that it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Claim {
    /// The model's configuration.
    pub config: Config,
    /// The root over its weights.
    pub weights: Digest,
    /// What the root that the provider committed to is made of.
    pub trace: Trace,
}

/// Why a claim is not what the provider committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoClaim {
    /// The configuration is no program.
    Config,
    /// Configuration and weights are not those of the model that was published.
    Model,
    /// The trace is not the one that was committed to.
    Trace,
}

impl Display for NoClaim {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Config => "the configuration is no program",
            Self::Model => "configuration and weights are not those of the published model",
            Self::Trace => "the trace is not the one that was committed to",
        })
    }
}

impl core::error::Error for NoClaim {}

/// Who is to move, or has won.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Side {
    /// Who answered.
    Provider,
    /// Who doubts it.
    Challenger,
}

impl Side {
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::Provider => Self::Challenger,
            Self::Challenger => Self::Provider,
        }
    }
}

/// How far a game has come: what was revealed, as digests, and what was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Stage {
    /// The challenger is to name a step by its position: it has just been shown the sketch.
    Position,
    /// The provider is to reveal a step.
    Step {
        /// Its position.
        position: u32,
    },
    /// The challenger is to name an operator of it, or a section that is not made of what its cells are made of.
    Operator {
        /// Its position.
        position: u32,
        /// The step's root.
        root: Digest,
    },
    /// The provider is to reveal the operator's tiles.
    Tiles {
        /// Its position.
        position: u32,
        /// The step's root.
        root: Digest,
        /// The operator's place among those of the step.
        operator: u16,
    },
    /// The challenger is to name a tile.
    Tile {
        /// Its position.
        position: u32,
        /// The step's root.
        root: Digest,
        /// The operator's place among those of the step.
        operator: u16,
        /// The root over the operator's tiles.
        tiles: Digest,
    },
    /// The provider is to open the tile; anybody may show that it is wrong.
    Judge {
        /// Its position.
        position: u32,
        /// The step's root.
        root: Digest,
        /// The operator's place among those of the step.
        operator: u16,
        /// The tile.
        tile: u32,
        /// What the provider says is the tile's digest.
        claimed: Digest,
    },
    /// The provider is to reveal the leaves of a section.
    Leaves {
        /// Its place.
        section: u32,
    },
    /// The challenger is to name a leaf.
    Leaf {
        /// The section's place.
        section: u32,
        /// The section.
        root: Digest,
    },
    /// The provider is to show that the leaf is made of what its cells are made of.
    Made {
        /// The section's place.
        section: u32,
        /// The leaf's place in it.
        leaf: u16,
        /// What the provider says is the leaf's digest.
        claimed: Digest,
    },
}

impl Stage {
    /// Whose turn it is. Who does not move in time loses.
    pub const fn turn(&self) -> Side {
        match self {
            Self::Step { .. } | Self::Tiles { .. } | Self::Judge { .. } | Self::Leaves { .. } | Self::Made { .. } => {
                Side::Provider
            }
            Self::Position | Self::Operator { .. } | Self::Tile { .. } | Self::Leaf { .. } => Side::Challenger,
        }
    }
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct Game {
    /// What is disputed.
    pub claim: Claim,
    /// How far it has come.
    pub stage: Stage,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub enum Move {
    /// The challenger names a step by its position.
    NamePosition(u32),
    /// The provider reveals the step that was named.
    RevealStep(StepReveal),
    /// The challenger names an operator by its place among those of the step.
    NameOperator(u16),
    /// The challenger names a section instead.
    NameSection(u32),
    /// The provider reveals its tiles.
    RevealTiles {
        /// The digest of each.
        tiles: Vec<Digest>,
        /// From the operator's root to the step's.
        siblings: Vec<Digest>,
    },
    /// The challenger names a tile, and shows what the provider said of it.
    NameTile {
        /// Which.
        tile: u32,
        /// Its digest.
        claimed: Digest,
        /// From it to the operator's root.
        siblings: Vec<Digest>,
    },
    /// The provider shows that the tile is right.
    Open(Opening),
    /// Anybody shows that it is wrong.
    Refute(Opening),
    /// The provider reveals the leaves of a section.
    RevealLeaves(SectionReveal),
    /// The challenger names a leaf, and shows what the provider said of it.
    NameLeaf {
        /// Which.
        leaf: u16,
        /// Its digest.
        claimed: Digest,
        /// From it to the section.
        siblings: Vec<Digest>,
    },
    /// The provider shows what the leaf is made of.
    ShowLeaf(LeafReveal),
}

/// What decided a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Judged {
    /// Nothing is wrong with what was named.
    Right,
    /// The provider lied.
    Lied(Fraud),
    /// Somebody did not move in time.
    Silent(Side),
}

impl Judged {
    /// Who has won.
    pub const fn winner(self) -> Side {
        match self {
            Self::Right => Side::Provider,
            Self::Lied(_) => Side::Challenger,
            Self::Silent(side) => side.other(),
        }
    }
}

/// Where a move leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The game goes on.
    Goes(Stage),
    /// It goes on with [`Trace::kept`] of its claim as revealed.
    Revealed {
        /// The root over the sections.
        kept: Digest,
        /// Where it goes on.
        stage: Stage,
    },
    /// It is over.
    Over(Judged),
}

/// Why a move does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is the other side's turn, or the move is another one's.
    NotNow,
    /// What is revealed is not what the provider committed to.
    NotRevealed(NotRevealed),
    /// There is no such place, or it does not have what is said.
    Nowhere,
    /// The opening is of something else than was named.
    OtherTile,
    /// The opening does not show it.
    NotShown(Refuted),
}

impl From<NotRevealed> for Refused {
    fn from(not_revealed: NotRevealed) -> Self {
        Self::NotRevealed(not_revealed)
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotNow => f.write_str("it is not the turn for this move"),
            Self::NotRevealed(flaw) => flaw.fmt(f),
            Self::Nowhere => f.write_str("there is no such place, or the provider said something else of it"),
            Self::OtherTile => f.write_str("the opening is of something else than was named"),
            Self::NotShown(refuted) => refuted.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Claim {
    /// Whether it is what the provider committed to for a model.
    pub fn check(&self, model_root: &Digest, trace_root: &Digest) -> Result<Program, NoClaim> {
        let program = Program::new(self.config).map_err(|_| NoClaim::Config)?;
        let root = model::root_of(&self.config, &self.weights);
        if root != *model_root || self.trace.model != root {
            return Err(NoClaim::Model);
        }
        if self.trace.root() != *trace_root {
            return Err(NoClaim::Trace);
        }
        Ok(program)
    }

    fn program(&self) -> Result<Program, Refused> {
        // It was checked when the game began.
        Program::new(self.config).map_err(|_| Refused::NotNow)
    }
}

impl Game {
    /// About the step at a position; of BERT at the number of positions, about the operators after the layers.
    pub fn about_step(claim: Claim, position: u32) -> Result<Self, Refused> {
        let mut game = Self::about_any(claim);
        let next = game.step(Side::Challenger, &Move::NamePosition(position))?;
        game.follow(&next);
        Ok(game)
    }

    /// About a step that the challenger is to name.
    pub fn about_any(mut claim: Claim) -> Self {
        // The trace's root does not have it: the provider reveals it.
        claim.trace.kept = Digest::default();
        let stage = Stage::Position;
        Self { claim, stage }
    }

    /// The operator at a place of a step.
    fn operator(&self, program: &Program, position: u32, operator: u16) -> Option<(usize, Op)> {
        operators(program, &self.claim.trace, index(position))
            .get(usize::from(operator))
            .copied()
    }

    /// What a side's move makes of the game. A move that does not count changes nothing: who made it may try again in time.
    /// [`Move::Refute`] is anybody's, for the challenger.
    pub fn step(&self, side: Side, made: &Move) -> Result<Next, Refused> {
        let program = self.claim.program()?;
        let trace = &self.claim.trace;
        let refutes = matches!((self.stage, made), (Stage::Judge { .. }, Move::Refute(_)));
        if side != self.stage.turn() && !refutes {
            return Err(Refused::NotNow);
        }
        match (self.stage, made) {
            (Stage::Position, Move::NamePosition(position)) => {
                let position = *position;
                if index(position) >= steps(&program, trace) {
                    return Err(Refused::Nowhere);
                }
                Ok(Next::Goes(Stage::Step { position }))
            }
            (Stage::Step { position }, Move::RevealStep(reveal)) => {
                let Revealed { kept, root } = reveal.check(&program, trace, index(position))?;
                let stage = Stage::Operator { position, root };
                Ok(Next::Revealed { kept, stage })
            }
            (Stage::Operator { .. }, Move::NameSection(section)) => {
                let section = *section;
                if index(section) >= sections(&program, trace) {
                    return Err(Refused::Nowhere);
                }
                Ok(Next::Goes(Stage::Leaves { section }))
            }
            (Stage::Operator { position, root }, Move::NameOperator(operator)) => {
                let operator = *operator;
                self.operator(&program, position, operator).ok_or(Refused::Nowhere)?;
                Ok(Next::Goes(Stage::Tiles {
                    position,
                    root,
                    operator,
                }))
            }
            (
                Stage::Tiles {
                    position,
                    root,
                    operator,
                },
                Move::RevealTiles { tiles, siblings },
            ) => {
                let of_operator = usize::from(operator);
                let tiles = check_tiles(&program, trace, index(position), &root, of_operator, tiles, siblings)?;
                Ok(Next::Goes(Stage::Tile {
                    position,
                    root,
                    operator,
                    tiles,
                }))
            }
            (
                Stage::Tile {
                    position,
                    root,
                    operator,
                    tiles,
                },
                Move::NameTile {
                    tile,
                    claimed,
                    siblings,
                },
            ) => {
                let (_, op) = self.operator(&program, position, operator).ok_or(Refused::Nowhere)?;
                let step = step(&program, trace, index(position), 0).ok_or(Refused::Nowhere)?;
                if !leads(
                    program.tiles(op, &step) as u64,
                    u64::from(*tile),
                    *claimed,
                    siblings,
                    &tiles,
                ) {
                    return Err(Refused::Nowhere);
                }
                Ok(Next::Goes(Stage::Judge {
                    position,
                    root,
                    operator,
                    tile: *tile,
                    claimed: *claimed,
                }))
            }
            (Stage::Judge { claimed, .. }, Move::Open(opening)) => {
                self.check_named(&program, opening)?;
                let shown = opening.output.tiles.first().map(|tile| leaf(tile));
                if shown != Some(claimed) {
                    return Err(Refused::OtherTile);
                }
                opening.check().map_err(Refused::NotShown)?;
                Ok(Next::Over(Judged::Right))
            }
            (Stage::Judge { claimed, .. }, Move::Refute(opening)) => {
                self.check_named(&program, opening)?;
                let (_, fraud) = opening.refute(&claimed).map_err(Refused::NotShown)?;
                Ok(Next::Over(Judged::Lied(fraud)))
            }
            (Stage::Leaves { section }, Move::RevealLeaves(reveal)) => {
                let root = reveal.check(&program, trace, index(section))?;
                Ok(Next::Goes(Stage::Leaf { section, root }))
            }
            (
                Stage::Leaf { section, root },
                Move::NameLeaf {
                    leaf,
                    claimed,
                    siblings,
                },
            ) => {
                let of_group = index(section)
                    .checked_rem(sections_of_group(&program))
                    .unwrap_or_default();
                let count = section_size(&program, of_group) as u64;
                if !leads(count, u64::from(*leaf), *claimed, siblings, &root) {
                    return Err(Refused::Nowhere);
                }
                Ok(Next::Goes(Stage::Made {
                    section,
                    leaf: *leaf,
                    claimed: *claimed,
                }))
            }
            (Stage::Made { section, leaf, claimed }, Move::ShowLeaf(reveal)) => {
                reveal.check(&program, trace, (index(section), usize::from(leaf)), &claimed)?;
                Ok(Next::Over(Judged::Right))
            }
            _ => Err(Refused::NotNow),
        }
    }

    /// Goes on as a move has led.
    pub fn follow(&mut self, next: &Next) {
        match next {
            Next::Goes(stage) => self.stage = *stage,
            Next::Revealed { kept, stage } => {
                self.claim.trace.kept = *kept;
                self.stage = *stage;
            }
            Next::Over(_) => {}
        }
    }

    /// Nobody moved in time.
    pub const fn lapse(&self) -> Judged {
        Judged::Silent(self.stage.turn())
    }

    /// The tile that was named.
    pub fn named(&self, program: &Program) -> Option<(usize, Address)> {
        let Stage::Judge {
            position,
            operator,
            tile,
            ..
        } = self.stage
        else {
            return None;
        };
        let (layer, op) = self.operator(program, position, operator)?;
        let tile = index(tile);
        Some((index(position), Address { layer, op, tile }))
    }

    /// Whether an opening is of the tile that was named, of this trace, model and step.
    fn check_named(&self, program: &Program, opening: &Opening) -> Result<(), Refused> {
        let Stage::Judge { root, .. } = self.stage else {
            return Err(Refused::NotNow);
        };
        let same = self.named(program) == Some((opening.position, opening.address))
            && opening.step_root == root
            && opening.trace == self.claim.trace
            && opening.config == self.claim.config
            && opening.weights == self.claim.weights;
        if same { Ok(()) } else { Err(Refused::OtherTile) }
    }
}

/// Whether siblings lead from one leaf to a root.
fn leads(count: u64, place: u64, digest: Digest, siblings: &[Digest], root: &Digest) -> bool {
    multiproof::siblings(count, &[place]) == Some(siblings.len())
        && multiproof::root(count, &[(place, digest)], siblings).as_ref() == Some(root)
}
