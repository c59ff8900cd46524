"""Debian's promtool checks the rules under dashboards/rules/ and runs their unit tests, which lie in tests/rules/."""

import collections
import concurrent.futures
import subprocess
import sys
import unittest

import program

sys.path.insert(0, str(program.ROOT / "tests/rules"))

# promtool is as fast as one processor.
AT_ONCE = 2


class Rules(unittest.TestCase):
    def test_promtool_finds_nothing_to_say_about_the_rules(self):
        files = sorted((program.ROOT / "dashboards/rules").glob("*.yml"))
        self.assertGreaterEqual(len(files), 2)
        result = subprocess.run(
            [program.tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *map(str, files)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)

    def test_every_alert_fires_stays_silent_and_resolves(self):
        import check
        import promtool

        rules = promtool.rules()
        cases = check.cases()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            said = pool.map(lambda case: promtool.run([case], promtool.needed(rules, case.alert)), cases)
            for case, problem in zip(cases, said, strict=True):
                with self.subTest(f"{case.alert}: {case.title}"):
                    self.assertIsNone(problem, problem)

    def test_every_alert_has_all_three_kinds_of_cases_and_a_description(self):
        import check
        import promtool

        cases = collections.defaultdict(list)
        for case in check.cases():
            cases[case.alert].append(case)
        alerts = {rule["alert"] for rule in promtool.rules() if "alert" in rule}
        self.assertEqual(alerts, {name for name in cases if ":" not in name})
        # These cannot resolve in a test: one never does, the other does when the files are loaded.
        always = {"DcsWatchdog", "DcsRecordingRulesMissing"}
        for alert in alerts - always:
            with self.subTest(alert):
                self.assertTrue(any(not any(case.at.values()) for case in cases[alert]), "none stays silent throughout")
                self.assertTrue(any(case.says for case in cases[alert]), "none reads the description")
                courses = [[case.at[minute] for minute in sorted(case.at)] for case in cases[alert]]
                self.assertTrue(any("" in course and any(course) for course in courses), "none begins to fire")
                self.assertTrue(any(any(course) and not course[-1] for course in courses), "none resolves")

    def test_the_readme_lists_alerts_and_thresholds_as_they_are(self):
        import tables

        self.assertEqual(tables.README.read_text(), tables.written(), "write it anew: tests/rules/tables.py --write")
