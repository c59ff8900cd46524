use std::fs;
use std::process::Command;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

/// A profile with this content, in a directory of the test's own.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dcs-profile-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn read(&self, content: impl AsRef<[u8]>) -> Result<Profile, ProfileError> {
        let path = self.0.join("credentials");
        fs::write(&path, content).unwrap();
        Profile::read(&path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn inline(source: &TextSource) -> &str {
    match source {
        TextSource::Inline(text) => text.expose_secret(),
        TextSource::File(path) => panic!("{}", path.display()),
    }
}

#[test]
fn keys_are_read_however_they_are_written() {
    let scratch = Scratch::new("keys");
    let texts = [
        "[basic]\nak = AK\nsk = S%K=:\nsecurity_token = T\nproject_id = p\niam_endpoint = https://iam.example.com\n",
        "\u{feff}# comment\r\n[global]\r\nak: x\r\nsk: y\r\n\r\n[basic]\r\nAK:AK\r\n  \r\n; comment\r\nSk=S%%K=:\r\nsecurity_token=T\r\nproject_id=p\r\niam_endpoint:https://iam.example.com\r\nidp_id=",
        "[DEFAULT]\nak = AK\nsk = other\nproject_id = p\n[basic] # mine\n  sk = S%K=:\n  # deeper than it is\n  security_token = T\niam_endpoint = https://iam.example.com",
    ];
    for text in texts {
        let profile = scratch.read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let ProfileLogin::Keys(keys) = &profile.login else { panic!("no keys: {text}") };
        assert_eq!((inline(&keys.access_key), inline(&keys.secret_key)), ("AK", "S%K=:"), "{text}");
        assert_eq!(inline(keys.security_token.as_ref().unwrap()), "T");
        assert_eq!(profile.project_id.as_deref(), Some("p"));
        assert_eq!(profile.iam_endpoint.as_ref().unwrap().as_str(), "https://iam.example.com/");
        let shown = format!("{profile:?}");
        assert!(!shown.contains("S%K") && !shown.contains("\"T\""), "{shown}");
    }
}

#[test]
fn a_federated_user_wins_and_half_of_one_does_not_count_beside_keys() {
    let scratch = Scratch::new("idp");
    let profile = scratch.read("[basic]\nidp_id = i\nid_token_file = /run/token\nak = AK\nsk = SK\n").unwrap();
    let ProfileLogin::IdToken(token) = &profile.login else { panic!("no id token") };
    assert_eq!(token.idp_id, "i");
    assert!(matches!(&token.id_token, TextSource::File(path) if path == Path::new("/run/token")));
    assert!(profile.project_id.is_none() && profile.iam_endpoint.is_none());
    let profile = scratch.read("[basic]\nidp_id = i\nak = AK\nsk = SK\n").unwrap();
    assert!(matches!(profile.login, ProfileLogin::Keys(_)));
}

#[test]
fn what_is_not_there_is_told_from_what_is_broken() {
    let scratch = Scratch::new("errors");
    let missing = Profile::read(&scratch.0.join("missing/credentials")).unwrap_err();
    assert!(
        matches!(&missing, ProfileError::Absent { reason, .. } if reason.starts_with("is not there: ")),
        "{missing}"
    );
    for text in
        ["", "# nothing\n", "[global]\nak = HUSH\nsk = HUSH\n", "[Basic]\nak = HUSH\n", "[DEFAULT]\nak = HUSH\n"]
    {
        let error = scratch.read(text).unwrap_err();
        assert!(matches!(&error, ProfileError::Absent { reason, .. } if reason == "has no section [basic]"), "{error}");
        assert!(error.to_string().starts_with("the profile \"/"), "{error}");
    }
    let table: [(&[u8], &str); 21] = [
        (b"[basic]\n", "has neither `ak` and `sk` nor"),
        (b"[basic]\nak = HUSH\n", "has `ak` and no `sk`"),
        (b"[basic]\nsk = HUSH\nak =\n", "has `sk` and no `ak`"),
        (b"[basic]\nsecurity_token = HUSH\n", "has neither"),
        (b"[basic]\nidp_id = i\n", "has `idp_id` and no `id_token_file`"),
        (b"[basic]\nid_token_file = f\n", "has `id_token_file` and no `idp_id`"),
        (b"[basic]\nak = HUSH HUSH\nsk = HUSH\n", "has a wrong `ak`: it holds a space"),
        (b"[basic]\nak = HUSH\nsk = HUSH\nsecurity_token = H\xc3\xa4SH\n", "has a wrong `security_token`"),
        (
            b"[basic]\nak = HUSH\nsk = HUSH\niam_endpoint = http://me:HUSH@iam/\n",
            "has a wrong `iam_endpoint`: holds a user name",
        ),
        (b"[basic]\nak = HUSH\nsk = HUSH\niam_endpoint = https://iam/v3\n", "has a path"),
        (b"ak = HUSH\n[basic]\n", "has a wrong line 1: it stands before any [section]"),
        (b"[basic]\nHUSH\n", "has a wrong line 2: it is neither a [section] nor key = value"),
        (b"[basic]\n= HUSH\n", "has a wrong line 2: there is no key"),
        (b"[basic\nak = HUSH\n", "has a wrong line 1: a section is written [name]"),
        (b"[]\n", "has a wrong line 1: a section is written [name]"),
        (b"[basic]\nak = HUSH\n\nAK: HUSH\n", "has a wrong line 4: this key is there already"),
        (b"[basic]\nak = HUSH\n[basic]\n", "has a wrong line 3: this section is there already"),
        (b"[basic]\nak = HUSH\n  HUSH\n", "has a wrong line 3: it is indented"),
        (b"[basic]\nak = HUSH\nsk = HUSH\n[global]\nHUSH\n", "has a wrong line 5"),
        (b"[basic]\nak = \xff\n", "is not a text file"),
        (b"[basic]\nak = HU\0SH\nsk = HUSH\n", "has a wrong `ak`"),
    ];
    for (content, words) in table {
        let error = scratch.read(content).unwrap_err();
        assert!(matches!(&error, ProfileError::Broken { reason, .. } if reason.contains(words)), "{error}: {words}");
        assert!(!error.to_string().contains("HUSH"), "{error}");
    }
    let large = scratch.read("#".repeat(70_000)).unwrap_err();
    assert!(matches!(&large, ProfileError::Broken { reason, .. } if reason == "is larger than 64 KiB"), "{large}");
    let directory = Profile::read(&scratch.0).unwrap_err();
    assert!(matches!(&directory, ProfileError::Broken { reason, .. } if reason.contains("directory")), "{directory}");
}

/// The reader is held against the original, where there is one.
#[test]
fn what_is_taken_is_what_configparser_takes() {
    let program = "
import configparser, sys
parser = configparser.RawConfigParser()
parser.read_string(sys.stdin.read())
for key, value in sorted(parser.items('basic')): print(key + '=' + value)";
    let texts = [
        "[basic]\nak = A\nSK: b=c:d\n",
        "[basic]\n a = 1\n b = 2\nc = 3\n",
        "[DEFAULT]\na = 1\nb = 2\n[basic]\nb = 3\n[DEFAULT]\nc = 4\n[other]\nd = 5\n",
        "[basic] x\n a b = c d \n;comment\n  # comment\ne =\n",
        "[basic]\na = x # no comment\nb = y ; none either\n",
    ];
    for text in texts {
        let ours = ini::section(text, "basic").unwrap().unwrap();
        let ours: Vec<String> = ours.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut python = Command::new("python3");
        python.args(["-c", program]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let Ok(mut child) = python.spawn() else { return };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let theirs = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[basic\\]\n)?([a-z \\[\\]=:%#;\n\t]|\\PC){0,60}") {
        let _ = ini::section(&text, "basic");
    }

    #[test]
    fn any_key_arrives(ak in "[!-~]{1,40}", sk in "[!-~]([ -~]{0,40}[!-~])?") {
        let escaped = |text: &str| text.replace('%', "%%");
        let text = format!("[basic]\nak = {}\nsk = {}\n", escaped(&ak), escaped(&sk));
        let values = ini::section(&text, "basic").unwrap().unwrap();
        prop_assert_eq!((&values["ak"], &values["sk"]), (&ak, &sk));
    }
}
