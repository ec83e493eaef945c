//! Where a party's blocks are served: a URL, as the chain stores it.
//!
//! The chain cannot know whether anybody answers there. It only makes sure that what it stores can be shown and pasted
//! anywhere, so that an endpoint is no way to smuggle terminal escapes or line breaks into other people's tools.

/// Whether bytes can stand as an endpoint: visible ASCII throughout (RFC 3986 URLs are), and not empty.
pub fn is_endpoint(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_visible_ascii() {
        assert!(is_endpoint(b"http://127.0.0.1:7101"));
        assert!(is_endpoint(b"https://[2001:db8::1]:443/blocks?x=%20"));
        for bad in [
            &b""[..],
            b"http://a b",
            b"http://a\n",
            b"\x1b[2J",
            "http://ü".as_bytes(),
        ] {
            assert!(!is_endpoint(bad), "{bad:?}");
        }
    }
}
