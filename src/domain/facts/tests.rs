//! Each rule of contract §4 that concerns records, as a table.

use super::*;
use crate::domain::sample::{minute, record};
use State::{Deleted, Expired, Failed, Other, Running, Succeeded, Waiting};

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn of(records: &[Record]) -> RecordFacts {
    RecordFacts::of(records)
}

#[test]
fn no_records_no_facts_but_counts() {
    let facts = of(&[]);
    assert_eq!(facts, RecordFacts::default());
    assert!(State::OF_BACKUPS.into_iter().all(|state| facts.records_in(state) == 0));
    assert_eq!((facts.progress.count, facts.restorable.count, facts.restorable.bytes), (0, 0, Some(0)));
    assert!(facts.failures_within(Duration::MAX, minute(0)).is_empty());
}

#[test]
fn when_the_newest_success_was_complete() {
    for (what, records, expected) in [
        ("its last update", vec![record("a", Succeeded, 0).begun(1).updated(9)], Some(9)),
        ("its beginning where the end is unknown", vec![record("a", Succeeded, 0).begun(1)], Some(1)),
        ("its request where all else is unknown", vec![record("a", Succeeded, 0)], Some(0)),
        ("an expired one by its beginning", vec![record("a", Expired, 0).begun(1).updated(900)], Some(1)),
        ("an expired one by its request", vec![record("a", Expired, 0).updated(900)], Some(0)),
        ("a deleted one by its beginning", vec![record("a", Deleted, 0).begun(1).updated(900)], Some(1)),
        ("no expired one with an error", vec![record("a", Expired, 0).begun(1).code(ErrorCode::Other)], None),
        ("no deleted one with an error", vec![record("a", Deleted, 0).code(ErrorCode::TimedOut)], None),
        (
            "one that succeeded in spite of its code",
            vec![record("a", Succeeded, 0).updated(9).code(ErrorCode::Other)],
            Some(9),
        ),
        ("no failed one", vec![record("a", Failed, 0).updated(9)], None),
        ("none in progress", vec![record("a", Waiting, 0).updated(9), record("b", Running, 1).updated(9)], None),
        ("none of unknown state", vec![record("a", Other, 0).updated(9)], None),
        (
            "the newest end, not the newest request",
            vec![record("a", Succeeded, 0).updated(90), record("b", Succeeded, 5).updated(9)],
            Some(90),
        ),
        (
            "a good one that still exists over an expired one, its late update notwithstanding",
            vec![record("a", Succeeded, 50).begun(50).updated(60), record("b", Expired, 0).begun(1).updated(900)],
            Some(60),
        ),
        (
            "a newer failure changes nothing",
            vec![record("a", Succeeded, 0).updated(9), record("b", Failed, 20).updated(25)],
            Some(9),
        ),
    ] {
        assert_eq!(of(&records).last_success.map(|success| success.at), expected.map(minute), "{what}");
    }
}

#[test]
fn how_long_the_newest_success_took() {
    for (what, record, expected) in [
        ("from its beginning", record("a", Succeeded, 0).begun(2).updated(9), Some(7)),
        ("from its request", record("a", Succeeded, 0).updated(9), Some(9)),
        ("no time", record("a", Succeeded, 0).begun(9).updated(9), Some(0)),
        ("less than no time", record("a", Succeeded, 0).begun(10).updated(9), None),
        ("an end before the request", record("a", Succeeded, 10).updated(9), None),
        ("no end", record("a", Succeeded, 0).begun(2), None),
        ("expired", record("a", Expired, 0).begun(2).updated(9), None),
        ("deleted", record("a", Deleted, 0).begun(2).updated(9), None),
    ] {
        let success = of(&[record]).last_success.unwrap();
        assert_eq!(success.duration, expected.map(minutes), "{what}");
    }
}

#[test]
fn the_newest_success_brings_its_own_size_and_kind() {
    let old = record("a", Succeeded, 0).updated(5).size(7).kind(BackupType::Auto).format(BackupFormat::Aof);
    let new = record("b", Succeeded, 10).updated(15);
    let success = of(&[old.clone(), new.clone()]).last_success.unwrap();
    assert_eq!((success.size_bytes, success.backup_type, success.backup_format), (None, None, None));
    let new = new.size(0).kind(BackupType::Manual).format(BackupFormat::Rdb);
    let success = of(&[new, old]).last_success.unwrap();
    assert_eq!(success.size_bytes, Some(0));
    assert_eq!((success.backup_type, success.backup_format), (Some(BackupType::Manual), Some(BackupFormat::Rdb)));
}

#[test]
fn ages_are_never_negative() {
    let success = of(&[record("a", Succeeded, 0).updated(9)]).last_success.unwrap();
    assert_eq!(success.age(minute(10)), minutes(1));
    assert_eq!(success.age(minute(9)), Duration::ZERO);
    assert_eq!(success.age(minute(8)), Duration::ZERO, "the cloud's clock is ahead of ours");
    assert_eq!(success.age(Timestamp::MIN), Duration::ZERO);
    assert!(success.age(Timestamp::MAX) > Duration::ZERO);
}

