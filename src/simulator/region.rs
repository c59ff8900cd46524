//! The simulated region: two projects, the settings that tests and the control page change, and the counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::chance::Chance;
use super::faults::{Fault, Struck, strike};
use super::fleet::Member;
use super::judge::Judge;
use super::lockout::Lockout;
use super::login::{Issued, LoginSettings};
use super::quirk::{Quirk, Quirks};
use super::route::{Call, Route, Version};
use super::signature::Gate;
use super::throttle::Bucket;
use super::{Options, PROJECT_ID, SECOND_PROJECT_ID};
use crate::clock::Clock;

/// Everything that requests share. No lock is held while anything waits.
#[derive(Debug)]
pub(super) struct Region {
    clock: Clock,
    pub(super) seed: u64,
    pub(super) speed: f64,
    projects: RwLock<[Project; 2]>,
    settings: RwLock<Settings>,
    pub(super) gate: Mutex<Gate>,
    pub(super) issued: Mutex<Issued>,
    /// The one user with a password.
    pub(super) user: Mutex<Lockout>,
    pub(super) bucket: Mutex<Option<Bucket>>,
    pub(super) judge: Mutex<Judge>,
    /// How many requests each path has had: the place in the draw of faults.
    turns: Mutex<HashMap<String, i64>>,
}

/// A project and its instances.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) id: &'static str,
    pub(super) members: Vec<Arc<Member>>,
    by_id: HashMap<String, Arc<Member>>,
}

/// What tests and the control page change.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) faults: Vec<Fault>,
    pub(super) quirks_of_all: Vec<Quirk>,
    /// By the instance's id or name.
    pub(super) quirks: HashMap<String, Vec<Quirk>>,
    pub(super) canned: HashMap<(Version, Call, Option<String>), Canned>,
    pub(super) skew: SignedDuration,
    pub(super) locks_keys: bool,
    pub(super) login: LoginSettings,
}

/// An answer given by a test.
#[derive(Clone, Debug)]
pub(super) struct Canned {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Project {
    fn new(id: &'static str, seed: u64, instances: usize, speed: f64) -> Self {
        let mut project = Self { id, members: Vec::new(), by_id: HashMap::new() };
        for number in 0..instances {
            project.add(Member::new(seed, number, speed));
        }
        project
    }

    pub(super) fn add(&mut self, member: Member) {
        let member = Arc::new(member);
        self.by_id.insert(member.id.clone(), Arc::clone(&member));
        self.members.push(member);
    }

    pub(super) fn remove(&mut self, instance: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.id != instance && member.name != instance);
        self.by_id = self.members.iter().map(|member| (member.id.clone(), Arc::clone(member))).collect();
        self.members.len() < before
    }

    /// Changes the instance with this id or name; false where there is none.
    pub(super) fn change(&mut self, instance: &str, change: impl FnOnce(&mut Member)) -> bool {
        let found = self.members.iter_mut().find(|member| member.id == instance || member.name == instance);
        let Some(member) = found else { return false };
        change(Arc::make_mut(member));
        self.by_id.insert(member.id.clone(), Arc::clone(member));
        true
    }

    fn set_paused(&mut self, instance: Option<&str>, paused_at: Option<Timestamp>) -> usize {
        let concerned =
            |member: &&mut Arc<Member>| instance.is_none_or(|name| member.id == name || member.name == name);
        let mut count = 0;
        for member in self.members.iter_mut().filter(concerned) {
            *member = Arc::new(Member { paused_at, ..Member::clone(member) });
            self.by_id.insert(member.id.clone(), Arc::clone(member));
            count += 1;
        }
        count
    }

    pub(super) fn member(&self, id: &str) -> Option<Arc<Member>> {
        self.by_id.get(id).cloned()
    }
}

