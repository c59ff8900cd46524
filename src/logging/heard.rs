//! What tests hear of the log: everything that is logged on a thread while it listens, as one JSON object a line.
//!
//! One subscriber serves all tests. With one for each thread, tracing may ask the wrong one whether anybody wants an
//! event, namely none where another thread is the first to reach it, and remembers the answer.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Once;

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The lines, as bytes.
type Lines = Rc<RefCell<Vec<u8>>>;

thread_local! {
    /// Down to which level this thread listens, and where that is kept; `None` while it does not listen.
    static LISTENING: RefCell<Option<(Level, Lines)>> = const { RefCell::new(None) };
}

/// What a thread that listens has heard.
pub(crate) struct Heard(Lines);

impl Heard {
    /// Listens to this thread, down to this level, until it is dropped.
    pub(crate) fn listen(level: Level) -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Ear);
            let is_heard = dynamic_filter_fn(|event, _| {
                LISTENING.with_borrow(|listening| listening.as_ref().is_some_and(|(level, _)| event.level() <= level))
            });
            tracing_subscriber::registry().with(layer.with_filter(is_heard)).init();
        });
        let heard = Self(Rc::default());
        LISTENING.set(Some((level, Rc::clone(&heard.0))));
        heard
    }

    /// What was heard so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        LISTENING.set(None);
    }
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LISTENING.with_borrow(|listening| {
            if let Some((_, text)) = listening {
                text.borrow_mut().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
