// Package browsertest opens the live page in a real browser while load runs, and
// looks at what a person sees.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browse returns a tab of a fresh browser, and what its console has complained
// about. PLIMSOLL_NO_BROWSER=1 skips.
func browse(t *testing.T) (tab context.Context, complaints func() []string) {
	t.Helper()
	if os.Getenv("PLIMSOLL_NO_BROWSER") != "" {
		t.Skip("PLIMSOLL_NO_BROWSER is set")
	}
	path, err := exec.LookPath("chromium")
	require.NoError(t, err, "run .ci/install-chromium, or set PLIMSOLL_NO_BROWSER=1")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1280, 900),
		chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(cancel)
	tab, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	heard := make(chan string, 100)
	require.NoError(t, chromedp.Listen(tab, func(event any) {
		var text string
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			text = e.ExceptionDetails.Text
		case *log.EventEntryAdded:
			text = e.Entry.Text
		default:
			return
		}
		select {
		case heard <- text:
		default: // a hundred are enough
		}
	}))
	call(tab, t, log.Enable, cdp.Empty{})
	return tab, func() (all []string) {
		for len(heard) > 0 {
			all = append(all, <-heard)
		}
		return all
	}
}

// do runs actions in a tab.
func do(tab context.Context, t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, actions...))
}

// call sends a command of the protocol.
func call[P, R any](tab context.Context, t *testing.T, command cdp.Command[P, R], params P) {
	t.Helper()
	_, err := chromedp.Call(tab, command, params)
	require.NoError(t, err)
}

// eval asks the page something.
func eval[T any](tab context.Context, t *testing.T, script string) T {
	t.Helper()
	out, err := chromedp.Run(tab, chromedp.Evaluate[T](script))
	require.NoError(t, err)
	return out
}

// await waits until the page says yes.
func await(tab context.Context, t *testing.T, script string) {
	t.Helper()
	_, err := chromedp.Run(tab, chromedp.Poll[chromedp.Void](script, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second)))
	if err != nil {
		t.Fatalf("%s: %v; the page shows:\n%s", script, err, eval[string](tab, t, `document.body.innerText`))
	}
}

// size makes the window of a width, in a colour scheme.
func size(tab context.Context, t *testing.T, width int64, scheme string) {
	t.Helper()
	call(tab, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600,
	})
	call(tab, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// picture saves what the page looks like in the folder PLIMSOLL_PICTURES, for
// people to look at.
func picture(tab context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("PLIMSOLL_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o600))
}
