//! The cloud of the forty days: what `events.json` says of it, as answers to requests at a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::error::ErrorKind;
use dcs_backup_exporter::cloud::{Answer, CloudError, DcsApi, Oddities, Page, Request};
use dcs_backup_exporter::domain::InstanceId;
use dcs_backup_exporter::domain::instance::{CacheMode, Instance, InstanceStatus, PolicyReading};
use dcs_backup_exporter::domain::plan::BackupPolicy;
use dcs_backup_exporter::domain::record::{BackupType, ErrorCode, Record, State};
use dcs_backup_exporter::pace::keys::Fingerprint;
use dcs_backup_exporter::schedule::fraction;
use jiff::Timestamp;
use serde_json::Value;

/// Days of history before the beginning.
const HISTORY: i64 = 20;
/// So long an automatic backup is kept, in hours, and its record after that.
const RETENTION: f64 = 7.0 * 24.0;
const REMEMBERED: f64 = 5.0 * 24.0;
/// The cloud keeps so many records of an instance.
const RECORDS: usize = 24;

/// Hours since the beginning.
pub(crate) fn moment(hours: f64) -> Timestamp {
    Timestamp::from_second((hours * 3600.0).round() as i64).unwrap()
}

/// One backup or restore.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) begin: f64,
    pub(crate) end: f64,
    pub(crate) code: Option<String>,
    /// It waits, and never runs.
    pub(crate) waits: bool,
    /// When somebody deleted it.
    pub(crate) deleted: f64,
    pub(crate) size: f64,
}

/// One instance, with all that ever happens to it.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) id: InstanceId,
    pub(crate) about: Value,
    pub(crate) backups: Vec<Life>,
    pub(crate) restores: Vec<Life>,
    /// Beginnings of its slots.
    pub(crate) slots: Vec<f64>,
}

fn number(value: &Value, key: &str, otherwise: f64) -> f64 {
    value.get(key).and_then(Value::as_f64).unwrap_or(otherwise)
}

/// Whether an hour lies within one of these spans.
pub(crate) fn within(spans: &Value, hour: f64) -> bool {
    spans.as_array().into_iter().flatten().any(|span| {
        let [begin, end] = [0, 1].map(|index| span[index].as_f64().unwrap());
        begin <= hour && hour < end
    })
}

impl Course {
    pub(crate) fn new(place: usize, about: &Value, days: i64) -> Self {
        let mut course = Self {
            id: InstanceId::from(format!("{place:08}-0000-4000-8000-000000000000")),
            about: about.clone(),
            backups: Vec::new(),
            restores: Vec::new(),
            slots: Vec::new(),
        };
        if about["single"] == Value::Bool(true) {
            return course;
        }
        for day in -HISTORY..=days {
            course.day(day);
        }
        course.quirks();
        course
    }

    fn created(&self) -> f64 {
        number(&self.about, "created", -1000.0)
    }

    fn exists(&self, hour: f64) -> bool {
        self.created() <= hour && hour < number(&self.about, "deleted", f64::MAX)
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let quirks = self.about.get("quirks").and_then(Value::as_array);
        quirks.into_iter().flatten().filter(move |quirk| quirk["kind"] == kind)
    }

    fn quirk_at<'a>(&'a self, kind: &'a str, hour: f64) -> Option<&'a Value> {
        self.of_kind(kind).find(|quirk| number(quirk, "from", f64::MAX) <= hour && hour < number(quirk, "to", 0.0))
    }

    /// Hour of the plan, whether it is on, and when it was last changed.
    pub(crate) fn plan(&self, hour: f64) -> (f64, bool, f64) {
        let (mut begins, mut updated) = (number(&self.about, "hour", 0.0), self.created());
        for moved in self.of_kind("moved").filter(|moved| number(moved, "at", 0.0) <= hour) {
            (begins, updated) = (number(moved, "hour", 0.0), number(moved, "at", 0.0));
        }
        for off in self.of_kind("off") {
            updated = [number(off, "from", 0.0), number(off, "to", 0.0)]
                .into_iter()
                .filter(|change| *change <= hour)
                .fold(updated, f64::max);
        }
        (begins, self.quirk_at("off", hour).is_none(), updated)
    }

    fn days(&self) -> Vec<u8> {
        match self.about.get("days").and_then(Value::as_array) {
            Some(days) => days.iter().map(|day| day.as_u64().unwrap() as u8).collect(),
            None => (1..=7).collect(),
        }
    }

