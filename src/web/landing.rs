//! The page for people who open the exporter's address in a browser.

use crate::reload::Newest;

/// The page, with a link to the metrics at this path, and a line about the newest reload if that went wrong.
pub(super) fn page(telemetry_path: &str, newest: Option<&Newest>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let description = env!("CARGO_PKG_DESCRIPTION");
    // Relative, so that the links also work behind a proxy that serves the page under a prefix.
    let metrics = escape(&format!(".{telemetry_path}"));
    let trouble = newest.and_then(not_reloaded).unwrap_or_default();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dcs-backup-exporter</title>
</head>
<body>
<h1>dcs-backup-exporter</h1>
<p>{description}.</p>
{trouble}<ul>
<li><a href="{metrics}">Metrics</a></li>
<li><a href="./api/v1/instances">Instances, worst first, as JSON</a></li>
<li><a href="./-/healthy">Health</a></li>
<li><a href="./-/ready">Readiness</a></li>
</ul>
<p>Version {version}</p>
</body>
</html>
"#
    )
}

fn not_reloaded(newest: &Newest) -> Option<String> {
    let refusal = newest.outcome.as_ref().err()?;
    let (first, others) = refusal.problems().split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more, see the log)", others.len()) };
    // To the second.
    let at = jiff::Timestamp::from_second(newest.at.as_second()).unwrap_or(newest.at);
    Some(format!(
        "<p><strong>The configuration was not reloaded at {at}, the one before is in use:</strong> {}{more}</p>\n",
        escape(first)
    ))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::reload::Refusal;

    #[test]
    fn a_path_cannot_break_out_of_its_link() {
        let page = page("/m\"><script>alert('x')</script>&", None);
        assert!(page.contains(r#"href="./m&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;""#), "{page}");
    }

    #[test]
    fn a_reload_that_went_wrong_is_a_line_of_it() {
        let of = |outcome| page("/metrics", Some(&Newest { at: "2026-11-21T12:00:00.5Z".parse().unwrap(), outcome }));
        assert_eq!(of(Ok(())), page("/metrics", None));
        let told = of(Err(Arc::new(Refusal::of("config.yml:3: projects[0].<b>: is unknown"))));
        let line = "<p><strong>The configuration was not reloaded at 2026-11-21T12:00:00Z, the one before is in use:\
                    </strong> config.yml:3: projects[0].&lt;b&gt;: is unknown</p>\n";
        assert!(told.contains(line), "{told}");
    }
}
