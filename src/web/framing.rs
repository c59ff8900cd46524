//! Requests whose beginning or end two readers could see in different places.
//!
//! A proxy in front of us that reads such a request otherwise could be made to hand on a second one hidden in the first.
//! hyper refuses what is malformed; what is left is refused here, as RFC 9112 (sections 3.2 and 6.3) asks for.

use hyper::Version;
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::http::request::Parts;

/// How the end of a request's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By nothing, or by a length.
    Clear,
    /// By its last chunk: nothing after it is taken for a request, it need not be one.
    Chunked,
    /// In more than one way, or it is not clear whom the request is for; with what to say.
    Ambiguous(&'static str),
}

impl Framing {
    pub(super) fn of(head: &Parts) -> Self {
        if head.version > Version::HTTP_11 {
            return Self::Clear;
        }
        let count = |name| head.headers.get_all(name).iter().count();
        let (hosts, lengths) = (count(HOST), count(CONTENT_LENGTH));
        if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
            return Self::Ambiguous("bad request; send one Host header\n");
        }
        let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (None, _) => Self::Clear,
            (Some(coding), None) if lengths == 0 && coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Self::Chunked,
            _ => Self::Ambiguous("bad request; send Content-Length or Transfer-Encoding: chunked, not both\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn framing(version: Version, headers: &[(&str, &str)]) -> Framing {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Framing::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn one_host_and_one_end() {
        const HOST: (&str, &str) = ("host", "x");
        let clear: [&[_]; 2] = [&[HOST], &[HOST, ("content-length", "3")]];
        for headers in clear {
            assert_eq!(framing(Version::HTTP_11, headers), Framing::Clear, "{headers:?}");
        }
        for coding in ["chunked", "Chunked"] {
            assert_eq!(framing(Version::HTTP_11, &[HOST, ("transfer-encoding", coding)]), Framing::Chunked);
        }
        assert_eq!(framing(Version::HTTP_10, &[]), Framing::Clear);
        assert_eq!(framing(Version::HTTP_2, &[]), Framing::Clear);
        let ambiguous: [&[_]; 6] = [
            &[],
            &[HOST, ("host", "y")],
            &[HOST, ("content-length", "3"), ("transfer-encoding", "chunked")],
            &[HOST, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[HOST, ("transfer-encoding", "gzip, chunked")],
            &[HOST, ("transfer-encoding", "identity")],
        ];
        for headers in ambiguous {
            assert!(matches!(framing(Version::HTTP_11, headers), Framing::Ambiguous(_)), "{headers:?}");
        }
    }
}
