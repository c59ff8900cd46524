//! Signatures of requests with an access key: `SDK-HMAC-SHA256`, in three steps that are tested one by one.
//!
//! 1. [`canonical_request`]: the request in the one form that both sides can compute from what is sent;
//! 2. [`string_to_sign`]: its digest, with the algorithm and the moment;
//! 3. [`signature`]: the HMAC of that with the secret, which [`authorization`] puts into its header.
//!
//! A receiver computes the same from what it received: see [`Authorization::verifies`]. There is no key
//! derivation and no region in this algorithm. Source: the vendor's API Request Signing Guide and the signer of
//! its Python SDK, which made the vectors in `tests/fixtures/signing_vectors.json`.

use std::borrow::Cow;

use aws_lc_rs::{constant_time, digest, hmac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// The algorithm's name, first word of the header `Authorization`.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";
/// The header with the moment of signing, always signed.
pub const DATE_HEADER: &str = "x-sdk-date";

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Likewise, for a whole path: its slashes separate.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request as far as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path as it is sent, percent-encoded or not.
    pub path: &'a str,
    /// The query as it is sent, without its question mark; empty where there is none.
    pub query: &'a str,
    /// The signed headers in any order, names in any case. `host` and `x-sdk-date` must be among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for `GET`.
    pub body: &'a [u8],
}

/// Step 1: the request in its canonical form.
///
/// ```
/// use dcs_backup_exporter::cloud::sign::{Signable, canonical_request};
///
/// let request = Signable {
///     method: "GET",
///     path: "/v2/p/instances",
///     query: "offset=0&limit=10",
///     headers: &[("X-Sdk-Date", "20261120T235959Z"), ("Host", "dcs.example")],
///     body: b"",
/// };
/// assert!(canonical_request(&request).starts_with("GET\n/v2/p/instances/\nlimit=10&offset=0\nhost:dcs.example\n"));
/// ```
pub fn canonical_request(request: &Signable<'_>) -> String {
    let mut headers: Vec<(String, &str)> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    headers.sort();
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method,
        canonical_path(request.path),
        canonical_query(query_pairs(request.query))
    );
    for (name, value) in &headers {
        text.push_str(name);
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed_headers(request.headers));
    text.push('\n');
    text.push_str(&hex(digest::digest(&digest::SHA256, request.body).as_ref()));
    text
}

/// Step 2: what is signed. `date` is the value of `X-Sdk-Date`.
pub fn string_to_sign(canonical_request: &str, date: &str) -> String {
    let digest = digest::digest(&digest::SHA256, canonical_request.as_bytes());
    format!("{ALGORITHM}\n{date}\n{}", hex(digest.as_ref()))
}

/// Step 3: the signature, in hexadecimal digits.
pub fn signature(string_to_sign: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, string_to_sign.as_bytes()).as_ref())
}

/// The value of the header `Authorization`.
pub fn authorization(access_key: &str, signed_headers: &str, signature: &str) -> String {
    format!("{ALGORITHM} Access={access_key}, SignedHeaders={signed_headers}, Signature={signature}")
}

/// All three steps: the value of the header `Authorization` of this request.
///
/// `date` is the value of its header `X-Sdk-Date`: see [`format_date`].
pub fn sign(request: &Signable<'_>, date: &str, access_key: &str, secret: &str) -> String {
    let signature = signature(&string_to_sign(&canonical_request(request), date), secret);
    authorization(access_key, &signed_headers(request.headers), &signature)
}

/// The names of these headers as `SignedHeaders` lists them: lower case, sorted, between semicolons.
pub fn signed_headers(headers: &[(&str, &str)]) -> String {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.join(";")
}

/// A moment as `X-Sdk-Date` has it: `20261120T235959Z`.
pub fn format_date(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads the value of `X-Sdk-Date`; `None` where it has another form.
pub fn parse_date(date: &str) -> Option<Timestamp> {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Encodes all but the unreserved characters of RFC 3986, as in a path's segment or a query's key or value.
pub fn encode(text: &str) -> String {
    percent_encode(text.as_bytes(), RESERVED).to_string()
}

/// The path, decoded and encoded again, with a slash at its end.
///
/// Like the vendor's signers it decodes the whole path before it looks for slashes, so `%2F` becomes one.
fn canonical_path(path: &str) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let mut path = percent_encode(&decoded, RESERVED_IN_PATH).to_string();
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// A key and a value, decoded.
type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Sorts by key, then value, as bytes before encoding.
fn canonical_query(mut pairs: Vec<Pair<'_>>) -> String {
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", percent_encode(key, RESERVED), percent_encode(value, RESERVED)))
        .collect();
    pairs.join("&")
}

/// A plus sign stays one: the signers write a space as `%20`.
fn query_pairs(query: &str) -> Vec<Pair<'_>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode_str(key).into(), percent_decode_str(value).into())
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// What a received header `Authorization` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// Whose secret made the signature.
    pub access_key: &'a str,
    /// The names of the headers that it covers, as they are listed.
    pub signed_headers: Vec<&'a str>,
    /// The signature, in hexadecimal digits.
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads the header's value; `None` where it is of another algorithm or form.
    pub fn parse(value: &'a str) -> Option<Self> {
        let (mut access_key, mut signed_headers, mut signature) = (None, None, None);
        for part in value.strip_prefix(ALGORITHM)?.strip_prefix(' ')?.split(',') {
            match part.trim().split_once('=')? {
                ("Access", value) => access_key = Some(value),
                ("SignedHeaders", value) => signed_headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        Some(Self {
            access_key: access_key?,
            signed_headers: signed_headers?.split(';').collect(),
            signature: signature?,
        })
    }

    /// Whether the secret made this signature of a request as it was received.
    ///
    /// Of the request's headers only those that the signature says it covers are looked at; it is wrong where one
    /// of them was not received, or where `host` or `x-sdk-date` is not among them.
    pub fn verifies(&self, received: &Signable<'_>, secret: &str) -> bool {
        let value_of = |name: &str| {
            received.headers.iter().find(|(received, _)| received.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        let covers = |name: &str| self.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name));
        let headers: Option<Vec<(&str, &str)>> =
            self.signed_headers.iter().map(|name| Some((*name, value_of(name)?))).collect();
        let (Some(headers), Some(date)) = (headers, value_of(DATE_HEADER)) else { return false };
        if !covers("host") || !covers(DATE_HEADER) {
            return false;
        }
        let covered = Signable { headers: &headers, ..*received };
        let expected = signature(&string_to_sign(&canonical_request(&covered), date), secret);
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests;
