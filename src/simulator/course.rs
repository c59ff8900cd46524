//! The course of one backup or restore: requested, begun, ended, and for a backup's file perhaps gone.
//!
//! A course is laid down once and for all; what the cloud shows of it at some moment ([`Course::at`]) only moves
//! forward. So a record that has finished never unfinishes, and its progress never falls.

use jiff::{SignedDuration, Timestamp};

/// When what happens to a backup or restore.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    /// `created_at`: requested.
    pub(super) created_at: Timestamp,
    /// `execution_at`: begun.
    pub(super) begun_at: Timestamp,
    /// Completed or failed.
    pub(super) ended_at: Timestamp,
    /// `error_code` and the part of the work that was done by then, 0 to 1; `None` if it succeeds.
    pub(super) failure: Option<(&'static str, f64)>,
    /// What becomes of the file, and when.
    pub(super) gone: Option<(Timestamp, Gone)>,
}

/// Why a backup's file does not exist any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Expired,
    Deleted,
}

/// What the cloud shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    Waiting,
    /// With the part of the work that is done, 0 to 1.
    Running(f64),
    Succeeded,
    Failed,
    Expired,
    Deleted,
}

impl Course {
    /// One that is requested now, waits and runs for so long, and fails after part of that where `failure` says so.
    pub(super) fn new(
        created_at: Timestamp,
        waits: SignedDuration,
        runs: SignedDuration,
        failure: Option<(&'static str, f64)>,
    ) -> Self {
        let begun_at = created_at + waits;
        let lasts = failure.map_or(runs, |(_, done)| super::chance::millis(runs.as_secs_f64() * 1000.0 * done));
        Self { created_at, begun_at, ended_at: begun_at + lasts, failure, gone: None }
    }

    /// What is shown at a moment not before it was requested.
    pub(super) fn at(&self, now: Timestamp) -> Stage {
        if now < self.begun_at {
            return Stage::Waiting;
        }
        if now < self.ended_at {
            let done = now.duration_since(self.begun_at).as_secs_f64();
            let whole = self.ended_at.duration_since(self.begun_at).as_secs_f64();
            return Stage::Running(done / whole * self.failure.map_or(1.0, |(_, done)| done));
        }
        match (self.failure, self.gone) {
            (Some(_), _) => Stage::Failed,
            (None, Some((at, Gone::Expired))) if at <= now => Stage::Expired,
            (None, Some((at, Gone::Deleted))) if at <= now => Stage::Deleted,
            (None, _) => Stage::Succeeded,
        }
    }

    /// `updated_at`: when what is shown last changed; progress is written down every second.
    pub(super) fn updated_at(&self, now: Timestamp) -> Timestamp {
        match self.at(now) {
            Stage::Waiting => self.created_at,
            Stage::Running(_) => {
                let seconds = now.duration_since(self.begun_at).as_secs();
                self.begun_at + SignedDuration::from_secs(seconds)
            }
            Stage::Succeeded | Stage::Failed => self.ended_at,
            Stage::Expired | Stage::Deleted => self.gone.map_or(self.ended_at, |(at, _)| at),
        }
    }

    /// `progress`: percent with two digits, cut off rather than rounded, so that only what is done has 100.
    pub(super) fn progress(&self, now: Timestamp) -> String {
        let done = match self.at(now) {
            Stage::Waiting => 0.0,
            Stage::Running(done) => done,
            Stage::Failed => self.failure.map_or(0.0, |(_, done)| done),
            Stage::Succeeded | Stage::Expired | Stage::Deleted => 1.0,
        };
        format!("{:.2}", (done * 10_000.0).floor() / 100.0)
    }

    /// Whether it is under way at any moment from `begin` to `end`.
    pub(super) fn overlaps(&self, begin: Timestamp, end: Timestamp) -> bool {
        self.created_at <= end && begin <= self.ended_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn course(failure: Option<(&'static str, f64)>) -> Course {
        Course::new(at(100), SignedDuration::from_secs(10), SignedDuration::from_secs(80), failure)
    }

    #[test]
    fn it_waits_runs_and_succeeds() {
        let course = course(None);
        let shown: Vec<(Stage, String, i64)> = [100, 109, 110, 120, 189, 190, 999]
            .map(|second| {
                (course.at(at(second)), course.progress(at(second)), course.updated_at(at(second)).as_second())
            })
            .into();
        assert_eq!(shown[0], (Stage::Waiting, "0.00".to_owned(), 100));
        assert_eq!(shown[1], (Stage::Waiting, "0.00".to_owned(), 100));
        assert_eq!(shown[2], (Stage::Running(0.0), "0.00".to_owned(), 110));
        assert_eq!(shown[3], (Stage::Running(0.125), "12.50".to_owned(), 120));
        assert_eq!(shown[4], (Stage::Running(0.9875), "98.75".to_owned(), 189));
        assert_eq!(shown[5], (Stage::Succeeded, "100.00".to_owned(), 190));
        assert_eq!(shown[6], (Stage::Succeeded, "100.00".to_owned(), 190));
    }

    #[test]
    fn a_failure_stops_where_it_was() {
        let course = course(Some(("dcs.08.0002", 0.5)));
        assert_eq!(course.at(at(149)), Stage::Running(0.4875));
        assert_eq!((course.at(at(150)), course.progress(at(999))), (Stage::Failed, "50.00".to_owned()));
        assert_eq!(course.updated_at(at(999)), at(150));
    }

    #[test]
    fn a_file_that_is_gone_is_updated_then() {
        for (gone, stage) in [(Gone::Expired, Stage::Expired), (Gone::Deleted, Stage::Deleted)] {
            let course = Course { gone: Some((at(500), gone)), ..course(None) };
            assert_eq!((course.at(at(499)), course.updated_at(at(499))), (Stage::Succeeded, at(190)));
            assert_eq!((course.at(at(500)), course.updated_at(at(600))), (stage, at(500)));
        }
    }
}
