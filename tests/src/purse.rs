//! What accounts hold at a block, read from the chain's storage and not from the program under test.

use blake2::{Blake2b, Digest, digest::consts::U16};
use codec::Decode;
use serde_json::json;

use crate::{error::HarnessError, rpc::Rpc};

/// `twox_128("System") ++ twox_128("Account")`.
const ACCOUNTS: &str = "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9";

/// What an account holds, in the smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Not held.
    pub free: u128,
    /// Stake, deposits, escrow.
    pub held: u128,
}

impl Purse {
    /// All of it.
    pub fn total(&self) -> u128 {
        self.free + self.held
    }

    /// What an account holds after block `at`; nothing if it does not exist.
    pub fn of(rpc: &Rpc, account: &[u8; 32], at: u32) -> Result<Self, HarnessError> {
        let block = rpc.call("chain_getBlockHash", json!([at]))?;
        if block.is_null() {
            return Err(HarnessError::answer(
                "chain_getBlockHash",
                format!("there is no block {at}"),
            ));
        }
        // Blake2_128Concat: the hash and the account itself.
        let key = format!(
            "0x{ACCOUNTS}{}{}",
            hex::encode(Blake2b::<U16>::digest(account)),
            hex::encode(account)
        );
        let answer = rpc.call("state_getStorage", json!([key, block]))?;
        let Some(text) = answer.as_str() else {
            return Ok(Self::default());
        };
        Self::decode(text).map_err(|problem| HarnessError::answer("state_getStorage", problem))
    }

    /// Reads `frame_system::AccountInfo<u32, pallet_balances::AccountData<u128>>`.
    fn decode(text: &str) -> Result<Self, String> {
        let bytes = hex::decode(text.trim_start_matches("0x")).map_err(|error| error.to_string())?;
        // Nonce and three reference counts; then free, reserved, frozen and flags.
        type Record = ([u32; 4], [u128; 4]);
        let (_, [free, held, _, _]) = Record::decode(&mut &bytes[..]).map_err(|error| error.to_string())?;
        Ok(Self { free, held })
    }
}

/// The account that belongs to a pallet and has no key: `modl`, the pallet's eight letters, and zeros.
pub fn pallet_account(id: &[u8; 8]) -> [u8; 32] {
    let mut account = [0; 32];
    account[..4].copy_from_slice(b"modl");
    account[4..12].copy_from_slice(id);
    account
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    #[test]
    fn an_account_record_is_read_field_by_field() {
        let record = (7u32, 1u32, 1u32, 0u32, 123u128, 45u128, 6u128, 1u128 << 127).encode();
        let purse = Purse::decode(&format!("0x{}", hex::encode(&record))).unwrap();
        assert_eq!(purse, Purse { free: 123, held: 45 });
        assert_eq!(purse.total(), 168);
        assert!(Purse::decode(&hex::encode(&record[1..])).is_err());
    }
}
