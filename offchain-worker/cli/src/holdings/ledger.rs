//! Who holds which roots, and which of them go. Knows neither disk nor chain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use weft_primitives::{AssetId, ContentId, pieces::PinDealId};

/// An account's bytes.
pub type Account = [u8; 32];

/// For what roots are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A publication that is not on the chain yet, or was cut off.
    Publishing,
    /// An asset that was published from here.
    Asset(AssetId),
    /// A deal that pays this account for keeping them.
    Deal(PinDealId, Account),
    /// An asset that was bought, or fetched to be opened, by this account.
    Bought(AssetId, Account),
    /// Somebody who pinned them by hand, or before this was written down.
    Other,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publishing => f.write_str("publishing"),
            Self::Asset(asset) => write!(f, "asset:{asset}"),
            Self::Deal(deal, of) => write!(f, "deal:{deal}:{}", hex::encode(of)),
            Self::Bought(asset, of) => write!(f, "bought:{asset}:{}", hex::encode(of)),
            Self::Other => f.write_str("other"),
        }
    }
}

impl FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.parse().map_err(drop);
        let numbered = |text: &str| {
            let (number, account) = text.split_once(':').ok_or(())?;
            let mut of = Account::default();
            hex::decode_to_slice(account, &mut of).map_err(drop)?;
            Ok((number.parse().map_err(drop)?, of))
        };
        match text.split_once(':') {
            None if text == "publishing" => Ok(Self::Publishing),
            None if text == "other" => Ok(Self::Other),
            Some(("asset", asset)) => Ok(Self::Asset(number(asset)?)),
            Some(("deal", rest)) => numbered(rest).map(|(deal, of)| Self::Deal(deal, of)),
            Some(("bought", rest)) => numbered(rest).map(|(asset, of)| Self::Bought(asset, of)),
            _ => Err(()),
        }
    }
}

/// Holders and the roots of what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    held: BTreeMap<Holder, BTreeSet<ContentId>>,
}

impl Ledger {
    /// Has `holder` hold these, too.
    pub fn hold(&mut self, holder: Holder, roots: impl IntoIterator<Item = ContentId>) {
        let held = self.held.entry(holder).or_default();
        held.extend(roots);
    }

    /// Has `holder` hold these no longer.
    pub fn let_go(&mut self, holder: Holder, roots: &[ContentId]) {
        if let Some(held) = self.held.get_mut(&holder) {
            held.retain(|root| !roots.contains(root));
            if held.is_empty() {
                self.held.remove(&holder);
            }
        }
    }

    /// Whether anybody holds it.
    pub fn knows(&self, root: &ContentId) -> bool {
        self.holders_of(root).next().is_some()
    }

    /// Who holds it.
    pub fn holders_of<'a>(&'a self, root: &'a ContentId) -> impl Iterator<Item = Holder> + 'a {
        let holds = |(holder, roots): (&Holder, &BTreeSet<ContentId>)| roots.contains(root).then_some(*holder);
        self.held.iter().filter_map(holds)
    }

    /// Who holds something.
    pub fn holders(&self) -> impl Iterator<Item = Holder> + '_ {
        self.held.keys().copied()
    }

    /// What goes if `ended` need nothing any more: the roots that they hold and nobody else does. What was pinned by hand
    /// never ends.
    pub fn goes(&self, ended: &BTreeSet<Holder>) -> BTreeSet<ContentId> {
        let has_ended = |holder: &Holder| *holder != Holder::Other && ended.contains(holder);
        let (gone, kept): (Vec<_>, Vec<_>) = self.held.iter().partition(|(holder, _)| has_ended(holder));
        let roots = |held: Vec<(&Holder, &BTreeSet<ContentId>)>| -> BTreeSet<ContentId> {
            held.into_iter().flat_map(|(_, roots)| roots).copied().collect()
        };
        let kept = roots(kept);
        roots(gone).difference(&kept).copied().collect()
    }

    /// Forgets those who need nothing any more.
    pub fn end(&mut self, ended: &BTreeSet<Holder>) {
        self.held
            .retain(|holder, _| *holder == Holder::Other || !ended.contains(holder));
    }

    /// Reads what [`Ledger`]'s `Display` wrote; the error is the first line that it did not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut ledger = Self::default();
        for line in text.lines() {
            let damaged = || line.chars().take(100).collect::<String>();
            let mut words = line.split(' ');
            let holder = words.next().and_then(|word| word.parse().ok()).ok_or_else(damaged)?;
            for word in words {
                ledger.hold(holder, [word.parse().map_err(|_| damaged())?]);
            }
        }
        Ok(ledger)
    }
}

