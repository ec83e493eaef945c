//! Digests as people write them.

use weft_exact::merkle::Digest;

/// 64 digits, small letters.
pub(super) fn encode(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The reverse of [`encode`]; `None` for anything else.
pub(super) fn decode(text: &str) -> Option<Digest> {
    let bytes = text.as_bytes();
    let mut digest = Digest::default();
    if bytes.len() != 2 * digest.len() || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(digest)
}
