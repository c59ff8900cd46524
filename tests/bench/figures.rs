//! The figures that are to be reached, a line each: what was measured, and the bar.
//!
//! `cargo bench | grep '(bar'` shows them alone.
#![allow(clippy::disallowed_macros)] // on the standard output

/// What a figure is held against.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // each benchmark has its own kinds
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn text(self) -> String {
        match self {
            Self::AtMost(bar) => format!("(bar: at most {bar})"),
            Self::AtLeast(bar) => format!("(bar: at least {bar})"),
        }
    }
}

/// Prints a figure.
pub(crate) fn tell(what: &str, value: f64, unit: &str, bar: Bar) {
    let is_reached = match bar {
        Bar::AtMost(most) => value <= most,
        Bar::AtLeast(least) => value >= least,
    };
    let digits = if value < 100.0 { 2 } else { 0 };
    println!("{what}: {value:.digits$} {unit} {}{}", bar.text(), if is_reached { "" } else { " MISSED" });
}

/// Prints that a figure could not be measured.
#[allow(dead_code)] // where all can be
pub(crate) fn tell_missing(what: &str, why: &str, bar: Bar) {
    println!("{what}: NOT MEASURED, {why} {}", bar.text());
}
