/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions that make, change and remove node devices.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include "nodedev/api.h"
#include <string.h>
#include "base/uuid.h"
#include "core/event_table.h"

static int device_job(ManagedJob *job, virNodeDevicePtr dev, const char *api)
{
    return managed_job_begin(job, nodedev_api_devices(dev->o.conn), NULL, dev->name, api);
}

/* ---- what is to be made ---- */

/* A definition that owns itself. */
static Definition *read_new(const char *xml, gboolean validate)
{
    NodedevDef *def = definition_read(&NODEDEV_ROOT, xml, validate);
    if (!def)
        return NULL;
    if (nodedev_complete_new(def) == 0)
        return definition_new(&NODEDEV_ROOT, def);
    definition_error_in(xml, &NODEDEV_ROOT, NULL);
    xml_struct_free(&NODEDEV_DEF_DESC, def);
    return NULL;
}

static gboolean is_parent(Managed *obj, const ManagedState *state, void *opaque)
{
    const NodedevParent *wanted = opaque;
    const NodedevDef *def = nodedev_def(state);
    if (wanted->value)
        return strcmp(MANAGED_NAME(obj), wanted->value) == 0;
    if (wanted->wwnn || wanted->fabric_wwn)
        return nodedev_has_wwn(def, wanted->wwnn, wanted->wwpn, wanted->fabric_wwn);
    return nodedev_scsi_host(def, NODEDEV_SCSI_HOST_SUBCAP_TYPE_VPORT_OPS) != NULL;
}

/* The running device that @def wants to hang on, by its name, its world wide names, its fabric; without any the first that can
 * have virtual ports. Caller unrefs. */
static Definition *find_parent(NodedevHost *host, const NodedevDef *def)
{
    g_autoptr(GPtrArray) found = managed_objects(nodedev_host_devices(host), MANAGED_LIST_ACTIVE, is_parent,
                                                 (void *) &def->parent);
    g_autoptr(ManagedState) state = found->len ? managed_state(found->pdata[0]) : NULL;
    if (!state || !state->live)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "there is no device '%s' that the new one could hang on",
                         def->parent.value ? def->parent.value : def->parent.wwnn ? def->parent.wwnn
                         : def->parent.fabric_wwn ? def->parent.fabric_wwn : "vport_ops");
    return definition_ref(state->live);
}

/* ---- virtual ports ---- */

static virNodeDevicePtr make_vport(virConnectPtr conn, const NodedevDef *def)
{
    NodedevHost *host = nodedev_api_host(conn);
    const NodedevBackend *backend = nodedev_host_backend(host);
    g_autofree char *name = NULL;
    g_autoptr(Definition) parent = find_parent(host, def);
    if (!parent)
        return NULL;
    const NodedevDef *above = definition_get(parent);
    if (!nodedev_scsi_host(above, NODEDEV_SCSI_HOST_SUBCAP_TYPE_VPORT_OPS))
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "device '%s' can have no virtual ports", above->name);
    if (!backend->make_vport)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "virtual ports can't be made on this host");
    return backend->make_vport(host, def, above, &name) < 0 ? NULL : managed_lookup(conn, nodedev_api_devices(conn), NULL, name);
}

/* ---- mediated devices ---- */

/* A copy of @new with UUID, name and the parent's name; NULL with an error. */
static NodedevDef *plan_mdev(NodedevHost *host, Definition *new)
{
    const NodedevBackend *backend = nodedev_host_backend(host);
    const NodedevDef *wanted = definition_get(new);
    if (!nodedev_mdev(wanted) || !backend->name_mdev)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "a device that can be made here is %sa port of a Fibre Channel host",
                         backend->name_mdev ? "mediated or " : "");
    g_autoptr(Definition) parent = find_parent(host, wanted);
    if (!parent)
        return NULL;
    NodedevDef *def = definition_copy(new);
    NodedevMdev *mdev = (NodedevMdev *) nodedev_mdev(def);
    if (!mdev->has_uuid)
        uuid_generate(mdev->uuid);
    mdev->has_uuid = true;
    g_free(def->name);
    def->name = backend->name_mdev(host, def, definition_get(parent));
    if (def->name)
        return def;
    xml_struct_free(&NODEDEV_DEF_DESC, def);
    return NULL;
}

virNodeDevicePtr nodedev_create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, NULL);
    g_autoptr(Definition) new = read_new(xml, flags & VIR_NODE_DEVICE_CREATE_XML_VALIDATE);
    if (!new)
        return NULL;
    if (nodedev_scsi_host(definition_get(new), NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST))
        return make_vport(conn, definition_get(new));
    NodedevDef *def = plan_mdev(nodedev_api_host(conn), new);
    g_autoptr(Managed) obj = def ? managed_create(nodedev_api_devices(conn), def, __func__) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

virNodeDevicePtr nodedev_define_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_NODE_DEVICE_DEFINE_XML_VALIDATE, NULL);
    g_autoptr(Definition) new = read_new(xml, flags & VIR_NODE_DEVICE_DEFINE_XML_VALIDATE);
    NodedevDef *def = new ? plan_mdev(nodedev_api_host(conn), new) : NULL;
    g_autoptr(Managed) obj = def ? managed_define(nodedev_api_devices(conn), def, __func__) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

/* ---- life ---- */

int nodedev_create(virNodeDevicePtr dev, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    CHECK_FLAGS(flags, 0, -1);
    return device_job(&job, dev, __func__) < 0 ? -1 : managed_start(&job);
}

