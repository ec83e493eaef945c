//! Five custodians keep a key, two die, one forges, and the buyer has the key all the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use weft_custody::{
    Delivery, Fault, context,
    envelope::shows_wrong_key,
    evidence::judge,
    reshare::{check_reshare, reshare_commitments},
};
use weft_vault::{
    CidBytes, ContentKey, CustodianKeys, PublicKey, UserKeys, WrappedKey,
    shares::{
        Combined, Deal, DealtKey, Delivered, Evidence, NoKey, NotProven, Place, Recipient, Released, Share,
        SharesError, To, combine_released, deal_key, open_dealt_share, open_reshared, prove_forged_deal,
        prove_forged_release, release_share, reshare,
    },
};

const CID: CidBytes = [3; 36];
const PLACE: Place = Place {
    genesis: [1; 32],
    asset: 7,
    ciphertext: CID,
    dealing: 11,
};
const BUYER: [u8; 32] = [0xB; 32];

struct Custody {
    threshold: u8,
    custodians: Vec<CustodianKeys>,
    key: ContentKey,
    dealt: DealtKey,
}

impl Custody {
    fn new(threshold: u8, custodians: usize) -> Self {
        let custodians: Vec<_> = (0..custodians).map(|_| CustodianKeys::generate().unwrap()).collect();
        let key = ContentKey::generate().unwrap();
        let dealt = deal_key(&key, threshold, &keys(&custodians), &PLACE).unwrap();
        Self {
            threshold,
            custodians,
            key,
            dealt,
        }
    }

    fn share(&self, index: u8) -> Share {
        let keys = &self.custodians[usize::from(index) - 1];
        open_dealt_share(keys, index, &delivered(&self.dealt.deal, 0, index), &PLACE).unwrap()
    }

    fn release(&self, index: u8, to: &To) -> (u8, WrappedKey) {
        let share = self.share(index);
        (
            index,
            release_share(&share, &self.dealt.deal.commitments, to, &PLACE).unwrap(),
        )
    }

    fn combine(&self, buyer: &UserKeys, to: &To, shares: &[(u8, WrappedKey)]) -> Result<Combined, NoKey> {
        combine_released(
            buyer,
            &Released {
                place: &PLACE,
                to,
                threshold: self.threshold,
                commitments: &self.dealt.deal.commitments,
                shares,
                envelope: &self.dealt.envelope,
                key_commitment: &self.key.commitment(),
            },
        )
    }
}

fn keys(custodians: &[CustodianKeys]) -> Vec<PublicKey> {
    custodians.iter().map(CustodianKeys::public).collect()
}

fn delivered(deal: &Deal, dealer: u8, index: u8) -> Delivered<'_> {
    Delivered {
        dealer,
        commitments: &deal.commitments,
        wrapped: &deal.wrapped[usize::from(index) - 1],
    }
}

fn to(buyer: &UserKeys, licence: u64) -> To {
    To {
        recipient: Recipient::Licence(licence),
        account: BUYER,
        key: buyer.public(),
    }
}

/// What the chain says to evidence against a release.
fn verdict(
    custody: &Custody,
    to: &To,
    index: u8,
    wrapped: &WrappedKey,
    evidence: &Evidence,
) -> Result<Fault, NotProven> {
    let context = context::Context::Release {
        asset: PLACE.asset,
        ciphertext: PLACE.ciphertext,
        dealing: PLACE.dealing,
        index,
        recipient: to.recipient,
        account: to.account,
    };
    judge(
        &Delivery {
            wrapped: &wrapped.0,
            recipient: to.key.as_bytes(),
            info: &context::info(&PLACE.genesis, to.key.as_bytes(), &context),
            commitments: &custody.dealt.deal.commitments,
            index,
        },
        evidence,
    )
}

