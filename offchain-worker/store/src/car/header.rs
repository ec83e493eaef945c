//! The header: `{"roots": [CID...], "version": 1}` in DAG-CBOR
//! (<https://ipld.io/specs/codecs/dag-cbor/spec/>), of which only that much is
//! known here.

use cid::Cid;

use super::{CarError, MAX_ROOTS};
use crate::{
    block::{CID_BYTES, cid_to_bytes, codec_of},
    store::StoreError,
    unixfs::put_varint,
};

/// Longest header that is read: three times what [`MAX_ROOTS`] need.
pub const MAX_HEADER_BYTES: u64 = 16 << 10;

mod major {
    pub const UNSIGNED: u8 = 0;
    pub const BYTES: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const ARRAY: u8 = 4;
    pub const MAP: u8 = 5;
    pub const TAG: u8 = 6;
}

/// The tag of a CID, and the byte before its binary form.
const CID_TAG: u64 = 42;
const IDENTITY_BASE: u8 = 0;

#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    pub roots: Vec<Cid>,
}

impl Header {
    /// The header with its length before it, as it begins an archive.
    pub fn encode(&self) -> Result<Vec<u8>, CarError> {
        if !(1..=MAX_ROOTS).contains(&self.roots.len()) {
            return Err(CarError::Roots);
        }
        let mut cbor = Vec::new();
        put_head(&mut cbor, major::MAP, 2);
        put_text(&mut cbor, "roots");
        put_head(&mut cbor, major::ARRAY, self.roots.len() as u64);
        for root in &self.roots {
            put_head(&mut cbor, major::TAG, CID_TAG);
            put_head(&mut cbor, major::BYTES, CID_BYTES as u64 + 1);
            cbor.push(IDENTITY_BASE);
            cbor.extend_from_slice(&cid_to_bytes(root).map_err(StoreError::from)?);
        }
        put_text(&mut cbor, "version");
        put_head(&mut cbor, major::UNSIGNED, 1);
        let mut out = Vec::with_capacity(cbor.len() + 2);
        put_varint(&mut out, cbor.len() as u64);
        out.extend_from_slice(&cbor);
        Ok(out)
    }

    /// Reads a header that begins at byte `offset` of its archive.
    pub fn decode(cbor: &[u8], offset: u64) -> Result<Self, CarError> {
        let mut cbor = Cbor {
            rest: cbor,
            offset,
            len: cbor.len(),
        };
        let fields = cbor.head_of(major::MAP)?;
        let (mut roots, mut version) = (None, None);
        for _ in 0..fields {
            match cbor.text()? {
                b"roots" if roots.is_none() => roots = Some(cbor.cids()?),
                b"version" if version.is_none() => version = Some(cbor.head_of(major::UNSIGNED)?),
                _ => return Err(cbor.malformed("its header has a field that is not known")),
            }
        }
        match version {
            Some(1) => {}
            Some(other) => return Err(CarError::Version(other)),
            None => return Err(cbor.malformed("its header names no version")),
        }
        if !cbor.rest.is_empty() {
            return Err(cbor.malformed("something follows in its header"));
        }
        let roots = roots.ok_or_else(|| cbor.malformed("its header names no roots"))?;
        Ok(Self { roots })
    }
}

fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    // No value here is longer than a byte.
    match u8::try_from(value) {
        Ok(value) if value < 24 => out.push(major << 5 | value),
        _ => out.extend_from_slice(&[major << 5 | 24, value as u8]),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, major::TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Cbor<'a> {
    rest: &'a [u8],
    offset: u64,
    len: usize,
}

