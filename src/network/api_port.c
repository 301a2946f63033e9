/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on ports of networks.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "network/network.h"
#include <stddef.h>
#include <string.h>
#include "base/typed_param.h"

static int need_active(const Managed *net, const ManagedState *state)
{
    return managed_active(state) ? 0 : FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' is not active: it has no ports",
                                            MANAGED_NAME(net));
}

/* A job on the network, which must be active. */
static int port_job(ManagedJob *job, virNetworkPtr net, const char *api)
{
    if (managed_job_begin(job, net->o.conn->tables->networks, net->uuid, NULL, api) < 0)
        return -1;
    return need_active(job->obj, job->state);
}

/* What a port is like, for somebody who only reads. */
static Definition *port_definition(virNetworkPortPtr handle)
{
    g_autoptr(Managed) net = managed_find(handle->o.conn->tables->networks, handle->net->uuid, NULL);
    g_autoptr(NetworkPort) port = net ? network_port_find(net, handle->uuid) : NULL;
    return port ? network_port_definition(port) : NULL;
}

int network_api_list_all_ports(virNetworkPtr handle, virNetworkPortPtr **ports, unsigned int flags)
{
    MANAGED_FLAGS(handle->o.conn->tables->networks, flags, 0, -1);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) net = managed_find_state(handle->o.conn->tables->networks, handle->uuid, NULL, &state);
    if (!net || need_active(net, state) < 0)
        return -1;
    g_autoptr(GPtrArray) all = store_list(net->data, NULL, NULL);
    if (!ports)
        return (int) all->len;
    *ports = g_new0(virNetworkPortPtr, all->len + 1);
    for (guint i = 0; i < all->len; i++)
        (*ports)[i] = network_port_handle_new(handle, ((NetworkPort *) all->pdata[i])->entry.uuid);
    return (int) all->len;
}

virNetworkPortPtr network_api_port_lookup_by_uuid(virNetworkPtr handle, const unsigned char *uuid)
{
    g_autoptr(Managed) net = managed_find(handle->o.conn->tables->networks, handle->uuid, NULL);
    g_autoptr(NetworkPort) port = net ? network_port_find(net, uuid) : NULL;
    return port ? network_port_handle_new(handle, uuid) : NULL;
}

static NetworkPortDef *read_port(const char *xml, gboolean validate)
{
    NetworkPortDef *def = definition_read(&NETWORK_PORT_ROOT, xml, validate);
    if (!def || network_port_def_complete(def) == 0)
        return def;
    if (validate)
        definition_invalid();
    xml_struct_free(&NETWORK_PORT_DEF_DESC, def);
    return NULL;
}

virNetworkPortPtr network_api_port_create_xml(virNetworkPtr net, const char *xml, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    unsigned char uuid[VIR_UUID_BUFLEN];
    MANAGED_FLAGS(net->o.conn->tables->networks, flags,
                  VIR_NETWORK_PORT_CREATE_RECLAIM | VIR_NETWORK_PORT_CREATE_VALIDATE, NULL);
    if (port_job(&job, net, __func__) < 0)
        return NULL;
    NetworkPortDef *def = read_port(xml, flags & VIR_NETWORK_PORT_CREATE_VALIDATE);
    if (!def)
        return NULL;
    memcpy(uuid, def->uuid, sizeof(uuid));
    return network_port_create(&job, def, flags) < 0 ? NULL : network_port_handle_new(net, uuid);
}

char *network_api_port_get_xml_desc(virNetworkPortPtr port, unsigned int flags)
{
    MANAGED_FLAGS(port->o.conn->tables->networks, flags, 0, NULL);
    g_autoptr(Definition) definition = port_definition(port);
    return definition ? g_strdup(definition_xml(definition, 0)) : NULL;
}

int network_api_port_delete(virNetworkPortPtr handle, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(handle->o.conn->tables->networks, flags, 0, -1);
    if (managed_job_begin(&job, handle->o.conn->tables->networks, handle->net->uuid, NULL, __func__) < 0)
        return -1;
    g_autoptr(NetworkPort) port = network_port_find(job.obj, handle->uuid);
    return port ? network_port_delete(&job, port) : -1;
}

/* ---- limits ---- */

