//! What takes a while because it looks at the whole fleet: lists of instances, as JSON or as a page.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderMap, VARY};
use tokio::sync::Semaphore;

use super::negotiate;
use super::routes::Answer;
use crate::exposition::{Exposition, Rendered};

/// Renders lists, a bounded number of them.
#[derive(Debug)]
pub(super) struct Lists {
    exposition: Exposition,
    places: Arc<Semaphore>,
    /// A large fleet keeps a processor busy for a while: one list at a time, so that scrapes have the others.
    turn: Arc<Mutex<()>>,
}

impl Lists {
    /// So many may be rendered or sent at the same time.
    pub(super) fn new(exposition: Exposition, most: usize) -> Self {
        Self { exposition, places: Arc::new(Semaphore::new(most)), turn: Arc::default() }
    }

    /// Renders a list, to be sent with this type to a client that sent these headers.
    pub(super) async fn answer<E: Display + Send + 'static>(
        &self,
        content_type: &'static str,
        headers: &HeaderMap,
        render: impl FnOnce(&Exposition) -> Result<(StatusCode, Bytes), E> + Send + 'static,
    ) -> Answer {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return Answer::too_many("lists") };
        let gzip = negotiate::gzip(headers);
        let (exposition, turn) = (self.exposition.clone(), Arc::clone(&self.turn));
        let rendering = tokio::task::spawn_blocking(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let (status, body) = render(&exposition)?;
            Ok::<_, E>((status, if gzip { Rendered::compressed(&body) } else { Rendered::from(body) }))
        });
        let failed = |error: &dyn Display| {
            tracing::error!(%error, "the instances could not be rendered");
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the instances could not be rendered; see the log\n")
        };
        match rendering.await {
            Ok(Ok((status, body))) => {
                Answer::new(status, content_type, body).with(VARY, "Accept-Encoding").gzipped(gzip).holding(place)
            }
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }
}
