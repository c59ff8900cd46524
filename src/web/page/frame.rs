//! What is around every page: its title and icon, the way back, links to the exporter's other addresses.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Around;
use super::address::Address;
use super::outside;
use super::runbooks::REPOSITORY;
use super::style::SHEET;
use crate::status::Verdict;

/// How something stands: a shape and a word tell it, and a colour for those who see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Nothing to say.
    Quiet,
    /// All is well.
    Good,
    /// To be looked at by day.
    Warn,
    /// To be looked at now.
    Bad,
}

impl Mark {
    /// That of an instance with this verdict.
    pub(super) fn of(verdict: Verdict) -> Self {
        match (verdict.severity(), verdict) {
            (2, _) => Self::Bad,
            (1, _) => Self::Warn,
            (_, Verdict::Fresh) => Self::Good,
            _ => Self::Quiet,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Quiet => "none",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Its shape; whoever hears the page hears the words beside it.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Quiet => "–",
            Self::Good => "✓",
            Self::Warn => "!",
            Self::Bad => "✕",
        }
    }

    /// The icon of a page, which many tabs show and nothing else.
    fn icon(self) -> String {
        let (colour, path) = match self {
            Self::Quiet => ("667", "M4 8h8"),
            Self::Good => ("272", "M4 8l3 3 5-6"),
            Self::Warn => ("b70", "M8 4v5M8 11v1"),
            Self::Bad => ("b22", "M5 5l6 6M11 5l-6 6"),
        };
        format!(
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' \
             r='8' fill='%23{colour}'/%3E%3Cpath d='{path}' stroke='white' stroke-width='2' fill='none'/%3E%3C/svg%3E"
        )
    }
}

/// A whole page.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
{% if let Some(seconds) = address.refresh %}<meta http-equiv="refresh" content="{{ seconds }}">
{% endif -%}
<title>{{ title }} – dcs-backup-exporter</title>
<link rel="icon" href="{{ mark.icon() }}">
<style>{{ SHEET|safe }}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><a class="home" href="{{ address.of_all().link() }}">dcs-backup-exporter</a></header>
<main id="main">
{{ page }}
</main>
<footer>
<nav aria-label="Other addresses">
<ul class="plain">
<li><a href="{{ metrics }}">Metrics</a></li>
<li><a href="{{ address.api() }}">This page as JSON</a></li>
<li><a href="./-/healthy">Health</a></li>
<li><a href="./-/ready">Readiness</a></li>
{% if !REPOSITORY.is_empty() %}<li><a href="{{ REPOSITORY }}#readme">Documentation</a></li>
{% endif -%}
</ul>
</nav>
<p class="quiet">Version {{ version }}</p>
</footer>
</body>
</html>
"##
)]
pub(super) struct Frame<'a, P: HtmlSafe + std::fmt::Display> {
    title: String,
    mark: Mark,
    page: &'a P,
    address: &'a Address,
    metrics: String,
    version: &'static str,
}

impl<'a, P: HtmlSafe + std::fmt::Display> Frame<'a, P> {
    /// The page with what is around it.
    pub(super) fn of(title: String, mark: Mark, page: &'a P, address: &'a Address, around: &Around) -> Self {
        // Relative, so that the links also work behind a proxy that serves the page under a prefix.
        let metrics = format!(".{}", around.telemetry_path);
        Self { title, mark, page, address, metrics, version: env!("CARGO_PKG_VERSION") }
    }
}

/// A page that cannot be shown.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h1 class="warn"><span class="shape" aria-hidden="true">!</span> This page cannot be shown</h1>
<p>In its address, the {{ outside::isolated(why) }}.</p>
<p><a href="./">All instances</a></p>"#
)]
pub(super) struct Refused<'a> {
    /// A sentence without its full stop, which begins with a parameter.
    pub(super) why: &'a str,
}

impl HtmlSafe for Refused<'_> {}
