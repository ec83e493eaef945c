//! The pieces of a sealed file: what commits to them, and what shows one.

use std::io::{self, Read};

use weft_merkle::Digest;
use weft_primitives::pieces::PIECE_BYTES;

/// Pieces hashed at a time.
const BATCH: usize = 256;

/// The digests of all pieces of a file, in order. Uses little memory beside them: 32 bytes a KiB.
pub fn leaves(mut file: impl Read) -> io::Result<Vec<Digest>> {
    let mut leaves = Vec::new();
    let mut buffer = vec![0u8; PIECE_BYTES as usize * BATCH];
    loop {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match file.read(room) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let read = buffer.get(..filled).unwrap_or_default();
        let pieces: Vec<_> = read.chunks(PIECE_BYTES as usize).collect();
        leaves.extend(weft_merkle::leaf_many(&pieces));
        if filled < buffer.len() {
            return Ok(leaves);
        }
    }
}

/// The root over the pieces of a file that comes bit by bit. Keeps a batch of pieces and one digest for each level.
#[derive(Default)]
pub struct Root {
    tree: weft_merkle::Builder,
    pending: Vec<u8>,
}

impl Root {
    /// What follows.
    pub fn push(&mut self, mut data: &[u8]) {
        let batch = PIECE_BYTES as usize * BATCH;
        while !data.is_empty() {
            let (taken, rest) = data.split_at(batch.saturating_sub(self.pending.len()).min(data.len()));
            self.pending.extend_from_slice(taken);
            data = rest;
            if self.pending.len() == batch {
                self.digest();
            }
        }
    }

    /// Of all that came.
    pub fn finish(mut self) -> Digest {
        self.digest();
        self.tree.root()
    }

    fn digest(&mut self) {
        let pieces: Vec<_> = self.pending.chunks(PIECE_BYTES as usize).collect();
        for leaf in weft_merkle::leaf_many(&pieces) {
            self.tree.push(leaf);
        }
        self.pending.clear();
    }
}

/// Piece `index` of a file.
pub fn piece(mut file: impl Read, index: u64) -> io::Result<Vec<u8>> {
    let before = index.saturating_mul(PIECE_BYTES.into());
    io::copy(&mut (&mut file).take(before), &mut io::sink())?;
    let mut bytes = Vec::new();
    file.take(PIECE_BYTES.into()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_primitives::pieces::{piece_count, piece_length};

    proptest! {
        #[test]
        fn every_piece_is_proved(size in 1usize..600_000, at: prop::sample::Index) {
            let file: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let leaves = leaves(&file[..]).unwrap();
            prop_assert_eq!(leaves.len() as u64, piece_count(size as u64));
            let index = at.index(leaves.len());
            let bytes = piece(&file[..], index as u64).unwrap();
            prop_assert_eq!(Some(bytes.len() as u32), piece_length(size as u64, index as u64));
            let proof = weft_merkle::prove(&leaves, index).unwrap();
            prop_assert_eq!(proof.root(weft_merkle::leaf(&bytes)), Some(weft_merkle::root(&leaves)));
        }
    }

    proptest! {
        #[test]
        fn the_root_is_the_same_bit_by_bit(size in 0usize..900_000, step in 1usize..400_000) {
            let file: Vec<u8> = (0..size).map(|at| (at % 249) as u8).collect();
            let mut root = Root::default();
            file.chunks(step).for_each(|bit| root.push(bit));
            prop_assert_eq!(root.finish(), weft_merkle::root(&leaves(&file[..]).unwrap()));
        }
    }

    #[test]
    fn a_reader_that_gives_little_at_a_time_changes_nothing() {
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let n = buffer.len().min(7);
                (&mut self.0).read(&mut buffer[..n])
            }
        }
        let file = vec![5u8; 300_000];
        assert_eq!(leaves(Slow(&file)).unwrap(), leaves(&file[..]).unwrap());
        assert!(leaves(&[][..]).unwrap().is_empty());
    }
}
