"""What values.yaml says: each value with its path, its default and the comment above it."""

import dataclasses
import re

import yaml

# Mappings that are passed on to Kubernetes as they are: nothing below them is a value of the chart's own.
PASSED_ON = {
    "resources",
    "podSecurityContext",
    "securityContext",
    "livenessProbe",
    "readinessProbe",
    "dashboards.annotations",
}


@dataclasses.dataclass(frozen=True)
class Value:
    """One value that may be set."""

    path: str
    default: object
    help: str


def read(text):
    """All values of a values.yaml, in its order. One without a comment is a mistake."""
    tree = yaml.safe_load(text)
    found, comment, above = [], [], []
    for line in text.splitlines():
        key = re.match(r"( *)([A-Za-z]\w*):", line)
        if line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
        elif key is None:
            comment = []
        else:
            depth = len(key[1]) // 2
            above = above[:depth]
            if not any(".".join(above[: end + 1]) in PASSED_ON for end in range(depth)):
                above.append(key[2])
                path = ".".join(above)
                default = tree
                for part in above:
                    default = default[part]
                if path in PASSED_ON or not (isinstance(default, dict) and default):
                    assert comment, f"{path} has no comment"
                    found.append(Value(path, default, " ".join(comment)))
            comment = []
    return found
