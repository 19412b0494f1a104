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

// The number of series is bounded: of 150 tenants the first hundred have series of their own.
func ExampleConfig() {
	cfg := engine.Config{Deployments: []engine.Deployment{{ID: "east", Group: "chat"}, {ID: "west", Group: "chat"}}}
	for i := range 150 {
		cfg.Callers = append(cfg.Callers, engine.Caller{ID: fmt.Sprintf("tenant-%03d", i), Limits: engine.Limits{RPM: 60}})
	}
	eng, err := engine.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	collector, err := metrics.New(metrics.Config{Engine: eng, MaxDeployments: 1, MaxCallers: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if name := f.GetName(); strings.HasSuffix(name, "omitted") || name == "plimsoll_caller_limit" {
			fmt.Println(name, len(f.GetMetric()), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output:
	// plimsoll_caller_limit 100 60
	// plimsoll_deployments_omitted 1 1
}
