"""Unit tests of the alerts about the data: whether anybody can look, and whether what is seen is to be believed."""

from backups import blind
from cases import INSTANCE, PROJECT, Cases
from exporter import DAY, HOUR, instance, project
from series import NOW, Clock

CASES = Cases(PROJECT)
INSTANCES = Cases(INSTANCE)
case = CASES.add
W, C = "warning", "critical"

FAILURES = "dcs_exporter_poll_failures_total"


def failures(reason, points, operation="backups", name="p"):
    """A counter of failed polls."""
    return [(FAILURES, {"project": name, "operation": operation, "reason": reason}, points)]


def each(begin, end, every, count_from=0):
    """A counter that goes up by one now and then."""
    points = {0: count_from}
    for number, minute in enumerate(range(begin, end, every), count_from + 1):
        points[minute] = number
    return points


STALE = "DcsProjectDataStale"
shown, facts = blind(60, 400)
case(
    STALE,
    "45 minutes after the last answer, for 15, until the next",
    {105: "", 120: "", 125: C, 395: C, 410: C, 420: ""},
    shown,
    instance(**facts),
    says="The backups of no instance of project p could be asked for. Until they can, no alert about them fires or resolves.",
)
shown, facts = blind(60)
case(
    STALE,
    "not while a single instance answers",
    {600: ""},
    project(),
    instance(**facts) + instance(instance_id="other"),
)
case(
    STALE,
    "three stretched intervals are longer",
    {150: "", 255: "", 260: C},
    project(up={0: 1, 60: 0}, interval=60),
    instance(**facts),
)
case(
    STALE,
    "not while another replica is answered, though its scrapes are lost",
    {300: "", 600: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts))},
    lost={"a": [(295, 300), (595, 600)]},
)
case(
    STALE,
    "lost scrapes do not begin it anew",
    {120: "", 125: C, 140: C},
    shown,
    instance(**facts),
    lost=[(110, 120), (130, 140)],
)
case(
    STALE,
    "a restart without memory does not end it",
    {125: C, 300: C, 600: C},
    shown,
    instance(**{**facts, "polled": {0: NOW, 60: 60, 200: None}}),
)
case(
    STALE,
    "an exporter that was never answered",
    {10: "", 15: C, 100: C},
    project(up=0, listed=None, instances=None, missing=None),
)
case(
    STALE,
    "an exporter that was never told of any backup",
    {10: "", 15: C, 100: C},
    project(),
    instance(polled=None, polls=0) + instance(instance_id="other", polled=None, polls=0),
    project("q"),
    instance("q"),
    lost=[(5, 15)],
)
case(STALE, "not before anything was asked", {100: ""}, project(up=None, listed=None, instances=None, missing=None))
shown, facts = blind(60)
case(
    STALE,
    "45 minutes, however often it is asked",
    {120: "", 125: C},
    project(up={0: 1, 60: 0}, interval=5),
    instance(**facts),
)
case(
    STALE,
    "not where the listing has become empty: that has an alert of its own",
    {125: "", 150: "", 180: ""},
    project(),
    instance(polled={0: NOW, 60: 60}, shown={0: 1, 70: None}),
)
case(
    STALE,
    "not before anything was asked after a restart with memory",
    {100: ""},
    project(up=None),
    instance(polled=-60),
    project("q"),
    instance("q"),
)
case(STALE, "not of a project without instances", {100: ""}, project(instances=0))
case(
    STALE,
    "not before anything but policies was asked",
    {100: ""},
    project(),
    [("dcs_poll_success", {"project": "p", "instance_id": "i", "instance_name": "cache", "operation": "policy"}, 1)],
)
case(
    STALE,
    "not of a project without instances while one of two replicas is answered",
    {100: ""},
    replicas={"a": (project(instances=0),), "b": (project(up=0, instances=0),)},
)
case(
    STALE,
    "a project without instances, at once, whatever goes on in another and though scrapes are lost",
    {70: "", 75: C},
    project(up={0: 1, 60: 0}, instances=0),
    project("q"),
    instance("q"),
    lost=[(65, 75)],
)
case(STALE, "not while no exporter is heard", {125: "", 400: ""}, lost=[(60, 500)])
case(
    STALE,
    "a project that is not watched any more",
    {125: C, 155: C, 180: ""},
    project(up={0: 1, 60: 0, 150: None}),
    instance(**facts, shown={0: 1, 150: None}),
    project("q"),
    instance("q"),
)
case(
    STALE,
    "not where the credentials are refused: that has an alert of its own",
    {125: "", 300: ""},
    shown,
    instance(**facts),
    failures("unauthorized", each(60, 600, 60)),
    project("q"),
    instance("q"),
)
case(
    STALE,
    "though the credentials of another project are refused",
    {120: "", 125: C, 300: C},
    shown,
    instance(**facts),
    project("q", up={0: 1, 60: 0}),
    instance("q", **facts),
    failures("unauthorized", each(60, 600, 60), name="q"),
)
case(
    STALE,
    "not where the credentials are refused after an instance could not be read",
    {80: "", 85: "", 300: ""},
    project(up={0: 1, 80: 0}),
    instance(polled={0: NOW, 20: 20}),
    failures("unauthorized", each(80, 600, 60)),
)
case(
    STALE,
    "also where those of one replica are refused",
    {125: C, 300: C},
    replicas={
        "a": (project(), instance(polled={0: NOW, 60: 60})),
        "b": (shown, instance(**facts), failures("unauthorized", each(60, 600, 60))),
    },
    lost={"a": [(110, 120)]},
)

