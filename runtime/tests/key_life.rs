//! The real pallets together: a key from its seller to buyers, by two committees and with every window in its real length.

use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use sp_runtime::BuildStorage;
use weft_custody::{
    Context, Recipient, Secret, Shape, Share,
    context::info,
    envelope::{key_commitment, mask},
    hpke::{public_key, unwrap, wrap},
    reshare::{reshare_combine, reshare_deal},
    sharing::{Dealt, combine, deal, verify_share},
};
use weft_primitives::{
    AssetId, AssetKind, ContentCodec, ContentId, Currency, LicenceId,
    custody_view::{CustodyPhase, DealingView, KeyRequestView, RecipientView},
    job::{Arithmetic, Patience},
    licence::{Tariff, Term},
    registry::KeyRecipient,
    tier::Tier,
};
use weft_runtime::{
    AccountId, Balance, Balances, BlockNumber, Custody, Jobs, Market, Runtime, RuntimeGenesisConfig, RuntimeOrigin,
    System, UNIT, configs::TreasuryAccount,
};

const KEY: [u8; 32] = [0xC0; 32];
const SHAPE: (u8, u8) = (3, 5);
const TARIFF: Tariff = Tariff {
    term: Term::PerUse,
    currency: Currency::Native,
    price: UNIT,
};

fn content() -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [7; 32],
    }
}

fn hash(name: &[u8]) -> [u8; 32] {
    sp_io::hashing::blake2_256(name)
}

fn x25519(who: &AccountId) -> [u8; 32] {
    hash(who.as_ref())
}

fn scalar(name: [u8; 32]) -> Secret {
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(&hash(&[&name[..], b"low"].concat()));
    wide[32..].copy_from_slice(&hash(&[&name[..], b"high"].concat()));
    Secret::from_uniform_bytes(&wide)
}

fn custodians() -> Vec<AccountId> {
    (1..=12).map(|nth| AccountId::new([nth; 32])).collect()
}

fn genesis() -> [u8; 32] {
    System::block_hash(0).into()
}

fn signed(who: &AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.clone())
}

fn go_to(block: BlockNumber) {
    while System::block_number() < block {
        let now = System::block_number() + 1;
        System::set_block_number(now);
        <Jobs as Hooks<BlockNumber>>::on_initialize(now);
        <Custody as Hooks<BlockNumber>>::on_initialize(now);
    }
}

fn network(test: impl FnOnce()) {
    let people = [Alice.to_account_id(), Bob.to_account_id(), TreasuryAccount::get()];
    let endowed = custodians().into_iter().chain(people).map(|who| (who, 10_000 * UNIT));
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed.collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut ext = sp_io::TestExternalities::new(genesis.build_storage().expect("the genesis is sound"));
    ext.execute_with(|| {
        System::set_block_number(1);
        test();
    });
}

/// Bob's work, sold per use, with its key in custody.
fn entrusted() -> AssetId {
    let bob = Bob.to_account_id();
    let publication = pallet_market::Publication {
        kind: AssetKind::TextModel,
        name: b"SmolLM2".to_vec().try_into().expect("short enough"),
        manifest: content(),
        content: content(),
        size_bytes: 1 << 20,
        key_commitment: key_commitment(&KEY),
        royalty: 0,
        exact_root: None,
        pieces_root: None,
        records: None,
        bases: Default::default(),
    };
    let tariffs = vec![TARIFF].try_into().expect("one is not too many");
    assert_ok!(Market::publish(signed(&bob), publication, Default::default(), tariffs));
    for who in custodians() {
        assert_ok!(Custody::register(signed(&who), public_key(&x25519(&who)), None));
    }
    assert_ok!(Custody::open_custody(signed(&bob), 0, SHAPE.0, SHAPE.1, true));
    let view = Custody::dealing(0).expect("a committee was drawn");
    let secret = scalar(hash(b"shared"));
    let dealt = deal(shape(), &secret, &coefficients(b"seller")).expect("as many coefficients as it takes");
    let envelope = mask(&KEY, &secret, &genesis(), 0);
    let (commitments, wrapped) = wrap_all(&view, 0, dealt);
    assert_ok!(Custody::deal(
        signed(&bob),
        0,
        commitments.try_into().expect("few enough"),
        *envelope,
        wrapped.try_into().expect("few enough"),
    ));
    0
}

fn shape() -> Shape {
    Shape::new(SHAPE.0, SHAPE.1).expect("3 of 5 is a shape")
}

fn coefficients(name: &[u8]) -> Vec<Secret> {
    (1..SHAPE.0).map(|nth| scalar(hash(&[name, &[nth]].concat()))).collect()
}

