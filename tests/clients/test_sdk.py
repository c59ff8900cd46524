"""The cloud's official Python SDK, as a client of `simulate`, sees the backups and restores that /metrics shows.

This holds the exporter and the simulated cloud against a third reading of the same interface: the SDK signs, pages and
decodes with code of the vendor's, and what is expected of /metrics is worked out here, anew, from the SDK's objects.
"""

import collections
import contextlib
import datetime
import pathlib
import tempfile
import unittest

import program
from program import get, wait_for

CONFIGURATION = """
projects:
  - name: sdk
    region: simulated-1
    project_id: {project}
    endpoint: {endpoint}
    limits: {{ requests_per_second: 100, burst: 100, concurrency: 8 }}
polling: {{ idle_interval: 5s, window_interval: 5s, active_interval: 1s }}
"""
LOOKBACK = 7 * 86_400
BACKUP_STATES = ["waiting", "backuping", "succeed", "failed", "expired", "deleted"]
RESTORE_STATES = ["waiting", "restoring", "succeed", "failed"]
CODES = {f"dcs.08.000{digit}" for digit in range(1, 9)}


def known(value):
    """A field's value, or None for what the cloud sends in the place of one."""
    return None if value in (None, "", "{}", {}) else value


def moment(value):
    """Unix seconds of a time stamp such as 2026-11-21T03:04:05.678Z."""
    value = known(value)
    return value and datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def ended(record):
    """When a record ended: for what was deleted since, the last change is the deletion."""
    begun = moment(getattr(record, "execution_at", None)) or moment(record.created_at)
    return begun if record.status in ("expired", "deleted") else moment(record.updated_at) or begun


def succeeded(record):
    return record.status == "succeed" or record.status in ("expired", "deleted") and not known(record.error_code)


def facts(kind, records, now):
    """What /metrics is expected to say of one instance: (family, label) to value."""
    states = BACKUP_STATES if kind == "backup" else RESTORE_STATES
    expected = {(f"dcs_{kind}_records", state): 0 for state in [*states, "other"]}
    for state, count in collections.Counter(r.status if r.status in states else "other" for r in records).items():
        expected[f"dcs_{kind}_records", state] = count
    expected[f"dcs_{kind}_in_progress", ""] = sum(
        record.status in ("waiting", "backuping", "restoring") for record in records
    )
    successes = [record for record in records if succeeded(record)]
    if successes:
        newest = max(successes, key=ended)
        expected[f"dcs_{kind}_last_success_timestamp_seconds", ""] = ended(newest)
        if kind == "backup" and known(newest.size) is not None:
            expected["dcs_backup_last_success_size_bytes", ""] = int(newest.size)
    failures = [record for record in records if record.status == "failed"]
    if failures:
        expected[f"dcs_{kind}_last_failure_timestamp_seconds", ""] = max(ended(record) for record in failures)
    for record in failures:
        if ended(record) >= now - LOOKBACK:
            code = known(record.error_code)
            code = "none" if code is None else code if code in CODES else "other"
            key = (f"dcs_{kind}_failures", code)
            expected[key] = expected.get(key, 0) + 1
    if records:
        expected[f"dcs_{kind}_last_attempt_timestamp_seconds", ""] = max(
            moment(record.created_at) for record in records
        )
    if kind == "backup":
        restorable = [
            r for r in successes if r.status == "succeed" and (known(r.is_support_restore) or "").upper() != "FALSE"
        ]
        expected["dcs_backup_restorable_records", ""] = len(restorable)
        expected["dcs_backup_restorable_bytes", ""] = sum(int(known(record.size) or 0) for record in restorable)
    return expected


class OfficialSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.cloud, _ = stack.enter_context(program.simulate("--instances=14", "--seed=5", "--speed=20"))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "exporter.yml"
        file.write_text(CONFIGURATION.format(project=cls.cloud.project_id, endpoint=cls.cloud.endpoint))
        cls.url, _ = stack.enter_context(
            program.daemon(
                f"--config.file={file}",
                environment={"HUAWEICLOUD_SDK_AK": cls.cloud.access_key, "HUAWEICLOUD_SDK_SK": cls.cloud.secret_key},
            )
        )

    def client(self, secret_key=None):
        from huaweicloudsdkcore.auth.credentials import BasicCredentials
        from huaweicloudsdkcore.http.http_config import HttpConfig
        from huaweicloudsdkdcs.v2 import DcsClient

        credentials = BasicCredentials(
            self.cloud.access_key, secret_key or self.cloud.secret_key, self.cloud.project_id
        )
        config = HttpConfig.get_default_config()
        config.timeout = (5, 30)
        return (
            DcsClient.new_builder()
            .with_http_config(config)
            .with_credentials(credentials)
            .with_endpoint(self.cloud.endpoint)
            .build()
        )

    @staticmethod
    def paged(ask, request, field, size):
        """All entries of a list, page by page."""
        entries = []
        while True:
            request.offset, request.limit = len(entries), size
            page = getattr(ask(request), field) or []
            entries += page
            if len(page) < size:
                return entries

    def instances(self, client):
        from huaweicloudsdkdcs.v2 import ListInstancesRequest

        return self.paged(client.list_instances, ListInstancesRequest(), "instances", 5)

    def expected(self, client):
        """What /metrics should say, by instance."""
        from huaweicloudsdkdcs.v2 import ListBackupRecordsRequest, ListRestoreRecordsRequest

        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        expected = {}
        for instance in self.instances(client):
            identity = instance.instance_id
            backups = self.paged(
                client.list_backup_records,
                ListBackupRecordsRequest(instance_id=identity),
                "backup_record_response",
                100,
            )
            restores = self.paged(
                client.list_restore_records,
                ListRestoreRecordsRequest(instance_id=identity),
                "restore_record_response",
                100,
            )
            expected[identity, instance.name] = facts("backup", backups, now) | facts("restore", restores, now)
        return expected

    def shown(self, wanted):
        """What /metrics does say, of the families that are compared."""
        from prometheus_client.parser import text_string_to_metric_families

        shown = collections.defaultdict(dict)
        for family in text_string_to_metric_families(get(f"{self.url}/metrics")[2]):
            if family.name in wanted:
                for sample in family.samples:
                    labels = sample.labels
                    about = labels.get("status") or labels.get("error_code") or ""
                    shown[labels["instance_id"], labels["instance_name"]][family.name, about] = sample.value
        return dict(shown)

    def test_the_same_instances_backups_and_restores(self):
        client = self.client()

        def agree():
            expected = self.expected(client)
            wanted = {name for of_one in expected.values() for name, _ in of_one}
            shown = self.shown(wanted)
            assert shown.keys() == expected.keys(), (sorted(shown), sorted(expected))
            different = [
                f"{name}: {key} is {shown[identity, name].get(key)} and not {expected[identity, name].get(key)}"
                for identity, name in expected
                for key in sorted(expected[identity, name].keys() | shown[identity, name].keys())
                # Stamps are read to the millisecond.
                if abs(shown[identity, name].get(key, -1.0) - expected[identity, name].get(key, -1.0)) > 0.0015
            ]
            assert not different, f"{len(different)} differences: {different[:12]}"
            return expected

        # The fleet moves while it is read: not at once, but soon, all of it agrees; and again after a change.
        before = wait_for("the SDK and /metrics see the same", agree, 120)
        wait_for("the fleet moves", lambda: self.expected(client) != before, 120)
        expected = wait_for("the SDK and /metrics see the same again", agree, 120)
        self.assertEqual(len(expected), 14)
        total = collections.Counter()
        for of_one in expected.values():
            for (name, _), value in of_one.items():
                total[name] += value
        self.assertGreater(total["dcs_backup_records"], 50, "a fleet with a past")
        self.assertGreater(total["dcs_restore_records"], 5, "a fleet with a past")
        self.assertGreater(total["dcs_backup_failures"], 0, "a fleet in which something fails")

    def test_its_signature_is_accepted_and_its_answers_are_decoded(self):
        from huaweicloudsdkdcs.v2 import ShowInstanceRequest

        client = self.client()
        for instance in self.instances(client):
            detail = client.show_instance(ShowInstanceRequest(instance_id=instance.instance_id))
            self.assertEqual((detail.instance_id, detail.name), (instance.instance_id, instance.name))

    def test_one_changed_character_in_the_secret_is_refused(self):
        from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

        secret = self.cloud.secret_key
        wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
        with self.assertRaises(ClientRequestException) as refused:
            self.instances(self.client(wrong))
        self.assertEqual((refused.exception.status_code, refused.exception.error_code), (401, "APIGW.0301"))
        # The right one still works.
        self.assertEqual(len(self.instances(self.client())), 14)
