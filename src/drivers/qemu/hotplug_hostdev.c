/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices of the host that a running guest gets and gives back.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "domain/host.h"
#include "drivers/qemu/hostdevs.h"
#include "drivers/qemu/hotplug_priv.h"

/* A definition with but one device. */
static DomainDef only(Guest *guest, DomainHostdev **place)
{
    DomainDef def = { .name = guest->name };

    def.devices.hostdevs = place;
    def.devices.n_hostdevs = 1;
    return def;
}

static int claim(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    int rc;

    g_mutex_lock(&driver->lock);
    rc = hostdevs_claim(driver->hostdevs, def, guest->name);
    g_mutex_unlock(&driver->lock);
    return rc;
}

static void release(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);

    g_mutex_lock(&driver->lock);
    hostdevs_release_of(driver->hostdevs, def, guest->name);
    g_mutex_unlock(&driver->lock);
}

int qemu_guest_take_hostdev(Guest *guest, DomainHostdev *device)
{
    DomainHostdev *place = device;
    DomainDef def = only(guest, &place);
    StartupPolicy policy = device->source.startup_policy;
    int rc;

    /* One that may be missing at the start is wanted now. */
    device->source.startup_policy = STARTUP_POLICY_UNSET;
    rc = hostdevs_find_usb(&def, HOST_SYSFS);
    device->source.startup_policy = policy;
    if (rc < 0 || claim(guest, &def) < 0)
        return -1;
    if (hostdevs_detach_pci(&def, HOST_SYSFS) == 0) {
        qemu_guest(guest)->has_hostdevs = TRUE;
        return 0;
    }
    release(guest, &def);
    return -1;
}

void qemu_guest_give_hostdev(Guest *guest, DomainHostdev *device)
{
    DomainDef def = only(guest, &device);

    hostdevs_reattach_pci(&def, HOST_SYSFS);
    release(guest, &def);
}

typedef struct Return {
    Guest *guest;            /* reference */
    DomainHostdev *device;
} Return;

static void give_back(void *opaque)
{
    Return *r = opaque;

    qemu_guest_give_hostdev(r->guest, r->device);
    xml_struct_free(&DOMAIN_HOSTDEV_DESC, r->device);
    guest_unref(r->guest);
    g_free(r);
}

void qemu_guest_give_hostdev_later(Guest *guest, const DomainHostdev *device)
{
    Return *r = g_new0(Return, 1);

    *r = (Return){ guest_ref(guest), xml_struct_copy(&DOMAIN_HOSTDEV_DESC, device) };
    host_run(guest->host, guest->dom, give_back, r);
}
