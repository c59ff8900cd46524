//! Key `shard`: which of several processes this is.

use super::Shard;
use super::keys::MOST_SHARDS;
use super::problem::{Origin, quoted};
use super::scalar;
use super::section::{Field, Section};

/// Reads it; `host_name` is that of the process that is configured, `None` where that is another one than this.
pub(super) fn read(root: &Section, host_name: Option<&str>) -> Option<Shard> {
    let section = root.section("shard")?;
    let (ordinal, total) = (section.text("ordinal")?, section.text("total")?);
    let shards = scalar::count(total.text, 1, MOST_SHARDS).ok()?;
    if !is_said(&ordinal) && shards > 1 {
        // With the default, every process would be the first.
        total.place.problem(format!(
            "says that {shards} processes share the instances, but not which of them this is; set `shard.ordinal` or \
             --shard.ordinal: a number from 0, or `auto` for the number at the end of the host name"
        ));
        return None;
    }
    let number = if ordinal.text == "auto" {
        if !is_said(&total) {
            let sentence =
                "is `auto`, but how many processes there are is not said; set `shard.total` or --shard.total";
            ordinal.place.problem(sentence);
            return None;
        }
        match host_name {
            Some(name) => of_host(name, shards, &ordinal)?,
            // There is nothing to judge; any will do.
            None => 0,
        }
    } else {
        scalar::count(ordinal.text, 0, u32::MAX).ok()?
    };
    let shard = Shard::new(number, shards);
    if shard.is_none() {
        let advice = if is_said(&total) { "" } else { "; set `shard.total` or --shard.total" };
        ordinal
            .place
            .problem(format!("is {number}, but must be below the total of {shards}; processes count from 0{advice}"));
    }
    shard
}

/// Whether anybody typed it.
fn is_said(field: &Field) -> bool {
    field.place.origin != Origin::Nowhere
}

/// The number that the host name gives; else a problem at `auto`.
fn of_host(name: &str, shards: u32, auto: &Field) -> Option<u32> {
    let Some(number) = number_at_end(name) else {
        let what = match name {
            "" => "this machine tells no host name".to_owned(),
            name => format!("the host name {} does not end in a number of its own, as in `exporter-0`", quoted(name)),
        };
        auto.place.problem(format!(
            "is `auto`, but {what}; run it in a StatefulSet, whose pods are named so, or set the number itself"
        ));
        return None;
    };
    let below = u32::try_from(number).ok().filter(|number| *number < shards);
    if below.is_none() {
        auto.place.problem(format!(
            "is `auto`, and the host name {} gives {number}, but it must be below the total of {shards}; processes \
             count from 0, and `shard.total` must be how many there are",
            quoted(name)
        ));
    }
    below
}

/// The number at the end of a host name, whatever domain follows: 2 of `exporter-2.monitoring.svc`.
///
/// Its last word must be that number, or letters and that number (`node3`). The names of a Deployment's pods
/// (`exporter-7c9f8b6d5f-x2kq4`) and of containers (`3f2a9c1b7d84`) mix both by chance: two processes could come to
/// the same number, and nobody to another.
fn number_at_end(name: &str) -> Option<u64> {
    let label = name.split('.').next()?;
    let word = label.rsplit(['-', '_']).next()?;
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_by_chance = letters.contains(|c: char| c.is_ascii_digit());
    word[letters.len()..].parse().ok().filter(|_| !is_by_chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_of_a_host_name() {
        for (name, number) in [
            ("dcs-backup-exporter-2", Some(2)),
            ("dcs-backup-exporter-0", Some(0)),
            ("dcs-2.dcs.monitoring.svc.cluster.local", Some(2)),
            ("dcs-10.example7", Some(10)),
            ("node3", Some(3)),
            ("exporter_4", Some(4)),
            ("007", Some(7)),
            ("ip-10-0-0-5", Some(5)),
            ("dcs-99999999999", Some(99_999_999_999)),
            ("dcs-99999999999999999999", None),
            ("dcs", None),
            ("dcs-", None),
            ("dcs-2a", None),
            ("dcs-2-blue", None),
            ("dcs.example-2", None),
            ("", None),
            (".2", None),
            ("dcs-٣", None),
            // A Deployment's pod, a container.
            ("dcs-7c9f8b6d5f-x2kq4", None),
            ("3f2a9c1b7d84", None),
        ] {
            assert_eq!(number_at_end(name), number, "{name:?}");
        }
    }
}
