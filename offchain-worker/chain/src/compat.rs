//! Whether a node's runtime is one this build knows.
//!
//! The shapes of exactly those calls, storage entries and runtime APIs that this build uses are compared, not the whole
//! metadata: a runtime that adds a pallet, or a call to one, stays usable.

use subxt::metadata::Metadata;

/// Calls this build makes.
const CALLS: &[(&str, &[&str])] = &[
    ("Balances", &["transfer_keep_alive"]),
    ("Assets", &["transfer"]),
    (
        "Market",
        &[
            "publish",
            "retire",
            "grant_key",
            "revoke_key",
            "set_endpoint",
            "release",
            "set_tags",
            "set_tariffs",
            "offer_transfer",
            "accept_transfer",
            "buy",
            "set_licence_key",
            "request_key",
            "close_licence",
            "revoke_licence",
            "rate",
            "remove_rating",
            "attest",
            "withdraw_attestation",
            "report",
            "expire_report",
        ],
    ),
    (
        "Custody",
        &[
            "register",
            "deregister",
            "set_available",
            "set_encryption_key",
            "bond",
            "unbond",
            "open_custody",
            "deal",
            "dispute_deal",
            "report_wrong_key",
            "close",
            "request_for_provider",
            "release",
            "dispute_release",
            "rotate",
            "reshare",
            "dispute_reshare",
            "finish_rotation",
            "dissolve",
            "forget_key",
        ],
    ),
    (
        "Pins",
        &["open", "join", "prove", "leave", "evict", "give_notice", "close"],
    ),
    (
        "Spaces",
        &[
            "publish",
            "release",
            "set_calls",
            "set_price",
            "retire",
            "buy",
            "rate",
            "report",
        ],
    ),
    (
        "Providers",
        &[
            "register",
            "bond",
            "unbond",
            "withdraw_unbonded",
            "offer",
            "withdraw_offer",
            "update",
            "pause",
            "resume",
            "deregister",
        ],
    ),
    (
        "Jobs",
        &["post", "release_input", "cancel", "commit", "decline", "expire"],
    ),
];

/// Calls this build makes that hold other calls. Their shape is that of all calls of the runtime, so that comparing it would
/// end with every call that is added to any pallet: they need only be there. The calls that go into them are among [`CALLS`].
const ENVELOPES: &[(&str, &[&str])] = &[("Utility", &["force_batch"])];

/// Storage this build reads.
const STORAGE: &[(&str, &[&str])] = &[
    ("System", &["Account", "Events"]),
    ("Assets", &["Asset", "Account", "Metadata"]),
    ("Market", &["Endpoints", "Grants"]),
    ("Providers", &["Offers"]),
    ("Custody", &["Custodians", "Custodies", "DrawableCount"]),
];

/// Runtime APIs this build asks.
const APIS: &[(&str, &[&str])] = &[
    (
        "MarketApi",
        &[
            "asset",
            "assets",
            "assets_by_creator",
            "work",
            "search",
            "versions",
            "licence",
            "licence_of",
            "licences_of",
            "lineage",
            "ratings",
            "scrutiny",
        ],
    ),
    (
        "CustodyApi",
        &[
            "custody",
            "dealing",
            "dealings_for",
            "key_request_of",
            "key_requests_for",
            "custodian",
            "custodians",
        ],
    ),
    ("PinsApi", &["pin_deal", "pin_deals", "pins_of", "challenge"]),
    ("SpacesApi", &["space", "spaces", "releases", "reviews", "purchase"]),
    ("ProvidersApi", &["provider", "offers_for_model"]),
    ("JobsApi", &["job", "jobs_by_user", "active_jobs_of_provider"]),
];

/// What identifies a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Kind of chain.
    pub spec_name: String,
    /// Version of its rules.
    pub spec_version: u32,
}

/// Why the node's runtime is not usable, and which side to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// Another kind of chain.
    #[error("the node runs `{found}`, not `{expected}`: give the address of a Weft node with --node")]
    Chain {
        /// What this build is for.
        expected: String,
        /// What the node runs.
        found: String,
    },
    /// The node is ahead.
    #[error("the chain runs version {node} and this `weft` knows version {ours} ({item} differs): upgrade weft")]
    UpgradeWorker {
        /// Version on chain.
        node: u32,
        /// Version of this build.
        ours: u32,
        /// First item found to differ.
        item: String,
    },
    /// The node is behind.
    #[error(
        "the chain runs version {node} and this `weft` is for version {ours} ({item} differs): upgrade the chain's runtime, or use an older weft"
    )]
    UpgradeChain {
        /// Version on chain.
        node: u32,
        /// Version of this build.
        ours: u32,
        /// First item found to differ.
        item: String,
    },
    /// The same version number, another shape: somebody changed the runtime without raising the number.
    #[error(
        "the chain's version {version} is not the one this `weft` was built for ({item} differs): build node and weft from the same source"
    )]
    Rebuild {
        /// The version both claim.
        version: u32,
        /// First item found to differ.
        item: String,
    },
    /// The checked-in metadata does not decode, or lacks its version.
    #[error("this build's own metadata is damaged ({0}): build weft again")]
    OwnMetadata(String),
}

