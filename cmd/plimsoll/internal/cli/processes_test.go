package cli_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// processes names, in the environment, how many daemons TestProcesses starts; with it they share a
// cluster and a primary of sentinels too.
const processes = "PLIMSOLL_PROCESSES"

// processLimit is what the daemons together may admit in a minute.
const processLimit = 600

// TestProcesses: daemons, each a process of its own, are offered twice a limit at once by clients that come back
// after a refusal. In the default mode they admit exactly the limit; in usage mode they may pass it.
func TestProcesses(t *testing.T) {
	t.Parallel() // it waits most of the time
	count, stores := 3, []string{"server"}
	if text := os.Getenv(processes); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		require.NoError(t, err, processes)
		stores = append(stores, "cluster", "sentinel")
	}
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, fmt.Sprintf("deployments:\n- {id: a, group: chat, rpm: %d}\n", processLimit))
	for _, store := range stores {
		for _, mode := range []string{"", "usage"} {
			t.Run(store+" "+mode, func(t *testing.T) {
				var address string
				switch store {
				case "server":
					address = servertest.Start(t).URL()
				case "cluster":
					address = servertest.StartCluster(t, 3).URL()
				case "sentinel":
					address = servertest.StartSentinels(t).URL()
				}
				args := []string{"--config", config, "--sync", address}
				if mode != "" {
					args = append(args, "--sync-mode", mode)
				}
				var all []*child
				for range count {
					all = append(all, serveChild(t, args...))
				}
				for _, c := range all {
					servertest.Until(t, "every daemon is ready", func() bool { status, _ := c.ask(t, "/readyz", ""); return status == http.StatusOK })
				}
				servertest.Until(t, "the daemons know of each other", func() bool {
					return all[0].metric(t, "plimsoll_sync_nodes") == float64(count)
				})
				admitted := burstOf(t, all)
				t.Logf("%d daemons admitted %d of %d", count, admitted, processLimit)
				if mode == "" {
					require.LessOrEqual(t, admitted, int64(processLimit))
					require.GreaterOrEqual(t, admitted, int64(processLimit*99/100))
				}
				for _, c := range all {
					c.term(t)
				}
			})
		}
	}
}

// burstOf offers twice the limit to daemons within one minute and returns how much they admit.
func burstOf(t *testing.T, all []*child) int64 {
	t.Helper()
	for {
		if left := 60 - time.Now().Second(); left < 25 {
			<-time.After(time.Duration(left)*time.Second + 500*time.Millisecond)
		}
		minute, admitted := time.Now().Unix()/60, atomic.Int64{}
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 16, MaxIdleConnsPerHost: 16}}
		acquire := func(c *child) bool {
			resp, err := client.Post(c.url+"/v1/acquire", "application/json", strings.NewReader(`{"group":"chat","input_tokens":1}`))
			if err != nil {
				t.Error(err)
				return true
			}
			defer func() { _ = resp.Body.Close() }()
			_, _ = io.Copy(io.Discard, resp.Body)
			if resp.StatusCode == http.StatusOK {
				admitted.Add(1)
			}
			return resp.StatusCode == http.StatusOK
		}
		var wg sync.WaitGroup
		for range 2 * processLimit {
			wg.Go(func() {
				for range 3 {
					if acquire(all[rand.IntN(len(all))]) {
						return
					}
					<-time.After(150*time.Millisecond + rand.N(1850*time.Millisecond))
				}
			})
		}
		wg.Wait()
		client.CloseIdleConnections()
		if time.Now().Unix()/60 == minute {
			return admitted.Load()
		} // else a minute ended meanwhile
	}
}
