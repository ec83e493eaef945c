//! When a committee is to be changed, and when it is given up because it cannot be: the pallet's own conditions, so that no
//! call is made, and no fee paid, that it would refuse.

/// Blocks between the moments at which the members of a committee that is old have it changed: the first who runs does, and the
/// others pay no fee.
const TURN: u32 = 20;

/// What there is to do about a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing, now.
    Nothing,
    /// Have another one drawn.
    Rotate,
    /// Have the key given back to its owner.
    Dissolve,
}

/// What of the chain is the same for all keys. It is read once a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    /// How many custodians can be drawn.
    pub drawable: u32,
    /// Since which block this custodian cannot be; `None` if it can.
    pub out_since: Option<u32>,
    /// `RotationPeriod`, in blocks.
    pub period: u32,
}

/// A committee that has shares and is not being changed.
#[derive(Clone, Copy, Debug)]
pub struct Committee {
    /// This custodian's place, from 1.
    pub index: u8,
    /// How many members it has.
    pub custodians: u8,
    /// Since which block it has its shares.
    pub since: u32,
    /// Whether one of its members cannot be drawn any more.
    pub is_one_gone: bool,
    /// No other is drawn before this block.
    pub paused_until: u32,
    /// Whether the last one that was drawn could not take over.
    pub has_failed: bool,
}

impl Pool {
    /// Whether it is old, and this member's turn to have it changed.
    fn is_old(&self, committee: &Committee, now: u32) -> bool {
        let turn = TURN.saturating_mul(u32::from(committee.index).saturating_sub(1));
        now >= committee.since.saturating_add(self.period).saturating_add(turn)
    }

    /// What there is to do about a committee in block `now`.
    pub fn due(&self, committee: &Committee, now: u32) -> Due {
        let enough = self.drawable >= committee.custodians.into();
        // Who waits to be let go does it for itself; as long as it is not it who waits, the owner's key stays where it is.
        let has_waited = self
            .out_since
            .is_some_and(|since| now >= since.saturating_add(self.period));
        if has_waited && (committee.has_failed || !enough) {
            return Due::Dissolve;
        }
        if enough && now >= committee.paused_until && (committee.is_one_gone || self.is_old(committee, now)) {
            return Due::Rotate;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: Pool = Pool {
        drawable: 9,
        out_since: None,
        period: 1000,
    };
    const COMMITTEE: Committee = Committee {
        index: 1,
        custodians: 5,
        since: 100,
        is_one_gone: false,
        paused_until: 0,
        has_failed: false,
    };

    #[test]
    fn a_committee_is_changed_when_it_is_old() {
        assert_eq!(POOL.due(&COMMITTEE, 1099), Due::Nothing);
        assert_eq!(POOL.due(&COMMITTEE, 1100), Due::Rotate);
    }

    #[test]
    fn its_members_take_turns_at_it() {
        let third = Committee { index: 3, ..COMMITTEE };
        assert_eq!(POOL.due(&third, 1139), Due::Nothing);
        assert_eq!(POOL.due(&third, 1140), Due::Rotate);
    }

    #[test]
    fn it_is_changed_at_once_when_a_member_is_gone() {
        let committee = Committee {
            index: 5,
            is_one_gone: true,
            ..COMMITTEE
        };
        assert_eq!(POOL.due(&committee, 101), Due::Rotate);
    }

    #[test]
    fn nothing_is_tried_that_the_chain_would_refuse() {
        let committee = Committee {
            is_one_gone: true,
            paused_until: 500,
            ..COMMITTEE
        };
        assert_eq!(POOL.due(&committee, 499), Due::Nothing);
        assert_eq!(POOL.due(&committee, 500), Due::Rotate);
        let few = Pool { drawable: 4, ..POOL };
        assert_eq!(few.due(&committee, 500), Due::Nothing);
        assert_eq!(few.due(&COMMITTEE, 9999), Due::Nothing);
    }

    #[test]
    fn who_has_waited_is_let_go_only_if_the_committee_cannot_be_changed() {
        let waiting = Pool {
            out_since: Some(200),
            ..POOL
        };
        let gone = Committee {
            is_one_gone: true,
            ..COMMITTEE
        };
        assert_eq!(waiting.due(&gone, 1200), Due::Rotate, "others can be drawn");
        let failed = Committee {
            has_failed: true,
            ..gone
        };
        assert_eq!(
            waiting.due(&failed, 1199),
            Due::Rotate,
            "another try, before it has waited"
        );
        assert_eq!(waiting.due(&failed, 1200), Due::Dissolve);
        let few = Pool { drawable: 4, ..waiting };
        assert_eq!(few.due(&gone, 1199), Due::Nothing);
        assert_eq!(few.due(&gone, 1200), Due::Dissolve);
        assert_eq!(POOL.due(&failed, 1200), Due::Rotate, "this custodian does not wait");
    }
}
