//! An instance as it is remembered, and as it is restored.

use std::sync::Arc;

use super::{Kind, Left, Poll, Watched};
use crate::domain::events::Seen;
use crate::domain::facts::RecordFacts;
use crate::domain::selection::Traits;
use crate::memory::{InstanceMemory, Lasting, Polled, Records, Shown};
use crate::snapshot::PollView;

impl Watched {
    /// What there is to remember of it.
    pub(in crate::poller) fn memory(&self) -> InstanceMemory {
        let shown = Shown {
            by_hand: self.by_hand,
            misses: self.misses,
            cloud_name: self.traits.name.clone(),
            details: self.details.clone(),
            enterprise_project_id: self.traits.enterprise_project_id.clone(),
            tags: self.traits.tags.clone(),
            policy: self.policy.clone(),
            refused: self.refused,
            backups: self.backups.records(),
            restores: self.restores.records(),
            polls: self
                .polls
                .each_ref()
                .map(|Poll { view, .. }| Polled { success: view.success, last_success_at: view.last_success_at }),
        };
        InstanceMemory {
            id: self.id.clone(),
            shown: Some(Box::new(shown)),
            backups: self.backups.lasting(),
            restores: self.restores.lasting(),
        }
    }

    /// Makes it what it was, or of a memory that is too old to be shown, what must not be forgotten. Whether it is
    /// configured by hand, and under which name, the configuration of today decides.
    pub(in crate::poller) fn restore(&mut self, memory: &InstanceMemory) {
        self.backups.restore(&memory.backups);
        self.restores.restore(&memory.restores);
        let Some(shown) = memory.shown.as_deref() else { return };
        let Shown {
            by_hand: _,
            misses,
            cloud_name,
            details,
            enterprise_project_id,
            tags,
            policy,
            refused,
            backups,
            restores,
            polls,
        } = shown;
        self.misses = *misses;
        self.traits = Traits {
            name: cloud_name.clone(),
            engine: details.as_ref().and_then(|details| details.engine),
            status: details.as_ref().and_then(|details| details.status),
            enterprise_project_id: enterprise_project_id.clone(),
            tags: tags.clone(),
        };
        self.details.clone_from(details);
        self.policy = policy.clone();
        self.refused = *refused;
        self.backups.show(backups.as_ref());
        self.restores.show(restores.as_ref());
        for (poll, polled) in self.polls.iter_mut().zip(polls) {
            let Polled { success, last_success_at } = *polled;
            poll.view = PollView { success, last_success_at, error: None };
        }
    }
}

impl Kind {
    fn records(&self) -> Option<Records> {
        Some(Records { packed: self.records.clone()?, emptied: self.emptied })
    }

    fn lasting(&self) -> Lasting {
        Lasting { last_success: self.last_success().cloned(), told: self.seen.marks(), had_records: self.had_records() }
    }

    fn restore(&mut self, lasting: &Lasting) {
        let Lasting { last_success, told, had_records } = lasting.clone();
        self.left = Left { last_success, had_records };
        self.seen = told.map(Seen::restored).unwrap_or_default();
    }

    fn show(&mut self, records: Option<&Records>) {
        let Some(Records { packed, emptied }) = records else { return };
        let facts = RecordFacts::of(&packed.records()).remembering(self.left.last_success.as_ref());
        self.facts = Some(Arc::new(facts));
        self.records = Some(packed.clone());
        self.emptied = *emptied;
    }
}
