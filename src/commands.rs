//! What each command does, from its flags to its exit code.
//!
//! 0 is success (for the daemon: SIGTERM or SIGINT), 3 bad configuration, 1 anything else; `check` has its own.

mod describe;

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::check::{Report, table};
use crate::cli::{Check, CheckConfig, Demo, LogFlags, Output, Serve, Simulate, SimulatedCloud};
use crate::clock::Clock;
use crate::config::{self, Config, Inputs};
use crate::domain::shard::Shard;
use crate::host_name::host_name;
use crate::reload::Reload;
use crate::service_manager::ServiceManager;
use crate::simulator::{self, Simulator};
use crate::web::{BoundAddress, Bounds, Inherited, ListenAddress, WebConfig, WebOptions};

/// Exit code for a wrong configuration or wrong flags.
pub const BAD_CONFIGURATION: u8 = 3;

/// How many ports `demo` tries.
const PORTS_TRIED: u16 = 50;

/// The daemon.
///
/// # Errors
/// Where it cannot listen, or a task ends that must not.
pub async fn serve(
    flags: Serve,
    inherited: Inherited,
    environment: Vec<(String, String)>,
    clock: Clock,
) -> anyhow::Result<u8> {
    // First of all: a signal that comes while the configuration is read must not end the process its own way.
    let shutdown = shutdown_on_signals()?;
    let hangups = hangups()?;
    let service_manager = ServiceManager::of_environment(&environment, std::process::id());
    let inputs = Inputs {
        file: flags.config.file,
        host_name: Some(host_name(&environment)),
        environment,
        shard_ordinal: flags.shard_ordinal,
        shard_total: flags.shard_total,
    };
    // Both files are read before either is refused: all that is wrong is said at once.
    let (config, web_config) = (load(&inputs), load_web(flags.web.config.path()));
    let (Some(config), Ok(web_config)) = (config, web_config) else { return Ok(BAD_CONFIGURATION) };
    let (addresses, inherited) =
        if flags.systemd_socket { (Vec::new(), inherited.listen()?) } else { (flags.listen_addresses, Vec::new()) };
    let app = App::bind(config, web(addresses, flags.web.telemetry_path), clock).await?;
    let app = app.listening_on(inherited).configured(web_config);
    let (app, reload) = app.reloading(inputs, flags.enable_lifecycle);
    tokio::spawn(reload_on(hangups, reload));
    app.supervised_by(service_manager).run(shutdown.cancelled_owned()).await?;
    Ok(0)
}

/// The simulated cloud with the daemon polling it, in one process.
///
/// # Errors
/// Where it cannot listen.
pub async fn demo(flags: Demo, clock: Clock) -> anyhow::Result<u8> {
    let shutdown = shutdown_on_signals()?;
    tokio::spawn(nothing_to_reload(hangups()?));
    let Ok(web_config) = load_web(flags.web.config.path()) else { return Ok(BAD_CONFIGURATION) };
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let simulator = Simulator::bind(options(flags.cloud, loopback), clock.clone()).await;
    let simulator = simulator.context("starting the simulated cloud")?;
    let cloud_address = simulator.addr();
    let config = simulator::demo_config(cloud_address);
    let cloud = tokio::spawn(simulator.run(shutdown.clone().cancelled_owned()));
    let app = bind_next_free(&config, &flags.listen_address, &flags.web.telemetry_path, &clock).await?;
    let address = app.addresses().into_iter().next().context("listening on no address")?;
    say(&demo_banner(&address, &flags.web.telemetry_path, cloud_address, web_config.as_ref()));
    let app = app.configured(web_config);
    app.run(shutdown.clone().cancelled_owned()).await?;
    shutdown.cancel();
    cloud.await.context("the simulated cloud failed")?;
    Ok(0)
}

/// The simulated cloud alone.
///
/// # Errors
/// Where it cannot listen.
pub async fn simulate(flags: Simulate, clock: Clock) -> anyhow::Result<u8> {
    let shutdown = shutdown_on_signals()?;
    tokio::spawn(nothing_to_reload(hangups()?));
    let options = options(flags.cloud, flags.listen);
    let simulator = Simulator::bind(options.clone(), clock).await;
    let simulator = simulator.with_context(|| format!("simulating on {}", flags.listen))?;
    say(&simulator::banner(&options, simulator.addr()));
    simulator.run(shutdown.cancelled_owned()).await;
    Ok(0)
}

/// One round of polling and a table.
///
/// # Errors
/// Where the result cannot be printed.
pub async fn check(flags: &Check, environment: Vec<(String, String)>, clock: Clock) -> anyhow::Result<u8> {
    let coloured = std::io::stdout().is_terminal()
        && !environment.iter().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
    let inputs = Inputs { file: flags.config.file.clone(), environment, ..Inputs::default() };
    // Whoever asks whether all is fresh means all of it, whatever a daemon's part of it would be.
    let Some(config) = load(&inputs).map(|config| Config { shard: Shard::ALONE, ..config }) else {
        return Ok(BAD_CONFIGURATION);
    };
    let shutdown = shutdown_on_signals()?;
    tokio::spawn(nothing_to_reload(hangups()?));
    let snapshot = tokio::select! {
        snapshot = crate::app::poll_once(&config, clock.clone()) => snapshot?,
        () = shutdown.cancelled() => return Err(anyhow!("check was interrupted")),
    };
    let now = clock.now();
    let report = Report::of(&snapshot, now);
    match flags.output {
        Output::Table => say(&table::write(&report, now, coloured)),
        Output::Json => say(&(serde_json::to_string_pretty(&report)? + "\n")),
    }
    Ok(report.exit_code)
}

