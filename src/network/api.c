/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on networks. Arguments have been checked by the entry points; flags are checked here.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "network/functions.h"
#include "core/event_table.h"
#include "core/metadata.h"
#include "network/network.h"

static int network_job(ManagedJob *job, virNetworkPtr net, const char *api)
{
    return managed_job_begin(job, net->o.conn->tables->networks, net->uuid, NULL, api);
}

/* ---- finding ---- */

static int connect_num_of_networks(virConnectPtr conn)
{
    return managed_count(conn->tables->networks, MANAGED_LIST_ACTIVE);
}

static int connect_list_networks(virConnectPtr conn, char **const names, int max)
{
    return managed_names(conn->tables->networks, MANAGED_LIST_ACTIVE, (char **) names, max);
}

static int connect_num_of_defined_networks(virConnectPtr conn)
{
    return managed_count(conn->tables->networks, MANAGED_LIST_INACTIVE);
}

static int connect_list_defined_networks(virConnectPtr conn, char **const names, int max)
{
    return managed_names(conn->tables->networks, MANAGED_LIST_INACTIVE, (char **) names, max);
}

static int connect_list_all_networks(virConnectPtr conn, virNetworkPtr **nets, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->networks, flags, MANAGED_LIST_ALL, -1);
    return managed_list(conn->tables->networks, conn, flags, NULL, NULL, nets);
}

static virNetworkPtr network_lookup_by_name(virConnectPtr conn, const char *name)
{
    return managed_lookup(conn, conn->tables->networks, NULL, name);
}

static virNetworkPtr network_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
    return managed_lookup(conn, conn->tables->networks, uuid, NULL);
}

/* ---- life ---- */

static virNetworkPtr network_define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->networks, flags, VIR_NETWORK_DEFINE_VALIDATE, NULL);
    return managed_define_xml(conn, conn->tables->networks, xml, flags & VIR_NETWORK_DEFINE_VALIDATE, __func__);
}

static virNetworkPtr network_define_xml(virConnectPtr conn, const char *xml)
{
    return network_define_xml_flags(conn, xml, 0);
}

static virNetworkPtr network_create_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->networks, flags, VIR_NETWORK_CREATE_VALIDATE, NULL);
    return managed_create_xml(conn, conn->tables->networks, xml, flags & VIR_NETWORK_CREATE_VALIDATE, __func__);
}

static virNetworkPtr network_create_xml(virConnectPtr conn, const char *xml)
{
    return network_create_xml_flags(conn, xml, 0);
}

static int network_create(virNetworkPtr net)
{
    g_auto(ManagedJob) job = { NULL };
    return network_job(&job, net, __func__) < 0 ? -1 : managed_start(&job);
}

static int network_destroy(virNetworkPtr net)
{
    g_auto(ManagedJob) job = { NULL };
    return network_job(&job, net, __func__) < 0 ? -1 : managed_stop(&job);
}

static int network_undefine(virNetworkPtr net)
{
    g_auto(ManagedJob) job = { NULL };
    return network_job(&job, net, __func__) < 0 ? -1 : managed_undefine(&job);
}

/* ---- answers ---- */

static char *network_get_xml_desc(virNetworkPtr net, unsigned int flags)
{
    MANAGED_FLAGS(net->o.conn->tables->networks, flags, VIR_NETWORK_XML_INACTIVE, NULL);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(net->o.conn->tables->networks, net->uuid, NULL, &state);
    return obj ? network_xml(obj, state, flags & VIR_NETWORK_XML_INACTIVE ? XML_INACTIVE : 0) : NULL;
}

static char *network_get_bridge_name(virNetworkPtr net)
{
    ManagedTable *table = net->o.conn->tables->networks;
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(table, net->uuid, NULL, &state);
    if (!obj)
        return NULL;
    if (!network_def(state)->bridge.name)
        error_report(managed_error_domain(table), VIR_ERR_INTERNAL_ERROR, "network '%s' does not have a bridge name",
                     MANAGED_NAME(obj));
    return g_strdup(network_def(state)->bridge.name);
}

static int network_get_autostart(virNetworkPtr net, int *autostart)
{
    return managed_get_autostart(net->o.conn->tables->networks, net->uuid, NULL, autostart);
}

static int network_set_autostart(virNetworkPtr net, int autostart)
{
    g_auto(ManagedJob) job = { NULL };
    return network_job(&job, net, __func__) < 0 ? -1 : managed_set_autostart(&job, autostart != 0);
}

static int network_is_active(virNetworkPtr net)
{
    return managed_is_active(net->o.conn->tables->networks, net->uuid, NULL);
}

static int network_is_persistent(virNetworkPtr net)
{
    return managed_is_persistent(net->o.conn->tables->networks, net->uuid, NULL);
}

static int network_get_dhcp_leases(virNetworkPtr net, const char *mac, virNetworkDHCPLeasePtr **leases, unsigned int flags)
{
    MANAGED_FLAGS(net->o.conn->tables->networks, flags, 0, -1);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(net->o.conn->tables->networks, net->uuid, NULL, &state);
    if (!obj)
        return -1;
    return network_backend(obj)->leases(obj, network_def(state), mac, leases);
}

/* ---- changes of sections ---- */

G_STATIC_ASSERT(MANAGED_LIVE == (int) VIR_NETWORK_UPDATE_AFFECT_LIVE);
G_STATIC_ASSERT(MANAGED_CONFIG == (int) VIR_NETWORK_UPDATE_AFFECT_CONFIG);
#define AFFECT (VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG)

