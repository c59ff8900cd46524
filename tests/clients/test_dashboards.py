"""The dashboards' files: made by the code beside them, and by the rules of Grafana's dashboard-linter."""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import program

FOLDER = program.ROOT / "dashboards"
NAMES = ["exporter", "fleet", "instance"]


def read(name):
    """A dashboard as it is committed."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


class Dashboards(unittest.TestCase):
    def test_the_files_are_what_the_code_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, FOLDER / "source/make.py", folder], check=True, timeout=60)
            made = {file.stem: file.read_text(encoding="utf-8") for file in pathlib.Path(folder).iterdir()}
        self.assertEqual(sorted(made), NAMES)
        self.assertEqual(sorted(file.stem for file in FOLDER.glob("*.json")), NAMES)
        for name, text in made.items():
            committed = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
            self.assertTrue(text == committed, f"dashboards/{name}.json is not what dashboards/make writes: run it")

    def test_the_linter_finds_nothing(self):
        import dashboard_linter

        for name in NAMES:
            found = {rule: said for rule, said in dashboard_linter.lint(read(name)).items() if said}
            self.assertEqual(found, {}, name)

    def test_the_linter_finds_what_is_wrong(self):
        import dashboard_linter

        def query(dashboard, expr):
            dashboard["panels"][0]["targets"][0]["expr"] = expr

        def variable(dashboard, name):
            return next(found for found in dashboard["templating"]["list"] if found["name"] == name)

        good = 'x{job=~"$job", instance=~"$instance"}'
        # Each change, and the one rule that it breaks.
        changes = {
            "template-datasource-rule": [
                lambda d: d["templating"]["list"].pop(0),
                lambda d: variable(d, "datasource").update(name="source"),
                lambda d: variable(d, "datasource").update(label="Prometheus"),
                lambda d: variable(d, "datasource").update(query="loki"),
            ],
            "template-job-rule": [
                lambda d: variable(d, "job").update(multi=False),
                lambda d: variable(d, "job").update(allValue=".*"),
                lambda d: variable(d, "job").update(datasource={"uid": "abc"}),
                lambda d: variable(d, "job").update(name="jobs"),
            ],
            "template-instance-rule": [lambda d: variable(d, "instance").update(label="Exporter")],
            "template-label-promql-rule": [
                lambda d: variable(d, "project").update(query="label_value(up, job)"),
                lambda d: variable(d, "project").update(query="label_values(up{, job)"),
                lambda d: variable(d, "project").update(query={"query": "up"}),
            ],
            "template-on-time-change-reload-rule": [lambda d: variable(d, "project").update(refresh=1)],
            "panel-datasource-rule": [
                lambda d: d["panels"][0]["datasource"].update(uid="abc"),
                lambda d: d["panels"][0]["targets"][0]["datasource"].update(uid="abc"),
                lambda d: d["panels"][0].pop("datasource"),
            ],
            "panel-title-description-rule": [
                lambda d: d["panels"][0].update(title=""),
                lambda d: d["panels"][0].pop("description"),
            ],
            "panel-units-rule": [
                lambda d: d["panels"][0]["fieldConfig"]["defaults"].pop("unit"),
                lambda d: d["panels"][0]["fieldConfig"]["defaults"].update(unit="seconds"),
                lambda d: d["panels"][0]["fieldConfig"]["overrides"].append(
                    {"matcher": {}, "properties": [{"id": "unit", "value": "parsecs"}]}
                ),
            ],
            "panel-no-targets-rule": [lambda d: d["panels"][0].update(targets=[])],
            "target-promql-rule": [lambda d: query(d, f"sum({good}"), lambda d: query(d, "")],
            "target-rate-interval-rule": [
                lambda d: query(d, f"rate({good}[5m])"),
                lambda d: query(d, f"sum(irate({good}[$__range]))"),
            ],
            "target-job-rule": [
                lambda d: query(d, 'x{instance=~"$instance"}'),
                lambda d: query(d, f'{good} / x{{job="$job", instance=~"$instance"}}'),
                lambda d: query(d, 'x{job=~"$foo", instance=~"$instance"}'),
            ],
            "target-instance-rule": [lambda d: query(d, f'rate({good}[$__rate_interval]) + y{{job=~"$job"}}')],
            "target-counter-agg-rule": [
                lambda d: query(d, good.replace("x", "x_total")),
                lambda d: query(d, f"sum_over_time({good.replace('x', 'x_total')}[5m])"),
            ],
            "uneditable-dashboard": [lambda d: d.update(editable=True), lambda d: d.pop("editable")],
            "layout": [
                lambda d: d["panels"][1].update(id=d["panels"][0]["id"]),
                lambda d: d["panels"][0].update(id=None),
                lambda d: d["panels"][0]["gridPos"].update(x=23),
                lambda d: d["panels"][1]["gridPos"].update(d["panels"][0]["gridPos"]),
                lambda d: d["panels"][0]["fieldConfig"]["defaults"].pop("noValue"),
                lambda d: d.update(links=[]),
                lambda d: d.update(schemaVersion=41),
                lambda d: d.update(id=7),
            ],
        }
        self.assertEqual(changes.keys(), dashboard_linter.RULES.keys())
        committed = read("exporter")
        for rule, ways in changes.items():
            for number, change in enumerate(ways):
                with self.subTest(rule=rule, number=number):
                    dashboard = copy.deepcopy(committed)
                    change(dashboard)
                    found = {name for name, said in dashboard_linter.lint(dashboard).items() if said}
                    self.assertEqual(found, {rule})

    def test_the_linter_lets_good_queries_pass(self):
        import dashboard_linter

        for expr in [
            'sum(rate(x_total{job=~"$job", instance=~"$instance"}[$__rate_interval]))',
            'increase(x_total{job=~"$job", instance=~"$instance", code="500"}[$__range])',
            'max_over_time(x{instance=~"$instance", job=~"$job"}[1d])',
            "vector(1)",
        ]:
            dashboard = read("exporter")
            dashboard["panels"][0]["targets"][0]["expr"] = expr
            self.assertEqual({rule: said for rule, said in dashboard_linter.lint(dashboard).items() if said}, {})

    def test_every_metric_is_one_that_the_exporter_has(self):
        import dashboard_linter

        readme = (program.ROOT / "README.md").read_text(encoding="utf-8")
        # Prometheus' own, about the scrape.
        known = {"up", "scrape_samples_scraped", "scrape_duration_seconds", "ALERTS"}
        for name in NAMES:
            dashboard = read(name)
            asked = [target["expr"] for _, target in dashboard_linter.targets(dashboard)]
            asked += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
            self.assertTrue(asked)
            for expr in asked:
                for selector, _ in dashboard_linter.selectors(expr):
                    # A table of all facts asks for no single one.
                    if not (selector.name or "") and "__name__" in str(selector):
                        continue
                    family = selector.name.removesuffix("_bucket")
                    self.assertTrue(family in known or f"| `{family}`" in readme, f"{name}: {family}")

    def test_titles_and_addresses_differ_and_links_lead_somewhere(self):
        dashboards = {name: read(name) for name in NAMES}
        self.assertEqual(len({dashboard["uid"] for dashboard in dashboards.values()}), len(NAMES))
        self.assertEqual(len({dashboard["title"] for dashboard in dashboards.values()}), len(NAMES))
        tags = {tag for dashboard in dashboards.values() for tag in dashboard["tags"]}
        uid = dashboards["instance"]["uid"]
        for name, dashboard in dashboards.items():
            for link in dashboard["links"]:
                self.assertLessEqual(set(link["tags"]), tags)
            text = json.dumps(dashboard)
            self.assertEqual(text.count('"url": "/d/'), text.count(f'"url": "/d/{uid}/'), name)
        self.assertIn(f"/d/{uid}/", json.dumps(dashboards["fleet"]))
