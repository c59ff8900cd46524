"""Unit tests of the alerts about backups.

The RPO is 2 hours here, the plan hourly, and `for` and `keep_firing_for` are 15 minutes where nothing else is said.
"""

from cases import INSTANCE, Cases
from exporter import DAY, HOUR, instance, project
from series import NOW, Clock

CASES = Cases(INSTANCE)
case = CASES.add
W, C, WC = "warning", "critical", "warning critical"


def blind(begin, end=None):
    """The cloud cannot be asked from a minute on."""
    up, polled, polls = {0: 1, begin: 0}, {0: NOW, begin: begin}, {0: 1, begin: 0}
    if end is not None:
        up[end], polled[end], polls[end] = 1, NOW, 1
    return project(up=up), {"polled": polled, "polls": polls}


STALE = "DcsBackupStale"
case(
    STALE,
    "1 and 2 RPOs after the newest success, until the next",
    {120: "", 135: "", 140: W, 255: W, 260: WC, 310: WC, 315: ""},
    success={0: 0, 300: 300},
    says="The newest successful backup of cache (i, project p) is 2.5 times its RPO old.",
)
case(STALE, "not while backups succeed", {600: ""})
case(STALE, "not within one RPO of a changed policy", {160: "", 235: "", 240: W}, success=0, updated={0: -DAY, 60: 100})
case(STALE, "a policy changed before the newest success gives no grace", {135: "", 140: W}, success=0, updated=-60)
case(STALE, "not where nobody says how old it may be", {1200: ""}, success=0, rpo=None)
case(STALE, "a smaller RPO counts at once", {95: "", 110: "", 115: W}, success=0, rpo={0: 200, 100: 90})

shown, facts = blind(180, 690)
case(
    STALE,
    "while the cloud cannot be asked, what fires goes on and gets no worse",
    {140: W, 600: W, 700: W, 705: WC},
    shown,
    instance(success=0, **facts),
)
shown, facts = blind(100)
case(STALE, "while the cloud cannot be asked, nothing gets stale", {600: ""}, shown, instance(success=0, **facts))
case(
    STALE,
    "lost scrapes neither end it nor begin it anew",
    {135: "", 140: W, 150: W, 165: W, 200: W, 215: W, 230: W},
    success=0,
    lost=[(130, 135), (145, 150), (195, 210)],
)
case(STALE, "an exporter that is away for hours ends nothing", {140: W, 240: W, 600: W}, success=0, lost=[(150, 700)])
case(
    STALE,
    "an exporter restarted without memory in an outage ends nothing",
    {140: W, 300: W, 700: W},
    project(up={0: 1, 150: 0}),
    instance(
        success={0: 0, 200: None},
        rpo={0: 120, 200: None},
        updated={0: -DAY, 200: None},
        polled={0: NOW, 150: 150, 200: None},
        polls={0: 1, 150: 0},
    ),
)
case(
    STALE,
    "an instance that is gone is forgotten after an hour",
    {140: W, 245: W, 255: ""},
    success=0,
    shown={0: 1, 180: None},
)
shown, _ = blind(170)
case(
    STALE,
    "one that is gone while the cloud is away is remembered for two days",
    {140: W, 300: W, 180 + 2 * DAY - 10: W, 180 + 2 * DAY + 20: ""},
    shown,
    instance(success=0, shown={0: 1, 180: None}),
)
case(
    STALE,
    "a rename changes nothing",
    {140: W, 145: W, 150: W, 200: W},
    success=0,
    name={0: "cache", 145: "renamed"},
    says="The newest successful backup of renamed (i, project p) is 1.7 times its RPO old.",
)
shown, facts = blind(60)
case(
    STALE,
    "of two replicas, the newer success counts, though its scrapes are lost",
    {145: "", 200: "", 600: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(success=0, **facts))},
    lost={"a": [(130, 145), (300, 305)]},
)
case(
    STALE,
    "of two replicas, the newer poll counts",
    {135: "", 140: W, 300: WC},
    replicas={"a": (project(), instance(success=0)), "b": (shown, instance(success=0, **facts))},
)
case(
    STALE,
    "a success is not forgotten with the replica that knew it",
    {300: ""},
    replicas={
        "a": (project(), instance(success={0: 200, 220: None}, shown={0: 1, 220: None})),
        "b": (project(), instance(success=0)),
    },
)

