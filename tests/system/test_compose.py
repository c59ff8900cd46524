"""The compose files: judged by their schema, held against what they mount, and run without images.

Images cannot be pulled everywhere, so Debian's Prometheus and Alertmanager run with the mounted configurations, beside
`demo` with the flags of the file; only addresses and paths are replaced. Of Grafana, what is provisioned is read.
"""
# needs: linters prometheus alertmanager

import contextlib
import json
import pathlib
import re
import tempfile
import unittest

import alertmanager
import compose
import images
import program
import test_prometheus
from program import ROOT, get, get_json, wait_for

LINTERS = images.TARGET / "tools/linters/bin"


class Files(unittest.TestCase):
    def test_the_schema_of_compose_files_accepts_them(self):
        files = sorted((ROOT / "deploy").glob("compose*.yml"))
        self.assertEqual(files, [compose.CLOUD, compose.MAIN])
        code, said = images.run(LINTERS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)
        self.assertEqual(code, 0, said)

    def test_the_schema_refuses_what_is_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "compose.yml"
            wrong.write_text(
                compose.MAIN.read_text()
                .replace("    read_only:", "    readonly:")
                .replace("  read_only:", "  readonly:")
            )
            code, said = images.run(LINTERS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", wrong)
        self.assertNotEqual(code, 0, said)
        self.assertIn("readonly", said)

    def test_every_path_exists_and_every_volume_is_declared(self):
        volumes = {name for path in (compose.MAIN, compose.CLOUD) for name in compose.load(path)["volumes"]}
        used = set()
        for file in (compose.MAIN, compose.CLOUD):
            for name, service in compose.services(file).items():
                for source, target, options in compose.mounts(service):
                    if isinstance(source, pathlib.Path):
                        self.assertTrue(source.exists(), f"{name} mounts {source}")
                        self.assertEqual(options, ["ro"], f"{name} may write to {source}")
                        # A file stays a file: what is missing would become a folder.
                        self.assertEqual(source.is_file(), target.suffix != "", f"{source} at {target}")
                    else:
                        used.add(source)
                for needed in service.get("depends_on", []):
                    self.assertIn(needed, compose.services())
        self.assertEqual(used, volumes)
        context = (compose.FOLDER / compose.services()["exporter"]["build"]).resolve()
        self.assertTrue((context / "Dockerfile").is_file())

    def test_every_service_is_confined_and_published_on_loopback_alone(self):
        for name, service in compose.services().items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertRegex(service["mem_limit"], r"^\d+[mg]$")
                self.assertGreater(service["pids_limit"], 0)
                self.assertFalse({"privileged", "user", "cap_add", "network_mode", "pid"} & service.keys())
                for port in service["ports"]:
                    self.assertRegex(port, r"^127\.0\.0\.1:\$\{[A-Z]+_PORT:-(\d+)\}:\1$")
                if "build" not in service:
                    self.assertRegex(service["image"], r"^docker\.io/[a-z]+/[a-z]+:v?\d+\.\d+\.\d+$")

    def test_the_ports_are_those_that_the_services_name(self):
        ports = {name: int(service["ports"][0].rsplit(":", 1)[1]) for name, service in compose.services().items()}
        self.assertEqual(ports, {"exporter": 10105, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000})
        named = set()
        for file in [*(ROOT / "deploy/compose").glob("*.yml"), *(ROOT / "deploy/grafana").rglob("*.yml")]:
            named |= set(re.findall(rf"\b({'|'.join(ports)}):(\d+)\b", file.read_text()))
        self.assertEqual(named, {(name, str(port)) for name, port in ports.items() if name != "grafana"})

    def test_grafana_is_provisioned_with_what_is_there(self):
        services = compose.services()
        grafana = services["grafana"]
        provisioning = ROOT / "deploy/grafana/provisioning"
        (sources,) = [compose.load(file) for file in (provisioning / "datasources").iterdir()]
        prometheus, alerts = sources["datasources"]
        self.assertEqual((prometheus["type"], prometheus["url"]), ("prometheus", "http://prometheus:9090"))
        self.assertEqual((alerts["type"], alerts["url"]), ("alertmanager", "http://alertmanager:9093"))
        scraped = compose.load(ROOT / "deploy/compose/prometheus.yml")["global"]["scrape_interval"]
        self.assertEqual(prometheus["jsonData"]["timeInterval"], scraped)

        (dashboards,) = [compose.load(file) for file in (provisioning / "dashboards").iterdir()]
        (provider,) = dashboards["providers"]
        folder = compose.on_this_machine(grafana, provider["options"]["path"])
        # Grafana reads what is in there, however deep.
        titles = {json.loads(file.read_text())["title"] for file in folder.rglob("*.json")}
        self.assertEqual(titles, {"DCS backup / Fleet", "DCS backup / Instance", "DCS backup / Exporter"})
        home = compose.on_this_machine(grafana, grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        self.assertEqual(json.loads(home.read_text())["title"], "DCS backup / Fleet")
        for kind in ("datasources", "dashboards"):
            self.assertEqual(compose.on_this_machine(grafana, f"/etc/grafana/provisioning/{kind}"), provisioning / kind)

    def test_nobody_can_log_in_to_grafana_and_it_asks_nobody_outside(self):
        environment = compose.services()["grafana"]["environment"]
        self.assertEqual(environment["GF_AUTH_ANONYMOUS_ORG_ROLE"], "Viewer")
        for name in (
            "SECURITY_DISABLE_INITIAL_ADMIN_CREATION",
            "AUTH_DISABLE_LOGIN_FORM",
            "PLUGINS_PREINSTALL_DISABLED",
        ):
            self.assertEqual(environment[f"GF_{name}"], "true")
        for name in (
            "AUTH_BASIC_ENABLED",
            "ANALYTICS_REPORTING_ENABLED",
            "ANALYTICS_CHECK_FOR_UPDATES",
            "NEWS_NEWS_FEED_ENABLED",
        ):
            self.assertEqual(environment[f"GF_{name}"], "false")

    def test_alertmanager_routes_and_inhibits_as_the_example_and_tells_nobody(self):
        ours = compose.load(ROOT / "deploy/compose/alertmanager.yml")
        example = compose.load(ROOT / "deploy/alertmanager/alertmanager.yml")
        self.assertEqual(ours["route"], example["route"])
        self.assertEqual(ours["inhibit_rules"], example["inhibit_rules"])
        self.assertEqual(ours["receivers"], [{"name": receiver["name"]} for receiver in example["receivers"]])
        file = compose.on_this_machine(compose.services()["alertmanager"], "/etc/alertmanager/alertmanager.yml")
        code, said = images.run(program.tool("amtool"), "check-config", file)
        self.assertEqual(code, 0, said)


def prometheus_configuration(folder, addresses):
    """What the container reads, laid out in a folder, with each service's address replaced."""
    service = compose.services()["prometheus"]
    (flag,) = [flag for flag in service["command"] if flag.startswith("--config.file=")]
    text = compose.on_this_machine(service, flag.removeprefix("--config.file=")).read_text()
    for name, address in addresses.items():
        text, count = re.subn(rf'"{name}:\d+"', f'"{address}"', text)
        assert count == 1, f"{name} is named {count} times"
    (rules,) = re.findall(r"(/etc/prometheus/rules)/\*\.yml", text)
    text = text.replace(rules, str(compose.on_this_machine(service, rules)))
    text, count = re.subn(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
    assert count == 2
    text = re.sub(r"scrape_timeout: \w+", "scrape_timeout: 1s", text)
    (pathlib.Path(folder) / "prometheus.yml").write_text(text)


class Stack(unittest.TestCase):
    def test_prometheus_scrapes_the_demo_evaluates_the_rules_and_tells_alertmanager(self):
        command = compose.services()["exporter"]["command"]
        self.assertEqual(command, ["demo", "--web.listen-address=:10105"])
        with contextlib.ExitStack() as stack:
            # As in the file, on a port that is free.
            demo = program.Server(program.EXPORTER, "demo", "--web.listen-address=:0")
            stack.enter_context(demo)
            port = demo.says(r"msg=listening .*\baddress=\S*:(\d+)").group(1)
            alerts, _ = stack.enter_context(
                alertmanager.alertmanager((ROOT / "deploy/compose/alertmanager.yml").read_text())
            )
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            addresses = {"exporter": f"127.0.0.1:{port}", "alertmanager": alerts.removeprefix("http://")}
            prometheus_configuration(folder, addresses)
            code, said = images.run(program.tool("promtool"), "check", "config", f"{folder}/prometheus.yml")
            self.assertEqual(code, 0, said)
            url, server = test_prometheus.started(stack, folder)

            def target():
                (found,) = get_json(f"{url}/api/v1/targets")["data"]["activeTargets"]
                return found["health"] == "up" and found["labels"]["job"] == "dcs-backup-exporter"

            wait_for("the exporter is up", target)
            wait_for("/-/ready answers 200", lambda: get(f"http://127.0.0.1:{port}/-/ready")[0] == 200)

            def groups():
                found = get_json(f"{url}/api/v1/rules")["data"]["groups"]
                rules = [rule for group in found for rule in group["rules"]]
                wrong = [rule for rule in rules if rule["health"] == "err"]
                assert not wrong, wrong
                return rules and all(rule["health"] == "ok" for rule in rules) and found

            found = wait_for("all rules are evaluated", groups)
            files = {pathlib.Path(group["file"]).name for group in found}
            self.assertEqual(files, {file.name for file in (ROOT / "dashboards/rules").glob("*.yml")})

            def recorded():
                query = 'count(dcs_instance_info{job="dcs-backup-exporter"})'
                return get_json(f"{url}/api/v1/query", query=query)["data"]["result"]

            wait_for("there are instances", recorded)

            def watchdog():
                return [
                    alert
                    for alert in get_json(f"{alerts}/api/v2/alerts")
                    if alert["labels"]["alertname"] == "DcsWatchdog"
                ]

            (alert,) = wait_for("the watchdog reaches Alertmanager", watchdog, 150)
            self.assertEqual(alert["receivers"], [{"name": "dead-mans-switch"}])
            self.assertNotIn("level=error", server.output)
