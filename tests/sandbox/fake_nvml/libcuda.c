/* A CUDA driver that is not there: 64 MiB of memory, taken from calloc. FAKE_CUDA says what is wrong:
   "deaf" (memory keeps what it held), "lost" (memset fails), "none" (no device), "busy" (half of the memory is held). */
#include <stdlib.h>
#include <string.h>

static size_t total, taken;

static int is(const char *what) {
    const char *wrong = getenv("FAKE_CUDA");
    return wrong && !strcmp(wrong, what);
}

int cuInit(unsigned int flags) {
    total = (size_t)64 << 20;
    taken = is("busy") ? total / 2 : total / 64;
    return is("none") ? 100 : 0;
}
int cuDeviceGet(int *device, int ordinal) { *device = 0; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &total; return 0; }
int cuCtxSetCurrent(void *context) { return context == &total ? 0 : 201; }
int cuCtxSynchronize(void) { return 0; }
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
    *free_bytes = total - taken;
    *total_bytes = total;
    return 0;
}
int cuMemAlloc_v2(unsigned long long *address, size_t size) {
    /* In pieces, as on a device: never more than a quarter at once. */
    if (size > total - taken || size > total / 4) return 2;
    taken += size;
    *address = (unsigned long long)calloc(1, size);
    return *address ? 0 : 2;
}
int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t size) {
    if (is("lost")) return 700;
    if (!is("deaf")) memset((void *)address, value, size);
    return 0;
}
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) {
    memcpy(to, (void *)from, size);
    return 0;
}
