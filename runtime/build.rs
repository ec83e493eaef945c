//! Builds the runtime to wasm beside the native crate, with the metadata hash that `CheckMetadataHash` verifies.

fn main() {
    #[cfg(feature = "std")]
    substrate_wasm_builder::WasmBuilder::init_with_defaults()
        .enable_metadata_hash(weft_token::SYMBOL, weft_token::DECIMALS)
        .build();
}

/// The token as hardware wallets show it; the same file is part of the runtime.
#[cfg(feature = "std")]
#[path = "src/token.rs"]
mod weft_token;
