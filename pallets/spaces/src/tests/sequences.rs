//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use proptest::prelude::*;
use weft_primitives::{
    Currency, Ppm,
    price::PPM,
    space::{Category, Grievance, PaidUse},
    space_view::SpaceQuery,
};

use crate::{Spaces, mock::*};

#[derive(Clone, Debug)]
enum Op {
    Publish {
        who: u64,
        category: Category,
        called: Vec<(u64, Ppm)>,
        token: bool,
        price: u128,
    },
    Release {
        who: u64,
        space: u64,
    },
    SetCalls {
        who: u64,
        space: u64,
        called: Vec<(u64, Ppm)>,
    },
    SetPrice {
        who: u64,
        space: u64,
        token: bool,
        price: u128,
    },
    Retire {
        who: u64,
        space: u64,
    },
    Offer {
        who: u64,
        space: u64,
        to: Option<u64>,
    },
    Accept {
        who: u64,
        space: u64,
    },
    Buy {
        who: u64,
        space: u64,
        token: bool,
    },
    Forget {
        who: u64,
        space: u64,
    },
    Rate {
        who: u64,
        space: u64,
        stars: u8,
        job: Option<u64>,
    },
    WithdrawRating {
        who: u64,
        space: u64,
    },
    Report {
        who: u64,
        space: u64,
    },
    WithdrawReport {
        who: u64,
        space: u64,
    },
    Resolve {
        space: u64,
        reporter: u64,
        upheld: bool,
    },
    TakeDown {
        space: u64,
    },
    Restore {
        space: u64,
    },
    Feature {
        space: u64,
        featured: bool,
    },
    Block {
        who: Option<u64>,
    },
    Wait {
        blocks: u64,
    },
}

fn category() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::Chat), Just(Category::Games)]
}

