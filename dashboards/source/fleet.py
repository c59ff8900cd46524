"""The fleet: which instances could I not restore right now?"""

from codes import CODES
from grafana_foundation_sdk.models import common as cm
from panels import (
    NEUTRAL,
    NONE_IS_BETTER,
    NONE_IS_GOOD,
    OF_ALLOWED,
    STATES,
    Column,
    bars,
    density,
    limits,
    lines,
    number,
    table,
    texts,
    timeline,
    to_instance,
)
from promql import (
    AGE,
    FACTS_OVERDUE,
    LAST_ATTEMPT,
    RATIO,
    READ_AT,
    RESTORABLE,
    RPO,
    SUCCEEDED,
    SUPPORTED,
    count,
    latest,
    named,
    told,
)
from shell import dashboard_of
from states import MEANING, RANK, STATE

MEANT = texts({code: (meaning, "text") for code, meaning in CODES.items()})
FRESH = texts({0: ("fresh", "transparent"), 1: ("too old", "red")})
COVERED = f"{told('dcs_backup_policy_enabled', operation='policy')} and {SUPPORTED} == 1"
RESTORES = told("dcs_restore_in_progress", operation="restores")


def by_code(metric, operation):
    return f"sum by (error_code) ({told(metric, operation=operation, by=['error_code'])})"


def explained(query):
    """With a second label for the code's meaning, which the panel's mappings fill in."""
    return f'label_replace({query}, "meaning", "$1", "error_code", "(.+)")'


def _numbers():
    compliant = f"(sum({RATIO} <= bool 1) or 0 * count({RPO})) / count({RPO})"
    return [
        number(
            (0, 0, 3, 4),
            "RPO compliance",
            "Of the instances that have an RPO (from their backup plan or the configuration): how many have a backup "
            "that is young enough. One that was never backed up does not comply.",
            compliant,
            "percentunit",
            limits("red", (0.95, "orange"), (0.99, "green")),
            decimals=1,
        ),
        number(
            (3, 0, 4, 4),
            "Nothing to restore",
            "Instances that can be backed up and have no backup that could be restored now, whether none was ever made "
            "or all are gone. They head the table below.",
            count(f"{RESTORABLE} == 0 and {SUPPORTED} == 1", SUPPORTED),
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (7, 0, 3, 4),
            "Out of RPO",
            "Instances whose newest backup is older than it may be.",
            f"sum({RATIO} > bool 1)",
            thresholds=NONE_IS_GOOD,
            no_value="no RPO known",
        ),
        number(
            (10, 0, 4, 4),
            "Never backed up",
            "Instances that can be backed up and of which no backup has ever succeeded; they count under "
            '"Nothing to restore" too.',
            count(f"{SUPPORTED} == 1 unless {SUCCEEDED}", SUPPORTED),
            thresholds=NONE_IS_GOOD,
        ),
        number(
            (14, 0, 4, 4),
            "Last attempt failed",
            "Instances whose newest finished backup has failed, whether they are out of their RPO or not yet.",
            f"sum({LAST_ATTEMPT} == bool 0)",
            thresholds=NONE_IS_BETTER,
            no_value="no attempt",
        ),
        number(
            (18, 0, 3, 4),
            "Running",
            "Backups and restores that wait or run.",
            f'label_replace(sum({told("dcs_backup_in_progress")}), "what", "backups", "", "")'
            f' or label_replace(sum({RESTORES}), "what", "restores", "", "")',
            legend="{{what}}",
            thresholds=NEUTRAL,
            text_mode=cm.BigValueTextMode.VALUE_AND_NAME,
        ),
        number(
            (21, 0, 3, 4),
            "Facts too old",
            "Data freshness: instances whose backups were not read for twice the project's poll interval and five "
            "minutes. Above 0 nothing else here is to be trusted for them; the dashboard of the exporter tells why.",
            count(f"{FACTS_OVERDUE} > 1 or ({SUPPORTED} == 1 unless {READ_AT})", SUPPORTED),
            thresholds=NONE_IS_GOOD,
        ),
    ]


def _instances():
    gauge = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    coloured = {"type": "color-background", "mode": "basic"}
    return table(
        (0, 4, 24, 12),
        "Instances, worst first",
        f"One row for each instance; a click on its name shows it alone. {MEANING} Age / RPO is 100 % when a backup is "
        "just as old as it may be. Facts that are too old say little: the exporter's dashboard tells why.",
        [
            Column("Instance", label="instance_name", width=190, links=to_instance('__data.fields["Id"]')),
            Column("Project", label="project", width=80),
            Column("State", named(STATE), mappings=STATES, cell=coloured, width=150),
            Column("Newest backup", AGE, unit="dtdurations", decimals=1, width=190, noValue="never"),
            Column("RPO", RPO, unit="dtdurations", decimals=1, width=140, noValue="no RPO"),
            Column(
                "Age / RPO",
                RATIO,
                unit="percentunit",
                cell=gauge,
                min=0,
                max=1.5,
                decimals=0,
                thresholds=OF_ALLOWED,
                width=180,
                noValue="",
            ),
            Column("Restorable", RESTORABLE, width=90, unit="short"),
            Column("Size", told("dcs_backup_last_success_size_bytes"), unit="bytes", width=90, noValue=""),
            Column(
                "Next backup",
                f"1000 * {latest('dcs_backup_next_scheduled_timestamp_seconds')}",
                unit="dateTimeFromNow",
                width=120,
                noValue="not planned",
            ),
            Column("Facts", f"{FACTS_OVERDUE} > bool 1", mappings=FRESH, cell=coloured, width=80, noValue="none"),
            Column("Id", label="instance_id"),
        ],
        sort=RANK,
    )


