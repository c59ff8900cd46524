"""A Debian machine in a container: systemd is its first process, its network is loopback alone.

It is made anew for each class of tests from what `tests/run --get rootfs` keeps, and goes away with it.
"""

import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import program

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", program.ROOT / "target")).resolve()
ROOTFS = TARGET / "tools/rootfs/rootfs.tar"
# What a command may take, and a start of the machine on a busy one.
PATIENCE = 60
BOOT = 180


class Machine:
    """The container; `with` starts it and takes it away."""

    def __init__(self):
        assert os.geteuid() == 0, "a machine that boots needs root: run tests/run as root"
        assert ROOTFS.is_file(), f"{ROOTFS} is not there: tests/run gets it, or says why it could not"
        (TARGET / "tests").mkdir(parents=True, exist_ok=True)
        # A name of its own: several checkouts may test at once.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=TARGET / "tests"))
        self.console = self.folder / "console.log"
        self.root = self.folder / "root"
        self._nspawn = None
        self._init = None

    def __enter__(self):
        try:
            self.root.mkdir()
            subprocess.run(["tar", "-xf", ROOTFS, "-C", self.root], check=True, timeout=BOOT)
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(AssertionError):
            self.power_off()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _boot(self):
        command = [
            program.tool("systemd-nspawn"), "--quiet", f"--directory={self.root}", f"--machine=dcs-{os.getpid()}",
            "--register=no", "--keep-unit", "--private-network", "--link-journal=no", "--boot",
        ]  # fmt: skip
        with self.console.open("wb") as console:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            program.wait_for("the machine starts", self._is_up, BOOT)
        except (AssertionError, SystemError) as error:
            raise AssertionError(f"{error}\n{self.console.read_text(errors='replace')[-4000:]}") from None

    def _is_up(self):
        if self._nspawn.poll() is not None:
            raise SystemError(f"systemd-nspawn has ended with {self._nspawn.returncode}")
        children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        self._init = [pid for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n"][0]
        return self.run("systemctl", "is-system-running", check=False) in ("running", "degraded")

    def run(self, *command, check=True, seconds=PATIENCE):
        """What a command prints on the machine, both streams; by default it has to go well."""
        result = subprocess.run(
            ["nsenter", f"--target={self._init}", "--all", "--", *map(str, command)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        told = result.stdout.strip()
        assert result.returncode == 0 or not check, f"{' '.join(map(str, command))}: {result.returncode}\n{told}"
        return told

    def write(self, path, text, mode=0o644):
        """A file, as an editor leaves it: there as a whole."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.new")
        draft.write_text(text)
        draft.chmod(mode)
        draft.rename(file)

    def property(self, name, unit="dcs-backup-exporter.service"):
        """A property of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit)

    def journal(self, *arguments):
        """What services have told."""
        return self.run("journalctl", "--no-pager", "--output=cat", *arguments, check=False)

    def metrics(self):
        """A scrape from inside."""
        return self.run("curl", "--silent", "--show-error", "--fail", "http://127.0.0.1:10105/metrics")

    def power_off(self):
        """Shuts it down in an orderly way; returns the exit code of the container, which is 0 then."""
        if self._nspawn is None:
            return None
        if self._init and self._nspawn.poll() is None:
            # The answer may get lost in the shutdown.
            self.run("systemctl", "--no-block", "poweroff", check=False)
        try:
            # One that has not come up cannot be asked.
            return self._nspawn.wait(PATIENCE if self._init else 0)
        except subprocess.TimeoutExpired:
            told = self.console.read_text(errors="replace")[-4000:]
            raise AssertionError(f"the machine does not power off\n{told}") from None
        finally:
            if self._nspawn.poll() is None:
                if self._init:
                    os.kill(int(self._init), signal.SIGKILL)
                self._nspawn.kill()
                self._nspawn.wait()
            self._nspawn = None


class OnMachine(unittest.TestCase):
    """Tests on one machine; whoever fails tells what the machine's services told."""

    @classmethod
    def setUpClass(cls):
        cls.machine = cls.enterClassContext(Machine())

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        for name, method in list(vars(cls).items()):
            if name.startswith("test_"):
                setattr(cls, name, _with_journal(method))

    def wait_for(self, what, ask, seconds=PATIENCE):
        """`program.wait_for`, on the machine."""
        return program.wait_for(what, ask, seconds)

    def within(self, seconds, what, *command):
        """Runs a command that has to go well in this time."""
        begin = time.monotonic()
        told = self.machine.run(*command)
        took = time.monotonic() - begin
        self.assertLess(took, seconds, what)
        return told


def _with_journal(method):
    @functools.wraps(method)
    def test(self):
        try:
            method(self)
        except (AssertionError, subprocess.SubprocessError) as error:
            status = self.machine.run("systemctl", "status", "--no-pager", "dcs-backup-exporter", check=False)
            journal = self.machine.journal("--output=short", "--lines=60")
            raise AssertionError(f"{error}\n{status}\n--- journal ---\n{journal}") from error

    return test


class Exporter:
    """The program where a package would put it, small enough to be copied, and what the tests configure."""

    BINARY = TARGET / "tests/stripped-dcs-backup-exporter"
    CONFIG = "/etc/dcs-backup-exporter/config.yml"
    KEYS = "/run/credentials/dcs-backup-exporter.service"

    @classmethod
    def binary(cls):
        """The program that was built, without what debuggers need: a tenth of its size."""
        if not cls.BINARY.is_file() or cls.BINARY.stat().st_mtime < program.EXPORTER.stat().st_mtime:
            draft = cls.BINARY.with_suffix(f".{os.getpid()}")
            subprocess.run([program.tool("strip"), "-o", draft, program.EXPORTER], check=True, timeout=PATIENCE)
            draft.rename(cls.BINARY)
        return cls.BINARY

    @staticmethod
    def simulate(machine):
        """Starts the simulated cloud there; returns how to reach it."""
        machine.run("systemd-run", "--quiet", "--unit=cloud", "/usr/bin/dcs-backup-exporter", "simulate")
        return program.wait_for("the simulated cloud listens", lambda: _banner(machine.journal("--unit=cloud")))

    @classmethod
    def configuration(cls, cloud, more="", endpoint=None):
        """A configuration that watches it with the keys that systemd hands over."""
        return (
            f"projects:\n- name: prod\n  project_id: {cloud.project_id}\n  endpoint: {endpoint or cloud.endpoint}\n"
            "  credentials: keys\n  limits: { requests_per_second: 100, burst: 100, concurrency: 8 }\n"
            f"credentials: {{ keys: {{ access_key_file: {cls.KEYS}/ak, secret_key_file: {cls.KEYS}/sk }} }}\n"
            f"storage: {{ path: /var/lib/dcs-backup-exporter, interval: 1s }}\n{more}"
        )

    @classmethod
    def configure(cls, machine, cloud, **options):
        """Writes configuration and keys as an administrator would."""
        machine.write(cls.CONFIG, cls.configuration(cloud, **options))
        machine.write("/etc/dcs-backup-exporter/ak", cloud.access_key + "\n", 0o600)
        machine.write("/etc/dcs-backup-exporter/sk", cloud.secret_key + "\n", 0o600)


def _banner(text):
    matches = [program.re.search(pattern, text) for pattern in program.BANNER]
    return all(matches) and program.Cloud(*(match.group(1) for match in matches))