NEVER = "DcsBackupNeverSucceeded"
NONE = {"success": None, "attempt": None, "attempt_success": None, "restorable": 0, "oldest_restorable": None}
case(
    NEVER,
    "one RPO after the creation, until the first success",
    {155: "", 160: C, 300: C, 315: C, 320: ""},
    created=20,
    updated=15,
    says="No backup of cache (i, project p) has ever succeeded, 2.3 RPOs after its creation or the last change of its policy.",
    **{**NONE, "success": {0: None, 305: 305}},
)
case(NEVER, "one RPO after the policy's last change", {175: "", 180: C}, created=-DAY, updated=40, **NONE)
case(NEVER, "where only the policy's last change is known", {175: "", 180: C}, created=None, updated=40, **NONE)
case(NEVER, "where only the creation is known", {175: "", 180: C}, created=40, updated=None, **NONE)
case(NEVER, "at once where neither is known", {120: "", 150: C}, created=None, updated=None, **NONE)
case(NEVER, "not where backups were made once", {600: ""}, success=-DAY)
case(NEVER, "not where nobody says that there should be any", {600: ""}, rpo=None, **NONE)
shown, facts = blind(100)
case(NEVER, "not by the clock alone", {600: ""}, shown, instance(created=0, **facts, **NONE))

MISSED = "DcsBackupSlotMissed"
# A daily plan at minute 60, and the next slot a day later; the newest success is of the slot before.
DAILY = {"interval": DAY, "rpo": 29 * HOUR, "success": -DAY + 90, "attempt": -DAY + 85, "slot": {0: -DAY + 60, 60: 60}}
case(
    MISSED,
    "five hours after the slot, over the next, until an attempt is made",
    {355: "", 360: W, DAY + 65: W, DAY + 120: W, DAY + 210: W, DAY + 220: ""},
    **{**DAILY, "slot": {**DAILY["slot"], DAY + 60: DAY + 60}, "attempt": {0: -DAY + 85, DAY + 200: DAY + 195}},
    says="Nothing came of the backup of cache (i, project p) that was scheduled for 1970-01-01 01:00:00 +0000 UTC.",
)
case(
    MISSED, "not where an attempt was made, well or badly", {900: ""}, **{**DAILY, "attempt": {0: -DAY + 85, 300: 290}}
)
case(
    MISSED,
    "not where an attempt was made whose record is gone",
    {900: ""},
    **{**DAILY, "success": {0: -DAY + 90, 300: 290}, "attempt": {0: -DAY + 85}},
)
case(
    MISSED,
    "not of a backup from the slot's first second",
    {900: ""},
    **{**DAILY, "success": {0: -DAY + 90, 200: 60}},
)
case(
    MISSED,
    "not of an attempt from the slot's first second",
    {900: ""},
    **{**DAILY, "attempt": {0: -DAY + 85, 200: 60}},
)
case(
    MISSED,
    "ends with an attempt from the slot's first second that is seen late",
    {360: W, 500: W, 520: ""},
    **{**DAILY, "attempt": {0: -DAY + 85, 500: 60}},
)
case(
    MISSED,
    "by the word of a policy that was read in the slot's first second",
    {355: "", 360: W},
    polled={"policy": 60},
    **DAILY,
)
case(MISSED, "a plan that was changed in the slot's first second", {360: W, 430: W}, **DAILY, updated={0: -DAY, 400: 60})
case(
    MISSED,
    "only by the word of a policy that was read after the slot's beginning",
    {600: "", 700: W},
    polled={"policy": {0: 50, 650: 650}},
    **DAILY,
)
case(MISSED, "not of an instance that was never backed up", {900: ""}, **{**DAILY, **NONE})
case(
    MISSED,
    "ends when the plan is changed",
    {360: W, 400: W, 420: ""},
    **{**DAILY, "slot": {**DAILY["slot"], 400: None}},
    updated={0: -DAY, 400: 390},
)
case(
    MISSED,
    "ends when the plan is switched off",
    {360: W, 400: W, 420: ""},
    **{**DAILY, "slot": {**DAILY["slot"], 400: None}},
    enabled={0: 1, 400: 0},
)
case(MISSED, "lost scrapes do not end it", {365: W, 390: W, 420: W}, lost=[(365, 370), (375, 400)], **DAILY)
shown, facts = blind(200, 800)
case(MISSED, "not by the clock alone", {600: "", 800: W}, shown, instance(**facts, **DAILY))
shown, facts = blind(50)
case(
    MISSED,
    "the replica that polled last knows the newest attempt",
    {600: ""},
    replicas={
        "a": (project(), instance(**{**DAILY, "attempt": {0: -DAY + 85, 65: 62}})),
        "b": (shown, instance(**facts, **DAILY)),
    },
)