int nodedev_destroy(virNodeDevicePtr dev)
{
    g_auto(ManagedJob) job = { NULL };
    return device_job(&job, dev, __func__) < 0 ? -1 : managed_stop(&job);
}

int nodedev_undefine(virNodeDevicePtr dev, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    CHECK_FLAGS(flags, 0, -1);
    return device_job(&job, dev, __func__) < 0 ? -1 : managed_undefine(&job);
}

int nodedev_set_autostart(virNodeDevicePtr dev, int autostart)
{
    g_auto(ManagedJob) job = { NULL };
    NodedevHost *host = nodedev_api_host(dev->o.conn);
    const NodedevBackend *backend = nodedev_host_backend(host);
    if (device_job(&job, dev, __func__) < 0 ||
        (job.state->config && backend->autostart_mdev && backend->autostart_mdev(host, definition_get(job.state->config), autostart != 0) < 0))
        return -1;
    return managed_set_autostart(&job, autostart != 0);
}

/* ---- changes of mediated devices ---- */

static void replace_attrs(NodedevMdev *mdev, const NodedevMdev *with)
{
    while (mdev->n_attrs)
        xml_struct_free(&NODEDEV_MDEV_ATTR_DESC, mdev->attrs[--mdev->n_attrs]);
    for (guint i = 0; i < with->n_attrs; i++)
        XML_LIST_APPEND(mdev->attrs, mdev->n_attrs, xml_struct_copy(&NODEDEV_MDEV_ATTR_DESC, with->attrs[i]));
}

static int edit(Managed *obj, void *def, gboolean live, void *opaque)
{
    NodedevHost *host = managed_table_priv(obj->table);
    const NodedevBackend *backend = nodedev_host_backend(host);
    const NodedevMdev *with = opaque;
    NodedevMdev *mdev = (NodedevMdev *) nodedev_mdev(def);
    if (live && !backend->update_mdev)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "node device '%s' can't be changed while it runs", MANAGED_NAME(obj));
    NodedevDef *old = xml_struct_copy(&NODEDEV_DEF_DESC, def);
    replace_attrs(mdev, with);
    int rc = live ? backend->update_mdev(host, old, def) : 0;
    xml_struct_free(&NODEDEV_DEF_DESC, old);
    return rc;
}

/* Only the settings may change. */
static int check_update(const char *name, const NodedevDef *is, const NodedevDef *new)
{
    const NodedevMdev *mdev = nodedev_mdev(is), *with = nodedev_mdev(new);
    if (!mdev || !with)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "only mediated devices can be changed, and node device '%s' %s", name,
                    mdev ? "would be none" : "is none");
    if (strcmp(mdev->type_id, with->type_id) != 0 ||
        (with->has_uuid && memcmp(mdev->uuid, with->uuid, sizeof(mdev->uuid)) != 0) ||
        (new->parent.value && g_strcmp0(is->parent.value, new->parent.value) != 0))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "type, UUID and parent of node device '%s' can't be changed", name);
    return 0;
}

int nodedev_update(virNodeDevicePtr dev, const char *xml, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    CHECK_FLAGS(flags, VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE | VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG, -1);
    g_autoptr(Definition) new = read_new(xml, FALSE);
    if (!new || device_job(&job, dev, __func__) < 0 ||
        check_update(dev->name, nodedev_def(job.state), definition_get(new)) < 0)
        return -1;
    unsigned int scope = managed_scope(job.obj, job.state, flags);
    return scope ? managed_edit(&job, scope, edit, (void *) nodedev_mdev(definition_get(new)),
                                event_node_device_update_new(dev->name)) : -1;
}

/* ---- devices for guests ---- */

typedef int (*PciWork)(NodedevHost *host, const NodedevDef *def);

static int begin_pci(ManagedJob *job, virNodeDevicePtr dev, const char *api)
{
    if (device_job(job, dev, api) < 0)
        return -1;
    return nodedev_caps(nodedev_def(job->state)) & VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV ? 0
        : FAIL(VIR_ERR_INVALID_ARG, "node device '%s' is no PCI device", dev->name);
}

static int detach(virNodeDevicePtr dev, const char *driver, const char *api)
{
    g_auto(ManagedJob) job = { NULL };
    NodedevHost *host = nodedev_api_host(dev->o.conn);
    const NodedevBackend *backend = nodedev_host_backend(host);
    if (begin_pci(&job, dev, api) < 0)
        return -1;
    if (!backend->detach)
        return FAIL(VIR_ERR_NO_SUPPORT, "node device '%s' can't be taken from this host", dev->name);
    return backend->detach(host, nodedev_def(job.state), driver);
}

int nodedev_dettach(virNodeDevicePtr dev)
{
    return detach(dev, NULL, __func__);
}

int nodedev_detach_flags(virNodeDevicePtr dev, const char *driver, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    return detach(dev, driver, __func__);
}

static int work(virNodeDevicePtr dev, PciWork what, const char *api)
{
    g_auto(ManagedJob) job = { NULL };
    if (begin_pci(&job, dev, api) < 0)
        return -1;
    if (!what)
        return FAIL(VIR_ERR_NO_SUPPORT, "that can't be done with node device '%s' of this host", dev->name);
    return what(nodedev_api_host(dev->o.conn), nodedev_def(job.state));
}

int nodedev_reattach(virNodeDevicePtr dev)
{
    return work(dev, nodedev_host_backend(nodedev_api_host(dev->o.conn))->reattach, __func__);
}

int nodedev_reset(virNodeDevicePtr dev)
{
    return work(dev, nodedev_host_backend(nodedev_api_host(dev->o.conn))->reset, __func__);
}
