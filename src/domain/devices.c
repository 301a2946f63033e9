/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/devices.h"
#include "domain/api.h"

struct DeviceKind {
    const char *name;
    guint can;
    /** Whether @there is meant by @wanted. Not set: xml_covers(). */
    gboolean (*means)(const void *wanted, const void *there);
    /** Whether @added can't be beside @there; not set: it can always. */
    gboolean (*clashes)(const void *added, const void *there);
    /** Whether @a stands before (<0) or behind @b in the list; 0: they have nothing to do with each other. */
    int (*order)(const void *a, const void *b);
    gboolean unique;          /* several devices that are meant are an error */
    /** What may change while the guest runs: beginnings of paths, behind the element's name. NULL at the end. */
    const char *const *changeable;
    const char *const *changeable_media; /* the same for a removable disk */
};

/* ---- what the kinds are known by ---- */

static gboolean same_disk(const void *a, const void *b)
{
    return g_strcmp0(((const DomainDisk *) a)->target.dev, ((const DomainDisk *) b)->target.dev) == 0;
}

/* "vdb" before "vdc" before "vdaa", behind another "vd" only. */
static int order_disks(const void *a, const void *b)
{
    const char *x = ((const DomainDisk *) a)->target.dev, *y = ((const DomainDisk *) b)->target.dev;
    if (strncmp(x, y, 2) != 0 || strlen(x) < 3 || strlen(y) < 3)
        return 0;
    return strlen(x) != strlen(y) ? (int) strlen(x) - (int) strlen(y) : strcmp(x, y);
}

static gboolean same_controller(const void *a, const void *b)
{
    const DomainController *x = a, *y = b;
    return x->type == y->type && x->has_index && x->index == y->index;
}

static int order_controllers(const void *a, const void *b)
{
    const DomainController *x = a, *y = b;
    if (x->type != y->type || !x->has_index || !y->has_index)
        return 0;
    return x->index < y->index ? -1 : 1;
}

static gboolean same_filesystem(const void *a, const void *b)
{
    return g_strcmp0(((const DomainFilesystem *) a)->target, ((const DomainFilesystem *) b)->target) == 0;
}

static gboolean same_lease(const void *a, const void *b)
{
    const DomainLease *x = a, *y = b;
    return g_strcmp0(x->key, y->key) == 0 && g_strcmp0(x->lockspace, y->lockspace) == 0;
}

/* By hardware address, address and alias, so far as they are given. */
static gboolean same_interface(const void *a, const void *b)
{
    const DomainInterface *x = a, *y = b;
    if (x->has_mac && (!y->has_mac || memcmp(x->mac, y->mac, sizeof(x->mac)) != 0))
        return FALSE;
    const DomainDeviceInfo place = { .alias = x->info.alias, .address = x->info.address };
    return xml_covers(&DOMAIN_DEVICE_INFO_DESC, &place, &y->info);
}

static gboolean same_graphics(const void *a, const void *b)
{
    return ((const DomainGraphics *) a)->type == ((const DomainGraphics *) b)->type;
}

static gboolean same_shmem(const void *a, const void *b)
{
    return xml_covers(&DOMAIN_SHMEM_DESC, a, b);
}

static gboolean same_hostdev(const void *a, const void *b)
{
    return xml_covers(&DOMAIN_HOSTDEV_DESC, a, b);
}

static gboolean same_watchdog(const void *a, const void *b)
{
    return xml_covers(&DOMAIN_WATCHDOG_DESC, a, b);
}

static gboolean same_channel(const void *a, const void *b)
{
    const DomainChannelTarget *x = &((const DomainChannel *) a)->target, *y = &((const DomainChannel *) b)->target;
    return x->type == y->type && x->name && g_strcmp0(x->name, y->name) == 0;
}

static gboolean same_serial(const void *a, const void *b)
{
    const DomainSerialTarget *x = &((const DomainSerial *) a)->target, *y = &((const DomainSerial *) b)->target;
    return x->has_port && y->has_port && x->port == y->port;
}

static gboolean same_console(const void *a, const void *b)
{
    const DomainConsoleTarget *x = &((const DomainConsole *) a)->target, *y = &((const DomainConsole *) b)->target;
    return x->has_port && y->has_port && x->port == y->port;
}

/* What is asked of it and what it has may differ. */
static gboolean same_memory(const void *wanted, const void *there)
{
    DomainMemory w = *(const DomainMemory *) wanted;
    if (w.info.alias)
        return g_strcmp0(w.info.alias, ((const DomainMemory *) there)->info.alias) == 0;
    w.target.has_requested = w.target.has_current = FALSE;
    return xml_covers(&DOMAIN_MEMORY_DESC, &w, there);
}

