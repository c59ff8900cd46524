//! When a session is obtained anew: pure.
//!
//! A session lives from the moment it was asked for as long as the cloud says, by the cloud's own clock, so that
//! ours may be wrong. It is renewed [`LEAD`] before its end, a short one after three quarters of its life: both the
//! official SDK's 40 minutes and Terraform's 10 are more or less than what sessions of 15 minutes to 24 hours need.
//! After a failure the next attempt waits, the longer the more have failed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::error::ErrorKind;

/// How long before its end a session is renewed at the latest; sessions of less than 80 minutes sooner.
pub(super) const LEAD: Duration = Duration::from_mins(20);
/// While a session is valid, its renewal is tried this often.
pub(super) const RETRY: Duration = Duration::from_mins(1);
/// A longer life is not believed: it is looked at again after so long.
const LONGEST: Duration = Duration::from_hours(30 * 24);
/// The first and the longest pause after what passes by itself, …
const TRANSIENT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// … and after what a person has to mend. IAM locks users after five wrong passwords.
const LASTING: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// The time from obtaining a session of this life to its renewal.
pub(super) fn renew_after(lifetime: Duration) -> Duration {
    lifetime.saturating_sub(LEAD.min(lifetime / 4))
}

/// How long a session lives that ends at `expires_at`, told at `told_at` by the same clock; `assumed` where no end
/// was told. `None` where it has ended already.
pub(super) fn lifetime(expires_at: Option<Timestamp>, told_at: Timestamp, assumed: Duration) -> Option<Duration> {
    let Some(expires_at) = expires_at else { return Some(assumed) };
    let left = expires_at.duration_since(told_at);
    if left <= SignedDuration::ZERO {
        return None;
    }
    Some(Duration::try_from(left).unwrap_or(LONGEST).min(LONGEST))
}

/// The time to the next attempt after so many failures in a row, at least what the cloud asked for. `chance`, from 0
/// to 1, adds up to a tenth; `is_valid`: the present session is in use meanwhile.
pub(super) fn pause(
    kind: ErrorKind,
    failures: u32,
    retry_after: Option<Duration>,
    is_valid: bool,
    chance: f64,
) -> Duration {
    let asked = retry_after.unwrap_or_default();
    let (first, longest) = match kind {
        // Nothing was sent, and it is known how long that stays so.
        ErrorKind::Held => return retry_after.unwrap_or(RETRY),
        _ if is_transient(kind) && is_valid => (RETRY, RETRY),
        _ if is_transient(kind) => TRANSIENT,
        _ => LASTING,
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest);
    doubled.max(asked).mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0)
}

/// So many times in a row a session that has worked is renewed at once because the cloud refused it. What goes on
/// being refused is not mended by a login: one project of several may have a wrong id.
pub(super) const BELIEVED: u32 = 5;

/// How old any other session must be until a refusal is a reason to renew it: 5 minutes, doubled up to an hour once
/// [`BELIEVED`] sessions in a row were refused.
pub(super) fn patience(refusals: u32) -> Duration {
    Duration::from_mins(5).saturating_mul(1 << refusals.saturating_sub(BELIEVED).min(4)).min(Duration::from_hours(1))
}

fn is_transient(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Throttled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn sessions_are_renewed_twenty_minutes_or_a_quarter_before_their_end() {
        for (lifetime, renewed) in [
            (24 * 60 * MINUTE, (24 * 60 - 20) * MINUTE),
            (6 * 60 * MINUTE, 5 * 60 * MINUTE + 40 * MINUTE),
            (80 * MINUTE, 60 * MINUTE),
            (60 * MINUTE, 45 * MINUTE),
            (15 * MINUTE, 11 * MINUTE + 15 * Duration::from_secs(1)),
            (Duration::from_secs(4), Duration::from_secs(3)),
            (Duration::ZERO, Duration::ZERO),
        ] {
            assert_eq!(renew_after(lifetime), renewed, "{lifetime:?}");
        }
    }

    #[test]
    fn lives_count_by_the_clock_that_told_their_end() {
        let told_at: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (expires_at, expected) in [
            (Some("2026-11-21T13:00:00Z"), Some(60 * MINUTE)),
            (Some("2026-11-21T12:00:00Z"), None),
            (Some("2026-11-20T12:00:00Z"), None),
            (Some("9999-12-30T00:00:00Z"), Some(LONGEST)),
            (None, Some(7 * MINUTE)),
        ] {
            let expires_at = expires_at.map(|text| text.parse().unwrap());
            assert_eq!(lifetime(expires_at, told_at, 7 * MINUTE), expected, "{expires_at:?}");
        }
    }

    #[test]
    fn pauses_grow_by_what_has_failed() {
        let seconds = |kind, failures, valid| pause(kind, failures, None, valid, 0.0).as_secs();
        for (kind, valid, expected) in [
            (ErrorKind::Timeout, false, [5, 10, 20, 40, 80, 160, 300, 300]),
            (ErrorKind::Throttled, true, [60; 8]),
            (ErrorKind::BadSignature, false, [60, 120, 240, 480, 960, 1920, 3600, 3600]),
            (ErrorKind::Forbidden, true, [60, 120, 240, 480, 960, 1920, 3600, 3600]),
            (ErrorKind::Held, false, [60; 8]),
        ] {
            for (failures, expected) in (1..).zip(expected) {
                assert_eq!(seconds(kind, failures, valid), expected, "{kind:?} {failures}");
            }
        }
        let asked = |kind, asked| pause(kind, 1, Some(asked), false, 0.0);
        assert_eq!(asked(ErrorKind::Throttled, 20 * MINUTE), 20 * MINUTE);
        assert_eq!(asked(ErrorKind::Forbidden, Duration::from_secs(1)), MINUTE);
        assert_eq!(asked(ErrorKind::Held, 3 * MINUTE), 3 * MINUTE);
    }

    #[test]
    fn refusals_are_believed_ever_less() {
        let minutes: Vec<u64> = (0..12).map(|refusals| patience(refusals).as_secs() / 60).collect();
        assert_eq!(minutes, [5, 5, 5, 5, 5, 5, 10, 20, 40, 60, 60, 60]);
    }

    proptest! {
        #[test]
        fn renewal_lies_within_the_last_quarter_and_the_last_twenty_minutes(seconds in 1_u64..100_000_000) {
            let lifetime = Duration::from_secs(seconds);
            let renewed = renew_after(lifetime);
            prop_assert!(renewed < lifetime && renewed >= lifetime.mul_f64(0.7499));
            prop_assert!(lifetime <= renewed + LEAD);
        }

        #[test]
        fn no_pause_is_shorter_than_asked_nor_endless(
            failures in 0_u32..=u32::MAX, asked in 0_u64..3600, chance in 0.0_f64..1.0, valid: bool,
        ) {
            let asked = Duration::from_secs(asked);
            for kind in [ErrorKind::Connection, ErrorKind::Unauthorized, ErrorKind::Decode, ErrorKind::Held] {
                let pause = pause(kind, failures, Some(asked), valid, chance);
                prop_assert!(pause >= asked && pause <= Duration::from_mins(66), "{kind:?} {pause:?}");
            }
        }
    }
}
