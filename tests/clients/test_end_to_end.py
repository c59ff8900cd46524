"""From the cloud to the pager: a backup goes stale in a simulated cloud, and what people are told of it.

The simulated cloud, the exporter, Prometheus with the shipped rules, Alertmanager with the shipped configuration, and a
receiver of webhooks in the place of pager, mail and dead man's switch. Only times are divided (see faster.py), and the RPO is
one of seconds. Each step waits for what must come, not for a time; what must not come is looked for at the end of each step.
"""

import contextlib
import json
import pathlib
import re
import tempfile
import unittest
import urllib.parse
import urllib.request

import alertmanager
import faster
import program
import test_prometheus
from program import get, get_json, wait_for

# 15 minutes are 6 seconds, an hour is 24, five minutes are 2.
FASTER = 150
# In the simulated cloud at its greatest speed these three are backed up every 4.8 s; every fifth backup fails.
RECOVERS, STAYS_STALE, HEALTHY = "staging-replica", "load-test", "notifications-queue"
RPO = "15s"

CONFIGURATION = """
projects:
  - name: prod
    project_id: {cloud.project_id}
    endpoint: {cloud.endpoint}
    credentials: simulated
    rpo: {rpo}
    instances: [{instances}]
    limits: {{ requests_per_second: 50, burst: 100, concurrency: 8 }}
credentials:
  simulated: {{ access_key: {cloud.access_key}, secret_key: {cloud.secret_key} }}
polling: {{ idle_interval: 2s, window_interval: 1s, active_interval: 500ms, policy_interval: 5s, request_timeout: 5s }}
"""


