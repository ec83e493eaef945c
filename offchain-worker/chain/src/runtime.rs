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
    )
)]
mod generated {}

pub(crate) use generated::*;