#[test]
fn two_dead_and_one_forger_of_five_leave_too_few_and_are_named() {
    let custody = Custody::new(3, 5);
    let buyer = UserKeys::generate().unwrap();
    let to = to(&buyer, 1);
    // Custodians 2 and 4 are dead; 5 forges: it releases the share of 1 as its own.
    let mut stolen = custody.share(1);
    stolen.index = 5;
    let refused = release_share(&stolen, &custody.dealt.deal.commitments, &to, &PLACE);
    assert!(matches!(refused, Err(SharesError::NotTheShare { index: 5, .. })));
    let forged = {
        // So it has to wrap it by other means, under another dealing's commitments.
        let other = Custody::new(3, 5);
        let share = other.share(5);
        release_share(&share, &other.dealt.deal.commitments, &to, &PLACE).unwrap()
    };
    let mut shares = vec![custody.release(1, &to), custody.release(3, &to), (5, forged)];
    let NoKey::TooFew {
        need,
        good,
        forged: named,
    } = custody.combine(&buyer, &to, &shares).unwrap_err()
    else {
        panic!("two good shares are too few");
    };
    assert_eq!((need, good, &named[..]), (3, 2, &[5][..]));

    let commitment = custody.key.commitment();
    let released = Released {
        place: &PLACE,
        to: &to,
        threshold: 3,
        commitments: &custody.dealt.deal.commitments,
        shares: &shares,
        envelope: &custody.dealt.envelope,
        key_commitment: &commitment,
    };
    let evidence = prove_forged_release(&buyer, 5, &forged, &released).unwrap().unwrap();
    assert_eq!(verdict(&custody, &to, 5, &forged, &evidence), Ok(Fault::OtherShare));
    let (_, honest) = shares[0];
    assert_eq!(
        prove_forged_release(&buyer, 1, &honest, &released).unwrap(),
        Err(NotProven::ShareIsGood)
    );
    assert!(verdict(&custody, &to, 1, &honest, &evidence).is_err());

    // One of the dead comes back.
    shares.push(custody.release(4, &to));
    let combined = custody.combine(&buyer, &to, &shares).unwrap();
    assert_eq!(combined.key.expose(), custody.key.expose());
    assert_eq!(combined.forged, [5]);
}

#[test]
fn two_dead_of_five_do_not_matter() {
    let custody = Custody::new(3, 5);
    let buyer = UserKeys::generate().unwrap();
    let to = to(&buyer, 1);
    let shares: Vec<_> = [5, 1, 3].map(|index| custody.release(index, &to)).to_vec();
    let combined = custody.combine(&buyer, &to, &shares).unwrap();
    assert_eq!(combined.key.expose(), custody.key.expose());
    assert!(combined.forged.is_empty());
    // The same share twice is one share.
    let twice = [shares[0], shares[1], shares[1]];
    assert!(matches!(
        custody.combine(&buyer, &to, &twice),
        Err(NoKey::TooFew { good: 2, .. })
    ));
}

#[test]
fn shares_for_another_licence_or_buyer_do_not_open_and_can_be_proved() {
    let custody = Custody::new(2, 3);
    let (buyer, thief) = (UserKeys::generate().unwrap(), UserKeys::generate().unwrap());
    let (mine, others) = (to(&buyer, 1), to(&buyer, 2));
    let (_, elsewhere) = custody.release(1, &others);
    let shares = [(1, elsewhere), custody.release(2, &mine), custody.release(3, &mine)];
    assert_eq!(custody.combine(&buyer, &mine, &shares).unwrap().forged, [1]);
    assert!(matches!(
        custody.combine(&thief, &mine, &shares),
        Err(NoKey::TooFew { good: 0, .. })
    ));
    let commitment = custody.key.commitment();
    let released = Released {
        place: &PLACE,
        to: &mine,
        threshold: 2,
        commitments: &custody.dealt.deal.commitments,
        shares: &shares,
        envelope: &custody.dealt.envelope,
        key_commitment: &commitment,
    };
    let evidence = prove_forged_release(&buyer, 1, &elsewhere, &released).unwrap().unwrap();
    assert_eq!(
        verdict(&custody, &mine, 1, &elsewhere, &evidence),
        Ok(Fault::DoesNotOpen)
    );
}

#[test]
fn a_key_that_does_not_match_its_hash_is_shown_by_the_secret() {
    let custody = Custody::new(2, 3);
    let buyer = UserKeys::generate().unwrap();
    let to = to(&buyer, 1);
    let shares = [custody.release(1, &to), custody.release(2, &to)];
    let promised = ContentKey::generate().unwrap().commitment();
    let released = Released {
        place: &PLACE,
        to: &to,
        threshold: 2,
        commitments: &custody.dealt.deal.commitments,
        shares: &shares,
        envelope: &custody.dealt.envelope,
        key_commitment: &promised,
    };
    let Err(NoKey::WrongKey { secret }) = combine_released(&buyer, &released) else {
        panic!("another key was promised");
    };
    let entrusted = weft_custody::envelope::Entrusted {
        genesis: &PLACE.genesis,
        asset: PLACE.asset,
        envelope: &custody.dealt.envelope,
        secret_commitment: &custody.dealt.deal.commitments[0],
        key_commitment: &promised.0,
    };
    assert_eq!(shows_wrong_key(&secret, &entrusted), Ok(()));
}

