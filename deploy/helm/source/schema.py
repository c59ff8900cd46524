"""values.schema.json: types by the defaults of values.yaml, those of `config` by the program's own table of keys."""

import json
import re

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
OBJECT = {"type": "object"}
OBJECTS = {"type": "array", "items": OBJECT}
NAMED = {"type": "array", "items": {"type": "object", "required": ["name"]}}
TEXT_MAP = {"type": "object", "additionalProperties": TEXT}
NUMBER_MAP = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
DURATION = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}


def _choice(*words):
    return {"type": "string", "enum": list(words)}


def _pattern(pattern):
    return {"type": "string", "pattern": f"^({pattern})?$"}


# Where the default tells less than is known.
TYPES = {
    "configKey": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
    "oidc.expirationSeconds": {"type": "integer", "minimum": 600},
    "shards": {"type": "integer", "minimum": 1, "maximum": 10000},
    "image.digest": _pattern("sha256:[0-9a-f]{64}"),
    "image.tag": _pattern("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"),
    "image.repository": {"type": "string", "minLength": 1},
    "image.pullPolicy": _choice("Always", "IfNotPresent", "Never"),
    "imagePullSecrets": NAMED,
    "log.level": _choice("error", "warn", "info", "debug", "trace"),
    "log.format": _choice("logfmt", "json"),
    "webConfig": {
        "type": "object",
        "properties": dict.fromkeys(
            ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"], OBJECT
        ),
        "additionalProperties": False,
    },
    "probeKind": _choice("auto", "http", "https", "tcp"),
    "livenessProbe": NUMBER_MAP,
    "readinessProbe": NUMBER_MAP,
    "persistence.accessModes": {
        "type": "array",
        "minItems": 1,
        "items": _choice("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"),
    },
    "podDisruptionBudget.maxUnavailable": {"anyOf": [{"type": "integer", "minimum": 1}, _choice("100%")]},
    "extraArgs": {"type": "array", "items": {"type": "string", "pattern": "^--"}},
    "extraEnv": NAMED,
    "extraVolumes": NAMED,
    "extraVolumeMounts": {"type": "array", "items": {"type": "object", "required": ["name", "mountPath"]}},
    "extraManifests": {"type": "array", "items": {"type": ["object", "string"]}},
    "service.type": _choice("ClusterIP", "NodePort", "LoadBalancer"),
    "service.port": PORT,
    "service.ipFamilyPolicy": _choice("", "SingleStack", "PreferDualStack", "RequireDualStack"),
    "networkPolicy.egressPorts": {"type": "array", "items": PORT},
    "serviceMonitor.interval": DURATION,
    "serviceMonitor.scrapeTimeout": DURATION,
    "serviceMonitor.scheme": _choice("", "http", "https"),
    "serviceMonitor.tlsConfig": OBJECT,
    "serviceMonitor.basicAuth": OBJECT,
    "prometheusRule.thresholds": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    "resources": OBJECT,
    "podSecurityContext": OBJECT,
    "securityContext": OBJECT,
    "affinity": OBJECT,
    "nodeSelector": TEXT_MAP,
}
# By the last part of the path.
ENDINGS = {
    "annotations": TEXT_MAP,
    "labels": TEXT_MAP,
    "podAnnotations": TEXT_MAP,
    "podLabels": TEXT_MAP,
    "commonLabels": TEXT_MAP,
    "additionalLabels": TEXT_MAP,
}

# What the kinds of src/config/schema.rs are in YAML; all others are texts. A number where a text belongs is refused,
# because Helm would have changed it: 0012 is 10 to it.
KINDS = {
    "Map": OBJECT,
    "Names": OBJECT,
    "List": OBJECTS,
    "Texts": TEXTS,
    "TextOrTexts": {"anyOf": [TEXT, TEXTS]},
    "Switch": {"type": "boolean"},
    "Rate": {"type": "number", "exclusiveMinimum": 0},
    "Count": {"type": "integer", "minimum": 0},
}
# What the chart sets.
OURS = ("shard", "storage.path")


def of_value(value):
    """The type of a value, by its path or else by its default."""
    name = value.path.rpartition(".")[2]
    known = TYPES.get(value.path) or ENDINGS.get(name)
    if known is None:
        match value.default:
            case bool():
                known = {"type": "boolean"}
            case int():
                known = {"type": "integer", "minimum": 0}
            case str():
                known = TEXT
            case list():
                known = OBJECTS
            case _:
                raise AssertionError(f"schema.py has no type for {value.path}")
    return {**known, "description": value.help}


def of_config(keys):
    """The type of `config`, from the text of src/config/keys.rs."""
    root = {"type": "object", "additionalProperties": False, "properties": {}}
    for path, kind in re.findall(r'\bkey\(\s*"([^"]+)",\s*Kind::(\w+)', keys):
        if any(path == ours or path.startswith(f"{ours}.") for ours in OURS):
            continue
        *above, name = path.replace("[]", ".[]").split(".")
        node = root
        for part in above:
            # What was one type for all becomes one of its own.
            if part == "[]":
                node = node["items"]
            elif part.startswith("<"):
                node = node["additionalProperties"]
            else:
                node = node["properties"][part]
        leaf = json.loads(json.dumps(KINDS.get(kind, TEXT)))
        if kind == "List":
            leaf["items"] |= {"additionalProperties": False, "properties": {}}
        elif kind == "Map":
            leaf |= {"additionalProperties": False, "properties": {}}
        if name.startswith("<"):
            node["additionalProperties"] = leaf
        elif name == "[]":
            node["items"] = leaf
        else:
            node["properties"][name] = leaf
    return root


def written(values, keys):
    """The whole file."""
    root = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        # Helm hands these to every chart that stands below another one.
        "properties": {"global": OBJECT},
    }
    for value in values:
        *above, name = value.path.split(".")
        node = root
        for part in above:
            node = node["properties"].setdefault(
                part, {"type": "object", "additionalProperties": False, "properties": {}}
            )
        if value.path == "config":
            node["properties"][name] = {"anyOf": [TEXT, of_config(keys)], "description": value.help}
        else:
            node["properties"][name] = of_value(value)
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"
