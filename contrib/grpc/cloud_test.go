package authgrpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http/httptest"
	"time"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// cloud is what the examples call: both servers, on loopback.
type cloud struct {
	auth            *authServer
	authURL, target string
	tls             credentials.TransportCredentials
	stop            func()
}

// startCloud panics where a test would fail: an example has no other way.
func startCloud() *cloud {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	cert, pool, err := certificate()
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	auth := newAuthServer()
	api, authorization := &apiServer{auth: auth}, httptest.NewServer(auth)
	api.start(listener, grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
	return &cloud{
		auth: auth, authURL: authorization.URL, target: listener.Addr().String(),
		tls:  credentials.NewClientTLSFromCert(pool, ""),
		stop: func() { api.srv.Stop(); authorization.Close() },
	}
}

func (c *cloud) source() *authtrip.Source {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "cloud", ClientID: "my-client", ClientSecret: authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: c.authURL + "/token"}, Origins: []string{c.target},
	})
	if err != nil {
		panic(err)
	}
	return src
}

// certificate is for the names that tests call the server by.
func certificate() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames:    []string{"api.example.com", "other.example.com", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool, nil
}