fn deal_info(view: &DealingView<AccountId>, dealer: u8, index: u8) -> Vec<u8> {
    let context = Context::<AccountId>::Deal {
        asset: view.asset,
        ciphertext: content().to_cid_bytes(),
        dealing: view.id,
        dealer,
        index,
    };
    let key = view.committee[usize::from(index) - 1].encryption_key;
    info(&genesis(), &key, &context)
}

fn wrap_all(view: &DealingView<AccountId>, dealer: u8, dealt: Dealt) -> (Vec<[u8; 32]>, Vec<[u8; 80]>) {
    let wrapped = dealt.shares.iter().map(|share| {
        let key = view.committee[usize::from(share.index) - 1].encryption_key;
        let ephemeral = hash(&[dealer, share.index, view.id as u8]);
        wrap(
            &share.value.to_bytes(),
            &key,
            &deal_info(view, dealer, share.index),
            &ephemeral,
        )
        .expect("registered keys are usable")
    });
    (dealt.commitments, wrapped.collect())
}

/// The share of custodian `index`, from what the chain shows.
fn share_of(view: &DealingView<AccountId>, index: u8) -> Share {
    let place = usize::from(index) - 1;
    let secret = x25519(&view.committee[place].account);
    let mut dealt: Vec<(u8, [u8; 32])> = view
        .deals
        .iter()
        .map(|deal| {
            let info = deal_info(view, deal.dealer, index);
            let share = unwrap(&deal.wrapped[place].0, &secret, &info).expect("it was wrapped for this custodian");
            (deal.dealer, *share)
        })
        .collect();
    dealt.sort_unstable();
    match dealt[..] {
        [(0, value)] => Share {
            index,
            value: Secret::from_bytes(&value).expect("it is a scalar"),
        },
        _ => reshare_combine(SHAPE.0, index, &dealt).expect("there are enough deals"),
    }
}

fn release_info(request: &KeyRequestView<AccountId>, index: u8) -> Vec<u8> {
    let RecipientView::Licence(licence) = request.recipient else {
        panic!("a buyer asked");
    };
    let context = Context::Release {
        asset: request.asset,
        ciphertext: content().to_cid_bytes(),
        dealing: request.dealing,
        index,
        recipient: Recipient::Licence(licence),
        account: request.account.clone(),
    };
    info(&genesis(), &request.encryption_key, &context)
}

fn asked(licence: LicenceId) -> KeyRequestView<AccountId> {
    Custody::request_of(&KeyRecipient::Licence(licence), 0).expect("the key was asked for")
}

