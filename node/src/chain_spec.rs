//! Chain specifications that are built in: `dev` and `local`. Others are read from a file.

use sc_service::{ChainType, Properties};
use sp_core::storage::{Storage, well_known_keys::CODE};
use sp_genesis_builder::{
    DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId, runtime_decl_for_genesis_builder::GenesisBuilder,
};
use sp_state_machine::BasicExternalities;
use weft_runtime::{Runtime, WASM_BINARY, configs::SS58Prefix, token};

/// A chain specification without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

/// A chain that starts from a preset of the runtime.
pub struct BuiltIn {
    name: &'static str,
    id: &'static str,
    chain_type: ChainType,
    preset: &'static str,
}

/// One validator, Alice; well-known accounts are endowed.
pub const DEVELOPMENT: BuiltIn = BuiltIn {
    name: "Weft Development",
    id: "weft_dev",
    chain_type: ChainType::Development,
    preset: DEV_RUNTIME_PRESET,
};

/// Two validators, Alice and Bob.
pub const LOCAL: BuiltIn = BuiltIn {
    name: "Weft Local",
    id: "weft_local",
    chain_type: ChainType::Local,
    preset: LOCAL_TESTNET_RUNTIME_PRESET,
};

impl BuiltIn {
    /// To be written out: names the preset, which can be patched.
    pub fn spec(&self) -> Result<ChainSpec, String> {
        Ok(ChainSpec::builder(wasm()?, None)
            .with_name(self.name)
            .with_id(self.id)
            .with_protocol_id("weft")
            .with_chain_type(self.chain_type.clone())
            .with_properties(properties())
            .with_genesis_config_preset_name(self.preset)
            .build())
    }

    /// To be run: has the genesis state, so that no wasm is compiled to ask for it.
    pub fn spec_with_state(&self) -> Result<ChainSpec, String> {
        let mut spec = self.spec()?;
        sc_service::ChainSpec::set_storage(&mut spec, self.state()?);
        Ok(spec)
    }

    /// What the wasm would build, built by the same runtime compiled natively.
    fn state(&self) -> Result<Storage, String> {
        let preset = |id: Option<&str>| {
            let json = Runtime::get_preset(&id.map(PresetId::from)).ok_or("the runtime has no such preset")?;
            serde_json::from_slice(&json).map_err(|error| format!("a preset is no JSON: {error}"))
        };
        let mut config: serde_json::Value = preset(None)?;
        sc_chain_spec::json_patch::merge(&mut config, preset(Some(self.preset))?);
        let mut externalities = BasicExternalities::new_empty();
        externalities.execute_with(|| Runtime::build_state(config.to_string().into_bytes()))?;
        let mut storage = externalities.into_storages();
        storage.top.insert(CODE.to_vec(), wasm()?.to_vec());
        Ok(storage)
    }
}

fn wasm() -> Result<&'static [u8], String> {
    Ok(WASM_BINARY.ok_or("this binary was built without the wasm runtime: build it again without SKIP_WASM_BUILD")?)
}

fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), token::SYMBOL.into());
    properties.insert("tokenDecimals".into(), token::DECIMALS.into());
    properties.insert("ss58Format".into(), SS58Prefix::get().into());
    properties
}

#[cfg(test)]
mod tests {
    use sp_runtime::BuildStorage;

    use super::*;

    #[test]
    fn the_native_runtime_builds_the_state_that_the_wasm_builds() {
        for chain in [DEVELOPMENT, LOCAL] {
            let by_wasm = chain.spec().unwrap().build_storage().unwrap();
            let by_native = chain.spec_with_state().unwrap().build_storage().unwrap();
            assert_eq!(by_native.top, by_wasm.top, "{}", chain.id);
            assert!(by_native.children_default.is_empty() && by_wasm.children_default.is_empty());
        }
    }
}
