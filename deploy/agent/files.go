// Package agent holds the manifests of the agent: a Kustomize base with its
// rights, as a Job and as a CronJob. `eidos snapshot --agent` applies the same
// rights, so that what is reviewed here is what runs.
package agent

import "embed"

// Files are the manifests, by their path in this folder.
//
//go:embed base job cronjob releases checks textfile
var Files embed.FS
