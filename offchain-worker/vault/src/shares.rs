//! Content keys in custody: dealt by a seller, kept and released by custodians, put together by who may have them.
//!
//! The protocol and its formats are [`weft_custody`] (`docs/custody.md`); here it gets randomness from the operating system and
//! the key types of the vault. What the chain holds goes in as bytes, what goes on chain comes out as bytes.

use weft_custody::{
    Context as ShareContext, Delivery, Secret,
    context::info,
    envelope,
    evidence::accuse,
    hpke::{self, UnusableKey},
    reshare::{reshare_combine, reshare_deal},
    sharing::{self, BadShape, CombineError, DealError, Dealt, ShareError},
};
use zeroize::Zeroizing;

pub use weft_custody::{Commitment, Evidence, NotProven, Recipient, Shape, Share};

use crate::{
    key::{ContentKey, KEY_BYTES, KeyCommitment, RandomnessError},
    keys::{Custodian, KeyPair, PublicKey, Role},
    wrap::{CidBytes, GenesisHash, WrappedKey},
};

/// An account's bytes, as the chain encodes them.
pub type Account = [u8; 32];

/// Why a share or a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum SharesError {
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// Not `2 <= t <= n <= 9`.
    #[error("{0}")]
    BadShape(BadShape),
    /// A share cannot be sent to this custodian or recipient.
    #[error("{0}")]
    UnusableKey(UnusableKey),
    /// It could not be shared.
    #[error("{0}")]
    NotDealt(DealError),
    /// What a custodian has is not the committed share.
    #[error(
        "custodian {index} does not hold its committed share ({error}); do not release it, read the deals from the chain again"
    )]
    NotTheShare {
        /// Whose.
        index: u8,
        /// What is wrong.
        error: ShareError,
    },
    /// What a dealer delivered is not the committed share.
    #[error("dealer {dealer} delivered a wrong share to custodian {index}; dispute it on chain")]
    WrongDelivery {
        /// 0 is the seller.
        dealer: u8,
        /// To whom.
        index: u8,
    },
    /// Deals do not make a share.
    #[error("{0}")]
    NotCombined(CombineError),
}

impl From<BadShape> for SharesError {
    fn from(error: BadShape) -> Self {
        Self::BadShape(error)
    }
}

impl From<UnusableKey> for SharesError {
    fn from(error: UnusableKey) -> Self {
        Self::UnusableKey(error)
    }
}

impl From<CombineError> for SharesError {
    fn from(error: CombineError) -> Self {
        Self::NotCombined(error)
    }
}

/// Why released shares give no key.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// Not enough, so far.
    #[error(
        "{good} good shares are there and it takes {need}; wait for more custodians{}",
        forged_note(forged)
    )]
    TooFew {
        /// It takes so many.
        need: u8,
        /// So many are good.
        good: usize,
        /// Whose shares are not what was committed to: dispute them.
        forged: Vec<u8>,
    },
    /// The shares are right and lead to another key than was promised: the seller lied.
    #[error(
        "the custodians' shares lead to another key than the seller promised; report it on chain and ask for your money back"
    )]
    WrongKey {
        /// What shows it to everybody.
        secret: Zeroizing<[u8; 32]>,
    },
}

fn forged_note(forged: &[u8]) -> String {
    match forged {
        [] => String::new(),
        forged => format!(", and dispute the wrong ones of {forged:?}"),
    }
}

/// Which dealing of which asset's key, on which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Hash of the chain's first block.
    pub genesis: GenesisHash,
    /// Asset id.
    pub asset: u64,
    /// CID of the sealed file.
    pub ciphertext: CidBytes,
    /// Number of the dealing.
    pub dealing: u64,
}

/// For whom a key is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct To {
    /// By which right.
    pub recipient: Recipient<Account>,
    /// Whose right.
    pub account: Account,
    /// The X25519 key that the chain has for it.
    pub key: PublicKey,
}

/// What a dealer puts on chain.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Commitments to the polynomial.
    pub commitments: Vec<Commitment>,
    /// The share of custodian `i` at place `i - 1`.
    pub wrapped: Vec<WrappedKey>,
}

/// What a seller puts on chain.
#[derive(Clone, Debug)]
pub struct DealtKey {
    /// The shares of the secret.
    pub deal: Deal,
    /// The key, masked by the secret.
    pub envelope: [u8; KEY_BYTES],
}

/// What one dealer delivered to one custodian.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// 0 is the seller; else the index of the old custodian.
    pub dealer: u8,
    /// The dealer's commitments.
    pub commitments: &'a [Commitment],
    /// The wrapped share.
    pub wrapped: &'a WrappedKey,
}

