//! How development chains start. `weft-node export-chain-spec` writes these into chain-specs/.

use alloc::{vec, vec::Vec};

use serde_json::{Value, json};
use sp_consensus_babe::AuthorityId as BabeId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

use crate::{AccountId, Balance, SessionKeys, UNIT, configs::TreasuryAccount};

/// What each development account holds at the start.
const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// The BABE configuration at genesis: one slot in four has a primary author, every slot a secondary one, and both bring
/// a VRF output, from which jobs draw their randomness.
pub const BABE_GENESIS_EPOCH_CONFIG: sp_consensus_babe::BabeEpochConfiguration =
    sp_consensus_babe::BabeEpochConfiguration {
        c: (1, 4),
        allowed_slots: sp_consensus_babe::AllowedSlots::PrimaryAndSecondaryVRFSlots,
    };

fn genesis(validators: Vec<(AccountId, BabeId, GrandpaId)>) -> Value {
    let endowed = Sr25519Keyring::iter()
        .filter(|key| !matches!(key, Sr25519Keyring::One | Sr25519Keyring::Two))
        .map(|key| key.to_account_id())
        .chain(core::iter::once(TreasuryAccount::get()))
        .map(|account| (account, ENDOWMENT))
        .collect::<Vec<_>>();
    let keys = validators
        .into_iter()
        .map(|(account, babe, grandpa)| (account.clone(), account, SessionKeys { babe, grandpa }))
        .collect::<Vec<_>>();
    json!({
        "balances": { "balances": endowed },
        "session": { "keys": keys },
        "babe": { "epochConfig": BABE_GENESIS_EPOCH_CONFIG },
        "sudo": { "key": Some(Sr25519Keyring::Alice.to_account_id()) },
    })
}

fn validator(account: Sr25519Keyring, finality: Ed25519Keyring) -> (AccountId, BabeId, GrandpaId) {
    (
        account.to_account_id(),
        account.public().into(),
        finality.public().into(),
    )
}

/// The named preset as a JSON patch of the default genesis.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => genesis(vec![validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice)]),
        LOCAL_TESTNET_RUNTIME_PRESET => genesis(vec![
            validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
            validator(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
        ]),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The presets there are.
pub fn preset_names() -> Vec<PresetId> {
    vec![
        PresetId::from(DEV_RUNTIME_PRESET),
        PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET),
    ]
}
