"""Web configurations mean what exporter-toolkit says they mean.

The same files lie before the exporter, exporter-toolkit itself and every promtool there is: their verdicts are the same.
Then the same requests go to the exporter and to a server on exporter-toolkit's package, and the answers are the same.
"""

import base64
import concurrent.futures
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import unittest

import web_files
from program import EXPORTER, ROOT, Server, tool
from web_files import HASH, OTHER_HASH, tls
from web_peers import CONFIGURATION, certificates, exporter_verdict, peers, promtools, run, toolkit_verdict

# Keys that promtool 2.42 does not know yet.
NEWER = re.compile(r"rate_limit|client_allowed_sans|client_ca:|\b(cert|key): ")


class Folder(unittest.TestCase):
    """A folder with certificates."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="web-config-"))
        certificates(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)


class Verdicts(Folder):
    """Good or bad."""

    def _each(self, texts, look):
        """Looks at several files at a time: most of the time goes into starting programs."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            looks = []
            for number, (name, text) in enumerate(texts):
                file = self.folder / f"case-{number}.yml"
                file.write_text(text)
                looks.append((name, text, pool.submit(look, file)))
            for name, text, found in looks:
                yield name, text, found.result()

    def test_every_file_is_as_good_as_for_the_toolkit(self):
        files = list(web_files.texts(self.folder))
        self.assertGreater(len(files), 100)
        verdicts = {0: 0, 1: 0}

        def look(file):
            return exporter_verdict(self.folder, file), toolkit_verdict(file)

        for name, text, ((code, told), (judged, why)) in self._each(files, look):
            verdicts[judged] += 1
            with self.subTest(name):
                self.assertEqual(code, 3 if judged else 0, f"{text}\nexporter: {told}\ntoolkit: {why}")
                if judged:
                    # Where, with a line where it stands in one; never what may be a secret.
                    self.assertRegex(told, r"case-\d+\.yml(:\d+)?: ")
                    self.assertNotIn("$2", told)
                    self.assertNotIn("hunter2", told)
        # A judge that says the same to everything is none.
        self.assertGreater(min(verdicts.values()), 40, verdicts)

    def test_every_promtool_says_the_same(self):
        for promtool, knows_all in promtools():
            files = [
                (name, text)
                for name, text in web_files.texts(self.folder)
                if knows_all or not NEWER.search(text)
            ]
            self.assertGreater(len(files), 40)

            def look(file, promtool=promtool):
                return exporter_verdict(self.folder, file), run(promtool, "check", "web-config", file)

            for name, text, ((code, told), (judged, why)) in self._each(files, look):
                with self.subTest(f"{promtool}: {name}"):
                    self.assertEqual(code, 3 if judged else 0, f"{text}\nexporter: {told}\npromtool: {why}")

    def test_what_is_not_spoken_is_refused_by_name_and_is_all_that_differs(self):
        def look(file):
            return exporter_verdict(self.folder, file), toolkit_verdict(file)

        for name, _, ((code, told), (judged, why)) in self._each(web_files.REFUSED.items(), look):
            with self.subTest(name):
                self.assertEqual((code, judged), (3, 0), f"{told}\n{why}")
                self.assertIn(f"{name.split(' ')[0]} ", told)
                self.assertRegex(told, r"case-\d+\.yml:1: tls_server_config\.\w+(\[\d\])?: .* not spoken by this exporter")

    def test_keys_that_are_too_weak_are_refused(self):
        for name in ("rsa1024", "p224"):
            with self.subTest(name):
                file = self.folder / "weak.yml"
                file.write_text(tls(pair=f"cert_file: {name}.pem, key_file: {name}.key"))
                code, told = exporter_verdict(self.folder, file)
                self.assertEqual(code, 3)
                self.assertIn("key_file: holds a key of a kind or length that is not supported", told)
                self.assertEqual(toolkit_verdict(file)[0], 0)

    def test_the_example_and_its_commands_are_good(self):
        (self.folder / "clients-ca.pem").write_text((self.folder / "ca.pem").read_text())
        example = self.folder / "example.yml"
        example.write_text((ROOT / "config/web-config.yml").read_text())
        commented = [line for line in example.read_text().splitlines() if re.match(r" *# [\w-]+: ", line)]
        self.assertGreater(len(commented), 3)
        everything = self.folder / "everything.yml"
        everything.write_text(re.sub(r"(?m)^( *)# (?=[\w-]+: )", r"\1", example.read_text()))
        for file in (example, everything):
            self.assertEqual(exporter_verdict(self.folder, file)[0], 0, exporter_verdict(self.folder, file)[1])
            self.assertEqual(toolkit_verdict(file)[0], 0, toolkit_verdict(file)[1])

    def test_every_problem_is_told_at_once(self):
        file = self.folder / "many.yml"
        file.write_text(
            "tls_server_config:\n  cert_file: nowhere.pem\n  key_file: server.key\n  min_version: TLS9\n"
            "http_server_config:\n  headers: { Server: x }\nbasic_auth_users:\n  alice: hunter2\nrate_limt: {}\n"
        )
        code, told = exporter_verdict(self.folder, file)
        self.assertEqual(code, 3)
        lines = [line.removeprefix(f"{file}:").split(": ")[:2] for line in told.splitlines()]
        self.assertEqual(
            lines,
            [
                ["2", "tls_server_config.cert_file"],
                ["4", "tls_server_config.min_version"],
                ["6", "http_server_config.headers.Server"],
                ["8", "basic_auth_users.alice"],
                ["9", "rate_limt"],
            ],
        )