fn called() -> impl Strategy<Value = Vec<(u64, Ppm)>> {
    proptest::collection::vec((0u64..5, 0..=PPM / 2), 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    let (who, space) = (1u64..=6, 0u64..4);
    let at = (who.clone(), space.clone());
    let price = prop_oneof![Just(0u128), Just(0u128), 1u128..50, 50u128..400_000];
    prop_oneof![
        3 => (who.clone(), category(), called(), any::<bool>(), price.clone())
            .prop_map(|(who, category, called, token, price)| Op::Publish { who, category, called, token, price }),
        1 => at.clone().prop_map(|(who, space)| Op::Release { who, space }),
        1 => (at.clone(), called()).prop_map(|((who, space), called)| Op::SetCalls { who, space, called }),
        1 => (at.clone(), any::<bool>(), price)
            .prop_map(|((who, space), token, price)| Op::SetPrice { who, space, token, price }),
        1 => at.clone().prop_map(|(who, space)| Op::Retire { who, space }),
        2 => (at.clone(), proptest::option::of(1u64..=6))
            .prop_map(|((who, space), to)| Op::Offer { who, space, to }),
        2 => at.clone().prop_map(|(who, space)| Op::Accept { who, space }),
        8 => (at.clone(), any::<bool>()).prop_map(|((who, space), token)| Op::Buy { who, space, token }),
        1 => at.clone().prop_map(|(who, space)| Op::Forget { who, space }),
        6 => (at.clone(), 0u8..7, proptest::option::of(0u64..60))
            .prop_map(|((who, space), stars, job)| Op::Rate { who, space, stars, job }),
        2 => at.clone().prop_map(|(who, space)| Op::WithdrawRating { who, space }),
        3 => at.clone().prop_map(|(who, space)| Op::Report { who, space }),
        1 => at.clone().prop_map(|(who, space)| Op::WithdrawReport { who, space }),
        2 => (space.clone(), who.clone(), any::<bool>())
            .prop_map(|(space, reporter, upheld)| Op::Resolve { space, reporter, upheld }),
        1 => space.clone().prop_map(|space| Op::TakeDown { space }),
        1 => space.clone().prop_map(|space| Op::Restore { space }),
        2 => (space, any::<bool>()).prop_map(|(space, featured)| Op::Feature { space, featured }),
        1 => proptest::option::of(who).prop_map(|who| Op::Block { who }),
        1 => (1u64..40).prop_map(|blocks| Op::Wait { blocks }),
    ]
}

fn currency(token: bool) -> Currency {
    if token {
        Currency::Token(TOKEN)
    } else {
        Currency::Native
    }
}

/// What everybody has in a currency.
fn has(who: u64, currency: Currency) -> u128 {
    match currency {
        Currency::Native => wealth(who),
        Currency::Token(id) => Tokens::get().get(&(id, who)).copied().unwrap_or_default(),
    }
}

fn apply(op: Op) {
    let signed = RuntimeOrigin::signed;
    let root = RuntimeOrigin::root;
    // Refusals are part of the game; what they leave behind is what is looked at.
    let _ = match op {
        Op::Publish {
            who,
            category,
            called,
            token,
            price,
        } => Store::publish(
            signed(who),
            b"title".to_vec().try_into().unwrap(),
            category,
            b"1".to_vec().try_into().unwrap(),
            content(1),
            content(2),
            1,
            None,
            calls(&called),
            currency(token),
            price,
        ),
        Op::Release { who, space } => Store::release(
            signed(who),
            space,
            content(1),
            content(2),
            1,
            None,
            b"2".to_vec().try_into().unwrap(),
        ),
        Op::SetCalls { who, space, called } => Store::set_calls(signed(who), space, calls(&called)),
        Op::SetPrice {
            who,
            space,
            token,
            price,
        } => Store::set_price(signed(who), space, currency(token), price),
        Op::Retire { who, space } => Store::retire(signed(who), space),
        Op::Offer { who, space, to } => Store::offer_transfer(signed(who), space, to),
        Op::Accept { who, space } => Store::accept_transfer(signed(who), space),
        Op::Buy { who, space, token } => {
            let currency = currency(token);
            let all: Vec<_> = (1..=7).map(|account| has(account, currency)).collect();
            let bought = Store::buy(signed(who), space, currency, u128::MAX);
            let after: Vec<_> = (1..=7).map(|account| has(account, currency)).collect();
            if bought.is_ok() {
                // Nobody but the buyer has less, and all have together what they had.
                assert_eq!(all.iter().sum::<u128>(), after.iter().sum::<u128>());
                for (account, (before, after)) in (1..).zip(all.iter().zip(&after)) {
                    assert!(after >= before || account == who);
                }
                let price = Spaces::<Test>::get(space).unwrap().price;
                assert_eq!(Store::purchase(space, &who).unwrap().paid, price);
            } else {
                assert_eq!(all, after);
            }
            bought.map(|_| ()).map_err(|refused| refused.error)
        }
        Op::Forget { who, space } => Store::forget(signed(who), space),
        Op::Rate { who, space, stars, job } => {
            let proof = job.map_or(PaidUse::Bought, PaidUse::Job);
            let may = match job {
                None => Store::purchase(space, &who).is_some(),
                Some(job) => Completed::get().get(&job).is_some_and(|(user, model)| {
                    let space = Store::space(space);
                    let called = space.as_ref().is_some_and(|space| {
                        space.price == 0 && space.calls.iter().any(|called| called.asset == *model)
                    });
                    *user == who && called
                }),
            };
            let rated = rate(who, space, stars, proof);
            assert!(may || rated.is_err());
            rated
        }
        Op::WithdrawRating { who, space } => Store::withdraw_rating(signed(who), space),
        Op::Report { who, space } => Store::report(signed(who), space, Grievance::Other, None),
        Op::WithdrawReport { who, space } => Store::withdraw_report(signed(who), space),
        Op::Resolve {
            space,
            reporter,
            upheld,
        } => Store::resolve_report(root(), space, reporter, upheld),
        Op::TakeDown { space } => Store::take_down(root(), space, Grievance::Broken),
        Op::Restore { space } => Store::restore(root(), space),
        Op::Feature { space, featured } => Store::feature(root(), space, featured),
        Op::Block { who } => {
            Blocked::set(&who.into_iter().collect());
            Ok(())
        }
        Op::Wait { blocks } => {
            System::set_block_number(System::block_number() + blocks);
            Ok(())
        }
    };
}

/// A search finds exactly what is listed and fits, the best rated class first.
fn check_search() {
    for category in [None, Some(Category::Chat), Some(Category::Games)] {
        for min_rating in [0, 3] {
            let query = SpaceQuery {
                category,
                min_rating,
                ..SpaceQuery::default()
            };
            let found = Store::spaces(query, 0, 100).items;
            let classes: Vec<_> = found.iter().map(|space| space.mean_hundredths / 50).collect();
            assert!(classes.is_sorted_by(|earlier, later| earlier >= later));
            let mut ids: Vec<_> = found.iter().map(|space| space.id).collect();
            ids.sort_unstable();
            let mut due: Vec<_> = Spaces::<Test>::iter()
                .filter(|(_, space)| {
                    space.is_listed()
                        && category.is_none_or(|category| space.category == category)
                        && space.ratings.mean_hundredths() >= u16::from(min_rating) * 100
                })
                .map(|(id, _)| id)
                .collect();
            due.sort_unstable();
            assert_eq!(ids, due);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec(op(), 0..80)) {
        run(|| {
            Accepted::set(&vec![TOKEN]);
            Tokens::set(&[((TOKEN, BUYER), FUNDS), ((TOKEN, OTHER_BUYER), 100_000)].into());
            for owner in [CREATOR, PAUPER, OWNER] {
                Market::publish(owner, vec![(ANCESTOR, ANCESTORS_SHARE), (PAUPER, 10_000)]);
            }
            publish_asset();
            for (nth, op) in (0u64..).zip(ops) {
                complete(1 + nth % 6, nth % 4);
                apply(op);
                assert_eq!(Store::do_try_state(), Ok(()));
                assert_eq!(Tokens::get().values().sum::<u128>(), FUNDS + 100_000);
            }
            check_search();
        });
    }
}
