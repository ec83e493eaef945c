//! An honest delivery cannot be faulted; every other can; nothing else is accepted as evidence.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use curve25519_dalek::{
    constants::EIGHT_TORSION, edwards::CompressedEdwardsY, montgomery::MontgomeryPoint, scalar::Scalar,
};
use proptest::prelude::*;
use support::*;
use weft_custody::{
    CidBytes, Context, Delivery, Evidence, Fault, NotProven, Recipient, Wrapped,
    context::info,
    dleq::{self, CannotProve, Proof, WrongProof},
    evidence::{accuse, judge},
    hpke::{encapsulated, public_key, wrap},
    sharing::Dealt,
};

const GENESIS: [u8; 32] = [1; 32];
const CID: CidBytes = [2; 36];
type Account = [u8; 32];

fn context(index: u8, licence: u64) -> Context<Account> {
    Context::Release {
        asset: 7,
        ciphertext: CID,
        dealing: 3,
        index,
        recipient: Recipient::Licence(licence),
        account: [4; 32],
    }
}

/// A share on its way to who has `secret`.
#[derive(Debug)]
struct Sent {
    dealt: Dealt,
    index: u8,
    secret: [u8; 32],
    recipient: [u8; 32],
    info: Vec<u8>,
    ephemeral: [u8; 32],
    random: [u8; 64],
}

impl Sent {
    fn wrap(&self, plain: &[u8; 32], info: &[u8]) -> Wrapped {
        wrap(plain, &self.recipient, info, &self.ephemeral).unwrap()
    }

    fn honest(&self) -> Wrapped {
        self.wrap(&self.share(), &self.info)
    }

    fn share(&self) -> [u8; 32] {
        *self.dealt.shares[usize::from(self.index - 1)].value.to_bytes()
    }

    fn delivery<'a>(&'a self, wrapped: &'a Wrapped) -> Delivery<'a> {
        Delivery {
            wrapped,
            recipient: &self.recipient,
            info: &self.info,
            commitments: &self.dealt.commitments,
            index: self.index,
        }
    }

    fn accuse(&self, wrapped: &Wrapped) -> Result<Evidence, NotProven> {
        accuse(&self.delivery(wrapped), &self.secret, &self.random)
    }

    fn judge(&self, wrapped: &Wrapped, evidence: &Evidence) -> Result<Fault, NotProven> {
        judge(&self.delivery(wrapped), evidence)
    }

