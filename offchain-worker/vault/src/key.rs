//! Content keys, and the commitments that stand for them in public.

use core::fmt;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Separates key commitments from every other use of SHA-256 in Weft.
const COMMITMENT_DOMAIN: &[u8] = b"weft/vault/key-commitment/1";

/// Bytes of a content key.
pub const KEY_BYTES: usize = 32;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness ({0}); nothing was sealed, try again")]
pub struct RandomnessError(#[from] getrandom::Error);

/// The AES-256 key of one artifact: a model version, a prompt, an answer.
///
/// Draw a fresh one for every artifact ([`ContentKey::generate`]). It is wiped
/// from memory when dropped, does not show in `Debug`, and cannot be cloned, so
/// that every copy is a visible [`ContentKey::from_bytes`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ContentKey([u8; KEY_BYTES]);

impl ContentKey {
    /// Draws a key from the operating system.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut key = Self([0; KEY_BYTES]);
        getrandom::fill(&mut key.0)?;
        Ok(key)
    }

    /// Takes a key that was kept or received as bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key itself, for wrapping or keeping. Do not log it.
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The public commitment to this key.
    ///
    /// AES-GCM does not commit to its key: one ciphertext can be made to open
    /// under two keys to two plaintexts. Whoever knows this commitment (it is on
    /// chain with the asset) cannot be given another key.
    pub fn commitment(&self) -> KeyCommitment {
        let mut hash = Sha256::new();
        hash.update(COMMITMENT_DOMAIN);
        hash.update(self.0);
        KeyCommitment(hash.finalize().into())
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(..)")
    }
}

/// `SHA-256("weft/vault/key-commitment/1" || key)`: says which key an artifact
/// is sealed with without telling anything else about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyCommitment(pub [u8; 32]);

impl fmt::Debug for KeyCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCommitment({})", hex::encode(self.0))
    }
}

impl fmt::Display for KeyCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitment_is_sha256_of_domain_and_key() {
        // From coreutils: printf 'weft/vault/key-commitment/1' and 32 bytes of 0x2a, through sha256sum.
        let key = ContentKey::from_bytes([0x2a; 32]);
        assert_eq!(
            key.commitment().to_string(),
            "78daa70f5d48384308d33af7cce438c5a53c6b43dfaf7ee2bbd9441f07372242"
        );
    }

    #[test]
    fn debug_shows_no_key_bytes() {
        let key = ContentKey::from_bytes([0x2a; 32]);
        assert_eq!(format!("{key:?}"), "ContentKey(..)");
    }

    #[test]
    fn generated_keys_differ() {
        let (a, b) = (ContentKey::generate().unwrap(), ContentKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_ne!(a.commitment(), b.commitment());
    }
}
