//! How pages look, and that browsers load nothing but that.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

/// The style sheet, in the page itself: one request, and nothing to keep in step.
pub(super) const SHEET: &str = include_str!("style.css");

static CONTENT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, SHEET.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("it is made of letters and signs of ASCII")
});

/// No scripts, no frames, no address but our own; the style sheet above and the icon in the page.
pub(super) fn content_policy() -> HeaderValue {
    CONTENT_POLICY.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_into_a_style_element() {
        assert!(!SHEET.contains('<') && !SHEET.contains("url("));
        assert!(SHEET.len() < 12 * 1024, "{} bytes on every page", SHEET.len());
    }
}
