//! The content keys of a work on their way to its next owner: a file of keys wrapped to the next owner's device.
//!
//! It holds no secret: each key opens on this chain, for that device, for that asset and its sealed file, and nowhere else. What
//! it says comes from a stranger, and each key is held to the hash that the chain has of it.

use serde::{Deserialize, Serialize};
use weft_chain::{AccountId, market::Asset};
use weft_primitives::{AssetId, ContentId, WorkId, asset::MAX_VERSIONS};
use weft_vault::{
    ContentKey, Context, DeviceKeys, GenesisHash, KeyCommitment, PublicKey, WRAPPED_KEY_BYTES, WrapError, WrappedKey,
    wrap::{unwrap_key, wrap_key},
};

/// The form of this file.
const FORM: &str = "weft/handover/1";
/// Most bytes of the file: room for as many keys as a work has versions.
pub const MAX_BYTES: u64 = 32 << 20;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Always the same text.
    form: String,
    /// Hash of the chain's first block, in hexadecimal digits.
    genesis: String,
    /// The work.
    pub work: WorkId,
    /// Who hands it over, and may serve its files.
    pub from: AccountId,
    /// The device key that opens it.
    to_key: PublicKey,
    /// One for each version whose key is handed over.
    pub keys: Vec<HandedKey>,
}

/// The key of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedKey {
    /// The version.
    pub asset: AssetId,
    /// Its sealed file.
    content: ContentId,
    /// The key, in hexadecimal digits.
    wrapped: String,
}

/// Why keys are not taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Not such a file at all.
    #[error("it is no file of `weft market transfer --keys` ({0}): ask for it again")]
    Malformed(String),
    /// Of a later weft.
    #[error("it has the form `{0}`, which this build does not know: upgrade weft")]
    Form(String),
    /// For another chain.
    #[error("its keys are for another chain: check --node, or ask for a file of this chain's work")]
    OtherChain,
    /// For another work.
    #[error("its keys are those of work {0}: give that number, or ask for the file of this work")]
    OtherWork(WorkId),
    /// For another device.
    #[error(
        "its keys are wrapped for device key 0x{made_for} and this home's is 0x{own}: use the --home of that key, or ask for a file with --to-key 0x{own}"
    )]
    OtherRecipient {
        /// Whose it is.
        made_for: PublicKey,
        /// Who tries.
        own: PublicKey,
    },
    /// Not what the chain has.
    #[error("asset {0} is no version of the work with this sealed file: ask for the file again")]
    OtherAsset(AssetId),
    /// Does not open.
    #[error("the key of asset {asset}: {error}")]
    Wrapped {
        /// The version.
        asset: AssetId,
        /// Why.
        error: WrapError,
    },
    /// Opens to another key than the asset's.
    #[error(
        "the key of asset {0} is not the one that it is sealed with: do not take the work over, and ask for its key"
    )]
    WrongKey(AssetId),
}

fn context(asset: AssetId, content: &ContentId) -> Context {
    Context::Handover {
        asset,
        ciphertext: content.to_cid_bytes(),
    }
}

impl Handover {
    /// Wraps keys of versions of a work for the device of its next owner.
    pub fn wrap<'a>(
        genesis: &GenesisHash,
        work: WorkId,
        from: AccountId,
        to_key: PublicKey,
        keys: impl IntoIterator<Item = (AssetId, ContentId, &'a ContentKey)>,
    ) -> Result<Self, WrapError> {
        let wrap = |(asset, content, key): (AssetId, ContentId, &ContentKey)| {
            let wrapped = wrap_key(key, &to_key, genesis, &context(asset, &content))?;
            Ok(HandedKey {
                asset,
                content,
                wrapped: hex::encode(wrapped.0),
            })
        };
        Ok(Self {
            form: FORM.to_owned(),
            genesis: hex::encode(genesis),
            work,
            from,
            to_key,
            keys: keys.into_iter().map(wrap).collect::<Result<_, _>>()?,
        })
    }