FAILED, BUSY = "DcsBackupLastAttemptFailed", "DcsBackupSkippedBusy"
# It fails at minute 60, and at the next hourly retries; nothing else tells of it, because the RPO is a day.
FAILING = {
    "rpo": DAY,
    "success": 0,
    "attempt_success": {0: 1, 65: 0},
    "failure": {0: None, 65: 60, 125: 120, 185: 180, 245: 240},
}
CODE = {"code": {"dcs.08.0002": {0: None, 65: 1}}}
case(
    FAILED,
    "four and a half hours after the first failure, until an attempt succeeds",
    {325: "", 330: W, 490: W, 510: W, 520: ""},
    **{**FAILING, "success": {0: 0, 500: 500}, "attempt_success": {0: 1, 65: 0, 500: 1}},
    **CODE,
    says="Backups of cache (i, project p) have been failing since 1970-01-01 01:00:00 +0000 UTC, the newest one with "
    "the code dcs.08.0002.",
)
case(
    FAILED,
    "not where the last retry succeeds",
    {320: "", 600: ""},
    **{**FAILING, "attempt_success": {0: 1, 65: 0, 325: 1}, "success": {0: 0, 325: 320}},
    **CODE,
)
case(
    FAILED,
    "a success in between that was seen too late makes a new failure of the next",
    {330: "", 500: "", 560: "", 575: W},
    **{**FAILING, "success": {0: 0, 305: 290}, "failure": {0: None, 65: 60, 305: 300}},
    **CODE,
)
case(FAILED, "at once where the RPO has gone by", {110: "", 120: "", 125: W, 130: W}, **{**FAILING, "rpo": 120}, **CODE)
case(FAILED, "a code that the cloud does not tell", {325: "", 330: W}, **FAILING, code={"none": {0: None, 65: 1}})
case(FAILED, "not because the instance is busy", {600: ""}, **FAILING, code={"dcs.08.0008": {0: None, 65: 1}})
case(
    FAILED,
    "not while backups are neither scheduled nor promised",
    {900: ""},
    **{**FAILING, "rpo": None},
    **CODE,
    enabled=0,
)
case(FAILED, "also of backups by other means", {330: W}, **FAILING, **CODE, enabled=0)
case(
    FAILED,
    "a change of the policy begins anew",
    {330: W, 400: W, 420: "", 600: ""},
    updated={0: -DAY, 400: 395},
    **FAILING,
    **CODE,
)
shown, facts = blind(100, 500)
case(FAILED, "not by the clock alone", {495: "", 500: W}, shown, instance(**facts, **FAILING, **CODE))
case(
    FAILED,
    "lost scrapes do not begin it anew",
    {325: "", 330: W, 345: W},
    **FAILING,
    **CODE,
    lost=[(200, 205), (335, 345)],
)
shown, facts = blind(70)
case(
    FAILED,
    "a replica that has lost its key is not believed, even where it is heard alone",
    {400: "", 405: "", 600: ""},
    replicas={"a": (project(), instance(rpo=DAY, success=0)), "b": (shown, instance(**facts, **FAILING, **CODE))},
    lost={"a": [(400, 405)]},
)
case(
    FAILED,
    "a replica that has lost its key hides nothing",
    {325: "", 330: W, 400: W},
    replicas={
        "a": (project(), instance(**FAILING, **CODE)),
        "b": (project(up={0: 1, 50: 0}), instance(rpo=DAY, success=0, polled={0: NOW, 50: 50})),
    },
)
case(
    BUSY,
    "four and a half hours after the first time, until an attempt succeeds",
    {325: "", 330: W, 490: W, 510: W, 520: ""},
    **{**FAILING, "success": {0: 0, 500: 500}, "attempt_success": {0: 1, 65: 0, 500: 1}},
    code={"dcs.08.0008": {0: None, 65: 1}},
    says="Backups of cache (i, project p) have not been made since 1970-01-01 01:00:00 +0000 UTC, because the instance is "
    "busy (dcs.08.0008).",
)
case(BUSY, "not for another reason", {600: ""}, **FAILING, **CODE)
for alert, course in ((FAILED, {325: "", 330: W}), (BUSY, {325: "", 330: "", 400: ""})):
    case(
        alert,
        "not by the codes of others",
        course,
        project(),
        project("q"),
        instance(**FAILING, **CODE),
        instance(instance_id="j", code={"dcs.08.0008": 1}),
        instance("q", code={"dcs.08.0008": 1}),
    )
