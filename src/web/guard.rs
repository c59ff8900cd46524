//! What `--web.config.file` has to say before a request gets to its route, in exporter-toolkit's words.

use hyper::StatusCode;
use hyper::header::{HeaderMap, WWW_AUTHENTICATE};

use super::config::{Admission, Refusal, WebConfig};
use super::routes::Answer;

/// The headers for the answer, or the answer to who is refused.
pub(super) async fn admit(config: &WebConfig, headers: &HeaderMap) -> Result<Admission, Answer> {
    config.admit(headers).await.map_err(|refusal| match refusal {
        Refusal::Broken => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
        Refusal::TooMany => Answer::text(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n"),
        Refusal::Stranger(extra) => {
            Answer::text(StatusCode::UNAUTHORIZED, "Unauthorized\n").with(WWW_AUTHENTICATE, "Basic").with_all(extra)
        }
        Refusal::Busy => Answer::too_many("logins"),
    })
}
