"""What the chart renders, run: the container's arguments, variables and files, against a simulated cloud."""

# needs: helm kustomize prometheus

import contextlib
import re
import tempfile
import unittest

import charts
import pods
import program
import yaml
from charts import CASES

KEYS = {"access_key": "AK", "secret_key": "SK", "ak": "AK", "sk": "SK", "token": "T"}
# What others make in the cases, by its name.
GIVEN = {
    "dcs-keys": KEYS,
    "dcs-backup-exporter-credentials": KEYS,
    "dcs-configuration": {"exporter.yml": "projects: [{ name: a, region: eu-de }]"},
    "dcs-backup-exporter-tls": {},
    "private-ca": {},
}
INSTANCES = 30
# What the simulated cloud takes of a service account.
ID_TOKEN = "simulated-header.simulated-claims.simulated-signature"
ACCOUNT = "iam::51a0000000000000000000000000a001"
PROVIDER = {"idpId": "simulated-idp"}
AGENCY = {"providerUrn": f"{ACCOUNT}:oidcProvider:simulated-idp", "agencyUrn": f"{ACCOUNT}:agency:simulated-agency"}


@contextlib.contextmanager
def pod(values, given=None):
    """The pod of a case or of some values, with its files on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        yield pods.Pod(charts.rendered(values), folder, given or GIVEN, ID_TOKEN)


class Checked(unittest.TestCase):
    """What the program says of the files and flags, before it runs."""

    def test_the_program_takes_every_configuration(self):
        for case, file in CASES.items():
            if case == "demo":
                continue
            with self.subTest(case=case), pod(file) as it:
                code, said = it.check_config()
                self.assertEqual(code, 0, said)
                self.assertEqual(it.config_file is None, case == "environment")

    def test_the_program_refuses_a_wrong_one(self):
        with pod({"config": "projects: [{ name: a, regoin: eu-de }]"}) as it:
            code, said = it.check_config()
            self.assertEqual(code, 3, said)
            self.assertIn("regoin", said)

    def test_ids_that_look_like_numbers_reach_the_program_as_typed(self):
        with pod(CASES["text"]) as it:
            for name in ("00123456789012345678901234567890", "12345678901234567890123456789012"):
                self.assertIn(name, it.config_file.read_text())
        with pod(CASES["existing-secret"]) as it:
            self.assertEqual(it.config["projects"][0]["project_id"], "00123456789012345678901234567890")

    def test_the_program_has_every_flag(self):
        flags = {}
        for command in ([], ["demo"]):
            _, text, _ = charts.run([program.EXPORTER, *command, "--help"])
            flags[bool(command)] = set(re.findall(r"--[\w.-]+", text))
        for case, file in CASES.items():
            with self.subTest(case=case), pod(file) as it:
                used = [argument.partition("=")[0] for argument in it.arguments if argument.startswith("--")]
                self.assertLessEqual(set(used), flags[it.arguments[0] == "demo"])
                self.assertEqual(len(used), len(set(used)), used)

    def test_promtool_takes_the_web_configuration(self):
        for case in ("web", "everything"):
            with self.subTest(case=case), pod(CASES[case]) as it:
                file = it.folder / "etc/dcs-backup-exporter/web/web-config.yml"
                self.assertIn(f"--web.config.file={file}", it.arguments)
                web = yaml.safe_load(file.read_text())
                certificates = [web["tls_server_config"][key] for key in ("cert_file", "key_file")]
                # Where the mounted certificate is, as seen from the file.
                self.assertEqual(
                    [str((file.parent / path).resolve().parent) for path in certificates],
                    [str((it.folder / "etc/dcs-backup-exporter/tls").resolve())] * 2,
                )
                # promtool would read the certificate.
                del web["tls_server_config"]
                web.pop("rate_limit", None)  # which Debian's does not know yet
                file.write_text(yaml.safe_dump(web))
                code, out, errors = charts.run([program.tool("promtool"), "check", "web-config", file])
                self.assertEqual(code, 0, out + errors)


class Running(unittest.TestCase):
    """The daemon against a simulated cloud, which the region's endpoint stands for."""

    @contextlib.contextmanager
    def running(self, it, cloud, **environment):
        """The program of a pod, ready; gives its URL."""
        apis = ("HUAWEICLOUD_SDK_REGION_DCS_EU_DE", "HUAWEICLOUD_SDK_IAM_ENDPOINT", "HUAWEICLOUD_SDK_STS_ENDPOINT")
        with it.start({**dict.fromkeys(apis, cloud.endpoint), **environment}) as server:
            url = program.base_url(server)
            program.wait_until_ready(url)
            yield url
            self.assertEqual(server.stop(), 0, server.output[-2000:])

    def values(self, cloud, **more):
        return {"region": "eu-de", "projectId": cloud.project_id, "existingSecret": "keys", **more}

    def keys(self, cloud):
        return {"keys": {"access_key": cloud.access_key, "secret_key": cloud.secret_key}}

    def instances(self, url):
        """The ids of the instances that are watched there, once the listing has worked."""
        answer = program.wait_for(
            "instances are listed",
            lambda: (found := program.get_json(f"{url}/api/v1/instances"))["total"] and found,
        )
        self.assertIsNone(answer["projects"][0]["error"], answer["projects"])
        return {instance["instance_id"] for instance in answer["instances"]}

    def test_the_short_way_watches_the_fleet_and_keeps_its_facts(self):
        with (
            program.simulate(f"--instances={INSTANCES}") as (cloud, _),
            pod(self.values(cloud), self.keys(cloud)) as it,
        ):
            with self.running(it, cloud) as url:
                self.assertEqual(len(self.instances(url)), INSTANCES)
                for probe in ("livenessProbe", "readinessProbe"):
                    path = it.container[probe]["httpGet"]["path"]
                    self.assertEqual(program.get(url + path)[0], 200)
                self.assertEqual(program.get(f"{url}/metrics")[0], 200)
            stored = it.folder / "var/lib/dcs-backup-exporter"
            self.assertTrue(any(stored.iterdir()), "the facts survive the container")

    def test_the_project_is_looked_up_where_its_id_is_missing(self):
        # The simulated IAM knows the project by another name than the region's.
        config = {
            "projects": [{"name": "a", "region": "eu-de", "project_name": "eu-sim-1", "credentials": "ops"}],
            "credentials": {
                "ops": {
                    "access_key_file": "/etc/dcs-backup-exporter/credentials/access_key",
                    "secret_key_file": "/etc/dcs-backup-exporter/credentials/secret_key",
                }
            },
        }
        with program.simulate("--instances=3") as (cloud, _):
            values = {"config": config, "existingSecret": "keys", "lifecycle": {"enabled": True}}
            with pod(values, self.keys(cloud)) as it, self.running(it, cloud) as url:
                self.assertEqual(len(self.instances(url)), 3)

    def test_a_token_of_the_service_account_logs_in(self):
        with program.simulate("--instances=3") as (cloud, _):
            for oidc in (PROVIDER, AGENCY):
                values = {"region": "eu-de", "projectId": cloud.project_id, "oidc": {"enabled": True, **oidc}}
                with self.subTest(oidc=oidc), pod(values) as it, self.running(it, cloud) as url:
                    self.assertEqual(len(self.instances(url)), 3)

    def test_shards_watch_each_instance_once(self):
        with program.simulate(f"--instances={INSTANCES}") as (cloud, _), contextlib.ExitStack() as stack:
            shares = []
            for ordinal in range(3):
                it = stack.enter_context(pod(self.values(cloud, shards=3), self.keys(cloud)))
                url = stack.enter_context(self.running(it, cloud, HOSTNAME=f"test-dcs-backup-exporter-{ordinal}"))
                shares.append(self.instances(url))
            self.assertEqual(sum(map(len, shares)), INSTANCES)
            self.assertEqual(len(set.union(*shares)), INSTANCES)
            self.assertTrue(all(shares))

    def test_the_demo_needs_nothing(self):
        with pod({"demo": True}) as it:
            self.assertEqual(it.container.get("volumeMounts"), None)
            with it.start() as server:
                url = program.base_url(server)
                program.wait_until_ready(url)
                self.assertGreater(len(self.instances(url)), 5)
                self.assertEqual(server.stop(), 0)

    def test_plain_manifests_run_too(self):
        for folder in ("base", "sharded", "overlays/example"):
            with self.subTest(folder=folder), tempfile.TemporaryDirectory() as place:
                it = pods.Pod(charts.built(folder), place, GIVEN)
                code, said = it.check_config()
                self.assertEqual(code, 0, said)
        with tempfile.TemporaryDirectory() as place, pods.Pod(charts.built("demo"), place).start() as server:
            program.wait_until_ready(program.base_url(server))

    def test_scraped_as_the_operator_would_the_labels_are_those_of_the_rules(self):
        monitor = charts.only(charts.rendered({"demo": True, "serviceMonitor": {"enabled": True}}), "ServiceMonitor")
        endpoint = monitor["spec"]["endpoints"][0]
        names = {"targetLabel": "target_label", "sourceLabels": "source_labels"}
        ours = [{names.get(key, key): value for key, value in rule.items()} for rule in endpoint["relabelings"]]
        with pod({"demo": True}) as it, it.start() as server, tempfile.TemporaryDirectory() as folder:
            address = program.base_url(server).removeprefix("http://")
            job = {
                # What the operator makes of it: the service's name is the job, the port's name the endpoint.
                "job_name": "serviceMonitor/monitoring/test/0",
                "scrape_interval": "1s",
                "metrics_path": endpoint["path"],
                "static_configs": [
                    {"targets": [address], "labels": {"namespace": "monitoring", "pod": "p", "container": "exporter"}}
                ],
                "relabel_configs": [
                    {"target_label": "job", "replacement": "test-dcs-backup-exporter"},
                    {"target_label": "endpoint", "replacement": endpoint["port"]},
                    *ours,
                ],
            }
            with open(f"{folder}/prometheus.yml", "w") as file:
                yaml.safe_dump({"scrape_configs": [job]}, file)
            listen = f"127.0.0.1:{program.free_port()}"
            flags = [
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={listen}",
            ]
            with program.Server(program.tool("prometheus"), *flags):

                def ask(query):
                    answer = program.get_json(f"http://{listen}/api/v1/query", query=query)
                    return [series["metric"] for series in answer["data"]["result"]]

                (up,) = program.wait_for(
                    "the job's name is that of the rules", lambda: ask('up{job="dcs-backup-exporter"} == 1')
                )
                self.assertNotIn("endpoint", up)
                (info,) = program.wait_for("the project is told", lambda: ask("dcs_project_info"))
                self.assertRegex(info["endpoint"], "^http://127")
                self.assertFalse([name for name in info if name.startswith("exported_")])
