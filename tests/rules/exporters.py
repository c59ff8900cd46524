"""Unit tests of the alerts about the exporter itself."""

from cases import EXPORTER, Cases
from exporter import DAY, JOB, project, target
from promtool import Case

CASES = Cases(EXPORTER)
case = CASES.add
W, C = "warning", "critical"


def plain(alert, title, at, series, says=None, labels=EXPORTER, without=None):
    CASES.append(Case(alert, title, series, at, labels, says, without))


DOWN = "DcsExporterDown"
case(
    DOWN,
    "five minutes without an answer, until there is one",
    {60: "", 65: C, 195: C, 200: C, 205: ""},
    project(),
    lost=[(60, 200)],
    says="No exporter of job dcs-backup-exporter answers: no alert about DCS backups fires or resolves.",
)
case(DOWN, "not one lost scrape", {60: "", 65: "", 70: ""}, project(), lost=[(60, 65)])
case(
    DOWN,
    "not while one of two answers",
    {200: ""},
    replicas={"a": (project(),), "b": (project(),)},
    lost={"b": [(60, 200)]},
)
plain(DOWN, "also where there is no such target", {0: "", 5: C, 100: C}, [{"series": "other", "values": "1x30"}])
plain(
    DOWN,
    "not because another job is down",
    {100: ""},
    target(end=100) + [{"series": 'up{job="other",instance="o"}', "values": "0x30"}],
)

REPLICA = "DcsExporterReplicaDown"
TWO = {"a": (project(),), "b": (project(),)}
case(
    REPLICA,
    "ten minutes without an answer, for 15, until there is one",
    {60: "", 75: "", 85: W, 195: W, 210: W, 220: ""},
    replicas=TWO,
    lost={"b": [(60, 200)]},
    says="1 exporters of job dcs-backup-exporter have not answered for ten minutes, while others do.",
)
case(
    REPLICA, "not where none answers: that has an alert of its own", {100: "", 200: ""}, replicas=TWO, lost=[(60, 300)]
)
case(
    REPLICA,
    "not where it is a shard: that has an alert of its own",
    {100: "", 200: ""},
    replicas={"a": ([("dcs_exporter_shards", {}, 2)],), "b": ([("dcs_exporter_shards", {}, 2)],)},
    lost={"b": [(60, 300)]},
)
case(
    REPLICA,
    "one of two shards of one",
    {100: W},
    replicas={"a": ([("dcs_exporter_shards", {}, 1)],), "b": (project(),)},
    lost={"b": [(60, 300)]},
)
plain(
    REPLICA,
    "not another target of the job, that never was an exporter",
    {100: ""},
    target(end=100) + [{"series": f'up{{job="{JOB}",instance="o"}}', "values": "0x30"}],
)
case(REPLICA, "not a restart", {85: "", 100: ""}, replicas=TWO, lost={"b": [(60, 70)]})
case(REPLICA, "one that is away for a day", {DAY: W}, replicas=TWO, lost={"b": [(60, 2 * DAY)]})

case(
    REPLICA,
    "not while the number of shards is being changed",
    {100: "", 200: ""},
    replicas={name: ([("dcs_exporter_shards", {}, of)],) for name, of in (("a", 1), ("b", 2), ("c", 2))},
    lost={"b": [(60, 300)]},
)
plain(
    REPLICA,
    "whatever becomes of other jobs",
    {75: "", 85: W, 100: W},
    [
        *target(project(), replica="a", end=100),
        *target(project(), replica="b", end=100, lost=[(60, 200)]),
        # One with a target that is none, one of which none answers, and one of shards.
        *target(project("o"), replica="o", job="other", end=100),
        {"series": 'up{job="other",instance="a"}', "values": "0x30"},
        *target(project("s"), replica="s", job="standby", end=100, lost=[(20, 200)]),
        *target([("dcs_exporter_shards", {}, 2)], replica="t", job="shards", end=100),
    ],
)

SHARDS = "DcsExporterShardsMissing"


def shard(ordinal, of):
    return [("dcs_exporter_shard_ordinal", {}, ordinal), ("dcs_exporter_shards", {}, of)]


