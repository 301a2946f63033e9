/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that come, go and change while a domain is defined or runs.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "core/event_table.h"
#include "domain/devices.h"
#include "domain/functions.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* One call. The XML is read anew for each definition: what it implies depends on what is there. */
typedef struct DeviceEdit {
    DomainHost *host;
    const char *xml, *alias;     /* by which the device is given */
    gboolean force;
    DeviceRef live;              /* in the live definition, after it was edited */
    void *old;                   /* what it was before an update */
    const XmlDesc *desc;
    char *event_alias;           /* NULL: no event */
} DeviceEdit;

static void edit_clear(DeviceEdit *e)
{
    xml_struct_free(e->desc, e->old);
    g_free(e->event_alias);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeviceEdit, edit_clear)

static DomainDevice *parse_device(const DeviceEdit *e, gboolean live)
{
    return domain_device_parse(e->xml, strlen(e->xml), live ? 0 : XML_INACTIVE, NULL);
}

static const char *alias_of(const DeviceRef *ref)
{
    const DomainDeviceInfo *info = domain_device_info(ref->member->name, ref->device);
    return info ? info->alias : NULL;
}

static int change_devices(virDomainPtr dom, const char *api, DeviceEdit *edit, const DefChange *change, unsigned int flags,
                          Event *(*event)(const char *name, const unsigned char *uuid, int id, const char *alias))
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, api) < 0)
        return -1;
    edit->host = a.obj->host;
    DefChange able = *change;
    const DomainBackend *backend = host_backend(a.obj->host);
    if (!backend->attach || !backend->detach || !backend->update)
        able.live = NULL;
    if (api_change(&a, flags, &able, edit) < 0)
        return -1;
    if (edit->event_alias && event)
        event_emit(host_bus(a.obj->host), event(API_NAME(&a), dom->uuid, domain_state_id(a.state), edit->event_alias));
    return 0;
}

/* ---- attach ---- */

static int edit_attach(DomainDef *def, gboolean live, void *opaque)
{
    DeviceEdit *e = opaque;
    DeviceRef ref;
    g_autoptr(DomainDevice) dev = parse_device(e, live);
    const DeviceKind *kind = dev ? device_kind(dev->kind, live ? DEVICE_ATTACH_LIVE : DEVICE_ATTACH_CONFIG, "attach") : NULL;
    DomainDeviceInfo *info = kind ? domain_device_info(dev->kind, dev->device) : NULL;
    if (!kind)
        return -1;
    if (info && info->alias && !xml_of_user(info->alias)) /* one that somebody else's device had */
        g_clear_pointer(&info->alias, g_free);
    if (info && info->alias && device_by_alias(def, info->alias, &ref))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "non unique alias detected: %s", info->alias);
    if (device_add(def, kind, dev, &ref) < 0 || definition_complete_again(e->host, def, live) < 0)
        return -1;
    if (live)
        e->live = ref;
    return 0;
}

static int live_attach(Guest *guest, DomainDef *def, void *opaque)
{
    DeviceEdit *e = opaque;
    if (host_backend(guest->host)->attach(guest, def, e->live.member->name, e->live.device) < 0)
        return -1;
    e->event_alias = g_strdup(alias_of(&e->live));
    return 0;
}

int core_domain_attach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
    static const DefChange change = { "devices", edit_attach, live_attach };
    g_auto(DeviceEdit) edit = { .xml = xml };
    API_FLAGS(flags, AFFECT, -1);
    return change_devices(dom, "virDomainAttachDeviceFlags", &edit, &change, flags, event_domain_device_added_new);
}

int core_domain_attach_device(virDomainPtr dom, const char *xml)
{
    return core_domain_attach_device_flags(dom, xml, VIR_DOMAIN_AFFECT_LIVE);
}

/* ---- detach ---- */

static int find_device(DomainDef *def, gboolean live, const DeviceEdit *e, DeviceRef *ref)
{
    DeviceAbility ability = live ? DEVICE_DETACH_LIVE : DEVICE_DETACH_CONFIG;
    if (e->alias) {
        if (!device_by_alias(def, e->alias, ref))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "no device of domain '%s' has the alias '%s'", def->name, e->alias);
        return device_kind(ref->member->name, ability, "detach") ? 0 : -1;
    }
    g_autoptr(DomainDevice) wanted = parse_device(e, live);
    const DeviceKind *kind = wanted ? device_kind(wanted->kind, ability, "detach") : NULL;
    return kind ? device_find(def, kind, wanted, ref) : -1;
}

