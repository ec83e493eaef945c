//! Bounds-checked reading of little-endian values.

use super::GgufError;

/// A position in bytes that nobody vouches for.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// Room to reserve for `count` items of at least `item_bytes` each: never more than the file can still hold.
    pub(super) fn bounded_capacity(&self, count: u64, item_bytes: usize) -> usize {
        let most = self.remaining() / item_bytes.max(1);
        usize::try_from(count).unwrap_or(usize::MAX).min(most)
    }

    pub(super) fn truncated(&self, what: &'static str, needed: u64) -> GgufError {
        GgufError::Truncated {
            what,
            offset: self.offset,
            needed,
            available: self.remaining(),
        }
    }

    pub(super) fn malformed(&self, what: &'static str, problem: String) -> GgufError {
        GgufError::Malformed {
            what,
            offset: self.offset,
            problem,
        }
    }

    pub(super) fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], GgufError> {
        let taken = self
            .offset
            .checked_add(count)
            .and_then(|end| self.bytes.get(self.offset..end))
            .ok_or_else(|| self.truncated(what, count as u64))?;
        self.offset += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], GgufError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A length and as many bytes of UTF-8.
    pub(super) fn string(&mut self, what: &'static str) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        let count = usize::try_from(length).map_err(|_| self.truncated(what, length))?;
        let start = self.offset;
        let bytes = self.take(what, count)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(GgufError::Malformed {
                what,
                offset: start + error.valid_up_to(),
                problem: "the text is not UTF-8".to_owned(),
            }),
        }
    }
}
