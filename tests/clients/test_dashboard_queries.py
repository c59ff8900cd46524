"""Every query of the dashboards, as Grafana would send it, against a Prometheus with the simulated fleet's past."""

import contextlib
import math
import pathlib
import re
import tempfile
import unittest

import dashboard_history as history
from test_dashboards import NAMES, read

# Queries without an answer, each with its reason: dashboard, panel (or annotation), and letter.
EMPTY = {
    ("exporter", "Alerts", ""): "no alert rules are loaded",
    ("fleet", "Alerts", ""): "no alert rules are loaded",
    ("instance", "Alerts", ""): "no alert rules are loaded",
}
ALL = {"job": None, "instance": None, "project": None, "instance_id": None}


def queries(dashboard):
    """Each query: title, letter, expression, and whether it is asked for this moment alone."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["refId"], target["expr"], target["instant"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], "", annotation["expr"], False


class DashboardQueries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.prometheus = stack.enter_context(history.serving(history.scrapes()))

    def answer(self, dashboard, expr, instant, chosen, prometheus=None):
        """The series of a query, with variables filled in."""
        seconds = history.seconds_of(dashboard["time"]["from"])
        # A panel of usual width has some hundred points.
        step = seconds // 288
        query = history.filled(expr, chosen, seconds, step)
        prometheus = prometheus or self.prometheus
        if instant:
            return [(labels, [value]) for labels, value in prometheus.instant(query)]
        return prometheus.over(query, seconds, step)

    def test_no_query_fails_or_finds_nothing(self):
        unused = set(EMPTY)
        for name in NAMES:
            dashboard = read(name)
            for title, letter, expr, instant in queries(dashboard):
                with self.subTest(dashboard=name, panel=title, query=letter):
                    series = self.answer(dashboard, expr, instant, ALL)
                    numbers = [value for _, values in series for value in values if not math.isnan(value)]
                    if (name, title, letter) in EMPTY:
                        unused.discard((name, title, letter))
                        self.assertFalse(numbers, "has an answer: take it from the list of those without")
                    else:
                        self.assertTrue(numbers, f"no answer: {expr}")
                        self.assertFalse(any(math.isinf(value) for value in numbers), expr)
        self.assertEqual(unused, set(), "listed and not there")

    def test_no_query_fails_for_some_values_of_the_variables(self):
        ids = self.ids()
        for chosen in [
            {**ALL, "instance_id": [ids["shop", "orders-cache"]]},
            {**ALL, "project": ["ledger"], "instance_id": [ids["ledger", "new-ledger"], ids["ledger", "audit-trail"]]},
            {**ALL, "job": ["dcs-backup"], "instance": ["exporter-1:10105"]},
            # Somebody else's Prometheus, or a time before there was an exporter.
            {**ALL, "job": ["another"]},
        ]:
            for name in NAMES:
                dashboard = read(name)
                for title, letter, expr, instant in queries(dashboard):
                    with self.subTest(dashboard=name, panel=title, query=letter, chosen=str(chosen)):
                        series = self.answer(dashboard, expr, instant, chosen)
                        if chosen["job"] == ["another"]:
                            self.assertEqual(series, [], "a number although there is no data")

    def ids(self):
        series = self.prometheus.instant("max by (project, instance_name, instance_id) (dcs_poll_success)")
        return {(labels["project"], labels["instance_name"]): labels["instance_id"] for labels, _ in series}

    def test_the_variables_offer_what_there_is(self):
        for name in NAMES:
            dashboard = read(name)
            offered = {}
            for variable in dashboard["templating"]["list"]:
                if variable["type"] != "query":
                    continue
                call, inner = re.fullmatch(r"(\w+)\((.+)\)", variable["query"]).groups()
                inner = history.filled(inner, ALL, 1, 1)
                if call == "label_values":
                    selector, label = inner.rsplit(", ", 1)
                    values = self.prometheus.label_values(label, selector, 86_400)
                    offered[variable["name"]] = {value: value for value in values}
                else:
                    # How Grafana writes a series down, and what its expression makes of that.
                    lines = [
                        "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + f"}} {number} 1"
                        for labels, number in self.prometheus.instant(inner)
                    ]
                    pattern = variable["regex"].removeprefix("/").removesuffix("/g").replace("(?<", "(?P<")
                    groups = [[match.groupdict() for match in re.finditer(pattern, line)] for line in lines]
                    named = [{name: text for group in of for name, text in group.items() if text} for of in groups]
                    offered[variable["name"]] = {one["value"]: one["text"] for one in named}
            with self.subTest(dashboard=name):
                self.assertEqual(set(offered["job"]), {"dcs-backup"})
                self.assertEqual(set(offered["instance"]), {"exporter-0:10105", "exporter-1:10105"})
                self.assertEqual(set(offered["project"]), {"shop", "ledger"})
                if name != "exporter":
                    ids = self.ids()
                    self.assertEqual(offered["instance_id"], {of: each for (_, each), of in ids.items()})

    def test_the_numbers_of_the_fleet_are_those_of_its_instances(self):
        """Counted anew, from each instance's own series as one exporter shows them."""
        scope = '{instance="exporter-0:10105"}'

        def of(metric):
            operation = ', operation="backups"' if metric.startswith("dcs_poll") else ""
            series = self.prometheus.instant(f'{metric}{{instance="exporter-0:10105"{operation}}}')
            return {(labels["project"], labels["instance_id"]): value for labels, value in series}

        supported, rpo = of("dcs_backup_supported"), of("dcs_backup_rpo_seconds")
        age, restorable = of("dcs_backup_last_success_age_seconds"), of("dcs_backup_restorable_records")
        ended, running = of("dcs_backup_last_attempt_success"), of("dcs_backup_in_progress")
        restoring, read_at = of("dcs_restore_in_progress"), of("dcs_poll_last_success_timestamp_seconds")
        intervals = self.prometheus.instant(f"dcs_project_poll_interval_seconds{scope}")
        interval = {labels["project"]: value for labels, value in intervals}
        can = {key for key, value in supported.items() if value}
        expected = {
            "RPO compliance": [sum(age.get(key, math.inf) <= limit for key, limit in rpo.items()) / len(rpo)],
            "Nothing to restore": [sum(restorable[key] == 0 for key in can)],
            "Out of RPO": [sum(age[key] > rpo[key] for key in age.keys() & rpo.keys())],
            "Never backed up": [len(can - age.keys())],
            "Last attempt failed": [sum(value == 0 for value in ended.values())],
            "Running": [sum(running.values()), sum(restoring.values())],
            "Facts too old": [sum(self.prometheus.now - read_at[key] > 2 * interval[key[0]] + 300 for key in read_at)],
        }
        dashboard = read("fleet")
        for title, _, expr, instant in list(queries(dashboard))[: len(expected)]:
            series = self.answer(dashboard, expr, instant, {**ALL, "instance": ["exporter-0:10105"]})
            self.assertEqual([values for _, values in series], [[value] for value in expected[title]], title)
        # It has some of each kind, or this would show little.
        self.assertTrue(all(sum(values) for values in expected.values()), expected)
        # The table has a row for each instance, with the worst first.
        columns = {letter: expr for title, letter, expr, _ in queries(dashboard) if title == "Instances, worst first"}
        rank = self.answer(dashboard, columns[max(columns)], True, ALL)
        rows = sorted(rank, key=lambda row: -row[1][0])
        self.assertEqual({(row["project"], row["instance_id"]) for row, _ in rows}, supported.keys())
        worst = [(row["project"], row["instance_id"]) for row, _ in rows]
        never, unsupported = can - age.keys(), supported.keys() - can
        self.assertEqual(set(worst[: len(never)]), never)
        self.assertEqual(set(worst[len(worst) - len(unsupported) :]), unsupported)


