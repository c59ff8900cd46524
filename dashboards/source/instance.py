"""One instance: what happened to its backups and restores, and what could be restored."""

from codes import CODES
from fleet import by_code, explained
from panels import (
    OF_ALLOWED,
    STATES,
    Column,
    bars,
    limits,
    lines,
    number,
    table,
    texts,
    timeline,
)
from promql import (
    AGE,
    BY_INSTANCE,
    RATIO,
    READ_AT,
    RESTORABLE,
    RPO,
    everything,
    labels_of,
    latest,
    named,
    of_instance,
    told,
)
from shell import dashboard_of, moments
from states import MEANING, STATE

NAME = "{{instance_name}}"
MEANT = texts({code: (meaning, "text") for code, meaning in CODES.items()})
RECORDS = {
    "succeed": "green",
    "failed": "red",
    "waiting": "yellow",
    "backuping": "blue",
    "restoring": "blue",
    "expired": "text",
    "deleted": "semi-dark-purple",
    "other": "orange",
}
ATTEMPTS = texts({0: ("failed", "red"), 1: ("succeeded", "green"), 2: ("under way", "blue")})
WORKED = texts({0: ("failed", "red"), 1: ("worked", "green")})


def _stamp(metric):
    return named(f"1000 * {latest(metric)}")


def _now():
    return [
        number(
            (0, 0, 5, 4),
            "State",
            f"How the instance stands now. {MEANING}",
            named(STATE),
            mappings=STATES,
            legend=NAME,
        ),
        number(
            (5, 0, 4, 4),
            "Age by RPO",
            "Age of the newest backup, measured by how old it may be.",
            named(RATIO),
            "percentunit",
            OF_ALLOWED,
            legend=NAME,
            decimals=0,
            no_value="never, or no RPO",
        ),
        number(
            (9, 0, 5, 4),
            "Age of the newest backup",
            "How much would be lost now: the time since the newest backup that succeeded.",
            named(AGE),
            "dtdurations",
            legend=NAME,
            decimals=1,
            no_value="never",
        ),
        number(
            (14, 0, 3, 4),
            "Restorable",
            "Backups that could be restored now.",
            named(RESTORABLE),
            thresholds=limits("red", (1, "green")),
            legend=NAME,
        ),
        number(
            (17, 0, 4, 4),
            "Next backup",
            "When the next slot of its backup plan begins.",
            _stamp("dcs_backup_next_scheduled_timestamp_seconds"),
            "dateTimeFromNow",
            legend=NAME,
            no_value="not planned",
        ),
        number(
            (21, 0, 3, 4),
            "Facts read",
            "When its backups were last read. What is older than twice the poll interval is not to be relied upon.",
            named(f"1000 * {READ_AT}"),
            "dateTimeFromNow",
            legend=NAME,
            no_value="never",
        ),
    ]


