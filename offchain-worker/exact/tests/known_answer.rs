//! The known-answer test passes on this machine, and one wrong bit anywhere fails it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use weft_exact_engine::kernel::{
    ALL,
    known_answer::{Wrong, check, check_tampered, functions},
};

#[test]
fn every_kernel_of_this_machine_gives_the_known_answers() {
    for kernel in ALL.into_iter().filter(|kernel| kernel.is_there()) {
        assert_eq!(check(kernel), Ok(()));
    }
}

#[test]
fn one_flipped_bit_is_caught_and_named() {
    let names = functions();
    assert!(names.contains(&"products") && names.contains(&"weights"));
    for kernel in ALL.into_iter().filter(|kernel| kernel.is_there()) {
        for name in &names {
            let mut flipped = false;
            let mut flip = |function: &'static str, answer: &mut Vec<u8>| {
                if function == *name && !flipped {
                    flipped = true;
                    let at = answer.len() / 2;
                    answer[at] ^= 0x10;
                }
            };
            let wrong = check_tampered(kernel, &mut flip);
            assert_eq!(wrong, Err(Wrong::Function { kernel, function: name }));
        }
        let mut flip = |function: &'static str, answers: &mut Vec<u8>| {
            if function == "reference" {
                answers[0] ^= 1;
            }
        };
        assert_eq!(check_tampered(kernel, &mut flip), Err(Wrong::Reference));
    }
}