case(
    BUSY,
    "the newest failure's code counts",
    {330: W, 400: W, 420: ""},
    **FAILING,
    code={"dcs.08.0008": {0: None, 65: 1, 400: None}, "dcs.08.0002": {0: None, 400: 1}},
)
case(
    BUSY,
    "an exporter that is away ends nothing",
    {330: W, 500: W},
    lost=[(340, 600)],
    **FAILING,
    code={"dcs.08.0008": {0: None, 65: 1}},
)
case(
    BUSY,
    "busy once, and mended",
    {600: ""},
    code={"dcs.08.0008": {0: None, 65: 1}},
    **{**FAILING, "attempt_success": {0: 1, 65: 0, 245: 1}, "success": {0: 0, 245: 240}},
)

DISABLED = "DcsBackupPolicyDisabled"
OFF = {"enabled": {0: 1, 60: 0, 300: 1}, "rpo": {0: 120, 60: None, 300: 120}}
case(
    DISABLED,
    "an hour after it was switched off, until it is on again",
    {60: "", 115: "", 120: W, 295: W, 310: W, 320: ""},
    **OFF,
    says="Nothing backs up cache (i, project p): its policy schedules nothing, and no RPO is configured that would watch "
    "backups by other means.",
)
case(DISABLED, "not where an RPO is configured", {600: ""}, enabled=0)
case(DISABLED, "not of what cannot be backed up", {600: ""}, enabled=0, rpo=None, supported=0)
case(DISABLED, "not where it is on", {600: ""})
case(DISABLED, "lost scrapes do not begin it anew", {115: "", 120: W, 200: W}, **OFF, lost=[(90, 95), (150, 170)])
shown, facts = blind(50)
case(
    DISABLED,
    "a replica that has lost its key is not believed",
    {600: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts, enabled=0, rpo=None))},
)

