//! The configuration as its users meet it: files, variables and flags in; a configuration, or a report of everything
//! that is wrong, out.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use dcs_backup_exporter::config::{Inputs, Loaded, Problems, load};

#[path = "config/arbitrary.rs"]
mod arbitrary;
#[path = "config/golden.rs"]
mod golden;
#[path = "config/good.rs"]
mod good;
#[path = "config/logins.rs"]
mod logins;
#[path = "config/reference.rs"]
mod reference;
#[path = "config/regions.rs"]
mod regions;
#[path = "config/shards.rs"]
mod shards;
#[path = "config/wrong.rs"]
mod wrong;
#[path = "config/wrong_credentials.rs"]
mod wrong_credentials;
#[path = "config/wrong_endpoints.rs"]
mod wrong_endpoints;
#[path = "config/wrong_selections.rs"]
mod wrong_selections;

/// A directory with a configuration and the files that it names; gone when dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// With secrets in `ak`, `sk`, `token`, `password` and `profile`, an empty file, a directory, a certificate and broken ones.
    fn furnished() -> Self {
        let this = Self::new();
        let certificate = include_str!("fixtures/config/private-ca.pem");
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        for (name, content) in [
            ("ak", "AKIDEXAMPLE0000000AB\n"),
            ("sk", "hunter2-hunter2-hunter2\r\n"),
            ("token", "token-hunter2\n"),
            ("password", "hunter2 hunter2\n"),
            ("password-free", "id-token\n"),
            (
                "profile",
                "[basic]\nak = AK\nsk = hunter2\nproject_id = p-of-profile\niam_endpoint = https://iam.of-profile.example\n",
            ),
            ("two-lines", "hunter2\nhunter2\n"),
            ("empty", ""),
            ("blank", "\n"),
            ("ca.pem", certificate),
            ("no-certificate.pem", "hunter2\n"),
            ("broken.pem", &format!("{begin}\n!!!!\n{end}\n")),
            ("nonsense.pem", &format!("{begin}\naHVudGVyMg==\n{end}\n")),
        ] {
            this.write(name, content);
        }
        fs::create_dir_all(this.0.join("directory")).unwrap();
        this
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Loads `config.yml` with this content, and these variables.
    fn load(&self, yaml: impl AsRef<[u8]>, environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
        load(&Inputs {
            file: Some(self.write("config.yml", yaml)),
            environment: variables(environment),
            ..Inputs::default()
        })
    }

    /// A text without the path of this directory, which differs from run to run.
    fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn variables(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads from variables alone.
fn load_environment(environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
    load(&Inputs { environment: variables(environment), ..Inputs::default() })
}
