package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

type pair struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// certificates writes NAME.pem and NAME.key of each into a folder.
func certificates(folder string) error {
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	authority := func(t *x509.Certificate) {
		t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	}
	host := func(t *x509.Certificate) {
		t.DNSNames, t.IPAddresses, t.ExtKeyUsage = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}, server
	}
	names := func(t *x509.Certificate) {
		uri, _ := url.Parse("spiffe://example.com/prometheus")
		t.DNSNames, t.EmailAddresses = []string{"prometheus.example.com"}, []string{"prometheus@example.com"}
		t.IPAddresses, t.URIs, t.ExtKeyUsage = []net.IP{net.IPv4(10, 0, 0, 7), net.ParseIP("2001:db8::7")}, []*url.URL{uri}, client
	}
	plain := func(*x509.Certificate) {}
	// What says whether it is an authority is left out of a certificate in the format of the year 1988.
	first := func(t *tbs) { t.Version, t.Extensions = 0, nil }
	named := func(change func(*x509.Certificate)) func(*x509.Certificate) {
		return func(t *x509.Certificate) { change(t); t.ExtKeyUsage = client }
	}
	now := time.Now()
	kinds := []struct {
		name, issuer, algorithm string
		change                  func(*x509.Certificate)
		rewrite                 func(*tbs)
	}{
		{"ca", "", "ecdsa", authority, nil},
		{"other-ca", "", "ecdsa", authority, nil},
		{"intermediate", "ca", "ecdsa", authority, nil},
		{"server", "ca", "ecdsa", host, nil},
		{"server2", "ca", "ecdsa", host, nil},
		{"rsa", "ca", "rsa", host, nil},
		{"ed25519", "ca", "ed25519", host, nil},
		{"rsa1024", "ca", "rsa1024", host, nil},
		{"p224", "ca", "p224", host, nil},
		{"client", "ca", "ecdsa", names, nil},
		{"client-rsa", "ca", "rsa", func(t *x509.Certificate) { t.ExtKeyUsage = client }, nil},
		{"client-plain", "ca", "ecdsa", func(*x509.Certificate) {}, nil},
		{"client-nested", "intermediate", "ecdsa", names, nil},
		{"client-server", "ca", "ecdsa", host, nil},
		{"client-expired", "ca", "ecdsa", func(t *x509.Certificate) { t.NotAfter = now.Add(-time.Hour) }, nil},
		{"client-early", "ca", "ecdsa", func(t *x509.Certificate) { t.NotBefore = now.Add(time.Hour) }, nil},
		{"client-other", "other-ca", "ecdsa", names, nil},
		// As `openssl req -x509` makes them.
		{"client-self", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.DNSNames = []string{"self.example.com"} }, nil},
		{"client-self-expired", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.NotAfter = now.Add(-time.Hour) }, nil},
		{"client-self-server", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.ExtKeyUsage = server }, nil},
		// What openssl, small authorities and great ones make.
		{"server-v1", "ca", "ecdsa", plain, first},
		{"server-serial", "ca", "ecdsa", host, func(t *tbs) { t.Serial = new(big.Int).Lsh(big.NewInt(3), 180) }},
		{"server-negative", "ca", "ecdsa", host, func(t *tbs) { t.Serial = big.NewInt(-5) }},
		{"v1-ca", "", "ecdsa", plain, first},
		{"client-v1", "ca", "ecdsa", plain, first},
		{"client-v1-rsa", "ca", "rsa", plain, first},
		{"client-v1-nested", "intermediate", "ecdsa", plain, first},
		{"client-v1-expired", "ca", "ecdsa", func(t *x509.Certificate) { t.NotAfter = now.Add(-time.Hour) }, first},
		{"client-v1-self", "", "ecdsa", plain, first},
		{"client-v1-forged", "other-ca", "ecdsa", plain, func(t *tbs) { first(t); t.Issuer = nameOf("ca") }},
		{"client-of-v1-ca", "v1-ca", "ecdsa", names, nil},
		{"client-v1-of-v1-ca", "v1-ca", "ecdsa", plain, first},
		{"v1-intermediate", "ca", "ecdsa", plain, first},
		{"client-of-v1-intermediate", "v1-intermediate", "ecdsa", names, nil},
		{"client-any", "ca", "ecdsa", func(t *x509.Certificate) { t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, nil},
		{"client-serial", "ca", "ecdsa", names, func(t *tbs) { t.Serial = new(big.Int).Lsh(big.NewInt(3), 180) }},
		{"client-negative", "ca", "ecdsa", names, func(t *tbs) { t.Serial = big.NewInt(-5) }},
		{"client-authority", "ca", "ecdsa", authority, nil},
		{"client-of-client", "client", "ecdsa", names, nil},
		{"client-critical", "ca", "ecdsa", func(t *x509.Certificate) {
			t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}, nil},
		{"client-strange", "ca", "ecdsa", func(t *x509.Certificate) {
			t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: []byte{5, 0}}}
		}, nil},
		{"client-forged", "other-ca", "ecdsa", names, func(t *tbs) { t.Issuer = nameOf("ca") }},
		// Authorities that may not do everything.
		{"expired-ca", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.NotAfter = now.Add(-time.Hour) }, nil},
		{"client-of-expired-ca", "expired-ca", "ecdsa", names, nil},
		{"expired-intermediate", "ca", "ecdsa", func(t *x509.Certificate) { authority(t); t.NotAfter = now.Add(-time.Hour) }, nil},
		{"client-of-expired-intermediate", "expired-intermediate", "ecdsa", names, nil},
		{"short-ca", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.MaxPathLenZero = true }, nil},
		{"client-of-short-ca", "short-ca", "ecdsa", names, nil},
		{"short-intermediate", "short-ca", "ecdsa", authority, nil},
		{"client-of-short-intermediate", "short-intermediate", "ecdsa", names, nil},
		{"mute-ca", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.KeyUsage = x509.KeyUsageDigitalSignature }, nil},
		{"client-of-mute-ca", "mute-ca", "ecdsa", names, nil},
		{"client-v1-of-mute-ca", "mute-ca", "ecdsa", plain, first},
		{"mute-intermediate", "ca", "ecdsa", func(t *x509.Certificate) { authority(t); t.KeyUsage = x509.KeyUsageDigitalSignature }, nil},
		{"client-of-mute-intermediate", "mute-intermediate", "ecdsa", names, nil},
		{"no-ca", "", "ecdsa", plain, nil},
		{"client-of-no-ca", "no-ca", "ecdsa", names, nil},
		{"server-ca", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.ExtKeyUsage = server }, nil},
		{"client-of-server-ca", "server-ca", "ecdsa", func(*x509.Certificate) {}, nil},
		{"server-intermediate", "ca", "ecdsa", func(t *x509.Certificate) { authority(t); t.ExtKeyUsage = server }, nil},
		{"client-of-server-intermediate", "server-intermediate", "ecdsa", plain, nil},
		{"critical-ca", "", "ecdsa", func(t *x509.Certificate) {
			authority(t)
			t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}, nil},
		{"client-of-critical-ca", "critical-ca", "ecdsa", names, nil},
		{"bounded-ca", "", "ecdsa", func(t *x509.Certificate) {
			authority(t)
			_, inside, _ := net.ParseCIDR("10.0.0.0/9")
			t.PermittedDNSDomainsCritical = true
			t.PermittedDNSDomains, t.ExcludedDNSDomains = []string{"good.example"}, []string{"bad.good.example", "a.b.good.example"}
			t.PermittedEmailAddresses = []string{"good.example", "one@other.example"}
			t.PermittedURIDomains, t.PermittedIPRanges = []string{".good.example"}, []*net.IPNet{inside}
		}, nil},
		{"client-bounded-none", "bounded-ca", "ecdsa", plain, nil},
		{"client-bounded-v1", "bounded-ca", "ecdsa", plain, first},
	}
	for kind, change := range bounded() {
		kinds = append(kinds, kinds[0])
		last := &kinds[len(kinds)-1]
		last.name, last.issuer, last.change = "client-bounded-"+kind, "bounded-ca", named(change)
	}
	made := map[string]pair{}
	for number, kind := range kinds {
		key, err := newKey(kind.algorithm)
		if err != nil {
			return err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(number + 1)),
			Subject:      pkix.Name{CommonName: kind.name},
			NotBefore:    now.Add(-48 * time.Hour),
			NotAfter:     now.Add(48 * time.Hour),
			KeyUsage:     x509.KeyUsageDigitalSignature,
		}
		kind.change(template)
		issuer, found := made[kind.issuer]
		if !found {
			issuer = pair{template, key}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
		if err != nil {
			return err
		}
		if kind.rewrite != nil {
			if der, err = rewritten(der, kind.rewrite, issuer.key); err != nil {
				return err
			}
		}
		// One that Go does not take has issued none.
		if certificate, err := x509.ParseCertificate(der); err == nil {
			made[kind.name] = pair{certificate, key}
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if found && issuer.certificate.Issuer.String() != issuer.certificate.Subject.String() {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.certificate.Raw})...)
		}
		if err := write(folder, kind.name, text, key); err != nil {
			return err
		}
	}
	return nil
}

