//! Amounts as people write them: in WEFT with up to 12 decimal places; shares in percent.

use std::fmt;

use weft_primitives::{Balance, Ppm};

/// Decimal places between WEFT and the smallest unit.
const DECIMALS: usize = 12;
/// Smallest units in one WEFT.
const UNIT: Balance = 1_000_000_000_000;

/// An amount of WEFT that shows as decimal number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Weft(pub Balance);

impl fmt::Display for Weft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / UNIT, self.0 % UNIT);
        let text = if rest == 0 {
            format!("{whole} WEFT")
        } else {
            let decimals = format!("{rest:0DECIMALS$}");
            format!("{whole}.{} WEFT", decimals.trim_end_matches('0'))
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Weft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads an amount in WEFT, such as `1`, `0.000001` or `2.5WEFT`. For clap.
pub fn parse_weft(text: &str) -> Result<Weft, String> {
    let number = text.strip_suffix("WEFT").unwrap_or(text).trim();
    decimal(number, DECIMALS).map(Weft).ok_or_else(|| {
        format!("`{text}` is not an amount: write WEFT with at most {DECIMALS} decimal places, such as 0.5")
    })
}

/// Reads a share in percent, such as `5%` or `2.5`, into parts per million. For clap.
pub fn parse_percent(text: &str) -> Result<Ppm, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    decimal(number, 4)
        .and_then(|ppm| Ppm::try_from(ppm).ok())
        .filter(|ppm| *ppm <= weft_primitives::price::PPM)
        .ok_or_else(|| format!("`{text}` is not a share: write a percentage from 0% to 100%"))
}

/// Reads a number of bytes, such as `1048576`, `500MB` or `20GiB`. For clap.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a number of bytes: write it like 1048576, 500MB or 20GiB");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// Parts per million as percentage.
pub fn percent(ppm: Ppm) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    if rest == 0 {
        return format!("{whole}%");
    }
    format!("{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
}

/// Digits with an optional point, times ten to the power of `places`, exactly.
fn decimal(text: &str, places: usize) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(amount: u128) {
            prop_assert_eq!(parse_weft(&Weft(amount).to_string()), Ok(Weft(amount)));
        }

        #[test]
        fn shares_are_read_back(ppm in 0u32..=1_000_000) {
            prop_assert_eq!(parse_percent(&percent(ppm)), Ok(ppm));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            let _ = parse_weft(&text);
            let _ = parse_percent(&text);
        }
    }

    #[test]
    fn bytes_are_read_or_refused() {
        for (text, bytes) in [
            ("0", 0),
            ("7B", 7),
            ("2kB", 2_000),
            ("20GiB", 20 << 30),
            ("1TB", 1_000_000_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes));
        }
        for bad in [
            "",
            "GiB",
            "-1",
            "1.5GiB",
            "1 GiB",
            "1gib",
            "99999999999999999999",
            "9999999999TiB",
        ] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_are_exact_or_refused() {
        assert_eq!(parse_weft("1"), Ok(Weft(UNIT)));
        assert_eq!(parse_weft("0.000000000001"), Ok(Weft(1)));
        assert_eq!(parse_weft(".5 WEFT"), Ok(Weft(UNIT / 2)));
        for bad in [
            "",
            ".",
            "-1",
            "1e3",
            "0.0000000000001",
            "1,5",
            "1.2.3",
            "WEFT",
            "400000000000000000000000000000",
        ] {
            assert!(parse_weft(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_percent("5%"), Ok(50_000));
        assert_eq!(parse_percent("0.0001"), Ok(1));
        assert!(parse_percent("101%").is_err());
        assert_eq!(Weft(1_500_000_000_000).to_string(), "1.5 WEFT");
    }
}
