//! Chains of certificates made here, and two of X.509 v1 that `openssl x509 -req` made.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;

type Change<'a> = &'a dyn Fn(&mut CertificateParams);
type Issuer = CertifiedIssuer<'static, KeyPair>;

const V1_AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBKzCB0wIUQAqqI3PcGK01SV1KWWbvLG5MRrEwCgYIKoZIzj0EAwIwGDEWMBQG
A1UEAwwNb2xkIGF1dGhvcml0eTAgFw0yNjExMjIwMDMyMzVaGA8yMTI2MTAyOTAw
MzIzNVowGDEWMBQGA1UEAwwNb2xkIGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABC2s1901eiTHAdy612cijvKh1cmpfetiHTqHs/QXOVjN7l1iW83h
8ICrsX2CgLOVfkMqF27TKaty/yB2UtnrVj0wCgYIKoZIzj0EAwIDRwAwRAIgdyVy
ftN6cTx88sZXoT1wWx35OVF3uBcQfpj3gJEnZ1QCIEzoY41b+3/oYKtkmEVKLbZG
0a9T3sn8RouIbgRMsbxC
-----END CERTIFICATE-----";
const V1_CLIENT: &str = "-----BEGIN CERTIFICATE-----
MIIBFTCBvQIBBzAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1vbGQgYXV0aG9yaXR5
MCAXDTI2MTEyMjAwMzIzNVoYDzIxMjYxMDI5MDAzMjM1WjAVMRMwEQYDVQQDDApv
bGQgY2xpZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEk6c69J0nt/CVrH/V
YyUPIgZgb00y6BDhQd3HZLDQv25XUI+3G0wNV/BdJLDvgq1UPlsC7t5VnoUoocfS
OZPJszAKBggqhkjOPQQDAgNHADBEAiBRPgHYBKospsQDPM4wLudWqJxss0reQS6l
8vep47CezAIgMRZ2KFrWo+s2E/li7GohD3kv5VhxYxKA6xY6/HOZrTs=
-----END CERTIFICATE-----";

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    change(&mut params);
    params
}

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    params(name, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(params);
    })
}

fn root(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::self_signed(authority(name, change), key()).unwrap()
}

fn below(issuer: &Issuer, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::signed_by(authority(name, change), key(), issuer).unwrap()
}

