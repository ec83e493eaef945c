//! Spaces as clients see them: the questions and answers of the runtime API, readable as SCALE and as JSON.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    content::ContentId,
    json,
    payment::Currency,
    price::Balance,
    space::{Called, Category, Grievance, ReleaseNumber, SpaceId},
};

/// Which Spaces are looked for. What is `None`, 0 or `false` does not narrow the search.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct SpaceQuery<AccountId> {
    /// Of this category.
    pub category: Option<Category>,
    /// Of this owner. With an owner, retired Spaces and those taken down are found too.
    pub owner: Option<AccountId>,
    /// Rated with at least so many stars on average.
    pub min_rating: u8,
    /// Featured.
    pub featured: bool,
}

impl<AccountId> Default for SpaceQuery<AccountId> {
    fn default() -> Self {
        Self {
            category: None,
            owner: None,
            min_rating: 0,
            featured: false,
        }
    }
}

/// Whether a Space can be bought and installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum SpaceStatus {
    /// It can.
    Listed,
    /// Its owner has withdrawn it. Who bought it may go on.
    Retired,
    /// Governance has taken it down.
    TakenDown {
        /// Why.
        why: Grievance,
    },
}

/// An app in the store, with its latest release.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct SpaceView<AccountId> {
    /// Its number.
    pub id: SpaceId,
    /// Who owns it and earns from it.
    pub owner: AccountId,
    /// To whom the owner has offered it.
    pub offered_to: Option<AccountId>,
    /// How the owner calls it. Titles are not unique: trust the owner, not the title.
    #[serde(with = "json::text")]
    pub title: Vec<u8>,
    /// What it is for.
    pub category: Category,
    /// Whether it can be bought and installed.
    #[serde(flatten)]
    pub status: SpaceStatus,
    /// The latest release.
    pub latest: ReleaseView,
    /// The assets it calls, and their shares of its price.
    pub calls: Vec<Called>,
    /// In what it is paid.
    pub currency: Currency,
    /// What it costs, once; 0 if it needs no purchase.
    #[serde(with = "json::amount")]
    pub price: Balance,
    /// Purchases that are in force.
    pub purchases: u64,
    /// Ratings by users who paid.
    pub ratings: u32,
    /// Their mean in hundredths of a star; 0 without ratings.
    pub mean_hundredths: u16,
    /// Whether governance features it.
    pub featured: bool,
    /// Reports that governance has not resolved.
    pub open_reports: u32,
    /// Block of publication.
    pub published_at: u32,
}

/// A release of a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its number.
    pub number: ReleaseNumber,
    /// How the owner calls it.
    #[serde(with = "json::text")]
    pub version: Vec<u8>,
    /// The manifest: entry points and all there is to say of it.
    pub manifest: ContentId,
    /// The bundle.
    pub bundle: ContentId,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// What is new.
    pub notes: Option<ContentId>,
    /// Block in which it was released.
    pub released_at: u32,
}

/// What somebody who paid says of a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ReviewView<AccountId> {
    /// Who says it.
    pub by: AccountId,
    /// 1 to 5.
    pub stars: u8,
    /// The text, if there is one.
    pub review: Option<ContentId>,
    /// Block in which it was said.
    pub rated_at: u32,
}

/// That somebody bought a Space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct PurchaseView<AccountId> {
    /// The Space.
    pub space: SpaceId,
    /// Who bought it.
    pub buyer: AccountId,
    /// In what it was paid.
    pub currency: Currency,
    /// What was paid.
    #[serde(with = "json::amount")]
    pub paid: Balance,
    /// Block of the purchase.
    pub bought_at: u32,
}

/// What somebody reported about a Space, as long as governance has not resolved it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ReportView<AccountId> {
    /// The Space.
    pub space: SpaceId,
    /// Who reported it.
    pub by: AccountId,
    /// Why.
    pub why: Grievance,
    /// What shows it.
    pub evidence: Option<ContentId>,
    /// What is held from the reporter, to be lost if governance finds nothing in it.
    #[serde(with = "json::amount")]
    pub bond: Balance,
    /// Block of the report.
    pub reported_at: u32,
    /// From this block on the reporter may take it back.
    pub withdrawable_at: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::ContentCodec;
    use alloc::vec;
    use serde_json::json;

    fn content(byte: u8) -> ContentId {
        ContentId {
            codec: ContentCodec::Raw,
            sha256: [byte; 32],
        }
    }

    fn space(status: SpaceStatus) -> SpaceView<u64> {
        SpaceView {
            id: 3,
            owner: 1,
            offered_to: Some(2),
            title: "Übersetzer".into(),
            category: Category::Writing,
            status,
            latest: ReleaseView {
                number: 4,
                version: b"1.2.0".to_vec(),
                manifest: content(1),
                bundle: content(2),
                bundle_bytes: 10_000,
                notes: None,
                released_at: 90,
            },
            calls: vec![Called {
                asset: 7,
                share: 200_000,
            }],
            currency: Currency::Token(9),
            price: u128::MAX,
            purchases: 11,
            ratings: 2,
            mean_hundredths: 450,
            featured: true,
            open_reports: 1,
            published_at: 40,
        }
    }

    #[test]
    fn json_and_scale_round_trip() {
        for status in [
            SpaceStatus::Listed,
            SpaceStatus::Retired,
            SpaceStatus::TakenDown {
                why: Grievance::Malware,
            },
        ] {
            let space = space(status);
            let text = serde_json::to_string(&space).unwrap();
            assert_eq!(serde_json::from_str::<SpaceView<u64>>(&text).unwrap(), space);
            assert_eq!(SpaceView::decode(&mut &space.encode()[..]), Ok(space));
        }
        let query = SpaceQuery {
            category: Some(Category::Chat),
            owner: Some(1u64),
            min_rating: 4,
            featured: true,
        };
        let text = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<SpaceQuery<u64>>(&text).unwrap(), query);
        assert_eq!(SpaceQuery::decode(&mut &query.encode()[..]), Ok(query));
    }

    #[test]
    fn json_is_readable_and_keeps_every_digit() {
        let view = serde_json::to_value(space(SpaceStatus::TakenDown {
            why: Grievance::Copyright,
        }))
        .unwrap();
        assert_eq!(view["price"], json!("340282366920938463463374607431768211455"));
        assert_eq!(view["title"], json!("Übersetzer"));
        assert_eq!(view["category"], json!("writing"));
        assert_eq!(
            (&view["status"], &view["why"]),
            (&json!("taken_down"), &json!("copyright"))
        );
        assert_eq!(view["latest"]["version"], json!("1.2.0"));
    }
}
