/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks whose guests get devices of the host: where only the card is named, its virtual functions are found when the network starts.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "base/error.h"
#include "core/host/sriov.h"
#include "drivers/network/network_driver.h"

static void add_address(NetworkDef *live, const PciAddress *pci)
{
    DomainAddress *address = xml_struct_new(&DOMAIN_ADDRESS_DESC);
    address->type = DOMAIN_ADDRESS_TYPE_PCI;
    xml_struct_copy_into(&PCI_ADDRESS_DESC, &address->pci, pci);
    XML_LIST_APPEND(live->forward.addresses, live->forward.n_addresses, address);
}

/* One that a guest has, or nobody has a driver for, is no network device: it is left out. */
static void add_interface(NetworkDef *live, const char *sysfs, const PciAddress *pci)
{
    char *name = sriov_net_device(sysfs, pci);
    if (!name)
        return;
    NetworkForwardInterface *interface = xml_struct_new(&NETWORK_FORWARD_INTERFACE_DESC);
    interface->dev = name;
    XML_LIST_APPEND(live->forward.interfaces, live->forward.n_interfaces, interface);
}

int pool_find(NetworkDef *live, const char *sysfs)
{
    NetworkForward *f = &live->forward;
    bool passed = network_def_mode(live) == NETWORK_FORWARD_MODE_HOSTDEV;
    if (!f->n_pfs || f->n_interfaces || f->n_addresses)
        return 0;
    g_autoptr(GArray) functions = sriov_functions(sysfs, f->pfs[0]->dev);
    if (!functions) {
        error_context("network '%s' has no devices for its guests", live->name);
        return -1;
    }
    for (guint i = 0; i < functions->len; i++) {
        if (passed)
            add_address(live, &g_array_index(functions, PciAddress, i));
        else
            add_interface(live, sysfs, &g_array_index(functions, PciAddress, i));
    }
    return passed || f->n_interfaces ? 0
        : FAIL(VIR_ERR_OPERATION_FAILED, "network '%s': no virtual function of '%s' is a network device of the host: their driver isn't loaded, or "
               "guests have them all", live->name, f->pfs[0]->dev);
}
