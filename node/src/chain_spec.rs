//! Chain specifications that are built in: `dev` and `local`. Others are read from a file.

use sc_service::{ChainType, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use weft_runtime::{WASM_BINARY, configs::SS58Prefix, token};

/// A chain specification without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), token::SYMBOL.into());
    properties.insert("tokenDecimals".into(), token::DECIMALS.into());
    properties.insert("ss58Format".into(), SS58Prefix::get().into());
    properties
}

fn from_preset(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let wasm =
        WASM_BINARY.ok_or("this binary was built without the wasm runtime: build it again without SKIP_WASM_BUILD")?;
    Ok(ChainSpec::builder(wasm, None)
        .with_name(name)
        .with_id(id)
        .with_protocol_id("weft")
        .with_chain_type(chain_type)
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// One validator, Alice; well-known accounts are endowed.
pub fn development() -> Result<ChainSpec, String> {
    from_preset(
        "Weft Development",
        "weft_dev",
        ChainType::Development,
        DEV_RUNTIME_PRESET,
    )
}

/// Two validators, Alice and Bob.
pub fn local() -> Result<ChainSpec, String> {
    from_preset(
        "Weft Local",
        "weft_local",
        ChainType::Local,
        LOCAL_TESTNET_RUNTIME_PRESET,
    )
}
