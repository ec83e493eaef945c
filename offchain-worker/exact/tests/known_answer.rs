//! The known-answer test passes on this machine, and one wrong bit anywhere fails it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

// Of its helpers not all are needed here.
#[allow(dead_code)]
mod models;

use std::num::NonZeroUsize;

use models::{kinds, model};
use weft_exact::program::Family;
use weft_exact_engine::{
    cpu::{CpuEngine, NotReady},
    kernel::{
        ALL,
        known_answer::{Wrong, check, check_tampered, functions},
    },
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

#[test]
fn an_engine_with_a_faulty_kernel_refuses_every_model_and_says_why() {
    for family in [Family::Llama, Family::Bert] {
        let model = model(kinds(family)[0], 1);
        for kernel in ALL.into_iter().filter(|kernel| kernel.is_there()) {
            for name in functions() {
                // The last bit of the last answer: of many only one is wrong.
                let mut left = 0;
                let mut count = |function: &'static str, _: &mut Vec<u8>| left += usize::from(function == name);
                check_tampered(kernel, &mut count).unwrap();
                let mut flip = |function: &'static str, answer: &mut Vec<u8>| {
                    if function == name {
                        left -= 1;
                        if left == 0 {
                            *answer.last_mut().unwrap() ^= 1;
                        }
                    }
                };
                let refused = CpuEngine::with_answers(&model, kernel, NonZeroUsize::MIN, &mut flip).err();
                let Some(NotReady::Wrong(why)) = refused else {
                    panic!("{name} of {kernel}")
                };
                assert_eq!(why, Wrong::Function { kernel, function: name });
                let said = NotReady::Wrong(why).to_string();
                let wanted = format!("the {kernel} kernel's {name} gives wrong bits on this processor");
                assert!(said.starts_with(&wanted) && said.contains("--kernel"), "{said}");
            }
            assert!(CpuEngine::with_answers(&model, kernel, NonZeroUsize::MIN, &mut |_, _| {}).is_ok());
        }
    }
}
