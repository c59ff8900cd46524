//! What holds of any records at all, sensible or not.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::sample::{any_record, minute, record};

/// An answer as pages that shift while they are read bring it: in any order, some records twice or changed.
fn answer() -> impl Strategy<Value = Vec<Record>> {
    vec(any_record(), 0..24)
}

fn facts_of(records: &[Record]) -> RecordFacts {
    RecordFacts::of(&newest_of_each(records.iter().cloned()))
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing(
        (records, shuffled) in (answer(), vec(any::<prop::sample::Index>(), 0..8)).prop_flat_map(|(records, again)| {
            let mut more = records.clone();
            if !records.is_empty() {
                more.extend(again.iter().map(|index| index.get(&records).clone()));
            }
            (Just(records), Just(more).prop_shuffle())
        })
    ) {
        prop_assert_eq!(newest_of_each(shuffled.clone()), newest_of_each(records.clone()));
        prop_assert_eq!(facts_of(&shuffled), facts_of(&records));
    }

    #[test]
    fn the_order_of_merged_records_changes_nothing(
        (records, shuffled) in answer().prop_flat_map(|records| {
            let merged = newest_of_each(records);
            (Just(merged.clone()), Just(merged).prop_shuffle())
        })
    ) {
        prop_assert_eq!(RecordFacts::of(&shuffled), RecordFacts::of(&records));
    }

    #[test]
    fn one_record_of_each_id_is_kept_and_none_is_made_up(records in answer()) {
        let kept = newest_of_each(records.clone());
        prop_assert!(kept.windows(2).all(|pair| pair[0].id < pair[1].id), "sorted by id, each once");
        prop_assert!(kept.iter().all(|record| records.contains(record)));
        prop_assert!(records.iter().all(|record| kept.iter().any(|known| known.id == record.id)));
        for record in records.iter().filter(|record| record.outcome().is_some()) {
            let known = kept.iter().find(|known| known.id == record.id).unwrap();
            prop_assert!(known.outcome().is_some(), "what was finished is not in progress again");
        }
    }

    #[test]
    fn counts_sum_up(records in answer()) {
        let records = newest_of_each(records);
        let facts = RecordFacts::of(&records);
        let in_states = |states: &[State]| states.iter().map(|state| facts.records_in(*state)).sum::<u64>();
        prop_assert_eq!(in_states(&State::OF_BACKUPS), records.len() as u64);
        prop_assert_eq!(facts.progress.count, in_states(&[State::Waiting, State::Running]));
        prop_assert_eq!(facts.progress.oldest_created_at.is_some(), facts.progress.count > 0);
        prop_assert_eq!(facts.progress.running.is_some(), facts.records_in(State::Running) > 0);
        prop_assert!(facts.restorable.count <= facts.records_in(State::Succeeded));
        prop_assert_eq!(facts.restorable.oldest_at.is_some(), facts.restorable.count > 0);
        prop_assert!(facts.restorable.oldest_at <= facts.restorable.newest_at);

        let failed = facts.failures.len() as u64;
        prop_assert!(failed >= facts.records_in(State::Failed));
        prop_assert!(failed <= in_states(&[State::Failed, State::Expired, State::Deleted]));
        prop_assert_eq!(facts.failures_within(Duration::MAX, Timestamp::MAX).values().sum::<u64>(), failed);
        prop_assert_eq!(facts.last_failure, facts.failures.iter().max_by_key(|failure| failure.at).copied());

        let succeeded = in_states(&[State::Succeeded, State::Expired, State::Deleted])
            - (failed - facts.records_in(State::Failed));
        prop_assert_eq!(facts.last_success.is_some(), succeeded > 0);
        prop_assert_eq!(facts.last_outcome.is_some(), succeeded + failed > 0);
        prop_assert_eq!(facts.last_attempt_at.is_some(), !records.is_empty());
    }

    #[test]
    fn the_newest_success_never_steps_back(answers in vec(vec(any_record(), 0..8), 0..8)) {
        let mut known: Option<LastSuccess> = None;
        let mut newest: Option<Timestamp> = None;
        for records in answers {
            let present = facts_of(&records);
            newest = newest.max(present.last_success.as_ref().map(|success| success.at));
            let remembering = present.clone().remembering(known.as_ref());
            let told = remembering.last_success.clone();
            prop_assert_eq!(told.as_ref().map(|success| success.at), newest);
            prop_assert!(told == known || told == present.last_success, "one or the other, never a mixture");
            prop_assert_eq!(remembering.clone().remembering(told.as_ref()), remembering, "settled at once");
            known = told;
        }
    }

    #[test]
    fn a_wider_window_never_counts_less(
        records in answer(),
        short in 0..3000_u64,
        more in 0..3000_u64,
        now in -10..30_i64,
    ) {
        let facts = facts_of(&records);
        let now = minute(now);
        let (narrow, wide) = (Duration::from_secs(short), Duration::from_secs(short + more));
        let wide = facts.failures_within(wide, now);
        for (code, count) in facts.failures_within(narrow, now) {
            prop_assert!(count > 0, "only codes that occur");
            prop_assert!(count <= wide[code]);
        }
    }

    #[test]
    fn ages_hold_at_the_ends_of_time(records in answer()) {
        if let Some(success) = facts_of(&records).last_success {
            for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                let past = Duration::try_from(now.duration_since(success.at)).ok();
                prop_assert_eq!(success.age(now), past.unwrap_or(Duration::ZERO));
            }
        }
    }
}

#[test]
fn of_two_looks_the_one_furthest_on_is_kept_whichever_came_first() {
    use State::{Deleted, Expired, Failed, Other, Running, Succeeded, Waiting};
    let running = record("a", Running, 0).begun(1).updated(5).progress(0.5);
    for (earlier, later) in [
        (record("a", Waiting, 0).updated(9), running.clone()),
        (running.clone(), running.clone().updated(6)),
        (running.clone(), running.clone().progress(0.75)),
        (running.clone().updated(9), record("a", Succeeded, 0).updated(6)),
        (running.clone().updated(9), record("a", Failed, 0)),
        (record("a", Succeeded, 0).updated(9), record("a", Expired, 0).updated(6)),
        (record("a", Succeeded, 0).updated(9), record("a", Deleted, 0)),
        (record("a", Other, 0).updated(9), record("a", Waiting, 0)),
    ] {
        for looks in [[earlier.clone(), later.clone()], [later.clone(), earlier.clone()]] {
            assert_eq!(newest_of_each(looks), std::slice::from_ref(&later));
        }
    }
}

#[test]
fn looks_that_differ_in_one_field_alone_are_not_decided_by_their_order() {
    let one = record("a", State::Running, 0).begun(1).updated(2).progress(0.1).size(1).restorable(false);
    let one = one.code(ErrorCode::TimedOut).kind(BackupType::Auto).format(BackupFormat::Aof);
    for other in [
        Record { state: State::Failed, ..one.clone() },
        Record { created_at: minute(7), ..one.clone() },
        one.clone().begun(7),
        one.clone().updated(7),
        one.clone().progress(0.7),
        one.clone().size(7),
        one.clone().restorable(true),
        one.clone().code(ErrorCode::Other),
        one.clone().kind(BackupType::Manual),
        one.clone().format(BackupFormat::Rdb),
    ] {
        let there = newest_of_each([one.clone(), other.clone()]);
        assert_eq!(there, newest_of_each([other.clone(), one.clone()]), "{other:?}");
    }
}
