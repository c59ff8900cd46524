"""The plain manifests of deploy/kubernetes/: what the chart renders, without what only Helm needs."""

import re
import subprocess

RELEASE = "dcs-backup-exporter"
# Kustomize gives the ConfigMap's name a hash of what it holds, so that pods follow a change.
FILES = {"existingConfigMap": f"{RELEASE}-config", "existingSecret": f"{RELEASE}-credentials"}
# Folder: values, and the kinds that are kept where not all are.
RENDERINGS = {
    "base": (FILES, None),
    "sharded": ({**FILES, "shards": 3, "persistence": {"enabled": True}}, None),
    "demo": ({"demo": True}, None),
    "components/operator": (
        {"demo": True, "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
        {"ServiceMonitor", "PrometheusRule"},
    ),
    "components/network-policy": ({**FILES, "networkPolicy": {"enabled": True}}, {"NetworkPolicy"}),
}
HEADER = "# Made by deploy/helm/make from the chart; change it there, or by a patch of your own.\n"
# The release's namespace is chosen by `namespace:` of a kustomization, and the monitor looks in its own.
DROPPED = re.compile(
    r"^# Source: .*\n|^  namespace: .*\n|^ +helm\.sh/chart: .*\n|^ +app\.kubernetes\.io/managed-by: .*\n"
    r"|^  namespaceSelector:\n    matchNames:\n      - .*\n",
    re.MULTILINE,
)


def render(helm, chart, values):
    """The manifests of the chart with these values (a text in YAML), as Helm prints them."""
    command = [helm, "template", RELEASE, str(chart), "--namespace=default", "--kube-version=1.37", "--values=-"]
    done = subprocess.run(command, input=values, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(helm, chart, dump):
    """Path below deploy/kubernetes/ and text of each file."""
    files = {}
    for folder, (values, kinds) in RENDERINGS.items():
        for manifest in re.split(r"^---\n", render(helm, chart, dump(values)), flags=re.MULTILINE):
            kind = re.search(r"^kind: (\w+)$", manifest, re.MULTILINE)
            if kind is None or (kinds and kind[1] not in kinds):
                continue
            name = re.search(r"^  name: (\S+)$", manifest, re.MULTILINE)[1].removeprefix(RELEASE)
            text = HEADER + DROPPED.sub("", manifest).strip() + "\n"
            path = f"{folder}/{kind[1].lower()}{name}.yaml"
            assert path not in files, f"{path} would be written twice"
            files[path] = text
    return files