case(
    SHARDS,
    "15 minutes after one was last heard, until all are",
    {60: "", 75: "", 85: C, 195: C, 210: C, 220: ""},
    replicas={"a": (shard(0, 2),), "b": (shard(1, 2),)},
    lost={"b": [(60, 200)]},
    says="Only 1 shards of job dcs-backup-exporter are scraped, fewer than they say they are: nobody watches the instances of "
    "the others.",
)
case(SHARDS, "not while all are there", {200: ""}, replicas={"a": (shard(0, 2),), "b": (shard(1, 2),)})
case(
    SHARDS,
    "one that has become another",
    {65: "", 75: "", 80: C},
    replicas={"a": (shard({0: 1, 65: 0}, 2),), "b": (shard(0, 2),)},
)
case(SHARDS, "until there is one only", {60: C, 75: C, 80: ""}, shard(0, {0: 2, 65: 1}))
case(SHARDS, "two replicas of the same shard", {20: C}, replicas={"a": (shard(0, 2),), "b": (shard(0, 2),)})
case(SHARDS, "two replicas without shards", {200: ""}, replicas={"a": (shard(0, 1),), "b": (shard(0, 1),)})
case(
    SHARDS,
    "while the number is being changed, the larger counts",
    {20: C},
    replicas={"a": (shard(0, 3),), "b": (shard(1, 2),)},
)
case(
    SHARDS,
    "lost scrapes change nothing",
    {80: "", 200: ""},
    replicas={"a": (shard(0, 2),), "b": (shard(1, 2),)},
    lost={"b": [(60, 65), (75, 80), (190, 200)]},
)
case(
    SHARDS,
    "lost scrapes of the others do not begin it anew",
    {75: "", 85: C},
    replicas={"a": (shard(0, 2),), "b": (shard(1, 2),)},
    lost={"a": [(75, 80)], "b": [(60, 200)]},
)

RELOAD = "DcsExporterReloadFailed"
LOADED = "dcs_exporter_config_last_reload_successful"
case(
    RELOAD,
    "five minutes after, until one succeeds",
    {60: "", 65: W, 195: W, 210: W, 220: ""},
    [(LOADED, {}, {0: 1, 60: 0, 200: 1})],
    says="An exporter of job dcs-backup-exporter goes on with its old configuration, because the new one has errors; its log "
    "names them.",
)
case(RELOAD, "not where it succeeded", {200: ""}, [(LOADED, {}, 1)])
case(RELOAD, "that of one replica", {65: W}, replicas={"a": ([(LOADED, {}, 1)],), "b": ([(LOADED, {}, 0)],)})
case(
    RELOAD,
    "lost scrapes do not begin it anew",
    {60: "", 65: W, 90: W},
    [(LOADED, {}, {0: 1, 60: 0})],
    lost=[(65, 75), (80, 90)],
)

STORAGE = "DcsExporterStorageFailing"
WRITES = "dcs_exporter_storage_write_failures_total"
case(
    STORAGE,
    "half an hour of failures",
    {60: "", 85: "", 90: W, 200: W, 220: W, 240: ""},
    [(WRITES, {}, {minute: min(max(0, minute - 55), 145) for minute in range(0, 300, 5)})],
    says="An exporter of job dcs-backup-exporter cannot write its facts: after a restart it will know nothing before it has "
    "asked.",
)
case(STORAGE, "one each ten minutes", {95: W}, [(WRITES, {}, {m: m // 10 for m in range(0, 300, 5)})])
case(STORAGE, "not one that passes", {100: "", 120: ""}, [(WRITES, {}, {0: 0, 60: 1})])
case(
    STORAGE,
    "those of one replica",
    {95: W},
    replicas={"a": ([(WRITES, {}, 0)],), "b": ([(WRITES, {}, {m: m for m in range(0, 300, 5)})],)},
)

plain(
    "DcsWatchdog",
    "always",
    {0: "none", 300: "none"},
    [{"series": "other", "values": "1x30"}],
    labels={},
    says="If it does not arrive, Prometheus or Alertmanager does not work: let a dead man's switch watch it.",
)

MISSING = "DcsRecordingRulesMissing"
plain(
    MISSING,
    "ten minutes without the recorded thresholds",
    {5: "", 10: "critical", 100: "critical"},
    [{"series": "other", "values": "1x30"}],
    labels={},
    says="dcs-backup.rules.yml is not loaded or not evaluated: no alert about DCS backups can fire.",
    without="dcs_threshold:backup_stale_ratio:warning",
)
plain(MISSING, "not while they are there", {100: ""}, [{"series": "other", "values": "1x30"}])
