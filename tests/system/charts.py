"""Renders the chart and the plain manifests with real Helm and Kustomize, and holds them against schemas."""

import functools
import os
import pathlib
import re
import subprocess
import sys

import program
import yaml

ROOT = program.ROOT
CHART = ROOT / "deploy/helm/dcs-backup-exporter"
KUBERNETES = ROOT / "deploy/kubernetes"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CASES = {file.name.removesuffix("-values.yaml"): file for file in sorted((CHART / "ci").glob("*-values.yaml"))}
# The oldest version of Kubernetes that the chart takes, and the newest whose schemas are there.
VERSIONS = ("1.25", "1.37")
RELEASE, NAMESPACE = "test", "monitoring"


def got(tool, file):
    """Path of what `tests/run --get TOOL` got; where it could not, the test says why, and fails."""
    path = TARGET / "tools" / tool / file
    if not path.exists():
        log = TARGET / "tests" / f"{tool}.log"
        why = log.read_text(errors="replace")[-600:] if log.exists() else f"nobody called tests/run --get {tool}"
        raise AssertionError(f"{tool} is not there: {why}")
    return path


def run(command, text=None, environment=None):
    """Ends with its exit code, its output and its errors."""
    done = subprocess.run(
        [str(part) for part in command],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    return done.returncode, done.stdout, done.stderr


def helm(*arguments, text=None):
    """Helm without any settings of the user's."""
    home = {"HOME": "/nonexistent", "PATH": os.defpath}
    return run([got("helm", "helm"), *arguments], text, home)


def parsed(text):
    """The manifests of a stream, without empty ones; a key that stands twice is a mistake."""
    return [manifest for manifest in yaml.load_all(text, Loader=_Strict) if manifest]


def rendered_text(values, chart=CHART, version=VERSIONS[-1], flags=()):
    """What Helm makes of values: a path, or a mapping."""
    command = ["template", RELEASE, chart, f"--namespace={NAMESPACE}", f"--kube-version={version}", *flags]
    if isinstance(values, dict):
        code, out, errors = helm(*command, "--values=-", text=yaml.safe_dump(values))
    else:
        code, out, errors = helm(*command, f"--values={values}")
    assert code == 0, errors
    # Helm warns of values that it cannot put together.
    assert not errors, errors
    return out


def rendered(values, **options):
    """The same as a list of manifests."""
    return parsed(rendered_text(values, **options))


def refusal(values):
    """Why Helm does not render values."""
    command = ["template", RELEASE, CHART, f"--kube-version={VERSIONS[-1]}", "--values=-"]
    code, out, errors = helm(*command, text=yaml.safe_dump(values))
    assert code != 0, f"{values} are rendered:\n{out[:2000]}"
    return errors


def built(folder):
    """What Kustomize makes of a folder below deploy/kubernetes/."""
    code, out, errors = run([got("kustomize", "kustomize"), "build", KUBERNETES / folder])
    assert code == 0, errors
    assert not errors, errors
    return parsed(out)


def of_kind(manifests, kind):
    """All manifests of a kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def only(manifests, kind):
    """The one manifest of a kind."""
    found = of_kind(manifests, kind)
    assert len(found) == 1, f"{len(found)} manifests of kind {kind}"
    return found[0]


def named(manifests, kind, name):
    """The manifest of a kind and name, or None."""
    found = [manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name]
    return found[0] if found else None


def workload(manifests):
    """The Deployment or StatefulSet."""
    found = of_kind(manifests, "Deployment") + of_kind(manifests, "StatefulSet")
    assert len(found) == 1, f"{len(found)} workloads"
    return found[0]


def called(manifest):
    """How to name a manifest to a reader."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def validate(manifest, version):
    """Holds a manifest against the schema of Kubernetes, or against the operator's; unknown fields are mistakes."""
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        _operator(manifest["kind"], manifest["apiVersion"].partition("/")[2]).validate(manifest)
    else:
        _packages()
        import kubernetes_validate

        kubernetes_validate.validate(manifest, version, strict=True)


def _packages():
    """The packages beside those of tests/clients."""
    folder = str(got("kubernetes", "kubernetes_validate").parent)
    if folder not in sys.path:
        sys.path.append(folder)


@functools.cache
def _operator(kind, version):
    _packages()
    import jsonschema

    # A bare `=` has a meaning of its own in YAML 1.1, which no loader knows.
    text = re.sub(r"^( *- )=$", r'\1"="', got("operator", f"{kind.lower()}s.yaml").read_text(), flags=re.MULTILINE)
    definition = yaml.load(text, Loader=yaml.CSafeLoader)
    found = [entry for entry in definition["spec"]["versions"] if entry["name"] == version]
    schema = _strict(found[0]["schema"]["openAPIV3Schema"])
    # What holds for all objects is not told in the definitions.
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft7Validator(schema)


def _strict(schema):
    """The same schema, refusing what it does not name, as `kubectl --validate=strict` does."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(part) for name, part in schema.items()}
    if isinstance(strict.get("properties"), dict) and not strict.get("x-kubernetes-preserve-unknown-fields"):
        strict.setdefault("additionalProperties", False)
    if strict.get("x-kubernetes-int-or-string"):
        strict = {"type": ["integer", "string"]}
    # Python has no flags in the middle, where Go has them.
    if isinstance(strict.get("pattern"), str) and "(?i)" in strict["pattern"]:
        strict["pattern"] = "(?i)" + strict["pattern"].replace("(?i)", "")
    return strict


class _Strict(yaml.CSafeLoader):
    """Refuses a mapping in which a key stands twice: Kubernetes takes one of them."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{node.start_mark}: {twice} stand twice"
        return super().construct_mapping(node, deep)
