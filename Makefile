# Every target works in a clean clone; `make` alone lists them.

GO       ?= go
FUZZTIME ?= 60s
SOAK     ?= 10m
PKG      ?= ./... ./cmd/plimsoll/...
COVERDIR ?= cover

# Pinned here and not in go.mod, which the library's users read too.
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

CYCLONEDX := $(GO) run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
HELM      := $(GO) run helm.sh/helm/v3/cmd/helm@v3.19.0

# The library is tested as its users get it, without the workspace; the command is a
# module of its own, which go.work ties to the library beside it.
COMMAND := cmd/plimsoll
LIBRARY := GOWORK=off $(GO)

# What counts and decides: tested once more with the tag invariants, which lets other
# goroutines in between the steps of its protocols.
CORE := ./window/... ./engine ./engine/internal/counter ./fuzz/...

# Modules that are tests and measurements alone, with dependencies of their own.
NESTED := $(patsubst %/go.mod,%,$(shell find . -mindepth 2 -name go.mod -not -path '*/testdata/*' -not -path './$(COMMAND)/go.mod' | sort))

# renew puts the lines of a file between two marks of a document: $(call renew,mark,file,document).
renew = awk -v mark=$(1) 'NR == FNR { row[n++] = $$0; next } \
	$$0 == "<!-- " mark " -->" { print; for (i = 0; i < n; i++) print row[i]; skip = 1; next } \
	$$0 == "<!-- /" mark " -->" { skip = 0 } !skip' $(2) $(3) >dist/renewed.md && cat dist/renewed.md >$(3)

.DEFAULT_GOAL := help
.PHONY: help api costs grid overhead compare proxy daemon test test-library test-command test-modules race full mutants lab quality lint bench fuzz cover faults processes soak day clients release install chart vulnerabilities server browser prometheus node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: server browser prometheus node ## vet and test everything: the library, the command, and the modules of tests
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=line test-library test-command test-modules

# The parts of test run side by side: some wait for servers while others compute. Each
# package is vetted once, by go vet, and not again by go test. lint vets the command for
# 32 bits.
test-library:
	$(LIBRARY) vet ./...
	GOARCH=386 $(LIBRARY) vet ./...
	$(LIBRARY) test -vet=off -count=1 -timeout=8m ./...
	GOARCH=386 $(LIBRARY) test -vet=off -count=1 -run Allocations ./engine
	$(LIBRARY) test -vet=off -tags=invariants -short -count=1 -timeout=8m $(CORE)

test-command:
	$(GO) vet ./$(COMMAND)/...
	$(GO) test -vet=off -count=1 -timeout=8m ./$(COMMAND)/...

test-modules:
	@set -e; for dir in $(NESTED); do echo "== $$dir"; (cd "$$dir" && $(LIBRARY) vet ./... && $(LIBRARY) test -vet=off -count=1 -timeout=8m ./...); done

# What race leaves out: packages that start no goroutine, nor do their tests, so that the
# race detector has nothing to find. test tests them.
ONE_GOROUTINE := engine/config engine/estimate/internal/scan engine/internal/breaker engine/internal/counter/model \
	fuzz/model fuzz/rule sync/internal/escrow \
	$(COMMAND)/internal/replay/litellm $(COMMAND)/internal/replay/provider $(COMMAND)/internal/replay/trace
empty :=
space := $(empty) $(empty)

