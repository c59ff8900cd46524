"""The Helm chart: what real Helm makes of it, held against Kubernetes and the Prometheus operator."""

# needs: helm operator kubernetes

import json
import unittest

import charts
import yaml
from charts import CASES, CHART

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
        return [
            (f"{case}: {charts.called(manifest)}", manifest) for case, all_ in self.cases.items() for manifest in all_
        ]

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
                selectors += [
                    budget["spec"]["selector"]["matchLabels"]
                    for budget in charts.of_kind(manifests, "PodDisruptionBudget")
                ]
                selectors += [
                    policy["spec"]["podSelector"]["matchLabels"]
                    for policy in charts.of_kind(manifests, "NetworkPolicy")
                ]
                services = charts.of_kind(manifests, "Service")
                selectors += [service["spec"]["selector"] for service in services]
                for selector in selectors:
                    self.assertTrue(selector)
                    self.assertLessEqual(selector.items(), pods)
                ports = {port["name"] for port in main["spec"]["template"]["spec"]["containers"][0]["ports"]}
                for service in services:
                    self.assertIn(service["spec"]["ports"][0]["targetPort"], ports)
                if main["kind"] == "StatefulSet":
                    self.assertEqual(
                        charts.named(manifests, "Service", main["spec"]["serviceName"])["spec"]["clusterIP"], "None"
                    )

    def test_a_service_monitor_finds_one_service(self):
        monitors = 0
        for case, manifests in self.cases.items():
            with self.subTest(case):
                for monitor in charts.of_kind(manifests, "ServiceMonitor"):
                    monitors += 1
                    wanted = monitor["spec"]["selector"]["matchLabels"].items()
                    found = [
                        s for s in charts.of_kind(manifests, "Service") if wanted <= s["metadata"]["labels"].items()
                    ]
                    self.assertEqual(len(found), 1)
                    self.assertEqual(
                        monitor["spec"]["namespaceSelector"]["matchNames"], [found[0]["metadata"]["namespace"]]
                    )
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
                    {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
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
            return [
                "tcp" if "tcpSocket" in probe else (probe["httpGet"].get("scheme"), probe["httpGet"]["path"])
                for probe in probes
            ]

        self.assertEqual(asks("default"), [(None, "/-/healthy"), (None, "/-/ready")])
        self.assertEqual(asks("web"), [("HTTPS", "/-/healthy"), ("HTTPS", "/-/ready")])
        self.assertEqual(asks("everything"), ["tcp", "tcp"], "a password is asked for")
