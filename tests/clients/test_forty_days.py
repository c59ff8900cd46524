"""Forty days of a fleet, judged: what Prometheus' own engine makes of the shipped rules (tests/rules/forty_days.py).

The two replicas live through them once, and all rules are evaluated beside each other: Debian's promtool takes minutes.
"""

import subprocess
import sys
import unittest

import program

sys.path.insert(0, str(program.ROOT / "tests/rules"))

# What is written first, and wrong: none of it knows of outages, lost keys, single nodes or what nobody could see.
NAIVE = [
    {
        "alert": "DcsBackupStale",
        "expr": "max by (project, instance_id) (time() - dcs_backup_last_success_timestamp_seconds)"
        " / max by (project, instance_id) (dcs_backup_rpo_seconds) > 1",
        "for": "15m",
        "labels": {"severity": "warning"},
    },
    {
        "alert": "DcsBackupLastAttemptFailed",
        "expr": "min by (project, instance_id) (dcs_backup_last_attempt_success) == 0",
        "labels": {"severity": "warning"},
    },
    {
        "alert": "DcsRestoreFailed",
        "expr": "time() - max by (project, instance_id) (dcs_restore_last_failure_timestamp_seconds) < 6 * 3600",
        "labels": {"severity": "critical"},
    },
    {
        "alert": "DcsBackupNeverSucceeded",
        "expr": "max by (project, instance_id) (dcs_backup_policy_enabled) == 1"
        " unless max by (project, instance_id) (dcs_backup_last_success_timestamp_seconds)",
        "labels": {"severity": "critical"},
    },
    {
        "alert": "DcsInstancesDisappeared",
        "expr": "max by (project) (dcs_project_missing_instances) / max by (project) (dcs_project_instances) > 0.5",
        "labels": {"severity": "critical"},
    },
]


class FortyDays(unittest.TestCase):
    """The exporter's own poller lives through them; the oracle judges what Prometheus makes of that."""

    @classmethod
    def setUpClass(cls):
        import forty_days
        import promtool

        command = ["cargo", "build", "--locked", "--example", "forty_days"]
        built = subprocess.run(command, cwd=program.ROOT, capture_output=True, text=True, timeout=1500, check=False)
        assert built.returncode == 0, built.stderr
        # The one that judges is found before it is needed.
        program.tool("promtool")
        shipped = promtool.rules()
        shown = forty_days.live(program.EXPORTER.parent / "examples/forty_days", ["a", "b"], shipped, NAIVE)
        a, b = shown["a"], shown["b"]
        cls.two, cls.one, cls.naive = forty_days.judge(([a, b], shipped), ([a], shipped), ([a, b], NAIVE))

    def test_one_replica_without_a_wrong_page(self):
        wrong, odd, text = self.one
        self.assertEqual((wrong, odd), ([], []), text)

    def test_two_replicas_without_a_wrong_page(self):
        wrong, odd, text = self.two
        self.assertEqual((wrong, odd), ([], []), text)

    def test_the_oracle_sees_what_is_wrong_with_naive_rules(self):
        wrong, _, text = self.naive
        found = {(key[0], what) for key, what, _ in wrong}
        for expected in [
            ("DcsBackupStale", "false"),
            ("DcsBackupStale", "missed"),
            ("DcsBackupLastAttemptFailed", "false"),
            ("DcsRestoreFailed", "missed"),
            ("DcsBackupNeverSucceeded", "false"),
            ("DcsInstancesDisappeared", "missed"),
            # Of all others there is no rule at all.
            ("DcsBackupSlotMissed", "missed"),
            ("DcsProjectDataStale", "missed"),
        ]:
            self.assertIn(expected, found, text)
