//! What the service manager (systemd, or what speaks its protocol) is told: that the daemon listens, reloads and ends,
//! how it stands, and that polling goes on.
//!
//! * [`ServiceManager`]: the way to it, from the environment; where there is none, nothing is sent;
//! * [`Announcer`]: what is told when; the watchdog's signs of life come from the poll loop itself, so that a daemon
//!   which answers scrapes but polls no more is restarted;
//! * `condition`: the line that `systemctl status` shows.

mod announcer;
mod condition;

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

pub use announcer::Announcer;

/// So long one message may hold up who sends it, where the manager does not take its messages.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the service manager; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager(Option<Arc<Way>>);

#[derive(Debug)]
struct Way {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// As the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say, for the process with this id.
    ///
    /// A socket that is no path and no abstract name (a virtual machine's, say) is none, with a warning.
    pub fn of_environment(environment: &[(String, String)], process_id: u32) -> Self {
        let value = |wanted: &str| environment.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let Some(socket) = value("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return Self(None) };
        let address = match address(socket) {
            Ok(address) => address,
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET: not understood, the service manager is told nothing");
                return Self(None);
            }
        };
        let is_ours = value("WATCHDOG_PID").is_none_or(|id| id.parse() == Ok(process_id));
        let watchdog = value("WATCHDOG_USEC").filter(|_| is_ours).and_then(|time| time.parse().ok());
        let watchdog = watchdog.filter(|time| *time > 0).map(Duration::from_micros);
        Self(Some(Arc::new(Way { address, watchdog })))
    }

    /// Whether there is one.
    fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// It ends the process after so long a time without a sign of life; `None` where it does not.
    fn watchdog(&self) -> Option<Duration> {
        self.0.as_ref()?.watchdog
    }

    /// Tells it these things in one message.
    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(way) = &self.0 else { return };
        let message = states.iter().fold(String::new(), |message, state| message + &state.to_string() + "\n");
        if let Err(error) = way.send(&message) {
            tracing::warn!(%error, "the service manager was not told how the exporter stands");
        }
    }
}

impl Way {
    /// The crate's own sending reads the environment each time, and waits as long as it takes.
    fn send(&self, message: &str) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.send_to_addr(message.as_bytes(), &self.address).map(drop)
    }
}

fn address(socket: &str) -> io::Result<SocketAddr> {
    match socket.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        _ if socket.starts_with('/') => SocketAddr::from_pathname(socket),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "expected a path or an abstract socket's name")),
    }
}

#[cfg(test)]
mod tests;
