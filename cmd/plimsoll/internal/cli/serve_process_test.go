package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// asProgram makes the test binary be plimsoll.
const asProgram = "PLIMSOLL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if address := os.Getenv(asPlain); address != "" {
		servePlain(address)
	}
	if addresses := os.Getenv(asSoakClient); addresses != "" {
		soakAsClient(addresses)
	}
	if address := os.Getenv(asProvider); address != "" {
		serveProvider(address)
	}
	if arguments := os.Getenv(asReverse); arguments != "" {
		serveReverse(arguments)
	}
	if os.Getenv(asProgram) != "" {
		cli.Main()
	}
	os.Exit(m.Run())
}

const oneDeployment = "deployments:\n- {id: a, group: chat, rpm: 100, tpm: 10000}\n"

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// A process that systemd starts takes its sockets, reports when it is ready, reads
// its configuration again on SIGHUP, and ends in order on SIGTERM.
func TestServeUnderSystemd(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	write(t, config, oneDeployment)
	notes, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	require.NoError(t, err)
	defer func() { require.NoError(t, notes.Close()) }()
	note := func() string {
		buf := make([]byte, 100)
		require.NoError(t, notes.SetReadDeadline(time.Now().Add(20*time.Second)))
		n, err := notes.Read(buf)
		require.NoError(t, err)
		return string(buf[:n])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	socket, err := l.(*net.TCPListener).File()
	require.NoError(t, err)
	require.NoError(t, l.Close())

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command("bash", "-c", `LISTEN_PID=$$ exec "$0" serve --config "$1" --listen 192.0.2.1:1 --lame-duck 0s`, self, config)
	cmd.Env = append(os.Environ(), asProgram+"=1", "LISTEN_FDS=1", "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	cmd.ExtraFiles = []*os.File{socket}
	var log screen
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.NoError(t, socket.Close())
	require.Equal(t, "READY=1", note())
	s := &served{url: "http://" + l.Addr().String()}

	status, lease := s.ask(t, "/v1/acquire", `{"group":"chat","input_tokens":100,"output_tokens":100}`)
	require.Equal(t, 200, status)
	write(t, config, "deployments:\n- {id: a, group: chat, rpm: many}\n")
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	servertest.Until(t, "the log says why", func() bool { return strings.Contains(log.String(), "nothing changed") })
	require.Contains(t, log.String(), "deployments[0].rpm")
	_, ready := s.ask(t, "/readyz", "")
	require.NotNil(t, ready["config"].(map[string]any)["refused"])
	write(t, config, oneDeployment+"- {id: b, group: other}\n")
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	servertest.Until(t, "the new group is there", func() bool {
		status, _ := s.ask(t, "/v1/groups/other", "")
		return status == 200
	})
	status, _ = s.ask(t, "/v1/settle", `{"lease":"`+lease["lease"].(string)+`","usage":{"input_tokens":90,"output_tokens":10}}`)
	require.Equal(t, 200, status)
	_, state := s.ask(t, "/v1/groups/chat", "")
	require.EqualValues(t, 100, state["deployments"].([]any)[0].(map[string]any)["tokens"], "usage survives a reload")

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, "STOPPING=1", note())
	require.NoError(t, cmd.Wait())
	require.Contains(t, log.String(), "stopped")
}

// A changed file is noticed without a signal, tokens are read again, and no secret
// is in the log.
func TestServeNoticesFiles(t *testing.T) {
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "litellm.yaml"), filepath.Join(dir, "tokens")
	litellm := "model_list:\n- model_name: chat\n  litellm_params: {model: azure/gpt-4o, api_key: sk-hunter2hunter2, rpm: 5}\n"
	write(t, config, litellm)
	first := plimsoll(t.Context(), "token", "one")
	second := plimsoll(t.Context(), "token", "two")
	require.Equal(t, cli.ExitOK, first.code)
	write(t, tokens, first.stdout)
	s := serve(t, "--config", config, "--tokens", tokens, "--log", "debug")
	bearer := func(r result) []string { return []string{"Authorization", "Bearer " + strings.TrimSpace(r.stderr)} }
	status, got := s.ask(t, "/v1/deployments", "", bearer(first)...)
	require.Equal(t, 200, status)
	require.Len(t, got["deployments"], 1)
	status, _ = s.ask(t, "/v1/deployments", "", bearer(second)...)
	require.Equal(t, 401, status)

	write(t, config, litellm+"- model_name: other\n  litellm_params: {model: openai/gpt-4o, api_key: sk-hunter3hunter3}\n")
	servertest.Until(t, "the new group is there", func() bool {
		status, _ := s.ask(t, "/v1/groups/other", "", bearer(first)...)
		return status == 200
	})
	write(t, tokens, second.stdout)
	servertest.Until(t, "the new token holds", func() bool {
		status, _ := s.ask(t, "/v1/deployments", "", bearer(second)...)
		return status == 200
	})
	status, _ = s.ask(t, "/v1/deployments", "", bearer(first)...)
	require.Equal(t, 401, status)
	write(t, tokens, "nonsense\n")
	servertest.Until(t, "the broken file is refused", func() bool { return strings.Contains(s.stderr.String(), "nothing changed") })
	status, _ = s.ask(t, "/v1/deployments", "", bearer(second)...)
	require.Equal(t, 200, status, "the token before holds")
	s.stop()
	for _, secret := range []string{"hunter2", "hunter3", strings.TrimSpace(first.stderr), strings.TrimSpace(second.stderr)} {
		require.NotContains(t, s.stderr.String()+s.stdout.String(), secret)
	}
}