STUCK = "DcsBackupStuck"
RUNNING = {"oldest_in_progress": {0: None, 60: 60, 400: None}}
case(
    STUCK,
    "three hours after it was requested, until it is gone",
    {240: "", 255: "", 260: W, 395: W, 410: W, 420: ""},
    **RUNNING,
    says="A backup of cache (i, project p) has been waiting or running for 5h 35m 0s.",
)
case(
    STUCK,
    "three times the duration of the last one, where that is longer",
    {330: "", 375: "", 380: W},
    duration=100,
    **RUNNING,
)
case(STUCK, "three hours where the last one was short", {255: "", 260: W}, duration=10, **RUNNING)
case(STUCK, "one that begins late", {485: "", 495: "", 500: W}, oldest_in_progress={0: None, 300: 300})
case(STUCK, "not what ends in time", {600: ""}, oldest_in_progress={0: None, 60: 60, 240: None})
shown, facts = blind(100)
case(STUCK, "not by the clock alone", {600: ""}, shown, instance(**facts, **RUNNING))
case(
    STUCK,
    "a replica that has lost its key is not believed",
    {300: "", 600: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts, oldest_in_progress=-600))},
    lost={"a": [(300, 305)]},
)
case(STUCK, "lost scrapes do not begin it anew", {255: "", 260: W, 300: W}, **RUNNING, lost=[(250, 255), (285, 305)])

SIZE = "DcsBackupSizeAnomaly"
GIB, MIB = 2**30, 2**20
WEEK = 7 * DAY
case(
    SIZE,
    "less than half of the usual, until the size is back",
    {DAY + 300: "", DAY + 325: "", DAY + 330: W, 2 * DAY: W, 2 * DAY + 10: W, 2 * DAY + 20: ""},
    size={0: GIB, DAY + 300: 0.4 * GIB, 2 * DAY: GIB},
    says="The newest backup of cache (i, project p) has 40% of the usual size.",
)
case(SIZE, "not half of it", {DAY + 300: "", 2 * DAY: ""}, size={0: GIB, DAY: GIB // 2})
case(SIZE, "what is just large enough", {DAY + 300: W}, size={0: 10 * MIB, DAY: MIB})
case(SIZE, "not what is small anyway", {DAY + 300: ""}, size={0: 8 * MIB, DAY: MIB})
case(SIZE, "what is not that small", {DAY + 300: W}, size={0: 12 * MIB, DAY: MIB})
case(
    SIZE,
    "the new size becomes usual when it has been so for most of a week",
    {3 * DAY: W, 12 * DAY: ""},
    size={0: GIB, 2 * DAY: 0.4 * GIB},
)
case(SIZE, "half a week is not most of it", {WEEK: "", WEEK + 3 * DAY: W, WEEK + 4 * DAY: ""}, size={0: GIB, WEEK: 0.4 * GIB})
case(
    SIZE,
    "lost scrapes do not begin it anew",
    {DAY + 25: "", DAY + 30: W, DAY + 100: W},
    size={0: GIB, DAY: 0.4 * GIB},
    lost=[(DAY + 20, DAY + 25), (DAY + 60, DAY + 105)],
)
shown, facts = blind(50)
case(
    SIZE,
    "a replica that has lost its key is not believed",
    {DAY: "", DAY + 5: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts, size=MIB))},
    lost={"a": [(DAY, DAY + 5)]},
)

