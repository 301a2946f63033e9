/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on interfaces. Arguments have been checked by the entry points; flags are checked here.
 */
#define ERROR_DOMAIN managed_error_domain(conn->tables->interfaces)
#include "hostif/functions.h"
#include <string.h>
#include "base/error.h"

/* The table, as the host is now. */
#define LOOK(table, failure) \
    do { \
        if (hostif_look(table) < 0) \
            return (failure); \
    } while (0)

static int interface_job(ManagedJob *job, virInterfacePtr iface, const char *api)
{
    LOOK(iface->o.conn->tables->interfaces, -1);
    return managed_job_begin(job, iface->o.conn->tables->interfaces, NULL, iface->name, api);
}

/* ---- finding ---- */

static int connect_num_of_interfaces(virConnectPtr conn)
{
    LOOK(conn->tables->interfaces, -1);
    return managed_count(conn->tables->interfaces, MANAGED_LIST_ACTIVE);
}

static int connect_list_interfaces(virConnectPtr conn, char **const names, int max)
{
    LOOK(conn->tables->interfaces, -1);
    return managed_names(conn->tables->interfaces, MANAGED_LIST_ACTIVE, (char **) names, max);
}

static int connect_num_of_defined_interfaces(virConnectPtr conn)
{
    LOOK(conn->tables->interfaces, -1);
    return managed_count(conn->tables->interfaces, MANAGED_LIST_INACTIVE);
}

static int connect_list_defined_interfaces(virConnectPtr conn, char **const names, int max)
{
    LOOK(conn->tables->interfaces, -1);
    return managed_names(conn->tables->interfaces, MANAGED_LIST_INACTIVE, (char **) names, max);
}

static int connect_list_all_interfaces(virConnectPtr conn, virInterfacePtr **ifaces, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->interfaces, flags,
                  VIR_CONNECT_LIST_INTERFACES_ACTIVE | VIR_CONNECT_LIST_INTERFACES_INACTIVE, -1);
    LOOK(conn->tables->interfaces, -1);
    return managed_list(conn->tables->interfaces, conn, flags, NULL, NULL, ifaces);
}

static virInterfacePtr interface_lookup_by_name(virConnectPtr conn, const char *name)
{
    LOOK(conn->tables->interfaces, NULL);
    return managed_lookup(conn, conn->tables->interfaces, NULL, name);
}

static gboolean has_mac(Managed *obj, const ManagedState *state, void *opaque)
{
    char mac[18];
    return g_ascii_strcasecmp(host_interface_mac(definition_get(managed_definition(state)), mac), opaque) == 0;
}

static virInterfacePtr interface_lookup_by_mac_string(virConnectPtr conn, const char *mac)
{
    LOOK(conn->tables->interfaces, NULL);
    g_autoptr(GPtrArray) found = managed_objects(conn->tables->interfaces, 0, *mac ? has_mac : NULL, (void *) mac);
    if (!*mac || !found->len)
        return FAIL_NULL(VIR_ERR_NO_INTERFACE, "no interface with matching mac '%s'", mac);
    if (found->len > 1)
        return FAIL_NULL(VIR_ERR_MULTIPLE_INTERFACES, "%u interfaces have the MAC address '%s': look them up by name",
                         found->len, mac);
    return managed_handle(conn, found->pdata[0]);
}

/* ---- life ---- */

static virInterfacePtr interface_define_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->interfaces, flags, VIR_INTERFACE_DEFINE_VALIDATE, NULL);
    LOOK(conn->tables->interfaces, NULL);
    return managed_define_xml(conn, conn->tables->interfaces, xml, flags & VIR_INTERFACE_DEFINE_VALIDATE, __func__);
}

static int interface_undefine(virInterfacePtr iface)
{
    g_auto(ManagedJob) job = { NULL };
    return interface_job(&job, iface, __func__) < 0 ? -1 : managed_undefine(&job);
}

static int interface_create(virInterfacePtr iface, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(iface->o.conn->tables->interfaces, flags, 0, -1);
    return interface_job(&job, iface, __func__) < 0 ? -1 : managed_start(&job);
}

static int interface_destroy(virInterfacePtr iface, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(iface->o.conn->tables->interfaces, flags, 0, -1);
    return interface_job(&job, iface, __func__) < 0 ? -1 : managed_stop(&job);
}

/* ---- answers ---- */

static char *interface_get_xml_desc(virInterfacePtr iface, unsigned int flags)
{
    MANAGED_FLAGS(iface->o.conn->tables->interfaces, flags, VIR_INTERFACE_XML_INACTIVE, NULL);
    LOOK(iface->o.conn->tables->interfaces, NULL);
    return managed_xml(iface->o.conn->tables->interfaces, NULL, iface->name,
                       flags & VIR_INTERFACE_XML_INACTIVE ? XML_INACTIVE : 0);
}

static int interface_is_active(virInterfacePtr iface)
{
    LOOK(iface->o.conn->tables->interfaces, -1);
    return managed_is_active(iface->o.conn->tables->interfaces, NULL, iface->name);
}

/* ---- changes that can be taken back ---- */

static int interface_change_begin(virConnectPtr conn, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->interfaces, flags, 0, -1);
    return hostif_change_begin(managed_table_priv(conn->tables->interfaces));
}

static int interface_change_commit(virConnectPtr conn, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->interfaces, flags, 0, -1);
    return hostif_change_commit(managed_table_priv(conn->tables->interfaces));
}

static int interface_change_rollback(virConnectPtr conn, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->interfaces, flags, 0, -1);
    return hostif_change_rollback(managed_table_priv(conn->tables->interfaces));
}

const HostInterfaceDriver hostif_functions = {
    .connect_num_of_interfaces = connect_num_of_interfaces,
    .connect_list_interfaces = connect_list_interfaces,
    .connect_num_of_defined_interfaces = connect_num_of_defined_interfaces,
    .connect_list_defined_interfaces = connect_list_defined_interfaces,
    .connect_list_all_interfaces = connect_list_all_interfaces,
    .interface_lookup_by_name = interface_lookup_by_name,
    .interface_lookup_by_mac_string = interface_lookup_by_mac_string,
    .interface_get_xml_desc = interface_get_xml_desc,
    .interface_define_xml = interface_define_xml,
    .interface_undefine = interface_undefine,
    .interface_create = interface_create,
    .interface_destroy = interface_destroy,
    .interface_change_begin = interface_change_begin,
    .interface_change_commit = interface_change_commit,
    .interface_change_rollback = interface_change_rollback,
    .interface_is_active = interface_is_active,
};