BLIND = "DcsInstanceDataStale"
blind_one = INSTANCES.add
NOT_READ = {"polled": {0: NOW, 60: 60, 400: NOW}, "polls": {0: 1, 60: 0, 400: 1}}
OTHER = instance(instance_id="other")
blind_one(
    BLIND,
    "45 minutes behind the others, for an hour, until its next answer",
    {110: "", 165: "", 170: W, 395: W, 410: W, 420: ""},
    project(),
    instance(**NOT_READ) + OTHER,
    project("q", interval=5),
    instance("q"),
    says="What is known of cache (i, project p) is old, while others of its project are read. It may be that its permissions "
    "differ, or that it is gone and still configured.",
)
blind_one(BLIND, "not while all are read", {600: ""}, project(), instance() + OTHER)
blind_one(
    BLIND,
    "three stretched intervals are longer",
    {200: "", 300: "", 305: W},
    project(interval=60),
    instance(**NOT_READ) + OTHER,
)
blind_one(
    BLIND,
    "one that could never be read",
    {10: "", 55: "", 60: W, 300: W},
    project(),
    instance(polled=None, polls=0) + OTHER,
)
shown, facts = blind(60, 400)
blind_one(
    BLIND, "not all of a project", {300: "", 600: ""}, shown, instance(**facts) + instance(instance_id="other", **facts)
)
blind_one(
    BLIND,
    "not all of a project that was never read: that has an alert of its own",
    {300: ""},
    project(),
    instance(polled=None, polls=0) + instance(instance_id="other", polled=None, polls=0),
    project("q"),
    instance("q"),
)
blind_one(
    BLIND,
    "in the hour after an outage each has its turn",
    {400: "", 445: "", 480: ""},
    shown,
    instance(polled={0: NOW, 60: 60, 450: NOW}) + instance(instance_id="other", **facts),
)
shown, facts = blind(200, 500)
blind_one(
    BLIND,
    "an outage of the project does not end it",
    {170: W, 400: W, 505: W, 600: W},
    shown,
    instance(polled={0: NOW, 60: 60}) + instance(instance_id="other", **facts),
)
blind_one(
    BLIND,
    "one whose restores cannot be read",
    {HOUR: "", 595: "", 600: W},
    project(),
    instance(polled={"restores": {0: NOW, 60: 60}}, polls={"restores": {0: 1, 60: 0}}) + OTHER,
    instance(instance_id="slower", polled=Clock(40)),
    project("q"),
    instance("q"),
)
blind_one(
    BLIND,
    "of backups, stretched intervals may be longer than eight hours",
    {700: "", 835: "", 845: W},
    project(interval=4 * HOUR),
    instance(polled={"backups": {0: NOW, 60: 60}}, polls={"backups": {0: 1, 60: 0}}) + OTHER,
)
blind_one(
    BLIND,
    "one whose restores could never be read",
    {55: "", 60: W},
    project(),
    instance(polled={"restores": None}, polls={"restores": 0}) + OTHER,
)
blind_one(BLIND, "policies are read rarely", {900: ""}, project(), instance(polled={"policy": 0}) + OTHER)
blind_one(
    BLIND,
    "not one that is gone",
    {170: "", 300: ""},
    project(),
    instance(polled={0: NOW, 60: 60}, shown={0: 1, 80: None}) + OTHER,
)
blind_one(
    BLIND,
    "lost scrapes do not begin it anew",
    {165: "", 170: W, 180: W, 200: W},
    project(),
    instance(**NOT_READ) + OTHER,
    lost=[(125, 130), (145, 155), (175, 180), (190, 200)],
)
blind_one(
    BLIND,
    "of restores, lost scrapes do not begin it anew",
    {595: "", 600: W, 605: W, 640: W},
    project(),
    instance(polled={"restores": {0: NOW, 60: 60}}, polls={"restores": {0: 1, 60: 0}}) + OTHER,
    lost=[(560, 570), (605, 615), (630, 640)],
)
blind_one(
    BLIND,
    "a rename does not begin it anew",
    {165: "", 170: W, 180: W},
    project(),
    instance(**NOT_READ, name={0: "cache", 130: "renamed"}) + OTHER,
)
blind_one(
    BLIND,
    "an exporter that is away does not end it",
    {170: W, 300: W},
    project(),
    instance(**NOT_READ) + OTHER,
    lost=[(200, 310)],
)
blind_one(
    BLIND,
    "not while another replica reads it",
    {300: "", 600: ""},
    replicas={"a": (project(), instance() + OTHER), "b": (project(), instance(**NOT_READ) + OTHER)},
    lost={"a": [(295, 300)]},
)
# The other replica has not tried the restores.
blind_one(
    BLIND,
    "not where another replica reads its restores",
    {300: "", 700: ""},
    replicas={
        "a": (project(), instance() + OTHER),
        "b": (project(), instance(polled={"restores": {0: NOW, 60: 60}}, polls={"restores": {0: 1, 60: 0}}) + OTHER),
    },
)

