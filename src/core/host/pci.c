/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "host.pci"
#include "core/host/pci.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "core/host/host.h"

static int sysfs_write(const char *path, const char *text)
{
    return host_write(path, text, 0) == 0 ? 0 : FAIL_ERRNO(errno, "cannot write '%s' to '%s'", text, path);
}

char *pci_name(const PciAddress *pci)
{
    return g_strdup_printf("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
}

static char *folder_of_device(const char *sysfs, const char *name)
{
    return g_strdup_printf("%s/bus/pci/devices/%s", sysfs, name);
}

static char *driver_of(const char *folder)
{
    g_autofree char *link = g_strconcat(folder, "/driver", NULL), *target = g_file_read_link(link, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

char *pci_driver(const char *sysfs, const PciAddress *pci)
{
    g_autofree char *name = pci_name(pci), *folder = folder_of_device(sysfs, name);

    return driver_of(folder);
}

static int check_there(const char *folder, const char *name)
{
    return access(folder, F_OK) == 0 ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "the host has no PCI device '%s'", name);
}

/* Have the kernel choose the device's driver anew: @override, or the one that fits if it is NULL. */
static int rebind(const char *sysfs, const char *folder, const char *name, const char *override)
{
    g_autofree char *wish = g_strconcat(folder, "/driver_override", NULL), *unbind = g_strconcat(folder, "/driver/unbind", NULL);
    g_autofree char *probe = g_strconcat(sysfs, "/bus/pci/drivers_probe", NULL), *now = NULL;

    /* An empty line takes the wish back. */
    if (sysfs_write(wish, override ? override : "\n") < 0)
        return -1;
    now = driver_of(folder);
    if (now && override && g_str_equal(now, override))
        return 0;
    if (now && sysfs_write(unbind, name) < 0)
        return -1;
    return sysfs_write(probe, name);
}

int pci_detach(const char *sysfs, const PciAddress *pci, const char *driver)
{
    g_autofree char *name = pci_name(pci), *folder = folder_of_device(sysfs, name);
    g_autofree char *group = g_strconcat(folder, "/iommu_group", NULL), *now = NULL;

    driver = driver ? driver : PCI_GUEST_DRIVER;
    if (check_there(folder, name) < 0)
        return -1;
    if (access(group, F_OK) < 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "PCI device '%s' can't be given to a guest: the host has no IOMMU for it (is it on in the firmware, "
                    "and on the kernel's command line?)", name);
    if (rebind(sysfs, folder, name, driver) == 0) {
        now = driver_of(folder);
        if (g_strcmp0(now, driver) == 0)
            return 0;
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "PCI device '%s' didn't go from its driver to '%s' ('modprobe %s' loads it)", name,
                     driver, driver);
    }
    /* back to whoever had it */
    virErrorPtr error = error_save();
    if (rebind(sysfs, folder, name, NULL) < 0)
        LOG_WARN("PCI device '%s' has no driver now: %s", name, error_message());
    error_restore(error);
    return -1;
}

int pci_reattach(const char *sysfs, const PciAddress *pci)
{
    g_autofree char *name = pci_name(pci), *folder = folder_of_device(sysfs, name);

    if (check_there(folder, name) == 0 && rebind(sysfs, folder, name, NULL) == 0)
        return 0;
    error_context("cannot give PCI device '%s' back to the host", name);
    return -1;
}

/* Whether a driver has the device only so that a guest can have it. */
static gboolean is_for_guests(const char *driver)
{
    return g_str_has_prefix(driver, "vfio") || strcmp(driver, "pci-stub") == 0;
}

int pci_reset(const char *sysfs, const PciAddress *pci)
{
    g_autofree char *name = pci_name(pci), *folder = folder_of_device(sysfs, name);
    g_autofree char *reset = g_strconcat(folder, "/reset", NULL), *driver = driver_of(folder);

    if (check_there(folder, name) < 0)
        return -1;
    if (driver && !is_for_guests(driver))
        return FAIL(VIR_ERR_OPERATION_INVALID, "PCI device '%s' is in use by the host's driver '%s': 'virsh nodedev-detach' takes it away", name,
                    driver);
    if (access(reset, F_OK) < 0)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "PCI device '%s' can't be reset: the kernel knows no way", name);
    return sysfs_write(reset, "1");
}