    /// What comes of the slot of a day. The beginning is a Thursday.
    fn day(&mut self, day: i64) {
        let weekday = ((day + 3).rem_euclid(7) + 1) as u8;
        let midnight = 24.0 * day as f64;
        // The slot that the plan has when it begins.
        let slots: Vec<f64> = (0..24)
            .map(|hour| midnight + f64::from(hour))
            .filter(|at| (self.plan(*at).0 - (at - midnight)).abs() < 0.1)
            .collect();
        for slot in slots {
            let (_, is_on, updated) = self.plan(slot);
            if !self.days().contains(&weekday) || !is_on || updated > slot || !self.exists(slot) {
                continue;
            }
            self.slots.push(slot);
            self.slot(day, slot);
        }
    }

    fn slot(&mut self, day: i64, slot: f64) {
        let blocked =
            self.of_kind("stuck").any(|stuck| stuck["state"] == "running" && number(stuck, "at", 0.0) <= slot);
        if self.quirk_at("skips", slot).is_some() || (blocked && day % 2 == 0) {
            return;
        }
        let chance = |what: &str| fraction((&self.id, day, what));
        let begin = slot + 0.05 + 0.85 * chance("late");
        let took = 0.1 + 0.4 * fraction((&self.id, "takes")) + 0.05 * chance("took");
        let small = if self.quirk_at("shrinks", slot).is_some() { 0.1 } else { 1.0 };
        let size = small * (1.0 + 0.1 * chance("size")) * f64::from(1 << 30);
        let life = |retry: i32, code: Option<String>| {
            let begin = begin + (1.0 + 0.5 * took) * f64::from(retry);
            let took = if code.is_some() { 0.5 * took } else { took };
            Life { begin, end: begin + took, code, waits: false, deleted: f64::MAX, size }
        };
        let failed = |code: &str| Some(code.to_owned());
        let lives: Vec<Life> = if let Some(quirk) = self.quirk_at("fails", slot) {
            (0..4).map(|retry| life(retry, failed(quirk["code"].as_str().unwrap()))).collect()
        } else if self.quirk_at("mended", slot).is_some() {
            (0..4).map(|retry| life(retry, failed("dcs.08.0001").filter(|_| retry < 3))).collect()
        } else {
            vec![life(0, None)]
        };
        self.backups.extend(lives);
    }

    fn quirks(&mut self) {
        let life = |quirk: &Value| Life {
            begin: number(quirk, "at", 0.0),
            end: number(quirk, "until", f64::MAX),
            code: quirk.get("code").and_then(Value::as_str).map(str::to_owned),
            waits: quirk["state"] == "waiting",
            deleted: f64::MAX,
            size: 0.0,
        };
        let stuck: Vec<Life> = self.of_kind("stuck").map(life).collect();
        self.restores = self.of_kind("restore").map(life).collect();
        let purges: Vec<(f64, usize)> = self
            .of_kind("purged")
            .map(|quirk| (number(quirk, "at", 0.0), number(quirk, "keep", 0.0) as usize))
            .collect();
        for (at, keep) in purges {
            let ended = self.backups.iter_mut().filter(|life| life.end < at);
            let mut ended: Vec<&mut Life> = ended.collect();
            let gone = ended.len() - keep;
            ended[..gone].iter_mut().for_each(|life| life.deleted = life.deleted.min(at));
        }
        self.backups.extend(stuck);
        self.backups.sort_by(|one, other| one.begin.total_cmp(&other.begin));
    }

    fn instance(&self, hour: f64, with_policy: bool) -> Instance {
        let mut renamed = self.about.get("names").and_then(Value::as_array).into_iter().flatten();
        let newest = renamed.rfind(|name| name[0].as_f64().unwrap() <= hour);
        let name = newest.map_or(&self.about["name"], |name| &name[1]);
        let is_single = self.about["single"] == Value::Bool(true);
        let (begins, is_on, updated) = self.plan(hour);
        let restoring = self.restores.iter().any(|life| life.begin <= hour && hour < life.end);
        let policy = BackupPolicy {
            automatic: is_on && !is_single,
            updated_at: Some(moment(updated)),
            retention: Some(Duration::from_secs_f64(RETENTION * 3600.0)),
            days: self.days(),
            begin_minute: Some(begins as u16 * 60),
            utc_offset: None,
        };
        Instance {
            id: self.id.clone(),
            name: name.as_str().map(str::to_owned),
            status: Some(if restoring { InstanceStatus::Restoring } else { InstanceStatus::Running }),
            engine: None,
            engine_version: None,
            enterprise_project_id: None,
            tags: None,
            cache_mode: Some(if is_single { CacheMode::Single } else { CacheMode::MasterStandby }),
            max_memory_bytes: None,
            created_at: Some(moment(self.created())),
            policy: if with_policy { PolicyReading::Present(policy) } else { PolicyReading::Unread },
        }
    }
}