impl fmt::Display for Ledger {
    /// A line for each holder, with the roots.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (holder, roots) in &self.held {
            write!(f, "{holder}")?;
            for root in roots {
                write!(f, " {root}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_primitives::ContentCodec;

    fn root(byte: u8) -> ContentId {
        ContentId {
            codec: if byte.is_multiple_of(2) {
                ContentCodec::DagPb
            } else {
                ContentCodec::Raw
            },
            sha256: [byte; 32],
        }
    }

    fn holder() -> impl Strategy<Value = Holder> {
        prop_oneof![
            Just(Holder::Publishing),
            Just(Holder::Other),
            (0u64..4).prop_map(Holder::Asset),
            (0u64..3, 0u8..2).prop_map(|(deal, of)| Holder::Deal(deal, [of; 32])),
            (0u64..3, 0u8..2).prop_map(|(asset, of)| Holder::Bought(asset, [of; 32])),
        ]
    }

    fn ledger() -> impl Strategy<Value = Ledger> {
        let entries = proptest::collection::vec((holder(), proptest::collection::vec(0u8..12, 1..4)), 0..12);
        entries.prop_map(|entries| {
            let mut ledger = Ledger::default();
            for (holder, roots) in entries {
                ledger.hold(holder, roots.into_iter().map(root));
            }
            ledger
        })
    }

    proptest! {
        #[test]
        fn exactly_what_nobody_else_holds_goes(ledger in ledger(), ended in proptest::collection::btree_set(holder(), 0..8)) {
            let goes = ledger.goes(&ended);
            for byte in 0..12 {
                let root = root(byte);
                let holders: Vec<_> = ledger.held.iter().filter(|(_, roots)| roots.contains(&root)).map(|(holder, _)| *holder).collect();
                let is_needed = holders.iter().any(|holder| *holder == Holder::Other || !ended.contains(holder));
                prop_assert_eq!(goes.contains(&root), !holders.is_empty() && !is_needed);
            }
            // Who has ended is forgotten, what is still needed is still known, and nothing goes twice.
            let mut after = ledger.clone();
            after.end(&ended);
            prop_assert!(goes.iter().all(|root| !after.knows(root)));
            prop_assert!(after.goes(&ended).is_empty());
            let kept = ledger.held.values().flatten().filter(|root| !goes.contains(*root));
            for root in kept {
                prop_assert!(after.knows(root));
            }
        }

        #[test]
        fn whoever_ends_first_the_same_goes_in_the_end(ledger in ledger(), ended in proptest::collection::btree_set(holder(), 0..8)) {
            let at_once = ledger.goes(&ended);
            let mut after = ledger;
            let mut one_by_one = BTreeSet::new();
            for holder in &ended {
                let one = BTreeSet::from([*holder]);
                one_by_one.extend(after.goes(&one));
                after.end(&one);
            }
            prop_assert_eq!(one_by_one, at_once);
        }

        #[test]
        fn ledgers_are_read_as_they_were_written(ledger in ledger()) {
            prop_assert_eq!(Ledger::parse(&ledger.to_string()), Ok(ledger));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = Ledger::parse(&text);
        }
    }

    #[test]
    fn what_a_holder_lets_go_is_not_its_any_more() {
        let mut ledger = Ledger::default();
        ledger.hold(Holder::Publishing, [root(1), root(2)]);
        ledger.let_go(Holder::Publishing, &[root(1)]);
        assert!(!ledger.knows(&root(1)) && ledger.knows(&root(2)));
        ledger.let_go(Holder::Publishing, &[root(2)]);
        assert_eq!(ledger, Ledger::default());
    }
}
