"""The Debian package: judged by lintian, and installed, configured, upgraded and purged on a machine that boots."""
# needs: cargo_deb lintian nspawn rootfs

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

import program
from machine import TARGET, Exporter, OnMachine

NAME = "dcs-backup-exporter"
SERVICE = f"{NAME}.service"
VERSION = tomllib.loads((program.ROOT / "Cargo.toml").read_text())["package"]["version"]


def build(folder):
    """The package of the program that the other tests run: cargo-deb takes it for a release."""
    (folder / "release").mkdir()
    shutil.copy(Exporter.binary(), folder / "release" / NAME)
    package = folder / f"{NAME}.deb"
    result = subprocess.run(
        [TARGET / "tools/bin/cargo-deb", "--no-build", "--no-strip", "--fast", "--locked", f"--output={package}"],
        cwd=program.ROOT,
        env={**os.environ, "CARGO_TARGET_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "warning" not in result.stdout, result.stdout
    return package


def told_by(*command):
    """What a command prints; it has to go well."""
    result = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


class Packaged:
    """One package for all classes of tests here."""

    _package = None

    @classmethod
    def package(cls):
        if Packaged._package is None:
            folder = tempfile.TemporaryDirectory(prefix="package-", dir=TARGET / "tests")
            unittest.addModuleCleanup(folder.cleanup)
            Packaged._package = build(pathlib.Path(folder.name))
        return Packaged._package


class Package(Packaged, unittest.TestCase):
    def test_lintian_has_nothing_to_say(self):
        result = subprocess.run(
            [program.tool("lintian"), "--fail-on=error,warning", "--allow-root", str(self.package())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_its_fields_say_what_it_is(self):
        fields = told_by("dpkg-deb", "--field", self.package())
        self.assertIn(f"\nVersion: {VERSION}-1\n", fields)
        depends = re.search("^Depends: (.*)$", fields, re.MULTILINE).group(1)
        self.assertIn("ca-certificates", depends)
        self.assertIn("libc6", depends)
        newest = (program.ROOT / "deploy/debian/changelog").read_text().splitlines()[0]
        self.assertIn(f"({VERSION}-1)", newest, "deploy/debian/changelog needs an entry for this version")

    def test_it_holds_what_users_look_for(self):
        listed = told_by("dpkg-deb", "--contents", self.package())
        files = {line.split()[5].removeprefix(".") for line in listed.splitlines()}
        documents = f"/usr/share/doc/{NAME}"
        shared = f"/usr/share/{NAME}"
        wanted = {
            f"/usr/bin/{NAME}",
            f"/usr/lib/systemd/system/{SERVICE}",
            f"/usr/share/man/man1/{NAME}.1.gz",
            f"/usr/share/bash-completion/completions/{NAME}",
            f"/usr/share/zsh/vendor-completions/_{NAME}",
            f"/usr/share/fish/vendor_completions.d/{NAME}.fish",
            f"{documents}/copyright",
            f"{documents}/changelog.gz",
            f"{documents}/changelog.Debian.gz",
            f"{documents}/{NAME}.yml",
            *(f"{documents}/examples/{file.name}" for file in (program.ROOT / "config/examples").iterdir()),
            *(f"{documents}/runbooks/{file.name}" for file in (program.ROOT / "dashboards/runbooks").iterdir()),
            *(f"{shared}/rules/{file.name}" for file in (program.ROOT / "dashboards/rules").iterdir()),
            f"{shared}/systemd/{NAME}.socket",
            *(f"{shared}/dashboards/{file.name}" for file in (program.ROOT / "dashboards").glob("*.json")),
        }
        self.assertEqual(wanted - files, set())

    def test_bash_completes_commands_and_flags(self):
        script = program.ROOT / f"deploy/completions/{NAME}.bash"
        # `complete -p` names the function before the program.
        complete = (
            f'source "{script}"; words=($(complete -p {NAME})); function="${{words[-2]}}"; '
            f'COMP_WORDS=({NAME} "$1"); COMP_CWORD=1; "$function" {NAME} "$1" {NAME}; echo "${{COMPREPLY[@]}}"'
        )
        answers = lambda begun: told_by("bash", "-c", complete, "-", begun).split()  # noqa: E731
        self.assertEqual(set(answers("check")), {"check", "check-config"})
        self.assertIn("--web.listen-address", answers("--web."))


class Installed(Packaged, OnMachine):
    """From nothing to nothing: the steps build on each other, so they are one test."""

    def setUp(self):
        self.machine.write(f"/root/{NAME}.deb", "")
        shutil.copy(self.package(), self.machine.root / f"root/{NAME}.deb")

    def install(self):
        self.machine.run("dpkg", "--install", "--force-confdef", f"/root/{NAME}.deb")

    def files(self):
        """Everything on the machine's disk but what systemd and dpkg write down for themselves."""
        found = self.machine.run("find", "/", "-xdev", "-not", "-type", "d", "-o", "-xdev", "-name", f"*{NAME}*")
        own = re.compile(r"^/(var/(log|cache|tmp|lib/dpkg|lib/systemd)/|root/|tmp/|run/|etc/machine-id)")
        return {path for path in found.splitlines() if not own.match(path)}

    def test_it_is_installed_configured_upgraded_and_purged(self):
        machine = self.machine
        before = self.files()

        # Installed: enabled, and waiting for its configuration without a failure.
        self.install()
        self.assertEqual(machine.run("systemctl", "is-enabled", SERVICE), "enabled")
        self.assertEqual((machine.property("ActiveState"), machine.property("ConditionResult")), ("inactive", "no"))
        self.assertEqual(machine.run("systemctl", "--failed", "--no-legend", "--plain"), "")
        self.assertEqual(machine.run(NAME, "--version"), f"{NAME} {VERSION}")

        # Configured as the example says, in the cloud that is there.
        cloud = Exporter.simulate(machine)
        example = (machine.root / f"etc/{NAME}/config.example.yml").read_text()
        theirs = f"project_id: {cloud.project_id}\n    endpoint: {cloud.endpoint}\n"
        self.assertEqual(example.count("region: eu-de\n"), 1)
        machine.write(Exporter.CONFIG, example.replace("region: eu-de\n", theirs))
        machine.write(f"/etc/{NAME}/ak", cloud.access_key + "\n", 0o600)
        machine.write(f"/etc/{NAME}/sk", cloud.secret_key + "\n", 0o600)
        machine.write(f"/etc/default/{NAME}", 'ARGS="--log.level=debug --web.listen-address=127.0.0.1:10105"\n')
        machine.run("systemctl", "restart", SERVICE)
        self.wait_for("facts are served", lambda: "\ndcs_backup_last_success_age_seconds{" in machine.metrics())
        self.assertIn("level=debug", machine.journal(f"--unit={SERVICE}"), "ARGS are heeded")
        machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", SERVICE)
        # `check` by root sees with the service's eyes.
        table = machine.run(NAME, "check", f"--config.file={Exporter.CONFIG}", check=False)
        self.assertIn("orders-cache", table)

        # Upgraded: restarted, and what the administrator wrote stays.
        main = machine.property("MainPID")
        self.install()
        self.wait_for("another process serves", lambda: machine.property("MainPID") != main and machine.metrics())
        self.assertIn("--log.level=debug", (machine.root / f"etc/default/{NAME}").read_text())

        # Purged: stopped, and nothing is left but what the package does not know.
        machine.write(f"/etc/{NAME}/notes", "mine\n")
        machine.run("dpkg", "--purge", NAME)
        self.assertNotEqual(machine.run("systemctl", "is-active", SERVICE, check=False), "active")
        self.assertEqual(self.files() - before, {f"/etc/{NAME}", f"/etc/{NAME}/notes"})
        machine.run("rm", "-r", f"/etc/{NAME}")

        # And once more, without traces: installed and purged at once.
        self.install()
        machine.run("dpkg", "--purge", NAME)
        self.assertEqual(self.files() - before, set())
        self.assertEqual(machine.run("systemctl", "--failed", "--no-legend", "--plain"), "")

        self.assertEqual(machine.power_off(), 0)
