//! What a fault makes of an answer.

use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::chance::Chance;
use super::faults::FaultKind;
use super::refusal::Refusal;
use super::route::{Call, Route};

/// The page of a load balancer, or of a portal that caught the request.
fn page(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The answer instead of `good`. [`FaultKind::Reset`] and [`FaultKind::Slow`] are the connection's business.
pub(super) fn spoil(kind: FaultKind, draw: Chance, route: &Route, request_id: &str, good: Answer) -> Answer {
    let refused = |refusal: Refusal| refusal.answer(route.version, request_id);
    match kind {
        FaultKind::Slow | FaultKind::Reset => good,
        FaultKind::Throttle => refused(Refusal::throttled(5, draw.happens(0.5).then_some(Duration::from_secs(1)))),
        FaultKind::Flaky => match draw.below(4) {
            0 => refused(Refusal::service(500, "DCS.5000", "Internal service error.")),
            1 => Answer::of(502, "text/html", page("502 Bad Gateway")),
            2 => refused(Refusal::service(503, "APIGW.0613", "The API is temporarily unavailable.")),
            _ => Answer::of(504, "text/html", page("504 Gateway Time-out")),
        },
        FaultKind::Garbage => Answer::json(200, garbage(draw, &good.body)),
        FaultKind::Truncate => {
            // An empty answer has nothing that could be cut.
            let body = if good.body.len() < 2 { Bytes::from_static(b"{\"total_num\":0}") } else { good.body };
            Answer { body, truncated: true, ..Answer::json(if good.status == 204 { 200 } else { good.status }, "") }
        }
        FaultKind::Html => Answer::of(200, "text/html;charset=utf-8", page("Sign in")),
        FaultKind::Unauthorized => refused(Refusal::unauthenticated("verify aksk signature fail")),
        FaultKind::Forbidden => refused(Refusal::forbidden(route.call)),
        FaultKind::NotFound if route.call.is_login() => {
            refused(Refusal::login(route.call, 404, "The resource could not be found."))
        }
        FaultKind::NotFound if route.call == Call::Instances => {
            refused(Refusal::service(404, "DCS.4001", "The requested URL does not exist."))
        }
        FaultKind::NotFound => refused(Refusal::no_such_instance()),
    }
}

/// Something that a client cannot mean to read.
fn garbage(draw: Chance, good: &[u8]) -> Bytes {
    match draw.below(5) {
        0 => Bytes::copy_from_slice(&good[..good.len() / 2]),
        1 => Bytes::from_static(b"\xff\xfe\x00\x01{\"total_num\":\x80}"),
        2 => Bytes::from_static(b"[1, 2, 3]"),
        3 => Bytes::from_static(b"\"OK\""),
        _ => Bytes::from_static(
            b"{\"backup_record_response\":\"none\",\"restore_record_response\":7,\"instances\":true}",
        ),
    }
}
