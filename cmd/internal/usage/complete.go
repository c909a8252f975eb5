package usage

import (
	"sort"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// CompletePipelines offers the pipelines that eidos brings, and files.
func CompletePipelines(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return pipelines.Names(), cobra.ShellCompDirectiveDefault
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

// CompleteParams offers NAME= of the pipeline on the command line, and the
// values of those that list them.
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

// completionPipeline reads the pipeline as well as it can: a shell waits, and
// an error has nowhere to go.
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
