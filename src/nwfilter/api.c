/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on network filters and their bindings. Arguments have been checked by the entry points.
 */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#include "nwfilter/functions.h"
#include "base/error.h"

static NwfilterHost *host_of(virConnectPtr conn) { return managed_table_priv(conn->tables->nwfilters); }

/* ---- filters ---- */

static int num_of_filters(virConnectPtr conn)
{
    return managed_count(conn->tables->nwfilters, 0);
}

static int list_filters(virConnectPtr conn, char **const names, int max)
{
    return managed_names(conn->tables->nwfilters, 0, (char **) names, max);
}

static int list_all_filters(virConnectPtr conn, virNWFilterPtr **filters, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    return managed_list(conn->tables->nwfilters, conn, 0, NULL, NULL, filters);
}

static virNWFilterPtr lookup_by_name(virConnectPtr conn, const char *name)
{
    return managed_lookup(conn, conn->tables->nwfilters, NULL, name);
}

static virNWFilterPtr lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
    return managed_lookup(conn, conn->tables->nwfilters, uuid, NULL);
}

static virNWFilterPtr define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_NWFILTER_DEFINE_VALIDATE, NULL);
    NwfilterDef *def = managed_parse(conn->tables->nwfilters, xml, flags & VIR_NWFILTER_DEFINE_VALIDATE);
    g_autoptr(Managed) obj = def ? nwfilter_host_define(host_of(conn), def, __func__) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

static virNWFilterPtr define_xml(virConnectPtr conn, const char *xml)
{
    return define_xml_flags(conn, xml, 0);
}

static int undefine(virNWFilterPtr filter)
{
    return nwfilter_host_undefine(host_of(filter->o.conn), filter->uuid, __func__);
}

static char *get_xml_desc(virNWFilterPtr filter, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, NULL);
    return managed_xml(filter->o.conn->tables->nwfilters, filter->uuid, NULL, 0);
}

/* ---- bindings ---- */

static virNWFilterBindingPtr lookup_by_port_dev(virConnectPtr conn, const char *portdev)
{
    return managed_lookup(conn, conn->tables->nwfilter_bindings, NULL, portdev);
}

static int list_all_bindings(virConnectPtr conn, virNWFilterBindingPtr **bindings, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    return managed_list(conn->tables->nwfilter_bindings, conn, 0, NULL, NULL, bindings);
}

static virNWFilterBindingPtr binding_create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_NWFILTER_BINDING_CREATE_VALIDATE, NULL);
    NwfilterBindingDef *def = managed_parse(conn->tables->nwfilter_bindings, xml, flags & VIR_NWFILTER_BINDING_CREATE_VALIDATE);
    g_autoptr(Managed) obj = def ? nwfilter_host_bind(host_of(conn), def, 0, __func__) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

static char *binding_get_xml_desc(virNWFilterBindingPtr binding, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, NULL);
    return managed_xml(binding->o.conn->tables->nwfilter_bindings, NULL, binding->portdev, 0);
}

static int binding_delete(virNWFilterBindingPtr binding)
{
    return nwfilter_host_unbind(host_of(binding->o.conn), binding->portdev, __func__);
}

const NwfilterDriver nwfilter_functions = {
    .connect_num_of_nwfilter_s = num_of_filters,
    .connect_list_nwfilter_s = list_filters,
    .connect_list_all_nwfilter_s = list_all_filters,
    .nwfilter_lookup_by_name = lookup_by_name,
    .nwfilter_lookup_by_uuid = lookup_by_uuid,
    .nwfilter_define_xml = define_xml,
    .nwfilter_define_xml_flags = define_xml_flags,
    .nwfilter_undefine = undefine,
    .nwfilter_get_xml_desc = get_xml_desc,
    .nwfilter_binding_lookup_by_port_dev = lookup_by_port_dev,
    .connect_list_all_nwfilter_bindings = list_all_bindings,
    .nwfilter_binding_create_xml = binding_create_xml,
    .nwfilter_binding_get_xml_desc = binding_get_xml_desc,
    .nwfilter_binding_delete = binding_delete,
};