static gboolean always(const void *a, const void *b)
{
    return TRUE;
}

static const char *const media[] = { "@type", ".source", ".backingStore", ".driver@type", ".driver@name", NULL };
static const char *const fixed[] = { ".source@startupPolicy", NULL };
static const char *const interface[] = { "@type", ".actual", "@trustGuestRxFilters", ".source", ".bandwidth", ".link", ".filterref",
                                         ".vlan", ".virtualport", ".coalesce", ".port@isolated", NULL };
static const char *const requested[] = { ".target.requested", ".target.current", NULL };
static const char *const graphics[] = { "@passwd", "@passwdValidTo", "@connected", "@defaultMode", NULL };

#define CONFIG (DEVICE_ATTACH_CONFIG | DEVICE_DETACH_CONFIG)
#define LIVE (DEVICE_ATTACH_LIVE | DEVICE_DETACH_LIVE)
#define BOTH (CONFIG | LIVE)
#define UPDATE (DEVICE_UPDATE_LIVE | DEVICE_UPDATE_CONFIG)

static const DeviceKind kinds[] = {
    { "disk", BOTH | UPDATE, same_disk, same_disk, order_disks, .changeable = fixed, .changeable_media = media },
    { "interface", BOTH | UPDATE, same_interface, .unique = TRUE, .changeable = interface },
    { "controller", BOTH, same_controller, same_controller, order_controllers },
    { "filesystem", BOTH, same_filesystem, same_filesystem },
    { "lease", BOTH, same_lease, same_lease },
    { "graphics", UPDATE, same_graphics, .changeable = graphics },
    { "sound", BOTH },
    { "input", BOTH },
    { "hostdev", BOTH, .clashes = same_hostdev },
    { "redirdev", BOTH },
    { "rng", BOTH },
    { "watchdog", BOTH, .clashes = same_watchdog },
    { "memory", BOTH | UPDATE, same_memory, .changeable = requested },
    { "shmem", BOTH, .clashes = same_shmem },
    { "vsock", BOTH, .clashes = always },
    { "serial", BOTH, .clashes = same_serial },
    { "parallel", BOTH },
    { "channel", BOTH, .clashes = same_channel },
    { "console", LIVE, .clashes = same_console },
    { "crypto", BOTH },
    { "smartcard", BOTH },
    { "hub", BOTH },
    { "panic", BOTH },
};

const DeviceKind *device_kind(const char *name, DeviceAbility ability, const char *verb)
{
    gboolean live = ability & (DEVICE_ATTACH_LIVE | DEVICE_DETACH_LIVE | DEVICE_UPDATE_LIVE);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0 && (kinds[i].can & ability))
            return &kinds[i];
    }
    return FAIL_NULL(VIR_ERR_OPERATION_UNSUPPORTED, "%s %s of device '%s' is not supported", live ? "live" : "persistent", verb,
                     name);
}

/* ---- lists ---- */

/* A single device is a list of at most one. */
static void **device_items(const DomainDef *def, const XmlMember *m, guint *n)
{
    char *base = (char *) &def->devices;
    void **field = (void **) (base + m->offset);
    if (m->kind == XML_MEMBER_LIST) {
        *n = *(guint *) (base + m->aux);
        return *field;
    }
    *n = *field ? 1 : 0;
    return field;
}

static int find_missing(const DomainDef *def, const DeviceKind *kind, const DomainDevice *wanted)
{
    if (strcmp(kind->name, "disk") == 0)
        return FAIL(VIR_ERR_DEVICE_MISSING, "no target device %s in domain '%s'",
                    ((const DomainDisk *) wanted->device)->target.dev, def->name);
    return FAIL(VIR_ERR_DEVICE_MISSING, "no matching device '%s' in domain '%s'", kind->name, def->name);
}

int device_find(const DomainDef *def, const DeviceKind *kind, const DomainDevice *wanted, DeviceRef *ref)
{
    guint n;
    const XmlMember *m = domain_device_member(kind->name);
    void **items = device_items(def, m, &n);
    *ref = (DeviceRef) { NULL };
    for (guint i = 0; i < n; i++) {
        if (!(kind->means ? kind->means(wanted->device, items[i]) : xml_covers(wanted->desc, wanted->device, items[i])))
            continue;
        if (ref->device && kind->unique)
            return FAIL(VIR_ERR_OPERATION_FAILED, "several devices '%s' of domain '%s' match; name the address or the alias",
                        kind->name, def->name);
        if (!ref->device)
            *ref = (DeviceRef) { m, i, items[i] };
    }
    return ref->device ? 0 : find_missing(def, kind, wanted);
}

