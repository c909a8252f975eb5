package main

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/trace"
	"github.com/NVIDIA/eidos/schema"
)

// metrics are what /metrics reports. Every label has values of a closed list: what clients
// write would else make series without bound. Names that begin with bundler_ are those of
// the upstream server, for dashboards that exist.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	cache    *prometheus.CounterVec
	limited  prometheus.Counter
	shed     prometheus.Counter
	panics   prometheus.Counter
	reloads  *prometheus.CounterVec
	reloaded prometheus.Gauge

	makeDuration *prometheus.HistogramVec
	makes        *prometheus.CounterVec
	files        *prometheus.CounterVec
	fileBytes    *prometheus.CounterVec
	invalid      *prometheus.CounterVec
	deployers    []string
}

// newMetrics registers all series in a registry of its own, so that tests have several
// servers in one process. Buckets are in seconds.
func newMetrics(version string) *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		deployers: deployers(),
		requests:  counters("eidos_http_requests_total", "Requests that were answered.", "method", "route", "status"),
		duration:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "eidos_http_request_duration_seconds", Help: "Time from a request to its answer.", Buckets: buckets}, []string{"method", "route"}),
		bytes:     counters("eidos_http_response_bytes_total", "Bytes of the bodies of responses.", "route"),
		cache:     counters("eidos_cache_requests_total", "Requests whose answer was kept (hit) or made (miss).", "result"),
		limited:   counter("eidos_http_rate_limit_rejects_total", "Requests refused because their client asked too often."),
		shed:      counter("eidos_http_requests_shed_total", "Requests refused because the server was busy."),
		panics:    counter("eidos_http_panics_total", "Requests that ended in a panic."),
		reloads:   counters("eidos_catalog_reloads_total", "Times that the catalogue was read again.", "result"),
		reloaded:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "eidos_catalog_reload_success", Help: "Whether the catalogue in use is the last that was read."}),

		makeDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bundler_make_duration_seconds", Help: "Time to make a bundle.", Buckets: buckets}, []string{"bundler_type"}),
		makes:        counters("bundler_make_total", "Bundles that were made, or could not be.", "bundler_type", "result"),
		files:        counters("bundler_files_generated_total", "Files in bundles.", "bundler_type"),
		fileBytes:    counters("bundler_bytes_generated_total", "Bytes of the files in bundles.", "bundler_type"),
		invalid:      counters("bundler_validation_failures_total", "Bundles refused because of their recipe or parameters.", "bundler_type"),
	}
	// The catalogue is not a label here: SIGHUP replaces it (catalogInfo).
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "eidos_build_info", Help: "Which build this is.", ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()}})
	build.Set(1)
	m.reloaded.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.bytes, m.cache, m.limited, m.shed, m.panics, m.reloads, m.reloaded, build,
		m.makeDuration, m.makes, m.files, m.fileBytes, m.invalid,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, r := range []string{"success", "error"} {
		m.reloads.WithLabelValues(r)
	}
	for _, r := range []string{"hit", "miss"} {
		m.cache.WithLabelValues(r)
	}
	// Series are there from the start: a rate does not see what a new one begins with.
	for _, d := range append(slices.Clone(m.deployers), otherDeployer) {
		m.makes.WithLabelValues(d, "success")
		m.makes.WithLabelValues(d, "error")
		m.makeDuration.WithLabelValues(d)
		m.files.WithLabelValues(d)
		m.fileBytes.WithLabelValues(d)
		m.invalid.WithLabelValues(d)
	}
	return m
}

// otherDeployer is the label of every deployer that a client names and that there
// is not: what clients write must not become a series.
const otherDeployer = "other"

// deployers are the deployers that bundles can be made for, from the definition that
// requests are checked against.
func deployers() []string {
	props, err := schema.Properties("RenderParams")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, p := range props {
		if p.Name == "deployer" {
			return p.Enum
		}
	}
	panic("BUG: RenderParams has no deployer")
}

