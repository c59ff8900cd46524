"""The plain manifests: what real Kustomize makes of them, held against the chart and the schemas."""

# needs: helm kustomize operator kubernetes

import json
import unittest

import charts
import yaml
from charts import KUBERNETES, ROOT

FOLDERS = ("base", "sharded", "demo", "overlays/example")


class Kustomize(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.built = {folder: charts.built(folder) for folder in FOLDERS}

    def each(self):
        """Every manifest of every folder, and how to call it."""
        return [
            (f"{folder}: {charts.called(manifest)}", manifest)
            for folder, all_ in self.built.items()
            for manifest in all_
        ]

    def test_kubernetes_and_the_operator_know_every_field(self):
        for what, manifest in self.each():
            with self.subTest(what):
                for version in charts.VERSIONS:
                    charts.validate(manifest, version)

    def test_kubectl_can_apply_them(self):
        for what, manifest in self.each():
            with self.subTest(what):
                self.assertLess(len(json.dumps(manifest)), 256 * 1024)

    def test_nothing_says_that_helm_takes_care_of_it(self):
        for what, manifest in self.each():
            with self.subTest(what):
                self.assertNotIn("elm", json.dumps(manifest["metadata"]))

    def test_every_file_is_used(self):
        for kustomization in KUBERNETES.rglob("kustomization.yaml"):
            text = yaml.safe_load(kustomization.read_text())
            used = set(text.get("resources", []))
            made = {file.name for file in kustomization.parent.glob("*.yaml")} - {"kustomization.yaml"}
            self.assertLessEqual(made, used, kustomization)

    def test_pods_mount_the_configuration_that_is_made(self):
        for folder in ("base", "sharded", "overlays/example"):
            with self.subTest(folder=folder):
                manifests = self.built[folder]
                volumes = charts.workload(manifests)["spec"]["template"]["spec"]["volumes"]
                (name,) = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
                self.assertRegex(name, "^dcs-backup-exporter-config-[a-z0-9]{10}$")
                self.assertIn("dcs-backup-exporter.yml", charts.named(manifests, "ConfigMap", name)["data"])

    def test_the_example_changes_what_it_says(self):
        manifests = self.built["overlays/example"]
        self.assertEqual({manifest["metadata"]["namespace"] for manifest in manifests}, {"monitoring"})
        (container,) = charts.workload(manifests)["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["image"], "registry.example/monitoring/dcs-backup-exporter:0.1.0")
        self.assertIn("eu-de_payments", json.dumps(manifests))
        for kind in ("ServiceMonitor", "PrometheusRule"):
            for manifest in charts.of_kind(manifests, kind):
                self.assertEqual(manifest["metadata"]["labels"]["release"], "kube-prometheus-stack")
        monitor = charts.only(manifests, "ServiceMonitor")
        service = charts.only(manifests, "Service")
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        # Without a namespace it looks in its own.
        self.assertNotIn("namespaceSelector", monitor["spec"])

    def test_rules_and_dashboards_are_those_of_dashboards(self):
        manifests = self.built["overlays/example"]
        rules = [rule["spec"] for rule in charts.of_kind(manifests, "PrometheusRule")]
        files = sorted((ROOT / "dashboards/rules").glob("*.yml"))
        self.assertEqual(rules, [yaml.load(file.read_text(), Loader=yaml.CSafeLoader) for file in files])
        shown = {}
        for config in charts.of_kind(manifests, "ConfigMap"):
            if "grafana_dashboard" in config["metadata"].get("labels", {}):
                shown |= config["data"]
        wanted = {f"dcs-backup-{file.name}": file.read_text() for file in (ROOT / "dashboards").glob("*.json")}
        self.assertEqual(shown, wanted)