KEY = "DcsCredentialsFailing"
shown, facts = blind(60, 400)
REFUSED = failures("unauthorized", each(60, 400, 70))
case(
    KEY,
    "15 minutes after the first refusal, until an answer",
    {60: "", 70: "", 75: C, 200: C, 395: C, 410: C, 420: ""},
    shown,
    instance(**facts),
    REFUSED,
    project("q"),
    instance("q"),
    says="The cloud refuses the credentials of project p. Nothing about its backups is known until they are changed.",
)
case(
    KEY,
    "those of one of two replicas",
    {70: "", 75: W, 200: W, 410: W, 420: ""},
    replicas={"a": (project(), instance()), "b": (shown, instance(**facts), REFUSED)},
    lost={"a": [(65, 75), (200, 205)]},
    says="The cloud refuses the credentials that one of the replicas has for project p; another one still watches it.",
)
case(
    KEY,
    "those of both replicas, one after the other",
    {75: W, 210: W, 215: C, 300: C},
    replicas={
        "a": (
            project(up={0: 1, 200: 0}),
            instance(polled={0: NOW, 200: 200}),
            failures("unauthorized", each(200, 400, 50)),
        ),
        "b": (shown, instance(**facts), REFUSED),
    },
)
case(
    KEY,
    "not where it is not answered at all",
    {100: "", 300: ""},
    shown,
    instance(**facts),
    REFUSED,
    failures("connection", each(0, 500, 5)),
)
case(
    KEY,
    "nor by a service that is away or too slow",
    {100: "", 300: ""},
    shown,
    instance(**facts),
    REFUSED,
    failures("timeout", each(0, 500, 10)),
    failures("unavailable", each(5, 500, 10)),
)
case(
    KEY,
    "not a single refusal",
    {100: "", 200: ""},
    project(up={0: 1, 60: 0, 65: 1}),
    instance(),
    failures("unauthorized", {0: 0, 60: 1}),
)
case(
    KEY,
    "not where something else fails",
    {100: "", 200: ""},
    shown,
    instance(**facts),
    failures("throttled", each(60, 400, 10)),
)
case(
    KEY,
    "lost scrapes do not begin it anew",
    {70: "", 75: C, 100: C},
    shown,
    instance(**facts),
    REFUSED,
    lost=[(65, 70), (85, 100)],
)
case(
    KEY,
    "of refusals of all operations together",
    {70: "", 75: C},
    shown,
    instance(**facts),
    failures("unauthorized", 0),
    failures("unauthorized", each(60, 400, 70), operation="instances"),
)