static int edit_detach(DomainDef *def, gboolean live, void *opaque)
{
    DeviceEdit *e = opaque;
    DeviceRef ref;
    if (find_device(def, live, e, &ref) < 0)
        return -1;
    if (live)
        e->live = ref; /* it goes when the guest has let go of it */
    else
        device_remove(def, &ref);
    return 0;
}

static int live_detach(Guest *guest, DomainDef *def, void *opaque)
{
    DeviceEdit *e = opaque;
    int gone = host_backend(guest->host)->detach(guest, def, e->live.member->name, e->live.device);
    if (gone <= 0)
        return gone < 0 ? -1 : 1;
    e->event_alias = g_strdup(alias_of(&e->live));
    device_remove(def, &e->live);
    return 0;
}

static const DefChange detaching = { "devices", edit_detach, live_detach };

int core_domain_detach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
    g_auto(DeviceEdit) edit = { .xml = xml };
    API_FLAGS(flags, AFFECT, -1);
    return change_devices(dom, "virDomainDetachDeviceFlags", &edit, &detaching, flags, event_domain_device_removed_new);
}

int core_domain_detach_device(virDomainPtr dom, const char *xml)
{
    return core_domain_detach_device_flags(dom, xml, VIR_DOMAIN_AFFECT_LIVE);
}

int core_domain_detach_device_alias(virDomainPtr dom, const char *alias, unsigned int flags)
{
    g_auto(DeviceEdit) edit = { .alias = alias };
    API_FLAGS(flags, AFFECT, -1);
    return change_devices(dom, "virDomainDetachDeviceAlias", &edit, &detaching, flags, event_domain_device_removed_new);
}

/* ---- update ---- */

/* What is asked to change and isn't there is, for devices known by a name of theirs, a bad name. */
static int find_changed(const DomainDef *def, const DeviceKind *kind, const DomainDevice *dev, DeviceRef *ref)
{
    if (device_find(def, kind, dev, ref) == 0)
        return 0;
    if (error_code() != VIR_ERR_DEVICE_MISSING || strcmp(dev->kind, "interface") == 0)
        return -1;
    return FAIL(VIR_ERR_INVALID_ARG, "domain '%s' has no such device '%s' to modify", def->name, dev->kind);
}

static int edit_update(DomainDef *def, gboolean live, void *opaque)
{
    DeviceEdit *e = opaque;
    DeviceRef ref;
    g_autoptr(DomainDevice) dev = parse_device(e, live);
    const DeviceKind *kind = dev ? device_kind(dev->kind, live ? DEVICE_UPDATE_LIVE : DEVICE_UPDATE_CONFIG, "update") : NULL;
    if (!kind || find_changed(def, kind, dev, &ref) < 0)
        return -1;
    void *old = device_replace(def, &ref, dev);
    if (live) {
        e->old = old;
        e->desc = ref.member->info;
        e->live = ref;
    } else {
        xml_struct_free(ref.member->info, old);
    }
    if (definition_complete_again(e->host, def, live) < 0)
        return -1;
    return live ? device_check_update(kind, &e->live, e->old) : 0;
}

static int live_update(Guest *guest, DomainDef *def, void *opaque)
{
    DeviceEdit *e = opaque;
    return host_backend(guest->host)->update(guest, def, e->live.member->name, e->live.device, e->old, e->force);
}

int core_domain_update_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
    static const DefChange change = { "devices", edit_update, live_update };
    g_auto(DeviceEdit) edit = { .xml = xml, .force = flags & VIR_DOMAIN_DEVICE_MODIFY_FORCE };
    API_FLAGS(flags, AFFECT | VIR_DOMAIN_DEVICE_MODIFY_FORCE, -1);
    return change_devices(dom, "virDomainUpdateDeviceFlags", &edit, &change, flags, NULL);
}
