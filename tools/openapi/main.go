// Command openapi asks a server what the OpenAPI document says it answers, with
// the client that oapi-codegen makes of that document, and fails if an answer is
// not what its type says: openapi URL SNAPSHOT.json. See scripts/api-client,
// which makes the client.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: openapi URL SNAPSHOT.json")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func ptr[T any](v T) *T { return &v }

// contract collects what is not as it was agreed.
type contract struct{ errs []error }

func (c *contract) check(ok bool, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

func run(ctx context.Context, url, snapshotFile string) error {
	client, err := NewClientWithResponses(url)
	if err != nil {
		return err
	}
	var snapshot Snapshot
	data, err := os.ReadFile(snapshotFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &snapshot); err != nil {
		return err
	}
	c := &contract{}
	recipe, err := client.GetRecipeWithResponse(ctx, &GetRecipeParams{Service: ptr("eks"), Accelerator: ptr("h100"), Os: ptr("ubuntu"), Intent: ptr("training")})
	if err != nil {
		return err
	}
	if recipe.JSON200 == nil {
		return fmt.Errorf("recipe: %s: %s", recipe.Status(), recipe.Body)
	}
	c.check(*recipe.JSON200.Criteria.Service == "eks" && len(*recipe.JSON200.ComponentRefs) > 5, "recipe: %s", recipe.Body)
	c.check(recipe.HTTPResponse.Header.Get("ETag") != "", "recipe: no ETag")
	for _, ask := range []func(context.Context, *ClientWithResponses, *contract, RecipeResult, Snapshot) error{catalogue, cluster, bundles, refusals} {
		if err := ask(ctx, client, c, *recipe.JSON200, snapshot); err != nil {
			return err
		}
	}
	return errors.Join(c.errs...)
}

func catalogue(ctx context.Context, client *ClientWithResponses, c *contract, _ RecipeResult, _ Snapshot) error {
	list, err := client.GetCriteriaWithResponse(ctx, &GetCriteriaParams{})
	if err != nil {
		return err
	}
	c.check(list.JSON200 != nil && len(list.JSON200.Fields) == 5 && len(list.JSON200.Recipes) > 10, "criteria: %s: %.200s", list.Status(), list.Body)
	older := list.JSON200.Releases[len(list.JSON200.Releases)-1]
	other, err := client.GetCriteriaWithResponse(ctx, &GetCriteriaParams{Catalogue: &older})
	if err != nil {
		return err
	}
	c.check(other.JSON200 != nil && other.JSON200.Release == older && older < list.JSON200.Release, "criteria of %s: %s: %.200s", older, other.Status(), other.Body)
	value, err := client.GetQueryWithResponse(ctx, &GetQueryParams{Service: ptr("eks"), Selector: "components.gpu-operator.version"})
	if err != nil {
		return err
	}
	text, _ := (*value.JSON200).(string)
	c.check(strings.HasPrefix(text, "v"), "query: %s: %s", value.Status(), value.Body)
	set, err := client.GetExplainWithResponse(ctx, &GetExplainParams{Service: ptr("eks"), Path: ptr([]string{"components.gpu-operator.version", "deploymentOrder"})})
	if err != nil {
		return err
	}
	c.check(set.JSON200 != nil && len(*set.JSON200) > 2 && (*set.JSON200)[0].From != "", "explain: %s: %.200s", set.Status(), set.Body)
	changes, err := client.GetDiffWithResponse(ctx, &GetDiffParams{AService: ptr("eks"), BService: ptr("gke"), BOs: ptr("cos")})
	if err != nil {
		return err
	}
	c.check(changes.JSON200 != nil && len(*changes.JSON200) > 2, "diff: %s: %.200s", changes.Status(), changes.Body)
	picture, err := client.GetGraphWithResponse(ctx, &GetGraphParams{Service: ptr("eks")})
	if err != nil {
		return err
	}
	c.check(picture.StatusCode() == http.StatusOK && bytes.HasPrefix(picture.Body, []byte("<svg ")), "graph: %s: %.200s", picture.Status(), picture.Body)
	ready, err := client.GetReadyWithResponse(ctx)
	if err != nil {
		return err
	}
	c.check(ready.JSON200 != nil && (*ready.JSON200)["ready"] == true, "ready: %s: %s", ready.Status(), ready.Body)
	return nil
}

func cluster(ctx context.Context, client *ClientWithResponses, c *contract, recipe RecipeResult, snapshot Snapshot) error {
	var body SnapshotBody
	if err := body.FromSnapshot(snapshot); err != nil {
		return err
	}
	seen, err := client.PostDetectWithResponse(ctx, &PostDetectParams{}, body)
	if err != nil {
		return err
	}
	c.check(seen.JSON200 != nil && len(*seen.JSON200.Detected) >= 3, "detect: %s: %s", seen.Status(), seen.Body)
	var from RecipeCriteriaOrSnapshotBody
	if err := from.FromSnapshot(snapshot); err != nil {
		return err
	}
	found, err := client.PostRecipeWithResponse(ctx, &PostRecipeParams{Intent: ptr("training")}, from)
	if err != nil {
		return err
	}
	c.check(found.JSON200 != nil && *found.JSON200.Criteria.Accelerator == "h100", "recipe of a snapshot: %s: %.200s", found.Status(), found.Body)
	report, err := client.PostValidateWithResponse(ctx, &PostValidateParams{}, ValidateRequest{Recipe: &recipe, Snapshot: snapshot})
	if err != nil {
		return err
	}
	c.check(report.JSON200 != nil && report.JSON200.Summary.Total > 2, "validate: %s: %.200s", report.Status(), report.Body)
	return nil
}

func bundles(ctx context.Context, client *ClientWithResponses, c *contract, recipe RecipeResult, _ Snapshot) error {
	var body RecipeResultOrRecipeCriteriaBody
	if err := body.FromRecipeResult(recipe); err != nil {
		return err
	}
	made, err := client.PostBundleWithResponse(ctx, &PostBundleParams{Set: ptr([]string{"gpu-operator:driver.version=580.82.07"})}, body)
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(made.Body), int64(len(made.Body)))
	if err != nil {
		return fmt.Errorf("bundle: %s: %.300s: %w", made.Status(), made.Body, err)
	}
	_, err = archive.Open("checksums.txt")
	c.check(err == nil && made.HTTPResponse.Header.Get("X-Bundle-Files") == fmt.Sprint(len(archive.File)), "bundle: %v, %v", err, made.HTTPResponse.Header)
	return nil
}

// refusals have the error of the document, whatever is refused.
func refusals(ctx context.Context, client *ClientWithResponses, c *contract, _ RecipeResult, _ Snapshot) error {
	word, err := client.GetRecipeWithResponse(ctx, &GetRecipeParams{Service: ptr("nothing")})
	if err != nil {
		return err
	}
	c.check(word.JSON400 != nil && word.JSON400.Code == "invalid" && word.JSON400.Details.Problems[0].Path != nil && *word.JSON400.Details.Problems[0].Path == "service",
		"an unknown word: %s: %s", word.Status(), word.Body)
	key, err := client.GetQueryWithResponse(ctx, &GetQueryParams{Service: ptr("eks"), Selector: "nothing"})
	if err != nil {
		return err
	}
	c.check(key.JSON404 != nil && key.JSON404.Code == "not-found" && !key.JSON404.Retryable, "an unknown key: %s: %s", key.Status(), key.Body)
	form, err := client.PostDetectWithBodyWithResponse(ctx, &PostDetectParams{}, "text/html", strings.NewReader("<p>"))
	if err != nil {
		return err
	}
	c.check(form.JSON415 != nil && form.JSON415.Code == "unsupported-type", "another type: %s: %s", form.Status(), form.Body)
	return nil
}
