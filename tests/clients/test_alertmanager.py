"""The example under deploy/alertmanager/, judged by amtool and tried by a real Alertmanager, with every shipped alert."""

import itertools
import json
import re
import subprocess
import tempfile
import unittest
import urllib.request

import alertmanager
import program
from program import get_json, wait_for

RECEIVERS = {"critical": "pager", "warning": "team", "info": "nobody"}


def amtool(*arguments):
    """What amtool prints; it must be content."""
    result = subprocess.run(
        [program.tool("amtool"), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def shipped():
    import yaml

    return yaml.safe_load(alertmanager.SHIPPED.read_text())


def alerts():
    """The shipped alerts with their severities."""
    import yaml

    found = set()
    for file in (program.ROOT / "dashboards/rules").glob("*.alerts.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            found |= {(rule["alert"], rule["labels"]["severity"]) for rule in group["rules"]}
    assert len(found) > 20, found
    return found


def matchers(config):
    """All matchers of the alert's name, wherever they stand."""
    routes = [matcher for route in config["route"]["routes"] for matcher in route["matchers"]]
    rules = [
        matcher
        for rule in config["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
    ]
    found = [re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher) for matcher in routes + rules]
    return [match[3] for match in found if match[1] == "alertname"]


# Labels of an alert about one instance of one project, and of one that is like it but for a label.
ONE = {"project": "p", "instance_id": "one"}
# What fires; what is sent or not: hidden (True) or not (False) by the first.
# Of DcsExporterDown, which hides whatever there is, the test comes last.
PAIRS = [
    (("DcsProjectDataStale", "critical"), ("DcsBackupStale", "critical"), True),
    (("DcsProjectDataStale", "critical"), ("DcsRestoreFailed", "critical"), True),
    (("DcsProjectDataStale", "critical"), ("DcsInstanceDataStale", "warning"), True),
    (("DcsProjectDataStale", "critical"), ("DcsInstancesDisappeared", "critical"), False),
    (("DcsProjectDataStale", "critical"), ("DcsExporterReloadFailed", "warning"), False),
    (("DcsCredentialsFailing", "critical"), ("DcsBackupStale", "critical"), True),
    (("DcsCredentialsFailing", "critical"), ("DcsProjectDataStale", "critical"), True),
    (("DcsCredentialsFailing", "critical"), ("DcsCredentialsExpiring", "warning"), True),
    # A replica without rights hides nothing: another one still watches.
    (("DcsCredentialsFailing", "warning"), ("DcsBackupStale", "critical"), False),
    (("DcsCredentialsFailing", "warning"), ("DcsBackupLastAttemptFailed", "warning"), False),
    (("DcsInstanceDataStale", "warning"), ("DcsBackupLastAttemptFailed", "warning"), True),
    # A warning never hides a page.
    (("DcsInstanceDataStale", "warning"), ("DcsBackupStale", "critical"), False),
    (("DcsInstanceDataStale", "warning"), ("DcsRestoreFailed", "critical"), False),
    (("DcsBackupStale", "critical"), ("DcsBackupStale", "warning"), True),
    (("DcsInstancesDisappeared", "critical"), ("DcsInstancesDisappeared", "warning"), True),
    (("DcsBackupStale", "critical"), ("DcsBackupStuck", "warning"), False),
    (("DcsBackupStale", "warning"), ("DcsBackupSlotMissed", "warning"), True),
    (("DcsBackupStale", "warning"), ("DcsBackupLastAttemptFailed", "warning"), True),
    (("DcsBackupStale", "warning"), ("DcsBackupSkippedBusy", "warning"), True),
    (("DcsBackupStale", "warning"), ("DcsBackupPolicyDisabled", "warning"), False),
    (("DcsBackupStale", "warning"), ("DcsBackupNothingRestorable", "critical"), False),
    (("DcsBackupNeverSucceeded", "critical"), ("DcsBackupLastAttemptFailed", "warning"), True),
    (("DcsBackupNothingRestorable", "critical"), ("DcsBackupStale", "critical"), False),
]
# These must say what is the matter although no exporter answers.
NEVER_HIDDEN = {"DcsExporterDown", "DcsRecordingRulesMissing", "DcsWatchdog"}


class Example(unittest.TestCase):
    def test_amtool_accepts_it_with_and_without_working_hours(self):
        text = alertmanager.SHIPPED.read_text()
        for variant in (text, alertmanager.with_working_hours(text)):
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                file.write(variant)
                file.flush()
                self.assertIn("SUCCESS", amtool("check-config", file.name))

    def test_every_alert_reaches_its_receiver(self):
        for name, severity in sorted(alerts()) + [("SomebodyElses", "critical"), ("SomebodyElses", "warning")]:
            receiver = "dead-mans-switch" if name == "DcsWatchdog" else RECEIVERS[severity]
            self.assert_route(receiver, f"alertname={name}", f"severity={severity}")
        self.assert_route("nobody", "alertname=DcsBackupStale", "severity=info")
        self.assert_route("team", "alertname=SomebodyElses")
        self.assert_route("team", "alertname=DcsBackupStale", "severity=page")

    def assert_route(self, receiver, *labels):
        printed = amtool("config", "routes", "test", f"--config.file={alertmanager.SHIPPED}", *labels)
        self.assertEqual(printed.split(), [receiver], labels)

    def test_it_names_no_alert_that_there_is_not(self):
        names = {name for name, _ in alerts()}
        for pattern in matchers(shipped()):
            for alternative in pattern.split("|"):
                self.assertTrue(any(re.fullmatch(alternative, name) for name in names), alternative)

    def test_no_secret_stands_in_it(self):
        for key, value in re.findall(r"^\s*(\w*(?:password|key|token|credentials|secret)\w*): (.*)$", self.text(), re.MULTILINE):
            self.assertTrue(key.endswith("_file") and value.startswith("/etc/alertmanager/secrets/"), key)

    def text(self):
        return alertmanager.SHIPPED.read_text()


class Inhibition(unittest.TestCase):
    """Each pair has a project of its own; what is posted never ends by itself."""

    def setUp(self):
        box = self.enterContext(alertmanager.inbox())
        self.url, _ = self.enterContext(alertmanager.alertmanager(alertmanager.configuration(box.url)))

    def fire(self, *labels):
        body = json.dumps([{"labels": labels} for labels in labels]).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.status, 200)

    def hidden(self, labels):
        """Whether this alert is hidden by another."""

        def state():
            found = [alert for alert in get_json(f"{self.url}/api/v2/alerts") if alert["labels"] == labels]
            return found and found[0]["status"]["state"] != "unprocessed" and found[0]["status"]

        return bool(wait_for(f"{labels} is known", state)["inhibitedBy"])

    def test_causes_hide_consequences_and_no_page_is_hidden_by_less(self):
        rows = []
        for number, ((name, severity), (target, its_severity), hidden) in enumerate(PAIRS):
            self.assertLessEqual({(name, severity), (target, its_severity)}, alerts())
            here = {**ONE, "project": f"p{number}"}
            source = {**here, "alertname": name, "severity": severity}
            if name in ("DcsProjectDataStale", "DcsCredentialsFailing", "DcsInstancesDisappeared"):
                del source["instance_id"]
            targets = [({**here, "alertname": target, "severity": its_severity}, hidden)]
            if "instance_id" not in source:
                if target in ("DcsProjectDataStale", "DcsCredentialsExpiring", "DcsInstancesDisappeared"):
                    del targets[0][0]["instance_id"]
            else:
                # Not even the same alert of another instance.
                targets.append(({**targets[0][0], "instance_id": "other"}, False))
            targets.append(({**targets[0][0], "project": f"other-{number}"}, False))
            rows.append((source, targets))
        self.fire(*itertools.chain.from_iterable([source, *(labels for labels, _ in targets)] for source, targets in rows))
        # Alertmanager takes alerts in one after the other: what is to be hidden is waited for, and by then the rest is known.
        checks = [(source, labels, hidden) for source, targets in rows for labels, hidden in targets]
        for source, labels, hidden in sorted(checks, key=lambda check: not check[2]):
            if hidden:
                wait_for(f"{labels} is hidden beside {source}", lambda labels=labels: self.hidden(labels), 20)
            else:
                self.assertFalse(self.hidden(labels), f"{labels} beside {source}")

    def test_a_dead_exporter_hides_all_but_what_says_so(self):
        others = [
            {**ONE, "alertname": name, "severity": severity, "project": f"{name}-{severity}"}
            for name, severity in alerts()
            if name != "DcsExporterDown"
        ]
        foreign = {"alertname": "SomebodyElses", "severity": "critical"}
        self.fire(*others, foreign)
        self.assertFalse([labels for labels in (*others, foreign) if self.hidden(labels)])
        down = {"alertname": "DcsExporterDown", "severity": "critical", "job": "dcs-backup-exporter"}
        self.fire(down)
        self.assertFalse(self.hidden(down))
        self.assertFalse(self.hidden(foreign))
        is_hidden = [labels for labels in others if labels["alertname"] not in NEVER_HIDDEN]
        for labels in is_hidden:
            wait_for(f"{labels} is hidden", lambda labels=labels: self.hidden(labels), 20)
        self.assertFalse([labels for labels in others if labels not in is_hidden and self.hidden(labels)])