// bounded names what certificates of an authority with bounds are made out to.
func bounded() map[string]func(*x509.Certificate) {
	dns := func(name string) func(*x509.Certificate) {
		return func(t *x509.Certificate) { t.DNSNames = []string{name} }
	}
	email := func(address string) func(*x509.Certificate) {
		return func(t *x509.Certificate) { t.EmailAddresses = []string{address} }
	}
	uri := func(text string) func(*x509.Certificate) {
		parsed, _ := url.Parse(text)
		return func(t *x509.Certificate) { t.URIs = []*url.URL{parsed} }
	}
	ip := func(text string) func(*x509.Certificate) {
		return func(t *x509.Certificate) { t.IPAddresses = []net.IP{net.ParseIP(text)} }
	}
	return map[string]func(*x509.Certificate){
		"dns": dns("A.Good.example"), "dns-itself": dns("good.example"), "dns-other": dns("good.example.com"),
		"dns-longer": dns("notgood.example"), "dns-excluded": dns("x.bad.good.example"), "dns-wildcard": dns("*.w.good.example"),
		"dns-over-excluded": dns("*.b.good.example"), "dns-broken": dns("a..good.example"),
		"email": email("me@good.example"), "email-below": email("me@a.good.example"), "email-other": email("me@other.example"),
		"email-one": email("one@Other.example"),
		"uri":       uri("spiffe://a.good.example/x"), "uri-itself": uri("spiffe://good.example/x"), "uri-user": uri("https://a.good.example@b.example/"),
		"uri-port": uri("https://a.good.example:80/"), "uri-ip": uri("https://10.0.0.1/"), "uri-none": uri("urn:a:b"),
		"ip": ip("10.127.255.255"), "ip-other": ip("10.128.0.0"), "ip-6": ip("2001:db8::1"),
		"authority": func(t *x509.Certificate) {
			t.IsCA, t.BasicConstraintsValid, t.DNSNames = true, true, []string{"bad.example"}
		},
	}
}

// tbs is what of a certificate is signed.
type tbs struct {
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   asn1.RawValue
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

// nameOf encodes a name that is a common name alone.
func nameOf(common string) asn1.RawValue {
	der, _ := asn1.Marshal(pkix.Name{CommonName: common}.ToRDNSequence())
	return asn1.RawValue{FullBytes: der}
}

// rewritten changes a certificate as crypto/x509 would not make it, and signs it anew with a key on the curve P-256.
func rewritten(der []byte, change func(*tbs), issuer crypto.Signer) ([]byte, error) {
	type whole struct {
		Content   asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	var certificate whole
	var content tbs
	if _, err := asn1.Unmarshal(der, &certificate); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(certificate.Content.FullBytes, &content); err != nil {
		return nil, err
	}
	change(&content)
	text, err := asn1.Marshal(content)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(text)
	signature, err := issuer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	certificate.Content = asn1.RawValue{FullBytes: text}
	certificate.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	return asn1.Marshal(certificate)
}

func newKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa1024":
		return rsa.GenerateKey(rand.Reader, 1024)
	case "p224":
		return ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func write(folder, name string, certificate []byte, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(folder, name+".key"), text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".pem"), certificate, 0o600)
}
