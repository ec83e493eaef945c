//! A device's consent to serve an owner.
//!
//! An owner (cold key) names the device (hot key) that works for them. Without the device's own signature anyone
//! could register a stranger's key, block it, and have its answers counted as theirs.

use alloc::vec::Vec;
use codec::Encode;

/// X25519 public key (RFC 7748) to which keys are wrapped.
pub type EncryptionKey = [u8; 32];

/// A 32-byte content key wrapped with HPKE (RFC 9180, base mode, X25519): encapsulated key, ciphertext, tag.
pub const WRAPPED_KEY_BYTES: usize = 80;

/// See [`WRAPPED_KEY_BYTES`].
pub type WrappedKey = [u8; WRAPPED_KEY_BYTES];

/// What a device signs to consent to `owner`: a domain tag, the chain's genesis hash, and the owner's account.
pub fn consent_message<AccountId: Encode>(genesis_hash: &[u8; 32], owner: &AccountId) -> Vec<u8> {
    (b"weft/device-consent/v1", genesis_hash, owner).encode()
}
