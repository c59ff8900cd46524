"""The Helm chart: what real Helm makes of it, held against Kubernetes, the Prometheus operator and the program itself."""

# needs: helm operator kubernetes prometheus

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import charts
import program
import yaml
from charts import CASES, CHART, ROOT

# What stands in the cases and is not for all to read.
SECRETS = ("an-example-of-a-secret-key", "user:password@", "$2y$10$")
LONGEST_NAME = 63
LARGEST_MAP = 1024 * 1024
# `kubectl apply` keeps what it applied in an annotation.
LARGEST_ANNOTATION = 256 * 1024


class Rendered(unittest.TestCase):
    """What holds for every file of values under ci/."""

    @classmethod
    def setUpClass(cls):
        cls.cases = {name: charts.rendered(file) for name, file in CASES.items()}
        assert len(cls.cases) >= 10, f"only {sorted(CASES)}"

    def each(self):
        """Every manifest of every case, and how to call it."""
        return [(f"{case}: {charts.called(manifest)}", manifest) for case, all_ in self.cases.items() for manifest in all_]

    def test_helm_lint_finds_nothing(self):
        for case, file in {**CASES, "no values": None}.items():
            with self.subTest(case=case):
                flags = [f"--values={file}"] if file else []
                code, out, errors = charts.helm("lint", "--strict", "--kube-version=1.37", CHART, *flags)
                self.assertEqual(code, 0, out + errors)

    def test_kubernetes_and_the_operator_know_every_field(self):
        for what, manifest in self.each():
            with self.subTest(what):
                for version in charts.VERSIONS:
                    charts.validate(manifest, version)

    def test_the_oldest_kubernetes_gets_the_same(self):
        for case, manifests in self.cases.items():
            with self.subTest(case):
                self.assertEqual(charts.rendered(CASES[case], version=charts.VERSIONS[0]), manifests)

    def test_the_judges_refuse_what_is_wrong(self):
        everything = self.cases["everything"]
        for kind, path, wrong in (
            ("StatefulSet", ["spec", "template", "spec", "enableServicelinks"], False),
            ("StatefulSet", ["spec", "replicas"], "two"),
            ("ServiceMonitor", ["spec", "endpoint"], []),
            ("ServiceMonitor", ["spec", "namespaceSelector", "matchNames"], "x"),
        ):
            manifest = json.loads(json.dumps(charts.only(everything, kind)))
            node = manifest
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = wrong
            with self.subTest(path=path), self.assertRaises(Exception) as caught:
                charts.validate(manifest, charts.VERSIONS[-1])
            self.assertIn("ValidationError", type(caught.exception).__name__)

    def test_names_are_short_and_stand_once(self):
        for case, manifests in self.cases.items():
            with self.subTest(case):
                seen = set()
                for manifest in manifests:
                    name = manifest["metadata"]["name"]
                    self.assertRegex(name, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
                    self.assertLessEqual(len(name), LONGEST_NAME)
                    if manifest["kind"] == "StatefulSet":
                        # Its pods have a label of its name and a hash of eleven characters.
                        self.assertLessEqual(len(name) + 11, LONGEST_NAME)
                    key = (manifest["kind"], manifest["metadata"].get("namespace"), name)
                    self.assertNotIn(key, seen)
                    seen.add(key)
                    for value in manifest["metadata"].get("labels", {}).values():
                        self.assertRegex(value, r"^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$", case)

    def test_all_stand_in_the_namespace_and_have_labels(self):
        for case, manifests in self.cases.items():
            with self.subTest(case):
                for manifest in manifests:
                    if "namespace" in manifest["metadata"]:
                        self.assertEqual(manifest["metadata"]["labels"]["app.kubernetes.io/instance"], charts.RELEASE)
                    else:
                        self.assertEqual(case, "everything", charts.called(manifest))

    def test_selectors_select_the_pods(self):
        for case, manifests in self.cases.items():
            with self.subTest(case):
                main = charts.workload(manifests)
                pods = main["spec"]["template"]["metadata"]["labels"].items()
                selectors = [main["spec"]["selector"]["matchLabels"]]
                selectors += [budget["spec"]["selector"]["matchLabels"] for budget in charts.of_kind(manifests, "PodDisruptionBudget")]
                selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in charts.of_kind(manifests, "NetworkPolicy")]
                services = charts.of_kind(manifests, "Service")
                selectors += [service["spec"]["selector"] for service in services]
                for selector in selectors:
                    self.assertTrue(selector)
                    self.assertLessEqual(selector.items(), pods)
                ports = {port["name"] for port in main["spec"]["template"]["spec"]["containers"][0]["ports"]}
                for service in services:
                    self.assertIn(service["spec"]["ports"][0]["targetPort"], ports)
                if main["kind"] == "StatefulSet":
                    self.assertEqual(charts.named(manifests, "Service", main["spec"]["serviceName"])["spec"]["clusterIP"], "None")

    def test_a_service_monitor_finds_one_service(self):
        monitors = 0
        for case, manifests in self.cases.items():
            with self.subTest(case):
                for monitor in charts.of_kind(manifests, "ServiceMonitor"):
                    monitors += 1
                    wanted = monitor["spec"]["selector"]["matchLabels"].items()
                    found = [s for s in charts.of_kind(manifests, "Service") if wanted <= s["metadata"]["labels"].items()]
                    self.assertEqual(len(found), 1)
                    self.assertEqual(monitor["spec"]["namespaceSelector"]["matchNames"], [found[0]["metadata"]["namespace"]])
                    self.assertEqual(monitor["spec"]["endpoints"][0]["port"], found[0]["spec"]["ports"][0]["name"])
        self.assertGreaterEqual(monitors, 3)

    def test_pods_have_no_right_they_do_not_need(self):
        for case, manifests in self.cases.items():
            with self.subTest(case):
                pod = charts.workload(manifests)["spec"]["template"]["spec"]
                self.assertIs(pod["enableServiceLinks"], False)
                self.assertIs(pod["automountServiceAccountToken"], False)
                self.assertFalse({"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys())
                security = pod["securityContext"]
                self.assertEqual((security["runAsNonRoot"], security["runAsUser"]), (True, 65532))
                self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                (container,) = pod["containers"]
                self.assertEqual(
                    container["securityContext"],
                    {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                )
                self.assertIn("memory", container["resources"]["limits"])
                for account in charts.of_kind(manifests, "ServiceAccount"):
                    self.assertIs(account["automountServiceAccountToken"], False)
                # One pod must not keep a node from being drained.
                for budget in charts.of_kind(manifests, "PodDisruptionBudget"):
                    self.assertGreaterEqual(budget["spec"]["maxUnavailable"], 1)
                    self.assertNotIn("minAvailable", budget["spec"])

    def test_no_config_map_holds_a_secret(self):
        kept = set()
        for what, manifest in self.each():
            with self.subTest(what):
                text = yaml.safe_dump(manifest, width=1_000_000)
                for secret in SECRETS:
                    if secret in text:
                        self.assertEqual(manifest["kind"], "Secret")
                        kept.add(secret)
        self.assertEqual(kept, set(SECRETS), "the cases do not hold them any more")

    def test_nothing_is_too_large_for_kubernetes(self):
        for what, manifest in self.each():
            with self.subTest(what):
                self.assertLess(len(json.dumps(manifest.get("data", {}))), LARGEST_MAP)
                self.assertLess(len(json.dumps(manifest)), LARGEST_ANNOTATION)

    def test_the_network_policy_lets_out_what_is_needed(self):
        def ports(case):
            policy = charts.only(self.cases[case], "NetworkPolicy")["spec"]
            return [(port["port"], port["protocol"]) for rule in policy["egress"] for port in rule.get("ports", [])]

        dns = [(53, "UDP"), (53, "TCP")]
        self.assertEqual(ports("demo"), [])
        self.assertEqual(ports("oidc-agency"), [*dns, (443, "TCP")])
        self.assertEqual(ports("environment"), [*dns, (3128, "TCP"), (80, "TCP")])
        asking = charts.only(self.cases["environment"], "NetworkPolicy")["spec"]["ingress"][0]
        wanted = {"kubernetes.io/metadata.name": "monitoring"}
        self.assertEqual(asking["from"], [{"namespaceSelector": {"matchLabels": wanted}}])
        self.assertNotIn("from", charts.only(self.cases["oidc-agency"], "NetworkPolicy")["spec"]["ingress"][0])

    def test_probes_ask_what_they_may(self):
        def asks(case):
            container = charts.workload(self.cases[case])["spec"]["template"]["spec"]["containers"][0]
            probes = container["livenessProbe"], container["readinessProbe"]
            return ["tcp" if "tcpSocket" in probe else (probe["httpGet"].get("scheme"), probe["httpGet"]["path"]) for probe in probes]

        self.assertEqual(asks("default"), [(None, "/-/healthy"), (None, "/-/ready")])
        self.assertEqual(asks("web"), [("HTTPS", "/-/healthy"), ("HTTPS", "/-/ready")])
        self.assertEqual(asks("everything"), ["tcp", "tcp"], "a password is asked for")


class Content(unittest.TestCase):
    """What the chart takes along and what it says."""

    def test_the_rules_are_those_of_dashboards(self):
        manifests = charts.rendered({"demo": True, "prometheusRule": {"enabled": True}})
        rendered = {rule["metadata"]["name"]: rule["spec"] for rule in charts.of_kind(manifests, "PrometheusRule")}
        files = {file.stem: file for file in (ROOT / "dashboards/rules").glob("*.yml")}
        self.assertEqual(len(rendered), len(files))
        for name, file in files.items():
            spec = rendered[f"test-dcs-backup-exporter-{name.removeprefix('dcs-backup.')}"]
            self.assertEqual(spec, yaml.load(file.read_text(), Loader=yaml.CSafeLoader))
        self.judge([*rendered.values()])

    def judge(self, specs):
        """Feeds rules back into promtool."""
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [group for spec in specs for group in spec["groups"]]}, file)
            file.flush()
            code, out, errors = charts.run([program.tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", file.name])
        self.assertEqual(code, 0, out + errors)

    def test_thresholds_are_changed_and_nothing_else(self):
        manifests = charts.rendered(CASES["everything"])
        specs = [rule["spec"] for rule in charts.of_kind(manifests, "PrometheusRule")]
        self.judge(specs)
        rules = [rule for spec in specs for group in spec["groups"] for rule in group["rules"]]
        files = (ROOT / "dashboards/rules").glob("*.yml")
        shipped = [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
        changed = [rule for rule in rules if rule not in shipped]
        self.assertEqual([rule.get("record") or rule["alert"] for rule in changed],
                         ["dcs_threshold:backup_stale_ratio:critical", "dcs_threshold:poll_lag:seconds", "OurOwn"])
        self.assertEqual([rule["expr"] for rule in changed[:2]], ["vector(3)", "vector(30 * 60)"])
        self.assertEqual(len(rules), len(shipped) + 1)
        self.assertEqual(changed[2]["annotations"]["summary"], "{{ $value }} backups run at once.")

    def test_the_dashboards_are_those_of_dashboards(self):
        manifests = charts.rendered({"demo": True, "dashboards": {"enabled": True}})
        files = {f"dcs-backup-{file.name}": json.loads(file.read_text()) for file in (ROOT / "dashboards").glob("*.json")}
        seen = {}
        for config in charts.of_kind(manifests, "ConfigMap"):
            self.assertEqual(config["metadata"]["labels"]["grafana_dashboard"], "1")
            seen |= {name: json.loads(text) for name, text in config["data"].items()}
        self.assertEqual(seen, files)

    def test_the_chart_has_the_version_of_the_program(self):
        package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], package["version"])

    def test_generated_files_are_up_to_date(self):
        make = [ROOT / "deploy/helm/source/make.py", charts.got("helm", "helm"), "--check"]
        code, out, errors = charts.run([sys.executable, "-B", *make])
        self.assertEqual(code, 0, f"call deploy/helm/make, these would change:\n{out}{errors}")

    def test_every_value_is_used(self):
        sys.path.append(str(ROOT / "deploy/helm/source"))
        import values

        templates = "".join(file.read_text() for file in (CHART / "templates").iterdir())
        for value in values.read((CHART / "values.yaml").read_text()):
            name = value.path.rpartition(".")[2]
            self.assertRegex(templates, rf"\.{name}\b", f"no template uses {value.path}")

    def test_an_upgrade_changes_nothing_immutable(self):
        with tempfile.TemporaryDirectory() as folder:
            newer = f"{folder}/chart"
            subprocess.run(["cp", "-r", str(CHART), newer], check=True)
            chart = re.sub(r"(?m)^((?:appV|v)ersion: ).*", r"\g<1>9.8.7", (CHART / "Chart.yaml").read_text())
            with open(f"{newer}/Chart.yaml", "w") as file:
                file.write(chart)
            for case in ("default", "existing-secret", "sharded"):
                with self.subTest(case=case):
                    before, after = (charts.rendered(CASES[case], chart=path) for path in (CHART, newer))
                    self.assertNotEqual(before, after)
                    for old, new in zip(before, after, strict=True):
                        self.assertEqual(charts.called(old), charts.called(new))
                        labels = new["metadata"]["labels"]
                        self.assertEqual(labels["helm.sh/chart"], "dcs-backup-exporter-9.8.7")
                        if old["kind"] in ("Deployment", "StatefulSet"):
                            # Another version of the program is another image and nothing else.
                            for manifest in (old, new):
                                image = manifest["spec"]["template"]["spec"]["containers"][0].pop("image")
                            self.assertTrue(image.endswith(":9.8.7"), image)
                        self.assertEqual(old.get("spec"), new.get("spec"))

    def test_another_configuration_makes_other_pods(self):
        def annotations(**values):
            pod = charts.workload(charts.rendered({"existingSecret": "keys", **values}))["spec"]["template"]
            return pod["metadata"].get("annotations")

        self.assertNotEqual(annotations(region="eu-de"), annotations(region="eu-nl"))
        self.assertEqual(annotations(region="eu-de"), annotations(region="eu-de", shards=2))
        self.assertIsNone(annotations(region="eu-de", lifecycle={"enabled": True}), "it is reloaded instead")

    def test_notes_say_how_to_look(self):
        # Helm shows notes to those who have a cluster; here they are rendered as any template.
        with tempfile.TemporaryDirectory() as folder:
            chart = f"{folder}/chart"
            subprocess.run(["cp", "-r", str(CHART), chart], check=True)
            subprocess.run(["mv", f"{chart}/templates/NOTES.txt", f"{chart}/notes"], check=True)
            with open(f"{chart}/templates/notes.yaml", "w") as file:
                file.write('{kind: Notes, apiVersion: v1, text: {{ tpl (.Files.Get "notes") . | quote }}}')
            for case, file in CASES.items():
                with self.subTest(case=case):
                    manifests = charts.rendered(file, chart=chart)
                    notes = charts.only(manifests, "Notes")["text"]
                    main = next(service for service in charts.of_kind(manifests, "Service"))["metadata"]
                    port = charts.of_kind(manifests, "Service")[0]["spec"]["ports"][0]["port"]
                    self.assertIn(
                        f"kubectl --namespace {main['namespace']} port-forward service/{main['name']} 10105:{port}\n", notes
                    )
                    self.assertEqual("https://localhost" in notes, case in ("web", "everything"))
                    self.assertEqual("Nobody is woken yet" in notes, case != "everything")
                    self.assertNotRegex(notes, r"\n\n\n|<no value>|%!")
