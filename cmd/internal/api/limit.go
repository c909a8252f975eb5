package api

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/NVIDIA/eidos/schema"
)

// Limit is how much one client may ask for: a bucket of Burst requests, filled
// with Rate a second. A Rate of 0 sets no limit.
type Limit struct {
	Rate  float64
	Burst int
	// Header names the client where the connection comes from one of Trusted; ""
	// goes by the connection.
	Header  string
	Trusted []netip.Prefix
}

// maxClients is how many buckets are kept: the least recent client starts with a
// full one again.
const maxClients = 1 << 14

// clients has the bucket of every client, by address. It is safe for concurrent use: the
// cache and each bucket have locks of their own.
type clients struct {
	Limit
	buckets *lru.Cache[netip.Addr, *rate.Limiter]
	limit   []string // X-RateLimit-Limit
}

// newClients makes buckets for a limit; without a Burst it is what Rate allows in two
// seconds.
func newClients(l Limit) *clients {
	if l.Burst <= 0 {
		l.Burst = max(1, int(2*l.Rate))
	}
	b, err := lru.New[netip.Addr, *rate.Limiter](maxClients)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return &clients{l, b, []string{strconv.Itoa(l.Burst)}}
}

// of is the client's address: of the connection or, if that is a trusted proxy's, the last
// in the header that is not one. Each proxy appends the address that it has seen, so that
// the header is read from its end: whatever a client wrote into it comes first. A
// connection without an address, over a Unix socket, is trusted.
func (c *clients) of(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	addr := at.Addr().Unmap()
	if c.Header == "" || err == nil && !c.trusts(addr) {
		return addr
	}
	named := strings.Split(strings.Join(r.Header.Values(c.Header), ","), ",")
	for i := len(named) - 1; i >= 0; i-- {
		a, err := parseClient(strings.TrimSpace(named[i]))
		if err != nil {
			return addr // what is left of it was written by the client
		}
		addr = a
		if !c.trusts(a) {
			break
		}
	}
	return addr
}

// parseClient reads an address, which some proxies write with a port or in brackets. An IPv4
// address within IPv6 is the IPv4 address, so that one client has one bucket.
func parseClient(s string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap(), nil
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err
}

// trusts reports whether a is the address of a trusted proxy.
func (c *clients) trusts(a netip.Addr) bool {
	for _, p := range c.Trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// take takes one request out of the client's bucket, and writes how full that is
// to h. It returns nil, or the refusal. Of two first requests at the same time the bucket
// of one is used for both, or a client could begin with several.
func (c *clients) take(h http.Header, client netip.Addr, now time.Time) *failure {
	if c.Rate <= 0 {
		return nil
	}
	if client.Is6() { // one customer has a network of 64 bits
		p, err := client.Prefix(64)
		if err == nil {
			client = p.Addr()
		}
	}
	b, ok := c.buckets.Get(client)
	if !ok {
		b = rate.NewLimiter(rate.Limit(c.Rate), c.Burst)
		if first, known, _ := c.buckets.PeekOrAdd(client, b); known {
			b = first
		}
	}
	allowed := b.AllowN(now, 1)
	left := b.TokensAt(now)
	h["X-Ratelimit-Limit"] = c.limit
	h["X-Ratelimit-Remaining"] = number(int(max(0, left)))
	h["X-Ratelimit-Reset"] = number(int(math.Ceil((float64(c.Burst) - left) / c.Rate)))
	if allowed {
		return nil
	}
	return &failure{
		status: http.StatusTooManyRequests, code: "rate-limited", retryable: true,
		retryAfter: max(1, int(math.Ceil((1-left)/c.Rate))),
		err: schema.Errorf(schema.Unavailable, "too many requests: %s a second, %d at once, for one client",
			strconv.FormatFloat(c.Rate, 'f', -1, 64), c.Burst),
	}
}

func number(n int) []string { return []string{strconv.Itoa(n)} }
