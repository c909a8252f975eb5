package kube

import (
	"net"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// httpClient makes a client with a connection of its own and the credentials
// of rc, and what closes the connection. (rest.HTTPClientFor shares connections between clients in a cache of
// the process: closing one client would cut off the others.)
func httpClient(rc *rest.Config) (*http.Client, func(), error) {
	conf, err := rc.TransportConfig()
	if err != nil {
		return nil, nil, err
	}
	tls, err := transport.TLSConfigFor(conf)
	if err != nil {
		return nil, nil, err
	}
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     tls,
		TLSHandshakeTimeout: 10 * time.Second,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     90 * time.Second,
		// Without HTTP/2, parts of a snapshot share this many connections.
		MaxConnsPerHost: 8,
		// A connection on which the server went silent is found out.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
	if conf.Proxy != nil {
		t.Proxy = conf.Proxy
	}
	if conf.DialHolder != nil {
		t.DialContext = conf.DialHolder.Dial
	}
	rt, err := transport.HTTPWrappersForConfig(conf, t)
	if err != nil {
		return nil, nil, err
	}
	return &http.Client{
		Transport: rt,
		// A redirect would send credentials somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, t.CloseIdleConnections, nil
}
