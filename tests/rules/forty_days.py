"""Forty days of the alerts: the exporter lives through `forty_days/events.json` in virtual time, Prometheus' own engine
evaluates the shipped rules on what it shows, and an oracle that knows what was true judges each alert.

`forty_days.py PROGRAM REPLICA…` judges the alerts of these replicas together; exit code 1 where one was wrong.
"""

import bisect
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import promtool

STEP = 15
EVENTS = pathlib.Path(__file__).resolve().parent / "forty_days/events.json"
# The instances are judged in so many parts, and promtool runs so many at a time: it is as fast as one processor.
PARTS = AT_ONCE = 2
# Minutes after which a machine is not slow but something hangs.
PATIENCE = 40
GRACE = 5
RETENTION = 7 * 24
UNMENDED, MISSED, STUCK = 4.5, 5, 3


# ---- what the exporter shows ----


def families(rules):
    """Names of the exporter's series that the rules look at."""
    text = " ".join(rule["expr"] for rule in rules)
    return sorted(set(re.findall(r"(?<![:\w])dcs_[a-z_]+(?![:\w])", text)) - {"dcs_threshold"})


class Shown:
    """Changes of all series of one replica."""

    def __init__(self, program, replica, wanted):
        command = [program, str(EVENTS), replica, str(STEP), *wanted]
        output = subprocess.run(command, capture_output=True, text=True, timeout=60 * PATIENCE, check=True).stdout
        self.replica, self.steps, self.scraped = replica, 0, []
        names, self.changes = {}, collections.defaultdict(list)
        for line in output.splitlines():
            if line[0] == "@":
                self.scraped.append(line.endswith("1"))
            elif line[0] == "=":
                number, name = line[1:].split(" ", 1)
                names[number] = name
            elif line[0] == "!":
                self.truth = json.loads(line[1:])
            else:
                number, value = line.split(" ", 1)
                self.changes[names[number]].append((len(self.scraped) - 1, value))

    def series(self, is_wanted):
        """As promtool wants them."""
        labels = f'job="dcs-backup-exporter",instance="{self.replica}"'
        found = [{"series": f"up{{{labels}}}", "values": " ".join("1" if scraped else "0" for scraped in self.scraped)}]
        for name, changes in self.changes.items():
            if not is_wanted(name):
                continue
            begin, values = 0, []
            if changes[0][0] > 0:
                values.append(f"_x{changes[0][0]}")
            for index, (step, value) in enumerate(changes):
                until = changes[index + 1][0] if index + 1 < len(changes) else len(self.scraped)
                length = until - step
                if value == "-":
                    values.append("stale" if length == 1 else f"stale _x{length - 1}")
                else:
                    values.append(value if length == 1 else f"{value}+0x{length - 1}")
            bare, _, own = name.partition("{")
            found.append({"series": f"{bare}{{{labels}{',' + own if own else '}'}", "values": " ".join(values)})
        return found


# ---- what Prometheus makes of it ----


def judgeable(rules):
    """The rules that decide when an alert fires, without the words that it says: these have unit tests, and would be made
    at every step."""
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for rule in rules]
    for rule in bare:
        # The evaluation before stands at the very beginning of this range: there Prometheus 3 does not look.
        rule["expr"] = rule["expr"].replace(f"[{STEP}m]", f"[{STEP}m1s]")
    alerts = {promtool.name_of(rule) for rule in bare if "alert" in rule}
    used = {promtool.name_of(rule) for alert in alerts for rule in promtool.needed(bare, alert)}
    return [rule for rule in bare if promtool.name_of(rule) in used]


