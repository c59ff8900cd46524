"""A rendered pod on this machine: its volumes as folders; its program, arguments and environment as they are.

The paths of the container become paths below a temporary folder, in arguments, variables and files alike.
"""

import pathlib

import charts
import program
import yaml

# What the container may see and the chart chooses; the configuration and the arguments name files below these.
PLACES = ("/etc/dcs-backup-exporter", "/var/lib/dcs-backup-exporter", "/var/run/secrets/huaweicloud")


class Pod:
    """The pod of some manifests, below a folder.

    `given` are the ConfigMaps and Secrets that others make, by their names; `token` is that of the service account.
    """

    def __init__(self, manifests, folder, given=None, token="a-token"):
        self.folder = pathlib.Path(folder)
        self.spec = charts.workload(manifests)["spec"]["template"]["spec"]
        self.container = self.spec["containers"][0]
        self._manifests = manifests
        self._given = given or {}
        self._token = token
        volumes = {volume["name"]: volume for volume in self.spec.get("volumes", [])}
        claims = charts.workload(manifests)["spec"].get("volumeClaimTemplates", [])
        volumes |= {claim["metadata"]["name"]: {"persistentVolumeClaim": {}} for claim in claims}
        for mount in self.container.get("volumeMounts", []):
            place = self.folder / mount["mountPath"].lstrip("/")
            place.mkdir(parents=True)
            for name, text in self._content(volumes.pop(mount["name"])).items():
                (place / name).write_text(self.moved(text))
        assert not volumes, f"nobody mounts {sorted(volumes)}"

    def _content(self, volume):
        """File names and texts of a volume."""
        if "projected" in volume:
            token = volume["projected"]["sources"][0]["serviceAccountToken"]
            return {token["path"]: self._token}
        if "configMap" in volume:
            return self._object("ConfigMap", volume["configMap"]["name"], "data")
        if "secret" in volume:
            return self._object("Secret", volume["secret"]["secretName"], "stringData")
        assert "emptyDir" in volume or "persistentVolumeClaim" in volume, volume
        return {}

    def _object(self, kind, name, field):
        found = charts.named(self._manifests, kind, name)
        if found is None:
            assert name in self._given, f"neither the chart nor the test makes the {kind} {name}"
            return self._given[name]
        return found[field]

    def moved(self, text):
        """The same text with the paths of this machine."""
        for place in PLACES:
            text = text.replace(place, f"{self.folder}{place}")
        return text

    @property
    def arguments(self):
        """Those of the container, on a free port of loopback."""
        port = self.container["ports"][0]["containerPort"]
        return [
            self.moved(argument).replace(f"--web.listen-address=:{port}", "--web.listen-address=127.0.0.1:0")
            for argument in self.container["args"]
        ]

    @property
    def environment(self):
        """The container's variables."""
        return {entry["name"]: self.moved(entry["value"]) for entry in self.container.get("env", [])}

    @property
    def config_file(self):
        """Where the arguments say that the configuration is; None where there is none."""
        flags = [argument for argument in self.arguments if argument.startswith("--config.file=")]
        return pathlib.Path(flags[0].partition("=")[2]) if flags else None

    @property
    def config(self):
        """What stands there."""
        return yaml.safe_load(self.config_file.read_text())

    def check_config(self):
        """Exit code and output of the real program's check of the configuration."""
        flags = [f"--config.file={self.config_file}"] if self.config_file else []
        environment = {"PATH": "/nonexistent", **self.environment}
        code, out, errors = charts.run([program.EXPORTER, "check-config", *flags], environment=environment)
        return code, out + errors

    def start(self, environment=None):
        """The program as the container would run it."""
        return program.Server(
            program.EXPORTER, *self.arguments, environment={**self.environment, **(environment or {})}
        )