NOTHING = "DcsBackupNothingRestorable"
GONE = {"restorable": {0: 7, 600: 0, 900: 1}, "oldest_restorable": {0: 0, 600: None}, "slot": 0}
case(
    NOTHING,
    "half an hour after the last one has gone, until there is one",
    {600: "", 625: "", 630: C, 895: C, 910: C, 920: ""},
    **GONE,
    says="There were backups of cache (i, project p), and none is left that could be restored from.",
)
case(NOTHING, "not where one is left", {900: ""}, restorable=1, slot=0)
case(
    NOTHING,
    "not within five hours after a slot",
    {630: "", 885: "", 890: "", 895: C},
    **{**GONE, "slot": {0: 0, 580: 565}},
)
case(NOTHING, "where no slot is known", {625: "", 630: C}, **{**GONE, "slot": None})
case(NOTHING, "not within one RPO of a changed policy", {630: "", 730: "", 735: C}, **GONE, updated={0: -DAY, 600: 585})
case(NOTHING, "where nobody knows when the policy was changed", {625: "", 630: C}, **GONE, updated=None)
case(NOTHING, "not where backups are neither scheduled nor promised", {800: ""}, **GONE, enabled=0, rpo=None)
case(NOTHING, "not of what cannot be backed up", {800: ""}, **GONE, supported=0)
case(NOTHING, "not where there never was one", {800: ""}, **{**GONE, "success": None})
case(NOTHING, "lost scrapes do not begin it anew", {625: "", 630: C, 700: C}, **GONE, lost=[(615, 620), (660, 705)])
shown, facts = blind(50)
case(
    NOTHING,
    "a replica that has lost its key is not believed",
    {600: "", 640: ""},
    replicas={"a": (project(), instance(slot=0)), "b": (shown, instance(**facts, slot=0, restorable=0))},
    lost={"a": [(630, 640)]},
)
case(
    NOTHING,
    "a replica that has lost its key hides nothing",
    {625: "", 630: C},
    replicas={"a": (project(), instance(**GONE)), "b": (shown, instance(**facts, slot=0))},
)

SHORT = "DcsBackupRecoveryWindowShort"
# Backups are kept for a week and made daily: the oldest plus a day is to be half a week old.
WINDOW = {"interval": DAY, "rpo": 29 * HOUR, "retention": WEEK}
LOST = {"oldest_restorable": {0: Clock(WEEK), 600: Clock(2 * DAY), 1200: Clock(6 * DAY)}}
case(
    SHORT,
    "an hour after the old ones have gone, until the window is wide again",
    {600: "", 655: "", 660: W, 1195: W, 1210: W, 1220: ""},
    **WINDOW,
    **LOST,
    says="With one interval added, the oldest backup of cache (i, project p) that could be restored from reaches back 3d 0h "
    "0m 0s, far less than the policy keeps backups.",
)
case(SHORT, "not where it is half of it", {900: ""}, **WINDOW, oldest_restorable=Clock(60 * HOUR))
case(
    SHORT,
    "not before a new instance could fill it",
    {WEEK: "", WEEK + 1690: "", WEEK + 1800: W},
    **{**WINDOW, "created": 0},
    oldest_restorable=Clock(2 * DAY),
)
case(
    SHORT,
    "not before a changed policy could fill it",
    {WEEK: "", WEEK + 1690: "", WEEK + 1800: W},
    **WINDOW,
    updated=0,
    oldest_restorable=Clock(2 * DAY),
)
case(SHORT, "where neither creation nor change is known", {660: W}, **WINDOW, **LOST, created=None, updated=None)
case(
    SHORT,
    "not where backups are kept for a day",
    {900: ""},
    **{**WINDOW, "retention": DAY},
    oldest_restorable=Clock(60),
)
case(
    SHORT,
    "lost scrapes do not begin it anew",
    {655: "", 660: W, 760: W},
    **WINDOW,
    **LOST,
    lost=[(650, 655), (700, 765)],
)
shown, facts = blind(50)
case(
    SHORT,
    "a replica that has lost its key is not believed",
    {600: "", 680: ""},
    replicas={"a": (project(), instance(**WINDOW)), "b": (shown, instance(**facts, **WINDOW, oldest_restorable=0))},
    lost={"a": [(615, 680)]},
)

# For dashboards.
COMPLIANT = "instance_id:dcs_backup_rpo_compliant:bool"
case(COMPLIANT, "within the RPO", {115: 1, 120: 1, 125: 0, 300: 0, 305: 1}, success={0: 0, 305: 300})
case(COMPLIANT, "never backed up", {60: 0}, **NONE)
case(COMPLIANT, "nobody says how old it may be", {60: None}, rpo=None)
CASES.add(
    "project:dcs_backup_rpo_compliance:ratio",
    "the part of the instances that are within their RPO",
    {60: 1, 180: 0.75},
    project(),
    instance(success=0),
    *(instance(instance_id=other) for other in "jkl"),
    labels={"project": "p"},
)
