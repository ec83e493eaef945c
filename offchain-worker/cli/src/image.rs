//! Images on the command line: PGM files (grey, binary or text), or JSON arrays of pixels.

use std::{fs::File, io::Read, path::Path};

use crate::failure::Failure;

/// Most bytes of a file.
const MAX_BYTES: u64 = 8 << 20;
/// Most pixels of a side.
const MAX_SIDE: usize = 4096;

/// Why a file is not an image that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// Neither form.
    #[error(
        "it is neither a PGM image nor a JSON array of pixels; convert it, for example with `convert IN.png -resize 28x28! OUT.pgm`"
    )]
    UnknownForm,
    /// A header that makes no sense.
    #[error("its PGM header is malformed")]
    Header,
    /// More than 8 bits a pixel.
    #[error("it has more than 8 bits a pixel: write it with 255 as the largest value")]
    Depth,
    /// Fewer pixels than the header says, or others.
    #[error("its pixels are not as many as its header says, or above the largest value it names")]
    Pixels,
    /// Not an array of bytes.
    #[error("it is not a JSON array of numbers from 0 to 255 ({0})")]
    Json(String),
}

/// Reads the pixels of a file, a byte each, 0 black and 255 white, row by row.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| Failure::local(format_args!("cannot read {}", path.display()), error))?;
    parse(&bytes).map_err(|error| Failure::local(format_args!("cannot use {}", path.display()), error))
}

/// The pixels of a file's bytes.
pub fn parse(bytes: &[u8]) -> Result<Vec<u8>, InvalidImage> {
    match bytes {
        [b'P', form @ (b'2' | b'5'), rest @ ..] => pgm(rest, *form == b'5'),
        _ => {
            let start = bytes.trim_ascii_start();
            if !start.starts_with(b"[") {
                return Err(InvalidImage::UnknownForm);
            }
            serde_json::from_slice(start).map_err(|error| InvalidImage::Json(error.to_string()))
        }
    }
}

/// What follows the magic number (<https://netpbm.sourceforge.net/doc/pgm.html>).
fn pgm(bytes: &[u8], binary: bool) -> Result<Vec<u8>, InvalidImage> {
    let mut tokens = Tokens(bytes);
    let mut next = |most: usize| {
        tokens
            .number()
            .filter(|number| *number <= most)
            .ok_or(InvalidImage::Header)
    };
    let (width, height) = (next(MAX_SIDE)?, next(MAX_SIDE)?);
    let largest = next(65_535)?;
    if width == 0 || height == 0 || largest == 0 {
        return Err(InvalidImage::Header);
    }
    let largest = u8::try_from(largest).map_err(|_| InvalidImage::Depth)?;
    let count = width.saturating_mul(height);
    let pixels: Vec<u8> = if binary {
        // One white space ends the header.
        let pixels = tokens.0.get(1..).and_then(|rest| rest.get(..count));
        pixels.ok_or(InvalidImage::Pixels)?.to_vec()
    } else {
        let pixel = |_| tokens.number().and_then(|number| u8::try_from(number).ok());
        (0..count)
            .map(pixel)
            .collect::<Option<_>>()
            .ok_or(InvalidImage::Pixels)?
    };
    let scaled = |pixel: u8| {
        let scaled = (u16::from(pixel) * 255 + u16::from(largest) / 2) / u16::from(largest);
        u8::try_from(scaled).map_err(|_| InvalidImage::Pixels)
    };
    pixels.into_iter().map(scaled).collect()
}

/// Numbers between white space and comments.
struct Tokens<'a>(&'a [u8]);

impl Tokens<'_> {
    fn number(&mut self) -> Option<usize> {
        loop {
            self.0 = self.0.trim_ascii_start();
            match self.0.first() {
                Some(b'#') => {
                    let end = self.0.iter().position(|byte| *byte == b'\n')?;
                    self.0 = self.0.get(end..)?;
                }
                _ => break,
            }
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pixels_survive_both_forms(width in 1usize..9, height in 1usize..9, seed: u8) {
            let pixels: Vec<u8> = (0..width * height).map(|nth| (nth as u8).wrapping_mul(37).wrapping_add(seed)).collect();
            let head = format!("{width} {height}\n# made by hand\n255\n");
            let binary = [b"P5 ", head.as_bytes(), &pixels].concat();
            prop_assert_eq!(parse(&binary), Ok(pixels.clone()));
            let text: Vec<_> = pixels.iter().map(u8::to_string).collect();
            prop_assert_eq!(parse(format!("P2\n{head}{}", text.join(" ")).as_bytes()), Ok(pixels.clone()));
            prop_assert_eq!(parse(&serde_json::to_vec(&pixels).unwrap()), Ok(pixels));
        }

        #[test]
        fn no_bytes_panic(head in "(P[25])?[ #0-9\n]{0,30}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&[head.as_bytes(), &bytes].concat());
        }
    }

    #[test]
    fn each_defect_has_its_own_error() {
        assert_eq!(parse(b"\x89PNG"), Err(InvalidImage::UnknownForm));
        assert_eq!(parse(b"P5 2"), Err(InvalidImage::Header));
        assert_eq!(parse(b"P5 0 2 255 "), Err(InvalidImage::Header));
        assert_eq!(parse(b"P5 9999 9999 255 "), Err(InvalidImage::Header));
        assert_eq!(parse(b"P5 1 1 65535 ab"), Err(InvalidImage::Depth));
        assert_eq!(parse(b"P5 2 2 255 abc"), Err(InvalidImage::Pixels));
        assert_eq!(parse(b"P2 1 1 7 8"), Err(InvalidImage::Pixels));
        assert_eq!(parse(b"P2 2 1 7 7 0"), Ok(vec![255, 0]));
        assert!(matches!(parse(b"[1, 256]"), Err(InvalidImage::Json(_))));
    }
}
