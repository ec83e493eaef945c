//! Why a provider earns nothing: what stands between its offers and a job.

use std::{collections::BTreeMap, fmt};

use weft_chain::{AccountId, providers::Provider};
use weft_primitives::{AssetId, Balance, view::ProviderStatus};

use crate::amount::Weft;

/// One of the provider's offers, and its competition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferStanding {
    /// The model.
    pub model: AssetId,
    /// Price of one token.
    pub ask_per_token: Balance,
    /// Whether the creator has wrapped the key for the device.
    pub keyed: bool,
    /// Whether jobs can be posted on the model.
    pub model_listed: bool,
    /// The lowest price of others who could be matched now.
    pub lowest_of_others: Option<Balance>,
}

/// What is known on the device alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The device's account.
    pub device: AccountId,
    /// Whether it was paused by hand.
    pub held: bool,
    /// Why models are not ready.
    pub not_ready: BTreeMap<AssetId, String>,
}

/// Something that keeps jobs away. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The account is no provider.
    NotRegistered,
    /// The registered device is another one.
    OtherDevice(AccountId),
    /// Too little stake.
    Understaked {
        /// Bonded.
        stake: Balance,
        /// Needed.
        minimum: Balance,
    },
    /// Nothing is offered.
    NoOffers,
    /// The creator has not wrapped the key.
    NoKey(AssetId),
    /// The model is retired.
    Retired(AssetId),
    /// The device could not fetch or load it.
    NotReady {
        /// The model.
        model: AssetId,
        /// Why.
        reason: String,
    },
    /// Others are cheaper.
    Dearer {
        /// The model.
        model: AssetId,
        /// Own price.
        ask: Balance,
        /// Theirs.
        lowest: Balance,
    },
    /// Paused by hand from this home.
    Held,
    /// Paused: the worker does not run, or its models are not ready.
    Paused,
    /// Paused by the chain.
    PausedAfterMiss,
    /// All slots are taken: this is work, not lack of it.
    Full(u16),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered => f.write_str("not registered: run `weft provider register`"),
            Self::OtherDevice(device) => {
                write!(f, "the registered device is {device}, not this one: run from its --home")
            },
            Self::Understaked { stake, minimum } => write!(
                f,
                "{} of stake is bonded and {} are needed: run `weft provider bond`",
                Weft(*stake),
                Weft(*minimum)
            ),
            Self::NoOffers => f.write_str("no model is offered: run `weft provider offer`"),
            Self::NoKey(model) => write!(
                f,
                "the key of model {model} is not here yet: `weft creator serve` of its owner must run, or custodians release it after `weft provider offer`"
            ),
            Self::Retired(model) => write!(f, "model {model} is retired: offer another one"),
            Self::NotReady { model, reason } => write!(f, "model {model} is not ready on this device: {reason}"),
            Self::Dearer { model, ask, lowest } => write!(
                f,
                "others do model {model} from {} a token and you ask {}: jobs go to the cheapest first",
                Weft(*lowest),
                Weft(*ask)
            ),
            Self::Held => f.write_str("paused by hand: run `weft provider resume`"),
            Self::Paused => f.write_str("paused: `weft provider run` resumes once all offered models are loaded"),
            Self::PausedAfterMiss => f.write_str(
                "paused by the chain because a deadline was missed: check the device, then restart `weft provider run` or run `weft provider resume`",
            ),
            Self::Full(busy) => write!(f, "all slots are taken ({busy} jobs at work)"),
        }
    }
}

