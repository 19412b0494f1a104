package valkeystore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// file is where a part of a certificate lies: "crt" or "key".
func (a *authority) file(name, part string) string { return filepath.Join(a.dir, name+"."+part) }

// issue writes a certificate and its key, signed by the authority, or by itself
// when there is none yet.
func (a *authority) issue(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for part, block := range map[string]*pem.Block{"crt": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(a.file(name, part), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return issued, key
}

// startTLS runs a server with certificates of the authority, which wants one of
// its clients too, and returns where it listens for TLS.
func (a *authority) startTLS() (server *servertest.Server, addr string) {
	a.t.Helper()
	a.issue("server", &x509.Certificate{
		DNSNames: []string{"valkey.internal"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	a.issue("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	port := strconv.Itoa(servertest.FreePort(a.t))
	server = servertest.Start(
		a.t, "--tls-port", port, "--tls-auth-clients", "yes", "--tls-ca-cert-file", a.file("ca", "crt"),
		"--tls-cert-file", a.file("server", "crt"), "--tls-key-file", a.file("server", "key"),
	)
	return server, "127.0.0.1:" + port
}

func TestTLS(t *testing.T) {
	ours, strangers := newAuthority(t), newAuthority(t)
	strangers.issue("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	server, addr := ours.startTLS()
	trust := "tls_ca=" + ours.file("ca", "crt")
	client := func(a *authority) string {
		return "tls_cert=" + a.file("client", "crt") + "&tls_key=" + a.file("client", "key")
	}
	for _, tt := range []struct{ name, scheme, options, want string }{
		{"trusted", "valkeys", trust + "&" + client(ours), ""},
		{"by name", "rediss", trust + "&tls_server_name=valkey.internal&" + client(ours), ""},
		{"another name", "valkeys", trust + "&tls_server_name=other.internal&" + client(ours), "other.internal"},
		{"authority unknown here", "valkeys", client(ours), "unknown authority"},
		{"authority of others", "valkeys", "tls_ca=" + strangers.file("ca", "crt") + "&" + client(ours), "unknown authority"},
		{"no client certificate", "valkeys", trust, ""},
		{"client certificate of others", "valkeys", trust + "&" + client(strangers), ""},
		{"without TLS", "valkey", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, open(t, fmt.Sprintf("%s://%s?%s", tt.scheme, addr, tt.options), valkeystore.Config{}))
			n.timeout = 2 * time.Second
			err := n.try(n.next(tally("a", begin(), 1, 10)))
			welcome := tt.name == "trusted" || tt.name == "by name"
			if welcome != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store {
			return open(t, "valkeys://"+addr+"?"+trust+"&"+client(ours), valkeystore.Config{Namespace: "contract"})
		})
	})
	t.Run("with a user whose password changes", func(t *testing.T) {
		testPasswords(t, server, "valkeys://gw@"+addr+"?"+trust+"&"+client(ours))
	})
	ttls(t, server)
}

func TestPasswords(t *testing.T) {
	server := servertest.Start(t)
	testPasswords(t, server, "valkey://gw@"+server.Addr()+"?")
}

// testPasswords reaches a server as the user gw, whose password is in a file or
// in the environment, and changes it.
func testPasswords(t *testing.T, server *servertest.Server, url string) {
	t.Helper()
	const old, next, wrong = "first-secret", "second-secret", "wrong-secret"
	setPassword := func(word string) {
		server.Do(t, "ACL", "SETUSER", "gw", "reset", "on", ">"+word, "~plimsoll2:*", "+@all")
		server.Do(t, "CLIENT", "KILL", "USER", "gw")
	}
	file := filepath.Join(t.TempDir(), "password")
	write := func(word string) {
		if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server.Do(t, "ACL", "SETUSER", "gw", "on", ">"+old, "~plimsoll2:*", "+@all")
	write(old)
	t.Setenv("PLIMSOLL_TEST_PASSWORD", old+"\r\n") // as a mounted secret may end

	at := begin()
	byFile := newNode(t, open(t, url+"&password_file="+file, valkeystore.Config{Namespace: "file"}))
	byEnv := newNode(t, open(t, url+"&password_env=PLIMSOLL_TEST_PASSWORD", valkeystore.Config{Namespace: "env"}))
	for _, n := range []*node{byFile, byEnv} {
		n.timeout = time.Second
		n.add(tally("a", at, 1, 10))
	}
	setPassword(next)
	write(wrong)
	b := byFile.next(tally("a", at, 1, 10))
	servertest.Until(t, "the password is refused", func() bool {
		err := byFile.try(b)
		if err == nil {
			t.Fatal("an exchange with the wrong password succeeded")
		}
		for _, word := range []string{old, next, wrong} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("error = %v holds a password", err)
			}
		}
		return strings.Contains(err.Error(), "WRONGPASS")
	})
	write(next) // read again at the next attempt to connect
	byFile.resolve(b)
	if got, want := byFile.total("a", at), tally("a", at, 2, 20); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	t.Setenv("PLIMSOLL_TEST_PASSWORD", next)
	byEnv.add(tally("a", at, 1, 10))
}
