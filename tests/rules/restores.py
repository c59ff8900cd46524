"""Unit tests of the alerts about restores. `keep_firing_for` is 15 minutes."""

from backups import blind
from cases import INSTANCE, Cases
from exporter import DAY, instance, project
from series import NOW

CASES = Cases(INSTANCE)
case = CASES.add
W, C = "warning", "critical"

STUCK = "DcsRestoreStuck"
RUNNING = {"restore_in_progress": {0: None, 60: 60, 400: None}}
case(
    STUCK,
    "three hours after it was requested, until it is gone",
    {240: "", 255: "", 260: W, 395: W, 410: W, 420: ""},
    **RUNNING,
    says="A restore of cache (i, project p) has been waiting or running for 5h 35m 0s.",
)
case(STUCK, "not what ends in time", {600: ""}, restore_in_progress={0: None, 60: 60, 240: None})
shown, facts = blind(100)
case(STUCK, "not by the clock alone", {600: ""}, shown, instance(**facts, **RUNNING))
case(STUCK, "the polls of the restores count", {300: "", 600: ""}, polled={"restores": {0: NOW, 100: 100}}, **RUNNING)
case(
    STUCK,
    "a replica that has lost its key is not believed",
    {300: "", 600: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts, restore_in_progress=-600))},
    lost={"a": [(280, 300)]},
)
case(STUCK, "lost scrapes do not begin it anew", {255: "", 260: W, 300: W}, **RUNNING, lost=[(250, 255), (285, 305)])

FAILED = "DcsRestoreFailed"
FAILING = {"restore_success": {0: 1, 60: 0}, "restore_failure": {0: None, 60: 55}}
CODE = {"restore_code": {"dcs.08.0007": {0: None, 60: 1}}}
case(
    FAILED,
    "at once, for a day",
    {55: "", 60: C, 60 + DAY: C, 70 + DAY: C, 80 + DAY: ""},
    **FAILING,
    **CODE,
    says="The newest restore of cache (i, project p) failed with the code dcs.08.0007; this was first seen 23h 55m 0s ago.",
)
case(
    FAILED,
    "until another one succeeds",
    {60: C, 300: C, 320: ""},
    **{**FAILING, "restore_success": {0: 1, 60: 0, 300: 1}},
)
case(FAILED, "not where the newest succeeded", {60: "", 600: ""}, restore_success=1, restore_failure=-60)
case(
    FAILED,
    "a second failure after a day",
    {DAY + 80: "", DAY + 200: C, 2 * DAY + 190: C, 2 * DAY + 220: ""},
    restore_success={0: 1, 60: 0},
    restore_failure={0: None, 60: 55, DAY + 200: DAY + 190},
)
case(
    FAILED,
    "a second failure after a success",
    {60: C, 320: "", 400: C, DAY + 390: C, DAY + 420: ""},
    restore_success={0: 1, 60: 0, 300: 1, 400: 0},
    restore_failure={0: None, 60: 55, 400: 390},
)
case(
    FAILED,
    "not an old one that is seen for the first time",
    {60: "", 600: ""},
    restore_success=0,
    restore_failure=-3 * DAY,
)
case(FAILED, "one that is seen late", {60: C, 600: C}, restore_success=0, restore_failure=-3 * DAY + 60)
shown, facts = blind(50, 50 + 30 * 60)
case(
    FAILED,
    "one that failed while nobody could look",
    {60: "", 45 + 30 * 60: "", 50 + 30 * 60: C, 40 + 30 * 60 + DAY: C, 80 + 30 * 60 + DAY: ""},
    shown,
    instance(**facts, restore_success={0: 1, 50 + 30 * 60: 0}, restore_failure={0: None, 50 + 30 * 60: 200}),
)
shown, facts = blind(100)
case(FAILED, "does not end while nobody can look", {60: C, 60 + 2 * DAY: C}, shown, instance(**facts, **FAILING))
case(
    FAILED,
    "a replica that has lost its key is not believed",
    {300: "", 400: "", 600: ""},
    replicas={
        "a": (project(), instance(restore_success=1)),
        "b": (project(up={0: 1, 10: 0}), instance(restore_success=0, restore_failure=-100, polled={0: NOW, 10: 10})),
    },
    lost={"a": [(280, 300)]},
)
case(
    FAILED,
    "lost scrapes do not begin it anew",
    {60: C, 100: C, 60 + DAY: C, 80 + DAY: ""},
    **FAILING,
    lost=[(65, 100), (500, 505)],
)
