"""Reads deploy/compose.yml as compose does: the services, and where each path of theirs lies."""

import pathlib

from program import ROOT

FOLDER = ROOT / "deploy"
MAIN, CLOUD = FOLDER / "compose.yml", FOLDER / "compose.cloud.yml"


def load(path):
    """A YAML file, with `<<` merged."""
    import yaml

    return yaml.safe_load(path.read_text())


def services(path=MAIN):
    """The services by name."""
    return load(path)["services"]


def mounts(service):
    """What is mounted: (source, target, options); the source is a path, or the name of a volume."""
    for volume in service.get("volumes", []):
        source, target, *options = volume.split(":")
        yield (FOLDER / source).resolve() if source.startswith(".") else source, pathlib.PurePosixPath(target), options


def on_this_machine(service, path):
    """The file or folder that the container sees at this path."""
    path = pathlib.PurePosixPath(path)
    for source, target, _ in mounts(service):
        if isinstance(source, pathlib.Path) and path.is_relative_to(target):
            return source / path.relative_to(target)
    raise AssertionError(f"nothing is mounted at {path}")
