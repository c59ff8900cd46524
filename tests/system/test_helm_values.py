"""The chart's values: what its schema and its templates refuse, and with which words."""

# needs: helm

import itertools
import re
import shlex
import unittest

import charts

REGION = {"region": "eu-de"}
PROJECT = {"name": "prod", "region": "eu-de"}

# Values, and what the refusal must name.
BY_SCHEMA = [
    ({**REGION, "regoin": "eu-nl"}, "regoin"),
    ({**REGION, "image": {"tags": "1"}}, "tags"),
    ({**REGION, "image": {"tag": 1.0}}, "tag"),
    ({**REGION, "image": {"digest": "0123"}}, "digest"),
    ({**REGION, "image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    ({**REGION, "shards": 0}, "shards"),
    ({**REGION, "shards": "3"}, "shards"),
    ({**REGION, "demo": "yes"}, "demo"),
    ({**REGION, "log": {"level": "loud"}}, "level"),
    ({**REGION, "projectId": 123456789}, "projectId"),
    ({**REGION, "service": {"port": 70000}}, "port"),
    ({**REGION, "extraArgs": {"--log.level": "debug"}}, "extraArgs"),
    ({**REGION, "extraEnv": [{"value": "x"}]}, "extraEnv"),
    ({**REGION, "podLabels": {"a": 1}}, "podLabels"),
    ({**REGION, "webConfig": {"tls_config": {}}}, "tls_config"),
    ({**REGION, "serviceMonitor": {"interval": "often"}}, "interval"),
    ({**REGION, "networkPolicy": {"egressPorts": ["https"]}}, "egressPorts"),
    ({**REGION, "podDisruptionBudget": {"maxUnavailable": 0}}, "maxUnavailable"),
    ({**REGION, "oidc": {"expirationSeconds": 60}}, "expirationSeconds"),
    ({"config": {"project": [PROJECT]}}, "project"),
    ({"config": {"projects": [{**PROJECT, "regoin": "eu-de"}]}}, "regoin"),
    # To Helm it is a number, and the program would get another one than was typed.
    ({"config": {"projects": [{**PROJECT, "project_id": 12345678901234567890123456789012}]}}, "project_id"),
    ({"config": {"projects": [{**PROJECT, "limits": {"burst": "ten"}}]}}, "burst"),
    ({"config": {"projects": [{**PROJECT, "instances": [{"id": "i", "nmae": "x"}]}]}}, "nmae"),
    ({"config": {"projects": [PROJECT], "credentials": {"ops": {"acces_key_file": "x"}}}}, "acces_key_file"),
    # The chart sets these.
    ({"config": {"projects": [PROJECT], "shard": {"total": 2}}}, "shard"),
    ({"config": {"projects": [PROJECT], "storage": {"path": "/x"}}}, "path"),
]
BY_TEMPLATES = [
    ({}, "nothing to watch: set region"),
    ({**REGION, "demo": True}, "leave out region, or demo"),
    ({"demo": True, "shards": 2}, "leave out shards, or demo"),
    ({"demo": True, "lifecycle": {"enabled": True}}, "or demo"),
    ({**REGION, "config": {"projects": [PROJECT]}}, "config, region: set only one of them"),
    ({**REGION, "existingConfigMap": "x"}, "existingConfigMap, region: set only one"),
    ({"projectId": "0123", "existingConfigMap": "x"}, "projectId: belongs to region"),
    ({**REGION, "existingSecret": "x", "oidc": {"enabled": True, "idpId": "x"}}, "existingSecret, oidc.enabled"),
    ({**REGION, "oidc": {"enabled": True}}, "oidc.idpId: missing"),
    ({**REGION, "oidc": {"enabled": True, "agencyUrn": "x"}}, "oidc.idpId: missing"),
    ({**REGION, "oidc": {"enabled": True, "idpId": "x", "agencyUrn": "x"}}, "oidc.idpId: stands alone"),
    ({**REGION, "webConfig": {"rate_limit": {"burst": 1}}, "existingWebConfigSecret": "x"}, "set only one"),
    (
        {**REGION, "shards": 2, "persistence": {"enabled": True, "existingClaim": "x"}},
        "existingClaim: a claim is for one pod",
    ),
    (
        {"config": {"projects": [PROJECT], "credentials": {"ops": {"secret_key": "x"}}}},
        "config.credentials.ops.secret_key",
    ),
    ({"config": {"projects": [PROJECT], "credentials": {"ops": {"password": "x"}}}}, "config.credentials.ops.password"),
    ({"config": "credentials: { ops: { security_token: x } }"}, "config.credentials.ops.security_token"),
    ({"config": {"projects": [{**PROJECT, "proxy": "http://u:p@x:1"}]}}, "the proxy of prod"),
    ({"config": "projects: [}"}, "config: "),
    ({**REGION, "prometheusRule": {"enabled": True, "thresholds": {"backup_stale": 1}}}, "there is no backup_stale"),
]


class Refused(unittest.TestCase):
    def test_the_schema_refuses_unknown_and_mistyped_values(self):
        for values, name in BY_SCHEMA:
            with self.subTest(values=values):
                refusal = charts.refusal(values)
                self.assertIn("values don't meet the specifications of the schema", refusal)
                self.assertIn(name, refusal)

    def test_the_templates_refuse_what_does_not_fit_together(self):
        for values, words in BY_TEMPLATES:
            with self.subTest(values=values):
                self.assertIn(words, charts.refusal(values))

    def test_no_refusal_shows_a_secret(self):
        for config in (
            {"projects": [PROJECT], "credentials": {"ops": {"secret_key": "hidden-hidden"}}},
            {"projects": [{**PROJECT, "proxy": "http://u:hidden-hidden@x:1"}]},
        ):
            with self.subTest(config=config):
                self.assertNotIn("hidden", charts.refusal({"config": config}))

    def test_what_a_parent_chart_hands_down_is_taken(self):
        self.assertTrue(charts.rendered({**REGION, "global": {"imageRegistry": "x"}}))

    def test_the_cluster_may_choose_the_user(self):
        flags = [f"--set=podSecurityContext.{key}=null" for key in ("runAsUser", "runAsGroup", "fsGroup")]
        pod = charts.workload(charts.rendered(REGION, flags=flags))["spec"]["template"]["spec"]
        kept = {
            "runAsNonRoot": True,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        self.assertEqual(pod["securityContext"], kept)

    def test_the_commands_of_the_readmes_are_taken(self):
        seen = 0
        for readme in ("README.md", "deploy/README.md", "deploy/helm/dcs-backup-exporter/README.md"):
            text = (charts.ROOT / readme).read_text().replace("\\\n", "")
            before = []
            for command in re.findall(r"^helm (?:install|upgrade) .+$", text, re.MULTILINE):
                parts = shlex.split(command, comments=True)
                self.assertTrue((charts.ROOT / parts[3]).samefile(charts.CHART), command)
                values = [part for flag, part in itertools.pairwise(parts) if flag == "--set"]
                # What an upgrade does not name stays; a later value wins.
                before = before + values if parts[1] == "upgrade" else values
                flags = [f"--set={value}" for value in before]
                with self.subTest(command=command):
                    self.assertTrue(charts.rendered({}, flags=flags))
                seen += 1
        self.assertGreaterEqual(seen, 5)
