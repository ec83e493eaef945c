//! Showing that a tile is wrong of which only the digest is known: by anybody who has what it reads.

use super::{Checked, Flaw, Opening, Refuted};
use crate::{
    merkle::{self, Digest},
    program::Program,
};

/// What a device got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "codec",
    derive(
        codec::Encode,
        codec::Decode,
        codec::DecodeWithMemTracking,
        codec::MaxEncodedLen,
        scale_info::TypeInfo
    )
)]
pub enum Fraud {
    /// The tile computes to something else.
    Tile,
    /// The trace goes on with another token.
    Token,
    /// The trace has another result.
    Result,
}

impl Opening {
    /// Shows what is wrong with the tile whose digest the device revealed; an error if nothing is, or if the opening shows
    /// nothing. It has neither output nor what was kept of it: the device knows these.
    ///
    /// As with [`Opening::check`], roots are to be held against what the device committed to and revealed, and so is the digest.
    pub fn refute(&self, claimed: &Digest) -> Result<(Checked, Fraud), Refuted> {
        let output = &self.output;
        if !output.tiles.is_empty() || !output.siblings.is_empty() || !output.step_siblings.is_empty() {
            return Err(Refuted::Output(Flaw::Needless));
        }
        if self.kept.is_some() {
            return Err(Refuted::Kept(Flaw::Needless));
        }
        let program = Program::new(self.config).map_err(Refuted::Config)?;
        let (frame, computed) = self.compute(&program)?;
        let fraud = if merkle::leaf(&computed.bytes()) != *claimed {
            Fraud::Tile
        } else {
            match self.check_end(&frame, &computed) {
                Err(Refuted::OtherToken { .. }) => Fraud::Token,
                Err(_) => Fraud::Result,
                Ok(()) => return Err(Refuted::Right),
            }
        };
        Ok((self.checked(), fraud))
    }

    /// For [`Opening::refute`]: without what only the device knows.
    pub fn without_output(mut self) -> Self {
        self.output.tiles.clear();
        self.output.siblings.clear();
        self.output.step_siblings.clear();
        self.kept = None;
        self
    }
}
