//! How many records are in which state.

use crate::domain::record::State;

/// Numbers of records by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; State::OF_BACKUPS.len()]);

impl Counts {
    /// How many are in this state.
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize].into()
    }

    /// How many there are.
    pub fn all(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all() == 0
    }
}

impl FromIterator<State> for Counts {
    fn from_iter<I: IntoIterator<Item = State>>(states: I) -> Self {
        let mut counts = Self::default();
        for state in states {
            counts.0[state as usize] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_place_of_its_own() {
        for state in State::OF_BACKUPS {
            let counts: Counts = [State::Succeeded, state, state].into_iter().collect();
            assert_eq!((counts.of(state), counts.all()), (2 + u64::from(state == State::Succeeded), 3), "{state:?}");
        }
        assert!(Counts::default().is_empty());
    }
}
