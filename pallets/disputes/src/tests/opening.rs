//! How disputes begin, and how not.

use frame_support::{assert_noop, assert_ok};
use weft_disputes::{Among, Prompt, PromptFault, Shown, Side, Stage, Unasked};
use weft_exact::program::Choice;

use crate::{
    Awaited, Call, Disputes as Stored, Error, Event, Verdict,
    mock::*,
    sample::{self, bytes},
};

#[test]
fn a_challenge_holds_a_bond_and_waits_for_the_provider() {
    test(|| {
        let job = job_of(liar());
        let position = honest().doubt(liar()).unwrap();
        assert_eq!(position, 9);
        assert_ok!(challenge(CHALLENGER, job, liar(), position));
        assert_eq!(held(CHALLENGER), BOND);
        assert_eq!(
            events(),
            [Event::Challenged {
                dispute: 0,
                job,
                challenger: CHALLENGER,
                provider: PROVIDER,
                device: DEVICE,
                until: 1 + MOVE_WINDOW,
            }]
        );
        let view = Disputes::dispute(0).unwrap();
        assert_eq!(view.stage, Some(Stage::Step { position }));
        assert_eq!((view.turn, view.bond, view.moves), (Side::Provider, BOND, 1));
        assert_eq!(Disputes::disputes_of(job), [view.clone()]);
        assert_eq!(Disputes::disputes(0, 10).items, [view]);
    });
}

#[test]
fn what_is_not_there_or_not_open_is_not_challenged() {
    test(|| {
        let run = liar();
        assert_noop!(challenge(CHALLENGER, 7, run, 9), Error::<Test>::NothingToChallenge);
        let job = job_of(run);
        for own in [PROVIDER, DEVICE] {
            assert_noop!(challenge(own, job, run, 9), Error::<Test>::OwnResult);
            assert_noop!(demand(own, job), Error::<Test>::OwnResult);
        }
        assert_noop!(challenge(CHALLENGER, job, honest(), 9), Error::<Test>::NotCommitted);
        assert_noop!(challenge(CHALLENGER, job, run, 23), Error::<Test>::NoSuchStep);
        assert_noop!(challenge(99, job, run, 9), Error::<Test>::BondNotCovered);
        let claimed = b"no claim".to_vec().try_into().unwrap();
        let call = Call::challenge {
            job,
            claimed,
            position: 0,
        };
        assert_noop!(dispatch(CHALLENGER, call), Error::<Test>::Malformed);
        // The model is another one.
        let other = propose([1; 32], run.trace.root(), None, true);
        assert_noop!(challenge(CHALLENGER, other, run, 9), Error::<Test>::NotCommitted);
        let private = propose(run.model.root(), run.trace.root(), None, false);
        assert_noop!(challenge(CHALLENGER, private, run, 9), Error::<Test>::PrivateJob);
        assert_ok!(challenge(USER, private, run, 9));
        run_to(1 + WINDOW);
        assert_ok!(challenge(CHALLENGER, job, run, 9));
        run_to(2 + WINDOW);
        assert_noop!(challenge(CHALLENGER, job, run, 9), Error::<Test>::TooLate);
    });
}

#[test]
fn a_sketch_that_was_withheld_is_demanded_and_paid_for() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(demand(CHALLENGER, job));
        assert_eq!(Disputes::dispute(0).unwrap().text, Some(0));
        assert_noop!(show_sketch(OTHER, 0, liar()), Error::<Test>::NotYourTurn);
        assert_noop!(show_sketch(DEVICE, 0, honest()), Error::<Test>::NotCommitted);
        assert_noop!(
            play(CHALLENGER, 0, &weft_disputes::Move::NamePosition(9)),
            Error::<Test>::NotNow
        );
        let before = total(PROVIDER);
        assert_ok!(show_sketch(DEVICE, 0, liar()));
        let shown = events().into_iter().find_map(|event| match event {
            Event::SketchShown { shown, .. } => Some(shown),
            _ => None,
        });
        assert!(shown.is_some_and(|shown| shown.len() > 23 * 32));
        assert_eq!(total(PROVIDER), before + FEE);
        assert_eq!(held(CHALLENGER), BOND - FEE);
        assert_noop!(show_sketch(DEVICE, 0, liar()), Error::<Test>::NotNow);
        assert_eq!(game(0).unwrap().stage, Stage::Position);
        // From here on it is as any other, also after the window.
        run_to(1 + MOVE_WINDOW);
        play_out(0, CHALLENGER, 9, liar(), honest());
        assert!(matches!(ending(0), Some((Verdict::Lied(_), STAKE, _))));
    });
}

#[test]
fn who_sees_from_the_sketch_that_nothing_is_wrong_gives_up() {
    test(|| {
        let job = job_of(honest());
        assert_ok!(demand(CHALLENGER, job));
        assert_ok!(show_sketch(PROVIDER, 0, honest()));
        assert_noop!(
            dispatch(OTHER, Call::concede { dispute: 0 }),
            Error::<Test>::NotYourTurn
        );
        assert_ok!(dispatch(CHALLENGER, Call::concede { dispute: 0 }));
        let lost = (BOND - FEE) / 2;
        assert_eq!(ending(0), Some((Verdict::Conceded, lost, lost * 4 / 10)));
        assert_eq!(held(CHALLENGER), 0);
    });
}

