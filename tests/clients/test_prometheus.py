"""A real Prometheus scrapes `demo`, in both formats, and answers what a user would ask it.

Its configuration is the one under deploy/, with another address and a shorter interval. Prometheus asks for OpenMetrics
by itself; the second job goes through a relay that asks for the plain text format instead.
"""

import contextlib
import http.server
import json
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import program
from program import get, get_json, wait_for

OPENMETRICS, PLAIN = "dcs-backup-exporter", "dcs-backup-exporter-plain"


class Relay(http.server.BaseHTTPRequestHandler):
    """Passes a scrape on, asking for the plain text format."""

    exporter = None

    def do_GET(self):
        status, headers, text = get(self.exporter + self.path, accept="text/plain;version=0.0.4")
        self.send_response(status)
        self.send_header("Content-Type", headers["Content-Type"])
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def relay(url):
    handler = type("RelayTo", (Relay,), {"exporter": url})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def configuration(exporter, plain):
    """The shipped configuration, for these two addresses, scraping each second."""
    shipped = (program.ROOT / "deploy/prometheus/prometheus.yml").read_text()
    text, count = re.subn(r"scrape_interval: \w+", "scrape_interval: 1s", shipped)
    assert count == 1, "deploy/prometheus/prometheus.yml sets one scrape_interval"
    text = re.sub(r"scrape_timeout: \w+", "scrape_timeout: 1s", text)
    head, entry = text.split("scrape_configs:\n")
    assert "localhost:10105" in entry and f"job_name: {OPENMETRICS}\n" in entry
    second = entry.replace(f"job_name: {OPENMETRICS}\n", f"job_name: {PLAIN}\n").replace("localhost:10105", plain)
    return head + "scrape_configs:\n" + entry.replace("localhost:10105", exporter) + second


