//! The instances of a project that are watched, with the picture of them all that is published.
//!
//! Whatever was lent out to be changed is compared when the picture is wanted next: nobody has to think of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::InstanceId;
use crate::poller::instance::Watched;
use crate::snapshot::Instances;

/// The watched instances, by id.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Boxed: a map's nodes have room for more than they hold.
    watched: BTreeMap<InstanceId, Box<Watched>>,
    /// As of the last time it was wanted.
    picture: Instances,
    /// Came, went or may have changed since.
    touched: Vec<InstanceId>,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    pub(super) fn contains_key(&self, id: &InstanceId) -> bool {
        self.watched.contains_key(id)
    }

    pub(super) fn get(&self, id: &InstanceId) -> Option<&Watched> {
        self.watched.get(id).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: &InstanceId) -> Option<&mut Watched> {
        let watched = self.watched.get_mut(id)?;
        self.touched.push(id.clone());
        Some(watched.as_mut())
    }

    pub(super) fn insert(&mut self, id: InstanceId, watched: Watched) {
        self.touched.push(id.clone());
        self.watched.insert(id, Box::new(watched));
    }

    pub(super) fn remove(&mut self, id: &InstanceId) -> Option<Watched> {
        self.touched.push(id.clone());
        self.watched.remove(id).map(|watched| *watched)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &InstanceId> {
        self.watched.keys()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Watched> {
        self.watched.values().map(Box::as_ref)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&InstanceId, &Watched)> {
        self.watched.iter().map(|(id, watched)| (id, watched.as_ref()))
    }

    /// All of them, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&InstanceId, &mut Watched)> {
        self.touched.extend(self.watched.keys().cloned());
        self.watched.iter_mut().map(|(id, watched)| (id, watched.as_mut()))
    }

    /// The picture of them all; costs what was touched since the last one.
    pub(super) fn picture(&mut self) -> Instances {
        for id in self.touched.drain(..) {
            match self.watched.get(&id) {
                Some(watched) => self.picture.set(Arc::clone(watched.view())),
                None => self.picture.remove(&id),
            }
        }
        debug_assert_eq!(self.picture.len(), self.watched.len(), "an instance came or went unseen");
        self.picture.clone()
    }
}
