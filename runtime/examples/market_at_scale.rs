//! What the market's calls cost beside few works and beside very many, with the real pallets over a populated state.
//!
//! ```text
//! market_at_scale [FEW MANY [ROUNDS]]      default: 10, 1000000 and 40
//! ```
//!
//! Two markets are filled call by call and kept as a trie in memory: so many works of one owner with the same tags and
//! prices, and a tenth as many licences and ratings of the first of them. Then every call is made on both in turn: its
//! storage items read and written, the trie nodes that lead to them, and the median time of the call with the new
//! state's root. A million works take three minutes and 4 GB to fill.

use std::{env, error::Error, time::Instant};

use frame_support::storage::{TransactionOutcome, with_transaction_unchecked};
use pallet_market::{Call, Publication, Tags, Tariffs};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve};
use sp_runtime::{BuildStorage, traits::Dispatchable};
use weft_primitives::{
    AssetId, AssetKind, ContentCodec, ContentId, Currency,
    asset::Flaw,
    licence::{Tariff, Term},
    rating::PaidUse,
};
use weft_runtime::{AccountId, Balance, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, System, UNIT};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Enough for every deposit.
const FUNDS: Balance = 1 << 100;
const PER_USE: Tariff = tariff(Term::PerUse, UNIT / 10);
const ONCE: Tariff = tariff(Term::Once, UNIT);
/// Calls after which what was changed goes from the overlay into the trie.
const COMMIT_EVERY: u64 = 20_000;

const fn tariff(term: Term, price: Balance) -> Tariff {
    Tariff {
        term,
        currency: Currency::Native,
        price,
    }
}

