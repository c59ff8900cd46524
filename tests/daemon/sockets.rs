//! Where the daemon listens: several addresses, IPv6, Unix sockets, and sockets that systemd hands over.

use std::fs::FileType;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::harness::{Daemon, Directory, PATIENCE, binary};

/// Nobody listens there; the daemon serves all the same.
const CONFIGURATION: &str = "projects: [{ name: a, project_id: b, endpoint: 'http://127.0.0.1:9', credentials: c }]\n\
                             credentials: { c: { access_key: a, secret_key: b } }\n";

async fn healthy(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    stream.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK") && answer.ends_with("healthy\n"), "{answer}");
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| FileType::is_socket(&metadata.file_type()))
}

/// The daemon listening there too.
async fn listening_at(directory: Directory, address: &str) -> Daemon {
    let mut command = binary();
    command.arg(format!("--web.listen-address={address}"));
    let daemon = Daemon::launch(command, directory, CONFIGURATION).await;
    daemon.log_line("address=127.0.0.1:").await;
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn several_addresses_and_both_families_are_served() {
    let daemon = listening_at(Directory::new(), "[::1]:0").await;
    let lines: Vec<String> = daemon.log().into_iter().filter(|line| line.contains("msg=listening")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().trim_matches('"').to_owned();
        healthy(TcpStream::connect(&address).await.unwrap()).await;
    }
    assert_eq!(daemon.stop().await.0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_for_owner_and_group_and_goes_with_the_daemon() {
    for scheme in ["unix:", "unix://"] {
        let directory = Directory::new();
        let path = directory.0.join("exporter.sock");
        let daemon = listening_at(directory, &format!("{scheme}{}", path.display())).await;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        healthy(UnixStream::connect(&path).await.unwrap()).await;
        let directory = daemon.directory.0.clone();
        let files = || std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(files().len(), 2, "configuration and socket: {:?}", files());
        let path = path.clone();
        let gone = tokio::task::spawn_blocking(move || {
            let begin = std::time::Instant::now();
            while is_socket(&path) && begin.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(10));
            }
            !is_socket(&path)
        });
        daemon.signal("TERM");
        assert!(gone.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_left_is_replaced_and_nothing_else() {
    let directory = Directory::new();
    let path = directory.0.join("exporter.sock");
    let address = format!("unix:{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    assert!(is_socket(&path));
    let daemon = listening_at(directory, &address).await;
    healthy(UnixStream::connect(&path).await.unwrap()).await;

    let refused = |address: String| {
        let other = Directory::new();
        let file = other.file("config.yml", CONFIGURATION);
        let output =
            binary().arg("--config.file").arg(file).arg("--web.listen-address").arg(&address).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(&format!("listen address {address} cannot be bound")), "{told}");
        told
    };
    // Another daemon's.
    assert!(refused(address).contains("another process listens there"));
    healthy(UnixStream::connect(&path).await.unwrap()).await;
    // No socket.
    let file = daemon.directory.file("precious", "data");
    assert!(refused(format!("unix:{}", file.display())).contains("no socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "data");
    // One that another has put into our place is not ours to remove.
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    let kept = path.with_file_name("kept");
    std::fs::hard_link(&path, &kept).unwrap();
    daemon.signal("TERM");
    daemon.log_line("SIGTERM").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(is_socket(&path));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_systemd_are_taken_as_they_come() {
    let directory = Directory::new();
    let path = directory.0.join("activated.sock");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let unix = UnixListener::bind(&path).unwrap();
    // As systemd does it: descriptors from 3 on, and the process' own number in a variable.
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_dcs-backup-exporter")).arg("--web.systemd-socket");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LISTEN_FDS", "2");
    let (tcp, unix): (OwnedFd, OwnedFd) = (tcp.into(), unix.into());
    let daemon = Daemon::launch_with(command, directory, CONFIGURATION, tcp.into(), unix.into()).await;
    healthy(TcpStream::connect(address).await.unwrap()).await;
    healthy(UnixStream::connect(&path).await.unwrap()).await;
    daemon.log_line(&format!("address={address}")).await;
    daemon.log_line(&format!("address=unix:{}", path.display())).await;
    let listening = daemon.log().iter().filter(|line| line.contains("msg=listening")).count();
    assert_eq!(listening, 2, "systemd's sockets are in the place of addresses");
    let kept = path.clone();
    daemon.signal("TERM");
    daemon.log_line("SIGTERM").await;
    assert!(is_socket(&kept), "the file is systemd's");
}

#[test]
fn without_sockets_of_systemd_it_says_so() {
    let directory = Directory::new();
    let file = directory.file("config.yml", CONFIGURATION);
    let mut command = binary();
    command.arg("--config.file").arg(&file).arg("--web.systemd-socket");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("no socket activation file descriptors found"), "{told}");
    // Something else than a listening socket.
    command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", "0").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("neither TCP nor a Unix stream"), "{told}");
}