fn client(issuer: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> X509 {
    read(params("client", change).signed_by(&key(), issuer).unwrap().der())
}

fn read(der: &CertificateDer<'_>) -> X509 {
    X509::read(der).unwrap()
}

fn v1(pem: &str) -> X509 {
    read(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}

fn at(now: UnixTime, trusted: X509, certificate: &X509, sent: &[X509]) -> Result<(), Error> {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    Authorities::new(vec![trusted], algorithms).verify(certificate, sent, now)
}

/// Verifies in the year 2027.
fn verified(trusted: X509, certificate: &X509, sent: &[X509]) -> Result<(), Error> {
    at(UnixTime::since_unix_epoch(Duration::from_hours(500_000)), trusted, certificate, sent)
}

fn refused(reason: CertificateError) -> Result<(), Error> {
    Err(reason.into())
}

#[test]
fn an_ordinary_chain_is_good_with_what_is_between() {
    let root = root("root", |_| ());
    let between = below(&root, "between", |_| ());
    let certificate = client(&between, |_| ());
    assert_eq!(verified(read(root.der()), &certificate, &[read(between.der())]), Ok(()));
    assert_eq!(verified(read(between.der()), &certificate, &[]), Ok(()));
    assert_eq!(verified(read(root.der()), &certificate, &[]), refused(CertificateError::UnknownIssuer));
}

#[test]
fn an_issuer_of_the_same_name_is_not_the_issuer() {
    let certificate = client(&root("root", |_| ()), |_| ());
    let other = root("root", |_| ());
    assert_eq!(verified(read(other.der()), &certificate, &[]), refused(CertificateError::BadSignature));
}

#[test]
fn what_is_trusted_has_limits_too() {
    let ended = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = rcgen::date_time_ymd(2028, 1, 1);
    let mute = |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let no_authority = |params: &mut CertificateParams| params.is_ca = IsCa::ExplicitNoCa;
    let silent = |params: &mut CertificateParams| params.is_ca = IsCa::NoCa;
    let servers =
        |params: &mut CertificateParams| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let strange = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let cases: [(Change, CertificateError); 7] = [
        (&ended, CertificateError::Expired),
        (&early, CertificateError::NotValidYet),
        (&mute, CertificateError::UnknownIssuer),
        (&no_authority, CertificateError::UnknownIssuer),
        (&silent, CertificateError::UnknownIssuer),
        (&servers, CertificateError::InvalidPurpose),
        (&strange, CertificateError::UnhandledCriticalExtension),
    ];
    for (change, reason) in cases {
        let limited = root("limited", change);
        assert_eq!(verified(read(limited.der()), &client(&limited, |_| ()), &[]), refused(reason.clone()));
        // So has what is sent along.
        let root = root("root", |_| ());
        let limited = below(&root, "limited", change);
        let certificate = client(&limited, |_| ());
        assert_eq!(verified(read(root.der()), &certificate, &[read(limited.der())]), refused(reason));
    }
}

#[test]
fn the_length_of_a_path_is_kept() {
    let short = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let root = root("root", short);
    assert_eq!(verified(read(root.der()), &client(&root, |_| ()), &[]), Ok(()));
    let between = below(&root, "between", |_| ());
    let certificate = client(&between, |_| ());
    assert_eq!(
        verified(read(root.der()), &certificate, &[read(between.der())]),
        refused(CertificateError::UnknownIssuer)
    );
}

#[test]
fn a_client_may_be_for_anything_an_authority_or_numbered_at_length() {
    let root = root("root", |_| ());
    let purposes = |purpose| move |params: &mut CertificateParams| params.extended_key_usages = vec![purpose];
    for purpose in [ExtendedKeyUsagePurpose::Any, ExtendedKeyUsagePurpose::ClientAuth] {
        assert_eq!(verified(read(root.der()), &client(&root, purposes(purpose)), &[]), Ok(()));
    }
    let server = client(&root, purposes(ExtendedKeyUsagePurpose::ServerAuth));
    assert_eq!(verified(read(root.der()), &server, &[]), refused(CertificateError::InvalidPurpose));
    assert_eq!(verified(read(root.der()), &read(below(&root, "below", |_| ()).der()), &[]), Ok(()));
    let numbered = client(&root, |params| params.serial_number = Some(SerialNumber::from_slice(&[7; 24])));
    assert_eq!(verified(read(root.der()), &numbered, &[]), Ok(()));
}

#[test]
fn what_is_trusted_by_itself_needs_no_issuer() {
    let alone = root("alone", |_| ());
    assert_eq!(verified(read(alone.der()), &read(alone.der()), &[]), Ok(()));
    let late = UnixTime::since_unix_epoch(Duration::from_secs(80_000_000_000));
    assert_eq!(at(late, read(alone.der()), &read(alone.der()), &[]), refused(CertificateError::Expired));
}

#[test]
fn the_first_version_is_good_at_the_end_and_where_it_is_trusted() {
    assert_eq!(verified(v1(V1_AUTHORITY), &v1(V1_CLIENT), &[]), Ok(()));
    assert_eq!(verified(v1(V1_CLIENT), &v1(V1_CLIENT), &[]), Ok(()));
    let root = root("old authority", |_| ());
    assert_eq!(verified(read(root.der()), &v1(V1_CLIENT), &[]), refused(CertificateError::BadSignature));
    // Sent along, it does not say that it may sign.
    assert_eq!(
        verified(read(root.der()), &v1(V1_CLIENT), &[v1(V1_AUTHORITY)]),
        refused(CertificateError::BadSignature)
    );
    let early = UnixTime::since_unix_epoch(Duration::from_secs(1_000_000_000));
    assert_eq!(at(early, v1(V1_AUTHORITY), &v1(V1_CLIENT), &[]), refused(CertificateError::NotValidYet));
}

#[test]
fn names_are_kept_within_bounds() {
    let root = root("root", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("good.example".to_owned())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    });
    let named = |name: &str| {
        client(&root, |params| {
            params.subject_alt_names = CertificateParams::new([name.to_owned()]).unwrap().subject_alt_names;
        })
    };
    assert_eq!(verified(read(root.der()), &named("a.good.example"), &[]), Ok(()));
    assert!(verified(read(root.der()), &named("a.bad.example"), &[]).is_err());
}

#[test]
fn a_client_that_sends_many_certificates_is_soon_refused() {
    let root = root("root", |_| ());
    let between = below(&root, "between", |_| ());
    let certificate = client(&between, |_| ());
    let others: Vec<_> = (0..MOST_CHECKS).map(|_| read(below(&root, "between", |_| ()).der())).collect();
    let mut sent: Vec<_> = others;
    sent.push(read(between.der()));
    assert_eq!(verified(read(root.der()), &certificate, &sent), refused(CertificateError::BadSignature));
    sent.rotate_right(1);
    assert_eq!(verified(read(root.der()), &certificate, &sent), Ok(()));
}

#[test]
fn authorities_that_vouch_for_each_other_are_no_way_up() {
    let (one, two) = (key(), key());
    let above_one = CertifiedIssuer::self_signed(authority("one", |_| ()), &one).unwrap();
    let above_two = CertifiedIssuer::self_signed(authority("two", |_| ()), &two).unwrap();
    let first = authority("one", |_| ()).signed_by(&one, &above_two).unwrap();
    let second = authority("two", |_| ()).signed_by(&two, &above_one).unwrap();
    let certificate = read(params("client", |_| ()).signed_by(&key(), &above_one).unwrap().der());
    let sent = [read(first.der()), read(second.der())];
    assert_eq!(
        verified(read(root("root", |_| ()).der()), &certificate, &sent),
        refused(CertificateError::UnknownIssuer)
    );
}