/// What the chain has of a key that is released.
#[derive(Clone, Copy, Debug)]
pub struct Released<'a> {
    /// Which dealing's shares they are.
    pub place: &'a Place,
    /// For whom.
    pub to: &'a To,
    /// How many shares it takes.
    pub threshold: u8,
    /// The dealing's commitments.
    pub commitments: &'a [Commitment],
    /// By index, what was released.
    pub shares: &'a [(u8, WrappedKey)],
    /// The masked key.
    pub envelope: &'a [u8; KEY_BYTES],
    /// The commitment to the key.
    pub key_commitment: &'a KeyCommitment,
}

/// A key put together, and whose shares turned out wrong.
#[derive(Debug)]
pub struct Combined {
    /// The promised key.
    pub key: ContentKey,
    /// Whose shares are not what was committed to: dispute them.
    pub forged: Vec<u8>,
}

/// Entrusts a key to a committee, by the X25519 keys that were drawn with it.
pub fn deal_key(
    key: &ContentKey,
    threshold: u8,
    committee: &[PublicKey],
    place: &Place,
) -> Result<DealtKey, SharesError> {
    let shape = shape(threshold, committee)?;
    let secret = random_secret()?;
    let dealt = sharing::deal(shape, &secret, &random_coefficients(shape)?).map_err(SharesError::NotDealt)?;
    Ok(DealtKey {
        deal: wrap_all(&dealt, 0, committee, place)?,
        envelope: *envelope::mask(key.expose(), &secret, &place.genesis, place.asset),
    })
}

/// The share that a seller dealt to custodian `index`. If it is wrong, [`prove_forged_deal`] shows it.
pub fn open_dealt_share(
    keys: &KeyPair<Custodian>,
    index: u8,
    delivered: &Delivered,
    place: &Place,
) -> Result<Share, SharesError> {
    let value = open_delivered(keys, index, delivered, place)?;
    Secret::from_bytes(&value)
        .map(|value| Share { index, value })
        .map_err(|_| SharesError::WrongDelivery {
            dealer: delivered.dealer,
            index,
        })
}

/// The share that old custodians dealt to custodian `index` of a new committee: of those whose deals the chain took into the
/// new dealing, in the order of their indices. `commitments` are those of the new dealing.
pub fn open_reshared(
    keys: &KeyPair<Custodian>,
    index: u8,
    threshold: u8,
    deals: &[Delivered],
    commitments: &[Commitment],
    place: &Place,
) -> Result<Share, SharesError> {
    let mut dealt = Vec::with_capacity(deals.len());
    for delivered in deals {
        dealt.push((delivered.dealer, *open_delivered(keys, index, delivered, place)?));
    }
    dealt.sort_unstable_by_key(|(dealer, _)| *dealer);
    let share = reshare_combine(threshold, index, &dealt)?;
    check_share(&share, commitments)?;
    Ok(share)
}

/// Deals a custodian's share to the next committee, `place` being the dealing that is made.
pub fn reshare(
    share: &Share,
    commitments: &[Commitment],
    threshold: u8,
    committee: &[PublicKey],
    place: &Place,
) -> Result<Deal, SharesError> {
    check_share(share, commitments)?;
    let shape = shape(threshold, committee)?;
    let dealt = reshare_deal(shape, share, &random_coefficients(shape)?).map_err(SharesError::NotDealt)?;
    wrap_all(&dealt, share.index, committee, place)
}

/// Wraps a custodian's share for a recipient. A share that is not the committed one is not released: it would be proved wrong,
/// and cost the stake.
pub fn release_share(
    share: &Share,
    commitments: &[Commitment],
    to: &To,
    place: &Place,
) -> Result<WrappedKey, SharesError> {
    check_share(share, commitments)?;
    wrap_share(share, &to.key, &release_info(share.index, to, place))
}

/// Puts a key together from what was released, and checks it against its commitment. Shares that are wrong are passed over and
/// named, so that [`prove_forged_release`] can show it.
pub fn combine_released<R: Role>(keys: &KeyPair<R>, released: &Released) -> Result<Combined, NoKey> {
    let (mut good, mut forged) = (Vec::new(), Vec::new());
    for (index, wrapped) in released.shares {
        match open_release(keys, *index, wrapped, released) {
            Some(share) if good.iter().all(|other: &Share| other.index != *index) => good.push(share),
            Some(_) => {}
            None => forged.push(*index),
        }
    }
    let Ok(secret) = sharing::combine(released.threshold, &good) else {
        return Err(NoKey::TooFew {
            need: released.threshold,
            good: good.len(),
            forged,
        });
    };
    let key = envelope::mask(
        released.envelope,
        &secret,
        &released.place.genesis,
        released.place.asset,
    );
    let key = ContentKey::from_bytes(*key);
    if key.commitment() == *released.key_commitment {
        Ok(Combined { key, forged })
    } else {
        Err(NoKey::WrongKey {
            secret: secret.to_bytes(),
        })
    }
}

