//! The table of all keys: what the reference file and the README are checked against, and what drives the
//! detection of unknown keys, the defaults and the checks of single values.
//!
//! `[]` in a path stands for any element of a list, `<name>` for a name of the user's own.

use super::schema::{KeyDoc, Kind};

/// Seconds and requests are cheap to write; numbers beyond these are typing errors.
const MOST_REQUESTS: f64 = 10_000.0;
const MOST: u32 = 10_000;
/// Nobody starts more processes; each watches a few instances then.
pub(super) const MOST_SHARDS: u32 = 10_000;

const fn key(path: &'static str, kind: Kind, help: &'static str) -> KeyDoc {
    KeyDoc { path, kind, default: None, help }
}

impl KeyDoc {
    const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }
}

/// Every key, in the order of the reference file.
pub(super) const KEYS: &[KeyDoc] = &[
    key(
        "projects",
        Kind::List,
        "the projects to watch; left out, the environment names one (DCS_EXPORTER_REGION, HUAWEICLOUD_SDK_*)",
    ),
    key("projects[].name", Kind::Name, "the label `project`; unique"),
    key("projects[].region", Kind::Name, "the cloud's region; gives the endpoints unless they are set"),
    key("projects[].project_id", Kind::Name, "the cloud's id of the project; default: looked up by `project_name`"),
    key(
        "projects[].project_name",
        Kind::Name,
        "the cloud's name of the project or sub-project, to look up its id; default: the region's name",
    ),
    key(
        "projects[].endpoint",
        Kind::Endpoint,
        "the address of the DCS API; default: the region's HUAWEICLOUD_SDK_REGION_DCS_…, else follows from `region`",
    ),
    key(
        "projects[].iam_endpoint",
        Kind::Endpoint,
        "the address of the IAM API; default: the profile's, HUAWEICLOUD_SDK_IAM_ENDPOINT, else follows from `region`",
    ),
    key(
        "projects[].sts_endpoint",
        Kind::Endpoint,
        "the address of the STS API; default: HUAWEICLOUD_SDK_STS_ENDPOINT, else follows from `region`",
    ),
    key("projects[].api_version", Kind::Choice(&["v2", "v1.0"]), "the API's version: v2 or v1.0").default("v2"),
    key(
        "projects[].credentials",
        Kind::Name,
        "the name of an entry of `credentials`; default: the official SDK's chain, as with `source: chain`",
    ),
    key("projects[].ca_file", Kind::Path, "PEM certificates that are trusted besides the system's"),
    key(
        "projects[].proxy",
        Kind::Proxy,
        "the HTTP proxy for this project's requests; default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
    ),
    key("projects[].instances", Kind::List, "instances to watch, named by hand"),
    key("projects[].instances[].id", Kind::Name, "the cloud's id of the instance"),
    key("projects[].instances[].name", Kind::Name, "the label `instance_name`; default: the cloud's name"),
    key("projects[].discovery", Kind::Map, "finding the project's instances"),
    key(
        "projects[].discovery.enabled",
        Kind::Switch,
        "whether all instances of the project are found and watched; default: true when `instances` is empty, else false",
    ),
    key("projects[].discovery.interval", Kind::Duration, "time between two listings").default("5m"),
    key(
        "projects[].discovery.include",
        Kind::Map,
        "watch only found instances that match; all keys must match, any value of a list; default: all",
    ),
    key("projects[].discovery.include.id", Kind::TextOrTexts, "ids"),
    key("projects[].discovery.include.name", Kind::TextOrTexts, "regular expressions for any part of the name"),
    key("projects[].discovery.include.engine", Kind::TextOrTexts, "engines: Redis, Memcached, other"),
    key("projects[].discovery.include.status", Kind::TextOrTexts, "states, such as RUNNING, or other"),
    key("projects[].discovery.include.enterprise_project_id", Kind::TextOrTexts, "ids of enterprise projects"),
    key("projects[].discovery.include.tags", Kind::Names, "tags and their values"),
    key("projects[].discovery.include.tags.<name>", Kind::TextOrTexts, "values of the tag"),
    key("projects[].discovery.exclude", Kind::Map, "do not watch found instances that match all keys, included or not"),
    key("projects[].discovery.exclude.id", Kind::TextOrTexts, "ids"),
    key("projects[].discovery.exclude.name", Kind::TextOrTexts, "regular expressions for any part of the name"),
    key("projects[].discovery.exclude.engine", Kind::TextOrTexts, "engines: Redis, Memcached, other"),
    key("projects[].discovery.exclude.status", Kind::TextOrTexts, "states, such as RUNNING, or other"),
    key("projects[].discovery.exclude.enterprise_project_id", Kind::TextOrTexts, "ids of enterprise projects"),
    key("projects[].discovery.exclude.tags", Kind::Names, "tags and their values"),
    key("projects[].discovery.exclude.tags.<name>", Kind::TextOrTexts, "values of the tag"),
    key(
        "projects[].overrides",
        Kind::List,
        "other settings for some instances, listed or found; the first that matches wins",
    ),
    key("projects[].overrides[].match", Kind::Map, "which instances"),
    key("projects[].overrides[].match.id", Kind::TextOrTexts, "ids"),
    key("projects[].overrides[].match.name", Kind::TextOrTexts, "regular expressions for any part of the name"),
    key("projects[].overrides[].match.engine", Kind::TextOrTexts, "engines: Redis, Memcached, other"),
    key("projects[].overrides[].match.status", Kind::TextOrTexts, "states, such as RUNNING, or other"),
    key("projects[].overrides[].match.enterprise_project_id", Kind::TextOrTexts, "ids of enterprise projects"),
    key("projects[].overrides[].match.tags", Kind::Names, "tags and their values"),
    key("projects[].overrides[].match.tags.<name>", Kind::TextOrTexts, "values of the tag"),
    key("projects[].overrides[].rpo", Kind::Duration, "their `rpo`, before that of the project and the top level"),
    key("projects[].plan_utc_offset", Kind::Offset, "the zone of a backup plan that names none").default("+00:00"),
    key("projects[].instance_tags", Kind::Texts, "tags that become labels `tag_…` of dcs_instance_info"),
    key("projects[].limits", Kind::Map, "how many requests may leave for the cloud"),
    key("projects[].limits.requests_per_second", Kind::Rate(MOST_REQUESTS), "the lasting rate").default("5"),
    key("projects[].limits.burst", Kind::Count(1, MOST), "how many may leave at once after a quiet time").default("10"),
    key("projects[].limits.concurrency", Kind::Count(1, MOST), "how many may be under way at the same time")
        .default("8"),
    key("projects[].rpo", Kind::Duration, "the age at which a newest backup is too old; default: the top-level `rpo`"),
    key("credentials", Kind::Names, "ways of logging in, by a name of your own"),
    key("credentials.<name>", Kind::Map, "exactly one kind of credentials"),
    key("credentials.<name>.access_key", Kind::HeaderSecret, "the access key (AK)"),
    key("credentials.<name>.access_key_file", Kind::Path, "a file with the access key; read again before use"),
    key("credentials.<name>.secret_key", Kind::Secret, "the secret key (SK)"),
    key("credentials.<name>.secret_key_file", Kind::Path, "a file with the secret key; read again before use"),
    key("credentials.<name>.security_token", Kind::HeaderSecret, "the security token of temporary keys"),
    key("credentials.<name>.security_token_file", Kind::Path, "a file with the security token; read again before use"),
    key("credentials.<name>.username", Kind::Text, "an IAM user, for tokens"),
    key("credentials.<name>.password", Kind::Secret, "the IAM user's password"),
    key("credentials.<name>.password_file", Kind::Path, "a file with the IAM user's password; read again before use"),
    key("credentials.<name>.domain_name", Kind::Text, "the IAM user's account"),
    key(
        "credentials.<name>.source",
        Kind::Choice(&["environment", "profile", "metadata", "oidc", "oidc_agency", "pod_identity", "chain"]),
        "another kind: `environment` and `profile` as the official SDK reads them, `metadata` of the ECS, `oidc`, `oidc_agency`, `pod_identity` of CCE, or `chain`: the first of these that is there",
    ),
    key(
        "credentials.<name>.profile_file",
        Kind::Path,
        "`profile`: the file; default: HUAWEICLOUD_SDK_CREDENTIALS_FILE, else ~/.huaweicloud/credentials",
    ),
    key("credentials.<name>.metadata_endpoint", Kind::Endpoint, "`metadata`: the address of the metadata service")
        .default("http://169.254.169.254"),
    key("credentials.<name>.idp_id", Kind::HeaderText, "`oidc`: the identity provider's name in IAM"),
    key(
        "credentials.<name>.id_token_file",
        Kind::Path,
        "`oidc`, `oidc_agency`: a file with the id token; read again before use; default of `oidc_agency`: HUAWEICLOUD_OIDC_ID_TOKEN or HUAWEICLOUD_OIDC_TOKEN_FILE",
    ),
    key(
        "credentials.<name>.provider_urn",
        Kind::Text,
        "`oidc_agency`: the identity provider; default: HUAWEICLOUD_OIDC_PROVIDER_URN",
    ),
    key(
        "credentials.<name>.agency_urn",
        Kind::Text,
        "`oidc_agency`: the agency that trusts it; default: HUAWEICLOUD_OIDC_AGENCY_URN",
    ),
    key(
        "credentials.<name>.session_name",
        Kind::Name,
        "`oidc_agency`: who the cloud's audit log names, unless HUAWEICLOUD_OIDC_SESSION_NAME does",
    )
    .default("oidc-sts-session"),
    key(
        "credentials.<name>.duration",
        Kind::Validity,
        "`oidc_agency`: how long keys are valid, 15m to 24h, unless HUAWEICLOUD_OIDC_DURATION_SECONDS says",
    )
    .default("1h"),
    key(
        "credentials.<name>.credentials_uri",
        Kind::Url,
        "`pod_identity`: the agent's whole address; default: HC_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    key(
        "credentials.<name>.authorization_token_file",
        Kind::Path,
        "`pod_identity`: a file with the token for the agent; default: HC_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    key("credentials.<name>.assume", Kind::Map, "an agency to assume with these credentials"),
    key("credentials.<name>.assume.agency_name", Kind::Name, "the agency's name (IAM), with its account"),
    key("credentials.<name>.assume.domain_name", Kind::Text, "the name of the account that the agency belongs to, …"),
    key("credentials.<name>.assume.domain_id", Kind::Name, "… or its id"),
    key("credentials.<name>.assume.agency_urn", Kind::Text, "instead of these: the agency's URN (STS)"),
    key("credentials.<name>.assume.session_name", Kind::Name, "with `agency_urn`: who the cloud's audit log names")
        .default("dcs-backup-exporter"),
    key("credentials.<name>.assume.duration", Kind::Validity, "how long keys are valid, 15m to 24h").default("1h"),
    key("credentials.<name>.limits", Kind::Map, "as in a project, shared by all projects of the entry"),
    key("credentials.<name>.limits.requests_per_second", Kind::Rate(MOST_REQUESTS), "the lasting rate").default("5"),
    key("credentials.<name>.limits.burst", Kind::Count(1, MOST), "how many may leave at once after a quiet time")
        .default("10"),
    key("credentials.<name>.limits.concurrency", Kind::Count(1, MOST), "how many may be under way at the same time")
        .default("8"),
    key("polling", Kind::Map, "how often the cloud is asked"),
    key("polling.idle_interval", Kind::Duration, "between two polls of an instance where nothing is going on")
        .default("15m"),
    key("polling.window_interval", Kind::Duration, "while a scheduled backup is due or overdue").default("1m"),
    key("polling.active_interval", Kind::Duration, "while a backup or restore is waiting or running").default("15s"),
    key("polling.policy_interval", Kind::Duration, "between two readings of an instance's backup policy").default("6h"),
    key("polling.request_timeout", Kind::Duration, "from sending a request to the last byte of its answer")
        .default("10s"),
    key("polling.lookback", Kind::Duration, "how far back failures are counted").default("7d"),
    key("rpo_grace", Kind::DurationOrZero, "what is added to a backup plan's longest gap to give the RPO")
        .default("5h"),
    key(
        "rpo",
        Kind::Duration,
        "the age at which a newest backup is too old, taken as it is; default: follows from the backup plan",
    ),
    key("storage", Kind::Map, "keeping the last known facts over a restart"),
    key("storage.path", Kind::Path, "the directory to keep them in; made if it is missing; default: nothing is kept"),
    key("storage.interval", Kind::Duration, "they are written at most so often, and at the end").default("30s"),
    key(
        "storage.max_age",
        Kind::Duration,
        "facts stored longer ago are not shown before the next poll; only what must not be forgotten is kept",
    )
    .default("1h"),
    key("shard", Kind::Map, "sharing the instances, and the limits, among several processes"),
    key(
        "shard.ordinal",
        Kind::Ordinal,
        "the number of this process, from 0; `auto` takes the number at the end of the host name; must be set where \
         `total` is above 1",
    )
    .default("0"),
    key("shard.total", Kind::Count(1, MOST_SHARDS), "how many processes there are; the same for each").default("1"),
];
