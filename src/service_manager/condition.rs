//! How the exporter stands, in the one line that `systemctl status` shows.

use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::watch;

use crate::reload::Reload;
use crate::snapshot::Snapshot;

/// Longer lines are of no use there.
const LONGEST: usize = 300;

/// Where the line comes from.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) pictures: watch::Receiver<Arc<Snapshot>>,
    /// `None` where the configuration is not read anew.
    pub(super) reload: Option<Reload>,
}

impl Condition {
    /// As it is now: no secret, one line.
    pub(super) fn line(&self) -> String {
        let mut line = watched(&self.pictures.borrow());
        if let Some(newest) = self.reload.as_ref().map(Reload::newest) {
            let at = newest.at.strftime("%Y-%m-%d %H:%M:%SZ");
            let _ = match &newest.outcome {
                Ok(_) => write!(line, "; configuration of {at}"),
                Err(refusal) => {
                    let first = refusal.problems().first().map_or("", String::as_str);
                    write!(line, "; configuration not reloaded at {at}, the one before stays in use: {first}")
                }
            };
        }
        one_line(&line)
    }
}

fn watched(picture: &Snapshot) -> String {
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let projects = &picture.projects;
    let instances = projects.iter().map(|project| project.instances.len()).sum();
    let mut text = format!("watching {} in {}", counted(instances, "instance"), counted(projects.len(), "project"));
    let untried = projects.iter().filter(|project| !project.tried).count();
    if untried > 0 {
        let _ = write!(text, "; {} not asked yet", counted(untried, "project"));
    }
    let failing = projects.iter().filter(|project| project.error.is_some()).count();
    if failing > 0 {
        let _ = write!(text, "; {} cannot be asked or listed", counted(failing, "project"));
    }
    text
}

/// A line break would begin another word of the protocol.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::reload::{Refusal, channel};

    #[test]
    fn it_is_one_line_whatever_the_reason() {
        assert_eq!(one_line("a\nWATCHDOG=1\r\0b"), "a WATCHDOG=1  b");
        assert_eq!(one_line(&"ä".repeat(1000)).chars().count(), LONGEST);
    }

    #[tokio::test]
    async fn it_says_how_the_newest_reload_went() {
        let (_publisher, pictures) = watch::channel(Arc::new(Snapshot::default()));
        let (reload, mut requests) = channel(Timestamp::UNIX_EPOCH);
        let condition = Condition { pictures, reload: Some(reload.clone()) };
        assert_eq!(condition.line(), "watching 0 instances in 0 projects; configuration of 1970-01-01 00:00:00Z");
        let asking = tokio::spawn(async move { reload.reload().await });
        let sharing = requests.next().await.unwrap();
        let refusal = Arc::new(Refusal::of("config.yml:3: rpo: is wrong"));
        requests.tell(sharing, Timestamp::UNIX_EPOCH, &Err(refusal));
        assert!(asking.await.unwrap().is_err());
        let line = condition.line();
        assert!(line.contains("not reloaded at 1970-01-01 00:00:00Z") && line.ends_with("rpo: is wrong"), "{line}");
    }
}
