"""The daemon asks what the official SDK asks, and signs as it does.

Both are recorded in front of the same simulated cloud. For each call of the daemon's the SDK makes the same one; method,
path and query must be equal on the wire. Then the SDK's own signer signs what the daemon sent: the signatures must be
equal, whatever the daemon's headers are.
"""

import contextlib
import pathlib
import tempfile
import unittest
import urllib.parse

import program
from program import wait_for
from recorder import recording

CONFIGURATION = """
projects:
  - name: sdk
    project_id: {project}
    endpoint: {endpoint}
    limits: {{ requests_per_second: 100, burst: 100, concurrency: 8 }}
polling: {{ idle_interval: 1s, window_interval: 1s, active_interval: 1s, policy_interval: 1s }}
"""


def signed_by_the_sdk(request, access_key, secret_key):
    """The header Authorization that the SDK's signer computes over the headers that this request had signed."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

    headers = {name.lower(): value for name, value in request.headers}
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    sdk = SdkRequest(
        method=request.method,
        schema="http",
        host=headers["host"],
        resource_path=urllib.parse.unquote(request.path),
        query_params=urllib.parse.parse_qsl(request.query, keep_blank_values=True),
        # The SDK signs what it is given, and takes this date instead of its own.
        header_params={("X-Sdk-Date" if name == "x-sdk-date" else name): headers[name] for name in signed},
        body=request.body.decode(),
        signing_algorithm=None,
    )
    return Signer(BasicCredentials(access_key, secret_key, "")).sign(sdk).header_params["Authorization"]


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.cloud, _ = stack.enter_context(program.simulate("--instances=3", "--seed=5"))
        cls.recorder = stack.enter_context(recording(cls.cloud.endpoint))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "exporter.yml"
        file.write_text(CONFIGURATION.format(project=cls.cloud.project_id, endpoint=cls.recorder.base))
        environment = {"HUAWEICLOUD_SDK_AK": cls.cloud.access_key, "HUAWEICLOUD_SDK_SK": cls.cloud.secret_key}
        with program.daemon(f"--config.file={file}", environment=environment):
            of_each = ("/instances", "/backups", "/restores")
            wait_for(
                "each call is made for each instance",
                lambda: sum(r.path.endswith(of_each) for r in cls.recorder.requests) > 12
                and sum(r.path.split("/")[-2] == "instances" for r in cls.recorder.requests) >= 3,
            )
        cls.daemons = cls.recorder.requests

    def sdk(self):
        from huaweicloudsdkcore.auth.credentials import BasicCredentials
        from huaweicloudsdkdcs.v2 import DcsClient

        credentials = BasicCredentials(self.cloud.access_key, self.cloud.secret_key, self.cloud.project_id)
        return DcsClient.new_builder().with_credentials(credentials).with_endpoint(self.recorder.base).build()

    def the_same_by_the_sdk(self, request):
        """The SDK's request with the parameters of this one."""
        import huaweicloudsdkdcs.v2 as dcs

        client = self.sdk()
        *_, before, last = request.path.split("/")
        query = {name: int(value) for name, value in urllib.parse.parse_qsl(request.query)}
        self.recorder.clear()
        if last == "instances":
            client.list_instances(dcs.ListInstancesRequest(**query))
        elif last == "backups":
            client.list_backup_records(dcs.ListBackupRecordsRequest(instance_id=before, **query))
        elif last == "restores":
            client.list_restore_records(dcs.ListRestoreRecordsRequest(instance_id=before, **query))
        else:
            self.assertEqual(before, "instances", request.path)
            client.show_instance(dcs.ShowInstanceRequest(instance_id=last))
        (recorded,) = self.recorder.requests
        return recorded

    def test_method_path_and_query_are_the_sdks(self):
        kinds = {(r.method, r.path, r.query): r for r in self.daemons}
        self.assertGreaterEqual(len(kinds), 1 + 3 * 3, "the listing, and three calls for each of three instances")
        for mine, request in kinds.items():
            theirs = self.the_same_by_the_sdk(request)
            self.assertEqual(mine, (theirs.method, theirs.path, theirs.query))
            self.assertEqual(request.body, theirs.body)

    def test_the_sdks_signer_gives_the_same_signature(self):
        self.assertGreater(len(self.daemons), 12)
        for request in self.daemons:
            headers = {name.lower(): value for name, value in request.headers}
            computed = signed_by_the_sdk(request, self.cloud.access_key, self.cloud.secret_key)
            self.assertEqual(headers["authorization"], computed, request)
            covered = computed.split("SignedHeaders=")[1].split(",")[0].split(";")
            self.assertLessEqual({"host", "x-project-id", "x-sdk-date"}, set(covered))
