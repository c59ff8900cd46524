//! The instances of a project in a picture: one that is drawn after each poll costs what has changed, not what exists.
//!
//! Pictures share chunks of a hundred instances or so. Where one instance has another view, its chunk is copied, and
//! the list of chunks; the others are the same in both pictures.

use std::iter::FlatMap;
use std::slice::Iter;
use std::sync::Arc;

use super::InstanceView;
use crate::domain::InstanceId;

/// A chunk with more instances is split: about the root of a fleet of ten thousand, where chunk and list are as long.
const MOST: usize = 128;

type Chunk = Arc<Vec<Arc<InstanceView>>>;

/// Views of instances, sorted by id, one of each; a clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Instances {
    /// None is empty.
    chunks: Vec<Chunk>,
    len: usize,
}

impl Instances {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them, by id.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// The one with this id.
    pub fn get(&self, id: &InstanceId) -> Option<&Arc<InstanceView>> {
        let chunk = self.chunks.get(self.place(id))?;
        chunk.binary_search_by(|known| known.id.cmp(id)).ok().map(|place| &chunk[place])
    }

    /// Takes a view in the place of the one with the same id, or as a new one.
    pub fn set(&mut self, view: Arc<InstanceView>) {
        let index = self.place(&view.id);
        let Some(chunk) = self.chunks.get_mut(index) else {
            self.chunks.push(Arc::new(vec![view]));
            self.len = 1;
            return;
        };
        match chunk.binary_search_by(|known| known.id.cmp(&view.id)) {
            Ok(place) if Arc::ptr_eq(&chunk[place], &view) => {}
            Ok(place) => Arc::make_mut(chunk)[place] = view,
            Err(place) => {
                let chunk = Arc::make_mut(chunk);
                chunk.insert(place, view);
                self.len += 1;
                if chunk.len() > MOST {
                    let upper = chunk.split_off(chunk.len() / 2);
                    self.chunks.insert(index + 1, Arc::new(upper));
                }
            }
        }
    }

    /// Forgets the one with this id.
    pub fn remove(&mut self, id: &InstanceId) {
        let index = self.place(id);
        let Some(chunk) = self.chunks.get_mut(index) else { return };
        let Ok(place) = chunk.binary_search_by(|known| known.id.cmp(id)) else { return };
        self.len -= 1;
        if chunk.len() == 1 {
            self.chunks.remove(index);
        } else {
            Arc::make_mut(chunk).remove(place);
        }
    }

    /// The chunk that has this id, or would have it.
    fn place(&self, id: &InstanceId) -> usize {
        self.chunks.partition_point(|chunk| chunk[0].id <= *id).saturating_sub(1)
    }
}

impl FromIterator<Arc<InstanceView>> for Instances {
    fn from_iter<T: IntoIterator<Item = Arc<InstanceView>>>(views: T) -> Self {
        let mut instances = Self::default();
        views.into_iter().for_each(|view| instances.set(view));
        instances
    }
}

impl<'a> IntoIterator for &'a Instances {
    type Item = &'a Arc<InstanceView>;
    type IntoIter = FlatMap<Iter<'a, Chunk>, Iter<'a, Arc<InstanceView>>, fn(&'a Chunk) -> Iter<'a, Arc<InstanceView>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::tags::TagLabels;

    fn view(number: u32, name: &str) -> Arc<InstanceView> {
        Arc::new(InstanceView {
            id: format!("{number:04}").into(),
            name: name.to_owned(),
            tags: TagLabels::default(),
            details: None,
            supported: None,
            policy: None,
            rpo: None,
            backups: None,
            restores: None,
            polls: Default::default(),
        })
    }

    #[test]
    fn a_picture_shares_what_did_not_change() {
        let before: Instances = (0..1000).map(|number| view(number, "before")).collect();
        let mut after = before.clone();
        after.set(view(500, "after"));
        let shared = before.chunks.iter().zip(&after.chunks).filter(|(old, new)| Arc::ptr_eq(old, new)).count();
        assert_eq!((shared, before.chunks.len()), (after.chunks.len() - 1, after.chunks.len()));
        assert_eq!(before.get(&"0500".into()).unwrap().name, "before");
        assert_eq!(after.get(&"0500".into()).unwrap().name, "after");
        let chunks = after.chunks.clone();
        after.set(Arc::clone(before.get(&"0100".into()).unwrap()));
        assert!(chunks.iter().zip(&after.chunks).all(|(old, new)| Arc::ptr_eq(old, new)), "the same view again");
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(changes in prop::collection::vec((0..600_u32, 0..3_u8), 0..1500)) {
            let mut instances = Instances::default();
            let mut expected = BTreeMap::new();
            for (step, (number, change)) in changes.into_iter().enumerate() {
                let new = view(number, &step.to_string());
                if change == 0 {
                    instances.remove(&new.id);
                    expected.remove(&new.id);
                } else {
                    expected.insert(new.id.clone(), Arc::clone(&new));
                    instances.set(new);
                }
            }
            prop_assert!(instances.iter().eq(expected.values()));
            prop_assert_eq!((instances.len(), instances.is_empty()), (expected.len(), expected.is_empty()));
            prop_assert!(instances.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= MOST));
            for number in 0..600 {
                let id = InstanceId::from(format!("{number:04}"));
                prop_assert_eq!(instances.get(&id), expected.get(&id));
            }
        }
    }
}
