/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/host/sriov.h"
#include <stdio.h>
#include <unistd.h>
#include "base/error.h"
#include "base/netlink.h"
#include "core/host/pci.h"

/* More functions than a card has, which the standard counts with 16 bits, and than are believed. */
#define FUNCTIONS_MAX 4096

/* Where a link of sysfs leads, as an address. */
static bool read_link(const char *folder, const char *name, PciAddress *pci)
{
    g_autofree char *link = g_build_filename(folder, name, NULL), *target = g_file_read_link(link, NULL);
    g_autofree char *last = target ? g_path_get_basename(target) : NULL;
    guint domain, bus, slot, function;
    int end = 0;
    if (!last || sscanf(last, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 || last[end] || slot > 31 || function > 7)
        return false;
    *pci = (PciAddress) { .domain = domain, .bus = (guint8) bus, .slot = (guint8) slot, .function = (guint8) function };
    return true;
}

static bool read_function(const char *folder, guint number, PciAddress *pci)
{
    g_autofree char *name = g_strdup_printf("virtfn%u", number);
    return read_link(folder, name, pci);
}

GArray *sriov_functions(const char *sysfs, const char *device)
{
    g_autofree char *folder = g_strdup_printf("%s/class/net/%s/device", sysfs, device);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(PciAddress));
    PciAddress pci;
    if (!netlink_name_is_valid(device))
        return FAIL_NULL(VIR_ERR_XML_ERROR, "'%s' can't be the name of a network device", device);
    if (access(folder, F_OK) < 0)
        return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "the host has no network card '%s' ('ip link' lists its network devices)", device);
    for (guint i = 0; i < FUNCTIONS_MAX && read_function(folder, i, &pci); i++)
        g_array_append_val(found, pci);
    if (found->len)
        return g_steal_pointer(&found);
    return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "network card '%s' has no virtual functions: 'echo 4 > /sys/class/net/%s/device/sriov_numvfs' makes "
                     "four, if card and firmware can (SR-IOV)", device, device);
}

/* The only network device below a folder of a PCI device; NULL if there is none. */
static char *device_in(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "net", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name = dir ? g_dir_read_name(dir) : NULL;
    return netlink_name_is_valid(name) ? g_strdup(name) : NULL;
}

char *sriov_net_device(const char *sysfs, const PciAddress *pci)
{
    g_autofree char *name = pci_name(pci), *folder = g_strdup_printf("%s/bus/pci/devices/%s", sysfs, name);
    return device_in(folder);
}

static bool same(const PciAddress *a, const PciAddress *b)
{
    return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot && a->function == b->function;
}

char *sriov_parent(const char *sysfs, const PciAddress *pci, guint *number)
{
    g_autofree char *name = pci_name(pci), *folder = g_strdup_printf("%s/bus/pci/devices/%s", sysfs, name);
    g_autofree char *parent = g_build_filename(folder, "physfn", NULL), *device = device_in(parent);
    PciAddress one;
    if (access(folder, F_OK) < 0)
        return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "the host has no PCI device '%s'", name);
    if (access(parent, F_OK) < 0)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "PCI device '%s' is no virtual function of a network card, so nobody can give it the guest's "
                         "hardware address: a <hostdev> passes it as it is", name);
    if (!device)
        return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "the network card of PCI device '%s' has no network device on the host: its driver isn't loaded",
                         name);
    for (guint i = 0; i < FUNCTIONS_MAX && read_function(parent, i, &one); i++) {
        if (!same(&one, pci))
            continue;
        *number = i;
        return g_steal_pointer(&device);
    }
    return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "network card '%s' doesn't know of its virtual function '%s'", device, name);
}
