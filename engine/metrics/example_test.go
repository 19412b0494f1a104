package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/metrics"
)

// A gateway registers the collector and serves its metrics as usual.
func ExampleNew() {
	eng, err := engine.New(engine.Config{TrackHeld: true, Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "chat", Limits: engine.Limits{TPM: 150_000}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	collector, err := metrics.New(metrics.Config{Engine: eng}) // and its Syncer
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "plimsoll_deployment_limit{") {
			fmt.Print(line)
		}
	}
	// Output: plimsoll_deployment_limit{deployment="azure-eastus",group="chat",limit="tpm"} 150000
}