/// Decides from the two versions and the first differing item, if any.
pub fn judge(ours: &Version, node: &Version, differing: Option<String>) -> Result<(), Incompatible> {
    if ours.spec_name != node.spec_name {
        return Err(Incompatible::Chain {
            expected: ours.spec_name.clone(),
            found: node.spec_name.clone(),
        });
    }
    let Some(item) = differing else { return Ok(()) };
    Err(match node.spec_version.cmp(&ours.spec_version) {
        std::cmp::Ordering::Greater => Incompatible::UpgradeWorker {
            node: node.spec_version,
            ours: ours.spec_version,
            item,
        },
        std::cmp::Ordering::Less => Incompatible::UpgradeChain {
            node: node.spec_version,
            ours: ours.spec_version,
            item,
        },
        std::cmp::Ordering::Equal => Incompatible::Rebuild {
            version: ours.spec_version,
            item,
        },
    })
}

/// Owners, and the names of what each has.
type Items = &'static [(&'static str, &'static [&'static str])];
type HashOf = fn(&Metadata, &str, &str) -> Option<[u8; 32]>;

/// The first item this build uses whose shape differs between the two, by name.
pub(crate) fn first_difference(ours: &Metadata, node: &Metadata) -> Option<String> {
    let kinds: [(Items, HashOf); 4] = [
        (CALLS, call_hash),
        (ENVELOPES, call_is_there),
        (STORAGE, storage_hash),
        (APIS, api_hash),
    ];
    for (items, hash) in kinds {
        for (owner, names) in items {
            for name in *names {
                let expected = hash(ours, owner, name);
                if expected.is_none() || hash(node, owner, name) != expected {
                    return Some(format!("{owner}.{name}"));
                }
            }
        }
    }
    None
}

fn call_hash(metadata: &Metadata, pallet: &str, call: &str) -> Option<[u8; 32]> {
    metadata.pallet_by_name(pallet)?.call_hash(call)
}

fn call_is_there(metadata: &Metadata, pallet: &str, call: &str) -> Option<[u8; 32]> {
    let found = metadata.pallet_by_name(pallet)?.call_variant_by_name(call);
    found.map(|_| [0; 32])
}

fn storage_hash(metadata: &Metadata, pallet: &str, entry: &str) -> Option<[u8; 32]> {
    metadata.pallet_by_name(pallet)?.storage_hash(entry)
}

fn api_hash(metadata: &Metadata, api: &str, method: &str) -> Option<[u8; 32]> {
    Some(metadata.runtime_api_trait_by_name(api)?.method_by_name(method)?.hash())
}

/// The version a runtime's metadata states in the constant `System.Version`.
pub(crate) fn stated_version(metadata: &Metadata) -> Option<Version> {
    // The first three fields of `sp_version::RuntimeVersion`: spec name, implementation name, authoring version; then
    // the spec version.
    let bytes = metadata.pallet_by_name("System")?.constant_by_name("Version")?.value();
    let (spec_name, _impl_name, _authoring, spec_version): (String, String, u32, u32) =
        codec::Decode::decode(&mut &bytes[..]).ok()?;
    Some(Version {
        spec_name,
        spec_version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;

    fn version(spec_name: &str, spec_version: u32) -> Version {
        Version {
            spec_name: spec_name.into(),
            spec_version,
        }
    }

    #[test]
    fn the_error_says_which_side_to_upgrade() {
        let ours = version("weft", 5);
        let item = || Some("Jobs.post".to_owned());
        assert_eq!(judge(&ours, &version("weft", 5), None), Ok(()));
        assert_eq!(
            judge(&ours, &version("weft", 9), None),
            Ok(()),
            "a newer chain with the same shapes is fine"
        );
        let told = |node, item| judge(&ours, &node, item).unwrap_err().to_string();
        assert!(told(version("weft", 6), item()).ends_with("upgrade weft"));
        assert!(told(version("weft", 4), item()).contains("upgrade the chain"));
        assert!(told(version("weft", 5), item()).contains("same source"));
        assert!(told(version("polkadot", 5), None).contains("--node"));
    }

    #[test]
    fn everything_this_build_uses_is_in_its_own_metadata() {
        let metadata = Metadata::decode(&mut &crate::runtime::METADATA[..]).unwrap();
        assert_eq!(first_difference(&metadata, &metadata), None);
        assert!(stated_version(&metadata).is_some());
    }

    #[test]
    fn of_calls_that_hold_calls_it_is_looked_at_whether_they_are_there() {
        let metadata = Metadata::decode(&mut &crate::runtime::METADATA[..]).unwrap();
        assert!(call_is_there(&metadata, "Utility", "force_batch").is_some());
        assert_eq!(call_is_there(&metadata, "Utility", "no_such_call"), None);
        assert_eq!(call_is_there(&metadata, "NoSuchPallet", "force_batch"), None);
    }
}