#[test]
fn a_wrong_deal_is_noticed_and_proved_by_its_custodian() {
    let mut custody = Custody::new(2, 3);
    custody.dealt.deal.wrapped[1] = custody.dealt.deal.wrapped[0];
    let victim = &custody.custodians[1];
    let bad = delivered(&custody.dealt.deal, 0, 2);
    assert!(matches!(
        open_dealt_share(victim, 2, &bad, &PLACE),
        Err(SharesError::WrongDelivery { dealer: 0, index: 2 })
    ));
    assert!(prove_forged_deal(victim, 2, &bad, &PLACE).unwrap().is_ok());
    let good = delivered(&custody.dealt.deal, 0, 1);
    assert_eq!(
        prove_forged_deal(&custody.custodians[0], 1, &good, &PLACE).unwrap(),
        Err(NotProven::ShareIsGood)
    );
}

#[test]
fn a_new_committee_serves_the_same_key_and_old_shares_do_not_mix_in() {
    let custody = Custody::new(3, 5);
    let present = &custody.dealt.deal.commitments;
    let next: Vec<_> = (0..5).map(|_| CustodianKeys::generate().unwrap()).collect();
    let moved = Place { dealing: 12, ..PLACE };
    let deals: Vec<(u8, Deal)> = [1, 3, 4]
        .map(|dealer| {
            let deal = reshare(&custody.share(dealer), present, 3, &keys(&next), &moved).unwrap();
            check_reshare(3, present, dealer, &deal.commitments).unwrap();
            (dealer, deal)
        })
        .into();
    let views: Vec<_> = deals
        .iter()
        .map(|(dealer, deal)| (*dealer, deal.commitments.as_slice()))
        .collect();
    let commitments = reshare_commitments(3, &views).unwrap();
    let share = |index: u8| {
        let received: Vec<_> = deals
            .iter()
            .map(|(dealer, deal)| delivered(deal, *dealer, index))
            .collect();
        let keys = &next[usize::from(index) - 1];
        open_reshared(keys, index, 3, &received, &commitments, &moved).unwrap()
    };
    let buyer = UserKeys::generate().unwrap();
    let to = to(&buyer, 1);
    let commitment = custody.key.commitment();
    let combine = |shares: &[(u8, WrappedKey)]| {
        combine_released(
            &buyer,
            &Released {
                place: &moved,
                to: &to,
                threshold: 3,
                commitments: &commitments,
                shares,
                envelope: &custody.dealt.envelope,
                key_commitment: &commitment,
            },
        )
    };
    let released: Vec<_> = [2, 3, 5]
        .map(|index| (index, release_share(&share(index), &commitments, &to, &moved).unwrap()))
        .into();
    assert_eq!(combine(&released).unwrap().key.expose(), custody.key.expose());
    let mixed = [released[0], released[1], custody.release(5, &to)];
    assert!(matches!(combine(&mixed), Err(NoKey::TooFew { good: 2, .. })));
    assert!(matches!(
        reshare(&custody.share(1), &commitments, 3, &keys(&next), &moved),
        Err(SharesError::NotTheShare { .. })
    ));
}

#[test]
fn shapes_and_keys_that_cannot_be_are_refused() {
    let key = ContentKey::generate().unwrap();
    let one = keys(&[CustodianKeys::generate().unwrap()]);
    assert!(matches!(deal_key(&key, 1, &one, &PLACE), Err(SharesError::BadShape(_))));
    let ten: Vec<_> = (0..10).map(|_| one[0]).collect();
    assert!(matches!(deal_key(&key, 3, &ten, &PLACE), Err(SharesError::BadShape(_))));
    let broken = [one[0], PublicKey::from_bytes([0; 32])];
    assert!(matches!(
        deal_key(&key, 2, &broken, &PLACE),
        Err(SharesError::UnusableKey(_))
    ));
}

#[test]
fn custodian_keys_are_kept_apart_from_others() {
    let dir = std::env::temp_dir().join(format!("weft-custodian-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("custodian.json");
    let made = CustodianKeys::create(&path).unwrap();
    assert_eq!(CustodianKeys::load(&path).unwrap().public(), made.public());
    assert!(UserKeys::load(&path).is_err());
    std::fs::remove_dir_all(&dir).unwrap();
}
