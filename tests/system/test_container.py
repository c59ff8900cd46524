"""The image: built by the Dockerfile's own steps, and run as confined as compose.yml and the chart run it."""
# needs: linters images

import pathlib
import re
import struct
import unittest

import compose
import images
import program
import tls
from program import ROOT, get, wait_for

BINARY = "bin/dcs-backup-exporter"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
STATE = "var/lib/dcs-backup-exporter"


def variables(**values):
    """Options that set variables of the environment."""
    return [f"--env={name}={value}" for name, value in values.items()]


def account(cloud, endpoint):
    """The variables that compose.cloud.yml hands on."""
    values = {
        "DCS_EXPORTER_REGION": "eu-de",
        "DCS_EXPORTER_ENDPOINT": endpoint,
        "HUAWEICLOUD_SDK_AK": cloud.access_key,
        "HUAWEICLOUD_SDK_SK": cloud.secret_key,
        "HUAWEICLOUD_SDK_PROJECT_ID": cloud.project_id,
    }
    assert values.keys() <= compose.services(compose.CLOUD)["exporter"]["environment"].keys()
    return variables(**values)


def segments(binary):
    """The types of an ELF file's program headers."""
    assert binary[:6] == b"\x7fELF\x02\x01", binary[:6]
    start, size, count = struct.unpack_from("<Q", binary, 32) + struct.unpack_from("<HH", binary, 54)
    return [struct.unpack_from("<I", binary, start + index * size)[0] for index in range(count)]


