// Package api answers the requests that eidosd and the page of `eidos ui` serve.
//
// routes is the one table: the mux, the check of the parameters, the choice of
// the format and the OpenAPI document are made of it. A route's function runs
// the step function that the command of the same name runs, in memory, and knows
// nothing of HTTP:
//
//	request ─ route ─ client's limit ─ parameters, body ─ canonical request ─┐
//	                                                                         │
//	response ─ format, gzip, ETag ── answer ←─ cache of the catalogue ←─ step function
//
// An answer depends on the canonical request and the catalogue only, so that it
// is kept until the catalogue is replaced, and is the same on every replica.
package api
