//! Files as processes, disks and people leave them.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::domain::sample::minute;

/// A place for a directory; gone when dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dcs-storage-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn directory(&self) -> Directory {
        Directory::new(self.0.join("deep/down"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("deep/down").join(name)
    }

    /// The names of what is there, the lock left out.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.file("")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != LOCK);
        names.sort_unstable();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn memory(saved: i64) -> Memory {
    Memory { saved_at: minute(saved), projects: Vec::new() }
}

#[test]
fn what_is_written_is_loaded_and_nobody_else_may_read_it() {
    let place = Place::new();
    let mut directory = place.directory();
    assert_eq!(directory.load(minute(0)).unwrap(), None, "nothing is there yet");
    directory.acquire().unwrap();
    assert_eq!(directory.load(minute(0)).unwrap(), None);
    for saved in 0..3 {
        let bytes = directory.write(&memory(saved)).unwrap();
        assert_eq!(fs::metadata(place.file(FACTS)).unwrap().len(), bytes);
        assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(saved)));
    }
    assert_eq!(place.names(), [FACTS]);
    let mode = |name: &str| fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(""), mode(FACTS), mode(LOCK)), (0o700, 0o600, 0o600));
}

#[test]
fn one_process_stores_and_the_next_one_after_it() {
    let place = Place::new();
    let (mut first, mut second) = (place.directory(), place.directory());
    first.acquire().unwrap();
    first.acquire().unwrap();
    first.write(&memory(1)).unwrap();
    let refusal = second.acquire().unwrap_err();
    assert!(matches!(refusal, StorageError::Held(_)), "{refusal}");
    assert!(second.write(&memory(2)).is_err());
    assert_eq!(second.load(minute(0)).unwrap(), Some(memory(1)), "reading disturbs nobody");
    fs::write(place.file(FACTS), "nonsense").unwrap();
    let rejected = second.load(minute(0)).unwrap_err();
    assert_eq!((rejected.reason, rejected.set_aside), (Reason::Foreign, None));
    assert_eq!(place.names(), [FACTS], "the first one's files are its own");
    drop(first);
    second.acquire().unwrap();
    second.write(&memory(2)).unwrap();
    assert_eq!(second.load(minute(0)).unwrap(), Some(memory(2)));
}

#[test]
fn what_cannot_be_used_is_set_aside_and_the_newest_few_are_kept() {
    let place = Place::new();
    let mut directory = place.directory();
    directory.acquire().unwrap();
    directory.write(&memory(0)).unwrap();
    let good = fs::read(place.file(FACTS)).unwrap();
    let newer = [&good[..8], &[9, 0, 0, 0], &good[12..]].concat();
    let cut = good[..good.len() - 1].to_vec();
    for (at, (bytes, reason)) in (0..).zip([
        (Vec::new(), Reason::Damaged),
        (cut, Reason::Damaged),
        (newer, Reason::Newer),
        (vec![0; 99], Reason::Foreign),
    ]) {
        fs::write(place.file(FACTS), &bytes).unwrap();
        let rejected = directory.load(minute(at)).unwrap_err();
        assert_eq!(rejected.reason, reason);
        assert_eq!(fs::read(place.file(&rejected.set_aside.unwrap())).unwrap(), bytes);
        assert_eq!(directory.load(minute(at)).unwrap(), None, "it is out of the way");
    }
    let kept: Vec<String> = (1..4).map(|minute| format!("facts.rejected-20261120T120{minute}00.000Z")).collect();
    assert_eq!(place.names(), kept);
    directory.write(&memory(1)).unwrap();
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(1)));
}

#[test]
fn what_is_no_file_is_set_aside_too() {
    let place = Place::new();
    let mut directory = place.directory();
    directory.acquire().unwrap();
    fs::create_dir_all(place.file("facts/inside")).unwrap();
    let rejected = directory.load(minute(0)).unwrap_err();
    assert_eq!(rejected.reason, Reason::Unreadable);
    assert!(rejected.to_string().contains("no regular file"), "{rejected}");
    let file = File::create(place.file(FACTS)).unwrap();
    file.set_len(file::LARGEST + 1).unwrap();
    let rejected = directory.load(minute(1)).unwrap_err();
    assert_eq!(rejected.reason, Reason::Damaged, "{rejected}");
    directory.write(&memory(1)).unwrap();
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(1)));
}

#[test]
fn a_failed_write_leaves_the_file_before_and_the_next_may_work() {
    let place = Place::new();
    let mut directory = place.directory();
    directory.acquire().unwrap();
    directory.write(&memory(1)).unwrap();
    // Nobody can write where a directory with something in it stands.
    fs::create_dir_all(place.file("facts.tmp/inside")).unwrap();
    let error = directory.write(&memory(2)).unwrap_err().to_string();
    assert!(error.contains("facts") && error.contains("writable"), "{error}");
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(1)));
    fs::remove_dir_all(place.file(NEXT)).unwrap();
    directory.acquire().unwrap();
    directory.write(&memory(2)).unwrap();
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(2)));
}

#[test]
fn a_file_that_a_killed_process_left_is_no_hindrance_whosever_it_is() {
    let place = Place::new();
    let mut directory = place.directory();
    directory.acquire().unwrap();
    let elsewhere = place.file("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.file(NEXT)).unwrap();
    directory.write(&memory(1)).unwrap();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(1)));
}

#[test]
fn a_directory_that_was_removed_is_made_anew() {
    let place = Place::new();
    let mut directory = place.directory();
    directory.acquire().unwrap();
    directory.write(&memory(1)).unwrap();
    fs::remove_dir_all(place.file("")).unwrap();
    assert!(directory.write(&memory(2)).is_err());
    directory.acquire().unwrap();
    directory.write(&memory(3)).unwrap();
    assert_eq!(directory.load(minute(0)).unwrap(), Some(memory(3)));
}

#[test]
fn where_no_directory_can_be_the_error_says_so() {
    let place = Place::new();
    fs::create_dir_all(&place.0).unwrap();
    fs::write(place.0.join("deep"), "a file").unwrap();
    let error = place.directory().acquire().unwrap_err();
    assert!(matches!(error, StorageError::Io { done: "made", .. }), "{error}");
}
