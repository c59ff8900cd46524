use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// One vector of the fixture: a request and what the vendor's signer makes of it.
struct Vector {
    json: Value,
    headers: Vec<(String, String)>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let fixture: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/signing_vectors.json")).unwrap();
        let vectors: Vec<Self> = fixture["vectors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|json| {
                let headers = json["headers_out"].as_object().unwrap();
                let headers = headers
                    .iter()
                    .filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"))
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                    .collect();
                Self { json: json.clone(), headers }
            })
            .collect();
        assert_eq!(vectors.len(), 18);
        vectors
    }

    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap()
    }

    fn check(&self, f: impl Fn(&Signable<'_>)) {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (path, query) = self.text("request_target").split_once('?').unwrap_or((self.text("request_target"), ""));
        let body = self.text("body").as_bytes();
        f(&Signable { method: self.text("method"), path, query, headers: &headers, body });
    }
}

#[test]
fn step_1_makes_the_vectors_canonical_requests() {
    for vector in Vector::all() {
        vector.check(|request| {
            assert_eq!(canonical_request(request), vector.text("canonical_request"), "{}", vector.text("name"));
        });
    }
}

#[test]
fn step_1_makes_the_same_of_paths_and_queries_before_encoding() {
    for vector in Vector::all() {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for pair in vector.json["query"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match &pair[1] {
                Value::Array(values) => {
                    pairs.extend(values.iter().map(|value| (pair[0].as_str().unwrap(), text(value))));
                }
                value => pairs.push((pair[0].as_str().unwrap(), text(value))),
            }
        }
        pairs.reverse();
        let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        vector.check(|request| {
            let request = Signable { path: vector.text("path"), query: &query.join("&"), ..*request };
            assert_eq!(canonical_request(&request), vector.text("canonical_request"), "{}", vector.text("name"));
        });
    }
}

#[test]
fn step_2_makes_the_vectors_strings_to_sign() {
    for vector in Vector::all() {
        let made = string_to_sign(vector.text("canonical_request"), vector.text("x_sdk_date"));
        assert_eq!(made, vector.text("string_to_sign"), "{}", vector.text("name"));
    }
}

#[test]
fn step_3_makes_the_vectors_signatures() {
    for vector in Vector::all() {
        let made = signature(vector.text("string_to_sign"), vector.text("secret_key"));
        assert_eq!(made, vector.text("signature"), "{}", vector.text("name"));
    }
}

#[test]
fn all_steps_make_the_vectors_headers() {
    for vector in Vector::all() {
        vector.check(|request| {
            let made = sign(request, vector.text("x_sdk_date"), vector.text("access_key"), vector.text("secret_key"));
            assert_eq!(made, vector.text("authorization"), "{}", vector.text("name"));
        });
    }
}

#[test]
fn the_published_signature_is_among_the_vectors() {
    let published = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe";
    assert!(Vector::all().iter().any(|vector| vector.text("signature") == published));
}

#[test]
fn a_receiver_accepts_the_vectors_and_nothing_that_was_changed() {
    for vector in Vector::all() {
        let name = vector.text("name");
        let secret = vector.text("secret_key");
        let authorization = Authorization::parse(vector.text("authorization")).unwrap();
        assert_eq!(authorization.access_key, vector.text("access_key"));
        vector.check(|request| {
            let mut more = request.headers.to_vec();
            more.push(("X-Added-On-The-Way", "1"));
            assert!(authorization.verifies(&Signable { headers: &more, ..*request }, secret), "{name}");

            assert!(!authorization.verifies(request, &secret.replace('b', "c")), "{name}: another secret");
            assert!(!authorization.verifies(&Signable { method: "PUT", ..*request }, secret), "{name}: method");
            assert!(!authorization.verifies(&Signable { path: "/v2/x", ..*request }, secret), "{name}: path");
            assert!(!authorization.verifies(&Signable { query: "limit=2", ..*request }, secret), "{name}: query");
            assert!(!authorization.verifies(&Signable { body: b"{}", ..*request }, secret), "{name}: body");
            for index in 0..request.headers.len() {
                let mut fewer = request.headers.to_vec();
                let (header, _) = fewer.remove(index);
                assert!(!authorization.verifies(&Signable { headers: &fewer, ..*request }, secret), "{name}: {header}");
                let mut other = request.headers.to_vec();
                other[index].1 = "other";
                assert!(!authorization.verifies(&Signable { headers: &other, ..*request }, secret), "{name}: {header}");
            }
        });
    }
}