EXPIRING = "DcsCredentialsExpiring"
EXPIRY = "dcs_exporter_credentials_expiry_timestamp_seconds"
SESSION = {EXPIRY: {0: 100 * 60, 200: 1000 * 60}}
case(
    EXPIRING,
    "15 minutes before the end, until they are renewed",
    {85: "", 90: "", 95: W, 195: W, 210: W, 220: ""},
    project(**SESSION),
    says="The credentials of project p expire in -1h 35m 0s and have not been renewed.",
)
case(EXPIRING, "not those that are renewed in time", {85: "", 100: ""}, project(**{EXPIRY: Clock(-20)}))
case(EXPIRING, "not those that do not expire", {100: ""}, project())
case(EXPIRING, "not in an outage", {95: "", 150: ""}, project(up={0: 1, 60: 0}, **SESSION), project("q"))
case(EXPIRING, "not in the minutes after an outage", {100: "", 115: W}, project(up={0: 0, 90: 1}, **SESSION))
case(
    EXPIRING,
    "those of one replica",
    {95: W, 130: W},
    replicas={"a": (project(up=0, **{EXPIRY: Clock(-60)}),), "b": (project(**SESSION),)},
)
case(
    EXPIRING,
    "a shorter session counts at once",
    {90: "", 95: W},
    project(**{EXPIRY: {0: 1000 * 60, 80: 100 * 60}}),
)
case(EXPIRING, "lost scrapes do not begin it anew", {90: "", 95: W}, project(**SESSION), lost=[(85, 95)])
case(EXPIRING, "lost scrapes do not end it", {90: "", 95: W, 130: W}, project(**SESSION), lost=[(100, 110), (125, 130)])

THROTTLED, REQUESTS = "dcs_exporter_throttled_total", "dcs_exporter_api_requests_total"


