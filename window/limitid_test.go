package window_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func ExampleLimitID() {
	kind, value, deployment, ok := window.CutLimitID(window.LimitID("tpm", 30_000, "azure:eu"))
	fmt.Println(kind, value, deployment, ok)
	// Output: tpm 30000 azure:eu true
}

func TestCutLimitIDRefusesOtherIDs(t *testing.T) {
	for _, id := range []string{"", "a", "tpm:1:a", window.PoolPrefix + "tpm:1:a"} {
		_, _, _, ok := window.CutLimitID(id)
		require.False(t, ok, "%q", id)
	}
	for _, rest := range []string{"", "tpm", "tpm:1", "tpm::a", "tpm:x:a", "tpm:0:a", "tpm:-1:a", "tpm:99999999999999999999:a"} {
		_, _, _, ok := window.CutLimitID(window.LimitPrefix + rest)
		require.False(t, ok, "%q", rest)
	}
}
