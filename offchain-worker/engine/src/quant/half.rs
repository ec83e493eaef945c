//! Widening of 16-bit floats, written so that the compiler can vectorise it.

/// IEEE 754 binary16 to binary32, exact (subnormals, infinities and NaN payloads included).
#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    // Exponent and mantissa shifted into place read as a value 2^112 too small (the biases are 15 and 127);
    // the product is exact and turns binary16 subnormals into normals on the way.
    const REBIAS: f32 = f32::from_bits(0x7780_0000); // 2^112
    let magnitude = (f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS).to_bits();
    // 65536 and above can only come from the all-ones exponent: infinity or NaN.
    let special = if magnitude >= 0x4780_0000 { 0x7f80_0000 } else { 0 };
    f32::from_bits(magnitude | special | sign)
}

/// bfloat16 to binary32: the missing mantissa bits are zero.
#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of binary16, in binary64 where every step is exact.
    fn by_definition(bits: u16) -> f64 {
        let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
        let exponent = i32::from((bits >> 10) & 31);
        let mantissa = f64::from(bits & 1023);
        match exponent {
            0 => sign * mantissa * 2f64.powi(-24),
            31 if mantissa == 0.0 => sign * f64::INFINITY,
            31 => f64::NAN,
            _ => sign * (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
        }
    }

    #[test]
    fn every_binary16_widens_exactly() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f64::from(f16_to_f32(bits)), by_definition(bits));
            assert!(
                ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()),
                "{bits:#06x}: {ours} instead of {theirs}"
            );
        }
    }

    #[test]
    fn bf16_is_the_upper_half_of_binary32() {
        assert_eq!(bf16_to_f32(0x3f80), 1.0);
        assert_eq!(bf16_to_f32(0xc0a0), -5.0);
        assert_eq!(bf16_to_f32(0x0001), f32::from_bits(0x0001_0000));
        assert!(bf16_to_f32(0x7fc0).is_nan());
    }
}
