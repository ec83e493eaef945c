//! How amounts and fixed-size bytes read in JSON: amounts as decimal strings, because JSON numbers lose digits beyond
//! 2^53 in many clients, and bytes as lower-case hex with `0x`, as in the chain's own RPC.
//!
//! For `#[serde(with = "...")]`.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn from_hex<E: Error, const N: usize>(text: &str) -> Result<[u8; N], E> {
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| E::custom("expected hexadecimal digits after 0x"))?;
    if digits.len() != 2 * N {
        return Err(E::custom(format_args!(
            "expected {N} bytes, which are {} digits, and found {}",
            2 * N,
            digits.len()
        )));
    }
    let mut nibbles = digits.chars().map(|c| c.to_digit(16));
    let mut bytes = [0u8; N];
    for byte in &mut bytes {
        let (Some(Some(high)), Some(Some(low))) = (nibbles.next(), nibbles.next()) else {
            return Err(E::custom("expected hexadecimal digits"));
        };
        *byte = (high << 4 | low) as u8;
    }
    Ok(bytes)
}

/// A `u128` as a decimal string.
pub mod amount {
    use super::*;

    /// Writes the amount.
    pub fn serialize<S: Serializer>(amount: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(amount)
    }

    /// Reads an amount.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|_| D::Error::custom("expected a whole amount in decimal digits"))
    }
}

/// `[u8; N]` as a hex string.
pub mod hex_bytes {
    use super::*;

    /// Writes the bytes.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_hex(bytes))
    }

    /// Reads exactly `N` bytes.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        from_hex(&String::deserialize(from)?)
    }
}

/// `Option<[u8; N]>` as a hex string or null.
pub mod optional_hex_bytes {
    use super::*;

    /// Writes the bytes or null.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &Option<[u8; N]>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&to_hex(bytes)),
            None => to.serialize_none(),
        }
    }

    /// Reads exactly `N` bytes, or null.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<Option<[u8; N]>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| from_hex(&text))
            .transpose()
    }
}

/// UTF-8 in `Vec<u8>` as a string. What is not UTF-8 (nothing that was checked when it was stored) is shown with
/// replacement characters.
pub mod text {
    use super::*;

    /// Writes the text.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&String::from_utf8_lossy(bytes))
    }

    /// Reads a text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(from).map(String::into_bytes)
    }
}

/// UTF-8 in `Option<Vec<u8>>` as a string or null.
pub mod optional_text {
    use super::*;
    use serde::Serialize;

    /// Writes the text or null.
    pub fn serialize<S: Serializer>(text: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        text.as_deref().map(String::from_utf8_lossy).serialize(to)
    }

    /// Reads a text, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(String::into_bytes))
    }
}

/// `Option<u128>` as a decimal string or null.
pub mod optional_amount {
    use super::*;
    use alloc::string::ToString;
    use serde::Serialize;

    /// Writes the amount or null.
    pub fn serialize<S: Serializer>(amount: &Option<u128>, to: S) -> Result<S::Ok, S::Error> {
        amount.map(|amount| amount.to_string()).serialize(to)
    }

    /// Reads an amount, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u128>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|_| D::Error::custom("expected a whole amount in decimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;
    use serde::de::{
        IntoDeserializer,
        value::{Error as Plain, StrDeserializer},
    };

    /// `fmt::Formatter` is a serializer of plain strings, so no JSON library is needed to see what is written.
    struct Written<F>(F);
    impl<F: Fn(&mut core::fmt::Formatter<'_>) -> core::fmt::Result> core::fmt::Display for Written<F> {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            (self.0)(f)
        }
    }

    fn text(s: &str) -> StrDeserializer<'_, Plain> {
        s.into_deserializer()
    }

    proptest! {
        #[test]
        fn amounts_keep_every_digit(x: u128) {
            let written = Written(|f: &mut core::fmt::Formatter<'_>| amount::serialize(&x, f)).to_string();
            prop_assert_eq!(&written, &format!("{x}"));
            prop_assert_eq!(amount::deserialize(text(&written)).unwrap(), x);
        }

        #[test]
        fn bytes_round_trip(x: [u8; 32]) {
            let written = Written(|f: &mut core::fmt::Formatter<'_>| hex_bytes::serialize(&x, f)).to_string();
            prop_assert_eq!(written.len(), 66);
            prop_assert_eq!(hex_bytes::deserialize::<_, 32>(text(&written)).unwrap(), x);
        }

        #[test]
        fn texts_round_trip(x: String) {
            let written = Written(|f: &mut core::fmt::Formatter<'_>| super::text::serialize(x.as_bytes(), f)).to_string();
            prop_assert_eq!(&written, &x);
            prop_assert_eq!(super::text::deserialize(text(&written)).unwrap(), x.into_bytes());
        }

        #[test]
        fn any_text_is_read_or_refused(s in "(0x)?[0-9a-fA-Fé]{0,10}") {
            if let Ok(bytes) = hex_bytes::deserialize::<_, 4>(text(&s)) {
                prop_assert_eq!(to_hex(&bytes), s.to_lowercase());
            }
        }
    }

    #[test]
    fn each_defect_is_named() {
        let refusal = |s: &str| hex_bytes::deserialize::<_, 2>(text(s)).unwrap_err().to_string();
        assert_eq!(refusal("abcd"), "expected hexadecimal digits after 0x");
        assert_eq!(refusal("0xabc"), "expected 2 bytes, which are 4 digits, and found 3");
        assert_eq!(refusal("0xabcg"), "expected hexadecimal digits");
        assert!(amount::deserialize(text("1.5")).is_err());
        assert!(amount::deserialize(text("-1")).is_err());
    }
}