/// The evidence that a dealer delivered a wrong share to custodian `index`, who has `keys`.
pub fn prove_forged_deal(
    keys: &KeyPair<Custodian>,
    index: u8,
    delivered: &Delivered,
    place: &Place,
) -> Result<Result<Evidence, NotProven>, RandomnessError> {
    let recipient = keys.public();
    let delivery = Delivery {
        wrapped: &delivered.wrapped.0,
        recipient: recipient.as_bytes(),
        info: &deal_info(&recipient, delivered.dealer, index, place),
        commitments: delivered.commitments,
        index,
    };
    let randomness: Zeroizing<[u8; 64]> = random_bytes()?;
    Ok(accuse(&delivery, keys.secret_bytes(), &randomness))
}

/// The evidence that custodian `index` released a wrong share to who has `keys`.
pub fn prove_forged_release<R: Role>(
    keys: &KeyPair<R>,
    index: u8,
    wrapped: &WrappedKey,
    released: &Released,
) -> Result<Result<Evidence, NotProven>, RandomnessError> {
    let delivery = Delivery {
        wrapped: &wrapped.0,
        recipient: released.to.key.as_bytes(),
        info: &release_info(index, released.to, released.place),
        commitments: released.commitments,
        index,
    };
    let randomness: Zeroizing<[u8; 64]> = random_bytes()?;
    Ok(accuse(&delivery, keys.secret_bytes(), &randomness))
}

fn open_release<R: Role>(keys: &KeyPair<R>, index: u8, wrapped: &WrappedKey, released: &Released) -> Option<Share> {
    let info = release_info(index, released.to, released.place);
    let value = hpke::unwrap(&wrapped.0, keys.secret_bytes(), &info).ok()?;
    sharing::verify_share(released.commitments, index, &value).ok()?;
    let value = Secret::from_bytes(&value).ok()?;
    Some(Share { index, value })
}

fn open_delivered(
    keys: &KeyPair<Custodian>,
    index: u8,
    delivered: &Delivered,
    place: &Place,
) -> Result<Zeroizing<[u8; 32]>, SharesError> {
    let info = deal_info(&keys.public(), delivered.dealer, index, place);
    hpke::unwrap(&delivered.wrapped.0, keys.secret_bytes(), &info)
        .ok()
        .filter(|value| sharing::verify_share(delivered.commitments, index, value).is_ok())
        .ok_or(SharesError::WrongDelivery {
            dealer: delivered.dealer,
            index,
        })
}

fn check_share(share: &Share, commitments: &[Commitment]) -> Result<(), SharesError> {
    sharing::verify_share(commitments, share.index, &share.value.to_bytes()).map_err(|error| SharesError::NotTheShare {
        index: share.index,
        error,
    })
}

fn shape(threshold: u8, committee: &[PublicKey]) -> Result<Shape, SharesError> {
    let custodians = u8::try_from(committee.len()).map_err(|_| BadShape)?;
    Ok(Shape::new(threshold, custodians)?)
}

fn wrap_all(dealt: &Dealt, dealer: u8, committee: &[PublicKey], place: &Place) -> Result<Deal, SharesError> {
    let wrapped = dealt
        .shares
        .iter()
        .zip(committee)
        .map(|(share, key)| wrap_share(share, key, &deal_info(key, dealer, share.index, place)))
        .collect::<Result<_, _>>()?;
    Ok(Deal {
        commitments: dealt.commitments.clone(),
        wrapped,
    })
}

fn wrap_share(share: &Share, to: &PublicKey, info: &[u8]) -> Result<WrappedKey, SharesError> {
    let ephemeral: Zeroizing<[u8; 32]> = random_bytes()?;
    let wrapped = hpke::wrap(&share.value.to_bytes(), to.as_bytes(), info, &ephemeral)?;
    Ok(WrappedKey(wrapped))
}

fn deal_info(recipient: &PublicKey, dealer: u8, index: u8, place: &Place) -> Vec<u8> {
    let context = ShareContext::<Account>::Deal {
        asset: place.asset,
        ciphertext: place.ciphertext,
        dealing: place.dealing,
        dealer,
        index,
    };
    info(&place.genesis, recipient.as_bytes(), &context)
}

fn release_info(index: u8, to: &To, place: &Place) -> Vec<u8> {
    let context = ShareContext::Release {
        asset: place.asset,
        ciphertext: place.ciphertext,
        dealing: place.dealing,
        index,
        recipient: to.recipient,
        account: to.account,
    };
    info(&place.genesis, to.key.as_bytes(), &context)
}

fn random_secret() -> Result<Secret, RandomnessError> {
    let bytes: Zeroizing<[u8; 64]> = random_bytes()?;
    Ok(Secret::from_uniform_bytes(&bytes))
}

fn random_coefficients(shape: Shape) -> Result<Vec<Secret>, RandomnessError> {
    (1..shape.threshold()).map(|_| random_secret()).collect()
}

fn random_bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, RandomnessError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice())?;
    Ok(bytes)
}
