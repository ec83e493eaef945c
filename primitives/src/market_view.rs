//! Works, licences, lineages and what is said of assets, as clients see them: the answer types of the runtime API,
//! readable as SCALE and as JSON. In JSON amounts are decimal strings, keys are hex, and CIDs are base32.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    asset::{AssetId, AssetKind, Flaw, Records, WorkId},
    content::ContentId,
    device::EncryptionKey,
    json,
    licence::{Holding, LicenceId, Tariff, Term},
    payment::Currency,
    price::Balance,
};

/// A work: what is owned, priced, licensed and rated, with all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct WorkView<AccountId> {
    /// Its number.
    pub id: WorkId,
    /// Whose it is.
    pub owner: AccountId,
    /// What it is.
    pub kind: AssetKind,
    /// The name of the version in `latest`. Names are not unique: trust the owner, not the name.
    #[serde(with = "json::text")]
    pub name: Vec<u8>,
    /// By which it is found.
    #[serde(with = "texts")]
    pub tags: Vec<Vec<u8>>,
    /// At which prices it may be used; without any it is free, and needs no licence.
    pub tariffs: Vec<Tariff>,
    /// The newest version that is not retired, if it is among the last 16; else the newest.
    pub latest: AssetId,
    /// How many versions there are, retired ones included.
    pub versions: u32,
    /// Whether a version is not retired.
    pub listed: bool,
    /// How many have rated it.
    pub ratings: u32,
    /// Their mean in hundredths of a star; 0 if there is none.
    pub rating: u16,
    /// How many vouch for the version in `latest` with a stake.
    pub attestations: u32,
    /// Reports against the version in `latest` that are undecided.
    pub open_reports: u32,
    /// Reports against any version that were upheld.
    pub upheld_reports: u32,
    /// To whom it is offered.
    pub offered_to: Option<AccountId>,
    /// Block of publication of the first version.
    pub published_at: u32,
}

/// A licence.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct LicenceView<AccountId> {
    /// Its number.
    pub id: LicenceId,
    /// The work that it allows to use, in all versions.
    pub work: WorkId,
    /// The version whose key was asked for last.
    pub asset: AssetId,
    /// Who may use the work.
    pub holder: AccountId,
    /// The X25519 key to which keys are sealed for the holder.
    #[serde(with = "json::hex_bytes")]
    pub encryption_key: EncryptionKey,
    /// What was bought last.
    pub term: Term,
    /// In what it is paid.
    pub currency: Currency,
    /// What it allows, and what that cost.
    pub holding: Holding,
    /// What was paid for it in all.
    #[serde(with = "json::amount")]
    pub paid: Balance,
    /// Whether it allows use now.
    pub in_force: bool,
    /// Whether the owner has revoked it.
    pub revoked: bool,
    /// Block of the first purchase.
    pub bought_at: u32,
}

/// From what an asset was made, and who earns from its use.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct LineageView<AccountId> {
    /// The asset.
    pub asset: AssetId,
    /// The versions it was made from and those they were made from, the nearest first. Each once.
    pub origins: Vec<OriginView>,
    /// Whether that is all of them: they are not followed beyond one page.
    pub complete: bool,
    /// Who earns besides the owner, and how much.
    pub payees: Vec<PayeeView<AccountId>>,
}

/// A version from which something was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct OriginView {
    /// The version.
    pub asset: AssetId,
    /// Its work.
    pub work: WorkId,
    /// Which version of it.
    pub version: u32,
    /// What it is.
    pub kind: AssetKind,
    /// How it was called.
    #[serde(with = "json::text")]
    pub name: Vec<u8>,
    /// How many steps it is away; 1 is a base of the asset itself.
    pub distance: u32,
    /// What it commits to, if it is a dataset whose publisher said so.
    pub records: Option<Records>,
    /// Reports against it that were upheld.
    pub upheld_reports: u32,
}

