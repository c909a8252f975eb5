package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// formula writes eidos.rb, which Homebrew installs the archives by: of each system
// that the release has one for.
func (r *release) formula() error {
	sums, err := r.sums(false)
	if err != nil {
		return err
	}
	number := strings.TrimPrefix(r.version, "v")
	systems := map[string]string{} // "on_macos": the blocks of its processors
	for _, s := range sums {
		for os, on := range map[string]string{"darwin": "on_macos", "linux": "on_linux"} {
			for arch, cpu := range map[string]string{"amd64": "on_intel", "arm64": "on_arm"} {
				if s.name == fmt.Sprintf("eidos_%s_%s_%s.tar.gz", number, os, arch) {
					systems[on] += fmt.Sprintf("    %s do\n      url \"https://github.com/NVIDIA/eidos/releases/download/%s/%s\"\n      sha256 \"%s\"\n    end\n", cpu, r.version, s.name, s.hex)
				}
			}
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, `class Eidos < Formula
  desc "Known-good configuration for GPU Kubernetes clusters, proven and signed"
  homepage "https://github.com/NVIDIA/eidos"
  version "%s"
  license "Apache-2.0"

`, number)
	for _, on := range []string{"on_macos", "on_linux"} {
		if systems[on] != "" {
			fmt.Fprintf(&out, "  %s do\n%s  end\n\n", on, systems[on])
		}
	}
	out.WriteString(`  def install
    bin.install Dir["eidos*"].select { |f| File.file?(f) }
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/eidos.bash" => "eidos"
    zsh_completion.install "completions/eidos.zsh" => "_eidos"
    fish_completion.install "completions/eidos.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/eidos version")
  end
end
`)
	return os.WriteFile(filepath.Join(r.out, "eidos.rb"), []byte(out.String()), 0o644)
}
