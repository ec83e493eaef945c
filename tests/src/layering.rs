//! Which crate may know which.
//!
//! `primitives <- pallets <- runtime <- node` and `primitives <- offchain-worker`: an arrow points to who may depend on
//! whom. The rules are stated for direct dependencies; as every layer is bound by them, what they say holds for
//! everything that is reached through the workspace too.

use std::{collections::BTreeMap, fmt};

/// The part of the workspace that a crate belongs to, by the folder it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `primitives/`: ids, state machines and traits that both halves share.
    Primitives,
    /// `pallets/`: the rules of the chain.
    Pallets,
    /// `runtime/`: the pallets composed.
    Runtime,
    /// `node/`: the program that runs the chain.
    Node,
    /// `offchain-worker/`: everything that is not the chain.
    Worker,
    /// `tests/`: programs driven from outside.
    Tests,
}

impl Layer {
    /// The layer of a crate whose manifest lies in `folder`, relative to the workspace root; `None` for a folder that
    /// no rule speaks of.
    pub fn of(folder: &str) -> Option<Self> {
        Some(match folder.split('/').next()? {
            "primitives" => Self::Primitives,
            "pallets" => Self::Pallets,
            "runtime" => Self::Runtime,
            "node" => Self::Node,
            "offchain-worker" => Self::Worker,
            "tests" => Self::Tests,
            _ => return None,
        })
    }

    /// The layers whose crates it may depend on.
    pub const fn may_use(self) -> &'static [Layer] {
        match self {
            Self::Primitives | Self::Pallets | Self::Tests => &[Self::Primitives],
            Self::Runtime => &[Self::Primitives, Self::Pallets],
            Self::Node => &[Self::Primitives, Self::Runtime],
            Self::Worker => &[Self::Primitives, Self::Worker],
        }
    }

    /// Beginnings of names of registry crates that it may not depend on.
    pub const fn may_not_use(self) -> &'static [&'static str] {
        match self {
            Self::Primitives | Self::Worker | Self::Tests => &["frame-", "pallet-", "sc-"],
            Self::Pallets | Self::Runtime => &["sc-"],
            Self::Node => &[],
        }
    }
}

/// Registry crates, by the beginning of their names, that only the named workspace crates may depend on.
pub const RESERVED: &[(&str, &[&str])] = &[
    ("burn", &["weft-engine", "weft-federated"]),
    // In the tests it is somebody else's program that meets a dev node.
    ("subxt", &["weft-chain", "weft-tests"]),
    ("ipfs-api", &["weft-store"]),
];

/// One workspace crate and what it depends on directly, for building, testing or running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    /// Where its manifest lies, relative to the workspace root, with `/`.
    pub folder: String,
    /// Names of the packages it depends on.
    pub dependencies: Vec<Dependency>,
}

/// See [`Crate::dependencies`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the package, whatever it is renamed to.
    pub name: String,
    /// Only tests, examples and benchmarks of the crate see it.
    pub only_tests: bool,
}

/// A dependency, or a folder, that the rules do not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// The crate lies where no layer is.
    NoLayer {
        /// The crate.
        name: String,
        /// Its folder.
        folder: String,
    },
    /// The crate depends on one of a layer that its own may not know.
    Layering {
        /// The crate.
        name: String,
        /// Its layer.
        layer: Layer,
        /// The crate it depends on.
        on: String,
        /// The layer of that one.
        its_layer: Layer,
    },
    /// The crate depends on a registry crate that its layer may not know.
    Foreign {
        /// The crate.
        name: String,
        /// Its layer.
        layer: Layer,
        /// The registry crate.
        on: String,
    },
    /// The crate depends on a registry crate that is kept to others.
    Reserved {
        /// The crate.
        name: String,
        /// The registry crate.
        on: String,
        /// Who may depend on it.
        only: &'static [&'static str],
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLayer { name, folder } => {
                write!(
                    f,
                    "{name} lies in {folder}/, which belongs to no layer: move it, or give the folder a layer"
                )
            }
            Self::Layering {
                name,
                layer,
                on,
                its_layer,
            } => {
                write!(
                    f,
                    "{name} ({layer:?}) depends on {on} ({its_layer:?}); {layer:?} may use {:?}",
                    layer.may_use()
                )
            }
            Self::Foreign { name, layer, on } => {
                write!(
                    f,
                    "{name} ({layer:?}) depends on {on}; {layer:?} may use no {:?}",
                    layer.may_not_use()
                )
            }
            Self::Reserved { name, on, only } => write!(f, "{name} depends on {on}, which is kept to {only:?}"),
        }
    }
}

