//! Prompts and answers: a sealed file that fits one block of the content store.
//!
//! Each message has a content key of its own, which travels wrapped
//! ([`crate::wrap`]) to the one who may read it. The length of the ciphertext
//! tells the length of the message.

use zeroize::Zeroizing;

use crate::{
    file::{open_to_vec, seal_file},
    key::{ContentKey, KeyCommitment},
    stream::{OpenError, SealError},
};

/// Most bytes of one message: 1 MiB. With header and tag it is below the 2 MiB
/// that the content store takes as one block.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Seals `plaintext` under a fresh key; returns the sealed bytes and the key.
pub fn seal_message(plaintext: &[u8]) -> Result<(Vec<u8>, ContentKey), SealError> {
    if plaintext.len() > MAX_MESSAGE_BYTES {
        return Err(SealError::MessageTooLong {
            len: plaintext.len(),
            max: MAX_MESSAGE_BYTES,
        });
    }
    let key = ContentKey::generate()?;
    let mut sealed = Vec::new();
    seal_file(plaintext, &mut sealed, &key, Some(plaintext.len() as u64), |_| ())?;
    Ok((sealed, key))
}

/// Opens what [`seal_message`] sealed. `promised` is the key commitment that was
/// announced with the message, if one was.
pub fn open_message(
    sealed: &[u8],
    key: &ContentKey,
    promised: Option<&KeyCommitment>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open_to_vec(sealed, key, promised, MAX_MESSAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_opens_with_its_key_and_no_other(text in ".{0,300}") {
            let (sealed, key) = seal_message(text.as_bytes()).unwrap();
            let opened = open_message(&sealed, &key, Some(&key.commitment())).unwrap();
            prop_assert_eq!(opened.as_slice(), text.as_bytes());
            let (_, other) = seal_message(text.as_bytes()).unwrap();
            let refused = matches!(
                open_message(&sealed, &other, None),
                Err(OpenError::WrongKey { sealed_with }) if sealed_with == key.commitment()
            );
            prop_assert!(refused);
        }
    }

    #[test]
    fn one_text_never_looks_the_same_twice() {
        let (a, _) = seal_message(b"same").unwrap();
        let (b, _) = seal_message(b"same").unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn the_longest_message_fits_and_one_byte_more_does_not() {
        let longest = vec![b'x'; MAX_MESSAGE_BYTES];
        let (sealed, key) = seal_message(&longest).unwrap();
        assert!(sealed.len() < 2 << 20);
        assert_eq!(*open_message(&sealed, &key, None).unwrap(), longest);
        assert!(matches!(
            seal_message(&vec![b'x'; MAX_MESSAGE_BYTES + 1]),
            Err(SealError::MessageTooLong { len, max }) if len == max + 1
        ));
    }

    #[test]
    fn a_sealed_file_longer_than_a_message_is_refused() {
        let key = ContentKey::from_bytes([3; 32]);
        let mut sealed = Vec::new();
        let long = vec![0u8; MAX_MESSAGE_BYTES + 1];
        seal_file(long.as_slice(), &mut sealed, &key, None, |_| ()).unwrap();
        assert!(matches!(
            open_message(&sealed, &key, None),
            Err(OpenError::TooLong { max: MAX_MESSAGE_BYTES })
        ));
    }
}
