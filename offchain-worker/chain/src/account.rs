//! Accounts and the keys that sign for them (sr25519).

use std::str::FromStr;

use codec::Encode;
use subxt_signer::{SecretUri, bip39::Mnemonic, sr25519::Keypair};
use weft_primitives::device::consent_message;

/// A chain account: an sr25519 public key, shown in SS58 (prefix 42).
pub use subxt::utils::AccountId32 as AccountId;

/// Why text names no account or key.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAccount {
    /// Not a secret.
    #[error(
        "not a secret key: give a phrase of 12 or more words, a 0x seed of 32 bytes, or a development account such as //Alice"
    )]
    Secret,
    /// Not an address.
    #[error("`{0}` is not an account: give an SS58 address (5…) or 0x and 64 hexadecimal digits")]
    Address(String),
    /// No entropy.
    #[error("the system gave no random bytes, so no key was made: {0}")]
    Entropy(getrandom::Error),
}

/// Reads an account: an SS58 address, 0x-hexadecimal, or a development account such as `//Alice`.
pub fn parse_account(text: &str) -> Result<AccountId, InvalidAccount> {
    let unknown = || InvalidAccount::Address(text.to_owned());
    if text.starts_with("//") {
        return Ok(Signer::from_secret(text)?.account());
    }
    if let Some(digits) = text.strip_prefix("0x") {
        let mut bytes = [0u8; 32];
        let mut digits = digits.as_bytes().chunks_exact(2);
        for byte in &mut bytes {
            let pair = digits
                .next()
                .and_then(|pair| std::str::from_utf8(pair).ok())
                .ok_or_else(unknown)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| unknown())?;
        }
        if digits.next().is_some() || !digits.remainder().is_empty() {
            return Err(unknown());
        }
        return Ok(AccountId(bytes));
    }
    AccountId::from_str(text).map_err(|_| unknown())
}

/// A key that signs for one account.
#[derive(Clone)]
pub struct Signer {
    pair: Keypair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.account())
    }
}

impl Signer {
    /// From a secret URI: phrase, 0x seed or development phrase, with derivation junctions.
    pub fn from_secret(secret: &str) -> Result<Self, InvalidAccount> {
        let uri = SecretUri::from_str(secret).map_err(|_| InvalidAccount::Secret)?;
        let pair = Keypair::from_uri(&uri).map_err(|_| InvalidAccount::Secret)?;
        Ok(Self { pair })
    }

    /// A new random key: the signer and its phrase of 12 words, which is all there is to keep.
    pub fn generate() -> Result<(Self, String), InvalidAccount> {
        let mut entropy = [0u8; 16];
        getrandom::fill(&mut entropy).map_err(InvalidAccount::Entropy)?;
        let phrase = Mnemonic::from_entropy(&entropy).map_err(|_| InvalidAccount::Secret)?;
        let pair = Keypair::from_phrase(&phrase, None).map_err(|_| InvalidAccount::Secret)?;
        Ok((Self { pair }, phrase.to_string()))
    }

    /// The account this key signs for.
    pub fn account(&self) -> AccountId {
        self.pair.public_key().to_account_id()
    }

    /// The signature by which this device agrees to work for `owner` on the chain with this genesis hash
    /// ([`consent_message`]).
    pub fn consent(&self, genesis_hash: &[u8; 32], owner: &AccountId) -> Consent {
        Consent(self.pair.sign(&consent_message(genesis_hash, owner)).0)
    }

    pub(crate) fn pair(&self) -> &Keypair {
        &self.pair
    }
}

/// A device's signature under its owner's account.
#[derive(Clone, Copy, Debug, Encode)]
pub struct Consent(pub(crate) [u8; 64]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_name_alice_are_alice() {
        let alice = Signer::from_secret("//Alice").unwrap().account();
        let hexadecimal = format!("0x{}", alice.0.iter().map(|b| format!("{b:02x}")).collect::<String>());
        for name in [
            "//Alice",
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            &hexadecimal,
        ] {
            assert_eq!(parse_account(name).unwrap(), alice, "{name}");
        }
    }

    #[test]
    fn what_is_no_account_says_what_one_looks_like() {
        for name in [
            "",
            "5Grwva",
            "0x12",
            "0xzz",
            "Ä",
            "0xé",
            &format!("0x{}", "ab".repeat(33)),
            &format!("0x{}a", "ab".repeat(32)),
        ] {
            let error = parse_account(name).unwrap_err().to_string();
            assert!(error.contains("SS58"), "{error}");
        }
        assert!(Signer::from_secret("not a phrase at all").is_err());
    }

    #[test]
    fn a_generated_phrase_restores_the_key() {
        let (signer, phrase) = Signer::generate().unwrap();
        assert_eq!(phrase.split(' ').count(), 12);
        assert_eq!(Signer::from_secret(&phrase).unwrap().account(), signer.account());
        assert_ne!(Signer::generate().unwrap().0.account(), signer.account());
    }

    #[test]
    fn consent_is_bound_to_owner_and_chain() {
        let device = Signer::from_secret("//Bob").unwrap();
        let owner = Signer::from_secret("//Alice").unwrap().account();
        let consent = device.consent(&[7; 32], &owner);
        let verify = |genesis: &[u8; 32], owner: &AccountId| {
            subxt_signer::sr25519::verify(
                &subxt_signer::sr25519::Signature(consent.0),
                consent_message(genesis, owner),
                &device.pair.public_key(),
            )
        };
        assert!(verify(&[7; 32], &owner));
        assert!(!verify(&[8; 32], &owner));
        assert!(!verify(&[7; 32], &device.account()));
    }
}