def started(stack, folder, *flags):
    """A Prometheus that is ready: its URL and the server. It cannot choose a free port by itself and tell it."""
    while True:
        port = program.free_port()
        server = program.Server(
            program.tool("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            *flags,
        )
        stack.enter_context(server)
        if is_ready(server, url := f"http://127.0.0.1:{port}"):
            return url, server
        # Where somebody else was quicker to take the port, the next one will do.
        assert "address already in use" in server.output, server.output


def is_ready(server, url):
    wait_for("Prometheus is ready", lambda: server.ended or get(f"{url}/-/ready")[0] == 200, 30)
    return not server.ended


class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.exporter, _ = stack.enter_context(program.demo())
        plain = stack.enter_context(relay(cls.exporter))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "prometheus.yml").write_text(
            configuration(cls.exporter.removeprefix("http://"), f"127.0.0.1:{plain}")
        )
        cls.url, cls.server = started(stack, folder)
        wait_for("both jobs are up", lambda: cls.values("up == 1", "job").keys() == {OPENMETRICS, PLAIN}, 30)
        wait_for("the backups of all instances have been polled", cls.all_polled, 90)

    @classmethod
    def query(cls, promql):
        """The series of an instant query: pairs of labels and value. `{}` in it selects those of one job."""
        answer = get_json(f"{cls.url}/api/v1/query", query=promql.replace("{}", f'{{job="{OPENMETRICS}"}}'))
        assert answer["status"] == "success" and not answer.get("warnings"), answer
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    @classmethod
    def values(cls, promql, label):
        """The values of an instant query by one of its labels."""
        return {metric[label]: value for metric, value in cls.query(promql)}

    @classmethod
    def all_polled(cls):
        polled = cls.query(f'dcs_poll_success{{job="{OPENMETRICS}", operation="backups"}} == 1')
        watched = cls.query("dcs_project_instances{}")
        return watched and len(polled) == watched[0][1]

    def by_instance(self, promql):
        """The values of a query about one job's instances; never two for one instance."""
        series = self.query(promql)
        found = {metric["instance_id"]: value for metric, value in series}
        self.assertEqual(len(found), len(series), promql)
        return found

    def test_targets_are_healthy_and_both_formats_were_negotiated(self):
        for target in get_json(f"{self.url}/api/v1/targets")["data"]["activeTargets"]:
            self.assertEqual((target["health"], target["lastError"]), ("up", ""), target)
        for accept, wanted in [
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                "application/openmetrics-text",
            ),
            ("text/plain;version=0.0.4", "text/plain"),
        ]:
            self.assertEqual(get(f"{self.exporter}/metrics", accept)[1].get_content_type(), wanted)

    def test_both_formats_give_the_same_series(self):
        def differences():
            labels = '"__name__", "project", "instance_id", "status", "operation", "error_code"'
            jobs = [
                self.values(
                    f'count by (series) (label_join({{job="{job}", __name__=~"dcs_.+"}}, "series", "|", {labels}))',
                    "series",
                )
                for job in (OPENMETRICS, PLAIN)
            ]
            assert len(jobs[0]) > 100, jobs
            return jobs[0].keys() ^ jobs[1].keys()

        # Between two scrapes a backup may begin or end: not alike at once, but soon.
        wait_for("the jobs have the same series", lambda: not differences())

    def test_age_by_instance(self):
        def agree():
            ages = self.by_instance("dcs_backup_last_success_age_seconds{}")
            from_stamps = self.by_instance(
                "timestamp(dcs_backup_last_success_age_seconds{}) - dcs_backup_last_success_timestamp_seconds{}"
            )
            assert len(ages) >= 5, ages
            assert ages.keys() == from_stamps.keys(), (ages, from_stamps)
            return all(abs(age - from_stamps[key]) < 2 and age >= 0 for key, age in ages.items())

        wait_for("the age is that of the time stamp", agree)

    def test_stale_and_fresh_ones_by_their_rpo(self):
        def parted():
            stale = self.by_instance("dcs_backup_last_success_age_seconds{} > dcs_backup_rpo_seconds{}")
            fresh = self.by_instance("dcs_backup_last_success_age_seconds{} <= dcs_backup_rpo_seconds{}")
            both = self.by_instance("dcs_backup_rpo_seconds{} and dcs_backup_last_success_age_seconds{}")
            assert fresh, "a fleet of which some are fresh"
            assert not stale.keys() & fresh.keys(), (stale, fresh)
            return stale.keys() | fresh.keys() == both.keys()

        wait_for("each instance with a backup and an RPO is either stale or fresh", parted)

    def test_scheduled_but_never_backed_up(self):
        self.by_instance("dcs_backup_policy_enabled{} == 1 unless dcs_backup_last_success_timestamp_seconds{}")

    def test_failures_by_code(self):
        codes = self.values("sum by (error_code) (dcs_backup_failures{})", "error_code")
        self.assertTrue(codes)
        self.assertTrue(all(value >= 1 for value in codes.values()), codes)
        failed = self.by_instance("dcs_backup_last_attempt_success{} == 0")
        self.assertLessEqual(failed.keys(), self.by_instance("dcs_backup_last_failure_timestamp_seconds{}").keys())

    def in_progress_within_a_minute(self, kind):
        ratios = wait_for(
            f"a {kind} is running", lambda: self.by_instance(f"max_over_time(dcs_{kind}_progress_ratio{{}}[1m])")
        )
        self.assertTrue(all(0 <= value <= 1 for value in ratios.values()), ratios)

    def test_a_backup_is_in_progress_within_a_minute(self):
        self.in_progress_within_a_minute("backup")

    def test_a_restore_is_in_progress_within_a_minute(self):
        self.in_progress_within_a_minute("restore")

    def test_progress_moves(self):
        def moved():
            return self.by_instance("delta(dcs_backup_progress_ratio{}[30s]) > 0") or self.by_instance(
                "delta(dcs_restore_progress_ratio{}[30s]) > 0"
            )

        wait_for("the progress of something running grows", moved, 90)

    def test_join_with_what_is_known_of_the_instance(self):
        def joined():
            ages = self.by_instance("dcs_backup_last_success_age_seconds{}")
            series = self.query(
                "dcs_backup_last_success_age_seconds{}"
                " * on (project, instance_id) group_left (engine, engine_version, cache_mode) dcs_instance_info{}"
            )
            assert all(metric["engine"] and metric["cache_mode"] for metric, _ in series), series
            return ages and {metric["instance_id"] for metric, _ in series} == ages.keys()

        wait_for("every age finds its instance", joined)

    def test_requests_and_how_long_they_took(self):
        buckets = "sum by (le, operation) (dcs_exporter_api_request_duration_seconds_bucket{})"
        found = wait_for(
            "the requests' durations are known",
            lambda: self.values(f"histogram_quantile(0.9, {buckets})", "operation"),
        )
        self.assertTrue(all(0 < value <= 10 for value in found.values()), found)
        codes = self.values("sum by (code) (dcs_exporter_api_requests_total{})", "code")
        self.assertGreater(codes.get("200", 0), 10, codes)

    def test_every_kind_of_fact_is_fresh(self):
        wait_for("all polls have worked", lambda: not self.query("dcs_poll_success{} == 0 or dcs_project_up{} == 0"))

    def test_no_scrape_failed_and_no_sample_was_refused(self):
        # A few scrapes later than now, so that those of the other tests are in.
        begin = time.time()
        wait_for("three more scrapes", lambda: self.query(f"min(timestamp(up)) > {begin + 3}"), 30)
        self.assertEqual([value for _, value in self.query("min_over_time(up[10m])")], [1, 1])
        own = get(f"{self.url}/metrics")[2]
        for counter in [
            "prometheus_target_scrapes_sample_duplicate_timestamp_total",
            "prometheus_target_scrapes_sample_out_of_order_total",
            "prometheus_target_scrapes_sample_out_of_bounds_total",
            "prometheus_target_scrapes_exceeded_sample_limit_total",
            "prometheus_target_scrapes_exceeded_body_size_limit_total",
        ]:
            self.assertIn(f"\n{counter} 0\n", own)
        self.assertNotIn("Error", self.server.output)
        self.assertNotIn("scrape", self.server.output)

    def test_promtool_finds_nothing_to_say_about_the_metrics(self):
        watched = get_json(f"{self.exporter}/api/v1/instances", limit=1)["instances"][0]
        probe = urllib.parse.urlencode({key: watched[key] for key in ("project", "instance_id")})
        for path in ["/metrics", f"/probe?{probe}"]:
            status, _, text = get(self.exporter + path, "text/plain;version=0.0.4")
            self.assertEqual(status, 200, path)
            result = subprocess.run(
                [program.tool("promtool"), "check", "metrics"],
                input=text,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""), path)

    def test_metadata_says_type_and_meaning(self):
        metadata = wait_for("Prometheus knows the families", lambda: get_json(f"{self.url}/api/v1/metadata")["data"])
        ours = {name: entries for name, entries in metadata.items() if name.startswith("dcs_")}
        self.assertGreater(len(ours), 40)
        for name, entries in ours.items():
            self.assertTrue(
                all(entry["help"] and entry["type"] != "unknown" for entry in entries), (name, json.dumps(entries))
            )
