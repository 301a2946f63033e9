/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "nodedev.backend"
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/pci.h"
#include "core/node.h"
#include "drivers/nodedev/nodedev_driver.h"

/* How long a virtual port may take to appear. */
#define PORT_MS 10000

/* ---- PCI devices for guests ---- */

static const NodedevPci *pci_of(const NodedevDef *def, PciAddress *address)
{
    for (guint i = 0; i < def->n_caps; i++) {
        const NodedevPci *pci = &def->caps[i]->pci;
        if (def->caps[i]->type != NODEDEV_CAP_TYPE_PCI)
            continue;
        *address = (PciAddress) { 0 };
        address->domain = pci->domain;
        address->bus = pci->bus;
        address->slot = pci->slot;
        address->function = pci->function;
        return pci;
    }
    return NULL;
}

/* The address of a device that no guest has. -1 with an error. */
static int free_device(const NodedevDef *def, PciAddress *address)
{
    if (!pci_of(def, address))
        return FAIL(VIR_ERR_INVALID_ARG, "node device '%s' is no PCI device", def->name);
    g_autofree char *owner = node_get()->pci_owner ? node_get()->pci_owner(address) : NULL;
    return owner ? FAIL(VIR_ERR_OPERATION_INVALID, "node device '%s' is in use by domain '%s'", def->name, owner) : 0;
}

static int detach(NodedevHost *host, const NodedevDef *def, const char *driver)
{
    PciAddress address;
    /* names that older programs use */
    if (driver && strcmp(driver, "vfio") == 0)
        driver = PCI_GUEST_DRIVER;
    if (driver && !g_str_has_prefix(driver, "vfio") && strcmp(driver, "xen") != 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "driver '%s' holds no devices for guests; '%s' does", driver, PCI_GUEST_DRIVER);
    return free_device(def, &address) < 0 ? -1 : pci_detach(HOST_SYSFS, &address, driver);
}

static int reattach(NodedevHost *host, const NodedevDef *def)
{
    PciAddress address;
    return free_device(def, &address) < 0 ? -1 : pci_reattach(HOST_SYSFS, &address);
}

static int reset(NodedevHost *host, const NodedevDef *def)
{
    PciAddress address;
    return free_device(def, &address) < 0 ? -1 : pci_reset(HOST_SYSFS, &address);
}

/* ---- virtual ports ---- */

static int write_port(const char *host, const char *file, const NodedevScsiHostSubcap *names)
{
    static const char *const classes[] = { "fc_host", "scsi_host" };
    g_autofree char *text = g_strdup_printf("%s:%s", names->wwpn, names->wwnn);
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
        g_autofree char *path = g_strdup_printf(HOST_SYSFS "/class/%s/%s/%s", classes[i], host, file);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return FAIL_ERRNO(errno, "cannot open '%s'", path);
        int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
        close(fd);
        return error ? FAIL_ERRNO(error, "cannot write '%s' to '%s'", text, path) : 0;
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "device '%s' can have no virtual ports", host);
}

static gboolean is_port(Managed *obj, const ManagedState *state, void *opaque)
{
    const NodedevScsiHostSubcap *names = opaque;
    return nodedev_has_wwn(definition_get(managed_definition(state)), names->wwnn, names->wwpn, NULL);
}

static const char *sys_name(const NodedevDef *def)
{
    return g_str_has_prefix(def->name, "scsi_") ? def->name + strlen("scsi_") : def->name;
}

static int make_vport(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent, char **name)
{
    const NodedevScsiHostSubcap *names = nodedev_scsi_host(def, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
    if (write_port(sys_name(parent), "vport_create", names) < 0)
        return -1;
    g_autoptr(Managed) port = nodedev_host_wait_for(host, is_port, (void *) names, PORT_MS);
    *name = port ? g_strdup(MANAGED_NAME(port)) : NULL;
    return port ? 0 : FAIL(VIR_ERR_OPERATION_TIMEOUT, "the virtual port on '%s' did not appear in %d s", parent->name, PORT_MS / 1000);
}

static int remove_device(NodedevHost *host, const NodedevDef *def)
{
    const NodedevScsiHostSubcap *names = nodedev_scsi_host(def, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
    if (nodedev_mdev(def))
        return mdev_stop(def);
    if (!names || !def->parent.value)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "node device '%s' can't be removed: only mediated devices and virtual ports can", def->name);
    g_autoptr(Managed) above = managed_peek(nodedev_host_devices(host), NULL, def->parent.value);
    g_autoptr(ManagedState) state = above ? managed_state(above) : NULL;
    if (!state || !state->live || !nodedev_scsi_host(definition_get(state->live), NODEDEV_SCSI_HOST_SUBCAP_TYPE_VPORT_OPS))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "node device '%s' can't be removed: it is no virtual port", def->name);
    return write_port(sys_name(definition_get(state->live)), "vport_delete", names);
}

const NodedevBackend nodedev_node_backend = {
    .make_vport = make_vport,
    .name_mdev = mdev_name,
    .keep_mdev = mdev_keep,
    .autostart_mdev = mdev_set_autostart,
    .start_mdev = mdev_start,
    .remove = remove_device,
    .detach = detach,
    .reattach = reattach,
    .reset = reset,
};