def fired(shown, rules, part):
    """For each alert that ever fired, by its labels, the steps at which it did; and what promtool said of errors."""
    rules = judgeable(rules)
    read = set(families(rules))

    def is_wanted(name):
        if name.partition("{")[0] not in read:
            return False
        match = re.search(r'instance_id="(\d+)-', name)
        return match is None or int(match[1]) % PARTS == part

    steps = len(shown[0].scraped)
    expression = 'ALERTS{alertstate="firing",alertname!="DcsWatchdog"}'
    body = {
        "rule_files": ["rules.json"],
        "evaluation_interval": f"{STEP}m",
        "tests": [
            {
                "interval": f"{STEP}m",
                "input_series": [series for replica in shown for series in replica.series(is_wanted)],
                # Nothing is expected: so promtool tells all that there is.
                "promql_expr_test": [
                    {"expr": expression, "eval_time": f"{step * STEP}m", "exp_samples": []} for step in range(steps)
                ],
            }
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "rules.json").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
        pathlib.Path(folder, "tests.json").write_text(json.dumps(body))
        result = subprocess.run(
            [shutil.which("promtool"), "test", "rules", "tests.json"],
            cwd=folder,
            # Its memory is small, and collecting garbage as usual would be a fifth of its time.
            env={**os.environ, "GOGC": "800"},
            capture_output=True,
            text=True,
            timeout=60 * PATIENCE,
            check=False,
        )
    firing, odd, minute = collections.defaultdict(list), [], None
    for line in (result.stdout + result.stderr).splitlines():
        if match := re.search(r"time: ([0-9wdhms]+),", line):
            minute = minutes(match[1])
        if line.strip().startswith("got:"):
            for labels in re.findall(r"\{(.*?)\} 1E\+00", line):
                pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
                firing[key_of(pairs)].append(minute // STEP)
        elif "err" in line and "expr:" not in line:
            odd.append(line.strip())
    if minute is None:
        odd.append((result.stdout + result.stderr)[-2000:])
    return firing, odd


def minutes(text):
    return sum(
        int(count) * {"w": 10080, "d": 1440, "h": 60, "m": 1}[unit]
        for count, unit in re.findall(r"(\d+)([wdhm])(?!s)", text)
    )


def key_of(labels):
    return labels["alertname"], labels.get("severity", ""), labels.get("project", ""), labels.get("instance_id", "")


# ---- what ought to be ----


def within(spans, hour):
    return next((span for span in spans if span[0] <= hour < span[1]), None)


class Instance:
    """One instance, by the events and by what they led to."""

    def __init__(self, about, truth, project):
        self.about, self.project = about, project
        self.created, self.deleted = about.get("created", -1000), about.get("deleted", 1e9)
        self.quirks = about.get("quirks", [])
        self.backups = truth["backups"]
        self.restores = truth["restores"]
        self.slots = truth["slots"]
        days = sorted(about.get("days", range(1, 8)))
        self.interval = 24 * max((later - day) % 7 or 7 for day, later in zip(days, days[1:] + days[:1], strict=True))
        self.blind = [*project["outages"], *project["refused"], *about.get("unreadable", [])]
        self.ended = sorted(
            (backup for backup in self.backups if backup["end"] < 1e5), key=lambda backup: backup["begin"]
        )

    def looked(self, hour):
        """When anybody could look last."""
        while span := within(self.blind, hour):
            hour = span[0] - 1e-6
        return hour

    def is_on(self, hour):
        return not any(quirk["kind"] == "off" and quirk["from"] <= hour < quirk["to"] for quirk in self.quirks)

    def updated(self, hour):
        changes = [self.created]
        for quirk in self.quirks:
            changes += {"moved": [quirk.get("at")], "off": [quirk.get("from"), quirk.get("to")]}.get(quirk["kind"], [])
        return max(change for change in changes if change <= hour)

    def conditions(self, hour):
        """The alerts that are in order, by what was true when anybody could look last."""
        at = self.looked(hour)
        if self.about.get("single") or not self.created <= at < self.deleted or at < 0:
            return
        on, updated, rpo = self.is_on(at), self.updated(at), self.interval + GRACE
        begun = [backup for backup in self.backups if backup["begin"] <= at]
        ended = [backup for backup in self.ended if backup["end"] <= at]
        good = [backup for backup in ended if backup["code"] is None]
        newest = max((backup["end"] for backup in good), default=None)
        if not on:
            yield "DcsBackupPolicyDisabled", "warning"
        stale = on and newest is not None and at - max(newest, updated) > rpo
        if stale:
            yield "DcsBackupStale", "warning"
            if at - max(newest, updated) > 2 * rpo:
                yield "DcsBackupStale", "critical"
        if on and newest is None and at - max(self.created, updated) > rpo:
            yield "DcsBackupNeverSucceeded", "critical"
        attempt = max((backup["begin"] for backup in begun), default=-1e9)
        if on and newest is not None and any(attempt < slot <= at - MISSED and slot > updated for slot in self.slots):
            yield "DcsBackupSlotMissed", "warning"
        if on and ended and ended[-1]["code"] is not None and ended[-1]["end"] > updated:
            since = min(backup["end"] for backup in ended if backup["code"] and backup["end"] > (newest or -1e9))
            if at - since >= UNMENDED or stale:
                is_busy = ended[-1]["code"] == "dcs.08.0008"
                yield "DcsBackupSkippedBusy" if is_busy else "DcsBackupLastAttemptFailed", "warning"
        if any(backup["end"] > at and at - backup["begin"] > STUCK for backup in begun):
            yield "DcsBackupStuck", "warning"
        if good and good[-1]["size"] < 0.5 * 2**30:
            yield "DcsBackupSizeAnomaly", "warning"
        there = [
            b["begin"] for b in good if at < b["begin"] + RETENTION and (b["deleted"] is None or at < b["deleted"])
        ]
        slot = max((slot for slot in self.slots if slot <= at), default=-1e9)
        if on and good and not there and at - slot >= MISSED and at - updated >= rpo:
            yield "DcsBackupNothingRestorable", "critical"
        filled = at - max(updated, self.created) >= RETENTION + rpo
        if on and there and filled and at - min(there) + self.interval < RETENTION / 2:
            yield "DcsBackupRecoveryWindowShort", "warning"
        if any(
            restore["end"] > at and at - restore["begin"] > STUCK for restore in self.restores if restore["begin"] <= at
        ):
            yield "DcsRestoreStuck", "warning"
        finished = [restore for restore in self.restores if restore["end"] <= at]
        if finished and finished[-1]["code"]:
            seen = finished[-1]["end"]
            if span := within(self.blind, seen):
                seen = span[1]
            if 0 <= at - seen < 24:
                yield "DcsRestoreFailed", "critical"


# So many hours an alert may take to begin and to end: polls, `for`, `keep_firing_for`, and the memory of what is gone.
SLACK = collections.defaultdict(
    lambda: 1.75,
    {
        "DcsBackupPolicyDisabled": 8,
        "DcsBackupSizeAnomaly": 2.5,
        "DcsBackupRecoveryWindowShort": 3,
        "DcsRestoreFailed": 2.5,
        "DcsRestoreStuck": 2.5,
        "DcsInstanceDataStale": 3.5,
        "DcsCredentialsFailing": 1,
        "DcsInstancesDisappeared": 1,
    },
)


def expected(events, truth, replicas, steps):
    """For each alert, the steps at which it is in order."""
    projects = {project["name"]: project for project in events["projects"]}
    wanted = collections.defaultdict(set)
    for about, true in zip(events["instances"], truth, strict=True):
        project = projects[about["project"]]
        instance = Instance(about, true, project)
        for step in range(steps):
            hour = step * STEP / 60
            for alert, severity in instance.conditions(hour):
                wanted[alert, severity, about["project"], true["id"]].add(step)
            span = within(about.get("unreadable", []), hour)
            if span and hour - span[0] > 0.75:
                wanted["DcsInstanceDataStale", "warning", about["project"], true["id"]].add(step)
    for name, project in projects.items():
        for step in range(steps):
            hour = step * STEP / 60
            if (span := within(project["outages"], hour)) and hour - span[0] > 0.75:
                wanted["DcsProjectDataStale", "critical", name, ""].add(step)
            if within(project["refused"], hour):
                wanted["DcsCredentialsFailing", "critical", name, ""].add(step)
            if within(project["emptied"], hour):
                wanted["DcsInstancesDisappeared", "critical", name, ""].add(step)
            lost = [
                span[1:] for replica in replicas for span in events["replicas"][replica]["lost_key"] if span[0] == name
            ]
            if within(lost, hour):
                wanted["DcsCredentialsFailing", "warning", name, ""].add(step)
    return wanted


def spans(steps):
    """A sorted list of steps as spans of hours."""
    found = []
    for step in sorted(steps):
        if found and step == found[-1][1] + 1:
            found[-1][1] = step
        else:
            found.append([step, step])
    return found


def judged(wanted, firing):
    """Every wrong page: missed, false, or one too many; and how many notifications there were."""
    wrong, notifications = [], 0
    for key in sorted(wanted.keys() | firing.keys()):
        slack = round(SLACK[key[0]] * 60 / STEP)
        due, fires = wanted.get(key, set()), set(firing.get(key, []))
        due_spans, fire_spans = spans(due), spans(fires)
        notifications += len(fire_spans)
        for begin, end in due_spans:
            missing = [step for step in range(begin + slack, end + 1) if step not in fires]
            if missing:
                wrong.append((key, "missed", spans(missing)))
        ends = [end for _, end in due_spans]
        begins = [begin for begin, _ in due_spans]
        false = []
        for step in fires:
            index = bisect.bisect_right(begins, step) - 1
            if index < 0 or step > ends[index] + slack:
                false.append(step)
        if false:
            wrong.append((key, "false", spans(false)))
        # What is in order again within the slack is one cause.
        causes = []
        for begin, end in due_spans:
            if causes and begin <= causes[-1][1] + slack:
                causes[-1][1] = end
            else:
                causes.append([begin, end])
        for begin, end in causes:
            told = [span for span in fire_spans if begin <= span[0] <= end + slack]
            if len(told) > 1:
                wrong.append((key, "told more than once", told))
    return wrong, notifications


# Of these, Alertmanager lets the first one tell: see the inhibition in dashboards/README.md.
REASONS = ("DcsBackupSlotMissed", "DcsBackupLastAttemptFailed", "DcsBackupSkippedBusy")


def told_twice(wanted, firing):
    """Instances of which more than one warning tells that there is no new backup, for one reason."""
    wrong = []
    for project, instance in sorted({key[2:] for key in firing if key[3]}):

        def of(alerts, among, project=project, instance=instance):
            return {step for alert in alerts for step in among.get((alert, "warning", project, instance), ())}

        reasons = of(REASONS, firing)
        starts = [begin for alert in REASONS for begin, _ in spans(of([alert], firing))]
        starts += [begin for begin, _ in spans(of(["DcsBackupStale"], firing)) if begin not in reasons]
        slack = round(SLACK[""] * 60 / STEP)
        for begin, end in spans(of([*REASONS, "DcsBackupStale"], wanted)):
            told = sorted(start for start in starts if begin <= start <= end + slack)
            if len(told) > 1:
                wrong.append(
                    (("one reason", "warning", project, instance), "told more than once", [(at, at) for at in told])
                )
    return wrong


def hours(found):
    return ", ".join(f"{begin * STEP / 60:.1f}–{end * STEP / 60:.1f} h" for begin, end in found[:6])


def live(program, replicas, *rule_sets):
    """What each replica showed, of all that the rules look at."""
    wanted = sorted({family for rules in rule_sets for family in families(rules)})
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(replicas, pool.map(lambda replica: Shown(program, replica, wanted), replicas), strict=True))


def judge(*trials):
    """Of each trial, which is what some replicas showed and rules: what was wrong, promtool's errors, and a text of both.

    All are evaluated beside each other, the longest first.
    """
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        parts = [[pool.submit(fired, shown, rules, part) for part in range(PARTS)] for shown, rules in trials]
        return [
            verdict(shown, [part.result() for part in parts_of])
            for (shown, _), parts_of in zip(trials, parts, strict=True)
        ]


def verdict(shown, parts):
    firing, odd = {}, []
    for part, (found, strange) in enumerate(parts):
        odd += strange
        # Of what is not about an instance one part tells enough.
        firing.update({key: steps for key, steps in found.items() if key[3] or part == 0})
    wanted = expected(
        json.loads(EVENTS.read_text()), shown[0].truth, [one.replica for one in shown], len(shown[0].scraped)
    )
    wrong, notifications = judged(wanted, firing)
    wrong += told_twice(wanted, firing)
    names = {true["id"]: true["name"] for true in shown[0].truth}
    text = [f"{what}: {' '.join(key[:3])} {names.get(key[3], '')}: {hours(found)}" for key, what, found in wrong]
    text += [f"promtool: {line}" for line in odd[:20]]
    text.append(f"{len(wanted)} alerts in order, {notifications} notifications, {len(wrong)} wrong, {len(odd)} errors")
    return wrong, odd, "\n".join(text)


def main(program, *replicas):
    rules = promtool.rules()
    shown = live(program, replicas, rules)
    [(wrong, odd, text)] = judge((list(shown.values()), rules))
    print(text)
    return 1 if wrong or odd else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
