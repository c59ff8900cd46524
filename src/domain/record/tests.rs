//! What one record alone tells.

use super::*;
use crate::domain::sample::{minute, record};

#[test]
fn how_a_record_ended() {
    use State::{Deleted, Expired, Failed, Other, Running, Succeeded, Waiting};
    let (well, badly) = (Some(Outcome::Succeeded), Some(Outcome::Failed));
    for (state, without_code, with_code) in [
        (Waiting, None, None),
        (Running, None, None),
        (Succeeded, well, well),
        (Failed, badly, badly),
        (Expired, well, badly),
        (Deleted, well, badly),
        (Other, None, None),
    ] {
        assert_eq!(record("a", state, 0).outcome(), without_code, "{state:?}");
        for code in [ErrorCode::InstanceBusy, ErrorCode::Other] {
            assert_eq!(record("a", state, 0).code(code).outcome(), with_code, "{state:?} {code:?}");
        }
    }
}

#[test]
fn only_waiting_and_running_ones_are_in_progress() {
    for state in State::OF_BACKUPS {
        let expected = matches!(state, State::Waiting | State::Running);
        assert_eq!(record("a", state, 0).in_progress(), expected, "{state:?}");
    }
}

#[test]
fn when_a_record_began() {
    assert_eq!(record("a", State::Running, 3).begun_at(), minute(3));
    assert_eq!(record("a", State::Running, 3).begun(4).begun_at(), minute(4));
}

#[test]
fn when_a_record_ended() {
    for state in [State::Succeeded, State::Failed] {
        assert_eq!(record("a", state, 0).begun(1).updated(9).ended_at(), minute(9), "{state:?}");
        assert_eq!(record("a", state, 0).begun(1).ended_at(), minute(1), "{state:?} without an end");
        assert_eq!(record("a", state, 0).ended_at(), minute(0), "{state:?} with its request alone");
        assert_eq!(record("a", state, 0).begun(20).updated(9).ended_at(), minute(9), "{state:?}, the slip");
    }
    for state in [State::Expired, State::Deleted] {
        assert_eq!(record("a", state, 0).begun(1).updated(900).ended_at(), minute(1), "{state:?} long after");
        assert_eq!(record("a", state, 0).updated(900).ended_at(), minute(0), "{state:?} without a beginning");
    }
}

#[test]
fn how_long_a_record_took() {
    for state in State::OF_BACKUPS {
        let known = matches!(state, State::Succeeded | State::Failed);
        let took = |minutes| known.then_some(Duration::from_mins(minutes));
        assert_eq!(record("a", state, 0).begun(2).updated(9).duration(), took(7), "{state:?}");
        assert_eq!(record("a", state, 0).updated(9).duration(), took(9), "{state:?} from its request");
        assert_eq!(record("a", state, 0).begun(9).updated(9).duration(), took(0), "{state:?}");
        assert_eq!(record("a", state, 0).begun(10).updated(9).duration(), None, "{state:?}, negative");
        assert_eq!(record("a", state, 0).begun(2).duration(), None, "{state:?} without an end");
    }
}

#[test]
fn the_moment_of_a_backups_data() {
    for (what, record, expected) in [
        ("its beginning", record("a", State::Succeeded, 0).begun(1).updated(9), 1),
        ("its beginning, though the end is unknown", record("a", State::Succeeded, 0).begun(1), 1),
        ("no time at all", record("a", State::Succeeded, 0).begun(9).updated(9), 9),
        ("its request where the beginning is unknown", record("a", State::Succeeded, 0).updated(9), 0),
        ("its request where it began after its end", record("a", State::Succeeded, 0).begun(10).updated(9), 0),
        ("its request alone", record("a", State::Succeeded, 0), 0),
    ] {
        assert_eq!(record.data_at(), minute(expected), "{what}");
    }
}

#[test]
fn what_can_be_restored_from() {
    for state in State::OF_BACKUPS {
        let good = state == State::Succeeded;
        assert_eq!(record("a", state, 0).is_restorable(), good, "{state:?}, the cloud does not say");
        assert_eq!(record("a", state, 0).restorable(true).is_restorable(), good, "{state:?}, TRUE");
        assert!(!record("a", state, 0).restorable(false).is_restorable(), "{state:?}, FALSE");
    }
}

#[test]
fn error_codes_as_the_wire_writes_them() {
    for (number, code) in (1..).zip(ErrorCode::DOCUMENTED) {
        let text = format!("dcs.08.{number:04}");
        assert_eq!(code.as_str(), text);
        assert_eq!(ErrorCode::label(Some(code)), text);
        assert_eq!(ErrorCode::parse(&text), code);
        assert_eq!(ErrorCode::parse(&format!(" {} ", text.to_uppercase())), code);
    }
    for unknown in ["dcs.08.0009", "dcs.08.0000", "dcs.08.1", "DCS.5000", "dcs.08.00010", "{}", "x"] {
        assert_eq!(ErrorCode::parse(unknown), ErrorCode::Other, "{unknown}");
    }
    assert_eq!(ErrorCode::label(Some(ErrorCode::Other)), "other");
    assert_eq!(ErrorCode::label(None), "none");
}