// Two daemons share a real server and go on while it is away. A daemon that ends
// reports its last usage.
func TestServeSharesUsage(t *testing.T) {
	server := servertest.Start(t, "--requirepass", "hunter2")
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, "deployments:\n- {id: a, group: chat, tpm: 10000000}\n")
	address := "valkey://:hunter2@" + server.Addr()
	one, two := serve(t, "--config", config, "--sync", address, "--sync-mode", "usage"), serve(t, "--config", config, "--sync", address, "--sync-mode", "usage")
	state := func(s *served) string {
		status, got := s.ask(t, "/readyz", "")
		state := got["store"].(map[string]any)["state"].(string)
		if state != "connecting" && state != "opening" { // it has yet to learn what the others have used
			require.Equal(t, 200, status)
		}
		return state
	}
	tokens := func(s *served) float64 {
		_, got := s.ask(t, "/v1/groups/chat", "")
		return got["deployments"].([]any)[0].(map[string]any)["tokens"].(float64)
	}
	servertest.Until(t, "both are connected", func() bool { return state(one) == "connected" && state(two) == "connected" })

	until := time.Now().Truncate(time.Minute).Add(time.Minute)
	if time.Until(until) < 25*time.Second { // counts are of one minute
		<-time.After(time.Until(until) + time.Second) // the daemons' clocks are in it too
	}
	_, lease := one.ask(t, "/v1/acquire", `{"group":"chat","input_tokens":1000,"output_tokens":500}`)
	servertest.Until(t, "the other sees the reservation", func() bool { return tokens(two) == 1500 })

	server.Kill(t)
	servertest.Until(t, "the outage is noticed", func() bool { return state(one) == "away" && state(two) == "away" })
	status, _ := one.ask(t, "/v1/settle", `{"lease":"`+lease["lease"].(string)+`","usage":{"input_tokens":700}}`)
	require.Equal(t, 200, status)
	server.Run(t)
	server.Await(t)
	servertest.Until(t, "both are connected again", func() bool { return state(one) == "connected" && state(two) == "connected" })
	servertest.Until(t, "the other sees the true cost", func() bool { return tokens(two) == 700 })

	one.ask(t, "/v1/record", `{"deployment":"a","usage":{"input_tokens":23}}`)
	require.Equal(t, cli.ExitOK, one.stop())
	servertest.Until(t, "the other sees the last usage", func() bool { return tokens(two) == 723 })
	two.stop()
	require.NotContains(t, one.stderr.String()+two.stderr.String()+one.stdout.String(), "hunter2")
}

// A limit per day holds over a restart, and a snapshot that is none is no reason
// not to start.
func TestServeKeepsDays(t *testing.T) {
	dir := t.TempDir()
	config, snapshot := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "snapshot")
	write(t, config, "deployments:\n- {id: a, group: chat, rpd: 2}\n")
	if left := time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)); left < 30*time.Second {
		<-time.After(left)
	}
	for _, want := range []int{200, 200, 429} {
		c := serveChild(t, "--config", config, "--snapshot", snapshot)
		status, got := c.ask(t, "/v1/precheck", `{"deployment":"a"}`)
		require.Equal(t, want, status)
		if status == 429 {
			require.Equal(t, "rpd", got["error"].(map[string]any)["limit"])
		}
		c.term(t)
	}
	write(t, snapshot, "nonsense")
	c := serveChild(t, "--config", config, "--snapshot", snapshot)
	status, _ := c.ask(t, "/v1/precheck", `{"deployment":"a"}`)
	require.Equal(t, 200, status)
	require.Contains(t, c.stderr.String(), "the snapshot cannot be used")
}

// A Unix socket needs no token, and its host no name.
func TestServeOnUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := serve(t, "--listen", "unix:"+path)
	out, err := exec.CommandContext(t.Context(), "curl", "-s", "--unix-socket", path, "http://plimsoll/healthz").Output()
	require.NoError(t, err)
	require.Equal(t, "ok\n", string(out))
	got := plimsoll(t.Context(), "replay", "--target", "unix:"+path, "--for", "1s", "--json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.NotContains(t, got.stdout, `"served":0,`)
	s.stop()
	_, err = os.Lstat(path)
	require.ErrorIs(t, err, os.ErrNotExist, "it takes its socket away")
}

func TestServeAdminApart(t *testing.T) {
	s := serve(t, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	_, after, _ := strings.Cut(s.stdout.String(), "live page")
	admin := &served{url: listening.FindString(after)}
	require.NotEqual(t, s.url, admin.url)
	for path, want := range map[string][2]int{"/debug/pprof/cmdline": {404, 200}, "/healthz": {200, 200}, "/v1/explain": {400, 404}} {
		a, _ := s.ask(t, path, "")
		b, _ := admin.ask(t, path, "")
		require.Equal(t, want, [2]int{a, b}, path)
	}
}
