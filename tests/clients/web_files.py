"""Web configurations, good and bad: name, text, and whether only newer judges know all keys in it.

What is good or bad is not said here: that is for the judges to say.
"""

HASH = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"  # of `abc`
OTHER_HASH = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"  # of `a`
PAIR = "cert_file: server.pem, key_file: server.key"


def tls(more="", pair=PAIR):
    """A file with a section for TLS."""
    return f"tls_server_config: {{ {pair}{', ' if pair and more else ''}{more} }}\n"


def indented(text):
    """PEM within YAML."""
    return "".join(f"    {line}\n" for line in text.splitlines())


def inline(folder):
    """Certificate and key in the file itself."""
    certificate, key = (folder / "server.pem").read_text(), (folder / "server.key").read_text()
    return f"tls_server_config:\n  cert: |\n{indented(certificate)}  key: |\n{indented(key)}"


FILES = {
    # As a document.
    "empty": "",
    "null": "~\n",
    "comment": "# nothing\n",
    "no mapping": "just words\n",
    "list": "- a\n- b\n",
    "not YAML": "a: [\n",
    "tab": "tls_server_config:\n\tcert_file: server.pem\n",
    "unknown key": "tls_server_confg: {}\n",
    "unknown key within": tls("cert_fil: x"),
    "unknown key of http": "http_server_config: { http3: true }\n",
    "unknown key of the limit": "rate_limit: { rate: 1 }\n",
    "twice": "basic_auth_users: {}\nbasic_auth_users: {}\n",
    "twice within": "tls_server_config:\n  cert_file: server.pem\n  cert_file: server.pem\n  key_file: server.key\n",
    "two users of a name": f"basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n",
    "a second document": "http_server_config: { http2: true }\n---\nwhat: is this\n",
    "sections of nothing": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
    "a section that is a word": "tls_server_config: yes\n",
    "an anchor": f"tls_server_config: &a {{ {PAIR} }}\nhttp_server_config: {{ http2: &b true }}\n",
    "a merge": f"tls_server_config:\n  <<: {{ cert_file: server.pem }}\n  key_file: server.key\n",
    # TLS.
    "certificate and key": tls(),
    "absolute paths": "tls_server_config: { cert_file: {folder}/server.pem, key_file: {folder}/server.key }\n",
    "RSA": tls(pair="cert_file: rsa.pem, key_file: rsa.key"),
    "Ed25519": tls(pair="cert_file: ed25519.pem, key_file: ed25519.key"),
    "inline": inline,
    "inline, and files before it": tls("cert: rubbish, key: rubbish"),
    "rubbish inline": tls(pair="cert: rubbish, key: rubbish"),
    "no certificate": tls(pair="key_file: server.key"),
    "no key": tls(pair="cert_file: server.pem"),
    "empty certificate": tls(pair='cert_file: "", key_file: server.key'),
    "empty inline certificate": tls(pair='cert: "", key_file: server.key'),
    "empty both": tls(pair='cert_file: "", key_file: ""'),
    "neither, with client_auth_type": tls("client_auth_type: RequestClientCert", pair=""),
    "versions alone": tls("min_version: TLS12", pair=""),
    "certificate is missing": tls(pair="cert_file: nowhere.pem, key_file: server.key"),
    "key is missing": tls(pair="cert_file: server.pem, key_file: nowhere.key"),
    "key of another": tls(pair="cert_file: server.pem, key_file: server2.key"),
    "key in the place of the certificate": tls(pair="cert_file: server.key, key_file: server.key"),
    "certificate in the place of the key": tls(pair="cert_file: server.pem, key_file: server.pem"),
    "a directory": tls(pair="cert_file: ., key_file: server.key"),
    "TLS 1.2 to 1.3": tls("min_version: TLS12, max_version: TLS13"),
    "TLS 1.3": tls("min_version: TLS13"),
    "versions the wrong way round": tls("min_version: TLS13, max_version: TLS12"),
    "a version of nobody": tls("min_version: TLS14"),
    "a version in another case": tls("min_version: tls12"),
    "a version as a number": tls("max_version: 1.2"),
    "a version of nothing": tls("min_version: ~"),
    "ciphers": tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"),
    "ciphers of TLS 1.3": tls("cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256]"),
    "no ciphers": tls("cipher_suites: []"),
    "a cipher of nobody": tls("cipher_suites: [TLS_MADE_UP]"),
    "a cipher that is no list": tls("cipher_suites: TLS_AES_128_GCM_SHA256"),
    "a cipher in another case": tls("cipher_suites: [tls_aes_128_gcm_sha256]"),
    "curves": tls("curve_preferences: [X25519, CurveP256, CurveP384]"),
    "a curve of nobody": tls("curve_preferences: [P256]"),
    "a curve as OpenSSL calls it": tls("curve_preferences: [secp256r1]"),
    "the server's order": tls("prefer_server_cipher_suites: true"),
    "an order of nobody": tls("prefer_server_cipher_suites: maybe"),
    # Certificates of clients.
    **{
        f"client_auth_type {name}": tls(f"client_auth_type: {name}")
        for name in (
            "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "RequireClientCert",
            "VerifyClientCertIfGiven", "RequireAndVerifyClientCert", "Requireclientcert", "Never", '""',
        )
    },
    "an authority": tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"),
    "an authority without a policy": tls("client_ca_file: ca.pem"),
    "an authority and no need": tls("client_auth_type: NoClientCert, client_ca_file: ca.pem"),
    "an authority that is missing": tls("client_auth_type: RequestClientCert, client_ca_file: nowhere.pem"),
    "an authority that is none": tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: server.key"),
    "rubbish for an authority": tls("client_auth_type: RequireAndVerifyClientCert, client_ca: rubbish"),
    "an authority alone": tls("client_ca_file: ca.pem", pair=""),
    "names": tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [a]"),
    "no names": tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: []"),
    "names that are no list": tls("client_auth_type: RequireAnyClientCert, client_allowed_sans: a"),
    "names that nobody is asked for": tls("client_allowed_sans: [a]"),
    # HTTP.
    **{
        f"http2: {value}": f"http_server_config: {{ http2: {value} }}\n"
        for value in ("true", "false", "yes", "off", "Y", '"true"', "1", "~", "maybe", "[true]")
    },
    "headers": """http_server_config:
  headers:
    Content-Security-Policy: default-src 'none'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "1; mode=block"
    Strict-Transport-Security: max-age=31536000
""",
    "another header": "http_server_config: { headers: { Server: x } }\n",
    "a header in another case": "http_server_config: { headers: { x-frame-options: deny } }\n",
    "a frame option of nobody": "http_server_config: { headers: { X-Frame-Options: allow } }\n",
    "a frame option in another case": "http_server_config: { headers: { X-Frame-Options: DENY } }\n",
    "a frame option of nothing": "http_server_config: { headers: { X-Frame-Options: ~ } }\n",
    "content type options": "http_server_config: { headers: { X-Content-Type-Options: sniff } }\n",
    "a header of nothing": "http_server_config: { headers: { X-XSS-Protection: ~ } }\n",
    "a header that is a number": "http_server_config: { headers: { X-XSS-Protection: 0 } }\n",
    "a header that is a list": "http_server_config: { headers: { X-XSS-Protection: [0] } }\n",
    "headers that are a list": "http_server_config: { headers: [X-Frame-Options] }\n",
    # Users.
    "a user": f"basic_auth_users: {{ alice: {HASH} }}\n",
    "a user with TLS": tls() + f"basic_auth_users: {{ alice: {HASH} }}\n",
    "a user whose hash is of htpasswd": f"basic_auth_users: {{ alice: {HASH.replace('$2a$', '$2y$')} }}\n",
    "a user without a version's letter": f"basic_auth_users: {{ alice: {HASH.replace('$2a$', '$2$')} }}\n",
    "a user of a later version": f"basic_auth_users: {{ alice: {HASH.replace('$2a$', '$3a$')} }}\n",
    "a password": "basic_auth_users: { alice: hunter2 }\n",
    "an empty password": 'basic_auth_users: { alice: "" }\n',
    "no password": "basic_auth_users: { alice: }\n",
    "a short hash": f"basic_auth_users: {{ alice: {HASH[:58]} }}\n",
    "a hash one letter short": f"basic_auth_users: {{ alice: {HASH[:59]} }}\n",
    "a long hash": f"basic_auth_users: {{ alice: {HASH}x }}\n",
    "a cheap hash": f"basic_auth_users: {{ alice: {HASH.replace('$06$', '$03$')} }}\n",
    "a hash for ever": f"basic_auth_users: {{ alice: {HASH.replace('$06$', '$32$')} }}\n",
    "a hash with odd letters": f"basic_auth_users: {{ alice: '{HASH.replace('If6b', '!?#+')}' }}\n",
    "users that are a list": f"basic_auth_users: [alice, {HASH}]\n",
    "a good and a bad user": f"basic_auth_users: {{ alice: {HASH}, bob: doe }}\n",
    "a user whose name is a number": f"basic_auth_users: {{ 007: {HASH} }}\n",
    # Limits.
    **{
        f"interval: {value}": f"rate_limit: {{ interval: {value}, burst: 1 }}\n"
        for value in ("1s", '"1s"', "0", "1", "1.5", "1m30s", "1d", "10", '"10"', "-1s", "fast", "~", "1_000", "[1s]")
    },
    **{
        f"burst: {value}": f"rate_limit: {{ interval: 1s, burst: {value} }}\n"
        for value in ("20", "0", "-1", '"20"', "1e2", "0x10", "many", "1s", "99999999999999999999")
    },
}

# What Go knows and the exporter does not speak: refused by name.
REFUSED = {
    "TLS10": tls("min_version: TLS10"),
    "TLS11": tls("min_version: TLS11"),
    "TLS11 at most": tls("max_version: TLS11"),
    "CurveP521": tls("curve_preferences: [X25519, CurveP521]"),
    **{
        name: tls(f"cipher_suites: [{name}]")
        for name in (
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        )
    },
}


def texts(folder):
    """Name and text of each."""
    for name, text in FILES.items():
        yield name, text(folder) if callable(text) else text.replace("{folder}", str(folder))
