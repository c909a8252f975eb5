package kube

import (
	"os"
	"testing"

	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
