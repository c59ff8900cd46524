//! What tests hear of the log: everything that is logged on a thread while it listens, as one JSON object a line.
//!
//! One subscriber serves all tests. With one for each thread, tracing may ask the wrong one whether anybody wants an
//! event, namely none where another thread is the first to reach it, and remembers the answer.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    /// What this thread has heard; `None` while it does not listen.
    static HEARD: RefCell<Option<(Level, Vec<u8>)>> = const { RefCell::new(None) };
}

/// A thread that listens.
pub(crate) struct Heard(());

impl Heard {
    /// Listens to this thread, down to this level, until it is dropped.
    pub(crate) fn listen(level: Level) -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Ear);
            let is_heard = dynamic_filter_fn(|event, _| {
                HEARD.with_borrow(|heard| heard.as_ref().is_some_and(|(level, _)| event.level() <= level))
            });
            tracing_subscriber::registry().with(layer.with_filter(is_heard)).init();
        });
        HEARD.set(Some((level, Vec::new())));
        Self(())
    }

    /// What was heard so far.
    pub(crate) fn text(&self) -> String {
        HEARD.with_borrow(|heard| String::from_utf8(heard.as_ref().expect("it listens").1.clone()).unwrap())
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| {
            if let Some((_, text)) = heard {
                text.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
