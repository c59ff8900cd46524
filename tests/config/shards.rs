//! Which shard a process is told to be, by whatever layer.

use std::fmt::Write as _;

use dcs_backup_exporter::config::{Inputs, Limits, load};

use crate::golden::{CREDENTIALS, Golden, PROJECT};
use crate::{Directory, variables};

/// What is typed: keys of `shard` in the file, variables, flags; and the host name.
#[derive(Clone, Copy, Default)]
struct Typed<'a> {
    file: &'a str,
    variables: &'a [(&'a str, &'a str)],
    ordinal: Option<&'a str>,
    total: Option<&'a str>,
    host: Option<&'a str>,
}

impl Typed<'_> {
    /// Ordinal and total, or what is wrong.
    fn read(&self, directory: &Directory) -> Result<(u32, u32), String> {
        let yaml = if self.file.is_empty() { String::new() } else { format!("shard: {}\n", self.file) };
        let loaded = load(&Inputs {
            file: Some(directory.write("config.yml", format!("{PROJECT}{CREDENTIALS}{yaml}"))),
            environment: variables(self.variables),
            shard_ordinal: self.ordinal.map(Into::into),
            shard_total: self.total.map(Into::into),
            host_name: self.host.map(Into::into),
        });
        let loaded = loaded.map_err(|problems| directory.relative(&problems.to_string()))?;
        assert_eq!(loaded.warnings, [""; 0]);
        Ok((loaded.config.shard.ordinal(), loaded.config.shard.total()))
    }
}

#[test]
fn every_layer_tells_and_the_uppermost_is_heard() {
    const ORDINAL: &str = "DCS_EXPORTER_SHARD__ORDINAL";
    const TOTAL: &str = "DCS_EXPORTER_SHARD__TOTAL";
    let pod = Some("dcs-backup-exporter-2.dcs.monitoring.svc.cluster.local");
    let none = Typed::default();
    let directory = Directory::furnished();
    for (typed, expected) in [
        (none, (0, 1)),
        (Typed { host: pod, ..none }, (0, 1)),
        (Typed { file: "{}", ..none }, (0, 1)),
        (Typed { file: "{ ordinal: 0, total: 1 }", ..none }, (0, 1)),
        (Typed { file: "{ ordinal: 0 }", ..none }, (0, 1)),
        (Typed { file: "{ total: 1 }", ..none }, (0, 1)),
        (Typed { file: "{ ordinal: 0, total: 3 }", ..none }, (0, 3)),
        (Typed { file: "{ ordinal: 2, total: 3 }", ..none }, (2, 3)),
        (Typed { file: "{ ordinal: 9999, total: 10000 }", ..none }, (9999, 10_000)),
        (Typed { file: "{ ordinal: auto, total: 3 }", host: pod, ..none }, (2, 3)),
        (Typed { file: "{ ordinal: auto, total: 1 }", host: Some("dcs-0"), ..none }, (0, 1)),
        (Typed { variables: &[(ORDINAL, "1"), (TOTAL, "2")], ..none }, (1, 2)),
        (Typed { variables: &[(ORDINAL, "auto")], file: "{ total: 4 }", host: pod, ..none }, (2, 4)),
        (Typed { variables: &[(ORDINAL, "1")], file: "{ ordinal: auto, total: 4 }", host: pod, ..none }, (1, 4)),
        (Typed { ordinal: Some("auto"), total: Some("3"), host: pod, ..none }, (2, 3)),
        (Typed { ordinal: Some("1"), file: "{ ordinal: auto, total: 3 }", ..none }, (1, 3)),
        (Typed { total: Some("5"), variables: &[(ORDINAL, "4")], file: "{ ordinal: 0, total: 3 }", ..none }, (4, 5)),
        // For a process elsewhere nobody knows its host name here.
        (Typed { file: "{ ordinal: auto, total: 3 }", ..none }, (0, 3)),
    ] {
        assert_eq!(typed.read(&directory), Ok(expected), "{:?} {:?}", typed.file, typed.variables);
    }
}

#[test]
fn what_cannot_be_is_told_where_it_was_typed() {
    let none = Typed::default();
    let auto = Typed { file: "{ ordinal: auto, total: 3 }", ..none };
    let directory = Directory::furnished();
    let mut text = String::new();
    for (case, typed) in [
        ("not below the total", Typed { file: "{ ordinal: 3, total: 3 }", ..none }),
        ("an ordinal without a total", Typed { ordinal: Some("1"), ..none }),
        ("a total without an ordinal", Typed { total: Some("3"), host: Some("dcs-1"), ..none }),
        ("a total in the file alone", Typed { file: "{ total: 3 }", ..none }),
        ("a total in a variable alone", Typed { variables: &[("DCS_EXPORTER_SHARD__TOTAL", "3")], ..none }),
        ("none at all", Typed { ordinal: Some("0"), total: Some("0"), ..none }),
        ("an absurd total", Typed { ordinal: Some("0"), total: Some("10001"), ..none }),
        ("no numbers", Typed { file: "{ ordinal: x, total: -1 }", ..none }),
        ("another shape", Typed { file: "3", ..none }),
        ("another key", Typed { file: "{ ordinal: 0, totl: 3 }", ..none }),
        ("auto without a total", Typed { ordinal: Some("auto"), host: Some("dcs-0"), ..none }),
        ("auto, no number", Typed { host: Some("dcs"), ..auto }),
        (
            "auto, no number in a variable",
            Typed {
                variables: &[("DCS_EXPORTER_SHARD__ORDINAL", "auto")],
                total: Some("3"),
                host: Some("dcs.example-2"),
                ..none
            },
        ),
        ("auto, a number by chance", Typed { host: Some("dcs-7c9f8b6d5f-x2kq4"), ..auto }),
        ("auto, not below the total", Typed { host: Some("dcs-3"), ..auto }),
        ("auto, far from it", Typed { host: Some("dcs-99999999999"), ..auto }),
        ("auto, no name", Typed { host: Some(""), ..auto }),
    ] {
        writeln!(text, "{case}: {}", typed.read(&directory).unwrap_err()).unwrap();
    }
    Golden(text).matches("shards");
}

#[test]
fn limits_stay_as_typed_and_are_divided_where_they_are_used() {
    let directory = Directory::furnished();
    let yaml = format!(
        "{PROJECT}    limits: {{ requests_per_second: 6, burst: 9, concurrency: 2 }}\n{CREDENTIALS}shard: {{ ordinal: 1, total: 3 }}\n"
    );
    let config = directory.load(yaml, &[]).unwrap().config;
    let limits = config.projects[0].limits.unwrap();
    assert_eq!(limits, Limits { requests_per_second: 6.0, burst: 9, concurrency: 2 });
    let part = limits.shared_by(config.shard.total());
    assert_eq!(part, Limits { requests_per_second: 2.0, burst: 3, concurrency: 1 });
    assert_eq!(limits.shared_by(1), limits);
    let little = Limits { requests_per_second: 0.1, burst: 1, concurrency: 1 }.shared_by(10_000);
    assert_eq!(little, Limits { requests_per_second: 0.000_01, burst: 1, concurrency: 1 });
}
