/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All devices of a domain, one after the other, in the order in which buses hand out their places.
 */
#include "model/domain_private.h"

/* Where the lists are and where in a device its common parts. */
typedef struct {
    const char *kind;
    guint32 list, count, info;
} DeviceList;

#define LIST(kind, field, type) \
    {kind, offsetof(DomainDevices, field), offsetof(DomainDevices, n_##field), offsetof(type, info)}

static const DeviceList lists[] = {
    LIST("hub", hubs, DomainHub),
    LIST("disk", disks, DomainDisk),
    LIST("interface", interfaces, DomainInterface),
    LIST("sound", sounds, DomainSound),
    LIST("hostdev", hostdevs, DomainHostdev),
    LIST("video", videos, DomainVideo),
    LIST("controller", controllers, DomainController),
    LIST("smartcard", smartcards, DomainSmartcard),
    LIST("serial", serials, DomainSerial),
    LIST("parallel", parallels, DomainParallel),
    LIST("channel", channels, DomainChannel),
    LIST("console", consoles, DomainConsole),
    LIST("input", inputs, DomainInput),
    LIST("filesystem", filesystems, DomainFilesystem),
    LIST("watchdog", watchdogs, DomainWatchdog),
    LIST("rng", rngs, DomainRng),
    LIST("shmem", shmems, DomainShmem),
    LIST("tpm", tpms, DomainTpm),
    LIST("panic", panics, DomainPanic),
    LIST("memory", memories, DomainMemory),
    LIST("iommu", iommus, DomainIommu),
    LIST("redirdev", redirdevs, DomainRedirdev),
    LIST("crypto", cryptos, DomainCrypto),
};

static int visit_single(DomainDef *def, DomainDeviceVisitor visit, void *opaque)
{
    DomainDevices *devices = &def->devices;
    int rc = 0;

    if (devices->memballoon)
        rc = visit(def, "memballoon", devices->memballoon, &devices->memballoon->info, opaque);
    if (!rc && devices->nvram)
        rc = visit(def, "nvram", devices->nvram, &devices->nvram->info, opaque);
    if (!rc && devices->vsock)
        rc = visit(def, "vsock", devices->vsock, &devices->vsock->info, opaque);
    if (!rc && devices->pstore)
        rc = visit(def, "pstore", devices->pstore, &devices->pstore->info, opaque);
    return rc;
}

int domain_def_each_device(DomainDef *def, DomainDeviceVisitor visit, void *opaque)
{
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        char *base = (char *)&def->devices;
        /* Read anew each time: a visitor may append. */
        for (guint j = 0; j < *(guint *)(base + lists[i].count); j++) {
            char *device = (*(char ***)(base + lists[i].list))[j];
            int rc = visit(def, lists[i].kind, device, (DomainDeviceInfo *)(device + lists[i].info), opaque);
            if (rc)
                return rc;
        }
    }
    return visit_single(def, visit, opaque);
}

DomainDeviceInfo *domain_device_info(const char *kind, void *device)
{
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (strcmp(lists[i].kind, kind) == 0)
            return (DomainDeviceInfo *)((char *)device + lists[i].info);
    }
    return strcmp(kind, "vsock") == 0 ? &((DomainVsock *)device)->info
        : strcmp(kind, "memballoon") == 0 ? &((DomainMemballoon *)device)->info : NULL;
}

const ChardevSource *domain_device_chardev(const char *kind, const void *device)
{
    if (strcmp(kind, "serial") == 0)
        return &((const DomainSerial *)device)->source;
    if (strcmp(kind, "parallel") == 0)
        return &((const DomainParallel *)device)->source;
    if (strcmp(kind, "channel") == 0)
        return &((const DomainChannel *)device)->source;
    if (strcmp(kind, "console") == 0)
        return &((const DomainConsole *)device)->source;
    if (strcmp(kind, "redirdev") == 0)
        return &((const DomainRedirdev *)device)->source;
    if (strcmp(kind, "smartcard") == 0 && ((const DomainSmartcard *)device)->mode == SMARTCARD_MODE_PASSTHROUGH)
        return &((const DomainSmartcard *)device)->source;
    if (strcmp(kind, "rng") == 0 && ((const DomainRng *)device)->backend.model == DOMAIN_RNG_BACKEND_MODEL_EGD)
        return &((const DomainRng *)device)->backend.source;
    return NULL;
}

