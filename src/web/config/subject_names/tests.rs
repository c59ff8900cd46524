//! Names within and out of bounds.

use x509_cert::der::asn1::{Ia5String, OctetString};

use super::*;

fn text(text: &str) -> Ia5String {
    Ia5String::new(text).unwrap()
}

fn dns(name: &str) -> GeneralName {
    GeneralName::DnsName(text(name))
}

fn email(name: &str) -> GeneralName {
    GeneralName::Rfc822Name(text(name))
}

fn uri(name: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(text(name))
}

fn ip(bytes: &[u8]) -> GeneralName {
    GeneralName::IpAddress(OctetString::new(bytes).unwrap())
}

fn constraints(permitted: &[GeneralName], excluded: &[GeneralName]) -> der::Result<NameConstraints> {
    let subtrees = |bases: &[GeneralName]| {
        let subtree = |base: &GeneralName| GeneralSubtree { base: base.clone(), minimum: 0, maximum: None };
        Some(bases.iter().map(subtree).collect::<Vec<_>>())
    };
    let (permitted_subtrees, excluded_subtrees) = (subtrees(permitted), subtrees(excluded));
    NameConstraints::read(&RawNameConstraints { permitted_subtrees, excluded_subtrees })
}

/// Which of these names may be given under a bound; those of the table that say no begin with `!`.
fn look(permitted: &[GeneralName], excluded: &[GeneralName], kind: fn(String) -> Name, table: &[&str]) {
    let constraints = constraints(permitted, excluded).unwrap();
    for entry in table {
        let name = kind(entry.trim_start_matches('!').to_owned());
        assert_eq!(constraints.permit(&name), !entry.starts_with('!'), "{name:?} in {constraints:?}");
    }
}

#[test]
fn domains_are_bounded_by_labels() {
    let table = [
        "good.example",
        "a.GOOD.example",
        "*.good.example",
        "!notgood.example",
        "!good.example.com",
        "!",
        "!a..good.example",
    ];
    look(&[dns("Good.example")], &[], Name::Dns, &table);
    look(&[dns(".good.example")], &[], Name::Dns, &["a.good.example", "!good.example"]);
    look(&[dns("a.example"), dns("b.example")], &[], Name::Dns, &["a.example", "b.example", "!c.example"]);
    look(
        &[],
        &[dns("a.bad.example")],
        Name::Dns,
        &["!a.bad.example", "!x.a.bad.example", "!*.bad.example", "bad.example"],
    );
    look(&[], &[dns("")], Name::Dns, &["!a.example"]);
    look(&[dns("")], &[], Name::Dns, &["a.example"]);
    look(&[email("a.example")], &[], Name::Dns, &["b.example"]);
}

#[test]
fn addresses_of_mail_are_bounded_by_host_or_one_by_one() {
    let table = [
        "me@good.example",
        "Me@Good.example",
        "me@a.good.example",
        "one@other.example",
        "!One@other.example",
        "!me@other.example",
        "!good.example",
        "!\"a@b\"@good.example",
        "!@good.example",
    ];
    look(&[email("good.example"), email("one@Other.example")], &[], Name::Email, &table);
}

#[test]
fn uris_are_bounded_by_host() {
    let table = [
        "spiffe://good.example/x",
        "https://a.good.example:80/?q#f",
        "https://me@good.example",
        "!https://good.example@evil.example/",
        "!https://evil.example?good.example",
        "!https://evil.example#@good.example",
        "!https://evil.example/@good.example",
        "!https://evil.example\\@good.example:x@evil.example",
        "!https://10.0.0.1/",
        "!https://[::1]/",
        "!urn:good.example",
        "!https:///",
    ];
    look(&[uri("good.example")], &[], Name::Uri, &table);
    // Even where nothing is said of them, those without a host are not let through.
    look(&[dns("a.example")], &[], Name::Uri, &["https://b.example", "!urn:a:b"]);
}

#[test]
fn addresses_are_bounded_by_network() {
    let bounds = constraints(&[ip(&[10, 0, 0, 0, 255, 128, 0, 0])], &[ip(&[10, 1, 0, 0, 255, 255, 0, 0])]).unwrap();
    for (address, good) in [("10.127.0.1", true), ("10.128.0.1", false), ("10.1.2.3", false), ("::a7f:1", false)] {
        assert_eq!(bounds.permit(&Name::Ip(address.parse().unwrap())), good, "{address}");
    }
}

#[test]
fn bounds_that_cannot_be_told_are_none() {
    let bad = [
        dns("a..b"),
        dns("a b"),
        uri("10.0.0.1"),
        email("@b"),
        ip(&[1, 2, 3, 4]),
        ip(&[10, 0, 0, 0, 255, 0, 255, 0]),
        ip(&[10, 0, 0, 0, 0, 255, 0, 0]),
    ];
    for base in bad {
        assert!(constraints(std::slice::from_ref(&base), &[]).is_err(), "{base:?}");
    }
    let of_another_kind = GeneralName::RegisteredId(x509_cert::der::asn1::ObjectIdentifier::new_unwrap("1.2.3"));
    assert!(!constraints(&[of_another_kind, dns("a")], &[]).unwrap().is_understood());
    assert!(constraints(&[dns("a")], &[]).unwrap().is_understood());
}
