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

/* The binding of a guest's interface; NULL with an error. */
static NwfilterBindingDef *binding_of(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    NwfilterBindingDef *def = xml_struct_new(&NWFILTER_BINDING_DEF_DESC);
    def->owner.name = g_strdup(domain);
    memcpy(def->owner.uuid, uuid, sizeof(def->owner.uuid));
    def->owner.has_uuid = true;
    def->portdev = g_strdup(iface->target.dev);
    memcpy(def->mac, iface->mac, sizeof(def->mac));
    def->has_mac = true;
    xml_struct_copy_into(&INTERFACE_FILTERREF_DESC, &def->filterref, iface->filterref);
    if (nwfilter_binding_complete(def) == 0)
        return def;
    xml_struct_free(&NWFILTER_BINDING_DEF_DESC, def);
    return NULL;
}

static int bind_to(const DomainInterface *iface, const char *domain, const guint8 uuid[16], guint how)
{
    if (!host())
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "filter '%s' can't be had: this process has no driver for filters", iface->filterref->filter);
    NwfilterBindingDef *def = binding_of(iface, domain, uuid);
    g_autoptr(Managed) obj = def ? nwfilter_host_bind(host(), def, how, __func__) : NULL;
    return obj ? 0 : -1;
}

int nwfilter_plug(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    /* somebody may have left one of the same name */
    return iface->filterref ? bind_to(iface, domain, uuid, NWFILTER_BIND_REPLACE) : 0;
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
    gboolean same = now->filterref && old->filterref && xml_equal(&INTERFACE_FILTERREF_DESC, old->filterref, now->filterref);
    if (same)
        return 0;
    if (now->filterref)
        return bind_to(now, domain, uuid, NWFILTER_BIND_REPLACE);
    nwfilter_unplug(old);
    return 0;
}

void nwfilter_settle(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    g_autoptr(Managed) obj = host() && iface->target.dev ? managed_peek(nwfilter_host_bindings(host()), NULL, iface->target.dev) : NULL;
    g_autoptr(ManagedState) state = obj ? managed_state(obj) : NULL;
    const NwfilterBindingDef *binding = state && state->live ? definition_get(state->live) : NULL;
    NwfilterBindingDef *wanted = iface->filterref && host() ? binding_of(iface, domain, uuid) : NULL;
    gboolean same = binding && wanted && xml_equal(&NWFILTER_BINDING_DEF_DESC, binding, wanted);
    xml_struct_free(&NWFILTER_BINDING_DEF_DESC, wanted);
    if (!iface->filterref && binding)
        nwfilter_unplug(iface);
    else if (iface->filterref && !same && bind_to(iface, domain, uuid, NWFILTER_BIND_REPLACE | NWFILTER_BIND_ANYHOW) < 0)
        LOG_ERROR("interface '%s' of domain '%s' has not its filter: %s", iface->target.dev, domain, error_message());
    virResetLastError();
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
