//! The manual page and the completions for shells say what the program's flags are.
//!
//! `UPDATE_MANUAL=1 cargo test --test manual` writes them anew.
#![allow(clippy::disallowed_methods)] // the switch that rewrites is a variable
#![allow(clippy::unwrap_used)]

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use dcs_backup_exporter::cli::Cli;

const NAME: &str = "dcs-backup-exporter";

/// Each part of a page brings its own definition of a quotation mark; one is enough.
const QUOTE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// What the definition of the flags does not say, in roff.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
After SIGTERM or SIGINT; of \fBcheck\fR: every backup is fresh.
.TP
\fB1\fR
Anything else that went wrong; of \fBcheck\fR: a failed attempt or a missed slot, still within the RPO.
.TP
\fB2\fR
Of \fBcheck\fR: a backup is stale, never came, or could not be asked for.
.TP
\fB3\fR
Wrong configuration or flags.
.SH SIGNALS
.TP
\fBSIGHUP\fR
Reads the configuration anew. A wrong one changes nothing.
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
End the program once running scrapes are answered and the last known facts are stored.
.SH ENVIRONMENT
.TP
\fBDCS_EXPORTER_\fR\fI…\fR
Any key of the configuration file, with \fB__\fR between levels: \fBDCS_EXPORTER_POLLING__IDLE_INTERVAL\fR.
.TP
\fBHUAWEICLOUD_SDK_AK\fR, \fBHUAWEICLOUD_SDK_SK\fR and others
The variables of the cloud's official SDKs, where no file names credentials.
.TP
\fBNOTIFY_SOCKET\fR, \fBWATCHDOG_USEC\fR, \fBWATCHDOG_PID\fR
How \fBsystemd\fR(1) is told that the daemon is ready, reloads, and still polls.
.SH FILES
.TP
\fI/etc/dcs-backup-exporter/config.yml\fR
The configuration that the service reads; without it the service is not started.
.TP
\fI/etc/dcs-backup-exporter/ak\fR, \fI/etc/dcs-backup-exporter/sk\fR
Access key and secret key, for root's eyes. The service gets copies at its start, as
\fI/run/credentials/dcs-backup-exporter.service/ak\fR and \fIsk\fR: other keys take effect after a restart.
.TP
\fI/etc/default/dcs-backup-exporter\fR
More flags for the service.
.TP
\fI/var/lib/dcs-backup-exporter\fR
The last known facts, where \fBstorage.path\fR of the configuration names it.
.TP
\fI/usr/share/doc/dcs-backup-exporter\fR
Every key of the configuration with its default, examples, rules, dashboards and runbooks.
.SH "SEE ALSO"
\fBprometheus\fR(1), \fBpromtool\fR(1), \fBsystemctl\fR(1), \fBsystemd.exec\fR(5)
"#;

/// Every command on one page: people look for a flag, not for the page it is on.
fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone()).manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text).unwrap();
    man.render_name_section(&mut text).unwrap();
    man.render_synopsis_section(&mut text).unwrap();
    man.render_description_section(&mut text).unwrap();
    man.render_options_section(&mut text).unwrap();
    let mut text = String::from_utf8(text).unwrap();
    for command in command.get_subcommands() {
        text += &section_of(command);
    }
    QUOTE.to_owned() + &text.replace(QUOTE, "") + MORE
}

fn section_of(command: &Command) -> String {
    let name = command.get_name();
    let heading = format!(".SH \"COMMAND {}\"\n", name.to_uppercase());
    let about = command.get_about().unwrap().to_string();
    if name == "serve" {
        return format!("{heading}{about}. It has the options above.\n");
    }
    let mut options = Vec::new();
    Man::new(command.clone()).render_options_section(&mut options).unwrap();
    let options = String::from_utf8(options).unwrap().replace(".SH OPTIONS\n", "");
    format!("{heading}{about}.\n{options}")
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn the_manual_page_and_completions_are_those_of_the_flags() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for (file, expected) in [
        ("man/dcs-backup-exporter.1", page()),
        ("completions/dcs-backup-exporter.bash", completions(Shell::Bash)),
        ("completions/_dcs-backup-exporter", completions(Shell::Zsh)),
        ("completions/dcs-backup-exporter.fish", completions(Shell::Fish)),
    ] {
        let path = root.join(file);
        if std::env::var_os("UPDATE_MANUAL").is_some() {
            std::fs::write(path, expected).unwrap();
            continue;
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == expected, "deploy/{file} is out of date: UPDATE_MANUAL=1 cargo test --test manual");
    }
}

#[test]
fn the_manual_names_every_flag() {
    let page = page().replace("\\-", "-");
    let mut command = Cli::command();
    command.build();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let flags = commands.flat_map(Command::get_arguments).filter(|flag| !flag.is_hide_set());
    for flag in flags.filter_map(clap::Arg::get_long) {
        assert!(page.contains(&format!("--{flag}")), "{flag}");
    }
}