class Readme(unittest.TestCase):
    """What the README says of TLS and users."""

    def test_its_commands_work(self):
        block = (ROOT / "README.md").read_text().split("## TLS and users")[1].split("```sh\n")[1].split("```")[0]
        making, rest = block.split("dcs-backup-exporter demo")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["sh", "-e"], input=making, cwd=folder, check=True, text=True, capture_output=True)
            (pathlib.Path(folder) / "config.yml").write_text(CONFIGURATION)
            code, told = exporter_verdict(folder, f"{folder}/web.yml")
            self.assertEqual(code, 0, told)
            self.assertNotIn("web.yml", told)
            flags = re.search(r"(.*) &", rest).group(1).replace("web.yml", f"{folder}/web.yml").split()
            with Server(EXPORTER, "demo", *flags, "--web.listen-address=127.0.0.1:0") as server:
                url = server.says(r"metrics +https://127\.0\.0\.1:(\d+)/metrics").group(1)
                command = re.search(r"curl .*", rest).group().replace(":10105", f":{url}").split()
                done = subprocess.run([tool("curl"), "-sS", "--noproxy", "*", *command[1:]], cwd=folder, check=True, capture_output=True)
                self.assertIn(b"dcs_exporter_build_info", done.stdout)


def basic(user, password):
    """A header."""
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


# What must be the same; the exporter says more.
HEADERS = (
    "www-authenticate", "content-type", "content-length", "content-security-policy", "x-frame-options",
    "x-content-type-options", "x-xss-protection", "strict-transport-security",
)


def essence(answer):
    """What of an answer must be the same."""
    if answer == "refused":
        return answer
    status, headers, body = answer
    # Of the toolkit's pages the types are not sniffed only where it refuses.
    kept = {name: headers.get(name) for name in HEADERS if not (status == 200 and name == "x-content-type-options")}
    return status, kept, body


