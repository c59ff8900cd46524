"""What is under deploy/ for Prometheus, judged by promtool."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import program

sys.path.insert(0, str(program.ROOT / "tests/rules"))

SHIPPED = program.ROOT / "deploy/prometheus/prometheus.yml"


def checked(file):
    """Exit code and words of promtool about a configuration and the rules it names."""
    result = subprocess.run(
        [program.tool("promtool"), "check", "config", "--lint=all", "--lint-fatal", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


class Deployment(unittest.TestCase):
    def test_promtool_accepts_the_scrape_configuration(self):
        files = sorted((program.ROOT / "deploy").rglob("prometheus*.yml"))
        self.assertIn(SHIPPED, files)
        for file in files:
            code, said = checked(file)
            self.assertEqual(code, 0, said)

    def assert_all_rules_are_found(self, file):
        import promtool

        code, said = checked(file)
        self.assertEqual(code, 0, said)
        self.assertIn(f"{len(promtool.FILES)} rule files found", said)
        found = [int(line.split()[1]) for line in said.splitlines() if line.strip().endswith("rules found")]
        self.assertEqual(sum(found), len(promtool.rules()), said)

    def test_prometheus_loads_all_rules_from_the_repository(self):
        self.assert_all_rules_are_found(SHIPPED)

    def test_prometheus_loads_all_rules_in_a_container(self):
        import promtool

        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder, "etc/prometheus")
            shutil.copytree(promtool.FOLDER, folder / "rules")
            shutil.copy(SHIPPED, folder)
            self.assert_all_rules_are_found(folder / SHIPPED.name)

    def test_prometheus_tells_alertmanager_and_names_the_job_as_the_rules_do(self):
        import promtool
        import yaml

        config = yaml.safe_load(SHIPPED.read_text())
        self.assertTrue(config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"])
        [job] = config["scrape_configs"]
        [down] = [rule for rule in promtool.rules() if rule.get("alert") == "DcsExporterDown"]
        self.assertIn(f'up{{job="{job["job_name"]}"}}', down["expr"])
