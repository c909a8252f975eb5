// A library with the entry points of NVML that the test needs, for two GPUs of
// an older driver: symbols that newer drivers have are missing on purpose.
// Signatures and return values are those of nvml.h.
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };

typedef struct gpu { int index; } *device;
static struct gpu gpus[2] = {{0}, {1}};

// FAKE_NVML chooses what the library does: "unloaded", "lost", or two good GPUs.
static int mode(const char *m) { const char *v = getenv("FAKE_NVML"); return v && !strcmp(v, m); }

int nvmlInit(void) { return mode("unloaded") ? DRIVER_NOT_LOADED : SUCCESS; }
int nvmlInit_v2(void) { return nvmlInit(); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int r) { return r == GPU_IS_LOST ? "GPU is lost" : r == DRIVER_NOT_LOADED ? "Driver Not Loaded" : "error"; }

static int put(char *dst, unsigned len, const char *s) { strncpy(dst, s, len); return SUCCESS; }

int nvmlSystemGetDriverVersion(char *v, unsigned len) { return put(v, len, "450.80.02"); }
int nvmlSystemGetCudaDriverVersion(int *v) { *v = 11000; return SUCCESS; }
int nvmlDeviceGetCount(unsigned *n) { *n = 2; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *n) { return nvmlDeviceGetCount(n); }
int nvmlDeviceGetHandleByIndex(unsigned i, device *d) {
  if (i >= 2) return INVALID_ARGUMENT;
  if (i == 1 && mode("lost")) return GPU_IS_LOST;
  *d = &gpus[i];
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d) { return nvmlDeviceGetHandleByIndex(i, d); }
int nvmlDeviceGetName(device d, char *v, unsigned len) { return put(v, len, d->index ? "A100-SXM4-80GB" : "A100-SXM4-40GB"); }
int nvmlDeviceGetUUID(device d, char *v, unsigned len) { return put(v, len, d->index ? "GPU-1" : "GPU-0"); }
int nvmlDeviceGetSerial(device d, char *v, unsigned len) { return put(v, len, d->index ? "S1" : "S0"); }
int nvmlDeviceGetArchitecture(device d, unsigned *a) { *a = 7; return SUCCESS; }
int nvmlDeviceGetPersistenceMode(device d, int *m) { *m = d->index == 0; return SUCCESS; }
int nvmlDeviceGetMemoryInfo(device d, unsigned long long *total) { total[0] = 40ULL << 30; return SUCCESS; }
int nvmlDeviceGetEccMode(device d, int *current, int *pending) { return NOT_SUPPORTED; }
