//! Random things for the tests.
#![allow(dead_code, reason = "each test file uses some of it")]

use proptest::prelude::*;
use weft_custody::{Secret, Shape, sharing::Dealt};

/// A shape that there may be.
pub fn shapes() -> impl Strategy<Value = Shape> {
    (2u8..=9)
        .prop_flat_map(|shares| (2..=shares, Just(shares)))
        .prop_map(|(threshold, shares)| Shape::new(threshold, shares).unwrap())
}

/// A uniform scalar.
pub fn secret() -> impl Strategy<Value = Secret> {
    uniform().prop_map(|bytes| Secret::from_uniform_bytes(&bytes))
}

/// 64 uniform bytes.
pub fn uniform() -> impl Strategy<Value = [u8; 64]> {
    proptest::collection::vec(any::<u8>(), 64).prop_map(|bytes| bytes.try_into().unwrap())
}

/// Coefficients for a shape, and a secret.
pub fn polynomial(shape: Shape) -> impl Strategy<Value = (Secret, Vec<Secret>)> {
    let others = usize::from(shape.threshold() - 1);
    (secret(), proptest::collection::vec(secret(), others))
}

/// A shape, a secret and what was dealt.
pub fn dealt() -> impl Strategy<Value = (Shape, Secret, Dealt)> {
    shapes().prop_flat_map(|shape| {
        polynomial(shape).prop_map(move |(secret, coefficients)| {
            let dealt = weft_custody::sharing::deal(shape, &secret, &coefficients).unwrap();
            (shape, secret, dealt)
        })
    })
}

/// As many random scalars as any polynomial takes.
pub fn pool() -> impl Strategy<Value = Vec<Secret>> {
    proptest::collection::vec(secret(), 81)
}
