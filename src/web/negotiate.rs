//! What the client accepts: the format of `/metrics` and its compression (RFC 9110 §12.5).
//!
//! Prometheus asks for several formats with weights. OpenMetrics is sent where it is named and preferred no less
//! than the text format; the text format otherwise, also to a client that accepts neither, as Prometheus' own
//! libraries do. A range that cannot be read counts as not sent.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

use crate::exposition::Format;

/// The format to send.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let ranges = ranges(headers, &ACCEPT);
    let open_metrics = preference(&ranges, "application", "openmetrics-text", &["1.0.0"]);
    let text = preference(&ranges, "text", "plain", &["0.0.4"]);
    // At the same weight, OpenMetrics must have been meant, not merely included in `*/*`.
    if open_metrics.weight > 0.0
        && (open_metrics.weight > text.weight || (open_metrics.weight >= text.weight && open_metrics.named))
    {
        Format::OpenMetrics
    } else {
        Format::Text
    }
}

/// Whether to compress.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    let codings = ranges(headers, &ACCEPT_ENCODING);
    let weight = |name: &str| codings.iter().find(|coding| coding.name == name).map(|coding| coding.weight);
    let gzip = weight("gzip").or_else(|| weight("x-gzip")).or_else(|| weight("*")).unwrap_or(0.0);
    let identity = weight("identity").unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity
}

/// One element of an `Accept…` header.
#[derive(Debug)]
struct Range {
    /// In lower case.
    name: String,
    /// Parameter `version`, without quotes.
    version: Option<String>,
    /// 0 to 1; 0 refuses.
    weight: f32,
}

/// How much a media type is wanted.
#[derive(Clone, Copy, Debug)]
struct Preference {
    weight: f32,
    /// By its name, not by a wildcard.
    named: bool,
}

/// The weight of the most specific range that fits; several as specific: the highest.
fn preference(ranges: &[Range], kind: &str, subkind: &str, versions: &[&str]) -> Preference {
    let mut best = (0, 0.0_f32);
    for range in ranges {
        let specificity = match range.name.split_once('/') {
            Some((name, subname)) if name == kind && subname == subkind => match &range.version {
                Some(version) if versions.contains(&version.as_str()) => 4,
                Some(_) => 0,
                None => 3,
            },
            Some((name, "*")) if name == kind => 2,
            Some(("*", "*")) => 1,
            _ => 0,
        };
        if specificity > best.0 {
            best = (specificity, range.weight);
        } else if specificity > 0 && specificity == best.0 {
            best.1 = best.1.max(range.weight);
        }
    }
    Preference { weight: best.1, named: best.0 >= 3 }
}

fn ranges(headers: &HeaderMap, name: &HeaderName) -> Vec<Range> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect()
}

fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let mut range = Range { name, version: None, weight: 1.0 };
    for part in parts {
        let Some((key, value)) = part.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => range.weight = weight(value)?,
            "version" => range.version = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(range)
}

fn weight(text: &str) -> Option<f32> {
    text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, Text};

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn open_metrics_is_sent_to_those_who_prefer_it() {
        let table: &[(&[&str], Format)] = &[
            (&[], Text),
            (&[""], Text),
            (&["*/*"], Text),
            (&["text/plain"], Text),
            (&["text/*"], Text),
            (&["application/json"], Text),
            (&["application/openmetrics-text"], OpenMetrics),
            (&["Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8"], OpenMetrics),
            (&["application/openmetrics-text; version=0.0.1"], Text),
            (&["application/openmetrics-text;q=0"], Text),
            (&["application/openmetrics-text;q=0, */*"], Text),
            (&["application/openmetrics-text;q=0.5,text/plain;q=0.5"], OpenMetrics),
            (&["application/openmetrics-text;q=0.4,text/plain;q=0.5"], Text),
            (&["application/openmetrics-text;q=0.4,text/*;q=0.5"], Text),
            (&["application/openmetrics-text;q=0.4,*/*;q=0.5"], Text),
            (&["text/plain;version=0.0.4;q=0.3", "application/openmetrics-text;q=0.4"], OpenMetrics),
            (&["application/*"], OpenMetrics),
            (&["application/openmetrics-text;q=nan"], Text),
            (&["application/openmetrics-text;q=2"], Text),
            (&["application/openmetrics-text;q=-1"], Text),
            // curl, a browser
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], Text),
            // Prometheus 1, 2.5, 2.42, 3 and 3 with the binary format first
            (
                &["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                text/plain;version=0.0.4;q=0.3,*/*;q=0.1"],
                Text,
            ),
            (&["application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"], Text),
            (
                &["application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                text/plain;version=0.0.4;q=0.5,*/*;q=0.1"],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                text/plain;version=0.0.4;q=0.3,*/*;q=0.2"],
                OpenMetrics,
            ),
            (
                &["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,\
                text/plain;version=0.0.4;q=0.2,*/*;q=0.1"],
                OpenMetrics,
            ),
            (&["text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.9"], Text),
        ];
        for (values, expected) in table {
            assert_eq!(format(&headers(&ACCEPT, values)), *expected, "{values:?}");
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_accept_it() {
        let table: &[(&[&str], bool)] = &[
            (&[], false),
            (&[""], false),
            (&["gzip"], true),
            (&["GZip"], true),
            (&["x-gzip"], true),
            (&["gzip;q=0"], false),
            (&["gzip;q=0.0"], false),
            (&["gzip;q=0.001"], true),
            (&["gzip; q=0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["identity"], false),
            (&["deflate, br"], false),
            (&["deflate, gzip;q=1.0, *;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["gzip;q=0.5, identity"], false),
            (&["gzip;q=0.5, identity;q=0.5"], true),
            (&["gzip;q=nonsense"], false),
            (&["gzip;q=NaN"], false),
        ];
        for (values, expected) in table {
            assert_eq!(gzip(&headers(&ACCEPT_ENCODING, values)), *expected, "{values:?}");
        }
    }
}