#[test]
fn the_newest_attempt_of_any_state() {
    for state in State::OF_BACKUPS {
        let facts = of(&[record("a", state, 3).begun(40).updated(50), record("b", Succeeded, 2).updated(99)]);
        assert_eq!(facts.last_attempt_at, Some(minute(3)), "{state:?}");
    }
}

#[test]
fn how_the_newest_finished_one_ended() {
    let (well, badly) = (Some(Outcome::Succeeded), Some(Outcome::Failed));
    for (what, records, expected) in [
        ("well", vec![record("a", Failed, 0), record("b", Succeeded, 1)], well),
        ("badly", vec![record("a", Succeeded, 0), record("b", Failed, 1)], badly),
        (
            "by request, not by end",
            vec![record("a", Succeeded, 0).updated(90), record("b", Failed, 5).updated(9)],
            badly,
        ),
        ("one in progress is not finished", vec![record("a", Failed, 0), record("b", Running, 1)], badly),
        ("one of unknown state is not finished", vec![record("a", Succeeded, 0), record("b", Other, 1)], well),
        ("an expired one was good", vec![record("a", Failed, 0), record("b", Expired, 1)], well),
        ("a deleted one was good", vec![record("a", Failed, 0), record("b", Deleted, 1)], well),
        (
            "an expired one with an error was not",
            vec![record("a", Succeeded, 0), record("b", Expired, 1).code(ErrorCode::TimedOut)],
            badly,
        ),
        ("at the same moment the greater id", vec![record("b", Failed, 0), record("a", Succeeded, 0)], badly),
        ("at the same moment the greater id again", vec![record("b", Succeeded, 0), record("a", Failed, 0)], well),
        ("only waiting", vec![record("a", Waiting, 0)], None),
        ("only unknown", vec![record("a", Other, 0), record("b", Other, 1)], None),
    ] {
        assert_eq!(of(&records).last_outcome, expected, "{what}");
    }
}

#[test]
fn the_newest_failure_is_the_one_that_ended_last() {
    let busy = ErrorCode::InstanceBusy;
    let facts = of(&[
        record("a", Failed, 0).updated(30).code(busy),
        record("b", Failed, 10).updated(20).code(ErrorCode::TimedOut),
        record("c", Failed, 5),
        record("d", Succeeded, 50).updated(60),
    ]);
    assert_eq!(facts.last_failure, Some(Failure { at: minute(30), error_code: Some(busy) }));
    let ends: Vec<_> = facts.failures.iter().map(|failure| failure.at).collect();
    assert_eq!(ends, [minute(5), minute(20), minute(30)], "oldest first; without an end, the request");
    assert_eq!(of(&[record("d", Succeeded, 50)]).last_failure, None);
    assert_eq!(of(&[record("a", Failed, 0)]).last_failure.unwrap().error_code, None);
}

#[test]
fn failures_count_by_code_within_the_look_back_window() {
    let facts = of(&[
        record("a", Failed, 0).updated(10).code(ErrorCode::TimedOut),
        record("b", Failed, 0).updated(20).code(ErrorCode::TimedOut),
        record("c", Failed, 0).updated(20).code(ErrorCode::Other),
        record("d", Failed, 0).updated(20),
        record("e", Expired, 0).begun(20).updated(90).code(ErrorCode::InstanceBusy),
        record("f", Succeeded, 0).updated(20).code(ErrorCode::SyncFailed),
        record("g", Expired, 0).begun(20),
        record("h", Running, 0).updated(20).code(ErrorCode::SyncFailed),
    ]);
    let all = BTreeMap::from([("dcs.08.0002", 2), ("dcs.08.0008", 1), ("none", 1), ("other", 1)]);
    let later = BTreeMap::from([("dcs.08.0002", 1), ("dcs.08.0008", 1), ("none", 1), ("other", 1)]);
    let nanosecond = jiff::SignedDuration::from_nanos(1);
    for (what, lookback, now, expected) in [
        ("the window's first moment counts", minutes(10), minute(20), &all),
        ("a nanosecond later it does not", minutes(10), minute(20) + nanosecond, &later),
        ("the last moment counts", Duration::ZERO, minute(20), &later),
        ("all are over", minutes(10), minute(31), &BTreeMap::new()),
        ("the cloud's clock is ahead of ours", minutes(10), minute(5), &all),
        ("a window without end", Duration::MAX, minute(20), &all),
    ] {
        assert_eq!(&facts.failures_within(lookback, now), expected, "{what}");
    }
}

#[test]
fn records_are_counted_by_state() {
    let facts = of(&[record("a", Waiting, 0), record("b", Other, 0), record("c", Other, 1), record("d", Deleted, 1)]);
    let counts = State::OF_BACKUPS.map(|state| facts.records_in(state));
    assert_eq!(counts, [1, 0, 0, 0, 0, 1, 2]);
}

