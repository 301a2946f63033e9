/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.plug"
#include "nwfilter/plug.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "core/node.h"
#include "nwfilter/host.h"

static NwfilterHost *host(void)
{
    ManagedTable *filters = node_get()->tables.nwfilters;
    return filters ? managed_table_priv(filters) : NULL;
}

static int bind_to(const DomainInterface *iface, const InterfaceFilterref *ref, const char *domain, const guint8 uuid[16])
{
    NwfilterBindingDef *def = xml_struct_new(&NWFILTER_BINDING_DEF_DESC);
    def->owner.name = g_strdup(domain);
    memcpy(def->owner.uuid, uuid, sizeof(def->owner.uuid));
    def->owner.has_uuid = true;
    def->portdev = g_strdup(iface->target.dev);
    memcpy(def->mac, iface->mac, sizeof(def->mac));
    def->has_mac = true;
    xml_struct_copy_into(&INTERFACE_FILTERREF_DESC, &def->filterref, ref);
    if (nwfilter_binding_complete(def) < 0) {
        xml_struct_free(&NWFILTER_BINDING_DEF_DESC, def);
        return -1;
    }
    g_autoptr(Managed) obj = nwfilter_host_bind(host(), def, __func__);
    return obj ? 0 : -1;
}

int nwfilter_plug(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    if (!iface->filterref)
        return 0;
    if (!host())
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "filter '%s' can't be had: this process has no driver for filters", iface->filterref->filter);
    nwfilter_unplug(iface); /* one of the same name that somebody has left */
    return bind_to(iface, iface->filterref, domain, uuid);
}

void nwfilter_unplug(const DomainInterface *iface)
{
    if (!host() || !iface->target.dev)
        return;
    virErrorPtr error = error_save();
    g_autoptr(Managed) binding = managed_peek(nwfilter_host_bindings(host()), NULL, iface->target.dev);
    if (binding && nwfilter_host_unbind(host(), iface->target.dev, __func__) < 0)
        LOG_WARN("interface '%s' keeps its filter: %s", iface->target.dev, error_message());
    error_restore(error);
}

int nwfilter_change(const DomainInterface *now, const DomainInterface *old, const char *domain, const guint8 uuid[16])
{
    g_autoptr(GPtrArray) changes = xml_diff(&DOMAIN_INTERFACE_DESC, old, now, "interface", 64);
    gboolean other = FALSE;
    for (guint i = 0; i < changes->len; i++)
        other = other || g_str_has_prefix(((XmlChange *) changes->pdata[i])->path, "interface.filterref");
    if (!other)
        return 0;
    nwfilter_unplug(old);
    if (nwfilter_plug(now, domain, uuid) == 0)
        return 0;
    virErrorPtr error = error_save();
    if (nwfilter_plug(old, domain, uuid) < 0)
        LOG_ERROR("interface '%s' of domain '%s' is without its filter: %s", old->target.dev, domain, error_message());
    error_restore(error);
    return -1;
}

void nwfilter_sweep(NwfilterLives lives, void *opaque)
{
    g_autoptr(GPtrArray) all = host() ? managed_objects(nwfilter_host_bindings(host()), MANAGED_LIST_ACTIVE, NULL, NULL) : NULL;
    for (guint i = 0; all && i < all->len; i++) {
        g_autoptr(ManagedState) binding = managed_state(all->pdata[i]);
        const NwfilterBindingDef *def = binding->live ? definition_get(binding->live) : NULL;
        if (def && !lives(def->owner.uuid, def->portdev, opaque) && nwfilter_host_unbind(host(), def->portdev, __func__) < 0)
            LOG_WARN("interface '%s' keeps its filter: %s", def->portdev, error_message());
    }
    virResetLastError();
}
