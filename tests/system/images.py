"""Builds the image from the Dockerfile and runs it, without a registry and without a daemon.

No registry is asked. The base image of the Dockerfile's first stage is replaced by one that holds nothing but mount
points: the machine's own /usr, compiler and crates are mounted there, each below an overlay that takes what a step
writes and is thrown away. So the steps are the Dockerfile's own, and what they install has to be on the machine
already. Everything lies in target/tools/images; buildah and podman are run as root.
"""

import contextlib
import functools
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import program
from program import ROOT, Server

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
STORE = TARGET / "tools/images"
BASE, IMAGE = "localhost/machine", "localhost/dcs-backup-exporter:test"
USER = 65532

# Faster to build, and otherwise the same.
UNOPTIMISED = {
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "256",
    "CARGO_PROFILE_RELEASE_LTO": "off",
}


def _command(tool, *arguments):
    return [program.tool(tool), f"--root={STORE}/root", f"--runroot={STORE}/run", "--storage-driver=vfs", *arguments]


def _podman(*arguments):
    return _command("podman", "--runtime=runc", "--cgroup-manager=cgroupfs", *arguments)


def _run(command, seconds=60, **options):
    # What is cached between builds lies beside the images.
    environment = {**os.environ, "TMPDIR": str(STORE / "tmp")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, env=environment, **options
    )


def _checked(command, seconds=60, **options):
    result = _run(command, seconds, **options)
    assert result.returncode == 0, (
        f"{command} ended with {result.returncode}:\n{(result.stdout + result.stderr)[-6000:]}"
    )
    return result.stdout


def _home(variable, folder):
    return pathlib.Path(os.environ.get(variable, pathlib.Path.home() / folder)).resolve()


def _programs():
    """Where rustup and cargo are, which need not be below CARGO_HOME."""
    return pathlib.Path(program.tool("rustup")).parent.resolve()


def _mounts():
    """The machine's own folders, which stand in for what a base image holds."""
    folders = ["/usr", "/var/lib/dpkg", "/etc/alternatives", "/etc/apt", "/etc/ssl"]
    folders += [_home("CARGO_HOME", ".cargo"), _home("RUSTUP_HOME", ".rustup")]
    if not any(_programs().is_relative_to(folder) for folder in folders):
        folders.append(_programs())
    # O: below an overlay.
    return [f"--volume={folder}:{folder}:O" for folder in folders]


def _base_image():
    """An image with the places to mount the machine at, and its environment."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name in [
                "usr",
                "etc",
                "tmp",
                "var/lib/apt/lists/partial",
                "var/cache/apt/archives/partial",
                "var/log/apt",
            ]:
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
                tar.addfile(entry)
            for name in ["bin", "sbin", "lib", "lib64"]:
                # As it is in Debian since its version 12.
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
                tar.addfile(entry)
            for name in ["etc/passwd", "etc/group", "etc/ca-certificates.conf"]:
                tar.add(f"/{name}", name)
        (STORE / "base/base.tar").write_bytes(file.getvalue())
    cargo, rustup = _home("CARGO_HOME", ".cargo"), _home("RUSTUP_HOME", ".rustup")
    variables = {"PATH": f"{_programs()}:/usr/sbin:/usr/bin", "CARGO_HOME": cargo, "RUSTUP_HOME": rustup, **UNOPTIMISED}
    lines = ["FROM scratch", "ADD base.tar /", *(f"ENV {name}={value}" for name, value in variables.items())]
    (STORE / "base/Dockerfile").write_text("\n".join(lines) + "\n")
    _checked(_command("buildah", "build", "--tag", BASE, str(STORE / "base")))


def run(*command):
    """Runs a program that judges: exit code and both outputs."""
    result = _run(command)
    return result.returncode, result.stdout + result.stderr


@functools.cache
def build():
    """Builds the image by the Dockerfile, once; gives its name."""
    assert os.geteuid() == 0, "buildah and podman are run as root here"
    # Both remember where their folders lie, and refuse to work where these were moved.
    place = STORE / "place"
    if STORE.exists() and (not place.exists() or place.read_text() != str(STORE.resolve())):
        shutil.rmtree(STORE)
    for folder in ("base", "tmp"):
        (STORE / folder).mkdir(parents=True, exist_ok=True)
    place.write_text(str(STORE.resolve()))
    _base_image()
    arguments = [f"--build-arg=RUST_IMAGE={BASE}", "--build-arg=DCS_EXPORTER_REVISION=tested", f"--tag={IMAGE}"]
    _checked(_command("buildah", "build", "--isolation=chroot", *_mounts(), *arguments, str(ROOT)), 1500)
    # What earlier builds left without a name.
    _run(_command("buildah", "rmi", "--prune"))
    return IMAGE


def inspect(image):
    """What the image says of itself."""
    return json.loads(_checked(_podman("image", "inspect", image)))[0]


@contextlib.contextmanager
def contents(image):
    """Its files, as a tar that is open for a `with`."""
    archive = STORE / "tmp/contents.tar"
    made = _checked(_podman("create", "--network=host", image)).strip()
    try:
        _checked(_podman("export", f"--output={archive}", made))
        with tarfile.open(archive) as tar:
            yield tar
    finally:
        _run(_podman("rm", made))
        archive.unlink(missing_ok=True)


# Nothing may be written, not even where podman would allow it by itself.
HARDENED = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges"]
# On the machine's loopback, where the simulated cloud is. The machine may allow less than podman asks for.
HERE = ["--rm", "--network=host", "--ulimit=nofile=20000:20000", "--ulimit=nproc=1000:1000"]


def container(*arguments, options=(), flags=HARDENED):
    """The image as a server, until the end of a `with`; a signal to it reaches the program."""
    return Server(*_podman("run", *HERE, *flags, *options, build(), *arguments))


def once(*arguments, options=(), flags=HARDENED):
    """Runs the image to its end: exit code and both outputs."""
    result = _run(_podman("run", *HERE, *flags, *options, build(), *arguments))
    return result.returncode, result.stdout + result.stderr


@contextlib.contextmanager
def volume(name):
    """A new volume of podman's, for a `with`: gives the folder that it is on this machine."""
    _run(_podman("volume", "rm", "--force", name))
    _checked(_podman("volume", "create", name))
    try:
        yield pathlib.Path(json.loads(_checked(_podman("volume", "inspect", name)))[0]["Mountpoint"])
    finally:
        _run(_podman("volume", "rm", "--force", name))