// watch adds what is read when somebody asks: of the API, the log and the traces. It is
// called once, after these have been made: they need m before (Config.Metrics, Observe).
// spans may be nil.
func (m *metrics) watch(a *api.API, log *requestLog, spans *trace.Server) {
	gauge := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("eidos_http_requests_in_flight", "Requests that run.", func() float64 { return float64(a.InFlight()) })
	gauge("eidos_cache_answers", "Answers that are kept.", func() float64 { n, _ := a.CacheUse(); return float64(n) })
	gauge("eidos_cache_bytes", "Memory of the answers that are kept.", func() float64 { _, n := a.CacheUse(); return float64(n) })
	gauge("eidos_ready", "Whether the server takes requests.", func() float64 {
		if a.Status().Ready {
			return 1
		}
		return 0
	})
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "eidos_log_lines_dropped_total", Help: "Requests that have no line in the log."},
		func() float64 { return float64(log.total.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "eidos_trace_spans_dropped_total", Help: "Spans that there was no room for."},
			func() float64 { return float64(spans.Dropped()) }), &catalogInfo{a})
}

// catalogInfo is one series: the catalogue in use. It is made for each scrape, as a gauge
// with these labels would keep the series of the catalogue before.
type catalogInfo struct{ api *api.API }

var catalogDesc = prometheus.NewDesc("eidos_catalog_info", "The catalogue in use.", []string{"version", "digest"}, nil)

// Describe implements prometheus.Collector.
func (c *catalogInfo) Describe(ch chan<- *prometheus.Desc) { ch <- catalogDesc }

// Collect implements prometheus.Collector. It may be called by several scrapes at once.
func (c *catalogInfo) Collect(ch chan<- prometheus.Metric) {
	s := c.api.Status()
	ch <- prometheus.MustNewConstMetric(catalogDesc, prometheus.GaugeValue, 1, s.Catalog, string(s.Sources))
}

// handler is /metrics. It has limits of its own, four scrapes at once and ten seconds
// each, because it is not among the requests that the server limits.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// observe counts one request; it is called by several goroutines at once. Methods and
// routes are of closed lists (api.Methods, api.Paths). A bundle counts when it is made,
// not when it comes from the cache; one that could not be made counts as invalid if that
// was the client's fault.
func (m *metrics) observe(r *api.Record) {
	m.requests.WithLabelValues(r.Method, r.Route, statusLabel(r.Status)).Inc()
	m.duration.WithLabelValues(r.Method, r.Route).Observe(r.Duration.Seconds())
	m.bytes.WithLabelValues(r.Route).Add(float64(r.Bytes))
	if r.Cache != "" {
		m.cache.WithLabelValues(r.Cache).Inc()
	}
	switch {
	case r.Status == http.StatusTooManyRequests:
		m.limited.Inc()
	case r.Status == http.StatusServiceUnavailable && r.Route != "/ready":
		m.shed.Inc()
	}
	if r.Panic != "" {
		m.panics.Inc()
	}
	if b := r.Bundle; b != nil {
		m.makes.WithLabelValues(b.Deployer, "success").Inc()
		m.makeDuration.WithLabelValues(b.Deployer).Observe(b.Duration.Seconds())
		m.files.WithLabelValues(b.Deployer).Add(float64(b.Files))
		m.fileBytes.WithLabelValues(b.Deployer).Add(float64(b.Bytes))
	}
	if d := r.Deployer; d != "" {
		if !slices.Contains(m.deployers, d) {
			d = otherDeployer
		}
		m.makes.WithLabelValues(d, "error").Inc()
		if r.Status < http.StatusInternalServerError {
			m.invalid.WithLabelValues(d).Inc()
		}
	}
}

// reload counts an attempt to read the catalogue again. The gauge is what alerts are made
// of: 0 as long as the catalogue in use is not the last that was there. It is 1 from the
// start, since a server without a catalogue does not start.
func (m *metrics) reload(err error) {
	if err != nil {
		m.reloads.WithLabelValues("error").Inc()
		m.reloaded.Set(0)
		return
	}
	m.reloads.WithLabelValues("success").Inc()
	m.reloaded.Set(1)
}

// statusLabel is a status as a label, without a conversion for the usual one.
func statusLabel(status int) string {
	if status == http.StatusOK {
		return "200"
	}
	return strconv.Itoa(status)
}