race: server ## test everything under the race detector, with the tag invariants, in random order: groups of at most 65 under 16 goroutines (64 in test), every other pair of strategy and size, tests of one goroutine and of many paces in part
	@! grep -lE '\<go (func|[a-z][A-Za-z.]*\()|\.Go\(' $(addsuffix /*.go,$(ONE_GOROUTINE)) || { echo "this starts a goroutine: take its package out of ONE_GOROUTINE"; exit 1; }
	$(GO) test -race -tags=invariants -shuffle=on -count=1 -timeout=15m $$($(GO) list ./... ./$(COMMAND)/... | grep -vE '/($(subst $(space),|,$(strip $(ONE_GOROUTINE))))$$')

full: server ## the tests of test that have a longer form, in that: whole state spaces, all workloads, long rounds
	PLIMSOLL_FULL=1 $(GO) test -count=1 -timeout=20m ./engine ./engine/internal/... ./fuzz/... ./sync/internal/... ./sync/syncer ./$(COMMAND)/internal/replay

mutants: ## make each of the faults that fuzz/mutant_test.go lists, and require that the tests find it
	PLIMSOLL_MUTANTS=1 $(GO) test -count=1 -timeout=60m -v -run '^TestMutants$$' ./fuzz

faults: server ## break real servers and networks under real nodes: a line per fault, with its figures, which docs/PROTOCOL.md takes over when all hold
	@mkdir -p dist
	@{ PLIMSOLL_FAULTS=1 $(GO) test -p 1 -parallel 4 -count=1 -timeout=20m -v -run '^(TestProperty|TestFaults)$$' ./sync/syncer ./sync/valkeystore; echo $$? >dist/faults.status; } | tee dist/faults.txt
	@exit $$(cat dist/faults.status)
	@{ echo '```'; grep -E '^[0-9]+[a-z]? +holds ' dist/faults.txt; echo '```'; } >dist/faults.md
	@$(call renew,faults,dist/faults.md,docs/PROTOCOL.md)

grid: ## what nodes admit beyond a limit and leave unused, by usage, in auto and by LiteLLM's rule, into docs/PROTOCOL.md: two hours of a core; what dist/grid.txt has already is kept
	@mkdir -p dist
	@{ $(GO) test -count=1 -timeout=12h -v -run '^TestFleetGrid$$' ./$(COMMAND)/internal/replay -args -grid.limits=all -grid.nodes=2,10,50 -grid.loads=steady,burst \
		-grid.windows=30 -grid.seeds=8 -grid.rows=$(CURDIR)/dist/grid.txt; echo $$? >dist/grid.status; } | tee dist/grid.log
	@exit $$(cat dist/grid.status)
	@grep '^|' dist/grid.log >dist/grid.md
	@$(call renew,grid,dist/grid.md,docs/PROTOCOL.md)

costs: server ## what a node of 1000 with 10,000 deployments costs the store, what all of them cost, and the sharding that carries it, into docs/BENCHMARKS.md: two minutes
	@mkdir -p dist
	@{ $(GO) test -run '^$$' -bench '^BenchmarkThousand$$' -benchtime 1x ./sync/valkeystore; echo $$? >dist/costs.status; } | tee dist/costs.log
	@exit $$(cat dist/costs.status)
	@grep '^|' dist/costs.log >dist/costs.md
	@$(call renew,costs,dist/costs.md,docs/BENCHMARKS.md)

processes: server ## ten daemons, each a process of its own, on a server, a cluster and Sentinel, in the default mode and by usage: what they admit of twice a limit at once (test has three on a server)
	PLIMSOLL_PROCESSES=10 $(GO) test -run '^TestProcesses$$' -count=1 -timeout=10m -v ./$(COMMAND)/internal/cli

soak: server ## SOAK (10m) of load on two daemons while stores die, files change and clients hang up, and the books of each token (test has a minute)
	PLIMSOLL_SOAK=$(SOAK) $(GO) test -run '^TestSoak$$' -count=1 -timeout=20m -v ./$(COMMAND)/internal/cli

day: ## a day of virtual time in each sharing mode: ten nodes, random faults, exact books, flat memory (test has twenty minutes of it)
	$(GO) test -run '^TestSoak$$' -count=1 -timeout=20m -v ./sync/syncer -args -soak.length=24h

clients: node ## real clients on Node and in Go before the proxy and a fake provider, bursts beyond the limits included (test has a part of them)
	PLIMSOLL_CLIENTS=1 $(GO) test -count=1 -timeout=8m -v ./$(COMMAND)/internal/clients
	cd engine/transport/sdktest && $(LIBRARY) test -count=1 -timeout=8m -v ./...

lint: ## golangci-lint, formatting included, and tidy go.mod files
	$(GOLANGCI) config verify
	@set -e; for dir in . $(NESTED); do echo "== $$dir"; (cd "$$dir" && GOWORK=off $(GOLANGCI) run ./... && $(LIBRARY) mod tidy -diff); done
	cd $(COMMAND) && $(GOLANGCI) run ./...
	GOARCH=386 $(GO) vet ./$(COMMAND)/...
	.ci/tidy-command -diff

bench: server ## the table of ratios beside their goals; fails when a single-core row misses
	cd bench/peers && $(LIBRARY) run .

compare: ## the engine beside that of an older commit, in one process and in turn, with the ratios' goals: COMMIT=bc0a46e ROWS=. ROUNDS=100
	bench/compare/compare.sh $(or $(COMMIT),bc0a46e) '$(or $(ROWS),.)' $(or $(ROUNDS),100)

overhead: ## CPU of a decision with a syncer and with grants beside one without, in turn; fails above 1.02 of it, and above 1.2 where windows follow the clock
	$(GO) test -run '^$$' -bench '^Benchmark(Syncer|Ceilings|Grants)$$' -benchtime 4000x -count 3 ./bench

proxy: ## CPU of a call through the daemon beside httputil.ReverseProxy, at 1, 16 and 128 KiB, the best of ten rounds in turn
	$(GO) test -run '^$$' -bench '^BenchmarkProxy$$' -benchtime 10x -timeout 20m ./$(COMMAND)/internal/cli

daemon: ## the daemon beside plain handlers: decisions on 8 and 64 connections, 1,000 streams, and its health under attack
	$(GO) test -run '^$$' -bench '^Benchmark(Serve|Streams|Attack)$$' -benchtime 5x -timeout 20m ./$(COMMAND)/internal/cli

api: ## renew the golden documentation of the public packages, which go test compares
	$(GO) test ./engine -run '^TestDocumentation$$' -update

LAB ?=
lab: ## play the worlds of plimsoll lab, renew the tables of docs/QUALITY.md and README.md, and write dist/lab.html (ten minutes on two idle cores; LAB=--quick: half a minute; of LAB="--world NAME" no tables of the quick set)
	@mkdir -p dist
	$(GO) build -o dist/plimsoll-lab ./$(COMMAND)
	$(if $(findstring --quick,$(LAB)),,dist/plimsoll-lab lab $(LAB) --resume dist/lab.state --markdown docs/QUALITY.md --html dist/lab.html --json dist/lab.json)
	$(if $(findstring --quick,$(LAB)),dist/plimsoll-lab lab $(LAB) --markdown docs/QUALITY.md --markdown README.md --html dist/lab.html --json dist/lab.json)
	$(if $(filter --quick --world --traffic,$(LAB)),,dist/plimsoll-lab lab --quick --markdown docs/QUALITY.md --markdown README.md >/dev/null)

quality: ## play the quick set of plimsoll lab, 25 s on two idle cores; fails where a goal is missed that docs/QUALITY.md does not record as missed
	$(GO) run ./$(COMMAND) lab --quick --gate --known docs/QUALITY.md >/dev/null

fuzz: ## every fuzz target in turn, FUZZTIME each (60s), in PKG (./...)
	@set -e; \
	list=$$($(GO) test -list '^Fuzz' $(PKG)) || { echo "$$list"; exit 1; }; \
	targets=$$(echo "$$list" | awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2 ":" name[i]; n = 0 }'); \
	test -n "$$targets" || { echo "no fuzz target in $(PKG)"; exit 1; }; \
	for t in $$targets; do \
		echo "== $$t"; \
		$(GO) test -run='^$$' -fuzz="^$${t##*:}\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=1x "$${t%:*}"; \
	done

cover: server ## share of statements that any test reaches, by package
	@mkdir -p $(COVERDIR)
	$(GO) test -count=1 -timeout=10m -coverpkg=./...,./$(COMMAND)/... -coverprofile=$(COVERDIR)/profile.out ./... ./$(COMMAND)/...
	@awk 'NR > 1 { size[$$1] = $$2; if ($$3 > 0) hit[$$1] = 1 } \
		END { \
			for (b in size) { pkg = b; sub(/\/[^\/]*:.*/, "", pkg); all[pkg] += size[b]; if (b in hit) reached[pkg] += size[b] } \
			for (pkg in all) if (all[pkg]) printf "%5.1f %%  %s\n", 100 * reached[pkg] / all[pkg], pkg \
		}' $(COVERDIR)/profile.out | sort -k 3