class Answers(Folder):
    """The same requests."""

    def alike(self, both, **ask):
        """Asks both; gives the answer they agree upon."""
        ours, theirs = both.both(lambda peer: essence(peer.ask(**ask)))
        self.assertEqual(ours, theirs, ask)
        return ours

    def agree(self, both, **how):
        """Shakes hands with both; gives what comes of it, with the toolkit or without."""
        ours, theirs = both.both(lambda peer: peer.agreed(peer.context(**how)))
        self.assertEqual(ours, theirs, how)
        return ours

    def test_users(self):
        text = f"basic_auth_users: {{ alice: {HASH}, bob: '{OTHER_HASH}' }}\n"
        with peers(self.folder, text) as both:
            self.assertEqual(self.alike(both)[0], 401)
            for user, password, status in [
                ("alice", "abc", 200), ("bob", "a", 200), ("alice", "a", 401), ("bob", "abc", 401), ("carol", "abc", 401),
                ("alice", "", 401), ("", "", 401), ("alice", "abc:", 401), ("Alice", "abc", 401), ("alice", "abc", 200),
                ("alice", "x" * 100, 401), ("alice", "fakepassword", 401), ("carol", "fakepassword", 401),
            ]:
                answer = self.alike(both, headers=[basic(user, password)])
                self.assertEqual(answer[0], status, (user, password))
                if status == 401:
                    self.assertEqual((answer[1]["www-authenticate"], answer[2]), ("Basic", "Unauthorized\n"))
            coded = base64.b64encode(b"alice:abc").decode()
            for header, status in [
                (f"basic {coded}", 200), (f"BASIC {coded}", 200), (f"Basic  {coded}", 401), (f"Basic {coded}=", 401),
                (f"Basic {coded[:-1]}", 401), ("Basic", 401), ("Bearer x", 401), (f"Digest {coded}", 401), ("", 401),
            ]:
                self.assertEqual(self.alike(both, headers=[f"Authorization: {header}"])[0], status, header)
            self.alike(both, head="HEAD /-/healthy HTTP/1.1")
            self.alike(both, head="POST /-/healthy HTTP/1.1")

    def test_headers(self):
        text = f"""http_server_config:
  headers:
    Content-Security-Policy: default-src 'none'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "1; mode=block"
    Strict-Transport-Security: |
      max-age=31536000;
      includeSubDomains
basic_auth_users: {{ alice: {HASH} }}
"""
        with peers(self.folder, text) as both:
            self.assertEqual(self.alike(both, headers=[basic("alice", "abc")])[1]["x-frame-options"], "sameorigin")
            self.assertEqual(self.alike(both)[0], 401)

    def test_a_limit_on_requests(self):
        text = f"rate_limit: {{ interval: 1h, burst: 3 }}\nbasic_auth_users: {{ alice: {HASH} }}\nhttp_server_config: {{ headers: {{ X-Frame-Options: deny }} }}\n"
        with peers(self.folder, text) as both:
            # Those who may not ask use it up as well.
            self.assertEqual([self.alike(both)[0] for _ in range(4)], [401, 401, 401, 429])
            answer = self.alike(both, headers=[basic("alice", "abc")])
            self.assertEqual((answer[0], answer[2], answer[1]["x-frame-options"]), (429, "Too Many Requests\n", None))
            # It is read at the start only.
            both.write("rate_limit: { interval: 1h, burst: 100 }\n")
            self.assertEqual(self.alike(both)[0], 429)
            both.write("rate_lim")
            self.assertEqual(self.alike(both)[0], 500)
        for text, expected in [
            ("rate_limit: { interval: 1h, burst: 0 }\n", 429),
            ("rate_limit: { interval: 0, burst: 0 }\n", 200),
            ("rate_limit: { interval: -1s, burst: 1 }\n", 200),
            ("rate_limit: { burst: 1 }\n", 200),
            ("rate_limit: { interval: 1h }\n", 429),
        ]:
            with self.subTest(text), peers(self.folder, text) as both:
                self.assertEqual({self.alike(both)[0] for _ in range(4)}, {expected})

    def test_changes_need_no_restart(self):
        users = f"basic_auth_users: {{ alice: {HASH} }}\n"
        with peers(self.folder, users) as both:
            alice, bob = [basic("alice", "abc")], [basic("bob", "a")]
            self.assertEqual(self.alike(both, headers=alice)[0], 200)
            self.assertEqual(self.alike(both, headers=bob)[0], 401)
            both.write(f"basic_auth_users: {{ alice: {OTHER_HASH}, bob: {OTHER_HASH} }}\n")
            self.assertEqual(self.alike(both, headers=alice)[0], 401)
            self.assertEqual(self.alike(both, headers=bob)[0], 200)
            both.write("http_server_config: { headers: { X-Frame-Options: deny } }\n")
            self.assertEqual(self.alike(both)[1]["x-frame-options"], "deny")
            for broken in ("unknown: key\n", "a: [\n", "http_server_config: { headers: { Server: x } }\n", "users\n"):
                both.write(broken)
                answer = self.alike(both, headers=alice)
                self.assertEqual((answer[0], answer[2]), (500, "Internal Server Error\n"))
            both.logged("web configuration has turned bad")
            # What is no hash lets nobody in, and hurts nobody else.
            both.write(f"basic_auth_users: {{ alice: {HASH}, bob: doe }}\n")
            self.assertEqual(self.alike(both, headers=alice)[0], 200)
            self.assertEqual(self.alike(both, headers=[basic("bob", "doe")])[0], 401)
            for peer_file in self.folder.glob("web-*.yml"):
                peer_file.unlink()
            self.assertEqual(self.alike(both, headers=alice)[0], 500)
            both.write(users)
            self.assertEqual(self.alike(both, headers=alice)[0], 200)
            # TLS needs a restart to begin.
            both.write(tls())
            self.assertEqual(self.alike(both)[0], 200)

    def test_tls_and_what_is_agreed(self):
        with peers(self.folder, tls() + f"basic_auth_users: {{ alice: {HASH} }}\n") as both:
            for alpn, protocol in [(None, None), (["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["h2"], "h2")]:
                self.assertEqual(self.agree(both, alpn=alpn)[1], protocol)
            self.assertEqual(self.agree(both, alpn=["spdy/3"]), "refused")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertNotEqual(self.agree(both, version=version), "refused")
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                self.assertEqual(self.agree(both, version=version), "refused")
            for ciphers, agreed in [
                ("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
                ("ECDHE-RSA-AES128-GCM-SHA256", False), ("AES128-GCM-SHA256", False), ("DHE-RSA-AES128-GCM-SHA256", False),
            ]:
                ours, theirs = both.both(lambda peer, ciphers=ciphers: peer.agreed(only_tls12(peer, ciphers)))
                self.assertEqual(ours, theirs, ciphers)
                self.assertEqual(ours != "refused", agreed, ciphers)
            tls_context = {peer: peer.context() for peer in (both.exporter, both.toolkit)}
            for headers, status in [((), 401), ([basic("alice", "abc")], 200)]:
                ours, theirs = both.both(lambda peer, h=headers: essence(peer.ask(headers=h, tls=tls_context[peer])))
                self.assertEqual(ours, theirs)
                self.assertEqual(ours[0], status)

    def test_plain_http_on_the_port_of_tls(self):
        with peers(self.folder, tls()) as both:
            for head in ("GET / HTTP/1.1", "HEAD / HTTP/1.1", "POST / HTTP/1.1", "PUT / HTTP/1.1", "OPTIONS * HTTP/1.1"):
                answer = self.alike(both, head=head)
                self.assertEqual(answer[0], 400, head)
                self.assertIn("Client sent an HTTP request to an HTTPS server.\n", answer[2])

    def test_versions_ciphers_and_curves_that_are_chosen(self):
        no_http2 = "http_server_config: { http2: false }\n"
        table = [
            (tls("min_version: TLS13"), {"version": ssl.TLSVersion.TLSv1_2}, False),
            (tls("min_version: TLS13"), {"version": ssl.TLSVersion.TLSv1_3}, True),
            (tls("max_version: TLS12"), {"version": ssl.TLSVersion.TLSv1_2}, True),
            (tls("max_version: TLS12"), {"version": ssl.TLSVersion.TLSv1_3}, False),
            (tls("min_version: TLS13, max_version: TLS12"), {}, False),
            (tls("curve_preferences: [CurveP384]"), {"curve": "secp384r1"}, True),
            (tls("curve_preferences: [CurveP384]"), {"curve": "prime256v1"}, False),
            (tls("curve_preferences: [CurveP256, X25519]"), {"curve": "X25519"}, True),
            # With HTTP/2 the toolkit's server wants a suite of it, and ends where its own check has nothing against the file.
            (tls("cipher_suites: [TLS_AES_128_GCM_SHA256]") + no_http2, {}, True),
            (tls("cipher_suites: [TLS_AES_128_GCM_SHA256]") + no_http2, {"version": ssl.TLSVersion.TLSv1_2}, False),
            (tls(pair="cert_file: rsa.pem, key_file: rsa.key"), {}, True),
            (tls(pair="cert_file: ed25519.pem, key_file: ed25519.key"), {}, True),
        ]
        for text, how, agreed in table:
            with self.subTest(text, **how), peers(self.folder, text) as both:
                self.assertEqual(self.agree(both, **how) != "refused", agreed)
        chosen = tls("max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]")
        with peers(self.folder, chosen) as both:
            for ciphers, agreed in [("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES256-GCM-SHA384", False)]:
                ours, theirs = both.both(lambda peer, ciphers=ciphers: peer.agreed(only_tls12(peer, ciphers)))
                self.assertEqual(ours, theirs, ciphers)
                self.assertEqual(ours != "refused", agreed, ciphers)

    def test_http2(self):
        for text, protocol in [
            (tls(), b"2 200"),
            (tls() + "http_server_config: { http2: true }\n", b"2 200"),
            (tls() + "http_server_config: { http2: false }\n", b"1.1 200"),
            (tls() + "http_server_config: {}\n", b"2 200"),
            (tls() + "http_server_config:\n", b"1.1 200"),
        ]:
            with self.subTest(text), peers(self.folder, text) as both:
                said = both.both(self.curl)
                self.assertEqual(said, (protocol, protocol))
                # It is decided at the start.
                both.write(tls() + f"http_server_config: {{ http2: {'false' if protocol[:1] == b'2' else 'true'} }}\n")
                self.assertEqual(both.both(self.curl), said)

    def curl(self, peer):
        """Version and status of a request by curl."""
        command = [tool("curl"), "-sS", "--noproxy", "*", "--cacert", self.folder / "ca.pem", "-o", "/dev/null"]
        command += ["-w", "%{http_version} %{http_code}", f"https://localhost:{peer.port}/-/healthy"]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    CLIENTS = (
        None, "client", "client-rsa", "client-plain", "client-nested", "client-server", "client-expired", "client-early",
        "client-other", "client-self", "client-self-expired", "client-self-server",
    )

    def outcomes(self, text, clients=CLIENTS):
        """Which of these clients get in, by the word of both; by either version of TLS."""
        welcome = set()
        with peers(self.folder, text) as both:
            for client in clients:
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    with self.subTest(text, client=client, version=version):
                        if self.agree(both, client=client, version=version) != "refused":
                            welcome.add(client)
        return welcome

    def test_certificates_of_clients(self):
        everybody = set(self.CLIENTS)
        verified = {"client", "client-rsa", "client-plain", "client-nested"}
        for name, authority, welcome in [
            ("NoClientCert", "", everybody),
            ("RequestClientCert", "", everybody),
            ("RequestClientCert", "ca.pem", everybody),
            ("RequireAnyClientCert", "", everybody - {None}),
            ("RequireClientCert", "ca.pem", everybody - {None}),
            ("VerifyClientCertIfGiven", "ca.pem", verified | {None}),
            ("RequireAndVerifyClientCert", "ca.pem", verified),
            ("RequireAndVerifyClientCert", "", set()),
            ("VerifyClientCertIfGiven", "", {None}),
            ("RequireAndVerifyClientCert", "client-self.pem", {"client-self"}),
            ("RequireAndVerifyClientCert", "client-self-expired.pem", set()),
            ("RequireAndVerifyClientCert", "client-self-server.pem", set()),
            ("RequireAndVerifyClientCert", "client-rsa.pem", {"client-rsa"}),
        ]:
            more = f"client_auth_type: {name}" + (f", client_ca_file: {authority}" if authority else "")
            with self.subTest(name, authority=authority):
                self.assertEqual(self.outcomes(tls(more)), welcome)

    def test_certificates_of_clients_that_tools_make(self):
        made = ("client-v1", "client-v1-rsa", "client-v1-nested", "client-any", "client-serial", "client-authority", "client-strange")
        doubtful = (
            "client-v1-expired", "client-v1-forged", "client-forged", "client-of-v1-intermediate", "client-of-client",
            "client-critical", "client-v1-self", "client-of-v1-ca", "client-v1-of-v1-ca",
        )
        clients = (*made, *doubtful, "client-negative")
        for name, authority, welcome in [
            ("RequestClientCert", "", {*made, *doubtful}),
            ("RequireAnyClientCert", "", {*made, *doubtful}),
            ("VerifyClientCertIfGiven", "ca.pem", set(made)),
            ("RequireAndVerifyClientCert", "ca.pem", set(made)),
            ("RequireAndVerifyClientCert", "v1-ca.pem", {"client-of-v1-ca", "client-v1-of-v1-ca"}),
            ("RequireAndVerifyClientCert", "client-v1-self.pem", {"client-v1-self"}),
            ("RequireAndVerifyClientCert", "client-v1.pem", {"client-v1"}),
            ("RequireAndVerifyClientCert", "client-v1-expired.pem", set()),
            ("RequireAndVerifyClientCert", "intermediate.pem", {"client-v1-nested"}),
        ]:
            more = f"client_auth_type: {name}" + (f", client_ca_file: {authority}" if authority else "")
            with self.subTest(name, authority=authority):
                self.assertEqual(self.outcomes(tls(more), clients), welcome)

    def test_authorities_that_may_not_do_everything(self):
        for authority, clients, welcome in [
            ("ca", ("expired-intermediate", "mute-intermediate", "server-intermediate"), set()),
            ("expired-ca", ("expired-ca",), set()),
            ("short-ca", ("short-ca", "short-intermediate"), {"short-ca"}),
            ("mute-ca", ("mute-ca",), set()),
            ("no-ca", ("no-ca",), set()),
            ("server-ca", ("server-ca",), set()),
            ("critical-ca", ("critical-ca",), set()),
        ]:
            for name, alone in [("RequireAndVerifyClientCert", set()), ("VerifyClientCertIfGiven", {None})]:
                text = tls(f"client_auth_type: {name}, client_ca_file: {authority}.pem")
                asking = (None, *(f"client-of-{issuer}" for issuer in clients))
                self.assertEqual(self.outcomes(text, asking), {f"client-of-{issuer}" for issuer in welcome} | alone, authority)
        text = tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: mute-ca.pem")
        self.assertEqual(self.outcomes(text, ("client-v1-of-mute-ca",)), set())

    def test_authorities_with_bounds_on_names(self):
        clients = sorted(file.stem for file in self.folder.glob("client-bounded-*.pem"))
        self.assertGreater(len(clients), 20)
        within = ("none", "v1", "dns", "dns-itself", "dns-wildcard", "email", "email-below", "email-one", "uri", "uri-port", "ip")
        text = tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: bounded-ca.pem")
        self.assertEqual(self.outcomes(text, clients), {f"client-bounded-{name}" for name in within})

    def test_certificates_of_servers_that_tools_make(self):
        for name in ("server-v1", "server-serial"):
            with peers(self.folder, tls(pair=f"cert_file: {name}.pem, key_file: {name}.key")) as both:

                def serial(peer):
                    context = peer.context()
                    # X.509 v1 has no place for names of hosts.
                    context.check_hostname = False
                    return peer.agreed(context)

                ours, theirs = both.both(serial)
                self.assertEqual(ours, theirs)
                self.assertNotEqual(ours, "refused")
        for pair, sentence in [
            ("cert_file: server-negative.pem, key_file: server-negative.key", "cert_file: holds a certificate that cannot be read"),
            ("cert_file: server-v1.pem, key_file: server.key", "key_file: does not belong to the certificate"),
        ]:
            file = self.folder / "server.yml"
            file.write_text(tls(pair=pair))
            code, told = exporter_verdict(self.folder, file)
            self.assertEqual((code, toolkit_verdict(file)[0]), (3, 1), told)
            self.assertIn(sentence, told)

    def test_names_of_clients(self):
        clients = (None, "client", "client-plain", "client-other", "client-self")
        for name in [
            "prometheus.example.com", "prometheus@example.com", "10.0.0.7", "2001:db8::7", "spiffe://example.com/prometheus",
        ]:
            more = f'client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [other, "{name}"]'
            self.assertEqual(self.outcomes(tls(more), clients), {"client"}, name)
            more = f'client_auth_type: RequireAnyClientCert, client_allowed_sans: ["{name}"]'
            self.assertEqual(self.outcomes(tls(more), clients), {"client", "client-other"}, name)
        for names in ("[]", "[example.com]", "[Prometheus.example.com]", '["*.example.com"]', '["2001:0db8::7"]', "[client]"):
            more = f"client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: {names}"
            self.assertEqual(self.outcomes(tls(more), clients), set(), names)

    def test_tls_that_changes(self):
        for name in ("server.pem", "server.key"):
            shutil.copy(self.folder / name, self.folder / f"live-{name}")
        live = tls(pair="cert_file: live-server.pem, key_file: live-server.key")
        with peers(self.folder, live) as both:
            before = self.agree(both)
            for name in ("server2.pem", "server2.key"):
                shutil.copy(self.folder / name, self.folder / f"live-{name.replace('2', '')}")
            after = self.agree(both)
            self.assertNotEqual(before[2], after[2])
            # A key without its certificate.
            shutil.copy(self.folder / "server.key", self.folder / "live-server.key")
            self.assertEqual(self.agree(both), "refused")
            both.logged("does not belong to the certificate")
            shutil.copy(self.folder / "server2.key", self.folder / "live-server.key")
            self.assertEqual(self.agree(both), after)
            both.write(live.replace("live-server.pem", "live-server.pem, client_auth_type: RequireAnyClientCert"))
            self.assertEqual(self.agree(both), "refused")
            self.assertEqual(self.agree(both, client="client"), after)
            both.write(live.replace("live-server.pem", "live-server.pem, max_version: TLS12"))
            self.assertEqual(self.agree(both)[0], "TLSv1.2")
            for broken in ("tls_server_config: [\n", "unknown: 1\n", "", tls("client_ca_file: ca.pem")):
                both.write(broken)
                self.assertEqual(self.agree(both), "refused", broken)
            both.write(live)
            self.assertEqual(self.agree(both), after)

    def test_a_connection_that_is_kept_is_asked_anew(self):
        request = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with peers(self.folder, tls()) as both:

            def statuses(peer):
                with peer.connect(peer.context()) as stream:
                    found = []
                    for text in (tls(), tls() + f"basic_auth_users: {{ alice: {HASH} }}\n", "bad: [\n", tls()):
                        both.write(text)
                        stream.sendall(request)
                        found.append(stream.recv(65536).split(b" ")[1])
                    return found

            ours, theirs = both.both(statuses)
            self.assertEqual(ours, theirs)
            self.assertEqual(ours, [b"200", b"401", b"500", b"200"])


def only_tls12(peer, ciphers):
    """A client of TLS 1.2 with these cipher suites alone."""
    context = peer.context(version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    return context