def requests(every, throttled):
    """Counters of requests, so many each five minutes, and of those that were throttled."""
    labels = {"project": "p"}
    steps = range(0, 601, 5)
    return [
        (
            REQUESTS,
            {**labels, "operation": "backups", "code": "200"},
            {minute: every * minute // 5 for minute in steps},
        ),
        (REQUESTS, {**labels, "operation": "backups", "code": "429"}, {minute: throttled(minute) for minute in steps}),
        (THROTTLED, labels, {minute: throttled(minute) for minute in steps}),
    ]


case(
    "DcsApiThrottled",
    "more than one of twenty requests in half an hour, for 15 minutes",
    {60: "", 85: "", 100: W, 300: W},
    project(),
    requests(100, lambda minute: 2 * min(max(minute - 60, 0), 240)),
    says="9.091% of the requests of project p are refused because the cloud is asked too often.",
)
case(
    "DcsApiThrottled",
    "until half an hour after it has become rare",
    {300: W, 330: W, 350: ""},
    project(),
    requests(100, lambda minute: 2 * min(max(minute - 60, 0), 240)),
)
case("DcsApiThrottled", "not a few", {300: ""}, project(), requests(100, lambda minute: 4 * minute // 5))
case(
    "DcsApiThrottled",
    "of both replicas together",
    {300: ""},
    replicas={
        "a": (project(), requests(100, lambda minute: 6 * minute // 5)),
        "b": (project(), requests(100, lambda minute: 0)),
    },
)
case("DcsApiThrottled", "not one of twenty", {300: ""}, project(), requests(95, lambda minute: minute))
case(
    "DcsApiThrottled",
    "those of both replicas together",
    {300: W},
    replicas={
        "a": (project(), requests(100, lambda minute: 8 * minute // 5)),
        "b": (project(), requests(100, lambda minute: 8 * minute // 5)),
    },
)
case("DcsApiThrottled", "not where nothing is asked", {300: ""}, project(), requests(0, lambda minute: 0))
case(
    "DcsApiThrottled",
    "not a burst of ten minutes",
    {70: "", 85: "", 95: "", 105: "", 120: ""},
    project(),
    requests(100, lambda minute: 0 if minute < 60 else 6),
)

LAG = "dcs_exporter_poll_lag_seconds"
case(
    "DcsPollBudgetTooSmall",
    "more than 15 minutes late for half an hour and one more, until it is in time again",
    {60: "", 140: "", 150: W, 395: W, 410: W, 420: ""},
    project(**{LAG: {0: 0, 60: 1000, 400: 10}}),
    says="The most overdue poll of project p is 16m 40s late: its limits are too low for its instances.",
)
case("DcsPollBudgetTooSmall", "not 15 minutes", {400: ""}, project(**{LAG: 900}))
case(
    "DcsPollBudgetTooSmall",
    "not in an outage, nor in the half hour after",
    {200: "", 280: "", 290: W},
    project(up={0: 1, 5: 0, 200: 1}, **{LAG: 1000}),
    project("q"),
)
case(
    "DcsPollBudgetTooSmall",
    "not where it is in time now and then",
    {400: ""},
    project(**{LAG: {minute: 1000 if minute % 25 else 0 for minute in range(0, 401, 5)}}),
)
case(
    "DcsPollBudgetTooSmall",
    "that of one replica",
    {200: W},
    replicas={"a": (project(up=0, **{LAG: 0}),), "b": (project(**{LAG: 1000}),)},
)
case(
    "DcsPollBudgetTooSmall",
    "lost scrapes do not begin it anew",
    {55: "", 60: W, 130: W},
    project(**{LAG: 1000}),
    lost=[(40, 45), (110, 130)],
)

SKEW = "dcs_exporter_clock_skew_seconds"
for ahead in (90, -90):
    case(
        "DcsClockSkew",
        f"{ahead} seconds for 15 minutes",
        {60: "", 70: "", 75: W, 200: W, 210: W, 220: ""},
        project(**{SKEW: {0: 1, 60: ahead, 200: 2}}),
        says="The clocks of an exporter and of the cloud of project p are 1m 30s apart. From 15 minutes on, the cloud refuses "
        "to answer.",
    )
case("DcsClockSkew", "not a minute", {200: ""}, project(**{SKEW: -60}))
case(
    "DcsClockSkew",
    "that of one replica",
    {200: W},
    replicas={"a": (project(**{SKEW: 0}),), "b": (project(**{SKEW: 90}),)},
)
case(
    "DcsClockSkew",
    "lost scrapes do not begin it anew",
    {70: "", 75: W, 120: W},
    project(**{SKEW: {0: 0, 60: 90}}),
    lost=[(65, 75), (105, 120)],
)

LEFT = "DcsInstancesDisappeared"
case(
    LEFT,
    "more than half of them, while the exporter does not believe it and after",
    {60: "", 70: "", 75: W, 400: W, 600: W, 610: W, 620: ""},
    project(instances={0: 20, 120: 9, 600: 19}, missing={0: 0, 60: 11, 120: 0}),
    says="Only 9 instances of project p are listed, less than half of what there were this week.",
)
case(
    LEFT,
    "all of them, until they are back",
    {60: "", 70: "", 80: C, 400: C, 3 * DAY: C, 3 * DAY + 20: ""},
    project(instances={0: 20, 120: 0, 3 * DAY: 20}, missing={0: 0, 60: 20, 120: 0}),
    says="The listing of project p is empty. If nobody deleted the instances, a permission was lost, and no other alert tells "
    "of their backups.",
)
case(LEFT, "the only one", {70: "", 75: C}, project(instances={0: 1, 60: 0}))
case(LEFT, "all but one", {70: "", 75: W}, project(instances={0: 20, 60: 1}))
case(
    LEFT,
    "a smaller fleet stays one while nothing is listed",
    {75: W, 200 + 20 * HOUR: W},
    project(instances={0: 20, 60: 8, 200: None}, listed={0: NOW, 200: None}),
)
case(LEFT, "not a half", {400: ""}, project(instances={0: 20, 60: 10}))
case(LEFT, "not those that were configured by hand and never listed", {400: ""}, project(instances=20, missing=15))
case(LEFT, "not of a project that never had any", {400: ""}, project(instances=0))
case(
    LEFT,
    "a fleet that is small now is usual after a week",
    {60: "", 100: W, 6 * DAY: W, 7 * DAY + 100: ""},
    project(instances={0: 20, 60: 8}),
)
case(
    LEFT,
    "the replica that listed last is believed",
    {75: C, 300: C, 600: C},
    replicas={
        "a": (project(instances={0: 20, 60: 0}),),
        "b": (project(up={0: 1, 50: 0}, listed={0: NOW, 50: 50}, instances=20),),
    },
    lost={"a": [(295, 300), (590, 600)]},
)
case(
    LEFT,
    "an exporter that is away, or cannot list after a restart, does not end it",
    {75: C, 300: C, DAY: C},
    project(instances={0: 20, 60: 0, 200: None}, listed={0: NOW, 200: None}),
    lost=[(500, 600)],
)
case(
    LEFT,
    "lost scrapes do not begin it anew",
    {70: "", 75: C, 200: C},
    project(instances={0: 20, 60: 0}),
    lost=[(65, 70), (190, 200)],
)

REJECTED = "dcs_exporter_records_rejected_total"


def rejected(points, field="size"):
    return [(REJECTED, {"project": "p", "operation": "backups", "field": field}, points)]


case(
    "DcsRecordsRejected",
    "at once, also by a counter that is born at 1, for two hours and one more",
    {55: "", 60: W, 175: W, 230: W, 250: ""},
    project(),
    rejected({0: None, 60: 1}),
    says="Records of project p or fields of them could not be read: what is told of their instances may be incomplete.",
)
case("DcsRecordsRejected", "one more", {295: "", 300: W, 470: W, 490: ""}, project(), rejected({0: 1, 300: 2}))
case(
    "DcsRecordsRejected",
    "not what was rejected long ago, though a scrape was lost",
    {250: "", 395: "", 400: "", 405: ""},
    project(),
    rejected(3),
    lost=[(230, 285)],
)
case(
    "DcsRecordsRejected",
    "of several fields and operations together",
    {65: W},
    project(),
    rejected({0: None, 60: 1}),
    rejected({0: None, 60: 1}, "status"),
)
