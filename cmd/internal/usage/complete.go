package usage

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// CompletePipelines offers the built-in pipelines, and files. It serves commands whose
// only argument is a pipeline, so there is nothing to offer for a second one.
func CompletePipelines(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return pipelines.Names(), cobra.ShellCompDirectiveDefault
}

// Directories makes flags complete to directories. Cobra's own way offers files too
// in fish.
func Directories(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		Must(c.RegisterFlagCompletionFunc(name, completeDirectories))
	}
}

// completeDirectories lists the directories that begin with what was typed. Hidden ones
// are offered only after a dot, as shells do. No space is added, so that the next Tab
// goes one level deeper. Errors mean no suggestions: a shell that waits for a completion
// has nowhere to print them.
func completeDirectories(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	shown, part := filepath.Split(begun)
	in := shown
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(in, "~/") {
		in = filepath.Join(home, in[1:]) // shells complete the text before they expand it
	}
	if in == "" {
		in = "."
	}
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".")
		if info, err := os.Stat(filepath.Join(in, e.Name())); err == nil && info.IsDir() && !hidden && strings.HasPrefix(e.Name(), part) {
			out = append(out, shown+e.Name()+"/")
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// CompleteSteps offers the steps of the pipeline on the command line.
func CompleteSteps(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	p := completionPipeline(args)
	var out []string
	for name := range p.Steps {
		out = append(out, name)
	}
	sort.Strings(out)
	return out, cobra.ShellCompDirectiveNoFileComp
}

// CompleteParams offers NAME= for the parameters of the pipeline on the command line,
// and NAME=VALUE for those whose values are a closed list.
func CompleteParams(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	p := completionPipeline(args)
	var out []string
	for name, param := range p.Params {
		if len(param.Enum) == 0 {
			out = append(out, name+"=")
		}
		for _, v := range param.Enum {
			if s, ok := v.(string); ok {
				out = append(out, name+"="+s)
			}
		}
	}
	sort.Strings(out)
	return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// completionPipeline reads the pipeline that the command would run: the file or built-in
// pipeline that is named, else eidos.pipeline.yaml, else the built-in `eidos`. It decodes
// the text only; compiling would resolve includes and takes longer than a shell should
// wait. On any error the result is an empty pipeline: completion cannot report one.
func completionPipeline(args []string) schema.Pipeline {
	var p schema.Pipeline
	name := pipelinefile.Default
	if len(args) > 0 {
		name = args[0]
	}
	text, err := userfile.Read(name, schema.MaxBytes)
	if err != nil {
		if len(args) == 0 {
			name = "eidos"
		}
		if text, err = pipelines.Read(name); err != nil {
			return p
		}
	}
	if schema.Decode(name, text, &p) != nil {
		return schema.Pipeline{}
	}
	return p
}
