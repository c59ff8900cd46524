"""What is under deploy/ for Prometheus, judged by promtool."""

import subprocess
import unittest

import program


class Deployment(unittest.TestCase):
    def test_promtool_accepts_the_scrape_configuration(self):
        for file in sorted((program.ROOT / "deploy").rglob("prometheus*.yml")):
            result = subprocess.run(
                [program.tool("promtool"), "check", "config", "--lint=all", "--lint-fatal", str(file)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
