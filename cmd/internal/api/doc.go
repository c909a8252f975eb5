// Package api answers the requests that eidosd and the page of `eidos ui` serve.
//
// Routes is the one table: the mux, the check of the parameters, the choice of
// the format and the OpenAPI document are derived from it. A route's function runs
// the step function that the command of the same name runs, in memory, and knows
// nothing of HTTP:
//
//	request ─ route ─ client's limit ─ parameters, body ─ canonical request ─┐
//	                                                                         │
//	response ─ format, gzip, ETag ── answer ←─ cache of the catalogue ←─ step function
//
// An answer depends on the canonical request and the catalogue only, so that it
// is kept until the catalogue is replaced, and is the same on every replica. A request
// reads and writes no disk, reaches no other system, and cannot name a file of this
// machine.
//
// A request is refused before it costs anything, in this order: the client's rate, the
// number of requests in flight, the format, the parameters, the size and then the type of
// the body. What is left runs with a deadline, for a bounded number of requests at once
// (request.compute). Every request of a client ends in one Record, panics included.
package api
