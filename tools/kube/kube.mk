# Kubernetes for tests; see README.md beside this file.
.PHONY: kube-build kube-up kube-down kube-test

# kube-build builds a control plane: minutes the first time.
kube-build:
	@tools/kube/build

# kube-test runs the tests that talk to a real API server; it shares one.
kube-test: kube-build
	EIDOS_REQUIRE_KUBE=1 go test ./tools/kube/... ./deploy/... ./steps/...

# kube-up leaves a control plane running and prints its KUBECONFIG.
kube-up:
	@tools/kube/build >/dev/null
	@go run ./tools/kube up

kube-down:
	@go run ./tools/kube down

# bench-kube takes snapshots of 5,000 nodes with 5,000 and with 50,000 Pods,
# beside one unpaged JSON list of the same objects, which is how upstream reads
# them. Needs 4 GiB; make bench runs it too where the servers are built.
.PHONY: bench-kube
bench-kube: kube-build
	EIDOS_SCALE=1 go test -run '^$$' -bench Scale -benchtime 1x -timeout 20m ./steps/kube

# image makes the container image under dist/image, an OCI layout for two
# platforms, and prints its digest. That of this machine's architecture has
# NVML; the other one is cross-compiled without cgo and has none.
.PHONY: image
image:
	@rm -rf dist/image && mkdir -p dist
	@for arch in amd64 arm64; do cgo=0; [ $$arch != "$$(go env GOHOSTARCH)" ] || cgo=1; \
	  CGO_ENABLED=$$cgo GOOS=linux GOARCH=$$arch go build -ldflags "$(LDFLAGS)" -o dist/bin/$$arch/eidos ./cmd/eidos || exit 1; done
	@go run ./tools/image -version "$(VERSION)" -o dist/image linux/amd64=dist/bin/amd64/eidos linux/arm64=dist/bin/arm64/eidos

# image-server makes the image of the API server under dist/image-server.
.PHONY: image-server
image-server:
	@rm -rf dist/image-server && mkdir -p dist
	@for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -ldflags "$(LDFLAGS)" -o dist/bin/$$arch/eidosd ./cmd/eidosd || exit 1; done
	@go run ./tools/image -version "$(VERSION)" -o dist/image-server linux/amd64=dist/bin/amd64/eidosd linux/arm64=dist/bin/arm64/eidosd
