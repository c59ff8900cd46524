//! A simulated DCS cloud on a socket, with all that one logs in with: for `demo`, for `simulate`, and as the cloud of
//! the tests.
//!
//! It stands outside the program's layers and talks to them as the real cloud does, over HTTP with signed requests.
//! It shares no reading or writing of bodies with the client, so that a misunderstanding cannot hide in both.
//!
//! * `fleet`, `history`: instances, backups and restores, a pure function of seed, number, speed and clock;
//!   all time stamps are true, nothing is stored;
//! * `gateway`: signature or token, rate limit, project; `faults` on request and what they `spoil`;
//! * `login`: IAM, STS, the metadata service and the agent of pods, and what they have issued;
//! * `api`, `bodies`, `quirk`: both versions of the API, in every form that answers take;
//! * `serve`, `control`: the sockets, and a page to change faults while it runs.
//!
//! Source of the forms: the vendor's API reference, its SDKs, and captures of real answers.

#![allow(clippy::similar_names)] // `seed` and `speed` are what the command line calls them

mod answer;
mod api;
mod archetype;
mod bodies;
mod by_hand;
mod caller;
mod chance;
mod control;
mod course;
mod faults;
mod fleet;
mod gateway;
mod handle;
mod history;
mod judge;
mod lockout;
mod login;
mod query;
mod quirk;
mod refusal;
mod region;
mod route;
mod scheduled;
mod serve;
mod signature;
mod spoil;
mod throttle;
mod welcome;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

pub use faults::{Fault, FaultError, FaultKind};
pub use handle::{Handle, InstanceSummary};
pub use judge::{Seen, Tally};
pub use login::{LoginRefusal, MetadataMode, ProjectNames, UnknownWord};
pub use quirk::{Absent, NoRecords, Quirk, Total, UnknownQuirk};
pub use route::{Call, UnknownCall, Version};
pub use throttle::RateLimit;
pub use welcome::{banner, configuration, demo_config, password_configuration};

use crate::clock::Clock;
use region::Region;

/// The id of the project with the fleet.
pub const PROJECT_ID: &str = "51a0000000000000000000000000d001";
/// The id of a second project, a quarter of the size.
pub const SECOND_PROJECT_ID: &str = "51a0000000000000000000000000d002";
/// The access key of a user with a right to read both projects. Fake, like all keys here.
pub const ACCESS_KEY: &str = "SIMULATEDACCESSKEY01";
/// Its secret.
pub const SECRET_KEY: &str = "simulated-secret-key-of-no-real-user-001";
/// A temporary access key of the same user, which needs [`SECURITY_TOKEN`].
pub const TEMPORARY_ACCESS_KEY: &str = "SIMULATEDTEMPORARY02";
/// Its secret.
pub const TEMPORARY_SECRET_KEY: &str = "simulated-secret-key-of-no-real-user-002";
/// What `X-Security-Token` must be with the temporary key.
pub const SECURITY_TOKEN: &str = "simulated-security-token-of-no-real-user";
/// The region, whose name the first project has.
pub const REGION: &str = "eu-sim-1";
/// The name of [`PROJECT_ID`].
pub const PROJECT_NAME: &str = REGION;
/// The name of [`SECOND_PROJECT_ID`].
pub const SECOND_PROJECT_NAME: &str = "eu-sim-1_second";
/// The account.
pub const DOMAIN_NAME: &str = "simulated-account";
/// Its id.
pub const DOMAIN_ID: &str = "51a0000000000000000000000000a001";
/// A user with a password.
pub const USERNAME: &str = "simulated-user";
/// Its id.
pub const USER_ID: &str = "51a0000000000000000000000000b001";
/// Its password.
pub const PASSWORD: &str = "simulated-password-of-no-real-user";
/// An identity provider of IAM.
pub const IDP_ID: &str = "simulated-idp";
/// An id token that it has issued.
pub const ID_TOKEN: &str = "simulated-header.simulated-claims.simulated-signature";
/// The same provider, as STS names it.
pub const PROVIDER_URN: &str = "iam::51a0000000000000000000000000a001:oidcProvider:simulated-idp";
/// An agency of the account that trusts everybody here.
pub const AGENCY_NAME: &str = "simulated-agency";
/// The same agency, as STS names it.
pub const AGENCY_URN: &str = "iam::51a0000000000000000000000000a001:agency:simulated-agency";
/// What a pod sends to its agent.
pub const POD_TOKEN: &str = "simulated-token-of-no-real-pod";
/// How many instances show every kind there is.
pub const DEMO_INSTANCES: usize = 12;
/// The speed at which a minute shows backups waiting and running, and a restore.
pub const DEMO_SPEED: f64 = 20.0;
/// The range of [`Options::speed`]. Below 1 backups would last longer than the hour between two attempts.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 1.0..=1000.0;

/// What kind of cloud to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Size of the fleet.
    pub instances: usize,
    /// Another seed, another fleet.
    pub seed: u64,
    /// By how much backups, restores and the time between those by hand are shorter than in a real cloud, within
    /// [`SPEEDS`]. Backup plans keep to the calendar.
    pub speed: f64,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
    /// The gateway's rate limit; `None` for none.
    pub rate_limit: Option<RateLimit>,
    /// Whether five wrong signatures in a row lock a key for five minutes, and five wrong passwords a user for
    /// fifteen, as in the real cloud.
    pub locks_keys: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            instances: DEMO_INSTANCES,
            seed: 1,
            speed: DEMO_SPEED,
            faults: Vec::new(),
            rate_limit: None,
            locks_keys: true,
        }
    }
}

/// A simulated cloud that has its socket.
#[derive(Debug)]
pub struct Simulator {
    listener: TcpListener,
    region: Arc<Region>,
    addr: SocketAddr,
}

impl Simulator {
    /// Takes the socket; nothing is answered before [`Self::run`].
    ///
    /// # Errors
    /// Where the address cannot be listened on, or an option is out of its range.
    pub async fn bind(options: Options, clock: Clock) -> io::Result<Self> {
        let refused = |sentence: String| Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        if !SPEEDS.contains(&options.speed) {
            return refused(format!("speed {} must be from {} to {}", options.speed, SPEEDS.start(), SPEEDS.end()));
        }
        if let Some(limit) = options.rate_limit
            && !(limit.per_second > 0.0 && limit.per_second.is_finite() && limit.burst > 0)
        {
            return refused(format!("rate limit {}/s, burst {}: both must be above 0", limit.per_second, limit.burst));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, region: Arc::new(Region::new(&options, clock)), addr })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The door for tests and for `demo`.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.region), self.addr)
    }

    /// Answers until `shutdown` ends, then within a second lets answers under way finish.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        serve::serve(self.listener, self.region, shutdown).await;
    }
}
