//! The commands and flags, nothing else. Flags are spelled as Prometheus exporters spell them (contract §1); `spellings`:
//! what those accept besides.

pub mod spellings;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::Level;

use crate::logging::Format;
use crate::simulator::{DEMO_INSTANCES, DEMO_SPEED, Fault, FaultKind, SPEEDS};
use crate::web::ListenAddress;

/// The default of `--web.listen-address`.
pub const DEFAULT_LISTEN_ADDRESS: &str = ":10105";

/// Prometheus exporter for the backups and restores of Huawei Cloud DCS instances (managed Redis).
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    about,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do; the daemon where none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The daemon's flags.
    #[command(flatten)]
    pub serve: Serve,
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// Where they are wrong, and where help or the version is asked for.
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(spellings::without_serve_after_flags(arguments.into_iter().collect()))
    }
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the daemon (the default).
    #[command(display_name = env!("CARGO_PKG_NAME"))] // it tells the version as the program does
    Serve(Serve),
    /// Show what it is like: a simulated cloud and the daemon polling it, without account or file.
    Demo(Demo),
    /// Run the simulated DCS cloud alone.
    Simulate(Simulate),
    /// Poll once, print how fresh every backup is, and exit as Nagios plug-ins do.
    Check(Check),
    /// Read the configuration and report every problem at once.
    CheckConfig(CheckConfig),
}

/// Flags of the daemon.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub config: ConfigFile,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub web: WebFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogFlags,
    /// Address to listen on; may be repeated.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = DEFAULT_LISTEN_ADDRESS)]
    pub listen_addresses: Vec<ListenAddress>,
    /// Listen on the sockets that systemd hands over, instead of addresses.
    #[arg(long = "web.systemd-socket", overrides_with = "systemd_socket")]
    pub systemd_socket: bool,
    /// Reload the configuration at POST /-/reload too, as at SIGHUP.
    #[arg(long = "web.enable-lifecycle", overrides_with = "enable_lifecycle")]
    pub enable_lifecycle: bool,
    /// This process's number among those that share the instances, from 0; `auto`: the number at the end of the host
    /// name.
    #[arg(long = "shard.ordinal", value_name = "N")]
    pub shard_ordinal: Option<String>,
    /// How many processes share the instances.
    #[arg(long = "shard.total", value_name = "N")]
    pub shard_total: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub taken_back: spellings::TakenBack,
}

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigFile {
    /// Configuration file; without one the environment alone must do.
    #[arg(long = "config.file", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// How the pages are served.
#[derive(Clone, Debug, Args)]
pub struct WebFlags {
    /// Path of the metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", value_parser = telemetry_path)]
    pub telemetry_path: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub config: WebConfigFile,
}

/// Where the web configuration is.
#[derive(Clone, Debug, Args)]
pub struct WebConfigFile {
    /// File with TLS, users, headers and a limit on requests, as exporter-toolkit defines it.
    #[arg(long = "web.config.file", value_name = "FILE", value_parser = spellings::path_or_nothing())]
    web_config_file: Option<PathBuf>,
}

impl WebConfigFile {
    /// The file, where one is named: templates of flags leave the name empty where there is none.
    pub fn path(&self) -> Option<&Path> {
        self.web_config_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
pub struct LogFlags {
    /// Least severe level that is logged: error, warn, info, debug or trace.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", value_parser = level)]
    pub level: Level,
    /// Format of log lines: logfmt or json.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub format: Format,
}

/// Flags of `demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub web: WebFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogFlags,
    /// Address to listen on; where its port is taken, the next free one.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:10105")]
    pub listen_address: ListenAddress,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub cloud: SimulatedCloud,
}

/// Flags of `simulate`.
#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:10106")]
    pub listen: SocketAddr,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub cloud: SimulatedCloud,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogFlags,
}

/// What the simulated cloud is like.
#[derive(Clone, Debug, Args)]
pub struct SimulatedCloud {
    /// How many instances there are.
    #[arg(long, value_name = "N", default_value_t = DEMO_INSTANCES)]
    pub instances: usize,
    /// The same seed gives the same fleet.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many times shorter backups and restores are, and the time between those that no plan asks for.
    #[arg(long, value_name = "X", default_value_t = DEMO_SPEED, value_parser = speed)]
    pub speed: f64,
    /// Something that goes wrong; may be repeated.
    #[arg(long = "fault", value_name = "KIND[=PROBABILITY][@INSTANCE]", help = fault_help())]
    pub faults: Vec<Fault>,
}

/// Flags of `check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub config: ConfigFile,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogFlags,
}

/// Flag `--output` of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Flags of `check-config`.
#[derive(Clone, Debug, Args)]
pub struct CheckConfig {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub config: ConfigFile,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub web_config: WebConfigFile,
}

fn fault_help() -> String {
    let kinds = FaultKind::ALL.map(FaultKind::as_str).join(", ");
    format!("Something that goes wrong; may be repeated. Kinds: {kinds}")
}

fn level(text: &str) -> Result<Level, String> {
    match text.to_ascii_lowercase().as_str() {
        "error" => Ok(Level::ERROR),
        "warn" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        "trace" => Ok(Level::TRACE),
        _ => Err("expected error, warn, info, debug or trace".to_owned()),
    }
}

fn telemetry_path(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    if !text.starts_with('/') || !text.bytes().all(allowed) {
        return Err("expected a path such as /metrics".to_owned());
    }
    if text.starts_with("/-/") || text.starts_with("/api/") || text == "/probe" {
        return Err("this path is taken".to_owned());
    }
    Ok(text.to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok().filter(|speed| SPEEDS.contains(speed));
    speed.ok_or_else(|| format!("expected a number from {} to {}", SPEEDS.start(), SPEEDS.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_read_without_and_with_the_command() {
        for arguments in [
            &["x", "--config.file=a.yml", "--log.level=debug"][..],
            &["x", "serve", "--config.file", "a.yml", "--log.level", "debug"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            let serve = match cli.command {
                Some(Command::Serve(serve)) => serve,
                _ => cli.serve,
            };
            assert_eq!(serve.config.file, Some(PathBuf::from("a.yml")));
            assert_eq!(serve.log.level, Level::DEBUG);
            assert_eq!(serve.listen_addresses, [DEFAULT_LISTEN_ADDRESS.parse().unwrap()]);
        }
    }

    #[test]
    fn the_help_names_every_kind_of_fault() {
        for command in ["simulate", "demo"] {
            let help = Cli::try_parse_from(["x", command, "--help"]).unwrap_err().to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            for kind in FaultKind::ALL {
                assert!(
                    help.contains(&format!(", {}", kind.as_str())) || help.contains(&format!(": {},", kind.as_str()))
                );
            }
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for arguments in [
            &["x", "--log.level=loud"][..],
            &["x", "--log.format=xml"],
            &["x", "simulate", "--speed=0"],
            &["x", "simulate", "--speed=NaN"],
            &["x", "check", "--output=xml"],
            &["x", "--web.telemetry-path=metrics"],
            &["x", "--web.telemetry-path=/a b"],
            &["x", "--web.telemetry-path=/-/ready"],
            &["x", "--web.listen-address=nowhere"],
            &["x", "frobnicate"],
            &["x", "--web.listen-adress=:1"],
        ] {
            assert!(Cli::try_parse_from(arguments).is_err(), "{arguments:?}");
        }
    }
}
