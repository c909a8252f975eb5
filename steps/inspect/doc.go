// Package inspect reads what a Helm chart accepts and renders, and writes it
// down as facts: the step `inspect`.
//
// Values, types, template reads and definitions in the crds folder come from the
// chart's files; nothing is run for them. Workloads, images, custom resources,
// webhooks and guards come from renderings by the stock helm program, each with
// one value changed, where that program is at hand. Reading a chart is a walk
// over files, so Helm's own loader is not linked: it would bring its
// requirements into the module of every program.
package inspect