    /// The file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HandoverError> {
        serde_json::to_vec_pretty(self).map_err(|error| HandoverError::Malformed(error.to_string()))
    }

    /// Reads a file from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HandoverError> {
        let malformed = |why: &str| HandoverError::Malformed(why.to_owned());
        if bytes.len() as u64 > MAX_BYTES {
            return Err(malformed("it is too long"));
        }
        let handover: Self = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if handover.form != FORM {
            return Err(HandoverError::Form(handover.form.chars().take(40).collect()));
        }
        if handover.keys.is_empty() || handover.keys.len() > MAX_VERSIONS as usize {
            return Err(malformed("it holds no keys, or too many"));
        }
        Ok(handover)
    }

    /// Checks that it is for this work on this chain, and for this device.
    pub fn check(&self, genesis: &GenesisHash, work: WorkId, device: &DeviceKeys) -> Result<(), HandoverError> {
        if self.genesis != hex::encode(genesis) {
            return Err(HandoverError::OtherChain);
        }
        if self.work != work {
            return Err(HandoverError::OtherWork(self.work));
        }
        if self.to_key != device.public() {
            return Err(HandoverError::OtherRecipient {
                made_for: self.to_key,
                own: device.public(),
            });
        }
        Ok(())
    }

    /// Takes one of its keys out and holds it to what the chain has of `asset`.
    pub fn open(
        &self,
        handed: &HandedKey,
        asset: &Asset,
        genesis: &GenesisHash,
        device: &DeviceKeys,
    ) -> Result<ContentKey, HandoverError> {
        if (asset.id, asset.work, asset.content) != (handed.asset, self.work, handed.content) {
            return Err(HandoverError::OtherAsset(handed.asset));
        }
        let failed = |error| HandoverError::Wrapped { asset: asset.id, error };
        let mut wrapped = [0; WRAPPED_KEY_BYTES];
        hex::decode_to_slice(&handed.wrapped, &mut wrapped).map_err(|_| failed(WrapError::Damaged))?;
        let context = context(asset.id, &asset.content);
        let key = unwrap_key(&WrappedKey(wrapped), device, genesis, &context).map_err(failed)?;
        (key.commitment() == KeyCommitment(asset.key_commitment))
            .then_some(key)
            .ok_or(HandoverError::WrongKey(asset.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_primitives::{AssetKind, ContentCodec};

    const GENESIS: GenesisHash = [7; 32];

    fn content(byte: u8) -> ContentId {
        ContentId {
            codec: ContentCodec::DagPb,
            sha256: [byte; 32],
        }
    }

    fn key(byte: u8) -> ContentKey {
        ContentKey::from_bytes([byte; 32])
    }

    fn device(byte: u8) -> DeviceKeys {
        DeviceKeys::from_secret_bytes(&[byte; 32])
    }

    /// Version `id` of work 3, sealed with the key of that number.
    fn asset(id: u8) -> Asset {
        Asset {
            id: id.into(),
            work: 3,
            version: id.into(),
            creator: AccountId([0; 32]),
            kind: AssetKind::Dataset,
            name: b"digits".to_vec(),
            manifest: content(id),
            content: content(id),
            size_bytes: 1,
            key_commitment: key(id).commitment().0,
            royalty: 0,
            exact_root: None,
            pieces_root: None,
            records: None,
            bases: Vec::new(),
            needs_licence: true,
            attestations: 0,
            open_reports: 0,
            upheld_reports: 0,
            listed: true,
            published_at: 0,
            endpoint: None,
        }
    }

    fn handover(ids: &[u8], to: &DeviceKeys) -> Handover {
        let keys: Vec<_> = ids.iter().map(|id| (u64::from(*id), content(*id), key(*id))).collect();
        let keys = keys.iter().map(|(asset, content, key)| (*asset, *content, key));
        Handover::wrap(&GENESIS, 3, AccountId([1; 32]), to.public(), keys).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn keys_come_out_as_they_went_in(ids in prop::collection::vec(any::<u8>(), 1..6), secret in 1u8..) {
            let to = device(secret);
            let read = Handover::from_bytes(&handover(&ids, &to).to_bytes().unwrap()).unwrap();
            prop_assert_eq!(read.check(&GENESIS, 3, &to), Ok(()));
            for (handed, id) in read.keys.iter().zip(&ids) {
                let opened = read.open(handed, &asset(*id), &GENESIS, &to).unwrap();
                prop_assert_eq!(opened.commitment(), key(*id).commitment());
            }
        }

        #[test]
        fn no_bytes_from_strangers_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..2_000, to: u8, wrapped in ".{0,200}",
        ) {
            let _ = Handover::from_bytes(&bytes);
            let us = device(9);
            let good = handover(&[4], &us);
            let mut damaged = good.to_bytes().unwrap();
            let at = at % damaged.len();
            damaged[at] = to;
            if let Ok(read) = Handover::from_bytes(&damaged) {
                let _ = read.check(&GENESIS, 3, &us);
                for handed in &read.keys {
                    let _ = read.open(handed, &asset(4), &GENESIS, &us);
                }
            }
            let handed = HandedKey { wrapped, ..good.keys[0].clone() };
            prop_assert!(good.open(&handed, &asset(4), &GENESIS, &us).is_err());
        }
    }

    #[test]
    fn each_contradiction_has_its_own_error() {
        let (us, others) = (device(1), device(2));
        let good = handover(&[4], &us);
        assert_eq!(good.check(&[8; 32], 3, &us), Err(HandoverError::OtherChain));
        assert_eq!(good.check(&GENESIS, 4, &us), Err(HandoverError::OtherWork(3)));
        let refused = good.check(&GENESIS, 3, &others).unwrap_err();
        assert!(refused.to_string().contains(&others.public().to_string()), "{refused}");
        assert!(matches!(refused, HandoverError::OtherRecipient { .. }));
        // One who changes whom it says it is for opens nothing.
        let stolen = Handover {
            to_key: others.public(),
            ..good.clone()
        };
        assert_eq!(stolen.check(&GENESIS, 3, &others), Ok(()));
        let open = |handover: &Handover, asset: &Asset, device| {
            handover.open(&handover.keys[0], asset, &GENESIS, device).err()
        };
        assert_eq!(
            open(&stolen, &asset(4), &others),
            Some(HandoverError::Wrapped {
                asset: 4,
                error: WrapError::DoesNotOpen
            })
        );
        let other_file = Asset {
            content: content(9),
            ..asset(4)
        };
        let other_work = Asset { work: 5, ..asset(4) };
        for other in [asset(5), other_file, other_work] {
            assert_eq!(open(&good, &other, &us), Some(HandoverError::OtherAsset(4)));
        }
        let other_key = Asset {
            key_commitment: key(9).commitment().0,
            ..asset(4)
        };
        assert_eq!(open(&good, &other_key, &us), Some(HandoverError::WrongKey(4)));
        let later = Handover {
            form: "weft/handover/9".into(),
            ..good.clone()
        };
        assert_eq!(
            Handover::from_bytes(&later.to_bytes().unwrap()),
            Err(HandoverError::Form("weft/handover/9".into()))
        );
        let none = Handover { keys: vec![], ..good };
        assert!(matches!(
            Handover::from_bytes(&none.to_bytes().unwrap()),
            Err(HandoverError::Malformed(_))
        ));
    }
}
