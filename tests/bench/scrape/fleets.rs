//! The fleets that are scraped, and the polls that change them.

use std::sync::Arc;

use dcs_backup_exporter::domain::facts::{InProgress, RecordFacts};
use dcs_backup_exporter::snapshot::{InstanceView, ProjectView, Snapshot};

use crate::fleet::{large, now, snapshot};

pub(crate) const USUAL: &str = "usual";
pub(crate) const FULL: &str = "full";
pub(crate) const KINDS: [&str; 2] = [USUAL, FULL];

/// So many instances of a kind.
pub(crate) fn of(kind: &str, instances: u64) -> Arc<Snapshot> {
    let full = large(instances);
    if kind == FULL {
        return full;
    }
    let project = &full.projects[0];
    let instances = (0..).zip(&project.instances).map(|(number, view)| Arc::new(usual(number, view))).collect();
    snapshot(vec![ProjectView { instances, ..ProjectView::clone(project) }])
}

/// An instance with a random id and a name like others', nothing running, and few failures.
fn usual(number: u64, full: &InstanceView) -> InstanceView {
    let [high, low] = [1, 2].map(|salt| scrambled(number * 2 + salt));
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48,
        low << 16 >> 16
    );
    let kind = ["orders-cache", "sessions-eu", "catalog-search", "geo-index", "rate-limiter", "leaderboard"];
    let calm = |facts: &Option<Arc<RecordFacts>>| {
        let facts = facts.as_deref().cloned().unwrap_or_default();
        let calm = RecordFacts { progress: InProgress::default(), ..facts };
        let failed = number.is_multiple_of(5);
        Some(Arc::new(if failed { calm } else { RecordFacts { failures: Vec::new(), last_failure: None, ..calm } }))
    };
    InstanceView {
        id: id.as_str().into(),
        name: format!("{}-{}", kind[(high % 6) as usize], number / 6),
        backups: calm(&full.backups),
        restores: if number.is_multiple_of(3) { calm(&full.restores) } else { Some(Arc::default()) },
        ..full.clone()
    }
}

fn scrambled(number: u64) -> u64 {
    let mixed = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number >> 7).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 31).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// The picture after a poll of an instance: its time stamp is another one, and after each tenth its newest backup too.
pub(crate) fn polled(before: &Snapshot, poll: u64) -> Arc<Snapshot> {
    let mut project = ProjectView::clone(&before.projects[0]);
    let place = (scrambled(poll) % project.instances.len() as u64) as usize;
    let mut view = project.instances.iter().nth(place).unwrap().as_ref().clone();
    let moment = now() + std::time::Duration::from_millis(poll * 20);
    view.polls[(poll % 2) as usize].last_success_at = Some(moment);
    if poll.is_multiple_of(10) {
        let mut facts = RecordFacts::clone(view.backups.as_deref().unwrap());
        if let Some(success) = &mut facts.last_success {
            success.at = moment;
            success.size_bytes = Some(poll * 1_000_003);
        }
        view.backups = Some(Arc::new(facts));
    }
    project.instances.set(Arc::new(view));
    Arc::new(Snapshot { projects: vec![Arc::new(project)], ..before.clone() })
}