#[test]
fn a_signature_must_cover_host_and_date() {
    let headers = [("host", "dcs.example"), ("x-sdk-date", "20261120T235959Z")];
    for left_out in 0..2 {
        let covered: Vec<(&str, &str)> = vec![headers[1 - left_out]];
        let request = Signable { method: "GET", path: "/", query: "", headers: &covered, body: b"" };
        let value = sign(&request, "20261120T235959Z", "AK", "SK");
        let received = Signable { headers: &headers, ..request };
        assert!(!Authorization::parse(&value).unwrap().verifies(&received, "SK"));
    }
}

#[test]
fn headers_of_another_form_are_not_read() {
    let good = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=00";
    assert_eq!(
        Authorization::parse(good),
        Some(Authorization { access_key: "AK", signed_headers: vec!["host", "x-sdk-date"], signature: "00" })
    );
    assert_eq!(Authorization::parse(&good.replace(", ", ",")), Authorization::parse(good));
    for bad in [
        "",
        "Bearer x",
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 ",
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host",
        "SDK-HMAC-SHA256 Access=AK, Signature=00",
        "SDK-HMAC-SHA256 Access, SignedHeaders=host, Signature=00",
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=00, More=1",
        "V11-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=00",
    ] {
        assert_eq!(Authorization::parse(bad), None, "{bad}");
    }
}

#[test]
fn dates_are_written_and_read_in_utc() {
    let moment: Timestamp = "2026-11-21T00:59:59.999+01:00".parse().unwrap();
    assert_eq!(format_date(moment), "20261120T235959Z");
    assert_eq!(parse_date("20261120T235959Z"), Some("2026-11-20T23:59:59Z".parse().unwrap()));
    for bad in ["", "2026-11-20T23:59:59Z", "20261120T235959", "20261320T235959Z", "20261120T235959Zx"] {
        assert_eq!(parse_date(bad), None, "{bad}");
    }
}

#[test]
fn nothing_but_unreserved_characters_is_left_plain() {
    assert_eq!(encode("AZaz09-_.~"), "AZaz09-_.~");
    assert_eq!(encode("../x?y#z%20 ü"), "..%2Fx%3Fy%23z%2520%20%C3%BC");
}

fn canonical(path: &str, query: &str) -> String {
    canonical_request(&Signable { method: "GET", path, query, headers: &[("host", "h")], body: b"" })
}

proptest! {
    #[test]
    fn the_order_of_the_query_is_irrelevant(
        pairs in prop::collection::vec((".{0,8}", ".{0,8}"), 0..8).prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        let query = |pairs: &[(String, String)]| {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
            pairs.join("&")
        };
        prop_assert_eq!(canonical("/", &query(&pairs.0)), canonical("/", &query(&pairs.1)));
    }

    #[test]
    fn the_order_and_case_of_headers_are_irrelevant(
        headers in prop::collection::btree_map("[a-z][a-z-]{0,8}", "[ -~]{0,12}", 1..6)
    ) {
        let forth: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let upper: Vec<(String, &str)> = forth.iter().map(|(name, value)| (name.to_uppercase(), *value)).collect();
        let back: Vec<(&str, &str)> = upper.iter().rev().map(|(name, value)| (name.as_str(), *value)).collect();
        let request = Signable { method: "GET", path: "/", query: "", headers: &forth, body: b"" };
        prop_assert_eq!(canonical_request(&request), canonical_request(&Signable { headers: &back, ..request }));
    }

    #[test]
    fn a_canonical_form_is_its_own_canonical_form(
        segments in prop::collection::vec(".{0,8}", 1..5),
        pairs in prop::collection::vec((".{1,8}", ".{0,8}"), 0..5),
    ) {
        let path = segments.iter().fold(String::new(), |path, segment| path + "/" + &encode(segment));
        let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let once = canonical(&path, &query.join("&"));
        let mut lines = once.lines().skip(1);
        let (path, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        prop_assert_eq!(canonical(path, query), once);
    }

    #[test]
    fn anything_received_can_be_judged(value in ".{0,80}", path in ".{0,40}", query in ".{0,40}") {
        let received = Signable { method: "GET", path: &path, query: &query, headers: &[], body: b"" };
        canonical_request(&received);
        for value in [value.clone(), format!("SDK-HMAC-SHA256 Access={value}, SignedHeaders={value}, Signature={value}")] {
            if let Some(authorization) = Authorization::parse(&value) {
                prop_assert!(!authorization.verifies(&received, "secret"));
            }
        }
    }
}