fn main() -> Outcome<()> {
    let numbers: Vec<u64> = env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let (few, many, rounds) = match numbers.as_slice() {
        [] => (10, 1_000_000, 40),
        [few, many] => (*few, *many, 40),
        [few, many, rounds] => (*few, *many, *rounds),
        _ => return Err("usage: market_at_scale [FEW MANY [ROUNDS]]".into()),
    };
    let mut markets = [Market::of(few)?, Market::of(many)?];
    println!("{few} works beside {many}; the median of {rounds} rounds in turn");
    println!(
        "{:<32} {:>7} {:>9} {:>13} {:>19} {:>6}",
        "call", "reads", "writes", "trie nodes", "µs", "ratio"
    );
    let (mut sums, mut differ) = ([0.0; 2], Vec::new());
    for (name, call) in calls() {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds.max(1) {
            for (market, times) in markets.iter_mut().zip(&mut times) {
                times.push(market.time(name, call)?);
            }
        }
        let [small, large] = times.map(median);
        let [a, b] = &mut markets;
        let (a, b) = (a.perform(name, call)?, b.perform(name, call)?);
        if (a.read, a.written) != (b.read, b.written) {
            differ.push(name);
        }
        sums[0] += small;
        sums[1] += large;
        println!(
            "{name:<32} {:>3} {:>3} {:>4} {:>4} {:>6} {:>6} {small:>9.0} {large:>9.0} {:>6.2}",
            a.read,
            b.read,
            a.written,
            b.written,
            a.nodes,
            b.nodes,
            large / small
        );
    }
    println!(
        "{:<32} {:>7} {:>9} {:>13} {:>9.0} {:>9.0} {:>6.2}",
        "all",
        "",
        "",
        "",
        sums[0],
        sums[1],
        sums[1] / sums[0]
    );
    if differ.is_empty() {
        println!("every call reads and writes the same number of items in both");
        Ok(())
    } else {
        Err(format!("other numbers of items: {differ:?}").into())
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a call touches.
struct Touched {
    /// Storage items read.
    read: usize,
    /// Storage items written.
    written: usize,
    /// Trie nodes that lead to what was read.
    nodes: usize,
}

/// Where calls are made: the numbers of things in it.
#[derive(Clone, Copy)]
struct Place {
    /// A work in the middle.
    work: AssetId,
    /// The last but one.
    last: AssetId,
    /// The licence that the next buyer gets.
    licence: u64,
}

type MakeCall = fn(Place) -> (RuntimeOrigin, RuntimeCall);

struct Market {
    ext: TestExternalities,
    place: Place,
}

impl Market {
    fn of(works: u64) -> Outcome<Self> {
        let (people, start) = ([Alice, Bob, Charlie, Dave, Eve], Instant::now());
        let genesis = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances: people.map(|who| (who.to_account_id(), FUNDS)).into(),
                ..Default::default()
            },
            ..Default::default()
        };
        let mut market = Self {
            ext: TestExternalities::new(genesis.build_storage()?),
            place: Place {
                work: 1 + works / 2,
                last: works.saturating_sub(1),
                licence: works / 10,
            },
        };
        market.ext.execute_with(|| System::set_block_number(1));
        market.fill(1, |_| publish(Dave.to_account_id(), &[], &[]))?;
        market.fill(works, |_| {
            publish(Bob.to_account_id(), &["chat", "small"], &[PER_USE, ONCE])
        })?;
        market.fill(works / 10, |nth| {
            let buyer = buyer(nth);
            let endow = pallet_balances::Call::force_set_balance {
                who: buyer.into(),
                new_free: FUNDS,
            };
            (RuntimeOrigin::root(), endow.into())
        })?;
        market.fill(works / 10, |nth| buy(buyer(nth), 1))?;
        market.fill(works / 10, |nth| rate(buyer(nth), 1, nth))?;
        eprintln!("{works} works after {:.0} s", start.elapsed().as_secs_f64());
        Ok(market)
    }

    fn fill(&mut self, times: u64, make: impl Fn(u64) -> (RuntimeOrigin, RuntimeCall)) -> Outcome<()> {
        for first in (0..times).step_by(COMMIT_EVERY as usize) {
            let until = times.min(first.saturating_add(COMMIT_EVERY));
            let filled = self.ext.execute_with(|| {
                for nth in first..until {
                    let (origin, call) = make(nth);
                    call.dispatch(origin).map_err(|error| format!("{:?}", error.error))?;
                }
                System::reset_events();
                Ok::<_, String>(())
            });
            filled?;
            self.ext.commit_all()?;
        }
        Ok(())
    }

    /// Microseconds that a call takes, with the root of the state it leaves. Nothing of it stays.
    fn time(&mut self, name: &str, make: MakeCall) -> Outcome<f64> {
        let (origin, call) = make(self.place);
        let outcome = self.ext.execute_with(|| {
            with_transaction_unchecked(|| {
                let start = Instant::now();
                let outcome = call.dispatch(origin);
                sp_io::storage::root(sp_runtime::StateVersion::V1);
                let took = start.elapsed();
                TransactionOutcome::Rollback(outcome.map(|_| took).map_err(|error| error.error))
            })
        });
        let took = outcome.map_err(|error| format!("{name}: {error:?}"))?;
        Ok(took.as_secs_f64() * 1e6)
    }

    /// Makes a call for good.
    fn perform(&mut self, name: &str, make: MakeCall) -> Outcome<Touched> {
        let (origin, call) = make(self.place);
        let recorder = Default::default();
        let outcome = self
            .ext
            .execute_with_recorder(Clone::clone(&recorder), || call.dispatch(origin));
        outcome.map_err(|error| format!("{name}: {:?}", error.error))?;
        let touched = Touched {
            read: recorder.recorded_keys().values().map(|keys| keys.len()).sum(),
            written: self.ext.overlayed_changes().changes().count(),
            nodes: recorder.to_storage_proof().iter_nodes().count(),
        };
        self.ext.execute_with(System::reset_events);
        self.ext.commit_all()?;
        Ok(touched)
    }
}

