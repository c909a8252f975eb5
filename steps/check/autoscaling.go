package check

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
	"github.com/NVIDIA/eidos/steps/retry"
)

const (
	metricsGroup = "external.metrics.k8s.io"
	scaledTo     = 2
)

// apiServices lists what serves the groups of the cluster's API.
var apiServices = expect.Source{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices", Kind: "APIService"}

func metricSource(metric, namespace string) expect.Source {
	return expect.Source{Group: metricsGroup, Version: "v1beta1", Resource: metric, Kind: "ExternalMetricValue", Namespace: namespace}
}

func scaleSources(namespace string) (deployments, scalers expect.Source) {
	return expect.Source{Group: "apps", Version: "v1", Resource: "deployments", Kind: "Deployment", Namespace: namespace},
		expect.Source{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers", Kind: "HorizontalPodAutoscaler", Namespace: namespace}
}

func autoscalingRights(_ *schema.RecipeResult, c recipes.Check, namespace string) []expect.Right {
	out := []expect.Right{apiServices.Right()}
	for _, m := range c.Metrics {
		out = append(out, metricSource(m, namespace).Right())
	}
	deployments, scalers := scaleSources(namespace)
	for _, s := range []expect.Source{deployments, scalers} {
		out = append(out, managed(s.Group, s.Resource, namespace, "list")...)
	}
	return out
}

// autoscaling passes if a HorizontalPodAutoscaler scales a Deployment up by a
// metric of GPUs, and down again when the metric is below its target. The metric
// stays as it is, the target moves. The Deployment is owned by a Job, which has an
// end if nobody deletes it.
func autoscaling(ctx context.Context, x *runner, i item) expect.Verdict {
	if v := x.metricsServed(ctx); v.Status != constraint.Passed {
		return v
	}
	var metric string
	var low, high kube.Object
	return x.deployed(ctx, i, *i.check.Run, "", func(d *job.Driver, objects []kube.Object) ([]kube.Object, expect.Verdict) {
		var v expect.Verdict
		if metric, v = x.metric(ctx, i.check.Metrics, d.Namespace); v.Status != constraint.Passed {
			return nil, v
		}
		last := objects[len(objects)-1]
		// Any value is above the first target and below the second.
		low, high = scaler(last, metric, "1m"), scaler(last, metric, "1P")
		return append([]kube.Object{deployment(last), low}, objects...), v
	}, func(d *job.Driver) expect.Verdict {
		if v := x.scaled(ctx, d, metric, scaledTo); v.Status != constraint.Passed {
			return v
		}
		high["metadata"].(map[string]any)["ownerReferences"] = low["metadata"].(map[string]any)["ownerReferences"]
		if err := d.Create(ctx, high); err != nil {
			return unknown(err.Error())
		}
		return x.scaled(ctx, d, metric, 1)
	})
}

// metricsServed passes if the cluster has an API of external metrics that answers.
func (x *runner) metricsServed(ctx context.Context) expect.Verdict {
	found, available, message := false, false, ""
	err := x.cluster.Read(ctx, apiServices, func(o expect.Object) {
		if spec, _ := o["spec"].(map[string]any); spec["group"] != metricsGroup {
			return
		}
		found = true
		ok, why := condition(o, "Available")
		available, message = available || ok, why
	})
	switch why := unread(apiServices, err); {
	case why != "":
		return unknown(why)
	case !found:
		return unknown("the cluster has no API " + metricsGroup)
	case !available:
		return failed("the API " + metricsGroup + " is not available" + behind(message))
	}
	return failed()
}

// metric is the first of names that has a value other than 0.
func (x *runner) metric(ctx context.Context, names []string, namespace string) (string, expect.Verdict) {
	var without []string
	for _, name := range names {
		s, values := metricSource(name, namespace), 0
		err := x.cluster.Read(ctx, s, func(o expect.Object) {
			if v := fmt.Sprint(o["value"]); strings.Trim(v, "0.munkKMGTPEi") != "" {
				values++
			}
		})
		if schema.CodeOf(err) == schema.NotFound {
			err = nil
		}
		if why := unread(s, err); why != "" {
			return "", unknown(why)
		}
		if values > 0 {
			return name, failed()
		}
		without = append(without, name)
	}
	return "", failed("no external metric of GPUs has a value: " + strings.Join(without, ", "))
}

// scaled waits until the Deployment has so many replicas. That it never had is failed, with
// what the autoscaler reports; that the API server never answered is unknown.
func (x *runner) scaled(ctx context.Context, d *job.Driver, metric string, want int) expect.Verdict {
	deployments, scalers := scaleSources(d.Namespace)
	why, looked := "no controller looked at the HorizontalPodAutoscaler", false
	// A request that would end after the check's time is refused before that is up.
	late := func(err error) bool { return ctx.Err() != nil || schema.CodeOf(err) == schema.Timeout }
	for {
		replicas := "none"
		err := x.cluster.Read(ctx, deployments, func(o expect.Object) {
			if kube.Object(o).Name() == d.Name {
				spec, _ := o["spec"].(map[string]any)
				replicas = fmt.Sprint(spec["replicas"])
			}
		})
		if problem := unread(deployments, err); problem != "" && !late(err) {
			return unknown(problem)
		}
		if replicas == fmt.Sprint(want) {
			return failed()
		}
		err = x.cluster.Read(ctx, scalers, func(o expect.Object) {
			if kube.Object(o).Name() != d.Name {
				return
			}
			for _, c := range []string{"AbleToScale", "ScalingActive"} {
				if ok, message := condition(o, c); ok {
					why = ""
				} else if message != "" {
					why = message
				}
			}
		})
		if problem := unread(scalers, err); problem != "" && !late(err) {
			return unknown(problem)
		}
		looked = looked || err == nil
		if !retry.Sleep(ctx, poll) && context.Cause(ctx) != errLate {
			return unknown("it was stopped")
		}
		if ctx.Err() != nil && !looked {
			return unknown("the API server did not answer in time")
		}
		if ctx.Err() != nil {
			return failed(fmt.Sprintf("%s scaled no Deployment from %d to %d replicas in time%s", metric, scaledTo+1-want, want, behind(why)))
		}
	}
}

// condition reports whether a condition of an object is true, and its message.
func condition(o expect.Object, kind string) (bool, string) {
	status, _ := o["status"].(map[string]any)
	list, _ := status["conditions"].([]any)
	for _, e := range list {
		if e, _ := e.(map[string]any); e["type"] == kind {
			message, _ := e["message"].(string)
			return e["status"] == "True", message
		}
	}
	return false, ""
}

// deployment is one replica of the Pods of a Job: a copy, for the Job is created too and
// owns it.
func deployment(j kube.Object) kube.Object {
	text, err := json.Marshal(map[string]any(j))
	if err != nil {
		panic("BUG: a manifest is not JSON: " + err.Error())
	}
	o := kube.Object{}
	if err := json.Unmarshal(text, &o); err != nil {
		panic("BUG: a manifest is not JSON: " + err.Error())
	}
	template := o["spec"].(map[string]any)["template"].(map[string]any)
	template["spec"].(map[string]any)["restartPolicy"] = "Always"
	labels := template["metadata"].(map[string]any)["labels"]
	o["apiVersion"], o["kind"] = "apps/v1", "Deployment"
	// replicas is the scaler's: 1 if left out.
	o["spec"] = map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": template}
	return o
}

// scaler scales the Deployment of a Job's name by an external metric.
func scaler(j kube.Object, metric, target string) kube.Object {
	return kube.Object{
		"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
		"metadata": map[string]any{"name": j.Name(), "namespace": j.Namespace(), "labels": j["metadata"].(map[string]any)["labels"]},
		"spec": map[string]any{
			"minReplicas": 1, "maxReplicas": scaledTo,
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": j.Name()},
			"behavior":       map[string]any{"scaleDown": map[string]any{"stabilizationWindowSeconds": 0}},
			"metrics": []any{map[string]any{"type": "External", "external": map[string]any{
				"metric": map[string]any{"name": metric}, "target": map[string]any{"type": "AverageValue", "averageValue": target},
			}}},
		},
	}
}