#[test]
fn what_can_be_restored_and_how_far_back_one_can_go() {
    let slip = record("a", Succeeded, 0).begun(1440).updated(9).size(5);
    let good = record("b", Succeeded, 20).begun(21).updated(29).size(7).restorable(true);
    let barred = record("c", Succeeded, 40).begun(41).updated(49).size(100).restorable(false);
    let gone = record("d", Expired, -50).begun(-49).updated(9).size(100);
    let facts = of(&[slip.clone(), good.clone(), barred.clone(), gone.clone()]);
    assert_eq!(
        facts.restorable,
        Restorable { count: 2, bytes: Some(12), oldest_at: Some(minute(0)), newest_at: Some(minute(21)) }
    );
    assert_eq!(of(&[barred, gone]).restorable, Restorable::default(), "none: a count and a sum of 0");
    let sizeless = Record { size_bytes: None, ..slip };
    let facts = of(&[sizeless, good.clone()]);
    assert_eq!((facts.restorable.count, facts.restorable.bytes), (2, None), "a sum with a hole is not known");
    let huge = record("e", Succeeded, 0).size(u64::MAX);
    assert_eq!(of(&[huge, good]).restorable.bytes, Some(u64::MAX));
}

#[test]
fn what_is_in_progress() {
    let waiting = record("a", Waiting, 0).progress(0.0);
    let old = record("b", Running, 5).begun(90).progress(0.9);
    let new = record("c", Running, 10).begun(11).progress(0.25);
    let done = record("d", Succeeded, 20).progress(1.0);
    let facts = of(&[waiting.clone(), old.clone(), new.clone(), done.clone()]);
    assert_eq!(
        facts.progress,
        InProgress {
            count: 3,
            oldest_created_at: Some(minute(0)),
            newest_created_at: Some(minute(10)),
            running: Some(super::Running { begun_at: minute(11), progress: Some(0.25) }),
        },
        "the newest by its request"
    );
    let facts = of(&[waiting, done.clone()]);
    assert_eq!((facts.progress.count, facts.progress.oldest_created_at), (1, Some(minute(0))));
    assert_eq!(facts.progress.running, None, "what waits has no progress yet");
    let bare = of(&[record("e", Running, 5)]).progress.running;
    assert_eq!(bare, Some(super::Running { begun_at: minute(5), progress: None }));
    assert_eq!(of(&[done]).progress, InProgress::default());
}

#[test]
fn automatic_backups_are_told_with_their_beginnings() {
    let facts = of(&[
        record("a", Failed, 40).begun(41).updated(49).kind(BackupType::Auto),
        record("b", Waiting, 30).kind(BackupType::Auto),
        record("c", Other, 20).kind(BackupType::Auto),
        record("d", Succeeded, 0).kind(BackupType::Manual),
        record("e", Succeeded, 0).kind(BackupType::Other),
        record("f", Succeeded, 0),
    ]);
    let expected = [(20, false), (30, false), (41, true)];
    assert_eq!(facts.automatic, expected.map(|(at, finished)| AutomaticBackup { begun_at: minute(at), finished }));
}

#[test]
fn a_success_is_remembered_until_a_later_one() {
    let alive = record("a", Succeeded, 0).begun(1).updated(9).size(5);
    let first = of(std::slice::from_ref(&alive));
    let known = first.last_success.clone().unwrap();
    for (what, records) in [
        ("vanished", vec![]),
        ("expired, its time moved", vec![Record { state: Expired, ..alive.clone().updated(900) }]),
        ("deleted, its size gone", vec![Record { state: Deleted, size_bytes: None, ..alive.clone() }]),
        ("only an older one is left", vec![record("b", Succeeded, -90).updated(-80).size(3)]),
        ("the same", vec![alive.clone()]),
    ] {
        assert_eq!(of(&records).remembering(Some(&known)).last_success.as_ref(), Some(&known), "{what}");
    }
    let newer = of(&[record("c", Succeeded, 10).updated(12)]).remembering(Some(&known)).last_success.unwrap();
    assert_eq!((newer.at, newer.size_bytes), (minute(12), None), "nothing of the older one is mixed in");
    assert_eq!(first.clone().remembering(None), first);

    let resized = of(&[alive.clone().size(6)]).remembering(Some(&known)).last_success.unwrap();
    assert_eq!(resized.size_bytes, Some(6), "the same moment: the present answer knows better");
    let instant = record("d", Succeeded, 20).begun(20).updated(20);
    let known = of(std::slice::from_ref(&instant)).last_success.unwrap();
    let expired = of(&[Record { state: Expired, ..instant }]).remembering(Some(&known)).last_success.unwrap();
    assert_eq!(expired.duration, Some(Duration::ZERO), "it took no time, and still did after it expired");
}

#[test]
fn remembering_touches_the_newest_success_alone() {
    let known = of(&[record("a", Succeeded, 0).updated(9).size(5)]).last_success;
    let present = of(&[record("b", Failed, 20).updated(25), record("c", Running, 30)]);
    let mut expected = present.clone();
    expected.last_success.clone_from(&known);
    assert_eq!(present.remembering(known.as_ref()), expected);
}