def _backups():
    attempts = f"(0 * ({told('dcs_backup_in_progress')} > 0) + 2) or {told('dcs_backup_last_attempt_success')}"
    restores = (
        f"(0 * ({told('dcs_restore_in_progress', operation='restores')} > 0) + 2)"
        f" or {told('dcs_restore_last_attempt_success', operation='restores')}"
    )
    return [
        lines(
            (0, 4, 12, 9),
            "Age of the newest backup and its RPO",
            "The age climbs until a backup succeeds. Above the dashed line it is too old.",
            [(named(AGE), f"age {NAME}"), (named(RPO), f"RPO {NAME}")],
            "s",
            axis_min=0,
            dashed="/^RPO/",
            no_value="never",
        ),
        timeline(
            (12, 4, 12, 9),
            "Attempts",
            "How the newest finished backup and restore ended, and when one was under way.",
            [(named(attempts), f"backup {NAME}"), (named(restores), f"restore {NAME}")],
            ATTEMPTS,
            no_value="no attempt",
        ),
        lines(
            (0, 13, 8, 8),
            "How long backups and restores took",
            "Of the newest backup and restore that succeeded, from its beginning to its end.",
            [
                (named(told("dcs_backup_last_success_duration_seconds")), f"backup {NAME}"),
                (named(told("dcs_restore_last_success_duration_seconds", operation="restores")), f"restore {NAME}"),
            ],
            "s",
            axis_min=0,
            steps=True,
            no_value="none succeeded",
        ),
        lines(
            (8, 13, 8, 8),
            "Sizes",
            "Of the newest backup, of all backups that could be restored, and of the instance's memory. A backup that "
            "is suddenly much smaller deserves a look.",
            [
                (named(told("dcs_backup_last_success_size_bytes")), f"newest {NAME}"),
                (named(told("dcs_backup_restorable_bytes")), f"restorable {NAME}"),
                (named(latest("dcs_instance_max_memory_bytes")), f"memory {NAME}"),
            ],
            "bytes",
            axis_min=0,
            steps=True,
            dashed="/^memory/",
        ),
        lines(
            (16, 13, 8, 8),
            "Backup records by status",
            "What the cloud has on record of its backups; it keeps a few dozen at most.",
            [(f"sum by (status) ({told('dcs_backup_records', by=['status'])}) > 0", "{{status}}")],
            axis_min=0,
            stacked=True,
            colors=RECORDS,
            steps=True,
            no_value="no records",
        ),
    ]


def _restoring():
    def window(edge):
        return named(f"time() - {told(f'dcs_backup_{edge}_restorable_timestamp_seconds')}")

    return [
        lines(
            (0, 21, 8, 8),
            "How far back one could go",
            "Age of the data in the oldest and in the newest backup that could be restored.",
            [(window("oldest"), f"oldest {NAME}"), (window("newest"), f"newest {NAME}")],
            "s",
            axis_min=0,
            no_value="nothing to restore",
        ),
        lines(
            (8, 21, 8, 8),
            "Restore records by status",
            "What the cloud has on record of its restores.",
            [
                (
                    f"sum by (status) ({told('dcs_restore_records', operation='restores', by=['status'])}) > 0",
                    "{{status}}",
                )
            ],
            axis_min=0,
            stacked=True,
            colors=RECORDS,
            steps=True,
            no_value="no records",
        ),
        bars(
            (16, 21, 8, 8),
            "Running now",
            "How far a backup or restore that runs has come.",
            f'label_replace({named(told("dcs_backup_progress_ratio"))}, "what", "backup", "", "")'
            f" or label_replace({named(told('dcs_restore_progress_ratio', operation='restores'))},"
            ' "what", "restore", "", "")',
            "{{what}} {{instance_name}} ({{project}})",
            "percentunit",
            limits("blue"),
            no_value="nothing is running",
            axis_max=1,
        ),
    ]


def _plan():
    return [
        table(
            (0, 29, 24, 6),
            "Backup plan",
            "What the cloud does by itself: whether backups are scheduled, the latest and the next slot, the longest "
            "gap between two of them, how long backups are kept, and when the plan was last changed.",
            [
                Column("Instance", label="instance_name"),
                Column("Project", label="project"),
                Column(
                    "Automatic",
                    named(told("dcs_backup_policy_enabled", operation="policy")),
                    mappings=texts({0: ("no", "orange"), 1: ("yes", "green")}),
                    cell={"type": "color-text"},
                ),
                Column(
                    "Latest slot",
                    f"1000 * {latest('dcs_backup_last_scheduled_timestamp_seconds')}",
                    unit="dateTimeAsIso",
                    width=165,
                    noValue="",
                ),
                Column(
                    "Next slot",
                    f"1000 * {latest('dcs_backup_next_scheduled_timestamp_seconds')}",
                    unit="dateTimeAsIso",
                    width=165,
                    noValue="",
                ),
                Column(
                    "Longest gap",
                    told("dcs_backup_expected_interval_seconds", operation="policy"),
                    unit="dtdurations",
                    decimals=1,
                    noValue="",
                ),
                Column(
                    "Kept for",
                    told("dcs_backup_policy_retention_seconds", operation="policy"),
                    unit="dtdurations",
                    decimals=1,
                    noValue="",
                ),
                Column(
                    "Changed",
                    f"1000 * {latest('dcs_backup_policy_updated_timestamp_seconds')}",
                    unit="dateTimeAsIso",
                    width=165,
                    noValue="",
                ),
                Column("Id", label="instance_id", width=80),
            ],
        ),
        table(
            (0, 35, 12, 8),
            "Failures by error code",
            "Failed backups and restores within the exporter's look-back window, and what their codes mean.",
            [
                Column("Code", label="error_code", width=110),
                Column("Meaning", label="meaning", mappings=MEANT),
                Column("Backups", explained(by_code("dcs_backup_failures", "backups")), width=80, noValue=""),
                Column("Restores", explained(by_code("dcs_restore_failures", "restores")), width=80, noValue=""),
            ],
            no_value="no failure",
        ),
    ]