class Replicas(unittest.TestCase):
    """A second replica changes nothing, whether it sees the same or can no longer reach the cloud."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cls.prometheus = stack.enter_context(history.serving(cls.with_more_replicas(folder / "replicas.om")))

    @staticmethod
    def with_more_replicas(file):
        """The last hours of one replica, its twin, and one that lost the cloud an hour ago, before a renaming."""
        now = history.last_moment(history.scrapes())
        kept = {now - 600 * back: [] for back in range(30)}
        with history.scrapes().open(encoding="utf-8") as lines:
            for line in lines:
                at = line.rsplit(" ", 1)[-1].strip()
                if at.isdigit() and (now - int(at)) % 600 < 5 and 'instance="exporter-0:10105"' in line:
                    kept.setdefault(int(at), []).append(line)
        moments = sorted(at for at, lines in kept.items() if lines and now - at < 5 * 3600)
        with file.open("w", encoding="utf-8") as written:
            for at in moments:
                written.writelines(kept[at])
                written.writelines(line.replace("exporter-0:10105", "twin:10105") for line in kept[at])
                lost = min(at, moments[-7])
                for line in kept[lost]:
                    series, value, _ = line.rsplit(" ", 2)
                    if "_age_seconds{" in series:
                        value = float(value) + at - lost
                    if series.startswith("dcs_poll_success"):
                        value = int(lost == at) * int(value)
                    series = series.replace("exporter-0:10105", "lost:10105").replace('"leaderboard"', '"old-name"')
                    written.write(f"{series} {value} {at}\n")
            written.write("# EOF\n")
        return file

    def test_more_replicas_change_no_answer(self):
        asked = DashboardQueries()
        one = {**ALL, "instance": ["exporter-0:10105"]}
        for name in ("fleet", "instance"):
            dashboard = read(name)
            for title, letter, expr, _ in queries(dashboard):
                with self.subTest(dashboard=name, panel=title, query=letter):
                    alone = asked.answer(dashboard, expr, True, one, self.prometheus)
                    together = asked.answer(dashboard, expr, True, ALL, self.prometheus)
                    alone, together = (
                        {tuple(sorted(labels.items())): values[0] for labels, values in series}
                        for series in (alone, together)
                    )
                    self.assertEqual(alone.keys(), together.keys(), expr)
                    for series, value in alone.items():
                        self.assertAlmostEqual(together[series], value, delta=1e-6 * max(1, abs(value)), msg=series)