/// Every violation in a workspace, given by the names of its crates; in order, each once.
pub fn violations(workspace: &BTreeMap<String, Crate>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, member) in workspace {
        let Some(layer) = Layer::of(&member.folder) else {
            found.push(Violation::NoLayer {
                name: name.clone(),
                folder: member.folder.clone(),
            });
            continue;
        };
        for dependency in &member.dependencies {
            let on = dependency.name.clone();
            match workspace.get(&on) {
                Some(other) => {
                    // A crate without a layer is reported for itself.
                    if let Some(its_layer) = Layer::of(&other.folder)
                        && !layer.may_use().contains(&its_layer)
                    {
                        found.push(Violation::Layering {
                            name: name.clone(),
                            layer,
                            on,
                            its_layer,
                        });
                    }
                }
                None => found.extend(foreign(name, layer, dependency)),
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The rules on one registry crate.
fn foreign(name: &str, layer: Layer, dependency: &Dependency) -> Option<Violation> {
    let on = &dependency.name;
    let reserved = RESERVED
        .iter()
        .find(|(prefix, only)| on.starts_with(prefix) && !only.contains(&name));
    if let Some((_, only)) = reserved {
        return Some(Violation::Reserved {
            name: name.to_owned(),
            on: on.clone(),
            only,
        });
    }
    // A pallet's mock runtime is made of real pallets, so this rule is about what ships.
    let barred = !dependency.only_tests && layer.may_not_use().iter().any(|prefix| on.starts_with(prefix));
    barred.then(|| Violation::Foreign {
        name: name.to_owned(),
        layer,
        on: on.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of `(name, folder, dependencies)`.
    fn workspace(crates: &[(&str, &str, &[&str])]) -> BTreeMap<String, Crate> {
        crates
            .iter()
            .map(|(name, folder, on)| {
                let dependencies = on
                    .iter()
                    .map(|name| Dependency {
                        name: (*name).to_owned(),
                        only_tests: false,
                    })
                    .collect();
                (
                    (*name).to_owned(),
                    Crate {
                        folder: (*folder).to_owned(),
                        dependencies,
                    },
                )
            })
            .collect()
    }

    fn sound() -> BTreeMap<String, Crate> {
        workspace(&[
            ("prims", "primitives", &["parity-scale-codec"]),
            ("prims-api", "primitives/runtime-api", &["prims", "sp-api"]),
            ("pallet-a", "pallets/a", &["prims", "frame-support"]),
            ("pallet-b", "pallets/b", &["prims", "pallet-balances"]),
            (
                "runtime",
                "runtime",
                &["pallet-a", "pallet-b", "prims", "prims-api", "frame-system"],
            ),
            ("node", "node", &["runtime", "prims", "sc-service", "frame-system"]),
            (
                "weft-chain",
                "offchain-worker/chain",
                &["prims", "subxt", "subxt-signer"],
            ),
            (
                "weft-engine",
                "offchain-worker/engine",
                &["prims", "burn", "burn-store"],
            ),
            ("weft-store", "offchain-worker/store", &["ipfs-api-backend-hyper"]),
            (
                "weft-cli",
                "offchain-worker/cli",
                &["weft-chain", "weft-engine", "weft-store", "clap"],
            ),
            ("weft-tests", "tests", &["reqwest"]),
        ])
    }

    /// What is found once `name` also depends on `on`.
    fn with(name: &str, on: &str) -> Vec<Violation> {
        let mut workspace = sound();
        let member = workspace.get_mut(name).expect("the sound workspace has it");
        member.dependencies.push(Dependency {
            name: on.to_owned(),
            only_tests: false,
        });
        violations(&workspace)
    }

    #[test]
    fn a_sound_workspace_passes() {
        assert_eq!(violations(&sound()), []);
    }

    #[test]
    fn each_arrow_has_one_direction() {
        for (name, on) in [
            ("prims", "pallet-a"),
            ("prims", "weft-store"),
            ("pallet-a", "pallet-b"),
            ("pallet-a", "runtime"),
            ("pallet-a", "weft-chain"),
            ("runtime", "node"),
            ("runtime", "weft-chain"),
            ("node", "weft-chain"),
            ("node", "pallet-a"),
            ("weft-chain", "pallet-a"),
            ("weft-cli", "runtime"),
            ("weft-cli", "node"),
            ("weft-tests", "runtime"),
        ] {
            let found = with(name, on);
            assert!(
                matches!(&found[..], [Violation::Layering { name: n, on: o, .. }] if n == name && o == on),
                "{name} -> {on}: {found:?}"
            );
        }
    }

    #[test]
    fn the_worker_cannot_reach_a_pallet_through_primitives() {
        // The detour is found at its first forbidden step.
        let found = with("prims", "pallet-a");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn registry_crates_of_the_chain_stay_out_of_the_shared_half_and_the_worker() {
        for (name, on) in [
            ("prims", "frame-support"),
            ("prims-api", "pallet-balances"),
            ("prims", "sc-client-api"),
            ("weft-cli", "sc-cli"),
            ("weft-chain", "frame-metadata"),
            ("weft-store", "pallet-balances"),
            ("pallet-a", "sc-network"),
            ("runtime", "sc-executor"),
        ] {
            let found = with(name, on);
            assert!(
                matches!(&found[..], [Violation::Foreign { name: n, on: o, .. }] if n == name && o == on),
                "{name} -> {on}: {found:?}"
            );
        }
    }

    #[test]
    fn burn_subxt_and_ipfs_have_one_user_each() {
        for (name, on) in [
            ("weft-cli", "burn"),
            ("weft-chain", "burn-store"),
            ("weft-cli", "subxt"),
            ("node", "subxt-rpcs"),
            ("weft-cli", "ipfs-api-backend-hyper"),
            ("runtime", "burn"),
        ] {
            let found = with(name, on);
            assert!(
                matches!(&found[..], [Violation::Reserved { name: n, on: o, .. }] if n == name && o == on),
                "{name} -> {on}: {found:?}"
            );
        }
    }

    #[test]
    fn a_dependency_of_tests_only_may_be_a_registry_pallet_but_no_pallet_of_ours() {
        let test_only = |on: &str| {
            let mut workspace = sound();
            let member = workspace.get_mut("prims").expect("the sound workspace has it");
            member.dependencies.push(Dependency {
                name: on.to_owned(),
                only_tests: true,
            });
            violations(&workspace).len()
        };
        assert_eq!(test_only("pallet-balances"), 0);
        assert_eq!(test_only("pallet-a"), 1);
        assert_eq!(test_only("burn"), 1);
    }

    #[test]
    fn a_new_folder_needs_a_layer() {
        let mut workspace = sound();
        workspace.insert(
            "odd".into(),
            Crate {
                folder: "misc/odd".into(),
                dependencies: Vec::new(),
            },
        );
        assert!(matches!(&violations(&workspace)[..], [Violation::NoLayer { name, .. }] if name == "odd"));
    }
}