VERSION ?= $(shell git describe --tags --always --dirty)
release: ## binaries of linux and darwin on amd64 and arm64 in dist/, with checksums and a list of what is in them
	rm -rf dist && mkdir dist
	@set -e; for os in linux darwin; do for arch in amd64 arm64; do \
		echo "== $$os/$$arch"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w' -o dist/plimsoll-$(VERSION)-$$os-$$arch ./$(COMMAND); \
	done; done
	cd $(COMMAND) && $(CYCLONEDX) app -json -licenses -packages=false -main . -output $(CURDIR)/dist/plimsoll-$(VERSION).cdx.json
	cd dist && sha256sum plimsoll-* >SHA256SUMS && cat SHA256SUMS

install: ## go install of the command at its release, from a proxy made of this checkout's commit as if it were tagged
	.ci/test-install

chart: ## helm lint and helm template of docs/deploy/chart
	$(HELM) lint --strict docs/deploy/chart
	$(HELM) template example docs/deploy/chart --set serviceMonitor.enabled=true,autoscaling.enabled=true,autoscaling.leasesPerPod=500 >/dev/null

vulnerabilities: ## known ones in what is used; says so where the list cannot be reached
	@$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./... ./$(COMMAND)/... || { code=$$?; test $$code = 3 && exit 3; echo "govulncheck: the list of vulnerabilities could not be reached: NOTHING WAS CHECKED"; }

# A valkey-server for the tests that need one; PLIMSOLL_NO_SERVER=1 goes without,
# and skips them.
server:
	@test -n "$$PLIMSOLL_NO_SERVER" || .ci/install-valkey

# A browser for the tests of the page; PLIMSOLL_NO_BROWSER=1 goes without, and
# skips them.
browser:
	@test -n "$$PLIMSOLL_NO_BROWSER" || .ci/install-chromium

# A Prometheus for the tests of the alert rules; PLIMSOLL_NO_PROMETHEUS=1 goes
# without, and skips them.
prometheus:
	@test -n "$$PLIMSOLL_NO_PROMETHEUS" || .ci/install-prometheus

# Clients on Node for the tests of the proxy; where npm cannot install them it says so,
# and skips them.
node:
	@.ci/install-clients