/// Reads the configuration, the web configuration or both, and says what is wrong with them.
pub fn check_config(flags: &CheckConfig, environment: Vec<(String, String)>) -> u8 {
    let web = flags.web_config.path().map(WebConfig::load).transpose();
    let is_about_web_alone = flags.web_config.path().is_some()
        && flags.config.file.is_none()
        && !environment.iter().any(|(name, _)| name.starts_with("DCS_EXPORTER_"));
    let inputs = Inputs { file: flags.config.file.clone(), environment, ..Inputs::default() };
    let loaded = (!is_about_web_alone).then(|| config::load(&inputs)).transpose();
    if let Err(problems) = &loaded {
        complain(problems);
    }
    if let Err(problems) = &web {
        complain(problems);
    }
    match (loaded, web) {
        (Ok(loaded), Ok(web)) => {
            let web_warnings = web.iter().flat_map(|(_, warnings)| warnings);
            for warning in loaded.iter().flat_map(|loaded| &loaded.warnings).chain(web_warnings) {
                complain(format_args!("warning: {warning}"));
            }
            match loaded {
                Some(loaded) => say(&describe::describe(&loaded.config)),
                None => say("the web configuration is good; no --config.file was given to read\n"),
            }
            0
        }
        _ => BAD_CONFIGURATION,
    }
}

/// Loads `--web.config.file` where there is one, telling the log its warnings; an error after printing what is wrong with
/// it.
fn load_web(file: Option<&Path>) -> Result<Option<WebConfig>, Refused> {
    let Some(file) = file else { return Ok(None) };
    match WebConfig::load(file) {
        Ok((config, warnings)) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            Ok(Some(config))
        }
        Err(problems) => {
            complain(problems);
            Err(Refused)
        }
    }
}

/// A file is bad, and the user knows why.
struct Refused;

/// Loads the configuration, telling the log its warnings; `None` after printing what is wrong with it.
fn load(inputs: &Inputs) -> Option<Config> {
    match config::load(inputs) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            Some(loaded.config)
        }
        Err(problems) => {
            complain(problems);
            None
        }
    }
}

fn options(cloud: SimulatedCloud, listen: SocketAddr) -> simulator::Options {
    simulator::Options {
        listen,
        instances: cloud.instances,
        seed: cloud.seed,
        speed: cloud.speed,
        faults: cloud.faults,
        ..simulator::Options::default()
    }
}

/// What `demo` shows first.
fn demo_banner(address: &BoundAddress, path: &str, cloud: SocketAddr, config: Option<&WebConfig>) -> String {
    let url = address.url(if config.is_some_and(WebConfig::is_tls) { "https" } else { "http" });
    format!(
        "dcs-backup-exporter demo: a simulated DCS cloud, and the exporter polling it. Nothing leaves this machine.\n\n\
         \x20 metrics          {url}{path}\n\
         \x20 status page      {url}/\n\
         \x20 simulated cloud  http://{cloud}/simulator/    its instances, keys and faults\n\n\
         Backups and restores progress while you look:\n\n\
         \x20 curl -s {url}{path} | grep progress_ratio\n\n\
         Prometheus can scrape it as it is:\n\n\
         \x20 scrape_configs: [{{ job_name: dcs-backup, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n\n\
         Ctrl-C stops it. The log follows.\n\n",
        target = address.from_here()
    )
}

/// Binds the daemon to an address, or where its port is taken to the next free one.
async fn bind_next_free(config: &Config, address: &ListenAddress, path: &str, clock: &Clock) -> anyhow::Result<App> {
    let mut address = address.clone();
    for _ in 0..PORTS_TRIED {
        let options = web(vec![address.clone()], path.to_owned());
        let error = match App::bind(config.clone(), options, clock.clone()).await {
            Ok(app) => return Ok(app),
            Err(error) => error,
        };
        let taken = error.chain().any(|cause| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse)
        });
        match address.next_port() {
            Some(next) if taken => address = next,
            _ => return Err(error),
        }
    }
    Err(anyhow!("the {PORTS_TRIED} ports before {address} are all taken; give another --web.listen-address"))
}

fn web(addresses: Vec<ListenAddress>, telemetry_path: String) -> WebOptions {
    WebOptions { addresses, telemetry_path, bounds: Bounds::default() }
}

/// Prints a line to standard error. Where that is not possible (a full disk, say) the exit code still tells.
pub fn complain(line: impl std::fmt::Display) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("{line}\n"));
}

/// Prints to standard output; a reader that has gone away is no error.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The signals SIGHUP from here on; none of them ends the process.
fn hangups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("listening for SIGHUP")
}

/// Reloads at SIGHUP. Those that come during a reload are one more.
async fn reload_on(mut hangups: Signal, reload: Reload) {
    while hangups.recv().await.is_some() {
        // What came of it is in the log.
        let _ = reload.reload().await;
    }
}

async fn nothing_to_reload(mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        tracing::info!("SIGHUP: this command does not read a configuration anew; it goes on");
    }
}

/// A token that SIGTERM and SIGINT cancel.
fn shutdown_on_signals() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: shutting down"),
            _ = interrupt.recv() => tracing::info!("SIGINT: shutting down"),
        }
        cancelled.cancel();
    });
    Ok(token)
}

impl crate::cli::Command {
    /// The log flags; `check-config` logs nothing.
    pub fn log(&self) -> Option<LogFlags> {
        match self {
            Self::Serve(flags) => Some(flags.log.clone()),
            Self::Demo(flags) => Some(flags.log.clone()),
            Self::Simulate(flags) => Some(flags.log.clone()),
            Self::Check(flags) => Some(flags.log.clone()),
            Self::CheckConfig(_) => None,
        }
    }
}
