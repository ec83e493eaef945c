//! What a delivered share is for, as HPKE's `info` binds it.

use alloc::vec::Vec;
use codec::{Decode, Encode};

/// A binary CIDv1 with a SHA-256 digest: version, codec, 0x12, 0x20, digest.
pub type CidBytes = [u8; 36];

/// Hash of the chain's first block: which chain the share is for.
pub type GenesisHash = [u8; 32];

const DOMAIN: &[u8] = b"weft/custody/share/1";

/// For whom a key is released. Encoded as the chain's `KeyRecipient`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Recipient<AccountId> {
    /// The holder of a licence.
    #[codec(index = 0)]
    Licence(u64),
    /// A provider, by owner account.
    #[codec(index = 1)]
    Provider(AccountId),
}

/// Why a share is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Context<AccountId> {
    /// A dealer gives a custodian its share.
    #[codec(index = 0)]
    Deal {
        /// The asset whose key it is.
        asset: u64,
        /// CID of the sealed file.
        ciphertext: CidBytes,
        /// Number of the dealing.
        dealing: u64,
        /// 0 for the seller; else which of the old custodians deals.
        dealer: u8,
        /// Which custodian it is for, from 1.
        index: u8,
    },
    /// A custodian releases its share.
    #[codec(index = 1)]
    Release {
        /// The asset whose key it is.
        asset: u64,
        /// CID of the sealed file.
        ciphertext: CidBytes,
        /// Number of the dealing.
        dealing: u64,
        /// Which custodian's share it is, from 1.
        index: u8,
        /// By which right.
        recipient: Recipient<AccountId>,
        /// Whose right.
        account: AccountId,
    },
}

/// HPKE's `info`: `"weft/custody/share/1" || genesis hash || recipient's X25519 key || SCALE(context)`. A share opens on the
/// chain, for the recipient and for the purpose it was made for, and nowhere else.
pub fn info<AccountId: Encode>(genesis: &GenesisHash, recipient: &[u8; 32], context: &Context<AccountId>) -> Vec<u8> {
    // Every part but the last has a fixed length, so no two inputs give one info.
    let mut info = DOMAIN.to_vec();
    info.extend_from_slice(genesis);
    info.extend_from_slice(recipient);
    context.encode_to(&mut info);
    info
}
