"""The daemon asks what the official SDK asks, and signs as it does.

Both are recorded in front of the same simulated cloud. For each call of the daemon's the SDK makes the same one; method,
path, query and body must be equal on the wire. Then the SDK's own signer signs what the daemon sent: the signatures must
be equal, whatever the daemon's headers are.
"""

import collections
import contextlib
import json
import pathlib
import re
import tempfile
import unittest
import urllib.parse

import program
from program import get, wait_for
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
        # One of the daemon's may have been under way when it was stopped.
        (recorded,) = [request for request in self.recorder.requests if not is_the_daemons(request)]
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


def is_the_daemons(request):
    """Whether the daemon sent it, by its own word."""
    return any(name.lower() == "user-agent" and "dcs-backup-exporter" in value for name, value in request.headers)


LOGIN_CONFIGURATION = """
projects:
  - name: sdk
    project_name: {project}
    endpoint: {base}
    iam_endpoint: {base}
    sts_endpoint: {base}
    {credentials}
    limits: {{ requests_per_second: 100, burst: 100, concurrency: 8 }}
credentials: {{ ops: {{ {entry} }} }}
"""
# Headers that logins are made of.
TELLING = ("x-idp-id", "x-metadata-token-ttl-seconds")
Simulated = collections.namedtuple(
    "Simulated", "project account user password agency provider_urn agency_urn idp id_token pod_token"
)


def simulated(endpoint):
    """What the simulated cloud says on its page that one logs in with."""
    page = get(f"{endpoint}/simulator/")[2]

    def says(pattern):
        return re.search(pattern, page).groups()

    (project,), (account,) = says(r"project name +(\S+)"), says(r"account +(\S+)")
    (user,), (password,) = says(r"user +(\S+)"), says(r"password +(\S+)")
    agency, agency_urn = says(r"agency +(\S+) or (\S+)")
    id_token, idp, provider_urn = says(r"id token +(\S+) of (\S+) or (\S+)")
    (pod_token,) = says(r"pod token +(\S+)")
    return Simulated(project, account, user, password, agency, provider_urn, agency_urn, idp, id_token, pod_token)


def told(request):
    """What a request of a login says, without what differs each time: the token that was issued just before."""
    body = json.loads(request.body) if request.body else None
    if request.path.endswith("/securitytokens") and "token" in body["auth"]["identity"]:
        body["auth"]["identity"]["token"]["id"] = "ISSUED"
    headers = {name.lower(): value for name, value in request.headers}
    kept = {name: headers[name] for name in TELLING if name in headers}
    if "authorization" in headers and not headers["authorization"].startswith("SDK-HMAC"):
        kept["authorization"] = headers["authorization"]
    kept["x-metadata-token"] = "x-metadata-token" in headers
    kept["signed"] = headers.get("authorization", "").startswith("SDK-HMAC")
    return request.method, request.path, request.query, body, kept