/// All obstacles, the ones to remove first in front. Empty if the provider can be matched on every offer and nobody is
/// cheaper by more than a price level.
pub fn obstacles(
    provider: Option<&Provider>,
    here: &Here,
    offers: &[OfferStanding],
    minimum_stake: Balance,
) -> Vec<Obstacle> {
    let Some(provider) = provider else {
        return vec![Obstacle::NotRegistered];
    };
    let mut found = Vec::new();
    if provider.device != here.device {
        found.push(Obstacle::OtherDevice(provider.device));
    }
    if provider.stake < minimum_stake {
        found.push(Obstacle::Understaked {
            stake: provider.stake,
            minimum: minimum_stake,
        });
    }
    if offers.is_empty() {
        found.push(Obstacle::NoOffers);
    }
    for offer in offers {
        if !offer.model_listed {
            found.push(Obstacle::Retired(offer.model));
        } else if !offer.keyed {
            found.push(Obstacle::NoKey(offer.model));
        } else if let Some(reason) = here.not_ready.get(&offer.model) {
            found.push(Obstacle::NotReady {
                model: offer.model,
                reason: reason.clone(),
            });
        }
    }
    match provider.status {
        _ if here.held => found.push(Obstacle::Held),
        ProviderStatus::Paused => found.push(Obstacle::Paused),
        ProviderStatus::PausedAfterMiss => found.push(Obstacle::PausedAfterMiss),
        ProviderStatus::Full => found.push(Obstacle::Full(provider.busy)),
        ProviderStatus::Available | ProviderStatus::Understaked => {}
    }
    for offer in offers {
        if let Some(lowest) = offer.lowest_of_others
            && weft_primitives::price::level(lowest) < weft_primitives::price::level(offer.ask_per_token)
        {
            found.push(Obstacle::Dearer {
                model: offer.model,
                ask: offer.ask_per_token,
                lowest,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: AccountId = AccountId([1; 32]);

    fn provider(status: ProviderStatus) -> Provider {
        Provider {
            owner: AccountId([2; 32]),
            device: DEVICE,
            encryption_key: [0; 32],
            endpoint: vec![],
            capacity: 1,
            busy: 1,
            status,
            stake: 100,
            unbonding: 0,
            score_ppm: 0,
            completed: 0,
            missed: 0,
            declined: 0,
            refuted: 0,
            seized: 0,
            offers: vec![4],
        }
    }

    fn offer() -> OfferStanding {
        OfferStanding {
            model: 4,
            ask_per_token: 100,
            keyed: true,
            model_listed: true,
            lowest_of_others: None,
        }
    }

    fn here() -> Here {
        Here {
            device: DEVICE,
            held: false,
            not_ready: BTreeMap::new(),
        }
    }

    #[test]
    fn a_provider_in_order_has_no_obstacles() {
        let provider = provider(ProviderStatus::Available);
        assert_eq!(obstacles(Some(&provider), &here(), &[offer()], 100), []);
    }

    #[test]
    fn each_obstacle_is_named() {
        let of = |provider: Provider, offer: OfferStanding| obstacles(Some(&provider), &here(), &[offer], 100);
        let available = || provider(ProviderStatus::Available);
        assert_eq!(obstacles(None, &here(), &[], 100), [Obstacle::NotRegistered]);
        assert_eq!(obstacles(Some(&available()), &here(), &[], 100), [Obstacle::NoOffers]);
        assert_eq!(
            of(
                Provider {
                    stake: 99,
                    ..available()
                },
                offer()
            ),
            [Obstacle::Understaked {
                stake: 99,
                minimum: 100
            }]
        );
        assert_eq!(
            of(
                available(),
                OfferStanding {
                    keyed: false,
                    ..offer()
                }
            ),
            [Obstacle::NoKey(4)]
        );
        assert_eq!(
            of(
                available(),
                OfferStanding {
                    model_listed: false,
                    ..offer()
                }
            ),
            [Obstacle::Retired(4)]
        );
        assert_eq!(of(provider(ProviderStatus::Paused), offer()), [Obstacle::Paused]);
        assert_eq!(
            of(provider(ProviderStatus::PausedAfterMiss), offer()),
            [Obstacle::PausedAfterMiss]
        );
        assert_eq!(of(provider(ProviderStatus::Full), offer()), [Obstacle::Full(1)]);
        assert_eq!(
            obstacles(
                Some(&provider(ProviderStatus::Paused)),
                &Here { held: true, ..here() },
                &[offer()],
                100
            ),
            [Obstacle::Held]
        );
        let full = Here {
            not_ready: [(4, "the disk is full".to_owned()), (5, "not offered".to_owned())].into(),
            ..here()
        };
        assert_eq!(
            obstacles(Some(&provider(ProviderStatus::Paused)), &full, &[offer()], 100),
            [
                Obstacle::NotReady {
                    model: 4,
                    reason: "the disk is full".to_owned()
                },
                Obstacle::Paused
            ]
        );
        let elsewhere = AccountId([9; 32]);
        assert_eq!(
            of(
                Provider {
                    device: elsewhere,
                    ..available()
                },
                offer()
            ),
            [Obstacle::OtherDevice(elsewhere)]
        );
    }

    #[test]
    fn a_slightly_higher_price_is_no_obstacle_as_matching_does_not_see_it() {
        let against = |lowest| {
            obstacles(
                Some(&provider(ProviderStatus::Available)),
                &here(),
                &[OfferStanding {
                    lowest_of_others: Some(lowest),
                    ..offer()
                }],
                100,
            )
        };
        assert_eq!(against(98), []);
        assert_eq!(
            against(50),
            [Obstacle::Dearer {
                model: 4,
                ask: 100,
                lowest: 50
            }]
        );
    }
}