impl Life {
    /// As it is told at an hour, if at all.
    pub(crate) fn state(&self, hour: f64, is_backup: bool) -> Option<State> {
        if hour < self.begin {
            return None;
        }
        if hour < self.end {
            return Some(if self.waits { State::Waiting } else { State::Running });
        }
        if self.code.is_some() {
            return Some(State::Failed);
        }
        let gone = self.deleted.min(if is_backup { self.begin + RETENTION } else { f64::MAX });
        if hour < gone {
            return Some(State::Succeeded);
        }
        let state = if self.deleted <= gone { State::Deleted } else { State::Expired };
        (hour < gone + REMEMBERED).then_some(state)
    }

    fn record(&self, hour: f64, is_backup: bool) -> Option<Record> {
        let state = self.state(hour, is_backup)?;
        let has_ended = hour >= self.end;
        Some(Record {
            id: format!("{:.3}", self.begin).into(),
            state,
            created_at: moment(self.begin),
            execution_at: Some(moment(self.begin)).filter(|_| is_backup && !self.waits),
            updated_at: Some(moment(self.end.min(hour))),
            progress: None,
            error_code: self.code.as_ref().filter(|_| has_ended).map(|code| ErrorCode::parse(code)),
            size_bytes: Some(self.size as u64).filter(|_| has_ended && is_backup),
            backup_type: is_backup.then_some(BackupType::Auto),
            backup_format: None,
            restorable: Some(true).filter(|_| has_ended),
        })
    }
}

/// The way of one replica to one project.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) project: Value,
    /// Spans in which this replica's key is refused.
    pub(crate) lost_key: Value,
    pub(crate) courses: Arc<BTreeMap<InstanceId, Course>>,
    pub(crate) clock: Clock,
    pub(crate) asked: Arc<Mutex<u64>>,
}

impl Way {
    fn hour(&self) -> f64 {
        self.clock.now().as_millisecond() as f64 / 3_600_000.0
    }

    fn refusal(&self, request: &Request, hour: f64) -> Option<ErrorKind> {
        if within(&self.project["outages"], hour) {
            return Some(ErrorKind::Connection);
        }
        if within(&self.project["refused"], hour) || within(&self.lost_key, hour) {
            return Some(ErrorKind::BadSignature);
        }
        let (Request::Instance(id) | Request::Backups(id, _) | Request::Restores(id, _)) = request else { return None };
        let course = &self.courses[id];
        if !course.exists(hour) {
            return Some(ErrorKind::NotFound);
        }
        let is_unreadable = within(&self.project["emptied"], hour) || within(&course.about["unreadable"], hour);
        is_unreadable.then_some(ErrorKind::Forbidden)
    }
}

fn page<T>(items: Vec<T>) -> Page<T> {
    Page { received: items.len() as u64, total: Some(items.len() as u64), items, oddities: Oddities::default() }
}

impl DcsApi for Way {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        *self.asked.lock().unwrap() += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let hour = self.hour();
        if let Some(kind) = self.refusal(request, hour) {
            return Err(CloudError::new(kind, "as the events say"));
        }
        let records = |lives: &[Life], is_backup| {
            let mut items: Vec<Record> = lives.iter().filter_map(|life| life.record(hour, is_backup)).collect();
            items.reverse();
            items.truncate(RECORDS);
            Answer::Records(page(items))
        };
        Ok(match request {
            Request::Instances(_) => {
                let is_emptied = within(&self.project["emptied"], hour);
                let here = self.courses.values().filter(|course| course.about["project"] == self.project["name"]);
                let listed = here.filter(|course| course.exists(hour) && !is_emptied);
                Answer::Instances(page(listed.map(|course| course.instance(hour, false)).collect()))
            }
            Request::Instance(id) => {
                Answer::Instance(Box::new(self.courses[id].instance(hour, true)), Oddities::default())
            }
            Request::Backups(id, _) if self.courses[id].about["single"] == Value::Bool(true) => {
                return Err(CloudError::new(ErrorKind::Unsupported, "a single node"));
            }
            Request::Backups(id, _) => records(&self.courses[id].backups, true),
            Request::Restores(id, _) => records(&self.courses[id].restores, false),
        })
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        // A new key at the end of each trouble, as a person would bring one.
        let hour = self.hour();
        let ends = |spans: &Value| {
            spans.as_array().into_iter().flatten().filter(|span| span[1].as_f64().unwrap() <= hour).count() as u8
        };
        Ok(Fingerprint::of_parts(&[&[ends(&self.project["refused"]), ends(&self.lost_key)]]))
    }
}
