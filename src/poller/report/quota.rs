//! How much a project may say about its troubles.
//!
//! A failure that lasts is told once, when it begins. A cloud that fails every other request would still fill the
//! log with beginnings and ends; so there are only so many lines a minute, and one that says so. What was not told
//! is told later if it lasts.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ProjectName;

const SPAN: Duration = Duration::from_mins(1);

/// So many lines a minute.
#[derive(Debug)]
pub(in crate::poller) struct Quota {
    lines: u32,
    since: Option<Instant>,
    asked: u32,
}

impl Quota {
    pub(in crate::poller) fn of(lines: u32) -> Self {
        Self { lines, since: None, asked: 0 }
    }

    /// Whether one more line may be written.
    pub(in crate::poller) fn allows(&mut self, project: &ProjectName, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= SPAN) {
            self.since = Some(now);
            self.asked = 0;
        }
        self.asked = self.asked.saturating_add(1);
        if self.asked == self.lines + 1 {
            tracing::warn!(
                %project,
                "too many failures and recoveries to tell each in this minute; dcs_exporter_poll_failures_total counts them"
            );
        }
        self.asked <= self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_a_minute_and_no_more() {
        let mut quota = Quota::of(3);
        let begin = Instant::now();
        let mut told = |seconds| quota.allows(&"prod".into(), begin + Duration::from_secs(seconds));
        assert_eq!([told(0), told(1), told(59), told(59), told(59)], [true, true, true, false, false]);
        assert_eq!([told(60), told(61), told(62), told(63)], [true, true, true, false]);
        assert!(told(1000));
    }
}
