//! The table that `check` prints for people: aligned, worst first, coloured only on a terminal.

use std::time::Duration;

use jiff::Timestamp;

use super::{Report, Row};
use crate::cloud::diagnosis::Hint;
use crate::direction;
use crate::status::Verdict;

/// Writes the report; with `colour` the status stands out.
pub fn write(report: &Report, now: Timestamp, colour: bool) -> String {
    let mut lines = Vec::new();
    for problem in &report.problems {
        lines.push(format!("project {}: {}", printable(&problem.project), printable(&problem.message)));
    }
    if !lines.is_empty() && !report.instances.is_empty() {
        lines.push(String::new());
    }
    if !report.instances.is_empty() {
        let header = ["STATUS", "PROJECT", "INSTANCE", "AGE", "RPO", "SIZE", "NEXT", "NOTE"].map(str::to_owned);
        let rows: Vec<[String; 8]> = report.instances.iter().map(|row| cells(row, now)).collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|column| rows.iter().chain([&header]).map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        lines.push(line(&header, &widths, None));
        for (row, cells) in report.instances.iter().zip(&rows) {
            lines.push(line(cells, &widths, colour.then(|| paint(row.status))));
        }
        lines.push(String::new());
    }
    let hints = hints(report);
    if !hints.is_empty() {
        lines.extend(hints.iter().map(|hint| format!("hint: {hint}")));
        lines.push(String::new());
    }
    lines.push(summary(report));
    lines.join("\n") + "\n"
}

/// Each once, those of whole projects first.
fn hints(report: &Report) -> Vec<Hint> {
    let mut hints = Vec::new();
    let of_projects = report.problems.iter().filter_map(|problem| problem.hint);
    for hint in of_projects.chain(report.instances.iter().flat_map(|row| row.hints.iter().copied())) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

fn cells(row: &Row, now: Timestamp) -> [String; 8] {
    let dash = || "-".to_owned();
    [
        row.status.words().to_owned(),
        printable(&row.project),
        printable(&row.instance_name),
        row.age_seconds.map_or_else(dash, span),
        row.rpo_seconds.map_or_else(dash, span),
        row.last_success_size_bytes.map_or_else(dash, size),
        row.next_scheduled_at
            .and_then(|at| Duration::try_from(at.duration_since(now)).ok())
            .map_or_else(dash, |wait| format!("in {}", span(wait.as_secs()))),
        row.note.as_deref().map(printable).unwrap_or_default(),
    ]
}

/// Numbers are set flush right, text flush left.
fn line(cells: &[String; 8], widths: &[usize], paint: Option<&str>) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let gap = " ".repeat(width - cell.chars().count());
        let text = if (3..=6).contains(&column) { gap + cell } else { cell.clone() + &gap };
        match paint {
            Some(paint) if column == 0 => line += &[paint, &text, "\u{1b}[0m"].concat(),
            _ => line += &text,
        }
        line += "  ";
    }
    line.trim_end().to_owned()
}

fn paint(status: Verdict) -> &'static str {
    match (status.severity(), status) {
        (2, _) => "\u{1b}[31;1m",
        (1, _) => "\u{1b}[33m",
        (_, Verdict::Fresh) => "\u{1b}[32m",
        _ => "\u{1b}[2m",
    }
}

fn summary(report: &Report) -> String {
    let count = |severity: u8| report.instances.iter().filter(|row| row.status.severity() == severity).count();
    let uncounted =
        report.instances.iter().filter(|row| matches!(row.status, Verdict::NoRpo | Verdict::Unsupported)).count();
    let verdict = match report.exit_code {
        0 => "OK",
        1 => "WARNING",
        _ => "CRITICAL",
    };
    let unasked = match report.problems.len() {
        0 => String::new(),
        1 => "1 project in trouble, ".to_owned(),
        count => format!("{count} projects in trouble, "),
    };
    let instances = report.instances.len();
    if instances == 0 && !unasked.is_empty() {
        return format!("{verdict}: {unasked}no instance known");
    }
    let plural = if instances == 1 { "" } else { "s" };
    format!(
        "{verdict}: {unasked}{instances} instance{plural}: {} fresh, {} failed or missed within their RPO, {} stale, never backed up or not polled, {uncounted} without an RPO",
        count(0) - uncounted,
        count(1),
        count(2),
    )
}

/// The two largest units of a span: `3h 12m`, `2d 4h`, `45s`.
fn span(seconds: u64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let shown: Vec<String> = parts[first..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.join(" ") }
}

/// Bytes in binary units: `880 KiB`, `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value < 10.0 && unit != "B" { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A text from outside cannot steer the terminal, nor turn the direction of what is beside it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || direction::is_control(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_steer_nothing() {
        assert_eq!(printable("a\u{1b}[1m\u{202e}缓存"), "a\u{fffd}[1m\u{fffd}缓存");
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (45, "45s"),
            (60, "1m"),
            (61, "1m 1s"),
            (11_520, "3h 12m"),
            (3600, "1h"),
            (3601, "1h"),
            (187_200, "2d 4h"),
            (86_460, "1d"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, expected) in
            [(0, "0 B"), (1023, "1023 B"), (880_232, "860 KiB"), (1_610_612_736, "1.5 GiB"), (u64::MAX, "16384 PiB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }
}
