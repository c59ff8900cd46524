//! The environment is understood, and messages arrive.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn watchdog(usec: &str, of: Option<&str>) -> Option<Duration> {
    let mut pairs = vec![("NOTIFY_SOCKET", "/run/systemd/notify"), ("WATCHDOG_USEC", usec)];
    pairs.extend(of.map(|id| ("WATCHDOG_PID", id)));
    ServiceManager::of_environment(&environment(&pairs), 42).watchdog()
}

#[test]
fn the_watchdog_is_ours_or_nobodys() {
    assert_eq!(watchdog("30000000", Some("42")), Some(Duration::from_secs(30)));
    assert_eq!(watchdog("30000000", None), Some(Duration::from_secs(30)));
    assert_eq!(watchdog("30000000", Some("41")), None);
    assert_eq!(watchdog("30000000", Some("forty-two")), None);
    for none in ["0", "", "-1", "soon", "99999999999999999999999"] {
        assert_eq!(watchdog(none, Some("42")), None, "{none}");
    }
}

#[test]
fn without_a_socket_nobody_is_told_and_nothing_fails() {
    for none in
        [&[][..], &[("NOTIFY_SOCKET", "")], &[("NOTIFY_SOCKET", "vsock:2:1234")], &[("NOTIFY_SOCKET", "relative")]]
    {
        let manager = ServiceManager::of_environment(&environment(none), 1);
        assert!(!manager.is_there(), "{none:?}");
        manager.tell(&[NotifyState::Ready]);
    }
    // One that is gone is not there any more, which is no reason to end.
    ServiceManager::of_environment(&environment(&[("NOTIFY_SOCKET", "/nowhere/notify")]), 1)
        .tell(&[NotifyState::Ready]);
}

#[test]
fn messages_arrive_at_paths_and_abstract_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/notify-{}", std::process::id()));
    let name = format!("dcs-backup-exporter-test-{}", std::process::id());
    let _ = std::fs::remove_file(&path);
    let by_path = UnixDatagram::bind(&path).unwrap();
    let by_name = UnixDatagram::bind_addr(&address(&format!("@{name}")).unwrap()).unwrap();
    let path: PathBuf = path;
    for (socket, received) in [(path.to_str().unwrap().to_owned(), &by_path), (format!("@{name}"), &by_name)] {
        let manager = ServiceManager::of_environment(&environment(&[("NOTIFY_SOCKET", &socket)]), 1);
        manager.tell(&[NotifyState::Ready, NotifyState::Status("well")]);
        let mut buffer = [0; 100];
        let length = received.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\nSTATUS=well\n");
    }
    std::fs::remove_file(&path).unwrap();
}
