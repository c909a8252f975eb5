package constraint

import "testing"

// TestBuilds holds expectations against version strings as clusters, nodes,
// GPUs and package managers write them.
func TestBuilds(t *testing.T) {
	for _, tt := range []struct {
		expr, actual string
		want         Verdict
	}{
		// GKE numbers its builds.
		{">= 1.34.3-gke.1318000", "v1.34.3-gke.1000000", Failed},
		{">= 1.34.3-gke.1318000", "v1.34.3-gke.1318000", Passed},
		{">= 1.34.3-gke.1318000", "v1.34.3-gke.1318001", Passed},
		{">= 1.34.3-gke.1318000", "v1.34.3-gke.999999", Failed},
		{">= 1.34.3-gke.1318000", "v1.34.4-gke.1047000", Passed},
		{">= 1.34.3-gke.1318000", "v1.34.2-gke.2000000", Failed},
		{">= 1.34.3-gke.1318000", "v1.35.0-gke.100", Passed},
		{">= 1.34.3-gke.1318000", "v1.33.5-gke.1337000", Failed},
		{"> 1.34.3-gke.1318000", "v1.34.3-gke.1318000", Failed},
		{"> 1.34.3-gke.1318000", "v1.34.3-gke.1318000.1", Failed},
		{"> 1.34.3-gke.1318000", "v1.34.3-gke.1400000", Passed},
		{"<= 1.34.3-gke.1318000", "v1.34.3-gke.1318000", Passed},
		{"<= 1.34.3-gke.1318000", "v1.34.3-gke.1400000", Failed},
		{"< 1.34.3-gke.1318000", "v1.34.3-gke.1317999", Passed},
		{"< 1.34.3-gke.1318000", "v1.34.3-gke.1318000", Failed},
		{"1.34.3-gke.1318000", "v1.34.3-gke.1318000", Passed},
		{"1.34.3-gke.1318000", "1.34.3-gke.1318000", Passed},
		{"== 1.34.3-gke.1318000", "v1.34.3-gke.1318001", Failed},
		{"!= 1.34.3-gke.1318000", "v1.34.3-gke.1318001", Passed},
		{"!= 1.34.3-gke.1318000", "v1.34.3-gke.1318000", Failed},
		{">= 1.34.3-gke.1318000, < 1.35", "v1.34.5-gke.1", Passed},
		{">= 1.34.3-gke.1318000, < 1.35", "v1.35.0-gke.3000000", Failed},
		{">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", "v1.35.0-gke.2745000", Passed},
		{">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", "v1.35.0-gke.2744999", Failed},
		{">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", "v1.34.9-gke.1", Passed},
		{">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", "v1.36.0-gke.1", Passed},
		{">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", "v1.35.0-eks-3025e55", Unknown},
		{">= 1.34.0-rc.1-gke.7", "v1.34.0-rc.1-gke.8", Passed},
		{">= 1.34.0-rc.1-gke.7", "v1.34.0-rc.1-gke.6", Failed},
		{">= 1.34.0-rc.1-gke.7", "v1.34.0-gke.1", Passed},
		{">= 1.34.0-gke.1", "v1.34.0-rc.1-gke.6", Failed},

		// Other distributions number other things.
		{">= 1.34.3-gke.1318000", "v1.34.3-eks-3025e55", Unknown},
		{">= 1.34.3-gke.1318000", "v1.36.0-eks-3025e55", Unknown},
		{">= 1.34.3-gke.1318000", "v1.34.3+rke2r1", Unknown},
		{">= 1.34.3-gke.1318000", "v1.34.3+k3s1", Unknown},
		{">= 1.34.3-gke.1318000", "v1.34.3", Unknown},
		{"1.34.3-gke.1318000", "v1.34.3-eks-3025e55", Unknown},
		{"!= 1.34.3-gke.1318000", "v1.34.3-eks-3025e55", Unknown},
		{">= 1.33.5+rke2r1", "v1.33.5+k3s1", Unknown},
		{">= 1.33.5+k3s1", "v1.33.5-gke.1337000", Unknown},
		{">= 1.33.5-eks-3025e55", "v1.33.5-gke.1337000", Unknown},
		{">= 6.14.0-1018-aws", "6.14.0-1018-azure", Unknown},
		{">= 5.14.0-427.el9", "5.14.0-427-generic", Unknown},
		{"in [1.33.5-gke.5, 1.33.5-eks-3025e55]", "v1.33.5-eks-3025e55", Passed},
		{"in [1.33.5-gke.5, 1.33.5-eks-3025e55]", "v1.33.5-gke.6", Failed},
		{"in [1.33.5-gke.5, 1.33.5-eks-3025e55]", "v1.33.5+k3s1", Unknown},
		{"in [1.33.5-gke.5, 1.33.6]", "v1.33.6+k3s1", Passed},

		// EKS writes a commit, which has no order, or the day of its patch.
		{">= 1.33.5-eks-3025e55", "v1.33.5-eks-3025e55", Passed},
		{">= 1.33.5-eks-3025e55", "v1.33.5-eks-113cf36", Unknown},
		{">= 1.33.5-eks-3025e55", "v1.33.6-eks-113cf36", Passed},
		{">= 1.33.5-eks-3025e55", "v1.33.4-eks-113cf36", Failed},
		{"> 1.33.5-eks-3025e55", "v1.33.5-eks-3025e55", Failed},
		{"> 1.33.5-eks-3025e55", "v1.33.5-eks-9017834", Unknown},
		{"< 1.33.5-eks-9017834", "v1.33.5-eks-3025e55", Unknown},
		{"< 1.33.5-eks-9017834", "v1.33.5-eks-9017834", Failed},
		{"<= 1.33.5-eks-9017834", "v1.33.5-eks-9017834", Passed},
		{"1.33.5-eks-3025e55", "v1.33.5-eks-113cf36", Failed},
		{"1.33.5-eks-3025e55", "v1.33.5-eks-3025e55", Passed},
		{">= 1.33.5-eks-20251023", "v1.33.5-eks-20251112", Passed},
		{">= 1.33.5-eks-20251023", "v1.33.5-eks-20250918", Failed},
		{">= 1.33.5-20251023", "1.33.5-20251112", Passed},
		{">= 1.33.5-20251023", "1.33.5-20250918", Failed},
		{">= 1.11.4-eksbuild.2", "v1.11.4-eksbuild.14", Passed},
		{">= 1.11.4-eksbuild.2", "v1.11.4-eksbuild.1", Failed},

		// RKE2, K3s, k0s.
		{">= 1.33.5+rke2r1", "v1.33.5+rke2r1", Passed},
		{">= 1.33.5+rke2r2", "v1.33.5+rke2r1", Failed},
		{">= 1.33.5+rke2r2", "v1.33.5+rke2r10", Passed},
		{">= 1.33.5+rke2r2", "v1.33.6+rke2r1", Passed},
		{">= 1.33.5-rke2r1", "v1.33.5+rke2r1", Passed},
		{">= 1.33.5+rke2r1", "v1.33.5-rc2+rke2r1", Failed},
		{">= 1.31.2+k3s1", "v1.31.2+k3s1", Passed},
		{">= 1.31.2+k3s2", "v1.31.2+k3s1", Failed},
		{">= 1.31.2+k3s1", "v1.31.3+k3s1", Passed},
		{">= 1.34.1+k0s.0", "v1.34.1+k0s.1", Passed},
		{">= 1.34.1+k0s.1", "v1.34.1+k0s.0", Failed},
		{">= 1.33.1+vmware.2", "v1.33.1+vmware.1-fips", Failed},
		{">= 1.33.1+vmware.1", "v1.33.1+vmware.2-fips", Passed},
		{"1.29.6+aba1e8d", "v1.29.6+aba1e8d", Passed},
		{"1.29.6+aba1e8d", "v1.29.6+f10c92d", Failed},
		{">= 1.29.6+aba1e8d", "v1.29.6+f10c92d", Unknown},

		// An expectation without a build leaves it open.
		{">= 1.34.3", "v1.34.3-gke.1000000", Passed},
		{">= 1.32", "v1.32.9-eks-3025e55", Passed},
		{">= 1.33", "v1.33.5+rke2r1", Passed},
		{"1.33", "v1.33.5+k3s1", Passed},
		{"< 1.34", "v1.33.11-aks", Passed},
		{">= 1.32.4", "v1.32-eks-3025e55", Unknown},
		{">= 1.30", "v1.29.6+aba1e8d", Failed},

		// Kernels of Ubuntu: the number is the ABI, the word the flavour.
		{">= 6.14.0-1018-aws", "6.14.0-1018-aws", Passed},
		{">= 6.14.0-1018-aws", "6.14.0-1017-aws", Failed},
		{">= 6.14.0-1018-aws", "6.14.0-1021-aws", Passed},
		{">= 6.14.0-1018-aws", "6.17.0-1003-aws", Passed},
		{">= 6.14.0-1018-aws", "6.8.0-1040-aws", Failed},
		{">= 6.14.0-1018", "6.14.0-1021-aws", Passed},
		{">= 6.14.0-1018", "6.14.0-1012-azure", Failed},
		{">= 6.8.0-45-generic", "6.8.0-107-generic", Passed},
		{">= 6.8", "6.8.0-1028-aws", Passed},
		{">= 5.15.0-1053-nvidia", "5.15.0-1060-nvidia", Passed},
		{">= 6.8.0-1013-nvidia-64k", "6.8.0-1014-nvidia-64k", Passed},
		{"6.14.0-1018-aws", "6.14.0-1018-aws", Passed},
		{"6.14.0-1018-aws", "6.14.0-1021-aws", Failed},
		{">= 6.8.0-1010-azure", "6.8.0-1034-azure", Passed},
		{">= 6.8.0-1010-oracle", "6.8.0-1004-oracle", Failed},

		// Kernels of Red Hat, Amazon, Oracle, SUSE, Debian, Google, Talos.
		{">= 5.14.0-427.el9", "5.14.0-427.el9", Passed},
		{">= 5.14.0-427.el9", "5.14.0-427.13.1.el9_4.x86_64", Passed},
		{">= 5.14.0-427.13.1.el9_4", "5.14.0-427.el9.x86_64", Failed},
		{">= 5.14.0-427.13.1.el9_4.x86_64", "5.14.0-427.42.1.el9_4.x86_64", Passed},
		{">= 5.14.0-427.42.1.el9_4", "5.14.0-427.13.1.el9_4.x86_64", Failed},
		{">= 5.14.0-427.el9", "5.14.0-362.8.1.el9_3.x86_64", Failed},
		{">= 5.14.0-427.el9", "5.14.0-570.12.1.el9_6.aarch64", Passed},
		{">= 5.14.0-427.el9", "4.18.0-553.el8_10.x86_64", Failed},
		{">= 5.14.0-427.el9", "6.12.0-55.9.1.el10_0.x86_64", Passed},
		{">= 5.14.0-427.el9", "5.15.0-300.163.18.el9uek.x86_64", Unknown},
		{">= 5.15.0-300.el9uek", "5.15.0-300.163.18.el9uek.x86_64", Passed},
		{">= 5.15.0-300.163.18.el9uek", "5.15.0-209.161.7.el8uek.x86_64", Failed},
		{"5.14.0-427.el9", "5.14.0-427.el9.x86_64", Passed},
		{"5.14.0-427.el9", "5.14.0-427.13.1.el9_4.x86_64", Failed},
		{">= 6.1.141-155.amzn2023", "6.1.141-155.222.amzn2023.x86_64", Passed},
		{">= 6.1.141-155.222.amzn2023", "6.1.132-147.221.amzn2023.x86_64", Failed},
		{">= 5.10.236-228.935.amzn2", "5.10.238-231.953.amzn2.x86_64", Passed},
		{">= 6.4.0-150600.23.60-default", "6.4.0-150600.23.65-default", Passed},
		{">= 6.4.0-150600.23.60-default", "6.4.0-150600.23.7-default", Failed},
		{">= 6.1.0-30-amd64", "6.1.0-37-amd64", Passed},
		{">= 6.12.57+deb13", "6.12.57+deb13-amd64", Passed},
		{">= 6.6.93", "6.6.93+", Passed},
		{">= 6.12.30", "6.12.30-talos", Passed},
		{">= 6.12.30-talos", "6.12.48-talos", Passed},
		{">= 6.6.95-flatcar", "6.6.95-flatcar", Passed},
		{">= 6.15.4-200.fc42", "6.15.10-200.fc42.x86_64", Passed},

		// Runtimes, packages, drivers, firmware.
		{">= 1.7.0", "containerd://1.7.23", Passed},
		{">= 1.7.24", "containerd://1.7.23", Failed},
		{">= containerd://1.7.0", "containerd://1.7.23", Passed},
		{">= containerd://1.7.0", "containerd://2.1.5-k3s1", Passed},
		{">= containerd://1.7.0", "docker://27.5.1", Unknown},
		{">= containerd://1.7.0", "1.7.23", Unknown},
		{"containerd://1.7.23", "containerd://1.7.23", Passed},
		{"containerd://1.7.23", "cri-o://1.7.23", Unknown},
		{">= 1.33", "cri-o://1.33.5-2.rhaos4.20.gitd5bd3ab.el9", Passed},
		{">= 2.0", "containerd://2.1.4-k3s1", Passed},
		{">= 2.1.4-k3s2", "containerd://2.1.4-k3s1", Failed},
		{">= 1.6", "1.6.20~ds1", Passed},
		{">= 1.6.21", "1.6.20~ds1", Failed},
		{"1.6.20", "1.6.20~ds1", Passed},
		{">= 1.6.20~ds1", "1.6.20~ds1", Passed},
		{">= 1.6.20~ds2", "1.6.20~ds1", Failed},
		{"< 1.7.0", "1.7.0~rc.1", Passed},
		{">= 1.7.27-0ubuntu1~22.04.1", "1.7.27-0ubuntu1~22.04.1", Passed},
		{">= 1.7.27-0ubuntu2", "1.7.27-0ubuntu1~22.04.1", Failed},
		{">= 1.7.27-0ubuntu1", "1.7.28-0ubuntu1~24.04.1", Passed},
		{">= 1.17.8-1", "1.17.8-1", Passed},
		{">= 1.17.8-2", "1.17.8-1", Failed},
		{">= 1.17.8-1", "1.17.8", Unknown},
		{">= 1.17.8-1", "1.18.0", Passed},
		{">= 2.27.7-1+cuda12.9", "2.27.7-1+cuda13.0", Passed},
		{">= 580", "580.105.08", Passed},
		{">= 580.82.07", "580.105.08", Passed},
		{">= 580.105.8", "580.105.08", Passed},
		{"580.105.08", "580.105.8", Passed},
		{">= 580.126.09", "580.105.08", Failed},
		{">= 580.105.08-0ubuntu0.24.04.1", "580.105.08-0ubuntu0.24.04.2", Passed},
		{"< 590", "580.173.02", Passed},
		{">= 96.00.D9.00.05", "96.00.D9.00.05", Passed},
		{">= 96.00.D9.00.05", "96.00.D9.00.04", Failed},
		{">= 96.00.D9.00.05", "96.00.99.00.10", Failed},
		{">= 96.00.D9.00.05", "96.00.DA.00.01", Passed},
		{">= 96.00.9F.00.00", "96.00.A0.00.00", Passed},
		{">= 96.00.A5.00.01", "96.00.9F.00.02", Failed},
		{">= 96.00.99.00.01", "96.00.9A.00.01", Passed},
		{"96.00.d9.00.05", "96.00.D9.00.05", Passed},
		{">= 96.00", "96.00.D9.00.05", Passed},
		{">= 97.00", "96.00.D9.00.05", Failed},
		{">= 97.00", "97.00.88.00.0F", Passed},
		{">= 12.8", "13.0", Passed},
		{">= 28.43.2566", "28.45.1200", Passed},
		{">= 1.17.8-ubuntu20.04", "v1.17.8-ubuntu22.04", Passed},
		{">= 1.17.8-ubuntu22.04", "v1.17.8-ubi8", Unknown},
		{">= 25.10.0", "v25.10.1", Passed},
		{">= 24.04", "24.04", Passed},
		{">= 9.4", "9.6", Passed},
		{">= 20251023", "20251112", Passed},
	} {
		e, err := Parse(tt.expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.expr, err)
			continue
		}
		got, reason := e.Eval(tt.actual)
		if got != tt.want || (reason == "") != (got == Passed) {
			t.Errorf("%q of %q is %s (%s), want %s", tt.expr, tt.actual, got, reason, tt.want)
		}
	}
}

