package kubetest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// grantLimit is how long RBAC may take to see a new binding.
const grantLimit = 30 * time.Second

// Rule lets verbs be used on the resources of one API group ("" for core).
// resource may name a subresource, pods/log.
func Rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// As returns a kubeconfig of a new ServiceAccount that holds exactly these
// rules, in the whole cluster.
func (c *Cluster) As(t testing.TB, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	ctx := context.Background()
	sa, err := c.Client.CoreV1().ServiceAccounts(c.Namespace).Create(ctx,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "user-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := c.Namespace + "-" + sa.Name
	meta := metav1.ObjectMeta{Name: name}
	if _, err := c.Client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: sa.Name, Namespace: c.Namespace}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	path := c.Account(t, sa.Name)
	c.granted(t, path, rules)
	return path
}

// Account returns a kubeconfig with a token of a ServiceAccount of the test's
// namespace, as a Pod that runs under it would have.
func (c *Cluster) Account(t testing.TB, name string) string {
	t.Helper()
	seconds := int64(3600)
	token, err := c.Client.CoreV1().ServiceAccounts(c.Namespace).CreateToken(context.Background(), name,
		&authnv1.TokenRequest{Spec: authnv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(c.Config)
	config.BearerToken = token.Status.Token
	return c.write(t, config)
}

// granted waits until the caches of the server's authorizer hold the rules.
func (c *Cluster) granted(t testing.TB, kubeconfig string, rules []rbacv1.PolicyRule) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(grantLimit); ; time.Sleep(20 * time.Millisecond) {
		if missing := denied(t, client, rules); missing == "" {
			return
		} else if time.Now().After(end) {
			t.Fatalf("RBAC did not grant %s within %s", missing, grantLimit)
		}
	}
}

// denied names one thing that the rules allow and the server refuses, "" for
// none. It is never a thing of one object: rules with resource names are taken
// to be granted with the others.
func denied(t testing.TB, client *kubernetes.Clientset, rules []rbacv1.PolicyRule) string {
	t.Helper()
	for _, r := range rules {
		if len(r.ResourceNames) > 0 || len(r.NonResourceURLs) > 0 {
			continue
		}
		for _, resource := range r.Resources {
			name, sub, _ := strings.Cut(resource, "/")
			for _, verb := range r.Verbs {
				review := &authzv1.SelfSubjectAccessReview{Spec: authzv1.SelfSubjectAccessReviewSpec{
					ResourceAttributes: &authzv1.ResourceAttributes{Group: r.APIGroups[0], Resource: name, Subresource: sub, Verb: verb},
				}}
				got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(context.Background(), review, metav1.CreateOptions{})
				if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
					return "a review of its own rules"
				}
				if err != nil {
					t.Fatal(err)
				}
				if !got.Status.Allowed {
					return verb + " " + resource
				}
			}
		}
	}
	return ""
}

// write writes a kubeconfig of config with the test's namespace.
func (c *Cluster) write(t testing.TB, config *rest.Config) string {
	t.Helper()
	out := clientcmdapi.NewConfig()
	out.Clusters["test"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	out.AuthInfos["test"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
	}
	out.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test", Namespace: c.Namespace}
	out.CurrentContext = "test"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*out, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// WaitDenied waits until the caches of the authorizer hold that a user must not
// do something to one object of the test's namespace.
func (c *Cluster) WaitDenied(t testing.TB, kubeconfig, group, resource, verb, name string) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	review := &authzv1.SelfSubjectAccessReview{Spec: authzv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authzv1.ResourceAttributes{Namespace: c.Namespace, Group: group, Resource: resource, Verb: verb, Name: name},
	}}
	for end := time.Now().Add(grantLimit); ; time.Sleep(20 * time.Millisecond) {
		got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(context.Background(), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !got.Status.Allowed {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s %s is still allowed after %s", verb, resource, grantLimit)
		}
	}
}

// WaitAllowed waits until the caches of the authorizer hold that a user may do
// something in a namespace, "" for the whole cluster.
func (c *Cluster) WaitAllowed(t testing.TB, kubeconfig, group, resource, verb, namespace string) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	name, sub, _ := strings.Cut(resource, "/")
	review := &authzv1.SelfSubjectAccessReview{Spec: authzv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authzv1.ResourceAttributes{Namespace: namespace, Group: group, Resource: name, Subresource: sub, Verb: verb},
	}}
	for end := time.Now().Add(grantLimit); ; time.Sleep(20 * time.Millisecond) {
		got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(context.Background(), review, metav1.CreateOptions{})
		if err == nil && got.Status.Allowed {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("RBAC did not grant %s %s within %s: %v", verb, resource, grantLimit, err)
		}
	}
}
