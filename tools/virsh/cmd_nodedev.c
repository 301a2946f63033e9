/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host: lists, facts, detaching, changes. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static const VirshName capabilities[] = {
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM, "system"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV, "pci"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV, "usb_device"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE, "usb"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET, "net"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST, "scsi_host"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET, "scsi_target"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI, "scsi"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE, "storage"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST, "fc_host"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS, "vports"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_GENERIC, "scsi_generic"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM, "drm"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES, "mdev_types"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV, "mdev"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV, "ccw"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV, "css"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA, "vdpa"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD, "ap_card"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE, "ap_queue"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX, "ap_matrix"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD, "vpd"},
    {VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_DEV, "ccwgroup"},
    {0, NULL},
};

/* The flags that the options ask for; false after an error printed. */
static bool list_flags(Shell *shell, const Cmd *cmd, unsigned int *flags)
{
    const char *text = NULL;
    g_auto(GStrv) words = NULL;

    *flags = cmd_flags(cmd);
    if (cmd_string(shell, cmd, "cap", &text) < 0)
        return false;
    words = text ? virsh_list(text) : NULL;
    for (char **word = words; word && *word; word++) {
        int flag = 0;

        if (!virsh_value(capabilities, *word, &flag))
            return shell_error(shell, "Invalid capability type");
        *flags |= flag;
    }
    if (cmd_has(cmd, "all") && cmd_has(cmd, "inactive"))
        return shell_error(shell, "Option --all is incompatible with --inactive");
    if (cmd_has(cmd, "tree") && (text || cmd_has(cmd, "inactive")))
        return shell_error(shell, "Option --tree is incompatible with --cap and --inactive");
    /* what has no idea of inactive devices knows neither flag: ask for them only where it matters */
    if (cmd_has(cmd, "inactive"))
        *flags |= VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    else if (!cmd_has(cmd, "all"))
        *flags |= VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE;
    else
        *flags |= VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    return true;
}

static int compare_devices(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virNodeDeviceGetName(*(virNodeDevicePtr *)a), virNodeDeviceGetName(*(virNodeDevicePtr *)b));
}

static json_object *device_json(virNodeDevicePtr device)
{
    json_object *one = json_object_new_object();
    const char *parent = virNodeDeviceGetParent(device);

    shell_json_string(one, "name", virNodeDeviceGetName(device));
    shell_json_string(one, "parent", parent && *parent ? parent : NULL);
    return one;
}

static bool print_devices(Shell *shell, const Cmd *cmd, virNodeDevicePtr *devices, int count)
{
    g_autofree VirshTree *nodes = NULL;
    json_object *list;

    if (shell_json(cmd)) {
        list = json_object_new_array();
        for (int i = 0; i < count; i++)
            json_object_array_add(list, device_json(devices[i]));
        return shell_json_print(shell, list);
    }
    nodes = g_new0(VirshTree, count + 1);
    for (int i = 0; i < count; i++) {
        const char *parent = cmd_has(cmd, "tree") ? virNodeDeviceGetParent(devices[i]) : NULL;

        nodes[i] = (VirshTree){virNodeDeviceGetName(devices[i]), parent && *parent ? parent : NULL};
        if (!cmd_has(cmd, "tree"))
            shell_print(shell, "%s\n", nodes[i].name);
    }
    if (cmd_has(cmd, "tree"))
        virsh_print_tree(shell, nodes, count);
    return true;
}

bool cmd_nodedev_list(Shell *shell, const Cmd *cmd)
{
    virNodeDevicePtr *devices = NULL;
    unsigned int flags = 0;
    bool done;
    int count;

    if (!list_flags(shell, cmd, &flags))
        return false;
    count = virConnectListAllNodeDevices(virsh_conn(shell), &devices, flags);
    if (count < 0)
        return shell_error(shell, "Failed to list node devices");
    qsort(devices, count, sizeof(*devices), compare_devices);
    done = print_devices(shell, cmd, devices, count);
    for (int i = 0; i < count; i++)
        virNodeDeviceFree(devices[i]);
    free(devices);
    return done;
}

bool cmd_nodedev_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNodeDevice) device = virsh_nodedev(shell, cmd);
    g_autoptr(VirshRecord) record = virsh_record_new();
    const char *parent;
    int autostart = 0;

    if (!device)
        return false;
    parent = virNodeDeviceGetParent(device);
    if (virNodeDeviceGetAutostart(device, &autostart) < 0)
        autostart = -1;
    virsh_record_text(record, "Name", "name", virNodeDeviceGetName(device));
    virsh_record_text(record, "Parent", "parent", parent ? parent : "");
    virsh_record_flag(record, "Active", "active", virNodeDeviceIsActive(device), "unknown");
    virsh_record_flag(record, "Persistent", "persistent", virNodeDeviceIsPersistent(device), "unknown");
    virsh_record_flag(record, "Autostart", "autostart", autostart, "no autostart");
    client_error_forget(); /* a driver that knows no inactive devices */
    return virsh_record_print(shell, cmd, record, 15);
}

bool cmd_nodedev_detach(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNodeDevice) device = virsh_nodedev(shell, cmd);
    const char *driver = NULL;

    if (!device || cmd_string(shell, cmd, "driver", &driver) < 0)
        return false;
    if ((driver ? virNodeDeviceDetachFlags(device, driver, 0) : virNodeDeviceDettach(device)) < 0)
        return shell_error(shell, "Failed to detach device %s", virNodeDeviceGetName(device));
    shell_print_extra(shell, "Device %s detached\n", virNodeDeviceGetName(device));
    return true;
}

bool cmd_nodedev_update(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNodeDevice) device = virsh_nodedev(shell, cmd);
    g_autofree char *xml = NULL;
    unsigned int flags = cmd_flags(cmd);

    if (!device || virsh_affect(shell, cmd) < 0 || !(xml = virsh_read_option(shell, cmd, "file")))
        return false;
    if (virNodeDeviceUpdate(device, xml, flags) < 0)
        return shell_error(shell, "Failed to update node device %s from '%s'", virNodeDeviceGetName(device),
                           cmd_get(cmd, "file"));
    shell_print_extra(shell, "Updated node device %s %s\n", virNodeDeviceGetName(device),
                      virsh_affected(flags, virNodeDeviceIsActive(device) == 1));
    return true;
}
