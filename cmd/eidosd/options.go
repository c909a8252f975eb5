package main

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/schema"
)

// options are the settings of one server, with the defaults filled in: complete leaves no
// pointer nil and no address empty unless there is a socket. Nothing changes them later.
type options struct {
	schema.ServeParams
	version                    bool
	timeout, drain, drainDelay time.Duration
	trusted                    []netip.Prefix
	service                    string // of Cloud Run; "" outside of it
	project                    string // of Google Cloud, for the names of traces
}

// Defaults; the descriptions in params_serve.cue name them.
const (
	defaultAddress   = ":8080"
	defaultRateLimit = 100 // requests a second
	defaultRateBurst = 200
	defaultInFlight  = 256
	defaultBody      = 8192 // KiB
	defaultCache     = 16   // MiB
	defaultTimeout   = "30s"
	defaultLogRate   = 10 // lines a second
)

// readOptions reads flags, then the environment for what no flag sets. Both are then
// checked together against the definition, so that a mistake in one reads as in the
// other. A flag that does not parse is reported alone, all later problems at once.
func readOptions(args []string, lookup func(string) (string, bool), out io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("eidosd", pflag.ContinueOnError)
	f.SortFlags = false
	// pflag prints nothing itself: errors are printed by run, usage below to standard
	// output.
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	given := flags.Bind(f, "ServeParams")
	f.BoolVar(&o.version, "version", false, "print the version")
	usage := "Serve the catalogue over HTTP: recipes, bundles, checks of snapshots.\nEvery flag can be set by the environment too: --rate-limit by EIDOSD_RATE_LIMIT.\n\nUsage:\n  eidosd [flags]\n\nFlags:\n" + f.FlagUsages()
	flags.Strict(f)
	if err := f.Parse(args); err == pflag.ErrHelp {
		_, err := fmt.Fprint(out, usage)
		if err != nil {
			return nil, err
		}
		return nil, pflag.ErrHelp
	} else if err != nil {
		if e := flags.Explain(f, "see eidosd --help", err); e != nil {
			return nil, e
		}
		return nil, schema.Errorf(schema.Invalid, "%w", err)
	}
	if f.NArg() > 0 {
		return nil, schema.Errorf(schema.Invalid, "eidosd takes no argument %q", f.Arg(0)).WithHint("see eidosd --help")
	}
	if err := fromEnvironment(f, lookup); err != nil {
		return nil, err
	}
	if err := flags.Show(f, flags.Decode(given(), &o.ServeParams)); err != nil {
		return nil, err
	}
	o.service, _ = lookup("K_SERVICE")
	o.project, _ = lookup("GOOGLE_CLOUD_PROJECT")
	if o.service != "" && o.ClientHeader == "" {
		// Cloud Run's front end connects from this network, and adds the client's
		// address at the end: https://cloud.google.com/run/docs/container-contract
		o.ClientHeader, o.TrustedProxy = "X-Forwarded-For", append(o.TrustedProxy, "169.254.0.0/16")
	}
	port, _ := lookup("PORT")
	return o, o.complete(port)
}

// fromEnvironment sets the flags that are not given from EIDOSD_…. A list has commas; an
// empty variable counts as not set, since manifests write those for what is left out.
// Only variables that belong to a flag are looked up: Kubernetes itself sets others, such
// as EIDOSD_PORT, in Pods beside a Service that is called eidosd.
func fromEnvironment(f *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	f.VisitAll(func(x *pflag.Flag) {
		name := "EIDOSD_" + strings.ToUpper(strings.ReplaceAll(x.Name, "-", "_"))
		text, ok := lookup(name)
		if !ok || text == "" || x.Changed || x.Name == "version" {
			return
		}
		parts := []string{text}
		if _, list := x.Value.(pflag.SliceValue); list {
			parts = strings.Split(strings.TrimSuffix(text, ","), ",")
		}
		for _, p := range parts {
			if err := f.Set(x.Name, strings.TrimSpace(p)); err != nil {
				errs = append(errs, schema.Errorf(schema.Invalid, "%s: %q is not a value of --%s", name, p, x.Name).WithHint("see eidosd --help"))
			}
		}
	})
	return schema.Join(errs)
}

// complete fills in the defaults and reads what is text of another form. port is $PORT,
// which platforms set for whatever they run: --address wins. A pointer distinguishes 0,
// which means no limit (rateLimit), no memory (cacheSize) or no lines (logRate), from
// what was not set.
func (o *options) complete(port string) error {
	var errs []error
	duration := func(flag, text, otherwise string) time.Duration {
		if text == "" {
			text = otherwise
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			errs = append(errs, schema.Errorf(schema.Invalid, "--%s: %q is not a duration", flag, text))
		}
		return d
	}
	// 0 would leave slow clients without a limit.
	if o.timeout = duration("timeout", o.Timeout, defaultTimeout); o.timeout == 0 && len(errs) == 0 {
		errs = append(errs, schema.Errorf(schema.Invalid, "--timeout: %q is not more than 0", o.Timeout))
	}
	o.drain = duration("drain", o.Drain, defaultTimeout)
	o.drainDelay = duration("drain-delay", o.DrainDelay, "0s")
	for _, s := range o.TrustedProxy {
		p, err := parsePrefix(s)
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "--trusted-proxy: %q is neither an address nor a CIDR", s))
			continue
		}
		o.trusted = append(o.trusted, p)
	}
	switch {
	// Cases that are errors come first; the address does not matter after one of them.
	case o.Socket != "" && o.Address != "":
		errs = append(errs, schema.Errorf(schema.Invalid, "--address and --socket do not go together"))
	case (o.TLSCert == "") != (o.TLSKey == ""):
		errs = append(errs, schema.Errorf(schema.Invalid, "--tls-cert and --tls-key need each other"))
	case o.ClientCA != "" && o.TLSCert == "":
		errs = append(errs, schema.Errorf(schema.Invalid, "--client-ca needs --tls-cert and --tls-key"))
	case o.Address == "" && port != "":
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			errs = append(errs, schema.Errorf(schema.Invalid, "PORT: %q is not a port", port))
		}
		o.Address = ":" + port
	case o.Address == "":
		o.Address = defaultAddress
	}
	set := func(to **int64, n int64) {
		if *to == nil {
			*to = &n
		}
	}
	// Before the burst, whose default depends on the rate: two seconds of it, if it is
	// high.
	set(&o.RateLimit, defaultRateLimit)
	set(&o.CacheSize, defaultCache)
	set(&o.LogRate, defaultLogRate)
	for _, x := range []struct {
		to *int64
		n  int64
	}{{&o.RateBurst, max(defaultRateBurst, 2**o.RateLimit)}, {&o.MaxInFlight, defaultInFlight}, {&o.MaxBody, defaultBody}} {
		if *x.to == 0 {
			*x.to = x.n
		}
	}
	return schema.Join(errs)
}

// parsePrefix reads a network, or an address as a network of one. An IPv4 address that is
// written as IPv6 is reduced to IPv4, as the addresses of clients are before they are
// compared with it (cmd/internal/api/limit.go).
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}
