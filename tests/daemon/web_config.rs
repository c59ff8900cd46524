//! `--web.config.file` at the start, and that nothing secret in it comes out.

use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair};

use crate::harness::{Daemon, Directory, binary};

const CONFIGURATION: &str = "projects: [{ name: a, project_id: b, endpoint: 'http://127.0.0.1:9', credentials: c }]\n\
                             credentials: { c: { access_key: a, secret_key: b } }\n";

/// Of the password `abc`.
const HASH: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

#[test]
fn a_bad_file_ends_it_with_3_and_both_files_are_told_at_once() {
    let directory = Directory::new();
    let config = directory.file("config.yml", "projects: []\nrgion: x\n");
    let web = directory
        .file("web.yml", "tls_server_config:\n  cert_file: nowhere.pem\nbasic_auth_users:\n  alice: hunter2\n");
    for command in [&[][..], &["serve"], &["check-config"]] {
        let mut command = {
            let mut new = binary();
            new.args(command);
            new
        };
        let output = command.arg("--config.file").arg(&config).arg("--web.config.file").arg(&web).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let told = String::from_utf8(output.stderr).unwrap();
        for part in [
            "config.yml:2: rgion: ",
            "web.yml:1: tls_server_config: key_file (or key) is missing",
            "web.yml:2: tls_server_config.cert_file: the file ",
            "web.yml:4: basic_auth_users.alice: is not a bcrypt hash",
        ] {
            assert!(told.contains(part), "{part} is missing: {told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
    let output =
        binary().args(["demo", "--web.listen-address=127.0.0.1:0", "--web.config.file"]).arg(&web).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let missing = directory.0.join("missing.yml");
    let output = binary()
        .args(["demo", "--web.listen-address=127.0.0.1:0", "--web.config.file"])
        .arg(&missing)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing.yml: cannot be read: No such file"));
}

#[test]
fn a_web_configuration_can_be_checked_alone() {
    let directory = Directory::new();
    let good = directory.file("good.yml", &format!("basic_auth_users: {{ alice: {HASH} }}\n"));
    let bad = directory.file("bad.yml", "rate_limits: {}\n");
    let check = |file: &std::path::Path, region: Option<&str>| {
        let mut command = binary();
        command.args(["check-config", "--web.config.file"]).arg(file);
        command.envs(region.map(|region| ("DCS_EXPORTER_REGION", region)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check(good.as_ref(), None), (Some(0), String::new()));
    let (code, told) = check(bad.as_ref(), None);
    assert!(code == Some(3) && told.contains("bad.yml:1: rate_limits") && !told.contains("nothing to watch"), "{told}");
    let (code, told) = check(good.as_ref(), Some("nowhere"));
    assert!(code == Some(3) && told.contains("nowhere"), "the environment names a project: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hash_key_or_password_comes_out() {
    let directory = Directory::new();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let pem = |text: &str| text.lines().map(|line| ["    ", line, "\n"].concat()).collect::<String>();
    let (inline, other) = (key.serialize_pem(), KeyPair::generate().unwrap().serialize_pem());
    let good = format!(
        "tls_server_config:\n  cert: |\n{}  key: |\n{}basic_auth_users: {{ alice: {HASH} }}\n",
        pem(&certificate.pem()),
        pem(&inline)
    );
    let file = directory.file("web.yml", &good);
    let mut command = binary();
    command.arg("--web.config.file").arg(&file);
    let mut daemon = Daemon::launch(command, directory, CONFIGURATION).await;
    daemon.url = daemon.url.replace("http://127.0.0.1", "https://localhost");
    let authority = reqwest::Certificate::from_pem(certificate.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    let mut pages = Vec::new();
    let mut ask = async |path: &str, password: &str| {
        let answer = client.get(format!("{}{path}", daemon.url)).basic_auth("alice", Some(password)).send().await;
        let Ok(answer) = answer else { return 0 };
        let status = answer.status().as_u16();
        pages.push(format!("{:?}", answer.headers()));
        pages.push(answer.text().await.unwrap());
        status
    };
    for path in ["/", "/metrics", "/api/v1/instances", "/-/ready", "/probe", "/nonsense"] {
        assert_ne!(ask(path, "abc").await, 401, "{path}");
        assert_eq!(ask(path, "hunter2").await, 401, "{path}");
    }
    // Each way of turning bad is told in the log.
    for bad in [
        good.replace("basic_auth_users: {", "basic_auth_users: ["),
        good.replace("alice: ", "alice:"),
        good.replace("basic_auth_users", HASH),
        format!("{good}{HASH}: 1\n"),
        good.replace("  key: |", "  min_version: |"),
        good.replace("  key: |", "  cipher_suites: |"),
    ] {
        std::fs::write(&file, &bad).unwrap();
        // A hash that has slipped into a name is a user without a password.
        let expected = if bad.contains("alice:$") { 401 } else { 500 };
        assert_eq!(ask("/", "abc").await, expected, "{bad}");
    }
    std::fs::write(&file, good.replace(&pem(&inline), &pem(&other))).unwrap();
    let fresh = reqwest::Client::builder().danger_accept_invalid_certs(true).build().unwrap();
    assert!(fresh.get(&daemon.url).send().await.is_err());
    daemon.log_line("does not belong to the certificate").await;
    std::fs::write(&file, good.replace(HASH, "hunter2")).unwrap();
    assert_eq!(ask("/", "abc").await, 401);

    let coded = base64::engine::general_purpose::STANDARD.encode("alice:hunter2");
    let mut secrets = vec![HASH.to_owned(), HASH[7..].to_owned(), "hunter2".to_owned(), coded];
    for pem in [&inline, &other] {
        secrets.extend(pem.lines().filter(|line| !line.starts_with("---") && line.len() > 20).map(str::to_owned));
    }
    assert!(secrets.len() > 6);
    pages.extend(daemon.log());
    for page in &pages {
        for secret in &secrets {
            assert!(!page.contains(secret.as_str()), "a secret came out: {page}");
        }
    }
}
