//! Paid storage as clients see it: the answer types of the runtime API, readable as SCALE and as JSON.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetId,
    content::ContentId,
    json,
    pieces::{Epoch, PinDealId, Standing},
    price::Balance,
};

/// A deal about the storage of an asset's sealed file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct PinDealView<AccountId> {
    /// Its number.
    pub id: PinDealId,
    /// Who opened it and pays.
    pub opener: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// Root of the sealed file's DAG: what is to be pinned.
    pub content: ContentId,
    /// Bytes of the sealed file.
    pub size_bytes: u64,
    /// Pieces into which it is cut.
    pub pieces: u64,
    /// Root over the pieces.
    #[serde(with = "json::hex_bytes")]
    pub pieces_root: [u8; 32],
    /// What a pinner is paid for each epoch's proof.
    #[serde(with = "json::amount")]
    pub reward_per_epoch: Balance,
    /// Pinners that are paid at a time.
    pub places: u32,
    /// The first epoch in which proofs are paid.
    pub first_epoch: Epoch,
    /// The last epoch in which proofs are paid.
    pub last_epoch: Epoch,
    /// The present epoch.
    pub present_epoch: Epoch,
    /// What is left of the rewards.
    #[serde(with = "json::amount")]
    pub escrow: Balance,
    /// Block in which it was opened.
    pub opened_at: u32,
    /// Who pins it.
    pub pinners: Vec<PinView<AccountId>>,
}

/// One pinner in one deal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct PinView<AccountId> {
    /// The deal.
    pub deal: PinDealId,
    /// The pinner.
    pub pinner: AccountId,
    /// What is held from the pinner, to be slashed if too many proofs in a row are missing.
    #[serde(with = "json::amount")]
    pub bond: Balance,
    /// The epoch in which they joined; proofs are owed from the next on.
    pub joined: Epoch,
    /// The latest epoch that was proved, or that of joining.
    pub kept_until: Epoch,
    /// Epochs that were proved in a row, up to the latest proof.
    pub streak: u32,
    /// Epochs that were proved.
    pub proofs: u32,
    /// What was paid for them.
    #[serde(with = "json::amount")]
    pub earned: Balance,
    /// Whether proofs are missing.
    #[serde(flatten)]
    pub standing: Standing,
    /// Whether the deal is over or closed: nothing is owed any more.
    pub over: bool,
}

/// What a pinner has to prove now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ChallengeView {
    /// The deal.
    pub deal: PinDealId,
    /// The present epoch, for which the proof is.
    pub epoch: Epoch,
    /// The piece, counted from 0.
    pub piece: u64,
    /// Its length in bytes.
    pub piece_bytes: u32,
    /// Pieces of the file.
    pub pieces: u64,
    /// The last block in which the proof counts.
    pub until: u32,
    /// What is paid for it.
    #[serde(with = "json::amount")]
    pub reward: Balance,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::ContentCodec;
    use alloc::vec;
    use serde_json::json;

    fn deal() -> PinDealView<u64> {
        PinDealView {
            id: 4,
            opener: 1,
            asset: 9,
            content: ContentId {
                codec: ContentCodec::DagPb,
                sha256: [5; 32],
            },
            size_bytes: 2_049,
            pieces: 3,
            pieces_root: [0xab; 32],
            reward_per_epoch: 1 << 60,
            places: 2,
            first_epoch: 3,
            last_epoch: 12,
            present_epoch: 6,
            escrow: u128::MAX,
            opened_at: 25,
            pinners: vec![PinView {
                deal: 4,
                pinner: 2,
                bond: 50,
                joined: 3,
                kept_until: 4,
                streak: 1,
                proofs: 1,
                earned: 1 << 60,
                standing: Standing::Behind { missed: 1 },
                over: false,
            }],
        }
    }

    #[test]
    fn json_and_scale_round_trip() {
        let deal = deal();
        let text = serde_json::to_string(&deal).unwrap();
        assert_eq!(serde_json::from_str::<PinDealView<u64>>(&text).unwrap(), deal);
        assert_eq!(PinDealView::decode(&mut &deal.encode()[..]), Ok(deal));
        let challenge = ChallengeView {
            deal: 4,
            epoch: 6,
            piece: 2,
            piece_bytes: 1,
            pieces: 3,
            until: 69,
            reward: u128::MAX,
        };
        let text = serde_json::to_string(&challenge).unwrap();
        assert_eq!(serde_json::from_str::<ChallengeView>(&text).unwrap(), challenge);
        assert_eq!(ChallengeView::decode(&mut &challenge.encode()[..]), Ok(challenge));
    }

    #[test]
    fn json_is_flat_and_keeps_every_digit() {
        let deal = serde_json::to_value(deal()).unwrap();
        assert_eq!(deal["escrow"], json!("340282366920938463463374607431768211455"));
        assert_eq!(deal["pinners"][0]["standing"], json!("behind"));
        assert_eq!(deal["pinners"][0]["missed"], json!(1));
        assert!(
            deal["pieces_root"]
                .as_str()
                .is_some_and(|root| root.starts_with("0xabab"))
        );
    }
}