/// Who earns from the use of something made from their work.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct PayeeView<AccountId> {
    /// The work.
    pub work: WorkId,
    /// Its present owner.
    pub owner: AccountId,
    /// Their part of each payment, in parts of 10^9.
    pub parts: u32,
}

/// What one account says of a work.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct RatingView<AccountId> {
    /// Who says it.
    pub who: AccountId,
    /// From 1 to 5.
    pub stars: u8,
    /// In their own words.
    pub review: Option<ContentId>,
    /// Block of the rating, or of its replacement.
    pub rated_at: u32,
}

/// What is said for and against an asset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ScrutinyView<AccountId> {
    /// Who vouches for it.
    pub attestations: Vec<AttestationView<AccountId>>,
    /// What is reported and undecided.
    pub reports: Vec<ReportView<AccountId>>,
    /// How many reports were upheld.
    pub upheld_reports: u32,
}

/// Somebody's stake on an asset being what it says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct AttestationView<AccountId> {
    /// Who vouches.
    pub who: AccountId,
    /// With how much.
    #[serde(with = "json::amount")]
    pub stake: Balance,
    /// What they checked, and how.
    pub report: ContentId,
    /// Block of the attestation.
    pub since: u32,
}

/// What somebody says is wrong with an asset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ReportView<AccountId> {
    /// Who says it.
    pub who: AccountId,
    /// What is wrong.
    pub why: Flaw,
    /// What shows it.
    pub evidence: ContentId,
    /// What they lose if it is not so.
    #[serde(with = "json::amount")]
    pub bond: Balance,
    /// Block of the report.
    pub since: u32,
}

/// Texts in `Vec<u8>` as a list of strings.
mod texts {
    use alloc::{string::String, vec::Vec};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(texts: &[Vec<u8>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(texts.iter().map(|text| String::from_utf8_lossy(text)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<String>::deserialize(from)?
            .into_iter()
            .map(String::into_bytes)
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Right;
    use serde_json::json;

    #[test]
    fn works_read_as_json() {
        let work = WorkView {
            id: 4,
            owner: 9u64,
            kind: AssetKind::Dataset,
            name: b"digits".to_vec(),
            tags: [b"images".to_vec(), b"small".to_vec()].into(),
            tariffs: [Tariff {
                term: Term::PerPeriod { blocks: 100 },
                currency: Currency::Token(7),
                price: u128::MAX,
            }]
            .into(),
            latest: 6,
            versions: 2,
            listed: true,
            ratings: 2,
            rating: 450,
            attestations: 1,
            open_reports: 0,
            upheld_reports: 0,
            offered_to: None,
            published_at: 12,
        };
        let value = serde_json::to_value(&work).unwrap();
        assert_eq!(value["tags"], json!(["images", "small"]));
        assert_eq!(
            value["tariffs"][0],
            json!({
                "term": "per_period",
                "blocks": 100,
                "currency": {"token": 7},
                "price": "340282366920938463463374607431768211455",
            })
        );
        assert_eq!(serde_json::from_value::<WorkView<u64>>(value).unwrap(), work);
        assert_eq!(WorkView::decode(&mut &work.encode()[..]), Ok(work));
    }

    #[test]
    fn licences_read_as_json() {
        let licence = LicenceView {
            id: 1,
            work: 4,
            asset: 6,
            holder: 3u64,
            encryption_key: [5; 32],
            term: Term::PerUse,
            currency: Currency::Native,
            holding: Holding {
                right: Right::Uses { left: 3 },
                cost: 30,
                units: 3,
            },
            paid: 50,
            in_force: true,
            revoked: false,
            bought_at: 2,
        };
        let value = serde_json::to_value(&licence).unwrap();
        assert_eq!(value["term"], json!({"term": "per_use"}));
        assert_eq!(
            value["holding"],
            json!({"right": "uses", "left": 3, "cost": "30", "units": 3})
        );
        assert_eq!(serde_json::from_value::<LicenceView<u64>>(value).unwrap(), licence);
    }
}