impl Region {
    pub(super) fn new(options: &Options, clock: Clock) -> Self {
        let projects = [
            Project::new(PROJECT_ID, options.seed, options.instances, options.speed),
            Project::new(
                SECOND_PROJECT_ID,
                options.seed.wrapping_add(0x5ec0_4d00),
                options.instances.div_ceil(4),
                options.speed,
            ),
        ];
        Self {
            clock,
            seed: options.seed,
            speed: options.speed,
            projects: RwLock::new(projects),
            settings: RwLock::new(Settings {
                faults: options.faults.clone(),
                quirks_of_all: Vec::new(),
                quirks: HashMap::new(),
                canned: HashMap::new(),
                skew: SignedDuration::ZERO,
                locks_keys: options.locks_keys,
                login: LoginSettings::default(),
            }),
            gate: Mutex::default(),
            issued: Mutex::default(),
            user: Mutex::default(),
            bucket: Mutex::new(options.rate_limit.map(Bucket::new)),
            judge: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// The cloud's clock: ours, moved by the skew that was set.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.checked_add(self.settings().skew).unwrap_or(now)
    }

    pub(super) fn settings(&self) -> RwLockReadGuard<'_, Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings_mut(&self) -> RwLockWriteGuard<'_, Settings> {
        self.settings.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn projects(&self) -> RwLockReadGuard<'_, [Project; 2]> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn projects_mut(&self) -> RwLockWriteGuard<'_, [Project; 2]> {
        self.projects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance that a path names, in the project that it names.
    pub(super) fn member(&self, route: &Route) -> Option<Arc<Member>> {
        let id = route.instance.as_deref()?;
        self.projects().iter().find(|project| project.id == route.project)?.member(id)
    }

    /// Lets nobody ask for backups and restores of the instance with this id or name, or of all, from now on; or,
    /// without `pause`, lets them ask again. How many instances that concerns.
    pub(super) fn set_paused(&self, instance: Option<&str>, pause: bool) -> usize {
        let paused_at = pause.then(|| self.now());
        self.projects_mut().iter_mut().map(|project| project.set_paused(instance, paused_at)).sum()
    }

    /// The quirks of an instance, or of a listing.
    pub(super) fn quirks(&self, member: Option<&Member>) -> Quirks {
        let settings = self.settings();
        let own = member.into_iter().flat_map(|member| [&member.id, &member.name]);
        let own = own.filter_map(|name| settings.quirks.get(name)).flatten();
        Quirks(settings.quirks_of_all.iter().chain(own).copied().collect())
    }

    /// The faults that strike this request.
    pub(super) fn strike(&self, route: &Route, path: &str) -> Struck {
        let settings = self.settings();
        if settings.faults.is_empty() {
            return Struck::default();
        }
        let (member, by_name) = (self.member(route), route.call.is_login());
        let names: Vec<&str> = match (&member, &route.instance) {
            (Some(member), _) => vec![&member.id, &member.name],
            (None, Some(id)) => vec![id],
            (None, None) if by_name => vec!["iam", route.call.as_str()],
            (None, None) => Vec::new(),
        };
        let turn = {
            let mut turns = locked(&self.turns);
            let turn = turns.entry(path.to_owned()).or_default();
            *turn += 1;
            *turn
        };
        strike(&settings.faults, &names, by_name, Chance::seeded(self.seed).of("fault").of(path).nth(turn))
    }

    /// The answer that a test gave for this request.
    pub(super) fn canned(&self, route: &Route) -> Option<Canned> {
        let settings = self.settings();
        let key = |instance: Option<String>| (route.version, route.call, instance);
        let own = settings.canned.get(&key(route.instance.clone()));
        own.or_else(|| settings.canned.get(&key(None))).cloned()
    }
}

impl Canned {
    pub(super) fn answer(self) -> Answer {
        if self.body.is_empty() { Answer::empty(self.status) } else { Answer::json(self.status, self.body) }
    }
}

/// A lock whose holder panicked holds nothing half-done here.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