def _course():
    return [
        timeline(
            (0, 16, 12, 10),
            "State of each instance",
            f"How each instance stood over time. {MEANING}",
            [(named(STATE), "{{instance_name}} ({{project}})")],
            STATES,
            per_instance=True,
        ),
        density(
            (12, 16, 12, 10),
            "Age of the newest backups by their RPO",
            "How many instances have a newest backup of which age, measured by how old it may be: above 100 % it is "
            "too old. A band that climbs is a fleet that is no longer backed up.",
            RATIO,
            "percentunit",
        ),
    ]


def _failures():
    return [
        bars(
            (0, 26, 8, 8),
            "Failed backups by error code",
            "Failed backups that ended within the exporter's look-back window (7 days unless configured), by the code "
            "of their record.",
            f"sort_desc({by_code('dcs_backup_failures', 'backups')})",
            "{{error_code}}",
            thresholds=limits("orange"),
            no_value="no failure",
        ),
        table(
            (8, 26, 16, 8),
            "What the error codes mean",
            "Each code that occurred within the look-back window, what it means and what to do about it.",
            [
                Column("Code", label="error_code", width=110),
                Column("Meaning", label="meaning", mappings=MEANT),
                Column("Backups", explained(by_code("dcs_backup_failures", "backups")), width=90, noValue=""),
                Column("Restores", explained(by_code("dcs_restore_failures", "restores")), width=90, noValue=""),
            ],
            no_value="no failure",
        ),
    ]


def _restores():
    failed = told("dcs_restore_last_attempt_success", operation="restores")
    return [
        bars(
            (0, 34, 8, 7),
            "Running now",
            "How far each running backup and restore has come.",
            f'label_replace({named(told("dcs_backup_progress_ratio"))}, "what", "backup", "", "")'
            f" or label_replace({named(told('dcs_restore_progress_ratio', operation='restores'))},"
            ' "what", "restore", "", "")',
            "{{what}} {{instance_name}} ({{project}})",
            "percentunit",
            limits("blue"),
            no_value="nothing is running",
            axis_max=1,
            per_instance=True,
        ),
        lines(
            (8, 34, 8, 7),
            "Backups and restores under way",
            "How many wait or run at the same time.",
            [
                (f"sum({told('dcs_backup_in_progress')})", "backups"),
                (f"sum({RESTORES})", "restores"),
            ],
            axis_min=0,
            steps=True,
            fill=20,
        ),
        bars(
            (16, 34, 8, 7),
            "Failed restores by error code",
            "Failed restores that ended within the exporter's look-back window, by the code of their record.",
            f"sort_desc({by_code('dcs_restore_failures', 'restores')})",
            "{{error_code}}",
            thresholds=limits("orange"),
            no_value="no failure",
        ),
        number(
            (0, 41, 4, 7),
            "Last restore failed",
            "Instances whose newest finished restore has failed.",
            f"sum({failed} == bool 0)",
            thresholds=NONE_IS_BETTER,
            no_value="never restored",
        ),
    ]


def _sizes():
    newest = told("dcs_backup_last_success_size_bytes")
    return [
        lines(
            (4, 41, 8, 7),
            "Kept backups",
            "Total size of the backups that could be restored, by project.",
            [(f"sum by (project) ({told('dcs_backup_restorable_bytes')})", "{{project}}")],
            "bytes",
            axis_min=0,
            stacked=True,
        ),
        bars(
            (12, 41, 6, 7),
            "Growth of the newest backup",
            "The instances whose newest backup has grown most within the time shown, against the smallest one then.",
            "topk(8, " + named(f"{newest} / min_over_time({newest}[$__range:1h]) - 1 > 0") + ")",
            "{{instance_name}}",
            "percentunit",
            limits("blue", (0.5, "orange")),
            no_value="no growth",
            per_instance=True,
        ),
        bars(
            (18, 41, 6, 7),
            "Backed up by a plan",
            "Of the instances that can be backed up: how many the cloud backs up by itself. The others depend on "
            "somebody doing it by hand.",
            f"sum by (project) ({COVERED}) / count by (project) ({COVERED})",
            "{{project}}",
            "percentunit",
            limits("orange", (1, "green")),
            axis_max=1,
        ),
    ]


def fleet():
    return dashboard_of(
        "dcs-backup-fleet",
        "DCS backup / Fleet",
        "Which instances of Huawei Cloud DCS could not be restored right now? From dcs-backup-exporter.",
        "now-2d",
        True,
        [*_numbers(), _instances(), *_course(), *_failures(), *_restores(), *_sizes()],
    )