class Logins(unittest.TestCase):
    """One after the other, each way to log in that the SDK has too."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.cloud, _ = stack.enter_context(program.simulate("--instances=2", "--seed=5"))
        cls.recorder = stack.enter_context(recording(cls.cloud.endpoint))
        cls.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cls.known = simulated(cls.cloud.endpoint)
        (cls.folder / "id-token").write_text(cls.known.id_token)
        (cls.folder / "pod-token").write_text(cls.known.pod_token)

    def taken(self):
        """The requests since the last time that are no polls."""
        requests = [request for request in self.recorder.requests if not request.path.startswith("/v2/")]
        self.recorder.clear()
        return requests

    def of_the_daemon(self, entry, environment):
        self.recorder.clear()
        file = self.folder / "exporter.yml"
        known = {"project": self.known.project, "base": self.recorder.base}
        credentials = "credentials: ops" if entry else ""
        unused = "access_key: unused, secret_key: unused"
        file.write_text(LOGIN_CONFIGURATION.format(credentials=credentials, entry=entry or unused, **known))
        with program.daemon(f"--config.file={file}", environment=environment) as (url, _):
            wait_for("instances are known", lambda: "dcs_backup_records{" in get(f"{url}/metrics")[2])
        return self.taken()

    def of_the_sdk(self, credentials):
        import huaweicloudsdkdcs.v2 as dcs
        from huaweicloudsdkcore.auth.credentials import BasicCredentials
        from huaweicloudsdkcore.region.region import Region

        BasicCredentials._CACHE.clear()
        region = Region(self.known.project, self.recorder.base)
        credentials = credentials.with_iam_endpoint(self.recorder.base)
        client = dcs.DcsClient.new_builder().with_credentials(credentials).with_region(region).build()
        self.assertEqual(len(client.list_instances(dcs.ListInstancesRequest()).instances), 2)
        return self.taken()

    def compare(self, paths, credentials, entry=None, environment=None):
        """`credentials` makes the SDK's, `entry` is the daemon's."""
        mine = self.of_the_daemon(entry, environment or {})
        theirs = self.of_the_sdk(credentials())
        self.assertEqual([request.path for request in theirs], paths)
        self.assertEqual([told(request) for request in mine], [told(request) for request in theirs])

    def test_a_project_is_looked_up_as_the_sdk_does(self):
        from huaweicloudsdkcore.auth.credentials import BasicCredentials

        keys = (self.cloud.access_key, self.cloud.secret_key)
        environment = dict(zip(("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"), keys))
        self.compare(["/v3/projects"], lambda: BasicCredentials(*keys), environment=environment)
        (request,) = self.of_the_daemon(None, environment)
        headers = {name.lower(): value for name, value in request.headers}
        self.assertEqual(headers["authorization"], signed_by_the_sdk(request, *keys))

    def test_an_id_token_is_changed_for_keys_as_the_sdk_does(self):
        from huaweicloudsdkcore.auth.credentials import BasicCredentials

        token = str(self.folder / "id-token")
        paths = ["/v3.0/OS-AUTH/id-token/tokens", "/v3.0/OS-CREDENTIAL/securitytokens", "/v3/projects"]

        def credentials():
            return BasicCredentials().with_idp_id(self.known.idp).with_id_token_file(token)

        entry = f"source: oidc, idp_id: {self.known.idp}, id_token_file: {token}"
        self.compare(paths, credentials, entry)
        variables = {"HUAWEICLOUD_SDK_IDP_ID": self.known.idp, "HUAWEICLOUD_SDK_ID_TOKEN_FILE": token}
        self.compare(paths, credentials, environment=variables)
        profile = self.folder / "profile"
        profile.write_text(f"[basic]\nidp_id = {self.known.idp}\nid_token_file: {token}\n")
        self.compare(paths, credentials, f"source: profile, profile_file: {profile}")

    def test_an_agency_is_assumed_with_an_id_token_as_the_sdk_does(self):
        from huaweicloudsdkcore.auth.provider import OidcStsCredentialProvider

        def credentials():
            return OidcStsCredentialProvider(
                "basic",
                provider_urn=self.known.provider_urn,
                agency_urn=self.known.agency_urn,
                id_token=self.known.id_token,
                sts_endpoint=self.recorder.base,
            ).get_credentials()

        paths = ["/v5/agencies/assume-with-oidc", "/v3/projects"]
        urns = f'provider_urn: "{self.known.provider_urn}", agency_urn: "{self.known.agency_urn}"'
        self.compare(paths, credentials, f"source: oidc_agency, {urns}, id_token_file: {self.folder}/id-token")

    def test_the_metadata_service_is_asked_as_the_sdk_does(self):
        from huaweicloudsdkcore.auth.internal import MetadataAccessor
        from huaweicloudsdkcore.auth.provider import MetadataCredentialProvider

        original = MetadataAccessor._METADATA_ENDPOINT
        self.addCleanup(setattr, MetadataAccessor, "_METADATA_ENDPOINT", original)
        MetadataAccessor._METADATA_ENDPOINT = self.recorder.base
        paths = ["/meta-data/latest/api/token", "/openstack/latest/securitykey", "/v3/projects"]
        entry = f'source: metadata, metadata_endpoint: "{self.recorder.base}"'
        self.compare(paths, lambda: MetadataCredentialProvider.get_basic().get_credentials(), entry)

    def test_the_agent_of_a_pod_is_asked_as_the_sdk_does(self):
        from huaweicloudsdkcore.auth.internal import PodIdentityAccessor
        from huaweicloudsdkcore.auth.credentials import BasicCredentials

        uri, token = f"{self.recorder.base}/pod-identity/credentials", str(self.folder / "pod-token")

        def credentials():
            made = BasicCredentials()
            made.sts_accessor = PodIdentityAccessor(uri, token)
            return made

        entry = f'source: pod_identity, credentials_uri: "{uri}", authorization_token_file: {token}'
        self.compare(["/pod-identity/credentials", "/v3/projects"], credentials, entry)

    def alone(self, client, credentials, request, call):
        """What a client of the SDK sends for one call of its own."""
        client = client.new_builder().with_credentials(credentials).with_endpoint(self.recorder.base)
        self.recorder.clear()
        call(client.build(), request)
        (recorded,) = self.recorder.requests
        return recorded

    def assert_same_call(self, mine, theirs):
        sent = [(r.method, r.path, urllib.parse.parse_qsl(r.query), json.loads(r.body)) for r in (mine, theirs)]
        self.assertEqual(*sent)

    def test_a_password_is_changed_for_a_token_as_the_sdk_does(self):
        import huaweicloudsdkiam.v3 as iam
        from huaweicloudsdkcore.auth.credentials import GlobalCredentials

        known = self.known
        mine, *_ = self.of_the_daemon(
            f"username: {known.user}, password: {known.password}, domain_name: {known.account}", {}
        )
        user = iam.PwdPasswordUser(
            domain=iam.PwdPasswordUserDomain(name=known.account), name=known.user, password=known.password
        )
        identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user=user))
        scope = iam.AuthScope(project=iam.AuthScopeProject(name=known.project))
        body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth=iam.PwdAuth(identity=identity, scope=scope))
        request = iam.KeystoneCreateUserTokenByPasswordRequest(nocatalog="true", body=body)
        credentials = GlobalCredentials(self.cloud.access_key, self.cloud.secret_key, "unused")
        ask = iam.IamClient.keystone_create_user_token_by_password
        theirs = self.alone(iam.IamClient, credentials, request, ask)
        self.assert_same_call(mine, theirs)

    def test_an_agency_is_assumed_by_its_name_as_the_sdk_does(self):
        import huaweicloudsdkiam.v3 as iam
        from huaweicloudsdkcore.auth.credentials import GlobalCredentials

        known, keys = self.known, (self.cloud.access_key, self.cloud.secret_key)
        entry = f"access_key: {keys[0]}, secret_key: {keys[1]}"
        assume = f"assume: {{ agency_name: {known.agency}, domain_name: {known.account} }}"
        mine, *_ = self.of_the_daemon(f"{entry}, {assume}", {})
        role = iam.IdentityAssumerole(agency_name=known.agency, domain_name=known.account, duration_seconds=3600)
        identity = iam.AgencyAuthIdentity(methods=["assume_role"], assume_role=role)
        body = iam.CreateTemporaryAccessKeyByAgencyRequestBody(auth=iam.AgencyAuth(identity=identity))
        request = iam.CreateTemporaryAccessKeyByAgencyRequest(body=body)
        ask = iam.IamClient.create_temporary_access_key_by_agency
        theirs = self.alone(iam.IamClient, GlobalCredentials(*keys, "unused"), request, ask)
        self.assert_same_call(mine, theirs)
        headers = {name.lower(): value for name, value in mine.headers}
        self.assertEqual(headers["authorization"], signed_by_the_sdk(mine, *keys))

    def test_an_agency_is_assumed_by_its_urn_as_the_sdk_does(self):
        import huaweicloudsdksts.v1 as sts
        from huaweicloudsdkcore.auth.credentials import BasicCredentials

        known, keys = self.known, (self.cloud.access_key, self.cloud.secret_key)
        entry = f"access_key: {keys[0]}, secret_key: {keys[1]}"
        mine, *_ = self.of_the_daemon(f'{entry}, assume: {{ agency_urn: "{known.agency_urn}" }}', {})
        body = sts.AssumeAgencyReqBody(
            agency_urn=known.agency_urn, agency_session_name="dcs-backup-exporter", duration_seconds=3600
        )
        request = sts.AssumeAgencyRequest(body=body)
        theirs = self.alone(sts.StsClient, BasicCredentials(*keys, "unused"), request, sts.StsClient.assume_agency)
        self.assert_same_call(mine, theirs)
        headers = {name.lower(): value for name, value in mine.headers}
        self.assertEqual(headers["authorization"], signed_by_the_sdk(mine, *keys))
