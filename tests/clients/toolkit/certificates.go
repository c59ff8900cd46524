package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
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
	now := time.Now()
	kinds := []struct {
		name, issuer, algorithm string
		change                  func(*x509.Certificate)
	}{
		{"ca", "", "ecdsa", authority},
		{"other-ca", "", "ecdsa", authority},
		{"intermediate", "ca", "ecdsa", authority},
		{"server", "ca", "ecdsa", host},
		{"server2", "ca", "ecdsa", host},
		{"rsa", "ca", "rsa", host},
		{"ed25519", "ca", "ed25519", host},
		{"rsa1024", "ca", "rsa1024", host},
		{"p224", "ca", "p224", host},
		{"client", "ca", "ecdsa", names},
		{"client-rsa", "ca", "rsa", func(t *x509.Certificate) { t.ExtKeyUsage = client }},
		{"client-plain", "ca", "ecdsa", func(*x509.Certificate) {}},
		{"client-nested", "intermediate", "ecdsa", names},
		{"client-server", "ca", "ecdsa", host},
		{"client-expired", "ca", "ecdsa", func(t *x509.Certificate) { t.NotAfter = now.Add(-time.Hour) }},
		{"client-early", "ca", "ecdsa", func(t *x509.Certificate) { t.NotBefore = now.Add(time.Hour) }},
		{"client-other", "other-ca", "ecdsa", names},
		// As `openssl req -x509` makes them.
		{"client-self", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.DNSNames = []string{"self.example.com"} }},
		{"client-self-expired", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.NotAfter = now.Add(-time.Hour) }},
		{"client-self-server", "", "ecdsa", func(t *x509.Certificate) { authority(t); t.ExtKeyUsage = server }},
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
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		made[kind.name] = pair{certificate, key}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if kind.issuer == "intermediate" {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.certificate.Raw})...)
		}
		if err := write(folder, kind.name, text, key); err != nil {
			return err
		}
	}
	return nil
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