impl<'a> Cbor<'a> {
    fn malformed(&self, reason: &'static str) -> CarError {
        let read = self.len.saturating_sub(self.rest.len()) as u64;
        CarError::Malformed {
            offset: self.offset.saturating_add(read),
            reason,
        }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], CarError> {
        let split = usize::try_from(len)
            .ok()
            .and_then(|len| self.rest.split_at_checked(len));
        let (taken, rest) = split.ok_or_else(|| self.malformed("its header ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The value in the head of an item of this major type.
    fn head_of(&mut self, wanted: u8) -> Result<u64, CarError> {
        let Some((&first, _)) = self.rest.split_first() else {
            return Err(self.malformed("its header ends too early"));
        };
        if first >> 5 != wanted {
            return Err(self.malformed("its header is not that of a CAR file"));
        }
        self.take(1)?;
        let bytes = match first & 31 {
            small @ 0..24 => return Ok(u64::from(small)),
            24 => self.take(1)?,
            25 => self.take(2)?,
            26 => self.take(4)?,
            27 => self.take(8)?,
            _ => return Err(self.malformed("its header has an item of no definite length")),
        };
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Result<&'a [u8], CarError> {
        let len = self.head_of(major::TEXT)?;
        self.take(len)
    }

    fn cids(&mut self) -> Result<Vec<Cid>, CarError> {
        let count = self.head_of(major::ARRAY)?;
        if count > MAX_ROOTS as u64 {
            return Err(self.malformed("its header names more roots than are read here"));
        }
        (0..count).map(|_| self.cid()).collect()
    }

    fn cid(&mut self) -> Result<Cid, CarError> {
        let tag = self.head_of(major::TAG)?;
        let len = self.head_of(major::BYTES)?;
        let offset = self.offset;
        let bytes = self.take(len)?;
        match (tag, bytes.split_first()) {
            (CID_TAG, Some((&IDENTITY_BASE, bytes))) => {
                let cid = Cid::try_from(bytes).map_err(|_| self.malformed("a root in its header is no CID"))?;
                codec_of(&cid).map_err(|error| CarError::Cid { offset, error })?;
                Ok(cid)
            }
            _ => Err(self.malformed("a root in its header is no CID")),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::block::Block;

    fn roots(count: u8) -> Vec<Cid> {
        (0..count)
            .map(|i| *Block::raw(Bytes::from(vec![i])).unwrap().cid())
            .collect()
    }

    fn body(header: &Header) -> Vec<u8> {
        let encoded = header.encode().unwrap();
        let len = if encoded[0] < 0x80 { 1 } else { 2 };
        encoded[len..].to_vec()
    }

    proptest! {
        #[test]
        fn headers_come_back(count in 1u8..=MAX_ROOTS as u8) {
            let header = Header { roots: roots(count) };
            let body = body(&header);
            prop_assert!(body.len() as u64 <= MAX_HEADER_BYTES);
            prop_assert_eq!(Header::decode(&body, 0).unwrap(), header);
        }

        #[test]
        fn damage_and_garbage_never_panic(at in any::<prop::sample::Index>(), byte: u8, garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut damaged = body(&Header { roots: roots(3) });
            let at = at.index(damaged.len());
            damaged[at] = byte;
            let _ = Header::decode(&damaged, 1);
            let _ = Header::decode(&damaged[..at], 1);
            let _ = Header::decode(&garbage, 1);
        }
    }

    /// The example of the specification has two roots; this is what `ipfs dag export` writes for one.
    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let header = Header { roots: roots(1) };
        let encoded = header.encode().unwrap();
        assert_eq!(encoded[..8], *b"\x3a\xa2\x65roots");
        assert_eq!(encoded[8..14], [0x81, 0xd8, 0x2a, 0x58, 0x25, 0x00]);
        assert_eq!(encoded[50..], *b"\x67version\x01");
    }

    #[test]
    fn other_versions_and_no_roots_are_called_so() {
        assert!(matches!(
            Header::decode(b"\xa1\x67version\x02", 1),
            Err(CarError::Version(2))
        ));
        assert!(matches!(
            Header::decode(b"\xa1\x67version\x01", 1),
            Err(CarError::Malformed { offset: 11, .. })
        ));
        assert!(matches!(Header { roots: Vec::new() }.encode(), Err(CarError::Roots)));
    }
}
