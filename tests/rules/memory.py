"""Unit tests of what the rules remember of instances that nobody shows just now."""

from cases import Cases
from exporter import instance, project
from series import NOW

CASES = Cases({})
OF_P, OF_Q = {"project": "p"}, {"project": "q"}
IN_P, IN_Q, OTHER = (
    {"instance_id": "i", "project": "p"},
    {"instance_id": "i", "project": "q"},
    {"instance_id": "j", "project": "p"},
)
HOUR, TWO_DAYS = 3600, 2 * 24 * 3600


def series(*pairs):
    """Series with their labels and values, but for those without."""
    return [(labels, value) for labels, value in pairs if value is not None]


def policy_only(instance_id, name="other"):
    """An instance of which nothing but the policy is asked."""
    labels = {"project": "p", "instance_id": instance_id, "instance_name": name, "operation": "policy"}
    return [("dcs_poll_success", labels, 1)]


CASES.add(
    "project:dcs_memory_seconds:max",
    "an hour; two days in an outage and the hour after, and while there is no exporter",
    {
        50: series((OF_P, HOUR), (OF_Q, HOUR)),
        60: series((OF_P, TWO_DAYS), (OF_Q, HOUR)),
        130: series((OF_P, TWO_DAYS), (OF_Q, HOUR)),
        150: series((OF_P, HOUR), (OF_Q, HOUR)),
        240: series((OF_P, HOUR), (OF_Q, HOUR)),
        270: series((OF_P, TWO_DAYS), (OF_Q, TWO_DAYS)),
        390: series((OF_P, TWO_DAYS), (OF_Q, TWO_DAYS)),
        400: series((OF_P, HOUR), (OF_Q, HOUR)),
        540: series((OF_P, HOUR), (OF_Q, HOUR)),
        570: series((OF_P, HOUR), (OF_Q, None)),
    },
    # The other replica has no key, and says so.
    replicas={"a": (project(up={0: 1, 60: 0, 90: 1}), project("q", up={0: 1, 500: None})), "b": (project(up=0),)},
    lost=[(200, 400)],
    step=10,
)
CASES.add(
    "project:dcs_memory_seconds:max",
    "an exporter that is away for less than an hour is no outage",
    {140: series((OF_P, HOUR), (OF_Q, HOUR)), 160: series((OF_P, HOUR))},
    project(),
    project("q", up={0: 1, 95: None}),
    lost=[(110, 165)],
)

SEEN = "instance_id:dcs_instance_seen_timestamp_seconds:max"
CASES.add(
    SEEN,
    "when any replica showed it last, for an hour, or in an outage for two days",
    {
        50: series((IN_P, 50 * 60), (IN_Q, 50 * 60), (OTHER, 50 * 60)),
        60: series((IN_P, 55 * 60), (IN_Q, 55 * 60), (OTHER, 60 * 60)),
        110: series((IN_P, 55 * 60), (IN_Q, 55 * 60), (OTHER, 110 * 60)),
        115: series((IN_Q, 55 * 60), (OTHER, 115 * 60)),
        400: series((IN_Q, 55 * 60), (OTHER, 400 * 60)),
    },
    replicas={
        "a": (
            project(),
            project("q", up={0: 1, 60: 0}),
            instance(shown={0: 1, 60: None}),
            instance("q", shown={0: 1, 60: None}),
            instance(instance_id="j", shown={0: 1, 20: None}),
            policy_only("k"),
        ),
        "b": (project(), instance(shown={0: 1, 20: None}), instance(instance_id="j")),
    },
    lost={"a": [(80, 90)]},
)


def polls(minute, **last):
    """The newest polls by instance: of all operations alike, or by operation; in minutes."""
    where = {"i": IN_P, "j": OTHER, "q": IN_Q, "r": {"instance_id": "i", "project": "r"}}
    found = []
    for name, when in last.items():
        for operation in ("backups", "restores", "policy"):
            at = when[operation] if isinstance(when, dict) else when
            found.append(({**where[name], "operation": operation}, at * 60))
    return {minute: found}


CASES.add(
    "instance_id:dcs_poll_last_success_timestamp_seconds:max",
    "the newest by any replica, as long as the instance is remembered",
    {
        **polls(30, i={"backups": 30, "restores": 20, "policy": 0}, j=30, q=30, r=0),
        # Nothing of a is heard.
        **polls(70, i={"backups": 65, "restores": 20, "policy": 0}, j=65, q=65),
        **polls(100, i={"backups": 100, "restores": 20, "policy": 0}, j=65, q=65),
        **polls(110, i={"backups": 110, "restores": 20, "policy": 0}, j=65, q=65),
        **polls(130, i={"backups": 130, "restores": 20, "policy": 0}, q=65),
    },
    replicas={
        "a": (
            project(),
            project("q", up={0: 1, 50: 0}),
            instance(polled={"backups": NOW, "restores": 0, "policy": 0}),
            instance("q", shown={0: 1, 70: None}),
            instance(instance_id="j", shown={0: 1, 70: None}),
            project("r"),
            instance("r", shown={0: 1, 5: None}),
        ),
        "b": (
            project(),
            instance(polled={"backups": {0: NOW, 10: 10}, "restores": {0: NOW, 20: 20}, "policy": {0: 0, 120: -10}}),
        ),
    },
    lost={"a": [(70, 100)]},
)

