//! nginx sending the same bytes from a file: what is left of a scrape when nothing has to be made.
//!
//! In two ways: by `sendfile`, where the kernel hands the client the file's own pages and nothing is copied on the way,
//! which only a file on disk sent without TLS can have; and by writing them, as whoever has made them must (it is what
//! nginx does unless it is told otherwise).

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::loopback::get;

/// How bytes get from the file to the client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sending {
    /// By the kernel, without a copy.
    Sendfile,
    /// By reading and writing.
    Writes,
}

impl Sending {
    pub(crate) const ALL: [Self; 2] = [Self::Sendfile, Self::Writes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sendfile => "nginx by sendfile",
            Self::Writes => "nginx by writes",
        }
    }
}

/// A server of files; it ends when it is dropped.
pub(crate) struct Nginx {
    address: SocketAddr,
    child: Child,
}

impl Nginx {
    /// Serves these files in this way.
    ///
    /// # Errors
    /// Why it cannot be had, in a few words.
    pub(crate) fn start(sending: Sending, files: &[(&str, &[u8])]) -> Result<Self, String> {
        let program = program().ok_or("it is not there and could not be got: apt-get install nginx")?;
        let (name, sendfile) = match sending {
            Sending::Sendfile => ("sendfile", "on"),
            Sending::Writes => ("writes", "off"),
        };
        let folder = folder(name)?;
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).map_err(|error| error.to_string())?;
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
        let configuration = format!(
            "daemon off; worker_processes 1; pid pid; error_log stderr; events {{}}
            http {{ access_log off; sendfile {sendfile}; tcp_nopush on; client_body_temp_path t; proxy_temp_path t;
            fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
            server {{ listen {address}; root {}; }} }}",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).map_err(|error| error.to_string())?;
        let child = Command::new(program)
            .args([Path::new("-p"), &folder, Path::new("-c"), &file])
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut nginx = Self { address, child };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                return Ok(nginx);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let ended = nginx.child.try_wait().ok().flatten();
        Err(format!("it does not answer ({ended:?})"))
    }

    /// Gets a file.
    pub(crate) fn get(&self, file: &str) {
        get(self.address, &format!("/{file}"), false, &mut std::io::sink());
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master would leave the worker behind if it were killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// nginx of this machine, or out of Debian's package, unpacked and not installed.
fn program() -> Option<PathBuf> {
    let works = |path: &Path| Command::new(path).arg("-v").stderr(Stdio::null()).status().is_ok_and(|it| it.success());
    let unpacked = folder("package").ok()?;
    let places = [PathBuf::from("nginx"), PathBuf::from("/usr/sbin/nginx"), unpacked.join("usr/sbin/nginx")];
    if let Some(found) = places.iter().find(|path| works(path)) {
        return Some(found.clone());
    }
    let get = "apt-get --quiet -o APT::Sandbox::User=$(id -un) download nginx && dpkg-deb --extract nginx_*.deb .";
    let _ = Command::new("sh")
        .args(["-c", get])
        .current_dir(&unpacked)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    places.into_iter().find(|path| works(path))
}

/// A folder of the benchmark's own, beside what is compiled.
fn folder(name: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nginx").join(name);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}
