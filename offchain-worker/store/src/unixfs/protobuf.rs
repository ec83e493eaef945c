//! The part of the protobuf wire format that dag-pb and UnixFS use: varints and
//! length-delimited fields (<https://protobuf.dev/programming-guides/encoding/>).

/// The bytes are not protobuf, or use a part of it that has no place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotProtobuf;

const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

/// Takes the next field off `input`: its number and value; `None` at the end.
pub fn next_field<'a>(input: &mut &'a [u8]) -> Result<Option<(u64, Value<'a>)>, NotProtobuf> {
    if input.is_empty() {
        return Ok(None);
    }
    let key = take_varint(input)?;
    let value = match key & 7 {
        VARINT => Value::Varint(take_varint(input)?),
        LENGTH_DELIMITED => {
            let len = usize::try_from(take_varint(input)?).map_err(|_| NotProtobuf)?;
            let (value, rest) = input.split_at_checked(len).ok_or(NotProtobuf)?;
            *input = rest;
            Value::Bytes(value)
        }
        _ => return Err(NotProtobuf),
    };
    Ok(Some((key >> 3, value)))
}

/// Takes a varint of at most 64 bits off `input`.
pub fn take_varint(input: &mut &[u8]) -> Result<u64, NotProtobuf> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(NotProtobuf)?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return Err(NotProtobuf);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(NotProtobuf)
}

/// Appends a varint field.
pub fn put_varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3 | VARINT);
    put_varint(out, value);
}

/// Appends a length-delimited field.
pub fn put_bytes_field(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_varint(out, field << 3 | LENGTH_DELIMITED);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_come_back(number: u64, blob in proptest::collection::vec(any::<u8>(), 0..300), field in 1u64..1000) {
            let mut out = Vec::new();
            put_varint_field(&mut out, field, number);
            put_bytes_field(&mut out, field + 1, &blob);
            let mut input = out.as_slice();
            prop_assert_eq!(next_field(&mut input), Ok(Some((field, Value::Varint(number)))));
            prop_assert_eq!(next_field(&mut input), Ok(Some((field + 1, Value::Bytes(&blob)))));
            prop_assert_eq!(next_field(&mut input), Ok(None));
        }

        #[test]
        fn garbage_ends_in_an_error_or_an_end(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut input = garbage.as_slice();
            while let Ok(Some(_)) = next_field(&mut input) {}
        }
    }

    #[test]
    fn known_encodings() {
        // From the encoding guide: 150 is 96 01.
        let mut out = Vec::new();
        put_varint_field(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
        assert_eq!(
            take_varint(&mut [0xff; 9].iter().copied().chain([1]).collect::<Vec<_>>().as_slice()),
            Ok(u64::MAX)
        );
        assert_eq!(
            take_varint(&mut [0xff; 9].iter().copied().chain([2]).collect::<Vec<_>>().as_slice()),
            Err(NotProtobuf)
        );
        assert_eq!(take_varint(&mut [0x80; 11].as_slice()), Err(NotProtobuf));
        assert_eq!(take_varint(&mut [0x80].as_slice()), Err(NotProtobuf));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        for input in [
            &[0x0a, 0x05, 1, 2][..],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] {
            assert_eq!(next_field(&mut &*input), Err(NotProtobuf));
        }
    }
}