void domain_devices_hold(DomainDevices *devices, const char *kind, void **device)
{
    char *base = (char *)devices;

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (strcmp(lists[i].kind, kind))
            continue;
        *(void ***)(base + lists[i].list) = device;
        *(guint *)(base + lists[i].count) = 1;
    }
    if (strcmp(kind, "vsock") == 0)
        devices->vsock = *device;
}

/* Number of a device in its list, from 1; 0 if it is in none. */
static guint device_number(const DomainDef *def, const char *kind, const void *device)
{
    const char *base = (const char *)&def->devices;

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        char *const *items = *(char *const *const *)(base + lists[i].list);
        if (strcmp(lists[i].kind, kind))
            continue;
        for (guint j = 0; j < *(const guint *)(base + lists[i].count); j++) {
            if (items[j] == device || items[j] + lists[i].info == device)
                return j + 1;
        }
    }
    return 0;
}

char *domain_device_place(const DomainDef *def, const char *kind, const void *device)
{
    guint number = device_number(def, kind, device);

    return number ? g_strdup_printf("domain.devices.%s[%u]", kind, number) : g_strconcat("domain.devices.", kind, NULL);
}

int domain_fail_device(const DomainDef *def, const char *kind, const void *device, int code, const char *fmt, ...)
{
    g_autofree char *place = domain_device_place(def, kind, device);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    return FAIL(code, "%s: %s", place, text);
}

DomainController *domain_add_controller(DomainDef *def, DomainControllerType type, guint index, const char *model)
{
    DomainController *controller = xml_struct_new(&DOMAIN_CONTROLLER_DESC);

    controller->type = type;
    controller->index = index;
    controller->has_index = true;
    controller->model = g_strdup(model);
    XML_LIST_APPEND(def->devices.controllers, def->devices.n_controllers, controller);
    return controller;
}

DomainController *domain_find_controller(const DomainDef *def, DomainControllerType type, guint index)
{
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        DomainController *controller = def->devices.controllers[i];
        if (controller->type == type && controller->has_index && controller->index == index)
            return controller;
    }
    return NULL;
}

bool domain_controller_is_model(const DomainController *controller, const char *model)
{
    return g_strcmp0(controller->model, model) == 0;
}

DomainAddress *domain_new_address(DomainDeviceInfo *info, DomainAddressType type)
{
    if (info->address)
        xml_struct_free(&DOMAIN_ADDRESS_DESC, info->address);
    info->address = xml_struct_new(&DOMAIN_ADDRESS_DESC);
    info->address->type = type;
    return info->address;
}

bool domain_disk_is_drive(const DomainDisk *disk)
{
    return disk->device == DOMAIN_DISK_DEVICE_CDROM || disk->device == DOMAIN_DISK_DEVICE_FLOPPY;
}

bool domain_is_disk_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

int domain_disk_index(const char *dev)
{
    int index = 0;
    const char *p = dev;

    /* The prefix: fd, hd, vd, sd, xvd or ubd. */
    p += g_str_has_prefix(dev, "xvd") || g_str_has_prefix(dev, "ubd") ? 3 : MIN(strlen(dev), 2);
    if (!domain_is_disk_letter(*p))
        return -1;
    for (; domain_is_disk_letter(*p); p++) {
        if (index > 26 * 26 * 26)
            return -1;
        index = index * 26 + (*p - 'a' + 1);
    }
    return *p && !g_ascii_isdigit(*p) ? -1 : index - 1;
}
