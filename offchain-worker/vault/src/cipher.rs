//! One chunk of STREAM: AES-256-GCM under the nonce of its position.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015) seals a file as chunks
//! whose nonces are `prefix (7 bytes) || counter (4, big-endian) || last? (1)`.
//! The counter defeats reordering, the last byte defeats truncation and
//! extension. A chunk depends on no other, so they are sealed in parallel.
//!
//! The bytes are those of `EncryptorBE32` of the `aead-stream` crate, and a test
//! holds them to it. AES-GCM is ring's: three times as fast as the portable
//! `aes-gcm` on the CPU we measured.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{
    header::{Header, NoncePrefix},
    key::ContentKey,
    pipeline::Chunk,
};

/// The chunk has no position left, or does not open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChunkFailed;

/// STREAM of one file: its key, and the part of the nonces that is its own.
pub(crate) struct ChunkCipher {
    // "Less safe" is ring's word for a key whose nonces the caller answers for:
    // a chunk's position makes them, and a position is sealed once.
    key: LessSafeKey,
    prefix: NoncePrefix,
}

impl ChunkCipher {
    pub fn new(key: &ContentKey, header: &Header) -> Self {
        let key =
            UnboundKey::new(&AES_256_GCM, key.expose()).expect("a content key has the 32 bytes that AES-256 asks for");
        Self {
            key: LessSafeKey::new(key),
            prefix: header.nonce_prefix(),
        }
    }

    /// The nonce of a chunk. The highest counter may only be the last, or there
    /// would be no nonce left to end the stream with.
    fn nonce<E>(&self, chunk: &Chunk<E>) -> Result<Nonce, ChunkFailed> {
        let counter = match u32::try_from(chunk.index) {
            Ok(u32::MAX) if !chunk.last => return Err(ChunkFailed),
            Ok(counter) => counter,
            Err(_) => return Err(ChunkFailed),
        };
        let mut nonce = [0; NONCE_LEN];
        let (prefix, rest) = nonce.split_at_mut(self.prefix.0.len());
        let (position, last) = rest.split_at_mut(size_of::<u32>());
        prefix.copy_from_slice(&self.prefix.0);
        position.copy_from_slice(&counter.to_be_bytes());
        last.fill(u8::from(chunk.last));
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    pub fn seal<E>(&self, header: &[u8], chunk: &mut Chunk<E>) -> Result<(), ChunkFailed> {
        let nonce = self.nonce(chunk)?;
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(header), &mut chunk.data)
            .map_err(|_| ChunkFailed)
    }

    /// Leaves a chunk that does not open without its content.
    pub fn open<E>(&self, header: &[u8], chunk: &mut Chunk<E>) -> Result<(), ChunkFailed> {
        let nonce = self.nonce(chunk)?;
        let opened = self.key.open_in_place(nonce, Aad::from(header), &mut chunk.data);
        let len = opened.map_err(|_| ChunkFailed)?.len();
        chunk.data.truncate(len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counter_can_only_end_a_file() {
        let key = ContentKey::from_bytes([1; 32]);
        let header = Header::new(key.commitment(), NoncePrefix([2; 7]), None);
        let cipher = ChunkCipher::new(&key, &header);
        let seals = |index, last| {
            let mut chunk = Chunk::<()>::new(index, last, b"plain".to_vec());
            let sealed = cipher.seal(&header.to_bytes(), &mut chunk).is_ok();
            assert_eq!(sealed, chunk.data != b"plain");
            sealed
        };
        let highest = u64::from(u32::MAX);
        assert!(seals(highest - 1, false));
        assert!(!seals(highest, false));
        assert!(seals(highest, true));
        assert!(!seals(highest + 1, true));
        assert!(!seals(u64::MAX, true));
    }

    #[test]
    fn a_chunk_that_does_not_open_shows_nothing() {
        let key = ContentKey::from_bytes([1; 32]);
        let header = Header::new(key.commitment(), NoncePrefix([2; 7]), None);
        let cipher = ChunkCipher::new(&key, &header);
        let header = header.to_bytes();
        let mut chunk = Chunk::<()>::new(3, false, vec![5; 1000]);
        assert!(cipher.seal(&header, &mut chunk).is_ok());
        // The right keystream, and one bit of the tag wrong.
        let sealed = chunk.data.clone();
        chunk.data[1015] ^= 1;
        assert!(cipher.open(&header, &mut chunk).is_err());
        let shown = chunk.data.iter().filter(|byte| **byte == 5).count();
        assert!(shown < 50, "{shown} of 1000 bytes were opened");
        chunk.data = sealed;
        assert!(cipher.open(&header, &mut chunk).is_ok());
        assert_eq!(chunk.data, vec![5; 1000]);
    }
}