// TestBuildsImply holds that a floor with a build is stricter than one without,
// and that floors of two distributions cannot both hold.
func TestBuildsImply(t *testing.T) {
	for _, tt := range []struct {
		e, o string
		want bool
	}{
		{">= 1.34.3-gke.1318000", ">= 1.34.3", true},
		{">= 1.34.3-gke.1318000", ">= 1.32", true},
		{">= 1.34.3-gke.2", ">= 1.34.3-gke.1", true},
		{">= 1.34.3-gke.1", ">= 1.34.3-gke.2", false},
		{">= 1.34.3", ">= 1.34.3-gke.1", false},
		{">= 1.36", ">= 1.34.3-gke.1", false},
		{">= 1.36.0-eks-3025e55", ">= 1.34.3-gke.1", false},
		{"1.34.3-gke.7", "in [1.34.3-gke.7, 1.34.3-gke.8]", true},
		{">= 1.34, < 1.35", ">= 1.33, < 1.35 || >= 1.36", true},
		{">= 1.33, < 1.35 || >= 1.36", ">= 1.34", false},
	} {
		if got := parse(t, tt.e).Implies(parse(t, tt.o)); got != tt.want {
			t.Errorf("%q implies %q is %v", tt.e, tt.o, got)
		}
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{">= 1.34.3-gke.1", ">= 1.34", true},
		{">= 1.34.3-gke.1", "< 1.34", false},
		{">= 1.34.3-gke.1", ">= 1.34.3-eks-3025e55", false},
		{">= 1.34.3-gke.5", "<= 1.34.3-gke.4", false},
	} {
		if got := Satisfiable(parse(t, tt.a), parse(t, tt.b)); got != tt.want {
			t.Errorf("Satisfiable(%q, %q) is %v", tt.a, tt.b, got)
		}
	}
}
