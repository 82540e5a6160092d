package command_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// certificate is one for address, and how a file has it.
func certificate(t *testing.T, address net.IP, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{address}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A process of its own has SSL_CERT_FILE read, which is read once.
func TestDoctorSaysHowLongTheCertificateLasts(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("SSL_CERT_FILE is not read there")
	}
	here, day := net.IPv4(127, 0, 0, 1), 24*time.Hour
	for name, c := range map[string]struct {
		address net.IP
		left    time.Duration
		parts   []string
	}{
		"good":            {here, 90*day + time.Hour, []string{"pass  tls ", "TLS 1.3, certificate valid until ", ", 90 days", "pass  token "}},
		"soon expired":    {here, 10*day + time.Hour, []string{"warn  tls ", ", 10 days", "→ have the server's certificate renewed", "pass  token "}},
		"expired":         {here, -day, []string{"FAIL  tls ", "expired", "→ have the server's certificate renewed, or set this machine's clock", "skip  token "}},
		"of another host": {net.IPv4(127, 0, 0, 9), 90 * day, []string{"FAIL  tls ", "→ the certificate is for another host: check token_uri"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pair, file := certificate(t, c.address, time.Now().Add(c.left))
			w.write("authority.pem", file)
			t.Setenv("SSL_CERT_FILE", "authority.pem")
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprint(rw, `{"access_token":"a-token-CANARY","expires_in":60}`)
			}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			w.write("tls.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+server.URL+"/token'}}")
			cmd, out, errs := w.process("doctor --config tls.yml")
			_ = cmd.Run()
			for _, part := range c.parts {
				if !bytes.Contains(out.Bytes(), []byte(part)) {
					t.Errorf("want %q\n%s%s", part, out, errs)
				}
			}
			if strings.Contains(out.String()+errs.String(), "CANARY") {
				t.Errorf("shows the token: %s%s", out, errs)
			}
		})
	}
}
