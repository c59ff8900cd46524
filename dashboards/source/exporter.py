"""The exporter itself: is what the other dashboards show to be believed, and if not, why?"""

from panels import NONE_IS_GOOD, Column, density, limits, lines, number, table, texts
from promql import of_project, own
from shell import dashboard_of

RATE = "$__rate_interval"


def _rate(metric, by, *matchers, scope=of_project):
    return f"sum by ({by}) (rate({scope(metric, *matchers)}[{RATE}]))"


def _seen(metric, by, scope=of_project):
    """The rates of those that occurred at all within the time shown: most never do."""
    occurred = f"sum by ({by}) (increase({scope(metric)}[$__range])) > 0"
    return f"{_rate(metric, by, scope=scope)} and on ({by}) ({occurred})"


def _now():
    up = own("up")
    return [
        number(
            (0, 0, 3, 4),
            "Exporters up",
            "Processes that Prometheus can scrape, of those it is told to. Below 100 % something may not be watched.",
            f"sum({up}) / count({up})",
            "percentunit",
            limits("red", (1, "green")),
        ),
        number(
            (3, 0, 3, 4),
            "Projects down",
            "Projects whose newest request was not answered by the service itself, whichever exporter asked.",
            f"sum(max by (project) ({of_project('dcs_project_up')}) == bool 0)",
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (6, 0, 3, 4),
            "Failing polls",
            "Polls of instances whose newest attempt failed with every exporter: their facts grow old.",
            f"sum(max by (project, instance_id, operation) ({of_project('dcs_poll_success')}) == bool 0)",
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (9, 0, 3, 4),
            "Instances lost",
            "Watched instances that the newest complete listing of their project lacks: deleted a moment ago, or a "
            "permission was lost.",
            f"sum(max by (project) ({of_project('dcs_project_missing_instances')}))",
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (12, 0, 3, 4),
            "Configuration",
            "Whether the newest loading of the configuration succeeded everywhere; if not, the one before is in use.",
            f"min({own('dcs_exporter_config_last_reload_successful')})",
            mappings=texts({0: ("refused", "red"), 1: ("in use", "green")}),
        ),
        number(
            (15, 0, 3, 4),
            "Shards missing",
            "Shards that the instances are spread over, less those that Prometheus sees. Above 0 nobody watches some "
            "of the instances.",
            f"max({own('dcs_exporter_shards')}) - count(count_values('shard', {own('dcs_exporter_shard_ordinal')}))",
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (18, 0, 3, 4),
            "Login expires",
            "Time until the first of the present credentials expires. The exporter renews them in good time; near 0 it "
            "could not. Access keys do not expire.",
            f"min({of_project('dcs_exporter_credentials_expiry_timestamp_seconds')} - time())",
            "dtdurations",
            limits("red", (300, "green")),
            no_value="never",
        ),
        number(
            (21, 0, 3, 4),
            "Worst delay",
            "By how much the most overdue poll is late now. More than a poll interval: the request budget is too small "
            "for the fleet.",
            f"max({of_project('dcs_exporter_poll_lag_seconds')})",
            "dtdurations",
        ),
    ]


def _facts():
    read = of_project("dcs_poll_last_success_timestamp_seconds", 'operation="backups"')
    interval = f"max by (project) ({of_project('dcs_project_poll_interval_seconds')})"
    return [
        lines(
            (0, 4, 12, 8),
            "Oldest facts by project",
            "Age of the facts that were not read for the longest time, by what was read. Dashed: the time within which "
            "backups should be read.",
            [
                (
                    "max by (project, operation) (time() - max by (project, instance_id, operation)"
                    f" ({of_project('dcs_poll_last_success_timestamp_seconds')}))",
                    "{{project}} {{operation}}",
                ),
                (interval, "allowed {{project}}"),
            ],
            "s",
            axis_min=0,
            dashed="/^allowed/",
        ),
        density(
            (12, 4, 12, 8),
            "Age of the facts about backups",
            "How many instances have facts of which age, measured by the poll interval of their project. Most lie "
            "below 100 %, and none stays far above.",
            f"(time() - max by (project, instance_id) ({read})) / on (project) group_left () {interval}",
            "percentunit",
        ),
    ]


