//! The page for people who open the exporter's address in a browser.

/// The page, with a link to the metrics at this path.
pub(super) fn page(telemetry_path: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let description = env!("CARGO_PKG_DESCRIPTION");
    // Relative, so that the links also work behind a proxy that serves the page under a prefix.
    let metrics = escape(&format!(".{telemetry_path}"));
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
<ul>
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
    use super::*;

    #[test]
    fn a_path_cannot_break_out_of_its_link() {
        let page = page("/m\"><script>alert('x')</script>&");
        assert!(page.contains(r#"href="./m&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;""#), "{page}");
    }
}
