//! The byte alphabet of GPT-2's BPE, and decoding a stream of tokens without ever cutting a character.

use std::str;

/// The byte that a character of GPT-2's alphabet stands for.
///
/// Printable bytes of Latin-1 stand for themselves; the 68 others (controls, space, DEL, soft hyphen, ...) are numbered
/// in order from U+0100. Source: the encoder published with GPT-2 (Radford et al., 2019).
pub(super) fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => u8::try_from(code).ok(),
        0x100..=0x120 => u8::try_from(code - 0x100).ok(), // 0x00..=0x20
        0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(), // 0x7f..=0xa0
        0x143 => Some(0xad),
        _ => None,
    }
}

/// Bytes of generated tokens on their way to text.
///
/// A character of UTF-8 may be spread over several tokens; its bytes wait here until it is whole. Bytes that can never
/// become a character turn into U+FFFD, one for each maximal ill-formed part (as Unicode recommends and
/// [`String::from_utf8_lossy`] does), so the pieces put together are exactly the lossy decoding of all bytes.
#[derive(Clone, Debug, Default)]
pub struct TokenStream {
    pending: Vec<u8>,
}

impl TokenStream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bytes of a token and returns the text that is complete with them (often all of it, maybe none).
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    match error.error_len() {
                        Some(ill_formed) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = rest.get(ill_formed..).unwrap_or_default();
                        }
                        // The beginning of a character: wait for the rest of it.
                        None => break,
                    }
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// Ends the stream: an unfinished character becomes U+FFFD.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_alphabet_is_a_bijection_onto_bytes() {
        let mut bytes: Vec<u8> = (0..=0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('中'), None);
    }

    #[test]
    fn a_character_over_three_tokens_comes_out_whole() {
        let mut stream = TokenStream::new();
        let [a, b, c, d] = "🦀".as_bytes() else {
            unreachable!("a crab has four bytes")
        };
        assert_eq!(stream.push(&[b'x', *a]), "x");
        assert_eq!(stream.push(&[*b, *c]), "");
        assert_eq!(stream.push(&[*d, b'y']), "🦀y");
        assert_eq!(stream.finish(), "");
    }

    proptest! {
        #[test]
        fn pieces_add_up_to_the_lossy_decoding(tokens in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..20)) {
            let mut stream = TokenStream::new();
            let mut text: String = tokens.iter().map(|token| stream.push(token)).collect();
            text.push_str(&stream.finish());
            let all = tokens.concat();
            prop_assert_eq!(text, String::from_utf8_lossy(&all));
        }

        #[test]
        fn text_cut_anywhere_is_never_mangled(text in "\\PC{0,30}", cuts in prop::collection::vec(0usize..100, 0..10)) {
            let mut stream = TokenStream::new();
            let mut out = String::new();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                let piece = stream.push(&text.as_bytes()[pair[0]..pair[1]]);
                prop_assert!(!piece.contains(char::REPLACEMENT_CHARACTER) || text.contains(char::REPLACEMENT_CHARACTER));
                out.push_str(&piece);
            }
            prop_assert_eq!(stream.finish(), "");
            prop_assert_eq!(out, text);
        }
    }
}