def _requests():
    total = "dcs_exporter_api_requests_total"
    return [
        lines(
            (0, 12, 8, 8),
            "Requests by operation",
            "Requests to the cloud, retries and logins included.",
            [(_rate(total, "operation"), "{{operation}}")],
            "reqps",
            axis_min=0,
            stacked=True,
        ),
        lines(
            (8, 12, 8, 8),
            "Requests by operation and code",
            "Requests by what was asked and the HTTP status of the answer; error where none came.",
            [(_rate(total, "operation, code"), "{{operation}} {{code}}")],
            "reqps",
            axis_min=0,
            stacked=True,
        ),
        lines(
            (16, 12, 8, 8),
            "Refused as too many",
            "Part of the requests that the cloud refused with 429. The exporter halves its rate then; if it stays "
            "above 5 %, lower limits.requests_per_second.",
            [(f"{_rate('dcs_exporter_throttled_total', 'project')} / {_rate(total, 'project')}", "{{project}}")],
            "percentunit",
            limits("green", (0.05, "orange")),
            axis_min=0,
            show_limits=True,
        ),
        lines(
            (0, 20, 8, 8),
            "How long the cloud takes",
            "Time until an answer, of half, 9 of 10 and 99 of 100 requests.",
            [
                (
                    f"histogram_quantile({quantile}, "
                    f"{_rate('dcs_exporter_api_request_duration_seconds_bucket', 'le')})",
                    f"{round(100 * quantile)} %",
                )
                for quantile in (0.5, 0.9, 0.99)
            ],
            "s",
            axis_min=0,
        ),
        density(
            (8, 20, 8, 8),
            "Answers by their time",
            "How many answers took how long.",
            f"sum by (le) (increase({of_project('dcs_exporter_api_request_duration_seconds_bucket')}[{RATE}]))",
            "s",
            calculated=False,
            y_axis="le",
        ),
        lines(
            (16, 20, 8, 8),
            "Failed polls by reason",
            "Polls that failed, as the reasons of the log have it.",
            [(_seen("dcs_exporter_poll_failures_total", "project, reason"), "{{project}} {{reason}}")],
            "cps",
            axis_min=0,
            stacked=True,
            no_value="no failure",
        ),
    ]


def _budget():
    return [
        lines(
            (0, 28, 8, 8),
            "Polls due and their delay",
            "Polls that are due, and by how much the most overdue one is late (right axis).",
            [
                (f"sum by (project) ({of_project('dcs_exporter_polls_due')})", "due {{project}}"),
                (f"max by (project) ({of_project('dcs_exporter_poll_lag_seconds')})", "delay {{project}}"),
            ],
            axis_min=0,
            right={"/^delay/": "s"},
        ),
        lines(
            (8, 28, 8, 8),
            "Waiting for the rate limit",
            "Seconds that requests wait for the exporter's own limit, in each second. Above 1 the budget is too small.",
            [(_rate("dcs_exporter_rate_limiter_wait_seconds_total", "project"), "{{project}}")],
            "short",
            axis_min=0,
        ),
        lines(
            (16, 28, 8, 8),
            "Instances",
            "Instances watched, in all and by each process (dashed), and those that the newest listing lacks, or counts without showing them.",
            [
                (f"max by (project) ({of_project('dcs_project_instances')})", "{{project}}"),
                (of_project("dcs_exporter_instances_watched"), "by {{instance}} {{project}}"),
                (f"max by (project) ({of_project('dcs_project_missing_instances')})", "missing {{project}}"),
                (f"max by (project) ({of_project('dcs_project_unlisted_instances')})", "unseen {{project}}"),
            ],
            axis_min=0,
            dashed="/^by /",
        ),
    ]