#[test]
fn one_of_several_texts_is_disputed_and_one_that_there_is_not_is_not() {
    test(|| {
        let roots = [honest().trace.root(), liar().trace.root(), [3; 32]];
        let leaves: Vec<_> = roots.iter().map(|root| weft_exact::merkle::leaf(root)).collect();
        let root = weft_exact::merkle::root(&leaves);
        let job = propose(honest().model.root(), root, None, true);
        assert_noop!(challenge(CHALLENGER, job, liar(), 9), Error::<Test>::NotCommitted);
        let claimed = |place: usize, run: &sample::Run| weft_disputes::Claimed {
            among: Among::of(&roots, place),
            ..run.claimed()
        };
        let wrong = Call::challenge {
            job,
            claimed: bytes(&claimed(0, liar())),
            position: 9,
        };
        assert_noop!(dispatch(CHALLENGER, wrong), Error::<Test>::NotCommitted);
        let right = Call::challenge {
            job,
            claimed: bytes(&claimed(1, liar())),
            position: 9,
        };
        assert_ok!(dispatch(CHALLENGER, right));
        play_out(0, CHALLENGER, 9, liar(), honest());
        assert!(matches!(ending(0), Some((Verdict::Lied(_), ..))));

        // Two texts, and somebody demands the fifth.
        let roots = [liar().trace.root(), honest().trace.root()];
        let leaves: Vec<_> = roots.iter().map(|root| weft_exact::merkle::leaf(root)).collect();
        let job = propose(honest().model.root(), weft_exact::merkle::root(&leaves), None, true);
        assert_ok!(dispatch(CHALLENGER, Call::demand { job, text: 4 }));
        let shown = |place: usize, run: &sample::Run| weft_disputes::ShownSketch {
            claimed: weft_disputes::Claimed {
                among: Among::of(&roots, place),
                ..run.claimed()
            },
            sketch: run.sketch(),
        };
        let show = |shown| Call::show_sketch { dispute: 1, shown };
        assert_noop!(
            dispatch(DEVICE, show(bytes(&shown(0, liar())))),
            Error::<Test>::OtherText
        );
        assert_ok!(dispatch(DEVICE, show(bytes(&shown(1, honest())))));
        assert!(matches!(ending(1), Some((Verdict::Right, ..))));
    });
}

#[test]
fn an_answer_to_another_prompt_is_shown_in_one_call() {
    test(|| {
        let run = honest();
        let asked = |tokens: &[u32], most| Prompt::of([5; 32], tokens, Choice::Greedy, most, vec![]);
        let fault = |prompt: &Prompt, shown: Shown| PromptFault {
            claimed: run.claimed(),
            prompt: prompt.clone(),
            among: None,
            shown,
        };
        let right = asked(&run.tokens[..6], 18);
        let shorter = asked(&run.tokens[..6], 17);
        let bare = job_of(run);
        let call = |job, fault: &PromptFault| Call::fault {
            job,
            fault: bytes(fault),
        };
        let too_long = fault(&shorter, Shown::Header);
        assert_noop!(
            dispatch(CHALLENGER, call(bare, &too_long)),
            Error::<Test>::PromptNotCommitted
        );
        let job = |prompt: &Prompt| propose(run.model.root(), run.trace.root(), Some(prompt.commitment()), true);
        let sound = job(&right);
        for fault in [&too_long, &fault(&right, Shown::Header)] {
            assert_noop!(dispatch(CHALLENGER, call(sound, fault)), Error::<Test>::NotShown);
        }
        let wrong = job(&shorter);
        let (before, treasury) = (total(CHALLENGER), total(TREASURY));
        assert_ok!(dispatch(CHALLENGER, call(wrong, &too_long)));
        let dispute = crate::NextDispute::<Test>::get() - 1;
        let reward = STAKE * 4 / 10;
        let verdict = Verdict::Unasked(Unasked::TooLong);
        assert_eq!(ending(dispute), Some((verdict, STAKE, reward)));
        assert_eq!(total(CHALLENGER), before + reward);
        assert_eq!(total(TREASURY), treasury + STAKE - reward);
        assert_eq!(Decided::get().get(&wrong), Some(&true));
        assert!(!Stored::<Test>::contains_key(dispute));
    });
}

#[test]
fn a_dispute_waits_for_one_thing() {
    test(|| {
        let job = job_of(liar());
        assert_ok!(challenge(CHALLENGER, job, liar(), 9));
        let Awaited::Move { claim, .. } = Stored::<Test>::get(0).unwrap().awaited else {
            panic!("a move is awaited");
        };
        assert!(claim.len() < 400, "{}", claim.len());
        assert_noop!(show_sketch(DEVICE, 0, liar()), Error::<Test>::NotNow);
        assert_noop!(show_sketch(DEVICE, 5, liar()), Error::<Test>::NotFound);
    });
}
