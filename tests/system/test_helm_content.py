"""What the Helm chart takes along, says and leaves alone: rules, dashboards, notes, generated files, upgrades."""

# needs: helm prometheus

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import charts
import program
import yaml
from charts import CASES, CHART, ROOT


class Content(unittest.TestCase):
    """What the chart takes along and what it says."""

    def test_the_rules_are_those_of_dashboards(self):
        manifests = charts.rendered({"demo": True, "prometheusRule": {"enabled": True}})
        rendered = {rule["metadata"]["name"]: rule["spec"] for rule in charts.of_kind(manifests, "PrometheusRule")}
        files = {file.stem: file for file in (ROOT / "dashboards/rules").glob("*.yml")}
        self.assertEqual(len(rendered), len(files))
        for name, file in files.items():
            spec = rendered[f"test-dcs-backup-exporter-{name.removeprefix('dcs-backup.')}"]
            self.assertEqual(spec, yaml.load(file.read_text(), Loader=yaml.CSafeLoader))
        self.judge([*rendered.values()])

    def judge(self, specs):
        """Feeds rules back into promtool."""
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [group for spec in specs for group in spec["groups"]]}, file)
            file.flush()
            code, out, errors = charts.run(
                [program.tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", file.name]
            )
        self.assertEqual(code, 0, out + errors)

    def test_thresholds_are_changed_and_nothing_else(self):
        manifests = charts.rendered(CASES["everything"])
        specs = [rule["spec"] for rule in charts.of_kind(manifests, "PrometheusRule")]
        self.judge(specs)
        rules = [rule for spec in specs for group in spec["groups"] for rule in group["rules"]]
        files = (ROOT / "dashboards/rules").glob("*.yml")
        shipped = [
            rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
        ]
        changed = [rule for rule in rules if rule not in shipped]
        self.assertEqual(
            [rule.get("record") or rule["alert"] for rule in changed],
            ["dcs_threshold:backup_stale_ratio:critical", "dcs_threshold:poll_lag:seconds", "OurOwn"],
        )
        self.assertEqual([rule["expr"] for rule in changed[:2]], ["vector(3)", "vector(30 * 60)"])
        self.assertEqual(len(rules), len(shipped) + 1)
        self.assertEqual(changed[2]["annotations"]["summary"], "{{ $value }} backups run at once.")

    def test_the_dashboards_are_those_of_dashboards(self):
        manifests = charts.rendered({"demo": True, "dashboards": {"enabled": True}})
        files = {
            f"dcs-backup-{file.name}": json.loads(file.read_text()) for file in (ROOT / "dashboards").glob("*.json")
        }
        seen = {}
        for config in charts.of_kind(manifests, "ConfigMap"):
            self.assertEqual(config["metadata"]["labels"]["grafana_dashboard"], "1")
            seen |= {name: json.loads(text) for name, text in config["data"].items()}
        self.assertEqual(seen, files)

    def test_the_chart_has_the_version_of_the_program(self):
        package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], package["version"])

    def test_generated_files_are_up_to_date(self):
        make = [ROOT / "deploy/helm/source/make.py", charts.got("helm", "helm"), "--check"]
        code, out, errors = charts.run([sys.executable, "-B", *make])
        self.assertEqual(code, 0, f"call deploy/helm/make, these would change:\n{out}{errors}")

    def test_every_value_is_used(self):
        sys.path.append(str(ROOT / "deploy/helm/source"))
        import values

        templates = "".join(file.read_text() for file in (CHART / "templates").iterdir())
        for value in values.read((CHART / "values.yaml").read_text()):
            name = value.path.rpartition(".")[2]
            self.assertRegex(templates, rf"\.{name}\b", f"no template uses {value.path}")

    def test_an_upgrade_changes_nothing_immutable(self):
        with tempfile.TemporaryDirectory() as folder:
            newer = f"{folder}/chart"
            subprocess.run(["cp", "-r", str(CHART), newer], check=True)
            chart = re.sub(r"(?m)^((?:appV|v)ersion: ).*", r"\g<1>9.8.7", (CHART / "Chart.yaml").read_text())
            with open(f"{newer}/Chart.yaml", "w") as file:
                file.write(chart)
            for case in ("default", "existing-secret", "sharded"):
                with self.subTest(case=case):
                    before, after = (charts.rendered(CASES[case], chart=path) for path in (CHART, newer))
                    self.assertNotEqual(before, after)
                    for old, new in zip(before, after, strict=True):
                        self.assertEqual(charts.called(old), charts.called(new))
                        labels = new["metadata"]["labels"]
                        self.assertEqual(labels["helm.sh/chart"], "dcs-backup-exporter-9.8.7")
                        if old["kind"] in ("Deployment", "StatefulSet"):
                            # Another version of the program is another image and nothing else.
                            for manifest in (old, new):
                                image = manifest["spec"]["template"]["spec"]["containers"][0].pop("image")
                            self.assertTrue(image.endswith(":9.8.7"), image)
                        self.assertEqual(old.get("spec"), new.get("spec"))

    def test_another_configuration_makes_other_pods(self):
        def annotations(**values):
            pod = charts.workload(charts.rendered({"existingSecret": "keys", **values}))["spec"]["template"]
            return pod["metadata"].get("annotations")

        self.assertNotEqual(annotations(region="eu-de"), annotations(region="eu-nl"))
        self.assertEqual(annotations(region="eu-de"), annotations(region="eu-de", shards=2))
        self.assertIsNone(annotations(region="eu-de", lifecycle={"enabled": True}), "it is reloaded instead")

    def test_notes_say_how_to_look(self):
        # Helm shows notes to those who have a cluster; here they are rendered as any template.
        with tempfile.TemporaryDirectory() as folder:
            chart = f"{folder}/chart"
            subprocess.run(["cp", "-r", str(CHART), chart], check=True)
            subprocess.run(["mv", f"{chart}/templates/NOTES.txt", f"{chart}/notes"], check=True)
            with open(f"{chart}/templates/notes.yaml", "w") as file:
                file.write('{kind: Notes, apiVersion: v1, text: {{ tpl (.Files.Get "notes") . | quote }}}')
            for case, file in CASES.items():
                with self.subTest(case=case):
                    manifests = charts.rendered(file, chart=chart)
                    notes = charts.only(manifests, "Notes")["text"]
                    main = next(service for service in charts.of_kind(manifests, "Service"))["metadata"]
                    port = charts.of_kind(manifests, "Service")[0]["spec"]["ports"][0]["port"]
                    self.assertIn(
                        f"kubectl --namespace {main['namespace']} port-forward service/{main['name']} 10105:{port}\n",
                        notes,
                    )
                    self.assertEqual("https://localhost" in notes, case in ("web", "everything"))
                    self.assertEqual("Nobody is woken yet" in notes, case != "everything")
                    self.assertNotRegex(notes, r"\n\n\n|<no value>|%!")
