// Command dra-driver is a driver of dynamic resource allocation for a node without
// GPUs: it publishes one device of gpu.nvidia.com to the kubelet, and gives a
// container that claims it the variable EIDOS_GPU and /dev/nvidia0, which is
// /dev/null. It is built on the library that real drivers use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
)

const (
	driverName = "gpu.nvidia.com"
	device     = "gpu-0"
)

// driver prepares the device for claims.
type driver struct {
	cdi    string // folder of CDI files that containerd reads
	refuse bool   // publish devices and prepare none
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dra-driver:", err)
		os.Exit(1)
	}
}

func run() error {
	var d driver
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig")
	node := flag.String("node", "", "name of the node")
	kubelet := flag.String("kubelet", "/var/lib/kubelet", "root folder of the kubelet")
	flag.StringVar(&d.cdi, "cdi", "/var/run/cdi", "folder of CDI files")
	flag.BoolVar(&d.refuse, "refuse", false, "lie: publish a device and prepare none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data := filepath.Join(*kubelet, "plugins", driverName)
	for _, dir := range []string{data, d.cdi} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	helper, err := kubeletplugin.Start(ctx, d,
		kubeletplugin.DriverName(driverName), kubeletplugin.NodeName(*node), kubeletplugin.KubeClient(client),
		kubeletplugin.RegistrarDirectoryPath(filepath.Join(*kubelet, "plugins_registry")), kubeletplugin.PluginDataDirectoryPath(data))
	if err != nil {
		return err
	}
	defer helper.Stop()
	product := "NVIDIA H100 80GB HBM3"
	err = helper.PublishResources(ctx, resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{
		*node: {Slices: []resourceslice.Slice{{Devices: []resourceapi.Device{{
			Name: device, Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{"productName": {StringValue: &product}},
		}}}}},
	}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

func (d driver) PrepareResourceClaims(_ context.Context, claims []*resourceapi.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	out := map[types.UID]kubeletplugin.PrepareResult{}
	for _, c := range claims {
		out[c.UID] = d.prepare(c)
	}
	return out, nil
}

func (d driver) prepare(c *resourceapi.ResourceClaim) kubeletplugin.PrepareResult {
	if d.refuse {
		return kubeletplugin.PrepareResult{Err: errors.New("the device does not answer")}
	}
	if c.Status.Allocation == nil {
		return kubeletplugin.PrepareResult{Err: errors.New("the claim is not allocated")}
	}
	name := "claim-" + string(c.UID)
	spec, err := json.Marshal(map[string]any{"cdiVersion": "0.6.0", "kind": driverName + "/claim", "devices": []any{map[string]any{
		"name": name, "containerEdits": map[string]any{
			"env":         []any{"EIDOS_GPU=" + device},
			"deviceNodes": []any{map[string]any{"path": "/dev/nvidia0", "hostPath": "/dev/null"}},
		},
	}}})
	if err == nil {
		err = os.WriteFile(d.file(string(c.UID)), spec, 0o644)
	}
	if err != nil {
		return kubeletplugin.PrepareResult{Err: err}
	}
	var devices []kubeletplugin.Device
	for _, r := range c.Status.Allocation.Devices.Results {
		if r.Driver == driverName {
			devices = append(devices, kubeletplugin.Device{
				Requests: []string{r.Request}, PoolName: r.Pool, DeviceName: r.Device, CDIDeviceIDs: []string{driverName + "/claim=" + name},
			})
		}
	}
	return kubeletplugin.PrepareResult{Devices: devices}
}

func (d driver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	out := map[types.UID]error{}
	for _, c := range claims {
		err := os.Remove(d.file(string(c.UID)))
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		out[c.UID] = err
	}
	return out, nil
}

func (d driver) file(uid string) string { return filepath.Join(d.cdi, "claim-"+uid+".json") }

// HandleError ends the driver where going on makes no sense.
func (driver) HandleError(_ context.Context, err error, what string) {
	fmt.Fprintln(os.Stderr, "dra-driver:", what+":", err)
	if !errors.Is(err, kubeletplugin.ErrRecoverable) {
		os.Exit(1)
	}
}

// WatchHealthStatus reports nothing: /dev/null does not fail.
func (driver) WatchHealthStatus(context.Context, chan<- kubeletplugin.DeviceHealthReport) error {
	return kubeletplugin.ErrHealthNotSupported
}