def prometheus_configuration(exporter, alertmanager_url):
    """The shipped scrape, each second, with the rules beside it."""
    import yaml

    config = yaml.safe_load((program.ROOT / "deploy/prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    job = config["scrape_configs"][0]
    job["scrape_timeout"] = "1s"
    job["static_configs"] = [{"targets": [exporter.removeprefix("http://")]}]
    config["rule_files"] = ["rules/*.yml"]
    target = {"targets": [alertmanager_url.removeprefix("http://")]}
    config["alerting"] = {"alertmanagers": [{"static_configs": [target]}]}
    return yaml.safe_dump(config)


def runbook(alert):
    """The file that an alert's runbook_url means."""
    _, path = urllib.parse.urlsplit(alert["annotations"]["runbook_url"]).path.split("/blob/main/")
    return program.ROOT / path


def queries_of_runbooks():
    """The PromQL of all runbooks, with the file of each."""
    for file in sorted((program.ROOT / "dashboards/runbooks").glob("*.md")):
        for query in re.findall(r"^```promql\n(.*?)^```", file.read_text(), re.MULTILINE | re.DOTALL):
            yield file.name, query


class FromTheCloudToThePager(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.cloud, _ = self.enterContext(program.simulate("--speed=1000"))
        page = get(f"{self.cloud.endpoint}/simulator/")[2]
        self.ids = {
            name: re.search(rf"^  (\S{{36}})  {name} ", page, re.MULTILINE)[1]
            for name in (RECOVERS, STAYS_STALE, HEALTHY)
        }
        instances = ", ".join(f"{{ id: {identity} }}" for identity in self.ids.values())
        (self.folder / "exporter.yml").write_text(CONFIGURATION.format(cloud=self.cloud, rpo=RPO, instances=instances))
        self.exporter_url, self.exporter = self.start_exporter("127.0.0.1:0")
        self.inbox = self.enterContext(alertmanager.inbox())
        config = alertmanager.configuration(self.inbox.url, FASTER)
        self.alertmanager, _ = self.enterContext(alertmanager.alertmanager(config))
        (self.folder / "rules").mkdir()
        for name, text in faster.files(FASTER).items():
            (self.folder / "rules" / name).write_text(text)
        (self.folder / "prometheus.yml").write_text(prometheus_configuration(self.exporter_url, self.alertmanager))
        stack = self.enterContext(contextlib.ExitStack())
        # What is sent first may come before Prometheus knows where to: not a minute until it is sent again.
        self.prometheus, self.prometheus_server = test_prometheus.started(
            stack, self.folder, "--rules.alert.resend-delay=2s"
        )

    def start_exporter(self, address):
        server = program.Server(
            program.EXPORTER, f"--config.file={self.folder}/exporter.yml", f"--web.listen-address={address}"
        )
        self.addCleanup(server.stop)
        url = program.base_url(server)
        program.wait_until_ready(url)
        return url, server

    def test_a_stale_backup_an_outage_and_a_dead_exporter(self):
        self.all_is_well_and_the_watchdog_arrives()
        self.every_query_of_a_runbook_is_answered()
        self.two_backups_go_stale()
        self.one_of_them_recovers()
        self.the_cloud_is_out_of_reach_and_backup_alerts_are_hidden()
        self.the_exporter_is_killed_and_nothing_is_resolved()
        self.it_comes_back_and_the_other_one_recovers()
        self.nobody_was_told_anything_else()

    # ---- the story ----

    def all_is_well_and_the_watchdog_arrives(self):
        wait_for("the watchdog arrives", lambda: self.inbox.alerts("dead-mans-switch", alertname="DcsWatchdog"))
        wait_for("all backups are fresh", lambda: len(self.query("instance_id:dcs_backup_age_rpo:ratio < 1")) == 3)
        names = {metric["instance_name"] for metric in self.query("instance_id:dcs_instance_name:known")}
        self.assertEqual(names, set(self.ids))

    def every_query_of_a_runbook_is_answered(self):
        queries = list(queries_of_runbooks())
        self.assertGreater(len(queries), 60)
        for file, query in queries:
            with self.subTest(file=file, query=query):
                self.query(query)

    def two_backups_go_stale(self):
        # What runs at this moment still ends; nothing begins any more.
        for name in (RECOVERS, STAYS_STALE):
            self.control("PUT", "pauses", instance=name)
        for receiver, severity in (("team", "warning"), ("pager", "critical")):
            wait_for(
                f"{receiver} is told of both at once",
                lambda: any(
                    {self.ids[RECOVERS], self.ids[STAYS_STALE]}
                    <= {alert["labels"]["instance_id"] for alert in self.firing(notification)}
                    for notification in self.notifications(receiver, "DcsBackupStale")
                ),
            )
            for notification in self.notifications(receiver, "DcsBackupStale"):
                self.assertEqual(notification["groupLabels"], {"alertname": "DcsBackupStale", "project": "prod"})
            for name in (RECOVERS, STAYS_STALE):
                for alert in self.stale(name, receiver, "firing"):
                    self.assertEqual(alert["labels"]["severity"], severity)
                    self.assertIn(f" {name} ({self.ids[name]}, project prod)", alert["annotations"]["description"])
                    self.assertEqual(runbook(alert), program.ROOT / "dashboards/runbooks/DcsBackupStale.md")
        self.hidden("DcsBackupStale", "warning", by="DcsBackupStale")
        self.assertEqual(self.stale(RECOVERS, "pager", "resolved"), [])

    def one_of_them_recovers(self):
        self.control("DELETE", "pauses", instance=RECOVERS)
        wait_for("the pager is told that it is over", lambda: self.stale(RECOVERS, "pager", "resolved"))
        self.assertEqual(self.stale(STAYS_STALE, "pager", "resolved"), [])

    def the_cloud_is_out_of_reach_and_backup_alerts_are_hidden(self):
        self.control("PUT", "faults", fault="reset")
        alert = wait_for(
            "the pager is told", lambda: self.inbox.alerts("pager", "firing", alertname="DcsProjectDataStale")
        )[0]
        self.assertEqual(alert["labels"]["project"], "prod")
        self.hidden("DcsBackupStale", "critical", by="DcsProjectDataStale")
        # What could not be asked is not stale: nobody is told so.
        told = len(self.stale(RECOVERS, "pager", "firing")) + len(self.stale(RECOVERS, "team", "firing"))
        self.control("DELETE", "faults")
        wait_for(
            "the pager is told that it is over",
            lambda: self.inbox.alerts("pager", "resolved", alertname="DcsProjectDataStale"),
        )
        self.shown("DcsBackupStale", "critical")
        again = len(self.stale(RECOVERS, "pager", "firing")) + len(self.stale(RECOVERS, "team", "firing"))
        self.assertEqual(again, told)
        self.assertEqual(self.stale(STAYS_STALE, "pager", "resolved"), [])

    def the_exporter_is_killed_and_nothing_is_resolved(self):
        before = self.resolved_backup_alerts()
        self.exporter.kill()
        wait_for("the pager is told", lambda: self.inbox.alerts("pager", "firing", alertname="DcsExporterDown"))
        self.hidden("DcsBackupStale", "critical", by="DcsExporterDown")
        # Longer than any range or keep_firing_for with which the alerts are carried over a gap.
        gone = f'max_over_time(up{{job="dcs-backup-exporter"}}[{45 * 60 // FASTER}s]) == 0'
        wait_for("three quarters of an hour have passed", lambda: self.query(gone))
        self.assertTrue(self.query(f'ALERTS{{alertname="DcsBackupStale", instance_id="{self.ids[STAYS_STALE]}"}}'))
        self.assertEqual(self.resolved_backup_alerts(), before)
        self.hidden("DcsBackupStale", "critical", by="DcsExporterDown")

    def it_comes_back_and_the_other_one_recovers(self):
        self.start_exporter(self.exporter_url.removeprefix("http://"))
        wait_for(
            "the pager is told that it is over",
            lambda: self.inbox.alerts("pager", "resolved", alertname="DcsExporterDown"),
        )
        self.assertEqual(self.stale(STAYS_STALE, "pager", "resolved"), [])
        self.control("DELETE", "pauses")
        wait_for("the pager is told that it is over", lambda: self.stale(STAYS_STALE, "pager", "resolved"))

    def nobody_was_told_anything_else(self):
        self.assertEqual(self.inbox.alerts("dead-mans-switch", "resolved"), [])
        self.assertEqual(self.inbox.alerts("nobody"), [])
        told = {alert["labels"]["alertname"] for alert in self.inbox.alerts()}
        # The simulated cloud lets every fifth backup and restore fail.
        may_be = {"DcsBackupLastAttemptFailed", "DcsRestoreFailed"}
        expected = {"DcsBackupStale", "DcsProjectDataStale", "DcsExporterDown", "DcsWatchdog"}
        self.assertEqual(told - may_be, expected)
        of_healthy = self.inbox.alerts(instance_id=self.ids[HEALTHY])
        self.assertEqual({alert["labels"]["alertname"] for alert in of_healthy} - {"DcsRestoreFailed"}, set())
        for alert in self.inbox.alerts():
            self.assertTrue(runbook(alert).is_file(), alert)
        # No rule failed to be evaluated.
        for group in get_json(f"{self.prometheus}/api/v1/rules")["data"]["groups"]:
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])

    # ---- asking ----

    def control(self, method, what, **query):
        url = f"{self.cloud.endpoint}/simulator/{what}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as answer:
            self.assertEqual(answer.status, 200)

    def query(self, promql):
        answer = get_json(f"{self.prometheus}/api/v1/query", query=promql)
        self.assertEqual(answer["status"], "success")
        result = answer["data"]["result"]
        return [series["metric"] for series in result] if answer["data"]["resultType"] == "vector" else [result]

    def notifications(self, receiver, alertname):
        return [
            notification
            for notification in self.inbox.notifications
            if notification["receiver"] == receiver and notification["groupLabels"].get("alertname") == alertname
        ]

    @staticmethod
    def firing(notification):
        return [alert for alert in notification["alerts"] if alert["status"] == "firing"]

    def stale(self, name, receiver, status):
        return self.inbox.alerts(receiver, status, alertname="DcsBackupStale", instance_id=self.ids[name])

    def resolved_backup_alerts(self):
        return [
            json.dumps(alert["labels"], sort_keys=True)
            for alert in self.inbox.alerts(status="resolved", alertname="DcsBackupStale")
        ]

    def state(self, alertname, severity):
        """The status of the alert about the instance that stays stale, and the names of those that hide it."""
        alerts = get_json(f"{self.alertmanager}/api/v2/alerts")
        labels = {"alertname": alertname, "severity": severity, "instance_id": self.ids[STAYS_STALE]}
        found = [alert for alert in alerts if labels.items() <= alert["labels"].items()]
        names = {alert["fingerprint"]: alert["labels"]["alertname"] for alert in alerts}
        assert found, f"{labels} is not known"
        status = found[0]["status"]
        return status["state"], {names.get(source) for source in status["inhibitedBy"]}

    def hidden(self, alertname, severity, by):
        def hides():
            state, sources = self.state(alertname, severity)
            assert state == "suppressed" and by in sources, (state, sources)
            return True

        wait_for(f"{alertname} is hidden by {by}", hides, 20)

    def shown(self, alertname, severity):
        wait_for(f"{alertname} is hidden no more", lambda: self.state(alertname, severity)[0] == "active", 20)


class Faster(unittest.TestCase):
    def test_times_are_divided_and_nothing_else(self):
        for promql, expected in [
            ("a[15m] > 0.5 * b offset 1h", "a[6000ms] > 0.5 * b offset 24000ms"),
            ('a{code=~"[45]..", b="offset 1h"}[7d:6h]', 'a{code=~"[45]..", b="offset 1h"}[4032000ms:144000ms]'),
            ("quantile_over_time(0.5, x:y2:z[1h30m]) < 2 and c", "quantile_over_time(0.5, x:y2:z[36000ms]) < 2 and c"),
        ]:
            self.assertEqual(faster.expression(promql, FASTER), expected)
        for refused in ("time() - a > 300", "a - 2 * 3600", "a > 1e3"):
            with self.assertRaises(AssertionError):
                faster.expression(refused, FASTER)

    def test_undivided_they_are_the_shipped_ones(self):
        import yaml

        def durations(tree):
            text = json.dumps(tree)
            return re.sub(r"\b((?:[0-9]+(?:ms|[smhdwy]))+)\b", lambda time: alertmanager.divided(time[0], 1), text)

        for name, text in faster.files(1).items():
            shipped = yaml.safe_load((faster.RULES / name).read_text())
            ours = yaml.safe_load(re.sub(r"vector\(\((.*)\) / 1\)", r"vector(\1)", text))
            self.assertEqual(durations(ours), durations(shipped))
