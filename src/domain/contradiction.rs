//! Whether the records show that a plan's zone is not what we think.
//!
//! A policy names an hour, and often no zone: a plan read in the wrong one tells of slots at which nothing
//! happens, and alerts on them would be false. Automatic backups begin within hours after their slot (policies
//! are checked once an hour, and a failed or postponed backup is tried up to three times more that day). So where
//! several automatic backups exist and none began soon after a slot, the plan is not believed.
//!
//! One that fits is enough to believe the plan: others may have been postponed for longer.

use std::time::Duration;

use jiff::Timestamp;

use super::facts::AutomaticBackup;
use super::plan::WeeklyPlan;

/// How long after its slot an automatic backup may begin, the last moment included: a cloud that checks hourly,
/// and three hourly retries.
pub const START_WINDOW: Duration = Duration::from_hours(4);

/// So many automatic backups must contradict a plan together; fewer may be chance.
pub const WITNESSES: usize = 3;

/// Whether at least [`WITNESSES`] automatic backups exist that began at or after `since`, and none of them began
/// within [`START_WINDOW`] after a slot.
///
/// `since` is the policy's last change: what began earlier followed another plan and says nothing of this one.
pub fn contradicted(plan: &WeeklyPlan, automatic: &[AutomaticBackup], since: Option<Timestamp>) -> bool {
    let witnesses = || automatic.iter().filter(|backup| since.is_none_or(|since| backup.begun_at >= since));
    witnesses().count() >= WITNESSES && !witnesses().any(|backup| fits(plan, backup.begun_at))
}

fn fits(plan: &WeeklyPlan, begun_at: Timestamp) -> bool {
    let delay = begun_at.duration_since(plan.latest(begun_at));
    Duration::try_from(delay).is_ok_and(|delay| delay <= START_WINDOW)
}

#[cfg(test)]
mod tests;