typedef struct UpdateEdit {
    ManagedJob *job;
    unsigned int command, section;
    int parent_index;
    const char *xml;
} UpdateEdit;

static int edit_section(Managed *obj, void *def, gboolean live, void *opaque)
{
    const UpdateEdit *e = opaque;
    const NetworkBackend *backend = network_backend(obj);
    if (network_def_update(def, e->command, e->section, e->parent_index, e->xml) < 0)
        return -1;
    return live && backend->update ? backend->update(obj, definition_get(e->job->state->live), def, e->section) : 0;
}

static int network_update(virNetworkPtr net, unsigned int command, unsigned int section, int parent_index, const char *xml,
                          unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(net->o.conn->tables->networks, flags, AFFECT, -1);
    UpdateEdit edit = { &job, command, section, parent_index, xml };
    if (network_job(&job, net, __func__) < 0)
        return -1;
    unsigned int scope = managed_scope(job.obj, job.state, flags);
    return scope ? managed_edit(&job, scope, edit_section, &edit, NULL) : -1;
}

/* ---- metadata ---- */

static char *network_get_metadata(virNetworkPtr net, int type, const char *uri, unsigned int flags)
{
    MANAGED_FLAGS(net->o.conn->tables->networks, flags, AFFECT, NULL);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(net->o.conn->tables->networks, net->uuid, NULL, &state);
    unsigned int scope = obj ? managed_scope(obj, state, flags) : 0;
    if (!scope)
        return NULL;
    const NetworkDef *def = definition_get(scope & MANAGED_LIVE ? state->live : state->config);
    char *value = NULL;
    if (type == VIR_NETWORK_METADATA_ELEMENT && g_strcmp0(uri, NETWORK_STATE_NAMESPACE) == 0 && (scope & MANAGED_LIVE) &&
        network_backend(obj)->state)
        return network_backend(obj)->state(obj, def);
    if (metadata_get(&(MetadataTexts) { def->title, def->description, def->metadata }, type, uri, &value, ERROR_DOMAIN) < 0)
        return NULL;
    return value ? value : FAIL_NULL(VIR_ERR_NO_NETWORK_METADATA, "network '%s' has no such metadata", MANAGED_NAME(obj));
}

typedef struct MetadataEdit {
    int type;
    const char *text, *key, *uri;
} MetadataEdit;

static int edit_metadata(Managed *obj, void *def, gboolean live, void *opaque)
{
    const MetadataEdit *e = opaque;
    const NetworkBackend *backend = network_backend(obj);
    NetworkDef *net = def;
    g_autoptr(ManagedState) state = managed_state(obj);
    const NetworkDef *was = definition_get(live ? state->live : state->config);
    if (metadata_set(&(MetadataFields) { &net->title, &net->description, &net->metadata }, e->type, e->text, e->key, e->uri,
                     ERROR_DOMAIN) < 0)
        return -1;
    return backend->metadata ? backend->metadata(obj, was, net, live) : 0;
}

static int network_set_metadata(virNetworkPtr net, int type, const char *text, const char *key, const char *uri,
                                unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(net->o.conn->tables->networks, flags, AFFECT, -1);
    MetadataEdit edit = { type, text, key, uri };
    if (network_job(&job, net, __func__) < 0)
        return -1;
    unsigned int scope = managed_scope(job.obj, job.state, flags);
    if (!scope)
        return -1;
    return managed_edit(&job, scope, edit_metadata, &edit,
                        event_network_metadata_change_new(MANAGED_NAME(job.obj), net->uuid, -1, type, uri));
}

const NetworkDriver network_functions = {
    .connect_num_of_networks = connect_num_of_networks,
    .connect_list_networks = connect_list_networks,
    .connect_num_of_defined_networks = connect_num_of_defined_networks,
    .connect_list_defined_networks = connect_list_defined_networks,
    .connect_list_all_networks = connect_list_all_networks,
    .network_lookup_by_name = network_lookup_by_name,
    .network_lookup_by_uuid = network_lookup_by_uuid,
    .network_create_xml = network_create_xml,
    .network_create_xml_flags = network_create_xml_flags,
    .network_define_xml = network_define_xml,
    .network_define_xml_flags = network_define_xml_flags,
    .network_undefine = network_undefine,
    .network_update = network_update,
    .network_create = network_create,
    .network_destroy = network_destroy,
    .network_get_xml_desc = network_get_xml_desc,
    .network_get_bridge_name = network_get_bridge_name,
    .network_get_autostart = network_get_autostart,
    .network_set_autostart = network_set_autostart,
    .network_is_active = network_is_active,
    .network_get_dhcp_leases = network_get_dhcp_leases,
    .network_is_persistent = network_is_persistent,
    .network_port_lookup_by_uuid = network_api_port_lookup_by_uuid,
    .network_port_create_xml = network_api_port_create_xml,
    .network_port_get_xml_desc = network_api_port_get_xml_desc,
    .network_port_set_parameters = network_api_port_set_parameters,
    .network_port_get_parameters = network_api_port_get_parameters,
    .network_port_delete = network_api_port_delete,
    .network_list_all_ports = network_api_list_all_ports,
    .network_set_metadata = network_set_metadata,
    .network_get_metadata = network_get_metadata,
};
