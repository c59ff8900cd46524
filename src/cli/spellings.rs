//! What Prometheus exporters accept besides the flags as they are documented, so that a unit file or a template that was
//! written for another exporter works.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser as _};

use super::Cli;

/// Negations of the daemon's flags. Each takes back those before it, and is taken back itself by those after it.
#[derive(Clone, Debug, Args)]
pub struct TakenBack {
    /// Takes back --web.systemd-socket.
    #[arg(long = "no-web.systemd-socket", hide = true, overrides_with_all = ["systemd_socket", "no_systemd_socket"])]
    pub no_systemd_socket: bool,
    /// Takes back --web.enable-lifecycle.
    #[arg(long = "no-web.enable-lifecycle", hide = true, overrides_with_all = ["enable_lifecycle", "no_enable_lifecycle"])]
    pub no_enable_lifecycle: bool,
}

/// A path that may be empty.
pub(super) fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Leaves out `serve` where flags of the daemon come before it: without the word they mean the same.
pub(super) fn without_serve_after_flags(mut arguments: Vec<OsString>) -> Vec<OsString> {
    // What comes before is complete, and so the word is no flag's value; a wrong flag is told by who reads all of it.
    let is_the_command = |at: &usize| {
        arguments[*at] == OsStr::new("serve")
            && Cli::try_parse_from(&arguments[..*at]).is_ok_and(|cli| cli.command.is_none())
    };
    // First of all, it is read as what it is: with help of its own.
    if let Some(at) = (2..arguments.len()).find(is_the_command) {
        arguments.remove(at);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command;
    use crate::logging::Format;
    use clap::error::ErrorKind;
    use std::path::Path;
    use tracing::Level;

    fn read(arguments: &[&str]) -> Result<Cli, ErrorKind> {
        of(arguments).map_err(|error| error.kind())
    }

    fn of(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::of(std::iter::once("x").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn an_empty_name_of_the_web_configuration_is_none() {
        for arguments in [&["--web.config.file="][..], &["--web.config.file", ""]] {
            assert_eq!(read(arguments).unwrap().serve.web.config.path(), None);
        }
        let cli = read(&["--web.config.file=a.yml"]).unwrap();
        assert_eq!(cli.serve.web.config.path(), Some(Path::new("a.yml")));
        let Some(Command::CheckConfig(flags)) = read(&["check-config", "--web.config.file="]).unwrap().command else {
            panic!("another command")
        };
        assert_eq!(flags.web_config.path(), None);
        assert!(read(&["--config.file="]).is_err(), "nobody means that");
    }

    #[test]
    fn flags_can_be_taken_back_and_the_last_one_wins() {
        for (arguments, expected) in [
            (&["--no-NAME"][..], false),
            (&["--NAME", "--no-NAME"], false),
            (&["--no-NAME", "--NAME"], true),
            (&["--NAME", "--no-NAME", "--NAME"], true),
            (&["--NAME", "--NAME"], true),
            (&["--no-NAME", "--no-NAME"], false),
        ] {
            let with = |name: &str| arguments.iter().map(|text| text.replace("NAME", name)).collect::<Vec<_>>();
            let read = |name: &str| read(&with(name).iter().map(String::as_str).collect::<Vec<_>>()).unwrap().serve;
            assert_eq!(read("web.systemd-socket").systemd_socket, expected, "{arguments:?}");
            assert_eq!(read("web.enable-lifecycle").enable_lifecycle, expected, "{arguments:?}");
        }
    }

    #[test]
    fn levels_and_formats_are_read_in_any_case() {
        let log = read(&["--log.level=INFO", "--log.format=JSON"]).unwrap().serve.log;
        assert_eq!((log.level, log.format), (Level::INFO, Format::Json));
        assert_eq!(read(&["--log.level=Warn"]).unwrap().serve.log.level, Level::WARN);
    }

    #[test]
    fn every_command_tells_the_version() {
        for command in ["serve", "demo", "simulate", "check", "check-config"] {
            assert_eq!(read(&[command, "--version"]).unwrap_err(), ErrorKind::DisplayVersion);
        }
        let told = |arguments| of(arguments).unwrap_err().to_string();
        assert_eq!(told(&["serve", "--version"]), told(&["--version"]));
    }

    #[test]
    fn flags_may_come_before_the_word_serve() {
        let cli = read(&["--log.level=debug", "--config.file", "serve", "serve", "--shard.total=2"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.log.level, Level::DEBUG);
        assert_eq!(cli.serve.config.file.as_deref(), Some(Path::new("serve")));
        assert_eq!(cli.serve.shard_total.as_deref(), Some("2"));
        assert!(matches!(read(&["serve", "--config.file", "serve"]).unwrap().command, Some(Command::Serve(_))));
        assert_eq!(read(&["--log.level=debug", "serve", "serve"]).unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(read(&["--log.level=loud", "serve"]).unwrap_err(), ErrorKind::ValueValidation);
        assert!(read(&["--log.level=debug", "demo"]).is_err(), "its flags come after it");
    }
}
