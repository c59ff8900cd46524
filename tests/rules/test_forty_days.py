"""The forty days, judged: run by hand for now, `python tests/rules/test_forty_days.py`, with the tools of tests/run in PATH."""

import contextlib
import io
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/clients"), str(ROOT / "tests/rules")]

import program  # noqa: E402

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
        command = ["cargo", "build", "--locked", "--example", "forty_days"]
        built = subprocess.run(command, cwd=program.ROOT, capture_output=True, text=True, timeout=1500, check=False)
        assert built.returncode == 0, built.stderr
        cls.program = program.EXPORTER.parent / "examples/forty_days"

    def judge(self, replicas, rules=None):
        import forty_days

        with contextlib.redirect_stdout(io.StringIO()) as output:
            wrong, odd, _ = forty_days.main(self.program, replicas, rules)
        return wrong, odd, output.getvalue()

    def test_one_replica_without_a_wrong_page(self):
        wrong, odd, output = self.judge(["a"])
        self.assertEqual((wrong, odd), ([], []), output)

    def test_two_replicas_without_a_wrong_page(self):
        wrong, odd, output = self.judge(["a", "b"])
        self.assertEqual((wrong, odd), ([], []), output)

    def test_the_oracle_sees_what_is_wrong_with_naive_rules(self):
        wrong, _, output = self.judge(["a", "b"], NAIVE)
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
            self.assertIn(expected, found, output)


if __name__ == "__main__":
    unittest.main()
