//! The other door of a running simulator: for tests and for `demo`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;

use super::archetype::{ARCHETYPES, ByHand};
use super::chance::Chance;
use super::faults::Fault;
use super::fleet::Member;
use super::judge::Tally;
use super::login::{LoginRefusal, MetadataMode, ProjectNames};
use super::quirk::Quirk;
use super::region::{Canned, Project, Region, locked};
use super::route::{Call, Version};
use super::throttle::{Bucket, RateLimit};

/// Changes a running simulator and reads what it has seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    region: Arc<Region>,
    addr: SocketAddr,
}

/// An instance of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSummary {
    /// `instance_id`.
    pub id: String,
    /// `name`.
    pub name: String,
    /// The kind of instance: the name of the first of its kind.
    pub kind: &'static str,
    /// Whether it can be backed up at all.
    pub supports_backups: bool,
    /// Whether it is backed up and restored all the time.
    pub busy: bool,
}

impl Handle {
    pub(super) fn new(region: Arc<Region>, addr: SocketAddr) -> Self {
        Self { region, addr }
    }

    /// Where the simulator listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The instances of a project, in the order of its listing; empty for an unknown project.
    pub fn instances(&self, project: &str) -> Vec<InstanceSummary> {
        let projects = self.region.projects();
        let members = projects.iter().filter(|known| known.id == project).flat_map(|project| &project.members);
        members
            .map(|member| InstanceSummary {
                id: member.id.clone(),
                name: member.name.clone(),
                kind: member.kind.name,
                supports_backups: member.supports_backups(),
                busy: member.kind.by_hand == ByHand::Busy,
            })
            .collect()
    }

    /// Adds an instance at the end of a project's listing, in place of one with the same id or name.
    ///
    /// `like` is the kind of instance, by the name of the first of its kind, such as `orders-cache`. False where the
    /// project or the kind is unknown.
    pub fn add_instance(&self, project: &str, id: &str, name: &str, like: &str) -> bool {
        let mut projects = self.region.projects_mut();
        let project = projects.iter_mut().find(|known| known.id == project);
        let kind = ARCHETYPES.iter().position(|kind| kind.name == like);
        let (Some(project), Some(kind)) = (project, kind) else { return false };
        project.remove(id);
        project.remove(name);
        let number = Chance::seeded(self.region.seed).of(id).below(usize::MAX);
        let member = Member::like(self.region.seed, number, kind, self.region.speed);
        project.add(Member { id: id.to_owned(), name: name.to_owned(), ..member });
        true
    }

    /// Removes the instance with this id or name; false where there is none.
    pub fn remove_instance(&self, instance: &str) -> bool {
        let mut projects = self.region.projects_mut();
        projects.iter_mut().any(|project| project.remove(instance))
    }

    /// Gives the instance with this id or name these tags in place of those it had; false where there is none.
    pub fn set_tags(&self, instance: &str, tags: &[(&str, &str)]) -> bool {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.change(instance, |member| member.tags = tags)
    }

    /// Moves the instance with this id or name to another enterprise project; false where there is none.
    pub fn set_enterprise_project(&self, instance: &str, id: &str) -> bool {
        self.change(instance, |member| id.clone_into(&mut member.enterprise_project_id))
    }

    /// Gives the instance with this id or name another name; false where there is none.
    pub fn rename(&self, instance: &str, name: &str) -> bool {
        self.change(instance, |member| name.clone_into(&mut member.name))
    }

    fn change(&self, instance: &str, change: impl FnOnce(&mut Member)) -> bool {
        let mut projects = self.region.projects_mut();
        let has = |project: &&mut Project| project.members.iter().any(|m| m.id == instance || m.name == instance);
        projects.iter_mut().find(has).is_some_and(|project| project.change(instance, change))
    }

    /// The faults at work.
    pub fn faults(&self) -> Vec<Fault> {
        self.region.settings().faults.clone()
    }

    /// Puts these faults to work in place of all others; none ends them.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.region.settings_mut().faults = faults.into_iter().collect();
    }

    /// Gives an instance (by id or name), or without one all instances and the listing, these quirks in place of
    /// those it had. The quirks of all apply to every instance, before its own.
    pub fn set_quirks(&self, instance: Option<&str>, quirks: impl IntoIterator<Item = Quirk>) {
        let quirks = quirks.into_iter().collect();
        let mut settings = self.region.settings_mut();
        match instance {
            Some(instance) => drop(settings.quirks.insert(instance.to_owned(), quirks)),
            None => settings.quirks_of_all = quirks,
        }
    }

    /// Answers this call with this status and body, byte for byte, for one instance (by id, in the fleet or not) or
    /// for all. A successful body stands for the whole list: later pages have no records. Signatures are checked,
    /// faults strike.
    pub fn replace_body(
        &self,
        version: Version,
        call: Call,
        instance: Option<&str>,
        status: u16,
        body: impl Into<Bytes>,
    ) {
        let key = (version, call, instance.map(str::to_owned));
        self.region.settings_mut().canned.insert(key, Canned { status, body: body.into() });
    }

    /// Ends what [`Self::replace_body`] began.
    pub fn restore_bodies(&self) {
        self.region.settings_mut().canned.clear();
    }

    /// Moves the cloud's clock against ours: the header `Date`, the time stamps, and what a signature's date is held
    /// against.
    pub fn set_clock_skew(&self, skew: SignedDuration) {
        self.region.settings_mut().skew = skew;
    }

    /// Sets or ends the gateway's rate limit; the bucket begins full.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        *locked(&self.region.bucket) = limit.map(Bucket::new);
    }

    /// How long tokens and temporary keys are good that are issued from now on, whatever is asked for; `None` for what
    /// is asked for or usual: tokens 24 h, keys 15 min to 24 h.
    pub fn set_validity(&self, validity: impl Into<Option<Duration>>) {
        self.region.settings_mut().login.validity = validity.into();
    }

    /// Ends all tokens and temporary keys issued so far, those of the metadata service included.
    pub fn revoke_grants(&self) {
        locked(&self.region.issued).revoke();
    }

    /// Refuses everybody who wants a token or keys, whoever issues them; `None` ends that.
    pub fn refuse_logins(&self, refusal: impl Into<Option<LoginRefusal>>) {
        self.region.settings_mut().login.refusal = refusal.into();
    }

    /// What the metadata service is like.
    pub fn set_metadata(&self, mode: MetadataMode) {
        self.region.settings_mut().login.metadata = mode;
    }

    /// Lets the metadata service hand out the same keys until so long before their end, as Open Telekom Cloud's does
    /// until ten minutes before; `None`: new ones each time.
    pub fn set_metadata_renewal(&self, before_the_end: impl Into<Option<Duration>>) {
        self.region.settings_mut().login.metadata_renews_before = before_the_end.into();
    }

    /// What the names of the projects are.
    pub fn set_project_names(&self, names: ProjectNames) {
        self.region.settings_mut().login.project_names = names;
    }

    /// Takes the right to these calls, DCS's or others, from everybody who has logged in: 403. It takes the place of
    /// what was forbidden before.
    pub fn forbid(&self, calls: impl IntoIterator<Item = Call>) {
        self.region.settings_mut().login.forbidden = calls.into_iter().collect();
    }

    /// What the simulator has seen since its start or [`Self::reset_tally`].
    pub fn tally(&self) -> Tally {
        locked(&self.region.judge).tally.clone()
    }

    /// Begins to count anew.
    pub fn reset_tally(&self) {
        locked(&self.region.judge).reset();
    }
}