static const struct { const char *name; gboolean inbound; size_t offset; } limits[] = {
    { VIR_NETWORK_PORT_BANDWIDTH_IN_AVERAGE, TRUE, offsetof(BandwidthLimit, average) },
    { VIR_NETWORK_PORT_BANDWIDTH_IN_PEAK, TRUE, offsetof(BandwidthLimit, peak) },
    { VIR_NETWORK_PORT_BANDWIDTH_IN_FLOOR, TRUE, offsetof(BandwidthLimit, floor) },
    { VIR_NETWORK_PORT_BANDWIDTH_IN_BURST, TRUE, offsetof(BandwidthLimit, burst) },
    { VIR_NETWORK_PORT_BANDWIDTH_OUT_AVERAGE, FALSE, offsetof(BandwidthLimit, average) },
    { VIR_NETWORK_PORT_BANDWIDTH_OUT_PEAK, FALSE, offsetof(BandwidthLimit, peak) },
    { VIR_NETWORK_PORT_BANDWIDTH_OUT_BURST, FALSE, offsetof(BandwidthLimit, burst) },
};

int network_api_port_get_parameters(virNetworkPortPtr port, virTypedParameterPtr *params, int *n, unsigned int flags)
{
    MANAGED_FLAGS(port->o.conn->tables->networks, flags, 0, -1);
    g_autoptr(Definition) definition = port_definition(port);
    if (!definition)
        return -1;
    const Bandwidth *bandwidth = ((const NetworkPortDef *) definition_get(definition))->bandwidth;
    TypedList list = { NULL };
    for (guint i = 0; bandwidth && i < G_N_ELEMENTS(limits); i++) {
        const BandwidthLimit *limit = limits[i].inbound ? bandwidth->inbound : bandwidth->outbound;
        if (limit)
            typed_list_uint(&list, limits[i].name,
                            (unsigned int) MIN(G_STRUCT_MEMBER(guint64, limit, limits[i].offset), G_MAXUINT));
    }
    *params = typed_list_steal(&list, n);
    return 0;
}

static void set_limit(Bandwidth *bandwidth, const virTypedParameter *param)
{
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (strcmp(limits[i].name, param->field) != 0)
            continue;
        BandwidthLimit **limit = limits[i].inbound ? &bandwidth->inbound : &bandwidth->outbound;
        if (!*limit)
            *limit = xml_struct_new(&BANDWIDTH_LIMIT_DESC);
        G_STRUCT_MEMBER(guint64, *limit, limits[i].offset) = param->value.ui;
    }
}

static void drop_unlimited(BandwidthLimit **limit)
{
    if (!*limit || (*limit)->average || (*limit)->floor)
        return;
    xml_struct_free(&BANDWIDTH_LIMIT_DESC, *limit);
    *limit = NULL;
}

/* Limits of parameters, which are all there are: what isn't named has none, nor a direction without an average. NULL: no
 * limits at all. */
static int read_limits(virTypedParameterPtr params, int n, Bandwidth **bandwidth)
{
    TypedRule rules[G_N_ELEMENTS(limits) + 1] = { { NULL } };
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++)
        rules[i] = (TypedRule) { limits[i].name, VIR_TYPED_PARAM_UINT, FALSE };
    if (typed_params_check(params, n, rules) < 0)
        return -1;
    *bandwidth = xml_struct_new(&BANDWIDTH_DESC);
    for (int i = 0; i < n; i++)
        set_limit(*bandwidth, &params[i]);
    drop_unlimited(&(*bandwidth)->inbound);
    drop_unlimited(&(*bandwidth)->outbound);
    if (!(*bandwidth)->inbound && !(*bandwidth)->outbound) {
        xml_struct_free(&BANDWIDTH_DESC, *bandwidth);
        *bandwidth = NULL;
    }
    return 0;
}

int network_api_port_set_parameters(virNetworkPortPtr handle, virTypedParameterPtr params, int n, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(handle->o.conn->tables->networks, flags, 0, -1);
    if (port_job(&job, handle->net, __func__) < 0)
        return -1;
    g_autoptr(NetworkPort) port = network_port_find(job.obj, handle->uuid);
    Bandwidth *bandwidth = NULL;
    return port && read_limits(params, n, &bandwidth) == 0 ? network_port_limit(&job, port, bandwidth) : -1;
}
