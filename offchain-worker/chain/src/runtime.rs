//! The runtime this build knows, generated from the checked-in metadata.
//!
//! Types that `weft-primitives` defines are not generated again: they are read with their own SCALE codec. That the
//! chain's shape of them is the same is what the hashes that go with every generated call and read are checked for.

/// The metadata itself, to compare a node's with.
pub(crate) const METADATA: &[u8] = include_bytes!("../metadata.scale");

/// Addresses, accounts, hashes and extensions of a Weft chain are Substrate's usual ones.
pub(crate) type Config = subxt::SubstrateConfig;

#[allow(clippy::all, missing_docs, unused, rustdoc::all)]
#[subxt::subxt(
    runtime_metadata_path = "metadata.scale",
    substitute_type(
        path = "weft_primitives::content::ContentId",
        with = "::subxt::utils::Static<::weft_primitives::ContentId>"
    ),
    substitute_type(
        path = "weft_primitives::asset::AssetKind",
        with = "::subxt::utils::Static<::weft_primitives::AssetKind>"
    ),
    substitute_type(
        path = "weft_primitives::job::Patience",
        with = "::subxt::utils::Static<::weft_primitives::job::Patience>"
    ),
    substitute_type(
        path = "weft_primitives::job::Arithmetic",
        with = "::subxt::utils::Static<::weft_primitives::job::Arithmetic>"
    ),
    substitute_type(
        path = "weft_primitives::tier::Tier",
        with = "::subxt::utils::Static<::weft_primitives::tier::Tier>"
    ),
    substitute_type(
        path = "weft_disputes::game::Side",
        with = "::subxt::utils::Static<::weft_disputes::Side>"
    ),
    substitute_type(
        path = "weft_disputes::view::DisputeView<AccountId, BlockNumber>",
        with = "::subxt::utils::Static<::weft_disputes::view::DisputeView<AccountId, BlockNumber>>"
    ),
    substitute_type(
        path = "weft_primitives::job::Decline",
        with = "::subxt::utils::Static<::weft_primitives::job::Decline>"
    ),
    substitute_type(
        path = "weft_primitives::job::Reason",
        with = "::subxt::utils::Static<::weft_primitives::job::Reason>"
    ),
    substitute_type(
        path = "weft_primitives::price::Split",
        with = "::subxt::utils::Static<::weft_primitives::price::Split>"
    ),
    substitute_type(
        path = "weft_primitives::view::AssetView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::view::AssetView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::view::OfferView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::view::OfferView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::view::ProviderView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::view::ProviderView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::job_view::JobView<AccountId, BlockNumber>",
        with = "::subxt::utils::Static<::weft_primitives::job_view::JobView<AccountId, BlockNumber>>"
    ),
    substitute_type(
        path = "weft_primitives::asset::Flaw",
        with = "::subxt::utils::Static<::weft_primitives::asset::Flaw>"
    ),
    substitute_type(
        path = "weft_primitives::asset::Records",
        with = "::subxt::utils::Static<::weft_primitives::asset::Records>"
    ),
    substitute_type(
        path = "weft_primitives::licence::Tariff",
        with = "::subxt::utils::Static<::weft_primitives::licence::Tariff>"
    ),
    substitute_type(
        path = "weft_primitives::payment::Currency",
        with = "::subxt::utils::Static<::weft_primitives::payment::Currency>"
    ),
    substitute_type(
        path = "weft_primitives::rating::PaidUse",
        with = "::subxt::utils::Static<::weft_primitives::rating::PaidUse>"
    ),
    substitute_type(
        path = "weft_primitives::lineage::Base",
        with = "::subxt::utils::Static<::weft_primitives::lineage::Base>"
    ),
    substitute_type(
        path = "weft_primitives::discovery::Query<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::discovery::Query<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::market_view::WorkView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::market_view::WorkView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::market_view::LicenceView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::market_view::LicenceView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::market_view::LineageView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::market_view::LineageView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::market_view::RatingView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::market_view::RatingView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::market_view::ScrutinyView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::market_view::ScrutinyView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::custody_view::CustodianView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::custody_view::CustodianView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::custody_view::CustodyView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::custody_view::CustodyView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::custody_view::DealingView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::custody_view::DealingView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::custody_view::KeyRequestView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::custody_view::KeyRequestView<AccountId>>"
    ),
    substitute_type(
        path = "weft_custody::evidence::Evidence",
        with = "::subxt::utils::Static<::weft_custody::evidence::Evidence>"
    ),
    substitute_type(
        path = "weft_primitives::pin_view::PinDealView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::pin_view::PinDealView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::pin_view::PinView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::pin_view::PinView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::pin_view::ChallengeView",
        with = "::subxt::utils::Static<::weft_primitives::pin_view::ChallengeView>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::SpaceView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::space_view::SpaceView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::ReviewView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::space_view::ReviewView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::PurchaseView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::space_view::PurchaseView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::ReportView<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::space_view::ReportView<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::SpaceQuery<AccountId>",
        with = "::subxt::utils::Static<::weft_primitives::space_view::SpaceQuery<AccountId>>"
    ),
    substitute_type(
        path = "weft_primitives::space_view::ReleaseView",
        with = "::subxt::utils::Static<::weft_primitives::space_view::ReleaseView>"
    ),
    substitute_type(
        path = "weft_primitives::space::Category",
        with = "::subxt::utils::Static<::weft_primitives::space::Category>"
    ),
    substitute_type(
        path = "weft_primitives::space::Called",
        with = "::subxt::utils::Static<::weft_primitives::space::Called>"
    ),
    substitute_type(
        path = "weft_primitives::space::PaidUse",
        with = "::subxt::utils::Static<::weft_primitives::space::PaidUse>"
    ),
    substitute_type(
        path = "weft_primitives::space::Grievance",
        with = "::subxt::utils::Static<::weft_primitives::space::Grievance>"
    )
)]
mod generated {}

pub(crate) use generated::*;