    /// The proof of the true output, for this delivery.
    fn proof(&self, wrapped: &Wrapped) -> Proof {
        use sha2::{Digest, Sha256};
        let context: [u8; 32] = Sha256::new()
            .chain_update(wrapped)
            .chain_update(&self.info)
            .finalize()
            .into();
        dleq::prove(&self.secret, &encapsulated(wrapped), &context, &self.random).unwrap()
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    (
        dealt(),
        any::<prop::sample::Index>(),
        any::<[u8; 32]>(),
        any::<[u8; 32]>(),
        uniform(),
        0u64..9,
    )
        .prop_map(|((shape, _, dealt), index, secret, ephemeral, random, licence)| {
            let index = index.index(shape.shares().into()) as u8 + 1;
            let recipient = public_key(&secret);
            Sent {
                dealt,
                index,
                secret,
                recipient,
                info: info(&GENESIS, &recipient, &context(index, licence)),
                ephemeral,
                random,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_honest_delivery_cannot_be_faulted(sent in sent(), junk: [[u8; 32]; 3], bit in 0usize..768) {
        let wrapped = sent.honest();
        prop_assert_eq!(sent.accuse(&wrapped), Err(NotProven::ShareIsGood));
        prop_assert_eq!(sent.judge(&wrapped, &Evidence::BadEncapsulation), Err(NotProven::EncapsulationIsSound));
        let proof = sent.proof(&wrapped);
        prop_assert_eq!(sent.judge(&wrapped, &Evidence::Opening(proof)), Err(NotProven::ShareIsGood));
        let [shared, challenge, response] = junk;
        let made_up = Evidence::Opening(Proof { shared, challenge, response });
        prop_assert!(matches!(sent.judge(&wrapped, &made_up), Err(NotProven::WrongProof(_))));
        let mut flipped = proof;
        let part = [&mut flipped.shared, &mut flipped.challenge, &mut flipped.response][bit / 256].as_mut_slice();
        part[bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(matches!(sent.judge(&wrapped, &Evidence::Opening(flipped)), Err(NotProven::WrongProof(_))));
    }

    #[test]
    fn every_forgery_can_be_proved(sent in sent(), other in secret(), elsewhere: [u8; 32], random: [u8; 32]) {
        let other_share = *other.to_bytes();
        let other_context = info(&GENESIS, &sent.recipient, &context(sent.index, 99));
        let other_chain = info(&[9; 32], &sent.recipient, &context(sent.index, 1));
        let mut damaged = sent.honest();
        damaged[70] ^= 1;
        let mut unsound = sent.honest();
        unsound[..32].copy_from_slice(&[0; 32]);
        let for_another = wrap(&sent.share(), &public_key(&elsewhere), &sent.info, &random).unwrap();
        prop_assume!(public_key(&elsewhere) != sent.recipient);
        for (wrapped, fault) in [
            (sent.wrap(&other_share, &sent.info), Fault::OtherShare),
            (sent.wrap(&[0xff; 32], &sent.info), Fault::NotAScalar),
            (sent.wrap(&sent.share(), &other_context), Fault::DoesNotOpen),
            (sent.wrap(&sent.share(), &other_chain), Fault::DoesNotOpen),
            (damaged, Fault::DoesNotOpen),
            (for_another, Fault::DoesNotOpen),
            (unsound, Fault::BadEncapsulation),
        ] {
            let evidence = sent.accuse(&wrapped).unwrap();
            prop_assert_eq!(sent.judge(&wrapped, &evidence), Ok(fault));
        }
    }

    #[test]
    fn any_bytes_are_the_honest_delivery_or_can_be_proved(
        sent in sent(), enc: [u8; 32], on_curve: bool, sealed: [u8; 32], tag: [u8; 16],
    ) {
        let enc = if on_curve { public_key(&enc) } else { enc };
        let wrapped: Wrapped = [&enc[..], &sealed, &tag].concat().try_into().unwrap();
        let evidence = sent.accuse(&wrapped).unwrap();
        prop_assert!(sent.judge(&wrapped, &evidence).is_ok());
    }

    #[test]
    fn another_members_share_can_be_proved(sent in sent()) {
        let next = usize::from(sent.index) % sent.dealt.shares.len();
        let wrapped = sent.wrap(&sent.dealt.shares[next].value.to_bytes(), &sent.info);
        let evidence = sent.accuse(&wrapped).unwrap();
        prop_assert_eq!(sent.judge(&wrapped, &evidence), Ok(Fault::OtherShare));
    }

    #[test]
    fn evidence_is_for_one_delivery_only(sent in sent(), other in secret(), another: [u8; 32]) {
        let forged = sent.wrap(&other.to_bytes(), &sent.info);
        let evidence = sent.accuse(&forged).unwrap();
        // The honest delivery has the same encapsulated key here, so the same output: the proof is for the other bytes.
        let verdict = sent.judge(&sent.honest(), &evidence);
        prop_assert_eq!(verdict, Err(NotProven::WrongProof(WrongProof::DoesNotHold)));
        let elsewhere = Sent { info: info(&GENESIS, &sent.recipient, &context(sent.index, 99)), ..sent };
        let verdict = elsewhere.judge(&forged, &evidence);
        prop_assert_eq!(verdict, Err(NotProven::WrongProof(WrongProof::DoesNotHold)));
        let stranger = public_key(&another);
        prop_assume!(stranger != elsewhere.recipient);
        let mut delivery = elsewhere.delivery(&forged);
        delivery.recipient = &stranger;
        prop_assert!(judge(&delivery, &evidence).is_err());
    }

    #[test]
    fn the_revealed_output_is_x25519s_and_no_other_is_accepted(
        secret: [u8; 32], ephemeral: [u8; 32], context: Vec<u8>, random in uniform(), other in uniform(), nth in 1usize..8,
    ) {
        let (public, enc) = (public_key(&secret), public_key(&ephemeral));
        let proof = dleq::prove(&secret, &enc, &context, &random).unwrap();
        let dh = MontgomeryPoint(enc).mul_clamped(secret).to_bytes();
        prop_assert_eq!(dleq::verify(&public, &enc, &context, &proof), Ok(dh));
        // Another point of the group, the point with a part of small order added, and its negative.
        let point = CompressedEdwardsY(proof.shared).decompress().unwrap();
        let shifted = point + point * Scalar::from_bytes_mod_order_wide(&other);
        for (shared, wrong) in [
            (shifted, WrongProof::DoesNotHold),
            (point + EIGHT_TORSION[nth], WrongProof::NotAPoint),
            (EIGHT_TORSION[nth], WrongProof::NotAPoint),
            (-point, WrongProof::DoesNotHold),
        ] {
            let forged = Proof { shared: shared.compress().to_bytes(), ..proof };
            prop_assert_eq!(dleq::verify(&public, &enc, &context, &forged), Err(wrong));
        }
        let mut elsewhere = context.clone();
        elsewhere.push(0);
        prop_assert_eq!(dleq::verify(&public, &enc, &elsewhere, &proof), Err(WrongProof::DoesNotHold));
    }

    #[test]
    fn a_proof_with_another_secret_does_not_hold(
        secret: [u8; 32], liar: [u8; 32], ephemeral: [u8; 32], random in uniform(),
    ) {
        prop_assume!(public_key(&secret) != public_key(&liar));
        let enc = public_key(&ephemeral);
        let proof = dleq::prove(&liar, &enc, b"", &random).unwrap();
        prop_assert_eq!(dleq::verify(&public_key(&secret), &enc, b"", &proof), Err(WrongProof::DoesNotHold));
    }
}

#[test]
fn encapsulated_keys_with_a_part_of_small_order_are_evidence() {
    use curve25519_dalek::edwards::EdwardsPoint;
    for (nth, torsion) in EIGHT_TORSION.iter().enumerate().skip(1) {
        let tainted = EdwardsPoint::mul_base(&Scalar::from(77u8)) + torsion;
        let enc = tainted.to_montgomery().to_bytes();
        assert_eq!(
            dleq::prove(&[5; 32], &enc, b"", &[6; 64]),
            Err(CannotProve::BadEncapsulation),
            "{nth}"
        );
    }
}

#[test]
fn a_tainted_public_key_proves_nothing() {
    use curve25519_dalek::edwards::EdwardsPoint;
    let enc = public_key(&[8; 32]);
    let proof = dleq::prove(&[5; 32], &enc, b"", &[6; 64]).unwrap();
    for torsion in EIGHT_TORSION.iter().skip(1) {
        let b = Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer([5; 32]));
        let tainted = (EdwardsPoint::mul_base(&b) + torsion).to_montgomery().to_bytes();
        assert_eq!(dleq::verify(&tainted, &enc, b"", &proof), Err(WrongProof::UnusableKey));
    }
}
