//! wip
mod archetype;
mod by_hand;
mod chance;
mod course;
mod fleet;
mod history;
mod scheduled;
/// wip
pub const DEMO_INSTANCES: usize = 12;
/// wip
pub const DEMO_SPEED: f64 = 20.0;