def _readings():
    return [
        lines(
            (0, 36, 8, 7),
            "Clock skew",
            "The cloud's clock minus the exporter's. From 15 minutes on the cloud refuses every signature.",
            [(of_project("dcs_exporter_clock_skew_seconds"), "{{instance}} {{project}}")],
            "s",
        ),
        lines(
            (8, 36, 8, 7),
            "Until credentials expire",
            "Time left of the present credentials; a saw-tooth where they are renewed.",
            [
                (
                    f"{of_project('dcs_exporter_credentials_expiry_timestamp_seconds')} - time()",
                    "{{instance}} {{project}}",
                )
            ],
            "s",
            axis_min=0,
            no_value="they do not expire",
        ),
        lines(
            (16, 36, 8, 7),
            "Records not understood",
            "Records or fields that could not be read, and words that the cloud's documentation does not have.",
            [
                (
                    _seen("dcs_exporter_records_rejected_total", "operation, field"),
                    "{{operation}} {{field}} rejected",
                ),
                (_seen("dcs_exporter_unknown_values_total", "field", scope=own), "unknown {{field}}"),
            ],
            "cps",
            axis_min=0,
            no_value="all understood",
        ),
    ]


def _process():
    return [
        lines(
            (0, 43, 6, 7),
            "Memory",
            "Resident memory of each process.",
            [(own("process_resident_memory_bytes"), "{{instance}}")],
            "bytes",
            axis_min=0,
        ),
        lines(
            (6, 43, 6, 7),
            "CPU",
            "Processor time of each process: 100 % is one core.",
            [(_rate("process_cpu_seconds_total", "instance", scope=own), "{{instance}}")],
            "percentunit",
            axis_min=0,
        ),
        lines(
            (12, 43, 6, 7),
            "Scrapes",
            "Series that each process shows to Prometheus, and how long a scrape takes (right axis).",
            [
                (own("scrape_samples_scraped"), "{{instance}}"),
                (own("scrape_duration_seconds"), "time {{instance}}"),
            ],
            axis_min=0,
            right={"/^time /": "s"},
        ),
        lines(
            (18, 43, 6, 7),
            "Storing the facts",
            "Time since the facts were last stored; only with storage. They are written when something has changed.",
            [
                (
                    f"time() - {own('dcs_exporter_storage_last_write_success_timestamp_seconds')}",
                    "{{instance}}",
                )
            ],
            "s",
            axis_min=0,
            no_value="not stored",
        ),
        table(
            (0, 50, 24, 6),
            "Processes",
            "What runs where: version, shard, since when, how many files are open, and how often storing failed within "
            "the time shown.",
            [
                Column("Process", label="instance", width=180),
                Column("Job", label="job"),
                Column("Version", label="version"),
                Column("Revision", label="revision"),
                Column("Rust", label="rustversion"),
                Column(
                    "Shard",
                    f"max by (job, instance) ({own('dcs_exporter_shard_ordinal')})",
                    unit="none",
                    width=70,
                ),
                Column("Of", f"max by (job, instance) ({own('dcs_exporter_shards')})", unit="none", width=50),
                Column(
                    "Started",
                    f"1000 * max by (job, instance) ({own('dcs_exporter_start_timestamp_seconds')})",
                    unit="dateTimeFromNow",
                ),
                Column(
                    "Configured",
                    "1000 * max by (job, instance)"
                    f" ({own('dcs_exporter_config_last_reload_success_timestamp_seconds')})",
                    unit="dateTimeFromNow",
                ),
                Column("Files", f"max by (job, instance) ({own('process_open_fds')})", unit="none", width=60),
                Column(
                    "Not stored",
                    f"sum by (job, instance) (increase({own('dcs_exporter_storage_write_failures_total')}[$__range]))",
                    unit="none",
                    width=90,
                    noValue="",
                ),
                Column(None, f"max without () ({own('dcs_exporter_build_info')})"),
            ],
        ),
        table(
            (0, 56, 24, 6),
            "Projects",
            "What is watched, and where.",
            [
                Column("Project", label="project"),
                Column("Region", label="region"),
                Column("Endpoint", label="endpoint"),
                Column("API", label="api_version", width=60),
                Column("Project id", label="project_id"),
                Column(None, f"max without (job, instance) ({of_project('dcs_project_info')})"),
            ],
        ),
    ]


def exporter():
    return dashboard_of(
        "dcs-backup-exporter",
        "DCS backup / Exporter",
        "Is what dcs-backup-exporter tells to be believed, and if not, why?",
        "now-1d",
        False,
        [*_now(), *_facts(), *_requests(), *_budget(), *_readings(), *_process()],
    )