fn release(request: &KeyRequestView<AccountId>, index: u8) -> sp_runtime::DispatchResult {
    let view = Custody::dealing(request.dealing).expect("it is kept for the request");
    let share = share_of(&view, index).value.to_bytes();
    let wrapped = wrap(
        &share,
        &request.encryption_key,
        &release_info(request, index),
        &hash(&[b'r', index, request.id as u8]),
    )
    .expect("it was checked when it was asked");
    let who = &view.committee[usize::from(index) - 1].account;
    Custody::release(signed(who), request.id, wrapped)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// The key as Alice has it from the shares that were released.
fn received(licence: LicenceId) -> [u8; 32] {
    let request = asked(licence);
    let commitments: Vec<[u8; 32]> = request.commitments.iter().map(|hex| hex.0).collect();
    let secret = x25519(&Alice.to_account_id());
    let shares: Vec<Share> = request
        .releases
        .iter()
        .map(|release| {
            let index = release.index;
            let value = unwrap(&release.wrapped.0, &secret, &release_info(&request, index)).expect("it opens");
            verify_share(&commitments, index, &value).expect("it is the share that was committed to");
            Share {
                index,
                value: Secret::from_bytes(&value).expect("it is a scalar"),
            }
        })
        .collect();
    let shared = combine(SHAPE.0, &shares).expect("there are enough");
    let envelope = Custody::custody(0)
        .and_then(|custody| custody.envelope)
        .expect("it was dealt");
    *mask(&envelope, &shared, &genesis(), 0)
}

fn buy(uses: u32) -> LicenceId {
    let alice = Alice.to_account_id();
    let licences = Market::licences_of(&alice, 0, 10).items.len();
    assert_ok!(Market::buy(
        signed(&alice),
        0,
        TARIFF,
        uses,
        public_key(&x25519(&alice))
    ));
    Market::licences_of(&alice, 0, 10)
        .items
        .get(licences.saturating_sub(1))
        .expect("it was bought")
        .id
}

fn missed() -> u32 {
    custodians()
        .iter()
        .filter_map(Custody::custodian)
        .map(|who| who.missed)
        .sum()
}

fn free(who: &AccountId) -> Balance {
    Balances::free_balance(who)
}

#[test]
fn a_key_outlives_its_seller_and_its_committee() {
    network(|| {
        entrusted();
        let licence = buy(10);
        let first = asked(licence);
        for index in [1, 3, 5] {
            assert_ok!(release(&first, index));
        }
        assert_eq!(received(licence), KEY);

        // Two were silent, which Alice is compensated for, and they are not drawn any more.
        let before = free(&Alice.to_account_id());
        go_to(first.until + 1);
        assert_eq!(missed(), 2);
        let miss: Balance = <Runtime as pallet_custody::Config>::MissSlash::get();
        let fees: Balance = 2 * <Runtime as pallet_custody::Config>::ReleaseFee::get();
        assert_eq!(free(&Alice.to_account_id()) - before, miss + fees);

        // So anybody has another committee drawn; the three hand the key on.
        assert_ok!(Custody::rotate(signed(&Alice.to_account_id()), 0));
        let custody = Custody::custody(0).expect("the key is in custody");
        let next = custody.next.expect("another committee was drawn");
        for dealer in [1, 3, 5] {
            let share = share_of(&custody.dealing, dealer);
            let dealt =
                reshare_deal(shape(), &share, &coefficients(&[dealer])).expect("as many coefficients as it takes");
            let (commitments, wrapped) = wrap_all(&next, dealer, dealt);
            assert_ok!(Custody::reshare(
                signed(&custody.dealing.committee[usize::from(dealer) - 1].account),
                0,
                commitments.try_into().expect("few enough"),
                wrapped.try_into().expect("few enough"),
            ));
        }
        let CustodyPhase::Resharing { disputes_until, .. } = custody.phase else {
            panic!("the committee is being changed");
        };
        go_to(disputes_until + 1);
        assert_ok!(Custody::finish_rotation(signed(&Alice.to_account_id()), 0));

        // What the new committee releases is the same key.
        assert_ok!(Market::request_key(signed(&Alice.to_account_id()), licence, 0));
        let second = asked(licence);
        assert_ne!(second.dealing, first.dealing);
        for index in [2, 3, 4] {
            assert_ok!(release(&second, index));
        }
        assert_eq!(received(licence), KEY);

        // What nobody needs any more is removed.
        go_to(second.disputes_until + 2);
        assert!(Custody::dealing(first.dealing).is_none());
        assert_eq!(Custody::custody(0).map(|custody| custody.open_requests), Some(0));
    });
}

#[test]
fn uses_that_jobs_take_and_give_back_slash_nobody() {
    network(|| {
        entrusted();
        let alice = Alice.to_account_id();
        let licence = buy(1);
        let request = asked(licence);
        for index in 1..=4 {
            assert_ok!(release(&request, index));
        }
        // Nobody offers the model, so that no job can take the use; it is spent as a job would.
        let post = |max_price| {
            Jobs::post(
                signed(&alice),
                0,
                content(),
                public_key(&x25519(&alice)),
                10,
                max_price,
                Patience::Short,
                Arithmetic::Float,
                Tier::None,
            )
        };
        assert!(post(UNIT).is_err(), "there is no provider");
        let taken = <Market as weft_primitives::registry::ModelRegistry<AccountId>>::take_use(0, &alice);
        assert_eq!(taken, Ok(Some(licence)));
        assert_noop!(
            Market::request_key(signed(&alice), licence, 0),
            pallet_market::Error::<Runtime>::RanOut
        );
        assert!(asked(licence).in_force, "who had the right when they asked is served");
        assert_ok!(release(&request, 5));
        <Market as weft_primitives::registry::ModelRegistry<AccountId>>::return_use(licence);
        go_to(request.until + 1);
        assert_eq!(missed(), 0);
    });
}

#[test]
fn a_licence_that_is_revoked_ends_the_duty_for_good() {
    network(|| {
        entrusted();
        let licence = buy(1);
        let request = asked(licence);
        assert_ok!(release(&request, 2));
        assert_ok!(Market::revoke_licence(signed(&Bob.to_account_id()), licence));
        assert_noop!(release(&request, 1), pallet_custody::Error::<Runtime>::NotInForce);
        go_to(request.until + 1);
        assert_eq!(missed(), 0);
        assert!(
            custodians()
                .iter()
                .all(|who| Custody::custodian(who).is_some_and(|who| who.drawable))
        );
    });
}
