//! Wrong secrets in a row, and the lock that follows: keys of the gateway and users of IAM have the same rule.

use jiff::{SignedDuration, Timestamp};

/// So many failures in a row lock.
const FAILURES_TO_LOCK: u32 = 5;

/// What has been seen of a key or user.
#[derive(Debug, Default)]
pub(super) struct Lockout {
    failures_in_a_row: u32,
    locked_until: Option<Timestamp>,
}

impl Lockout {
    /// Whether right secrets are refused too.
    pub(super) fn locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// A secret was right.
    pub(super) fn forgive(&mut self) {
        *self = Self::default();
    }

    /// A secret was wrong; the fifth in a row locks for so long.
    pub(super) fn fail(&mut self, now: Timestamp, locks_for: SignedDuration) {
        self.failures_in_a_row += 1;
        if self.failures_in_a_row >= FAILURES_TO_LOCK {
            *self = Self { failures_in_a_row: 0, locked_until: now.checked_add(locks_for).ok() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_in_a_row_locks_for_a_while() {
        let (now, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_mins(1));
        let mut lockout = Lockout::default();
        (0..4).for_each(|_| lockout.fail(now, minute));
        lockout.forgive();
        (0..4).for_each(|_| lockout.fail(now, minute));
        assert!(!lockout.locked(now));
        lockout.fail(now, minute);
        assert!(lockout.locked(now) && lockout.locked(now + minute - SignedDuration::from_nanos(1)));
        assert!(!lockout.locked(now + minute));
    }
}
