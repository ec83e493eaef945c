//! SS58, the form in which accounts are shown, back to public keys.
//!
//! Source: <https://docs.polkadot.com/reference/parachains/accounts/>.

use blake2::{Blake2b512, Digest};

use crate::error::HarnessError;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// One byte of network prefix, 32 of public key, two of checksum.
const BYTES: usize = 35;

/// The public key of an address with a one-byte network prefix.
pub fn public_key(address: &str) -> Result<[u8; 32], HarnessError> {
    let refuse = |problem: &str| HarnessError::answer(address, problem);
    let bytes = base58(address).ok_or_else(|| refuse("no base58 number of 35 bytes"))?;
    let [_prefix, key @ .., _, _] = bytes;
    let checksum = Blake2b512::new()
        .chain_update(b"SS58PRE")
        .chain_update(&bytes[..BYTES - 2])
        .finalize();
    if checksum[..2] != bytes[BYTES - 2..] {
        return Err(refuse("the checksum of the address does not match"));
    }
    Ok(key)
}

/// A base58 number as big-endian bytes; `None` if it has other digits or is too large.
fn base58(text: &str) -> Option<[u8; BYTES]> {
    let mut number = [0u8; BYTES];
    for digit in text.bytes() {
        let mut carry = ALPHABET.iter().position(|letter| *letter == digit)?;
        for byte in number.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry % 256) as u8;
            carry /= 256;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_address_is_read() {
        let alice = public_key("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        assert_eq!(
            hex::encode(alice),
            "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
        );
    }

    #[test]
    fn a_typing_error_is_refused() {
        for address in [
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ",
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y",
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY1111111",
            "",
        ] {
            assert!(public_key(address).is_err(), "{address}");
        }
    }
}