for step, change in ((5, 65), (10, 60)):
    CASES.add(
        "instance_id:dcs_poll_success:known",
        f"whether any replica can, as long as the instance is remembered, every {step} minutes",
        {
            minute: [
                ({**labels, "operation": operation}, value)
                for labels, value in ((IN_P, first), (OTHER, second), (IN_Q, 0 if minute < 65 else None))
                if value is not None
                for operation in ("backups", "restores", "policy")
            ]
            for minute, first, second in ((30, 1, 0), (70, 0, 0), (90, 0, 0), (100, 0, 0), (140, 0, None))
        },
        replicas={
            "a": (
                project(),
                project("q"),
                instance(polls={0: 1, change: 0}),
                instance(instance_id="j", polls=0, shown={0: 1, 70: None}),
                # Forgotten after an hour, though there is one of the same id elsewhere.
                instance("q", polls=0, shown={0: 1, 5: None}),
            ),
            "b": (project(), instance(polls=0, shown={0: 1, 60: None})),
        },
        lost={"a": [(70, 100)]},
        step=step,
    )

CASES.add(
    "instance_id:dcs_instance_name:known",
    "the present name, and the last one while nobody shows the instance",
    {
        50: [
            ({**IN_P, "instance_name": "cache"}, 1),
            ({**OTHER, "instance_name": "other"}, 1),
            ({**IN_Q, "instance_name": "queue"}, 1),
        ],
        60: [
            ({**IN_P, "instance_name": "renamed"}, 1),
            ({**OTHER, "instance_name": "other"}, 1),
            ({**IN_Q, "instance_name": "queue"}, 1),
        ],
        70: [
            ({**IN_P, "instance_name": "renamed"}, 1),
            ({**OTHER, "instance_name": "new"}, 1),
            ({**IN_Q, "instance_name": "newer"}, 1),
        ],
        110: [
            ({**IN_P, "instance_name": "renamed"}, 1),
            ({**OTHER, "instance_name": "new"}, 1),
            ({**IN_Q, "instance_name": "newer"}, 1),
        ],
        140: [({**OTHER, "instance_name": "new"}, 1), ({**IN_Q, "instance_name": "newer"}, 1)],
    },
    project(),
    project("q"),
    instance(name={0: "cache", 60: "renamed"}, shown={0: 1, 70: None}),
    instance(instance_id="j", name={0: "other", 70: "new"}),
    instance("q", name={0: "queue", 70: "newer"}),
    # Only where the backups are asked for.
    policy_only("k"),
    policy_only("i", "named-elsewhere"),
    step=10,
)

HELD = "instance_id:dcs_poll_last_success_timestamp_seconds:held"
CASES.add(
    HELD,
    "the polls of replicas that are not heard",
    {
        60: [],
        70: [({**IN_P, "operation": operation}, 60 * 60) for operation in ("backups", "policy")],
        100: [],
    },
    replicas={
        "a": (project(), instance()),
        "b": (
            project(),
            project("q"),
            instance(polled={"backups": {0: NOW, 10: 10}, "policy": {0: NOW, 10: 10}, "restores": NOW}),
            instance(instance_id="j"),
            instance("q"),
        ),
    },
    lost={"a": [(70, 100)]},
    step=10,
)

SUCCESS = "instance_id:dcs_backup_last_success_timestamp_seconds:known"
CASES.add(
    SUCCESS,
    "the largest that any replica knew, as long as the instance is remembered",
    {
        20: series((IN_P, 8 * 60), (IN_Q, 240), (OTHER, 240)),
        50: series((IN_P, 9 * 60), (IN_Q, 240), (OTHER, 240)),
        60: series((IN_P, 9 * 60), (IN_Q, 240), (OTHER, 240)),
        80: series((IN_P, 9 * 60), (IN_Q, 240), (OTHER, 240)),
        110: series((IN_P, 9 * 60), (IN_Q, 240)),
        150: series((IN_P, 9 * 60), (IN_Q, 240)),
        190: series((IN_Q, 240)),
    },
    replicas={
        "a": (
            project(),
            project("q"),
            instance(success={0: 3, 45: 9, 50: 7, 70: None}, shown={0: 1, 120: None}),
            instance("q", success=4),
            instance(instance_id="j", success=4, shown={0: 1, 40: None}),
        ),
        "b": (project(), instance(success=8, shown={0: 1, 30: None})),
    },
)
