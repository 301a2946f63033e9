/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "drivers/nodedev/describe.h"

#define CONFIG_SPACE 4096
#define VPD_MAX 32768
#define CLASS_BRIDGE_PCI 0x0604
#define CLASS_BRIDGE_CARDBUS 0x0607
#define MAX_FUNCTIONS 4096

/* Name of a vendor or a product: udev's database knows many. */
static char *known_as(const Describer *by, const char *pattern, const char *key)
{
    struct udev_list_entry *entry, *all = by->names ? udev_hwdb_get_properties_list_entry(by->names, pattern, 0) : NULL;
    udev_list_entry_foreach(entry, all) {
        if (strcmp(udev_list_entry_get_name(entry), key) == 0)
            return g_strdup(udev_list_entry_get_value(entry));
    }
    return NULL;
}

static void add_names(const Describer *by, struct udev_device *dev, NodedevPci *pci)
{
    guint64 vendor = 0, product = 0, sub_vendor = 0, sub_product = 0;
    pci->vendor.has_id = attr_number(dev, "vendor", 16, G_MAXUINT16, &vendor);
    pci->product.has_id = attr_number(dev, "device", 16, G_MAXUINT16, &product);
    attr_number(dev, "subsystem_vendor", 16, G_MAXUINT16, &sub_vendor);
    attr_number(dev, "subsystem_device", 16, G_MAXUINT16, &sub_product);
    pci->vendor.id = (guint16) vendor;
    pci->product.id = (guint16) product;
    g_autofree char *pattern = g_strdup_printf("pci:v%08Xd%08Xsv00000000sd00000000", (guint) vendor, (guint) product);
    pci->vendor.value = known_as(by, pattern, "ID_VENDOR_FROM_DATABASE");
    pci->product.value = known_as(by, pattern, "ID_MODEL_FROM_DATABASE");
}

/* What the kernel lets be read of a file at the device; less than @max. */
static GBytes *read_bytes(const char *folder, const char *name, size_t max)
{
    g_autofree char *path = g_strdup_printf("%s/%s", folder, name), *data = g_malloc(max);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    for (ssize_t n = 1; fd >= 0 && len < max && n > 0; len += n > 0 ? (size_t) n : 0)
        n = read(fd, data + len, max - len);
    if (fd >= 0)
        close(fd);
    return len ? g_bytes_new_take(g_steal_pointer(&data), len) : NULL;
}

static NodedevPciSubcap *add_subcap(NodedevPci *pci, NodedevPciSubcapType type)
{
    NodedevPciSubcap *sub = xml_struct_new(&NODEDEV_PCI_SUBCAP_DESC);
    sub->type = type;
    XML_LIST_APPEND(pci->subcaps, pci->n_subcaps, sub);
    return sub;
}

/* The function that a link names, appended. */
static gboolean add_function(NodedevPciSubcap *sub, const char *folder, const char *link)
{
    g_autofree char *name = link_name("%s/%s", folder, link);
    PciAddress *address = xml_struct_new(&PCI_ADDRESS_DESC);
    if (parse_pci_address(name, address)) {
        XML_LIST_APPEND(sub->addresses, sub->n_addresses, address);
        return TRUE;
    }
    xml_struct_free(&PCI_ADDRESS_DESC, address);
    return FALSE;
}

static void add_virtual_functions(struct udev_device *dev, const char *folder, NodedevPci *pci)
{
    guint64 most = 0;
    g_autofree char *physical = link_name("%s/physfn", folder);
    if (physical)
        add_function(add_subcap(pci, NODEDEV_PCI_SUBCAP_TYPE_PHYS_FUNCTION), folder, "physfn");
    if (!attr_number(dev, "sriov_totalvfs", 10, G_MAXUINT32, &most))
        return;
    NodedevPciSubcap *sub = add_subcap(pci, NODEDEV_PCI_SUBCAP_TYPE_VIRT_FUNCTIONS);
    sub->max_count = (guint32) most;
    for (guint i = 0; i < MAX_FUNCTIONS; i++) {
        g_autofree char *link = g_strdup_printf("virtfn%u", i);
        if (!add_function(sub, folder, link))
            break;
    }
}

static void add_contents(const char *folder, NodedevPci *pci)
{
    g_autoptr(GBytes) config = read_bytes(folder, "config", CONFIG_SPACE);
    g_autofree char *vpd_file = g_strdup_printf("%s/vpd", folder);
    if (config)
        pci->pci_express = pci_config_express(g_bytes_get_data(config, NULL), g_bytes_get_size(config));
    if (access(vpd_file, R_OK) < 0)
        return;
    g_autoptr(GBytes) data = read_bytes(folder, "vpd", VPD_MAX);
    NodedevPciSubcap *vpd = data ? pci_config_vpd(g_bytes_get_data(data, NULL), g_bytes_get_size(data)) : NULL;
    if (vpd)
        XML_LIST_APPEND(pci->subcaps, pci->n_subcaps, vpd);
}

gboolean describe_pci(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *folder = udev_device_get_syspath(dev);
    PciAddress at = { 0 };
    guint64 class = 0;
    if (!parse_pci_address(udev_device_get_sysname(dev), &at))
        return FALSE;
    NodedevPci *pci = &add_cap(def, NODEDEV_CAP_TYPE_PCI)->pci;
    pci->has_class = attr_number(dev, "class", 16, 0xffffff, &class);
    pci->class = (guint32) class;
    pci->domain = at.domain;
    pci->bus = at.bus;
    pci->slot = at.slot;
    pci->function = at.function;
    add_names(by, dev, pci);
    add_virtual_functions(dev, folder, pci);
    if (class >> 8 == CLASS_BRIDGE_PCI || class >> 8 == CLASS_BRIDGE_CARDBUS)
        add_subcap(pci, class >> 8 == CLASS_BRIDGE_PCI ? NODEDEV_PCI_SUBCAP_TYPE_PCI_BRIDGE : NODEDEV_PCI_SUBCAP_TYPE_CARDBUS_BRIDGE);
    NodedevPciSubcap kinds = { 0 };
    add_mdev_types(folder, &kinds.mdev_types, &kinds.n_mdev_types);
    if (kinds.n_mdev_types) {
        NodedevPciSubcap *sub = add_subcap(pci, NODEDEV_PCI_SUBCAP_TYPE_MDEV_TYPES);
        sub->mdev_types = kinds.mdev_types;
        sub->n_mdev_types = kinds.n_mdev_types;
    }
    add_contents(folder, pci);
    pci->iommu_group = iommu_group_of(folder);
    guint64 node;
    pci->has_numa = attr_number(dev, "numa_node", 10, G_MAXINT32, &node); /* -1: the kernel knows none */
    pci->numa = pci->has_numa ? (gint32) node : 0;
    return pci->vendor.has_id && pci->product.has_id;
}
