//! The program: arguments → logging → configuration → run → exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::Context as _;
use dcs_backup_exporter::cli::{Cli, Command};
use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::web::Inherited;
use dcs_backup_exporter::{commands, logging};

fn main() -> ExitCode {
    let cli = match Cli::of(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; wrong flags are bad configuration.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { commands::BAD_CONFIGURATION } else { 0 });
        }
    };
    run(cli).unwrap_or_else(|error| {
        commands::complain(format_args!("dcs-backup-exporter: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    if let Some(log) = command.log() {
        logging::start(log.level, log.format, clock.clone());
    }
    let environment = environment();
    // Before there are other threads.
    let inherited = match &command {
        Command::Serve(flags) if flags.systemd_socket => Inherited::take(),
        _ => Inherited::none(),
    };
    let runtime = runtime().context("starting the runtime")?;
    let code = runtime.block_on(async {
        match command {
            Command::Serve(flags) => commands::serve(flags, inherited, environment, clock).await,
            Command::Demo(flags) => commands::demo(flags, clock).await,
            Command::Simulate(flags) => commands::simulate(flags, clock).await,
            Command::Check(flags) => commands::check(&flags, environment, clock).await,
            Command::CheckConfig(flags) => Ok(commands::check_config(&flags, environment)),
        }
    })?;
    // Blocking reads of slow files must not hold up the exit.
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}

/// The runtime: two threads, because each further one costs memory and has nothing to do. What takes long, such as
/// compressing a scrape, has threads of its own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2));
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// The environment, read once and handed on; what is not UTF-8 is none of our variables.
#[allow(clippy::disallowed_methods)] // this is the one place
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