/// Every call of the market on its own works. What needs a committee of custodians is measured with the custodians'
/// pallet.
fn calls() -> Vec<(&'static str, MakeCall)> {
    vec![
        ("publish", |_| {
            publish(Dave.to_account_id(), &["chat", "small"], &[PER_USE])
        }),
        ("release", |Place { work, .. }| {
            by(
                Bob,
                Call::release {
                    work,
                    publication: publication(),
                },
            )
        }),
        ("set_endpoint", |_| {
            let url = b"https://models.example.net".to_vec().try_into().ok();
            by(Bob, Call::set_endpoint { url })
        }),
        ("set_tags", |Place { work, .. }| {
            by(
                Bob,
                Call::set_tags {
                    work,
                    tags: tags(&["small", "fast"]),
                },
            )
        }),
        ("set_tariffs", |Place { work, .. }| {
            let tariffs = tariffs(&[tariff(Term::Once, 9 * UNIT), ONCE, PER_USE]);
            by(Bob, Call::set_tariffs { work, tariffs })
        }),
        ("buy", |Place { work, .. }| buy(Charlie.to_account_id(), work)),
        ("buy more", |Place { work, .. }| buy(Charlie.to_account_id(), work)),
        ("buy of the busiest", |_| buy(Charlie.to_account_id(), 1)),
        ("set_licence_key", |Place { licence, .. }| {
            by(
                Charlie,
                Call::set_licence_key {
                    licence,
                    encryption_key: [7; 32],
                },
            )
        }),
        ("rate", |Place { work, licence, .. }| {
            rate(Charlie.to_account_id(), work, licence)
        }),
        ("rate the busiest", |Place { licence, .. }| {
            rate(Charlie.to_account_id(), 1, licence + 1)
        }),
        ("remove_rating", |Place { work, .. }| {
            by(Charlie, Call::remove_rating { work })
        }),
        ("remove_rating of the busiest", |_| {
            by(Charlie, Call::remove_rating { work: 1 })
        }),
        ("attest", |Place { work: asset, .. }| {
            by(
                Charlie,
                Call::attest {
                    asset,
                    stake: 100 * UNIT,
                    report: content(1),
                },
            )
        }),
        ("report", |Place { work: asset, .. }| {
            by(
                Eve,
                Call::report {
                    asset,
                    why: Flaw::Other,
                    evidence: content(1),
                },
            )
        }),
        ("resolve_report", |Place { work: asset, .. }| {
            let reporter = Eve.to_account_id();
            (
                RuntimeOrigin::root(),
                Call::resolve_report {
                    asset,
                    reporter,
                    upheld: false,
                }
                .into(),
            )
        }),
        ("offer_transfer", |_| {
            by(
                Bob,
                Call::offer_transfer {
                    work: 1,
                    to: Some(Eve.to_account_id()),
                },
            )
        }),
        ("accept_transfer of the busiest", |_| {
            by(Eve, Call::accept_transfer { work: 1 })
        }),
        ("revoke_licence", |Place { licence, .. }| {
            by(Bob, Call::revoke_licence { licence })
        }),
        ("close_licence", |Place { licence, .. }| {
            by(Charlie, Call::close_licence { licence })
        }),
        ("retire", |Place { last: asset, .. }| by(Bob, Call::retire { asset })),
    ]
}

fn by(who: Sr25519Keyring, call: Call<Runtime>) -> (RuntimeOrigin, RuntimeCall) {
    (RuntimeOrigin::signed(who.to_account_id()), call.into())
}

fn publish(owner: AccountId, names: &[&str], prices: &[Tariff]) -> (RuntimeOrigin, RuntimeCall) {
    let call = Call::publish {
        publication: publication(),
        tags: tags(names),
        tariffs: tariffs(prices),
    };
    (RuntimeOrigin::signed(owner), call.into())
}

fn buy(who: AccountId, asset: AssetId) -> (RuntimeOrigin, RuntimeCall) {
    let call = Call::buy {
        asset,
        tariff: PER_USE,
        quantity: 3,
        encryption_key: [9; 32],
    };
    (RuntimeOrigin::signed(who), call.into())
}

fn rate(who: AccountId, work: AssetId, licence: u64) -> (RuntimeOrigin, RuntimeCall) {
    let call = Call::rate {
        work,
        stars: 4,
        review: None,
        proof: PaidUse::Licence(licence),
    };
    (RuntimeOrigin::signed(who), call.into())
}

/// One of many.
fn buyer(nth: u64) -> AccountId {
    sp_io::hashing::blake2_256(&nth.to_le_bytes()).into()
}

fn publication() -> pallet_market::PublicationOf<Runtime> {
    Publication {
        kind: AssetKind::TextModel,
        name: b"a model".to_vec().try_into().unwrap_or_default(),
        manifest: content(1),
        content: content(2),
        size_bytes: 1 << 30,
        key_commitment: [3; 32],
        royalty: 1_000,
        exact_root: None,
        pieces_root: Some([5; 32]),
        records: None,
        bases: Default::default(),
    }
}

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    }
}

fn tags(names: &[&str]) -> Tags {
    let tags: Vec<_> = names
        .iter()
        .filter_map(|name| name.as_bytes().to_vec().try_into().ok())
        .collect();
    tags.try_into().unwrap_or_default()
}

fn tariffs(all: &[Tariff]) -> Tariffs {
    all.to_vec().try_into().unwrap_or_default()
}
