# Everything a contributor runs. Tools come from tools.mod through the Go
# module proxy and are kept under .cache, by version.
SHELL := /bin/bash
export GOFLAGS := -trimpath -buildvcs=false
CACHE := $(CURDIR)/.cache
TOOL  := go tool -modfile=tools.mod

.PHONY: check fmt vet staticcheck generated cue race tidy generate

check: fmt vet staticcheck generated cue race tidy

fmt:
	@test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }

vet:
	go vet ./...

staticcheck:
	$(TOOL) staticcheck ./...

generate:
	go generate ./...

# generated fails when a generated file is not what its sources give.
generated:
	@scripts/generated

cue:
	$(TOOL) cue vet ./...

race:
	go test -race ./...

tidy:
	go mod tidy -diff

include tools/kube/kube.mk
