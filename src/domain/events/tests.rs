//! Each end is told once, and history not at all.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::record::{ErrorCode, State};
use crate::domain::sample::{any_record, record};
use State::{Deleted, Expired, Failed, Other, Running, Succeeded, Waiting};

/// The ids that each answer in turn yields.
fn told(answers: &[Vec<Record>]) -> Vec<Vec<String>> {
    let mut seen = Seen::default();
    answers.iter().map(|records| ids(&seen.newly_finished(records))).collect()
}

fn ids(records: &[&Record]) -> Vec<String> {
    records.iter().map(|record| record.id.to_string()).collect()
}

#[test]
fn the_first_answer_is_history() {
    let first: Vec<_> = (0..).zip(State::OF_BACKUPS).map(|(at, state)| record(&format!("{at}"), state, at)).collect();
    assert_eq!(told(&[first.clone(), first]), [[""; 0]; 2]);
}

#[test]
fn what_was_unfinished_in_the_first_answer_is_told_when_it_has_finished() {
    for before in [Waiting, Running, Other] {
        for after in [Succeeded, Failed, Expired, Deleted] {
            let answers = [vec![record("a", before, 0)], vec![record("a", after, 0)], vec![record("a", after, 0)]];
            assert_eq!(told(&answers), [vec![], vec!["a"], vec![]], "{before:?}, {after:?}");
        }
    }
}

#[test]
fn what_is_unfinished_or_unknown_is_not_told() {
    for state in [Waiting, Running, Other] {
        assert_eq!(told(&[vec![], vec![record("a", state, 0)]]), [[""; 0]; 2], "{state:?}");
    }
}

#[test]
fn every_kind_of_end_is_told_after_an_empty_history() {
    for state in [Succeeded, Failed, Expired, Deleted] {
        assert_eq!(told(&[vec![], vec![record("a", state, 0)]]), [vec![], vec!["a"]], "{state:?}");
    }
}

#[test]
fn one_that_expires_or_is_deleted_is_no_news() {
    for later in [Expired, Deleted] {
        let good = || record("a", Succeeded, 0).updated(9);
        let gone = record("a", later, 0).updated(900).code(ErrorCode::Other);
        assert_eq!(told(&[vec![], vec![good()], vec![gone.clone()]]), [vec![], vec!["a"], vec![]], "{later:?}");
        assert_eq!(told(&[vec![good()], vec![gone]]), [[""; 0]; 2], "{later:?} in the history");
    }
}

#[test]
fn the_oldest_end_is_told_first_whatever_the_order_of_the_answer() {
    let records = [
        record("late", Succeeded, 0).updated(30),
        record("b", Failed, 5).updated(20),
        record("a", Failed, 5).updated(20),
        record("early", Expired, 1).begun(2).updated(900),
        record("running", Running, 1),
    ];
    let expected = vec!["early", "a", "b", "late"];
    assert_eq!(told(&[vec![], records.to_vec()])[1], expected);
    assert_eq!(told(&[vec![], records.iter().rev().cloned().collect()])[1], expected);
}

#[test]
fn an_empty_answer_between_forgets_nothing() {
    let known = vec![record("a", Succeeded, 0)];
    let more = vec![record("a", Succeeded, 0), record("b", Failed, 5)];
    assert_eq!(told(&[known, vec![], vec![], more]), [vec![], vec![], vec![], vec!["b"]]);
}

#[test]
fn an_id_that_is_there_twice_is_told_once() {
    let twice = vec![record("a", Succeeded, 0), record("a", Expired, 0)];
    assert_eq!(told(&[vec![], twice]), [vec![], vec!["a"]]);
}

#[test]
fn memory_is_bounded_and_holds_the_newest_answer_whole() {
    let mut seen = Seen::default();
    let one = |id: i64| vec![record(&format!("{id:05}"), Succeeded, id)];
    let many: Vec<Record> = (90_000..92_000).map(|id| record(&format!("{id}"), Succeeded, 0)).collect();
    assert_eq!(ids(&seen.newly_finished(&many)), [""; 0]);
    assert_eq!(ids(&seen.newly_finished(&many)), [""; 0], "more than departed ones are kept");
    for id in 0..1000 {
        assert_eq!(seen.newly_finished(&one(id)).len(), 1);
        assert!(seen.marks().unwrap().len() <= 1 + DEPARTED);
    }
    for id in 1000 - i64::try_from(DEPARTED).unwrap()..1000 {
        assert_eq!(ids(&seen.newly_finished(&one(id))), [""; 0], "{id} is among those seen last");
    }
}

/// A cloud that moves each record on, and shows a part of them in each answer.
fn answers() -> impl Strategy<Value = Vec<Vec<Record>>> {
    vec(vec(any_record(), 0..8), 0..8)
}

#[test]
fn a_mark_is_the_same_in_every_version_of_the_program() {
    // The published test vectors of FNV-1a, 64 bits.
    for (id, expected) in [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
    {
        assert_eq!(mark(&id.into()), expected, "{id}");
    }
}

#[test]
fn before_the_first_answer_there_is_nothing_to_keep() {
    assert_eq!(Seen::default().marks(), None);
    let mut seen = Seen::default();
    seen.newly_finished(&[]);
    assert_eq!(seen.marks(), Some(Vec::new()));
}

proptest! {
    #[test]
    fn a_restart_between_two_answers_changes_nothing(answers in answers(), at in 0..8_usize) {
        let mut seen = Seen::default();
        let mut restarted = Seen::default();
        for (index, records) in answers.iter().enumerate() {
            if index == at && let Some(marks) = restarted.marks() {
                restarted = Seen::restored(marks);
            }
            prop_assert_eq!(ids(&seen.newly_finished(records)), ids(&restarted.newly_finished(records)));
        }
        let sorted = |seen: &Seen| seen.marks().map(|mut marks| { marks.sort_unstable(); marks });
        prop_assert_eq!(sorted(&seen), sorted(&restarted));
    }

    #[test]
    fn each_end_is_told_once_and_history_never(answers in answers()) {
        let mut seen = Seen::default();
        // Written as the rule says it, without bounds.
        let mut known: BTreeSet<RecordId> = BTreeSet::new();
        for (index, records) in answers.iter().enumerate() {
            let finished: BTreeSet<RecordId> =
                records.iter().filter(|record| record.outcome().is_some()).map(|record| record.id.clone()).collect();
            let news: Vec<&RecordId> = if index == 0 { vec![] } else { finished.difference(&known).collect() };
            let yielded = seen.newly_finished(records);
            prop_assert!(yielded.is_sorted_by_key(|record| record.ended_at()));
            let mut told: Vec<&RecordId> = yielded.iter().map(|record| &record.id).collect();
            told.sort_unstable();
            prop_assert_eq!(told, news);
            known.extend(finished);
        }
    }

    #[test]
    fn memory_holds_no_more_than_it_may(sizes in vec(0..200_usize, 1..20), step in 0..200_usize) {
        let mut seen = Seen::default();
        for (index, size) in sizes.into_iter().enumerate() {
            let ids = index * step..index * step + size;
            let records: Vec<Record> = ids.map(|id| record(&id.to_string(), Succeeded, 0)).collect();
            seen.newly_finished(&records);
            prop_assert!(seen.marks().unwrap().len() <= size + DEPARTED);
        }
    }
}
