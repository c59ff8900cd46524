//! Log lines as the Prometheus world writes them: `time=… level=… msg=… key=value`, or the same as JSON.
//!
//! Both formats are written from one visitor, so that they hold the same keys. Lines go to standard error. What
//! libraries say is shown from `info` up only: their debug output is not ours to vouch for. Some are shown from `error`
//! up, see `ABOUT_PEERS`.

#[cfg(test)]
pub(crate) mod heard;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::direction;

/// Flag `--log.format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `key=value` pairs.
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "logfmt" => Ok(Self::Logfmt),
            "json" => Ok(Self::Json),
            _ => Err("expected logfmt or json".to_owned()),
        }
    }
}

/// Libraries that only talk of what a peer did, with all whose names begin so. Their warnings name no peer, and anybody who
/// can connect could write one with each connection, without an end and before any password is asked for. What
/// matters of the cloud's answers is told with the poll that failed.
const ABOUT_PEERS: [&str; 4] = ["h2", "hyper", "rustls", "tokio_rustls"];

/// Starts logging to standard error. Called once, by main.
pub fn start(level: Level, format: Format, clock: Clock) {
    let filter = filter(level);
    let lines = tracing_subscriber::fmt::layer().event_format(Lines { format, clock }).with_writer(std::io::stderr);
    // Fails only where a test has started logging before; its logger stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

fn filter(level: Level) -> Targets {
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_targets(ABOUT_PEERS.map(|library| (library, LevelFilter::ERROR)))
        // It tells at every request, as an error, what is told once with the poll that failed.
        .with_target("rustls_platform_verifier", LevelFilter::OFF)
}

struct Lines {
    format: Format,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = jiff::fmt::temporal::DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&self.clock.now());
        let level = event.metadata().level().as_str().to_lowercase();
        let line = match self.format {
            Format::Logfmt => logfmt(&now, &level, &fields),
            Format::Json => json(&now, &level, fields),
        };
        writeln!(writer, "{line}")
    }
}

/// The fields of an event, in the order of the call.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    pairs: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            // What the `log` crate's bridge adds of its own.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => self.pairs.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::String(value.to_owned()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::from(value));
    }
}

fn logfmt(now: &str, level: &str, fields: &Fields) -> String {
    let mut line = format!("time={now} level={level} msg=");
    quote(&mut line, &fields.message);
    for (name, value) in &fields.pairs {
        let _ = write!(line, " {name}=");
        match value {
            Value::String(text) => quote(&mut line, text),
            other => {
                let _ = write!(line, "{other}");
            }
        }
    }
    line
}

/// Writes a value, in quotes where it would not be read back as one word without.
fn quote(line: &mut String, text: &str) {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/+@#,[]()%*~;!?|&<>^$".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
    } else {
        // JSON's quoting escapes quotes, backslashes and ASCII's control characters.
        line.push_str(&escaped(&Value::from(text).to_string()));
    }
}

fn json(now: &str, level: &str, fields: Fields) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), now.into());
    object.insert("level".to_owned(), level.into());
    object.insert("msg".to_owned(), fields.message.into());
    for (name, value) in fields.pairs {
        object.insert(name.to_owned(), value);
    }
    escaped(&Value::Object(object).to_string())
}

/// JSON without the control characters that it would allow in its strings: those that turn the direction of text show
/// the line otherwise than it is, and some terminals obey others.
fn escaped(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_control() || direction::is_control(character) {
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, act: impl FnOnce()) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let _guard = runtime.enter();
        let clock = Clock::starting_at("2026-11-21T10:00:00.25Z".parse().unwrap());
        let sink = Sink::default();
        let layer = tracing_subscriber::fmt::layer().event_format(Lines { format, clock }).with_writer({
            let sink = sink.clone();
            move || sink.clone()
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    fn say() {
        let nothing: Option<u64> = None;
        tracing::warn!(project = %"a b", count = 3, ratio = 0.5, ok = true, nothing, text = "q\"\n", "it {}", "failed");
    }

    #[test]
    fn logfmt_quotes_what_needs_it_and_stays_on_one_line() {
        assert_eq!(
            logged(Format::Logfmt, say),
            "time=2026-11-21T10:00:00.250Z level=warn msg=\"it failed\" project=\"a b\" count=3 ratio=0.5 ok=true text=\"q\\\"\\n\"\n"
        );
    }

    #[test]
    fn what_peers_do_is_no_warning() {
        for level in [Level::INFO, Level::TRACE] {
            let filter = filter(level);
            for target in
                ["h2::proto::streams::recv", "hyper::proto::h1::role", "hyper_util::client", "rustls::server::hs"]
            {
                assert!(!filter.would_enable(target, &Level::WARN), "{level} {target}");
                assert!(filter.would_enable(target, &Level::ERROR), "{level} {target}");
            }
            assert!(!filter.would_enable("rustls_platform_verifier::verification", &Level::ERROR));
            assert!(filter.would_enable("dcs_backup_exporter::web", &level));
            assert!(filter.would_enable("another_library", &Level::INFO));
            assert!(!filter.would_enable("another_library", &Level::DEBUG));
        }
    }

    #[test]
    fn characters_that_steer_a_terminal_or_turn_text_round_are_escaped() {
        const EVIL: &str = "orders\u{202e}\u{2066}\u{2069}\u{61c}\u{200f}\u{9b}\u{7f}";
        const ESCAPED: &str = r#""orders\u202e\u2066\u2069\u061c\u200f\u009b\u007f""#;
        let line = logged(Format::Logfmt, || tracing::info!(instance = EVIL, "{EVIL}"));
        assert!(line.ends_with(&format!("msg={ESCAPED} instance={ESCAPED}\n")), "{line}");
        let line = logged(Format::Json, || tracing::info!(instance = EVIL, "{EVIL}"));
        assert_eq!(line.matches(ESCAPED).count(), 2, "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["instance"], EVIL, "it is read back as it was");
        assert!(logged(Format::Logfmt, || tracing::info!("缓存")).ends_with("msg=缓存\n"), "letters stay");
    }

    #[test]
    fn json_holds_the_same_keys() {
        let line = logged(Format::Json, say);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "2026-11-21T10:00:00.250Z");
        assert_eq!(value["level"], "warn");
        assert_eq!(value["msg"], "it failed");
        assert_eq!(value["project"], "a b");
        assert_eq!(value["count"], 3);
        assert_eq!(value["text"], "q\"\n");
        assert!(value.get("nothing").is_none());
    }
}
