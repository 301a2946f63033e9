/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions that look at node devices.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include "nodedev/api.h"
#include <string.h>

#define CAP_FLAGS (VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_MEMBER * 2u - 1)

/* Flags about the state by those of managed_list(). */
static const struct { unsigned int flag; unsigned int managed; } state_flags[] = {
    { VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE, MANAGED_LIST_ACTIVE },
    { VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE, MANAGED_LIST_INACTIVE },
    { VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT, MANAGED_LIST_PERSISTENT },
    { VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT, MANAGED_LIST_TRANSIENT },
};
#define STATE_FLAGS (VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE | \
    VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT | VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT)

/* ---- lists ---- */

static gboolean has_caps(Managed *obj, const ManagedState *state, void *opaque)
{
    unsigned int wanted = *(unsigned int *) opaque & CAP_FLAGS;
    return !wanted || (wanted & nodedev_caps(nodedev_def(state)));
}

static int connect_list_all_node_devices(virConnectPtr conn, virNodeDevicePtr **devices, unsigned int flags)
{
    unsigned int managed = 0;
    CHECK_FLAGS(flags, CAP_FLAGS | STATE_FLAGS, -1);
    for (guint i = 0; i < G_N_ELEMENTS(state_flags); i++) {
        if (flags & state_flags[i].flag)
            managed |= state_flags[i].managed;
    }
    return managed_list(nodedev_api_devices(conn), conn, managed, has_caps, &flags, devices);
}

/* The active devices with the capability @cap (NULL: all). */
static GPtrArray *with_cap(virConnectPtr conn, const char *cap)
{
    unsigned int flag = cap ? nodedev_cap_flag(cap) : 0;
    if (cap && !flag)
        return g_ptr_array_new();
    return managed_objects(nodedev_api_devices(conn), MANAGED_LIST_ACTIVE, has_caps, &flag);
}

static int node_num_of_devices(virConnectPtr conn, const char *cap, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    g_autoptr(GPtrArray) found = with_cap(conn, cap);
    return (int) found->len;
}

static int node_list_devices(virConnectPtr conn, const char *cap, char **const names, int max, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    g_autoptr(GPtrArray) found = with_cap(conn, cap);
    int n = MIN(max, (int) found->len);
    for (int i = 0; i < n; i++)
        names[i] = g_strdup(MANAGED_NAME((Managed *) found->pdata[i]));
    return n;
}

/* ---- finding ---- */

static virNodeDevicePtr node_device_lookup_by_name(virConnectPtr conn, const char *name)
{
    return managed_lookup(conn, nodedev_api_devices(conn), NULL, name);
}

static gboolean has_wwn(Managed *obj, const ManagedState *state, void *opaque)
{
    const char **wwn = opaque;
    return nodedev_has_wwn(nodedev_def(state), wwn[0], wwn[1], NULL);
}

static virNodeDevicePtr lookup_scsi_host_by_wwn(virConnectPtr conn, const char *wwnn, const char *wwpn, unsigned int flags)
{
    const char *wwn[] = { wwnn, wwpn };
    CHECK_FLAGS(flags, 0, NULL);
    g_autoptr(GPtrArray) found = managed_objects(nodedev_api_devices(conn), MANAGED_LIST_ACTIVE, has_wwn, wwn);
    if (!found->len)
        return FAIL_NULL(VIR_ERR_NO_NODE_DEVICE, "no SCSI host with wwnn '%s' and wwpn '%s'", wwnn, wwpn);
    return managed_handle(conn, found->pdata[0]);
}

/* ---- answers ---- */

/* The state of a handle's device; NULL with an error. */
static ManagedState *state_of(virNodeDevicePtr dev)
{
    ManagedState *state = NULL;
    g_autoptr(Managed) obj = managed_find_state(nodedev_api_devices(dev->o.conn), NULL, dev->name, &state);
    return state;
}

static const char *node_device_get_parent(virNodeDevicePtr dev)
{
    g_autoptr(ManagedState) state = state_of(dev);
    return state ? node_device_handle_set_parent(dev, nodedev_def(state)->parent.value) : NULL;
}

static int node_device_num_of_caps(virNodeDevicePtr dev)
{
    g_autoptr(ManagedState) state = state_of(dev);
    return state ? (int) nodedev_def(state)->n_caps : -1;
}

static int node_device_list_caps(virNodeDevicePtr dev, char **const names, int max)
{
    g_autoptr(ManagedState) state = state_of(dev);
    if (!state)
        return -1;
    const NodedevDef *def = nodedev_def(state);
    int n = MIN(max, (int) def->n_caps);
    for (int i = 0; i < n; i++)
        names[i] = g_strdup(nodedev_cap_type_to_string(def->caps[i]->type));
    return n;
}

static char *node_device_get_xml_desc(virNodeDevicePtr dev, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_NODE_DEVICE_XML_INACTIVE, NULL);
    return managed_xml(nodedev_api_devices(dev->o.conn), NULL, dev->name,
                       flags & VIR_NODE_DEVICE_XML_INACTIVE ? XML_INACTIVE : 0);
}

static int node_device_get_autostart(virNodeDevicePtr dev, int *autostart)
{
    return managed_get_autostart(nodedev_api_devices(dev->o.conn), NULL, dev->name, autostart);
}

static int node_device_is_persistent(virNodeDevicePtr dev)
{
    return managed_is_persistent(nodedev_api_devices(dev->o.conn), NULL, dev->name);
}

static int node_device_is_active(virNodeDevicePtr dev)
{
    return managed_is_active(nodedev_api_devices(dev->o.conn), NULL, dev->name);
}

const NodedevDriver nodedev_functions = {
    .node_num_of_devices = node_num_of_devices,
    .node_list_devices = node_list_devices,
    .connect_list_all_node_devices = connect_list_all_node_devices,
    .node_device_lookup_by_name = node_device_lookup_by_name,
    .node_device_lookup_scsi_host_by_wwn = lookup_scsi_host_by_wwn,
    .node_device_get_parent = node_device_get_parent,
    .node_device_num_of_caps = node_device_num_of_caps,
    .node_device_list_caps = node_device_list_caps,
    .node_device_get_xml_desc = node_device_get_xml_desc,
    .node_device_dettach = nodedev_dettach,
    .node_device_detach_flags = nodedev_detach_flags,
    .node_device_re_attach = nodedev_reattach,
    .node_device_reset = nodedev_reset,
    .node_device_create_xml = nodedev_create_xml,
    .node_device_destroy = nodedev_destroy,
    .node_device_define_xml = nodedev_define_xml,
    .node_device_undefine = nodedev_undefine,
    .node_device_create = nodedev_create,
    .node_device_set_autostart = nodedev_set_autostart,
    .node_device_get_autostart = node_device_get_autostart,
    .node_device_is_persistent = node_device_is_persistent,
    .node_device_is_active = node_device_is_active,
    .node_device_update = nodedev_update,
};