class Dockerfile(unittest.TestCase):
    def test_hadolint_has_nothing_to_say(self):
        code, said = images.run(str(images.TARGET / "tools/linters/bin/hadolint"), str(ROOT / "Dockerfile"))
        self.assertEqual((code, said), (0, ""))

    def test_its_compiler_is_the_workflows(self):
        version = re.search(r'RUST_VERSION: "([\d.]+)"', (ROOT / ".github/workflows/release.yml").read_text()).group(1)
        self.assertIn(f"/rust:{version}-", (ROOT / "Dockerfile").read_text())

    def test_no_more_is_sent_to_the_builder_than_is_copied(self):
        kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        copied = set()
        for line in (ROOT / "Dockerfile").read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                copied |= set(line.split()[1:-1])
        self.assertEqual(kept, copied)


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.image = images.build()

    def test_it_holds_the_program_and_what_it_needs(self):
        with images.contents(self.image) as tar:
            files = {entry.name.strip("/"): entry for entry in tar}
            # Made by podman as mount points.
            made = {"etc/hosts", "etc/resolv.conf", "etc/hostname", "run/.containerenv"}
            found = {name for name, entry in files.items() if entry.isfile()} - made
            licence = "usr/share/licenses/dcs-backup-exporter/LICENSE"
            self.assertEqual(found, {BINARY, BUNDLE, licence})
            self.assertEqual(tar.extractfile(licence).read(), (ROOT / "LICENSE").read_bytes())
            self.assertGreater(tar.extractfile(BUNDLE).read().count(b"BEGIN CERTIFICATE"), 100)
            binary = tar.extractfile(BINARY).read()
        for name in found:
            self.assertEqual((files[name].uid, files[name].mode & 0o022), (0, 0), name)
        state = files[STATE]
        self.assertEqual((state.uid, state.gid, state.mode & 0o7777), (images.USER, images.USER, 0o700))
        # 3: the loader of a program that is linked dynamically.
        self.assertNotIn(3, segments(binary))
        self.assertIn(3, segments(pathlib.Path("/bin/sh").read_bytes()))

    def test_it_says_what_it_is(self):
        told = images.inspect(self.image)
        config = told["Config"]
        self.assertEqual(config["User"], f"{images.USER}:{images.USER}")
        self.assertEqual(config["Entrypoint"], [f"/{BINARY}"])
        self.assertEqual(list(config["ExposedPorts"]), ["10105/tcp"])
        for label in ("title", "description", "source", "licenses"):
            self.assertTrue(config["Labels"][f"org.opencontainers.image.{label}"])
        # Nothing of the building machine.
        self.assertEqual([name for name in config.get("Env", []) if not name.startswith("PATH=")], [])

    def test_it_tells_its_version(self):
        version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
        self.assertEqual(images.once("--version"), (0, f"dcs-backup-exporter {version}\n"))

    def test_it_checks_a_configuration(self):
        mounted = ["--volume={}:/config.yml:ro".format(ROOT / "config/examples/open-telekom-cloud-user.yml")]
        code, said = images.once("check-config", "--config.file=/config.yml", options=mounted)
        # Its password file is not mounted.
        self.assertEqual(code, 3, said)
        self.assertIn("/config.yml", said)
        code, said = images.once(
            "check-config",
            options=variables(DCS_EXPORTER_REGION="eu-de", HUAWEICLOUD_SDK_AK="a", HUAWEICLOUD_SDK_SK="b"),
        )
        self.assertEqual(code, 0, said)

    def test_the_daemon_serves_keeps_its_facts_and_ends(self):
        name = "dcs-backup-exporter-test"
        storage = [
            f"--volume={name}:/{STATE}",
            *variables(DCS_EXPORTER_STORAGE__PATH=f"/{STATE}", DCS_EXPORTER_STORAGE__INTERVAL="1s"),
        ]
        # Of a StatefulSet's second pod.
        shard = ["--hostname=exporter-1", *variables(DCS_EXPORTER_SHARD__ORDINAL="auto", DCS_EXPORTER_SHARD__TOTAL="2")]
        with images.volume(name) as folder:
            with program.simulate("--instances=20") as (cloud, _):
                options = [*storage, *shard, *account(cloud, cloud.endpoint)]
                with images.container("--web.listen-address=127.0.0.1:0", options=options) as server:
                    self._serves(program.base_url(server))
                    wait_for(
                        "facts are stored",
                        lambda: any(path.stat().st_size for path in folder.iterdir() if path.is_file()),
                    )
                    self.assertEqual(server.stop(), 0, server.output)
                    self.assertIn("SIGTERM", server.output)
                    self.assertNotIn("level=error", server.output)
            for path in [folder, *folder.rglob("*")]:
                self.assertEqual((path.stat().st_uid, path.stat().st_mode & 0o077), (images.USER, 0), path)
            # The cloud is gone; what was stored is there again at once.
            with images.container("--web.listen-address=127.0.0.1:0", options=options) as server:
                url = program.base_url(server)
                program.wait_until_ready(url)
                self.assertIn("dcs_backup_last_success_timestamp_seconds{", get(f"{url}/metrics")[2])
                self.assertEqual(server.stop(), 0, server.output)

    def _serves(self, url):
        program.wait_until_ready(url)
        self.assertEqual(get(f"{url}/-/healthy")[0], 200)
        text = wait_for("there are backups", lambda: self._scrape(url, "dcs_backup_last_success_timestamp_seconds{"))
        self.assertRegex(text, r'dcs_exporter_build_info\{.*revision="tested".*\} 1')
        self.assertRegex(text, r'rustversion="\d+\.\d+\.\d+"')
        self.assertRegex(text, r"(?m)^dcs_exporter_shard_ordinal 1$")
        for process in ("cpu_seconds_total", "open_fds", "resident_memory_bytes", "start_time_seconds", "threads"):
            self.assertRegex(text, rf"(?m)^process_{process} [1-9\d]")

    def _scrape(self, url, holds):
        status, _, text = get(f"{url}/metrics")
        return text if status == 200 and holds in text else None

    def test_the_clouds_certificate_is_checked_against_the_bundle(self):
        with (
            program.simulate("--instances=3", "--speed=1") as (cloud, _),
            tls.relay(cloud.endpoint) as (port, authority),
        ):
            # Names are resolved as in any container, by /etc/hosts first.
            options = [f"--add-host={tls.NAME}:127.0.0.1", *account(cloud, f"https://{tls.NAME}:{port}")]
            code, said = images.once("check", options=options)
            self.assertEqual(code, 2, said)
            self.assertIn("UnknownIssuer", said)
            self.assertIn("no instance known", said)

            # With the same file trusted in the bundle's place: that is where it is looked for.
            replaced = [f"--volume={authority}:/{BUNDLE}:ro"]
            code, said = images.once("check", "--output=json", options=[*options, *replaced])
            self.assertNotIn("UnknownIssuer", said)
            self.assertNotIn("no instance known", said)
            self.assertIn('"instance_id"', said)

            # And without one nobody is trusted, in words.
            code, said = images.once(
                "check", options=[*options, *variables(SSL_CERT_FILE="/nowhere", SSL_CERT_DIR="/nowhere")]
            )
            self.assertEqual(code, 1, said)
            self.assertIn("No CA certificates", said)

            code, said = images.once("check", options=account(cloud, f"https://nowhere.invalid:{port}"))
            self.assertEqual(code, 2, said)
            self.assertIn("cannot be resolved", said)

    def test_the_demo_runs_as_in_the_compose_file(self):
        service = compose.services()["exporter"]
        self.assertEqual(service["command"], ["demo", "--web.listen-address=:10105"])
        with images.container("demo", "--web.listen-address=:0") as server:
            # It says where, and that is reached from outside of the container.
            port = server.says(r"msg=listening .*\baddress=\S*:(\d+)").group(1)
            url = f"http://127.0.0.1:{port}"
            program.wait_until_ready(url)
            self.assertEqual(get(f"{url}/")[0], 200)
            self.assertIsNotNone(wait_for("it has instances", lambda: self._scrape(url, "dcs_instance_info{")))
            self.assertEqual(server.stop(), 0, server.output)
