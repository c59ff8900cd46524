//! What `check-config` says of a good configuration: where each project is, how it logs in, and what is on the way.
//!
//! Secrets are named by their kind, proxies by their host.

use std::fmt::Write as _;

use url::Url;

use crate::config::{Agency, Assume, CloudProject, Config, CredentialsConfig, ProjectConfig, Source};

/// The whole configuration, a few short lines for each project.
pub(super) fn describe(config: &Config) -> String {
    let count = config.projects.len();
    let shared = match config.shard.total() {
        1 => String::new(),
        total => format!(", shared by {total} processes"),
    };
    let mut text = format!("the configuration is good: {count} project{}{shared}\n", if count == 1 { "" } else { "s" });
    for project in &config.projects {
        let is_filtered = project.discovery.as_ref().is_some_and(|discovery| !discovery.filter.is_none());
        let those = if is_filtered { "instances that include and exclude select" } else { "all instances" };
        let watched = match (&project.discovery, project.instances.len()) {
            (Some(_), 0) => those.to_owned(),
            (Some(_), count) => format!("{those}, {count} listed by hand"),
            (None, count) => format!("{count} instances by hand"),
        };
        let endpoint = bare(&project.endpoint);
        let _ = writeln!(text, "  {}: {endpoint} ({}), {watched}", project.name, project.api_version.as_str());
        let _ = writeln!(text, "    project      {}", found(project));
        let _ = writeln!(text, "    credentials  {}", credentials(project));
        if let Some(proxies) = proxies(project) {
            let _ = writeln!(text, "    proxy        {proxies}");
        }
    }
    text
}

fn found(project: &ProjectConfig) -> String {
    match (&project.project, &project.iam_endpoint) {
        (CloudProject::Id(id), _) => format!("id {id}"),
        (CloudProject::Named(name), None) => format!("looked up by the name {name:?}"),
        (CloudProject::Named(name), Some(iam)) => format!("looked up by the name {name:?} at {}", bare(iam)),
    }
}

fn credentials(project: &ProjectConfig) -> String {
    let CredentialsConfig { name, source, assume, .. } = &*project.credentials;
    let mut text = format!("{name}: {}", kind(source));
    match assume.as_ref().map(|Assume { agency, .. }| agency) {
        Some(Agency::Named { name, .. }) => {
            let _ = write!(text, ", then the agency {name:?}{}", at(project.iam_endpoint.as_ref()));
        }
        Some(Agency::Urn { urn, .. }) => {
            let _ = write!(text, ", then the agency {urn:?}{}", at(project.sts_endpoint.as_ref()));
        }
        None => match source {
            Source::Password(_) | Source::IdToken(_) => text += &at(project.iam_endpoint.as_ref()),
            Source::OidcAgency(_) => text += &at(project.sts_endpoint.as_ref()),
            _ => {}
        },
    }
    text
}

fn kind(source: &Source) -> String {
    match source {
        Source::AccessKeys(keys) if keys.security_token.is_some() => "temporary access keys".to_owned(),
        Source::AccessKeys(_) => "access keys".to_owned(),
        Source::Password(_) => "an IAM user's password".to_owned(),
        Source::Profile(path) => format!("the profile {:?}", path.to_string_lossy()),
        Source::Metadata(url) => format!("the metadata service {}", bare(url)),
        Source::IdToken(_) => "a federated id token".to_owned(),
        Source::OidcAgency(_) => "an id token that assumes an agency".to_owned(),
        Source::PodIdentity(_) => "the identity of a pod of CCE".to_owned(),
        Source::FirstOf(sources) => sources.iter().map(kind).collect::<Vec<_>>().join(", else "),
    }
}

fn at(url: Option<&Url>) -> String {
    url.map_or_else(String::new, |url| format!(" at {}", bare(url)))
}

/// The hosts of the proxies, and for what they are.
fn proxies(project: &ProjectConfig) -> Option<String> {
    let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
    let proxies = &project.proxies;
    let (http, https) = (proxies.http.as_ref().map(host), proxies.https.as_ref().map(host));
    let mut text = match (http, https) {
        (None, None) => return None,
        (Some(http), Some(https)) if http == https => http,
        (http, https) => {
            let named = |host: Option<String>, scheme: &str| host.map(|host| format!("{host} for {scheme}"));
            [named(https, "https"), named(http, "http")].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    };
    if !proxies.except.is_empty() {
        let _ = write!(text, ", but not for {}", proxies.except);
    }
    Some(text)
}

/// An address without the slash that means nothing.
fn bare(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    /// What is said of the one project that these variables name, without its first line.
    fn of(variables: &[(&str, &str)]) -> Vec<String> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let loaded = load(&Inputs { environment, ..Inputs::default() }).unwrap_or_else(|problems| panic!("{problems}"));
        describe(&loaded.config).lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn a_project_by_its_id_with_keys_of_its_own() {
        let said = of(&[
            ("DCS_EXPORTER_REGION", "eu-de"),
            ("HUAWEICLOUD_SDK_PROJECT_ID", "p1"),
            ("HUAWEICLOUD_SDK_AK", "HUSHAK"),
            ("HUAWEICLOUD_SDK_SK", "HUSHSK"),
        ]);
        let expected = [
            "  eu-de: https://dcs.eu-de.otc.t-systems.com (v2), all instances",
            "    project      id p1",
            "    credentials  environment: access keys",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_project_by_its_name_through_a_proxy() {
        let said = of(&[
            ("DCS_EXPORTER_REGION", "eu-de"),
            ("HTTPS_PROXY", "http://me:HUSH@proxy.example:3128"),
            ("NO_PROXY", "*.local"),
        ]);
        let expected = [
            "    project      looked up by the name \"eu-de\" at https://iam.eu-de.otc.t-systems.com",
            "    credentials  environment: the metadata service http://169.254.169.254",
            "    proxy        proxy.example for https, but not for *.local",
        ];
        assert_eq!(said[1..], expected);
        let said = of(&[
            ("DCS_EXPORTER_ENDPOINT", "http://dcs.test.myhuaweicloud.com"),
            ("DCS_EXPORTER_REGION", "cn-north-4"),
            ("ALL_PROXY", "proxy.example"),
            ("HUAWEICLOUD_OIDC_PROVIDER_URN", "iam::x:oidcProvider:y"),
            ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::x:agency:y"),
            ("HUAWEICLOUD_OIDC_ID_TOKEN", "HUSH"),
        ]);
        let expected = [
            "    credentials  environment: an id token that assumes an agency at https://sts.cn-north-4.myhuaweicloud.com",
            "    proxy        proxy.example",
        ];
        assert_eq!(said[2..], expected);
    }
}
