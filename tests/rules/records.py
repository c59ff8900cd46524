"""Unit tests of what the rules record between the facts and the alerts, by their values.

Where a rule reads its own value of the evaluation before, these are ten minutes apart.
"""

from cases import Cases
from data import each, failures
from exporter import DAY, HOUR, JOB, instance, project
from series import NOW

CASES = Cases({})
IN_P, IN_Q = {"instance_id": "i", "project": "p"}, {"instance_id": "i", "project": "q"}
OF_P, OF_Q, OF_R, OF_S = ({"project": name} for name in "pqrs")


def at_minutes(labels, values):
    """A series whose values are moments, in minutes."""
    return {minute: [] if value is None else [(labels, value * 60)] for minute, value in values.items()}


for operation in ("backups", "restores", "policy"):
    others = {other: NOW for other in ("backups", "restores", "policy") if other != operation}
    CASES.add(
        f"instance_id:dcs_{operation}_last_poll_timestamp_seconds:max",
        "the polls of this operation",
        at_minutes(IN_P, {50: 50, 100: 60}),
        project(),
        instance(polled={operation: {0: NOW, 60: 60}, **others}),
    )

CASES.add(
    "instance_id:dcs_backup_failing_since_timestamp_seconds:min",
    "the first failure since the newest success, and since the policy's last change",
    at_minutes(IN_P, {60: None, 70: 60, 130: 60, 300: 60, 310: 300, 400: 300, 420: 300, 440: 300, 500: 480, 520: None}),
    project(),
    instance(
        rpo=DAY,
        success={0: 0, 310: 290, 420: 300, 480: 470},
        attempt_success={0: 1, 70: 0},
        failure={0: None, 70: 60, 130: 120, 310: 300, 430: 420, 490: 480},
        updated={0: -DAY, 400: 300, 500: 480, 510: 481},
    ),
    step=10,
)

CASES.add(
    "instance_id:dcs_backup_missed_slot_timestamp_seconds:min",
    "the first slot that nothing came of, over the next",
    at_minutes(IN_P, {350: None, 360: 60, 400: 60, DAY + 120: 60, DAY + 200: 60, DAY + 210: None}),
    project(),
    instance(
        interval=DAY,
        rpo=29 * HOUR,
        success=-DAY + 90,
        attempt={0: -DAY + 85, DAY + 210: DAY + 205},
        slot={0: -DAY + 60, 60: 60, DAY + 60: DAY + 60},
        updated={0: -DAY, 400: 60},
    ),
    step=10,
)

CASES.add(
    "instance_id:dcs_restore_failure_seen_timestamp_seconds:min",
    "when the newest failure was first seen",
    at_minutes(IN_P, {50: None, 60: 60, 120: 60, 190: 60, 200: 200, 300: 200, 310: None}),
    project(),
    instance(restore_success={0: 1, 60: 0, 310: 1}, restore_failure={0: None, 60: 60, 200: 190}),
    step=10,
)

CASES.add(
    "project:dcs_data_age_seconds:min",
    "of projects whose instances are shown, or which are not answered",
    {
        65: [(OF_P, 300), (OF_Q, 0), (OF_R, 1500), (OF_S, 300)],
        100: [(OF_P, 2400), (OF_Q, 0), (OF_R, 3600)],
        # Ten minutes after the last scrape.
        155: [(OF_P, 5700), (OF_Q, 600), (OF_R, 6900)],
    },
    project(),
    instance(polled={0: NOW, 60: 60}),
    project("q"),
    instance("q"),
    # Nothing is shown of its instance, because an exporter without memory cannot ask.
    project("r", up={0: 1, 60: 0}),
    instance("r", shown={0: 1, 45: None}),
    # Nothing but the policy of its instance is asked any more.
    project("s"),
    instance("s", shown={0: 1, 65: None}),
    [("dcs_poll_success", {**OF_S, "instance_id": "i", "instance_name": "cache", "operation": "policy"}, 1)],
    # Its listing has become empty.
    project("t"),
    instance("t", shown={0: 1, 30: None}),
    lost=[(150, 165)],
)

AFTER = "project:dcs_data_stale_after_seconds:max"
CASES.add(
    AFTER,
    "three of the longest intervals, at least 45 minutes",
    {
        60: [(OF_P, 5400), (OF_Q, 5400), (OF_R, 2700)],
        70: [(OF_P, 5400), (OF_Q, 3600), (OF_R, 2700)],
        # Ten minutes after the last scrape of b.
        105: [(OF_P, 5400), (OF_Q, 3600), (OF_R, 2700)],
        115: [(OF_P, 5400), (OF_Q, 3600), (OF_R, 2700)],
    },
    replicas={
        "a": (project(interval=20), project("q", interval={0: 30, 65: 20}), project("r", interval=5)),
        "b": (project(interval=30),),
    },
    lost={"b": [(100, 110)]},
)
CASES.add(
    AFTER,
    "known as long as the project",
    {
        50: [(OF_P, 3600), (OF_Q, 3600)],
        90: [(OF_P, 3600), (OF_Q, 3600)],
        100: [(OF_P, 3600), (OF_Q, 3600)],
        150: [(OF_P, 3600)],
    },
    project(interval={0: 20, 60: None}),
    project("q", up={0: 1, 60: None}, interval={0: 20, 60: None}),
    # One that has told nothing of it.
    project("r", interval=None),
    step=10,
)

FAILING = "replica:dcs_credentials_failing:up"
A = {"job": JOB, "instance": "a"}


def refused(*counters, up=0):
    return [*project(up=up), *(series for counter in counters for series in counter)]


CASES.add(
    FAILING,
    "refused, though scrapes are lost",
    {60: [], 65: [({**A, **OF_P}, 0)], 110: [({**A, **OF_P}, 0)], 120: [({**A, **OF_P}, 0)]},
    # An outage of long ago.
    refused(failures("unauthorized", each(65, 500, 30)), failures("connection", {0: 2, 5: 3}), up={0: 1, 65: 0}),
    lost=[(105, 115)],
)
CASES.add(
    FAILING,
    "not what was refused long ago",
    {100: [], 300: []},
    refused(failures("unauthorized", 5), failures("throttled", each(0, 500, 5))),
)
for reason in ("connection", "timeout", "unavailable"):
    CASES.add(
        FAILING,
        f"not where it is not answered: {reason}",
        {200: [], 205: [], 210: [], 215: []},
        refused(
            failures("unauthorized", each(60, 500, 30)),
            failures(reason, each(0, 500, 10)),
            # Another operation has met with nothing yet.
            failures(reason, 0, operation="policy"),
        ),
    )

LISTED = "project:dcs_project_instances_listed:newest"
CASES.add(
    LISTED,
    "the newest complete listing, by its largest number",
    {
        40: [(OF_P, 20), (OF_Q, 7)],
        60: [(OF_P, 18), (OF_Q, 7)],
        # Its replica is not heard, and the other one is not asked.
        130: [(OF_Q, 7)],
        150: [(OF_P, 18), (OF_Q, 7)],
    },
    replicas={
        "a": (project(listed={0: NOW, 50: 50}, instances=21, missing=1), project("q", instances=7)),
        "b": (project(instances=18),),
    },
    lost={"b": [(100, 140)]},
)
