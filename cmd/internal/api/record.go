package api

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Record describes one request after its end, for the log, the metrics and the trace. It is
// complete when Config.Observe gets it. Method and Route have few values, whatever clients
// send, so that they can be labels of metrics.
type Record struct {
	Method    string // one of Methods
	Route     string // path of a route, page, or other
	Status    int
	Code      string // of a failure: the code in its body
	Bytes     int64  // of the body of the response
	Start     time.Time
	Duration  time.Duration
	RequestID string
	Client    netip.Addr
	Cache     string  // hit or miss; "" where nothing is kept
	Bundle    *Bundle // what was made, if it is not from the cache
	Deployer  string  // of a bundle that could not be made
	Err       error   // cause of a failure
	Panic     string  // message and stack of a panic
	Parent    string  // traceparent of the request
	Trace     string  // id of its trace, in hexadecimal, if somebody sets it
	Steps     []Step  // that ran for it, if nothing was kept
}

// Step is one step that ran for a request.
type Step struct {
	Name       string // of its kind
	Start, End time.Time
	Failed     bool
}

// Methods are the values of Record.Method.
func Methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
}

// Paths are the values of Record.Route.
func Paths() []string {
	seen := map[string]bool{"page": true, "other": true}
	for _, r := range Routes() {
		seen[r.Path] = true
	}
	for p := range service {
		seen[p] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// methodLabel is a method as a label; clients may send any word.
func methodLabel(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}
