"""The units of deploy/systemd: judged by systemd-analyze, and at work on a machine that boots."""
# needs: nspawn rootfs

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import program
from machine import Exporter, OnMachine

UNITS = program.ROOT / "deploy/systemd"
SERVICE = "dcs-backup-exporter.service"
SOCKET = "dcs-backup-exporter.socket"
FILES = [UNITS / SERVICE, UNITS / "optional" / SOCKET]
# As `systemd-analyze security` counts, in tenths: 1.5 of 10.
EXPOSURE = 15


def analyze(*arguments):
    return subprocess.run(
        [program.tool("systemd-analyze"), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


class UnitFiles(unittest.TestCase):
    def verify(self, change=lambda text: text):
        """What `systemd-analyze verify` says of the units with the program of this checkout; it exits with 0 even where
        it does not know a key."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, file.name) for file in FILES]
            for file, path in zip(FILES, paths, strict=True):
                text = change(file.read_text())
                path.write_text(text.replace("/usr/bin/dcs-backup-exporter", str(program.EXPORTER)))
            return "".join(analyze("verify", "--man=no", path).stdout for path in paths)

    def test_systemd_understands_every_line(self):
        self.assertEqual(self.verify(), "")

    def test_a_misspelt_key_would_be_noticed(self):
        told = self.verify(lambda text: text.replace("\nUMask=", "\nUMaks="))
        self.assertIn("UMaks", told)

    def test_the_service_is_exposed_little(self):
        result = analyze("security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", UNITS / SERVICE)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("Overall exposure level", result.stdout)


class Service(OnMachine):
    """The service as README's way by hand installs it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machine = cls.machine
        shutil.copy(Exporter.binary(), machine.root / "usr/bin/dcs-backup-exporter")
        for file in FILES:
            shutil.copy(file, machine.root / "etc/systemd/system")
        # Half a minute of silence is long for a test.
        machine.write(f"/etc/systemd/system/{SERVICE}.d/test.conf", "[Service]\nWatchdogSec=5s\n")
        machine.run("systemctl", "daemon-reload")
        cls.cloud = Exporter.simulate(machine)

    def setUp(self):
        Exporter.configure(self.machine, self.cloud)
        self.machine.run("systemctl", "reset-failed", check=False)
        self.machine.run("systemctl", "stop", SERVICE)

    def start(self):
        """Starts the service and waits until it has asked the cloud for everything."""
        self.machine.run("systemctl", "start", SERVICE)
        self.wait_for("all instances are watched", lambda: self.sample("dcs_exporter_instances_watched{") > 5)
        self.wait_for("some are known", lambda: "\ndcs_backup_last_success_age_seconds{" in self.machine.metrics())

    def sample(self, series):
        lines = [line for line in self.machine.metrics().splitlines() if line.startswith(series)]
        self.assertEqual(len(lines), 1, f"{series}: {lines}")
        return float(lines[0].rsplit(" ", 1)[1])

    def successes(self):
        series = "dcs_backup_last_success_timestamp_seconds{"
        return [line for line in self.machine.metrics().splitlines() if line.startswith(series)]

    def test_a_start_does_not_wait_for_the_cloud(self):
        Exporter.configure(self.machine, self.cloud, endpoint="http://127.0.0.1:9")
        self.within(20, "ready once it listens", "systemctl", "start", SERVICE)
        self.assertEqual(self.machine.property("ActiveState"), "active")
        self.wait_for(
            "the status tells of the trouble",
            lambda: "1 project cannot be asked or listed" in self.machine.property("StatusText"),
        )

    def test_an_unprivileged_user_serves_with_keys_that_root_alone_can_read(self):
        self.start()
        self.assertEqual(self.sample("dcs_project_up{"), 1)
        self.assertGreater(self.sample("dcs_exporter_instances_watched{"), 5)
        told = self.machine.property("StatusText")
        self.assertRegex(told, r"^watching \d+ instances? in 1 project; configuration of 20")
        main = self.machine.property("MainPID")
        status = self.machine.run("cat", f"/proc/{main}/status")
        self.assertRegex(status, r"Uid:\t6\d{4}\t", "a user of its own, made at the start")
        self.assertRegex(status, r"CapEff:\t0{16}\n")
        self.assertRegex(status, r"NoNewPrivs:\t1\n")
        self.assertRegex(status, r"Seccomp:\t2\n")
        self.assertNotIn("dcs-backup", self.machine.run("cat", "/etc/passwd"))
        self.assertNotIn(self.cloud.secret_key, self.machine.journal("--unit=dcs-backup-exporter"))
        self.assertNotIn(self.cloud.secret_key, self.machine.run("systemctl", "show", SERVICE))

    def test_a_reload_changes_the_configuration(self):
        self.start()
        main = self.machine.property("MainPID")
        before = self.sample("dcs_exporter_instances_watched{")
        instance = program.re.search(r'instance_id="([^"]+)"', self.machine.metrics()).group(1)
        by_hand = Exporter.configuration(self.cloud).replace(
            "  credentials: keys\n", f"  credentials: keys\n  instances: [{{ id: {instance} }}]\n", 1
        )
        self.machine.write(Exporter.CONFIG, by_hand)
        self.machine.run("systemctl", "reload", SERVICE)
        self.wait_for("one instance is left", lambda: self.sample("dcs_exporter_instances_watched{") == 1 < before)
        self.wait_for("the unit is active again", lambda: self.machine.property("ActiveState") == "active")

        self.machine.write(Exporter.CONFIG, by_hand.replace("projects:", "porjects:"))
        self.machine.run("systemctl", "reload", SERVICE, check=False)
        self.wait_for(
            "the status tells of the mistake",
            lambda: program.re.search("not reloaded at .*: .*porjects", self.machine.property("StatusText")),
        )
        self.assertEqual(self.sample("dcs_exporter_config_last_reload_successful"), 0)
        self.assertEqual(self.sample("dcs_exporter_instances_watched{"), 1)
        self.assertEqual(self.machine.property("MainPID"), main)

    def test_keys_are_copied_at_the_start(self):
        self.start()
        self.machine.write("/etc/dcs-backup-exporter/sk", "another\n", 0o600)
        self.machine.run("systemctl", "reload", SERVICE)
        copy = f"{Exporter.KEYS}/sk"
        self.assertEqual(self.machine.run("cat", copy), self.cloud.secret_key)
        self.machine.run("systemctl", "restart", SERVICE)
        self.assertEqual(self.machine.run("cat", copy), "another")
        self.wait_for("the new key is refused", lambda: self.sample("dcs_project_up{") == 0)

    def test_keys_that_are_missing_are_named(self):
        self.machine.run("rm", "/etc/dcs-backup-exporter/ak")
        since = self.machine.run("date", "+@%s.%N")
        self.machine.run("systemctl", "start", SERVICE, check=False)
        self.assertIn(f'"{Exporter.KEYS}/ak" is empty', self.machine.journal(f"--unit={SERVICE}", f"--since={since}"))
        self.assertEqual(self.machine.property("ExecMainStatus"), "3")

    def test_the_watchdog_restarts_a_process_that_stands_still(self):
        self.start()
        main = self.machine.property("MainPID")
        since = self.machine.run("date", "+@%s.%N")
        self.machine.run("kill", "-s", "STOP", main)
        self.wait_for(
            "another process serves",
            lambda: self.machine.property("MainPID") not in (main, "0") and self.sample("dcs_project_up{") == 1,
        )
        self.assertIn("Watchdog timeout", self.machine.journal(f"--unit={SERVICE}", f"--since={since}"))
        self.assertGreaterEqual(int(self.machine.property("NRestarts")), 1)

    def test_the_watchdog_leaves_an_idle_exporter_alone(self):
        quiet = "polling: { idle_interval: 12h, window_interval: 12h, active_interval: 12h, policy_interval: 12h }\n"
        Exporter.configure(self.machine, self.cloud, more=quiet)
        self.start()
        main = self.machine.property("MainPID")
        fed = lambda: int(self.machine.property("WatchdogTimestampMonotonic"))  # noqa: E731
        begin = fed()
        self.wait_for("three times the watchdog's time have passed", lambda: fed() > begin + 15_000_000)
        self.assertEqual((self.machine.property("MainPID"), self.machine.property("NRestarts")), (main, "0"))

    def test_facts_survive_a_restart(self):
        self.start()
        # From here on nothing changes any more.
        self.machine.run("systemctl", "stop", "cloud")
        try:
            known = self.successes()
            self.assertNotEqual(known, [])
            self.machine.run("systemctl", "restart", SERVICE)
            self.assertEqual(self.successes(), known)
        finally:
            type(self).cloud = Exporter.simulate(self.machine)
        folder = "/var/lib/private/dcs-backup-exporter"
        self.assertEqual(self.machine.run("readlink", "-f", "/var/lib/dcs-backup-exporter"), folder)
        self.assertEqual(self.machine.run("stat", "--format=%a", folder), "700")

    def test_a_stop_takes_seconds_and_is_none_of_failure(self):
        self.start()
        self.within(15, "within the time that it gives itself", "systemctl", "stop", SERVICE)
        self.assertEqual(self.machine.property("Result"), "success")
        self.assertEqual(self.machine.property("ExecMainStatus"), "0")
        self.assertEqual(self.machine.property("ActiveState"), "inactive")

    def test_a_wrong_configuration_is_told_once(self):
        self.machine.write(Exporter.CONFIG, "porjects: []\n")
        since = self.machine.run("date", "+@%s.%N")
        self.machine.run("systemctl", "start", SERVICE, check=False)
        # Whatever is restarted is `activating (auto-restart)` here.
        self.assertEqual(self.machine.property("SubState"), "failed")
        self.assertEqual(self.machine.property("ExecMainStatus"), "3")
        self.assertEqual(self.machine.property("NRestarts"), "0")
        self.assertIn("porjects", self.machine.journal(f"--unit={SERVICE}", f"--since={since}"))

    def test_without_a_configuration_nothing_is_started_and_nothing_fails(self):
        self.machine.run("rm", Exporter.CONFIG)
        self.machine.run("systemctl", "start", SERVICE)
        self.assertEqual(self.machine.property("ConditionResult"), "no")
        self.assertEqual(self.machine.property("ActiveState"), "inactive")

    def test_the_socket_hands_over_the_port(self):
        refusal = self.machine.run("dcs-backup-exporter", "--web.systemd-socket", check=False)
        self.machine.write("/etc/default/dcs-backup-exporter", "ARGS=--web.systemd-socket\n")
        try:
            if "not built yet" in refusal:
                # The flag is refused, and says so: the unit waits for it.
                self.machine.run("systemctl", "start", SERVICE, check=False)
                self.assertEqual(self.machine.property("ExecMainStatus"), "3")
                return
            self.machine.run("systemctl", "start", SOCKET)
            self.wait_for("a scrape starts the exporter", lambda: "dcs_exporter_build_info" in self.machine.metrics())
            self.assertEqual(self.machine.property("ActiveState"), "active")
            self.machine.run("systemctl", "restart", SERVICE)
            self.machine.metrics()
        finally:
            self.machine.run("rm", "/etc/default/dcs-backup-exporter")
            self.machine.run("systemctl", "stop", SOCKET, check=False)
