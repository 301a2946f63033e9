/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers of guests on vsock are handed out by the kernel: who asks for one that is in use is refused.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/vsock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/error.h"

#define DEVICE "/dev/vhost-vsock"
/* Those below are for the hypervisor and the host. */
#define FIRST_CID 3
/* More guests than any host has: where the search ends. */
#define MAX_GUESTS 65536

static int reserve(int fd, guint32 cid)
{
    guint64 value = cid;

    return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &value) == 0 ? 0 : -errno;
}

static int reserve_any(int fd, DomainVsock *vsock, const char *domain)
{
    for (guint32 cid = FIRST_CID; cid < FIRST_CID + MAX_GUESTS; cid++) {
        int rc = reserve(fd, cid);

        if (rc == -EADDRINUSE)
            continue;
        if (rc < 0)
            return FAIL_ERRNO(-rc, "cannot get a vsock number for domain '%s'", domain);
        vsock->cid.address = cid;
        return 0;
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "no vsock number is free for domain '%s'", domain);
}

int vsock_open(DomainVsock *vsock, const char *domain)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC), rc;

    if (fd < 0)
        return FAIL_ERRNO(errno, "domain '%s' has <vsock>, but " DEVICE " can't be opened ('modprobe vhost_vsock' makes it)", domain);
    if (vsock->cid.automatic == TRISTATE_YES || vsock->cid.address == 0) {
        rc = reserve_any(fd, vsock, domain);
    } else {
        rc = reserve(fd, vsock->cid.address);
        if (rc < 0)
            rc = FAIL_ERRNO(-rc, "vsock number %u can't be had for domain '%s'", vsock->cid.address, domain);
    }
    if (rc == 0)
        return fd;
    close(fd);
    return -1;
}
