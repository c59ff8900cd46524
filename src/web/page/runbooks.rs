//! Where more is to be read: the project's pages, and its runbooks.

use crate::status::Verdict;

/// Where the project lives.
pub(super) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The runbook of this alert.
pub(super) fn of_alert(alert: &str) -> String {
    format!("{REPOSITORY}/blob/main/dashboards/runbooks/{alert}.md")
}

/// That for instances with this verdict; none where nothing is to be done.
pub(super) fn of_verdict(verdict: Verdict) -> Option<String> {
    let alert = match verdict {
        Verdict::NotPolled => "DcsInstanceDataStale",
        Verdict::NeverBackedUp => "DcsBackupNeverSucceeded",
        Verdict::Stale => "DcsBackupStale",
        Verdict::LastFailed => "DcsBackupLastAttemptFailed",
        Verdict::SlotMissed => "DcsBackupSlotMissed",
        Verdict::Fresh | Verdict::NoRpo | Verdict::Unsupported => return None,
    };
    Some(of_alert(alert))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are those that the alerts link to.
    #[test]
    fn every_runbook_is_there() {
        let rules = include_str!("../../../dashboards/rules/dcs-backup.alerts.yml");
        let others = ["DcsRestoreFailed", "DcsProjectDataStale", "DcsExporterReloadFailed"].map(of_alert);
        for runbook in Verdict::ALL.into_iter().filter_map(of_verdict).chain(others) {
            assert!(rules.contains(&format!("runbook_url: {runbook}\n")), "{runbook}");
        }
    }
}