def _facts():
    polls = f"max by (project, instance_id, operation) ({of_instance('dcs_poll_last_success_timestamp_seconds')})"
    worked = f"max by (project, instance_id, operation) ({of_instance('dcs_poll_success')})"
    return [
        timeline(
            (12, 35, 12, 8),
            "Polls",
            "Whether the newest poll of each kind worked, by the exporter that fared best. While one fails, its facts "
            "are those of the poll before.",
            [(named(worked), f"{{{{operation}}}} {NAME}")],
            WORKED,
        ),
        lines(
            (0, 43, 24, 7),
            "Age of the facts",
            "Time since the last poll of each kind that worked.",
            [(named(f"time() - {polls}"), f"{{{{operation}}}} {NAME}")],
            "s",
            axis_min=0,
        ),
        table(
            (0, 50, 24, 6),
            "What it is",
            "What the cloud says the instance is, with every label of dcs_instance_info: tags that the configuration "
            "lets through are among them. More than one row: it was changed or renamed a moment ago.",
            [
                Column("Instance", label="instance_name"),
                Column("Project", label="project"),
                Column("Status", label="status"),
                Column("Engine", label="engine"),
                Column("Version", label="engine_version"),
                Column("Mode", label="cache_mode"),
                Column(
                    "Created",
                    f"1000 * max {BY_INSTANCE} ({of_instance('dcs_instance_created_timestamp_seconds')})",
                    unit="dateTimeAsIso",
                    width=165,
                    noValue="",
                ),
                Column("Memory", latest("dcs_instance_max_memory_bytes"), unit="bytes"),
                Column(None, labels_of("dcs_instance_info")),
                Column(None, labels_of("dcs_instance_status")),
                Column("Id", label="instance_id"),
            ],
        ),
        table(
            (0, 56, 24, 12),
            "All facts",
            "Every series about the instance as the exporter shows it, for whoever wants to know exactly. Times are "
            "Unix seconds, sizes bytes; a click on a heading filters.",
            [
                Column("Metric", label="__name__", width=420),
                Column("Value", everything(), unit="none"),
                Column("Status", label="status"),
                Column("Error code", label="error_code"),
                Column("Poll", label="operation"),
                Column("Instance", label="instance_name"),
                Column("Project", label="project"),
            ],
            unit="none",
        ),
    ]


def instance():
    return dashboard_of(
        "dcs-backup-instance",
        "DCS backup / Instance",
        "What happened to the backups and restores of an instance of Huawei Cloud DCS. From dcs-backup-exporter.",
        "now-2d",
        True,
        [*_now(), *_backups(), *_restoring(), *_plan(), *_facts()],
        [
            moments("Failed backups", "orange", "dcs_backup_last_failure_timestamp_seconds", "backup failed"),
            moments("Failed restores", "purple", "dcs_restore_last_failure_timestamp_seconds", "restore failed"),
            moments("Restores", "blue", "dcs_restore_last_success_timestamp_seconds", "restored"),
        ],
    )
