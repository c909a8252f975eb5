package api

import (
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Config is what a server is made with. Unless its comment states a default, the zero value
// of a field means no limit, or no cache. Functions are called from several goroutines at
// once.
type Config struct {
	Version string // of eidos
	Limit   Limit
	// CacheBytes is how much memory answers may take.
	CacheBytes int64
	MaxBody    int64 // bytes of the body of a request; 0 is 8 MiB
	// MaxInFlight is how many requests may run at once; 0 is any number.
	MaxInFlight int64
	Timeout     time.Duration // of a request; 0 is 30 s
	// Metrics answers GET /metrics; nil is not found.
	Metrics http.Handler
	// Page answers what is not the path of a route; nil is not found.
	Page http.Handler
	// Observe is called at the end of every request, from several goroutines.
	Observe func(*Record)
	// Log takes what steps log, for debugging; nil drops it.
	Log func(format string, args ...any)
	Now func() time.Time // nil is time.Now
}

// API answers requests. Make one with New. All methods may be called at any time from any
// goroutine. current and status are replaced as a whole and never changed, so that
// requests read them without a lock.
type API struct {
	Config
	mux      *http.ServeMux
	ends     map[string]*endpoint // by path
	clients  *clients
	current  atomic.Pointer[catalogue]
	inFlight atomic.Int64
	running  chan struct{} // has a place for each answer that may be made at once
	draining atomic.Bool
	status   atomic.Pointer[Status]
}

// Status is what /ready reports.
type Status struct {
	Ready bool `json:"ready"`
	// Reason says why it is not ready, or what is wrong although it is.
	Reason  string `json:"reason,omitempty"`
	Version string `json:"version"`
	// Catalog is the version of the catalogue for requests that name no release,
	// and Sources the digest of what it was made of.
	Catalog string        `json:"catalog"`
	Sources schema.Digest `json:"sources"`
	// Releases are those that can be named, the newest first.
	Releases []string `json:"releases"`
}

// New makes a server for a catalogue in one or more releases, of which the first
// is for requests that name none. It answers at once, but /ready reports that it is not
// ready until SetReady is called: the caller listens in between.
func New(c Config, releases ...*recipes.Catalog) (*API, error) {
	return newAPI(c, releases, Routes())
}

// newAPI is New with a table of routes, for tests. API.running admits about two computations
// a processor: steps do not wait for other systems, and more of them at once would only
// take more memory.
func newAPI(c Config, releases []*recipes.Catalog, routes []Route) (*API, error) {
	if c.MaxBody == 0 {
		c.MaxBody = 8 << 20
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	a := &API{Config: c, clients: newClients(c.Limit), mux: http.NewServeMux(), running: make(chan struct{}, 2*runtime.GOMAXPROCS(0)+2)}
	a.status.Store(&Status{Reason: "starting"})
	if err := a.Use(releases...); err != nil {
		return nil, err
	}
	a.register(routes)
	return a, nil
}

// Use answers every request from now on from these releases, as New does; those
// that run end with the catalogue before, and its cache goes with it. On an error nothing
// has changed.
func (a *API) Use(releases ...*recipes.Catalog) error {
	next, err := newCatalogue(releases, a.CacheBytes, a.Log)
	if err != nil {
		return fmt.Errorf("reading the catalogue: %w", err)
	}
	a.current.Store(next)
	first := releases[0]
	a.update(func(s *Status) {
		s.Version, s.Catalog, s.Sources, s.Releases = a.Version, first.Version, first.Sources, next.names()
	})
	return nil
}

// SetReady sets what /ready reports; reason is for people.
func (a *API) SetReady(ready bool, reason string) {
	a.update(func(s *Status) { s.Ready, s.Reason = ready, reason })
}

// Drain makes /ready report that the server shuts down, and ends every connection
// with its next response. Requests are answered as before: load balancers take a moment
// to notice. The caller closes the listener.
func (a *API) Drain() {
	a.draining.Store(true)
	a.SetReady(false, "shutting down")
}

// update replaces the status by a changed copy. change may be called several times, where
// others update it at the same time.
func (a *API) update(change func(*Status)) {
	for {
		old := a.status.Load()
		s := *old
		change(&s)
		if a.status.CompareAndSwap(old, &s) {
			return
		}
	}
}

// Status is what /ready reports.
func (a *API) Status() Status { return *a.status.Load() }

// InFlight is how many requests are under way, those for health and metrics included.
func (a *API) InFlight() int64 { return a.inFlight.Load() }

// CacheUse is how many answers are kept, and how many bytes they take, by answer.size.
func (a *API) CacheUse() (answers int, bytes int64) { return a.current.Load().cache.used() }
