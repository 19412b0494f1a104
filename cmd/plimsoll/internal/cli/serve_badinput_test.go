package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

const (
	hashOfGateway = "sha256:" + "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" // of "secret"
	hashOfOther   = "sha256:" + "abababababababababababababababababababababababababababababababab"
	goodTokens    = "gateway " + hashOfGateway + " scopes=decide\n"
	goodConfig    = "deployments:\n- {id: a, group: chat}\n"
)

// badFiles are files that cannot be used, with what the error says: the file, the line, and
// the remedy.
var badFiles = []struct {
	name, file, text string
	want             []string
}{
	{"unknown scope", "tokens", goodTokens + "b " + hashOfOther + " scopes=rule\n", []string{"tokens:2: scopes: unknown scope", "use any of decide, observe, proxy, admin"}},
	{"no expiry", "tokens", goodTokens + "b " + hashOfOther + " expires=soon\n", []string{"tokens:2: expires: ", "is no time such as 2027-01-31T00:00:00Z"}},
	{"pattern without a group", "tokens", goodTokens + "b " + hashOfOther + " groups=claude*\n", []string{"tokens:2: groups: ", "claude*", "matches no group", "leave it out, or revoke the token b"}},
	{"two of one name", "tokens", goodTokens + "gateway " + hashOfOther + "\n", []string{"tokens:2: the name gateway is line 1's too", "revoke one (plimsoll token revoke)"}},
	{"one token twice", "tokens", goodTokens + "b " + hashOfGateway + "\n", []string{"tokens:2: is the token of line 1 again; leave one out"}},
	{"no configuration", "config.yaml", "deployments:\n- {id: a, group: chat, rpm: many}\n", []string{"config.yaml:2: deployments[0].rpm", "want "}},
}

// badInput is a folder with files that can be used, until a test changes one.
func badInput(t *testing.T) (dir string, args []string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "config.yaml"), goodConfig)
	write(t, filepath.Join(dir, "tokens"), goodTokens)
	return dir, []string{"--config", filepath.Join(dir, "config.yaml"), "--tokens", filepath.Join(dir, "tokens")}
}

// decides makes a decision with the good token.
func (c *child) decides(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/v1/pick", strings.NewReader(`{"group":"chat"}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer secret")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// A running daemon that finds files it cannot use goes on as it was and says why; a new
// one does not start, and says the same.
func TestServeBadFiles(t *testing.T) {
	dir, args := badInput(t)
	c := serveChild(t, args...)
	c.decides(t)
	for _, tt := range badFiles {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, tt.file)
			good, err := os.ReadFile(path)
			require.NoError(t, err)
			seen := len(c.stderr.String())
			write(t, path, tt.text)
			require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
			servertest.Until(t, "the log says what cannot be used", func() bool {
				return strings.Contains(c.stderr.String()[seen:], "configuration refused: nothing changed")
			})
			fresh := startFails(t, program(t), nil, args...)
			for _, want := range tt.want {
				require.Contains(t, strings.ReplaceAll(c.stderr.String()[seen:], `\"`, `"`), want)
				require.Contains(t, fresh, want)
			}
			c.decides(t)
			write(t, path, string(good))
			require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
		})
	}
	c.term(t)
}

func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return self
}

// startFails runs plimsoll serve, which must fail, and returns what it says.
func startFails(t *testing.T, program string, as *syscall.Credential, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	require.Error(t, err, string(out))
	return string(out)
}

// What only a start can meet: what it cannot use is an error with a remedy, or a warning
// where it goes on without.
func TestServeBadStart(t *testing.T) {
	dir, args := badInput(t)
	at := func(name string) string { return filepath.Join(dir, name) }

	// A token that has expired is a warning; it is let through no more.
	write(t, at("tokens"), goodTokens+"old "+hashOfOther+" scopes=decide expires=2020-01-01T00:00:00Z\n")
	// A snapshot of another release is put aside.
	write(t, at("snapshot"), `{"version":99,"days":[]}`)
	c := serveChild(t, append(args, "--snapshot", at("snapshot"))...)
	c.decides(t)
	for _, want := range []string{
		"tokens:2: the token old has expired; remove it by plimsoll token revoke old",
		"version 99: this release reads 1 only; start without it", "file=" + at("snapshot.unread"),
	} {
		require.Contains(t, c.stderr.String(), want)
	}
	require.FileExists(t, at("snapshot.unread"))
	c.term(t)

	cert, _ := pemPair(t, dir, "one")
	_, other := pemPair(t, dir, "two")
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600))
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"a certificate alone", []string{"--tls-cert", cert}, []string{"--tls-cert and --tls-key go together; give both or neither"}},
		{"another's key", []string{"--tls-cert", cert, "--tls-key", other}, []string{"the certificate " + cert + " and the key " + other, "does not match", "give a certificate and its own key"}},
		{"no key", []string{"--tls-cert", cert, "--tls-key", at("none")}, []string{"the key " + at("none"), "no such file", "give a certificate and its own key"}},
		{"a pipe as a key", []string{"--tls-cert", cert, "--tls-key", at("pipe")}, []string{at("pipe") + " is no regular file"}},
		{"a pipe as tokens", []string{"--config", at("config.yaml"), "--tokens", at("pipe")}, []string{at("pipe") + ": did not answer within 5 s", "give a regular file"}},
		{"a pipe as configuration", []string{"--config", at("pipe")}, []string{at("pipe") + ": did not answer within 5 s", "give a regular file"}},
		{"a pipe as a key of ids", []string{"--id-key", at("pipe")}, []string{at("pipe") + ": did not answer within 5 s", "give a regular file"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said := startFails(t, program(t), nil, tt.args...)
			for _, want := range tt.want {
				require.Contains(t, said, want)
			}
		})
	}
}

// Where a unit lacks rights, the daemon's error names what it may not use and the user it runs as.
func TestServeWithoutRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a daemon as another user")
	}
	dir, _ := badInput(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	cert, key := pemPair(t, dir, "one")
	require.NoError(t, os.Link(program(t), at("plimsoll"))) // a test binary is in a folder of root's alone
	for _, d := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	const remedy = "permission denied; the user with the number 65534, as which this process runs, needs the right to it: chown or chmod it, or change User= in the unit"
	for name, args := range map[string][]string{
		"config.yaml": {"--config", at("config.yaml")}, "tokens": {"--tokens", at("tokens")},
		filepath.Base(key): {"--tls-cert", cert, "--tls-key", key}, "socket": {"--listen", "unix:" + at("socket")},
	} {
		said := startFails(t, at("plimsoll"), &syscall.Credential{Uid: 65534, Gid: 65534}, args...)
		require.Contains(t, said, strings.ReplaceAll(remedy, "denied; the", "denied"+map[string]string{filepath.Base(key): "; give a certificate and its own key, both in PEM"}[name]+"; the"), name)
		require.Contains(t, said, at(name))
	}
}

// pemPair writes a certificate that signs itself, and its key.
func pemPair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	require.NoError(t, os.Chmod(key, 0o600))
	require.NoError(t, os.Chmod(cert, 0o644))
	return cert, key
}
