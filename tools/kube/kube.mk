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
