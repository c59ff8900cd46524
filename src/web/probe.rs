//! `/probe`: polls one instance now and answers with its series alone.
//!
//! How long it waits follows from the scrape's own time-out, as with Prometheus' blackbox exporter. What could not be
//! asked by then is told with the last facts and `dcs_poll_success` 0: the answer is 200 as long as the instance is
//! watched. Those who wait have a limit of their own; who finds it reached does not wait.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, VARY};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::negotiate;
use super::query::{BadQuery, Query};
use super::routes::Answer;
use crate::exposition::{Exposition, Rendered, single};
use crate::poller::Prober;
use crate::snapshot::{InstanceView, ProjectView};

/// The time-out of the scrape that waits for the answer, in seconds.
const SCRAPE_TIMEOUT: &str = "X-Prometheus-Scrape-Timeout-Seconds";
/// Where it is not sent: Prometheus' own default.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody is waited for longer.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);
/// So long before the time-out the answer is sent, …
const MARGIN: Duration = Duration::from_millis(500);
const NOT_WATCHED: &str = "the project has no instance with this instance_id that is watched\n";

/// Answers `/probe`.
#[derive(Debug)]
pub(super) struct Probes {
    exposition: Exposition,
    prober: Prober,
    waiting: Semaphore,
}

impl Probes {
    /// So many may wait for the cloud at the same time.
    pub(super) fn new(exposition: Exposition, prober: Prober, most: usize) -> Self {
        Self { exposition, prober, waiting: Semaphore::new(most) }
    }

    /// Answers the request with this query.
    pub(super) async fn answer(&self, query: Option<&str>, headers: &HeaderMap) -> Answer {
        let until = Instant::now() + patience(headers);
        let query = Query::of(query);
        match target(&query) {
            Ok((project, id)) => self.answer_for(project, id, until, headers).await,
            Err(refusal) => Answer::text(StatusCode::BAD_REQUEST, format!("{refusal}\n")),
        }
    }

    async fn answer_for(&self, project: &str, id: &str, until: Instant, headers: &HeaderMap) -> Answer {
        let not_found = |text: &'static str| Answer::text(StatusCode::NOT_FOUND, text);
        let Some(project) = self.project(project) else {
            return not_found("the configuration has no project of this name\n");
        };
        if project.instance(id).is_none() {
            return not_found(NOT_WATCHED);
        }
        let polled = match self.waiting.try_acquire() {
            Ok(_place) => self.prober.poll_now(project.name.clone(), id.into(), until).await,
            Err(_) => None,
        };
        let last_known = || Some(self.project(project.name.as_str())?.instance(id)?.polled_now([false; 3]));
        match polled.or_else(last_known) {
            Some(instance) => self.rendered(&project, &instance, headers),
            None => not_found(NOT_WATCHED),
        }
    }

    fn project(&self, name: &str) -> Option<Arc<ProjectView>> {
        self.exposition.picture().0.project(name).cloned()
    }

    /// A few kilobytes: nothing to leave the async worker for.
    fn rendered(&self, project: &ProjectView, instance: &InstanceView, headers: &HeaderMap) -> Answer {
        let (format, gzip) = (negotiate::format(headers), negotiate::gzip(headers));
        let (snapshot, now) = self.exposition.picture();
        let text = single::text(project, instance, snapshot.lookback, now, format);
        let body = if gzip { Rendered::compressed(text.as_bytes()) } else { Rendered::from(bytes::Bytes::from(text)) };
        Answer::new(StatusCode::OK, format.content_type(), body).with(VARY, "Accept, Accept-Encoding").gzipped(gzip)
    }
}

/// Whom the query asks for.
fn target(query: &Query) -> Result<(&str, &str), BadQuery> {
    Ok((query.needed("project")?, query.needed("instance_id")?))
}

/// How long an answer to a scrape with these headers may be waited for.
fn patience(headers: &HeaderMap) -> Duration {
    let sent = headers.get(SCRAPE_TIMEOUT).and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    // Neither a number nor positive, nor any time there is: as good as not sent.
    let timeout = sent
        .filter(|seconds| *seconds > 0.0)
        .map_or(USUAL_TIMEOUT, |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_TIMEOUT))
        .min(LONGEST_TIMEOUT);
    // … or after half of it where it is short.
    timeout.saturating_sub(MARGIN.min(timeout / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_before_the_scrape_times_out() {
        for (sent, expected) in [
            (None, 9_500),
            (Some("10"), 9_500),
            (Some(" 5.25 "), 4_750),
            (Some("1e1"), 9_500),
            (Some("1"), 500),
            (Some("0.5"), 250),
            (Some("0.01"), 5),
            (Some("3600"), 59_500),
            (Some("1e300"), 59_500),
            (Some("inf"), 59_500),
            (Some("0"), 9_500),
            (Some("-3"), 9_500),
            (Some("NaN"), 9_500),
            (Some("soon"), 9_500),
            (Some(""), 9_500),
        ] {
            let headers = sent.map(|sent| (SCRAPE_TIMEOUT.parse().unwrap(), sent.parse().unwrap()));
            assert_eq!(patience(&headers.into_iter().collect()), Duration::from_millis(expected), "{sent:?}");
        }
    }
}