gboolean device_by_alias(const DomainDef *def, const char *alias, DeviceRef *ref)
{
    for (guint i = 0; i < DOMAIN_DEVICES_DESC.n_members; i++) {
        const XmlMember *m = &DOMAIN_DEVICES_DESC.members[i];
        guint n = 0;
        void **items = m->type == XML_STRUCT ? device_items(def, m, &n) : NULL;
        for (guint j = 0; j < n; j++) {
            const DomainDeviceInfo *info = domain_device_info(m->name, items[j]);
            if (!info || g_strcmp0(info->alias, alias) != 0)
                continue;
            *ref = (DeviceRef) { m, j, items[j] };
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- changes ---- */

static int check_clash(const DomainDef *def, const DeviceKind *kind, const void *added, void **items, guint n)
{
    for (guint i = 0; kind->clashes && i < n; i++) {
        if (!kind->clashes(added, items[i]))
            continue;
        if (strcmp(kind->name, "disk") == 0)
            return FAIL(VIR_ERR_OPERATION_INVALID, "target %s already exists in domain '%s'",
                        ((const DomainDisk *) added)->target.dev, def->name);
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' already has such a device '%s'", def->name, kind->name);
    }
    return 0;
}

/* Behind the last one that it stands behind, else before the first of its group, else at the end. */
static guint place_of(const DeviceKind *kind, const void *added, void **items, guint n)
{
    guint first = n;
    for (guint i = n; kind->order && i-- > 0;) {
        int order = kind->order(items[i], added);
        if (order < 0)
            return i + 1;
        if (order > 0)
            first = i;
    }
    return first;
}

int device_add(DomainDef *def, const DeviceKind *kind, DomainDevice *dev, DeviceRef *ref)
{
    guint n;
    const XmlMember *m = domain_device_member(kind->name);
    void **items = device_items(def, m, &n);
    if (check_clash(def, kind, dev->device, items, n) < 0)
        return -1;
    *ref = (DeviceRef) { m, 0, g_steal_pointer(&dev->device) };
    if (m->kind != XML_MEMBER_LIST) {
        *items = ref->device;
        return 0;
    }
    if (n >= m->max_count) {
        dev->device = ref->device;
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' has %u devices '%s', which are as many as it may have", def->name, n,
                    kind->name);
    }
    void ***field = (void ***) ((char *) &def->devices + m->offset);
    guint *count = (guint *) ((char *) &def->devices + m->aux);
    ref->at = place_of(kind, ref->device, items, n);
    XML_LIST_INSERT(*field, *count, ref->at, ref->device);
    if (strcmp(kind->name, "memory") == 0 && def->current_memory) /* the whole follows when the definition is completed */
        def->current_memory += ((const DomainMemory *) ref->device)->target.size;
    return 0;
}

DomainDevice *device_take(DomainDef *def, const DeviceRef *ref)
{
    DomainDevice *dev = g_new0(DomainDevice, 1);
    void ***field = (void ***) ((char *) &def->devices + ref->member->offset);
    *dev = (DomainDevice) { ref->member->name, ref->member->info, ref->device };
    if (ref->member->kind == XML_MEMBER_LIST)
        XML_LIST_REMOVE(*field, *(guint *) ((char *) &def->devices + ref->member->aux), ref->at);
    else
        *(void **) field = NULL;
    return dev;
}

/* The first console of many guests is but another view of the first serial port. */
void device_remove(DomainDef *def, const DeviceRef *ref)
{
    DomainDevices *d = &def->devices;
    if (strcmp(ref->member->name, "serial") == 0 && ref->at == 0 && d->n_consoles > 0 &&
        d->consoles[0]->target.type == CONSOLE_TARGET_TYPE_SERIAL) {
        DomainConsole *console = d->consoles[0];
        XML_LIST_REMOVE(d->consoles, d->n_consoles, 0);
        xml_struct_free(&DOMAIN_CONSOLE_DESC, console);
    }
    if (strcmp(ref->member->name, "memory") == 0) {
        guint64 size = ((const DomainMemory *) ref->device)->target.size;
        def->memory -= MIN(size, def->memory);
        def->current_memory -= MIN(size, def->current_memory);
    }
    domain_device_free(device_take(def, ref));
}

/* A disk that goes to another bus has to find another place there. */
static gboolean keeps_place(const DeviceRef *ref, const DomainDevice *dev)
{
    if (strcmp(dev->kind, "disk") != 0)
        return TRUE;
    const DomainDisk *old = ref->device, *now = dev->device;
    return !now->target.bus || now->target.bus == old->target.bus;
}

static gboolean same_image(const DomainDisk *a, const DomainDisk *b)
{
    return a->source.type == b->source.type && a->driver.type == b->driver.type && g_strcmp0(a->source.file, b->source.file) == 0 &&
        g_strcmp0(a->source.dev, b->source.dev) == 0 && g_strcmp0(a->source.name, b->source.name) == 0;
}

/* What an image is based on is found at the start, and it gets a number: who describes the same image without them means the same. */
static void keep_chain(const DeviceRef *ref, const DomainDevice *dev)
{
    const DomainDisk *old = ref->device;
    DomainDisk *now = dev->device;

    if (strcmp(dev->kind, "disk") != 0 || !same_image(old, now))
        return;
    if (!now->source.index)
        now->source.index = old->source.index;
    if (old->backing_store && !now->backing_store)
        now->backing_store = xml_struct_copy(&DOMAIN_BACKING_STORE_DESC, old->backing_store);
}

/* An interface keeps its device on the host, what its network has connected it to, and who it is for a switch, unless others are named. */
static void keep_device(const DeviceRef *ref, DomainDevice *dev)
{
    const DomainInterface *old = ref->device;
    DomainInterface *now = dev->device;
    if (strcmp(dev->kind, "interface") != 0)
        return;
    if (!now->target.dev)
        now->target.dev = g_strdup(old->target.dev);
    gboolean stays = now->source.type == old->source.type && g_strcmp0(now->source.network, old->source.network) == 0;
    xml_struct_free(&INTERFACE_ACTUAL_DESC, now->actual); /* nobody but the network says that */
    now->actual = stays && old->actual ? xml_struct_copy(&INTERFACE_ACTUAL_DESC, old->actual) : NULL;
    if (!now->virtualport || !old->virtualport || now->virtualport->type != old->virtualport->type)
        return;
    InterfaceVirtualportParameters *p = &now->virtualport->parameters;
    const InterfaceVirtualportParameters *was = &old->virtualport->parameters;
    if (!p->has_interfaceid && was->has_interfaceid) {
        memcpy(p->interfaceid, was->interfaceid, sizeof(p->interfaceid));
        p->has_interfaceid = true;
    }
}

void *device_replace(DomainDef *def, DeviceRef *ref, DomainDevice *dev)
{
    guint n;
    void *before = ref->device;
    void **items = device_items(def, ref->member, &n);
    DomainDeviceInfo *old = domain_device_info(dev->kind, ref->device), *now = domain_device_info(dev->kind, dev->device);
    if (old && now && !now->alias)
        now->alias = g_strdup(old->alias);
    if (old && now && !now->address && old->address && keeps_place(ref, dev))
        now->address = xml_struct_copy(&DOMAIN_ADDRESS_DESC, old->address);
    keep_chain(ref, dev);
    keep_device(ref, dev);
    items[ref->at] = ref->device = g_steal_pointer(&dev->device);
    return before;
}

/* ---- live updates ---- */

static gboolean may_change(const char *const *changeable, const char *path)
{
    for (; *changeable; changeable++) {
        if (g_str_has_prefix(path, *changeable))
            return TRUE;
    }
    return FALSE;
}

/* More changes than this are not looked at: they are refused. */
#define CHANGES_MAX 256

int device_check_update(const DeviceKind *kind, const DeviceRef *now, const void *old)
{
    const char *const *changeable = kind->changeable;
    g_autoptr(GPtrArray) changes = xml_diff(now->member->info, old, now->device, kind->name, CHANGES_MAX);
    if (kind->changeable_media && domain_disk_is_drive(old))
        changeable = kind->changeable_media;
    for (guint i = 0; i < changes->len; i++) {
        const char *path = ((const XmlChange *) changes->pdata[i])->path;
        if (changes->len < CHANGES_MAX && may_change(changeable, path + strlen(kind->name)))
            continue;
        gboolean medium = kind->changeable_media && g_str_has_prefix(path + strlen(kind->name), ".source");
        return FAIL(medium ? VIR_ERR_CONFIG_UNSUPPORTED : VIR_ERR_OPERATION_UNSUPPORTED,
                    "cannot modify '%s' of a running domain%s; '--config' changes it for the next start", path,
                    medium ? ", as the drive is not removable" : "");
    }
    return 0;
}

/* ---- names ---- */

void device_name(DomainDef *def, const char *kind, void *device)
{
    DomainDeviceInfo *info = domain_device_info(kind, device);
    DeviceRef ref;
    if (!info || info->alias)
        return;
    for (guint i = 0;; i++) {
        g_autofree char *alias = g_strdup_printf("%s%u", kind, i);
        if (device_by_alias(def, alias, &ref))
            continue;
        info->alias = g_steal_pointer(&alias);
        return;
    }
}
