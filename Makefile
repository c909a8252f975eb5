# Everything a contributor runs. Tools come from the Go module proxy and are
# kept under .cache, by version; a second run finds them there.
SHELL := /bin/bash
export GOFLAGS := -trimpath -buildvcs=false
# go-nvml calls functions that NVML's header calls deprecated: 200 lines of
# warnings of the C compiler that concern nobody who builds this.
export CGO_CFLAGS ?= -O2 -g -Wno-deprecated-declarations
TOOL  := go tool -modfile=tools.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.versionString=$(VERSION)

.PHONY: demo test check e2e bench build generate update \
        fmt vet lint generated cue vuln race tidy

# demo does the whole job on this host: capture, resolve, check, render, push,
# sign, verify. Run it twice to see what is reused.
demo: build
	@scripts/demo

# test runs everything that fits CI, real components included.
test: check real

build:
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/eidos ./cmd/eidos-sigstore

# build-kms builds the plugin for keys in management services and tokens, a module
# of its own, with a link for each sort: put these on the path.
.PHONY: build-kms
build-kms:
	cd cmd/eidos-kms && go build -ldflags "-s -w" -o ../../bin/ .
	@for s in awskms azurekms gcpkms hashivault pkcs11; do ln -sf eidos-kms bin/sigstore-kms-$$s; done

# run-server builds and starts the API server on http://localhost:8080.
.PHONY: run-server
run-server:
	go build -ldflags "$(LDFLAGS)" -o bin/eidosd ./cmd/eidosd
	bin/eidosd $(SERVERFLAGS)

# check is the gate for every commit.
check: fmt vet lint generated cue vuln race tidy

fmt:
	@test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }

vet:
	go vet ./...
	go vet -tags gpu ./steps/collect

# lint runs golangci-lint, which holds staticcheck and checks the order of imports.
lint:
	@$$(scripts/tool golangci-lint) run ./...

# In the order of the layers: what a folder generates is read by those after it.
generate:
	go generate ./schema/... ./recipes/... ./cmd/...

# update rewrites golden files after a change that was meant.
update:
	EIDOS_UPDATE=1 go test ./...

# generated fails when a generated file is not what its sources give.
generated:
	@scripts/generated

cue:
	$(TOOL) cue vet ./...
	$(TOOL) cue vet -c -d '#ChartFacts' schema/*.cue json: recipes/charts/*.json recipes/charts/older/*.json
	$(TOOL) cue vet -c -d '#KindFacts' schema/*.cue json: recipes/crds/*_*.json
	$(TOOL) cue vet -c -d '#Object' ./recipes/kinds $$(grep -L '{{' recipes/releases/*/components/*/manifests/*.yaml | grep -v '\.crd\.yaml$$')

# vuln looks for known vulnerabilities in what eidos calls, without the network.
vuln:
	@scripts/vuln

# A process under the race detector sleeps a second before it exits, and tests start
# thousands.
#
# SERIAL packages start no goroutine (TestSerialPackages) and evaluate CUE, which takes
# eight times as long under the race detector: they are tested without it.
SERIAL := ./recipes/compile ./recipes/importer ./recipes/view
race:
	GORACE=atexit_sleep_ms=0 go test -race -timeout 60m $$(go list ./... | grep -vxF "$$(go list $(SERIAL))")
	go test $(SERIAL)

tidy:
	go mod tidy -diff

# real runs the tests that need the stock tools, registries and an API server.
.PHONY: real
real:
	@scripts/real

# e2e adds what takes minutes: a real node, its kubelet and container runtime.
e2e:
	@scripts/e2e

# gpu compares what eidos reads of GPUs with nvidia-smi, on a host that has some.
# RECORD=DIR keeps what NVML and nvidia-smi returned, as in steps/collect/testdata/gpu.
.PHONY: gpu
gpu:
	EIDOS_RECORD=$(abspath $(RECORD)) go test -tags gpu -count=1 -v -run '^TestGPUHere$$' ./steps/collect

# deep installs bundles on a real node with Helm 3, Helm 4 and helmfile, and checks a
# whole recipe there, which CI does not: building helmfile alone takes as long as the node.
# Run it after a change of deploy.sh, of a deployer or of a check; DEEP=recipe is a part.
.PHONY: deep
deep:
	@scripts/deep $(DEEP)

bench:
	@scripts/bench
	@scripts/bench-engines -sizes 100,1000 -runs 3 -limit 10s

# bench-server measures the API server beside a bare one that answers the same.
.PHONY: bench-server
bench-server:
	@scripts/bench-server $(BENCHFLAGS)

# bench-engines measures the engine beside ninja, make, task and CUE's
# tools/flow: up to date, cold in process, cold spawning. Ten minutes.
.PHONY: bench-engines
bench-engines:
	@scripts/bench-engines $(BENCHFLAGS)

# crash kills runs of 300 steps at 200 random moments, and again with each step
# in a process of its own.
.PHONY: crash
crash:
	EIDOS_CRASH=200 go test -count=1 -timeout 60m -v -run '^TestCrash$$' ./engine

# release makes the files of a release in dist/: archives, images, Debian packages,
# the Homebrew formula, bills of materials, provenance, checksums. release-dry-run
# makes them twice, compares, and installs the package;
# release-sign signs what is there for the identity of the workflow that runs it, and
# release-images pushes the images and signs those; release-latest moves the tag latest to
# those of a release that is published.
.PHONY: release release-dry-run release-sign release-images release-latest
release:
	@scripts/release

release-dry-run:
	@scripts/release-dry-run

release-sign: build
	@scripts/release-sign

release-images: build
	@scripts/release-images

release-latest:
	@scripts/release-latest

# compat lists what has changed since a release, or BASE, that others have to follow.
.PHONY: compat
compat:
	@scripts/compat "$(BASE)"

# fuzz runs every fuzz target of the repository for FUZZTIME each. What one finds
# is kept under testdata/fuzz, and is a test from then on.
.PHONY: fuzz
FUZZTIME ?= 60s
fuzz:
	@scripts/fuzz $(FUZZTIME)

include tools/kube/kube.mk
