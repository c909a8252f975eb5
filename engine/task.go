package engine

import (
	"context"
	"encoding/json"
	"time"
)

// Task is one attempt at one step, complete in itself: whoever has the kinds
// and a store that holds the inputs can run it, in this process or far away,
// and gets the same bytes. It may carry secrets; it is never written down.
type Task struct {
	Run     string            `json:"run"`
	Step    string            `json:"step"` // id: render[eks,helm]
	Attempt int               `json:"attempt"`
	Uses    string            `json:"uses"`
	Version int               `json:"version"` // of the kind; another one refuses
	With    json.RawMessage   `json:"with"`    // canonical
	Inputs  []TaskInput       `json:"inputs,omitempty"`
	Dir     string            `json:"dir,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`

	Content []Blob `json:"content,omitempty"` // all that the inputs consist of

	// What who places tasks may want to know of the plan.
	Of       string        `json:"-"` // the matrix step that this is a row of
	Rows     int           `json:"-"` // how many rows that has
	Parallel int           `json:"-"` // how many of them at once; 0: no limit
	Timeout  time.Duration `json:"-"` // 0: none
}

// Tasks is a document of tasks, to be done in any order.
type Tasks struct {
	Tasks []Task `json:"tasks"`
}

// TaskInput is one value at a port; those of a list are in their order.
type TaskInput struct {
	Port  string   `json:"port"`
	Value Artifact `json:"value"`
}

// TaskResult is what became of a task. There may be an Artifact beside an error.
type TaskResult struct {
	Artifact Artifact    `json:"artifact"`
	Blobs    []Blob      `json:"blobs,omitempty"`
	Error    *EventError `json:"error,omitempty"`
}

// Execute runs a task remotely. env takes its log and progress; its Blobs is
// the store that inputs are in and results must be in when it returns. An error
// is for the way there and back, Unavailable if another try may help; the
// error of the step itself is in the result.
type Execute func(ctx context.Context, t Task, env Env) (TaskResult, error)
