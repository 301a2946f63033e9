/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Book-keeping of PCI buses: what kind of device each takes, and where.
 */
#include "model/domain_pci_plan.h"

static bool is_express(const PciPlan *plan)
{
    return plan->info->pci_root == DOMAIN_PCI_ROOT_PCIE;
}

/* Another bus of a machine without Express. POWER has further host bridges instead of bridges below the first. */
static const char *conventional_bus(const PciPlan *plan)
{
    return plan->info->has_vio ? "pci-root" : "pci-bridge";
}

/* What buses take */

typedef struct {
    const char *model;
    guint8 first, last; /* Slots. */
    guint32 takes;      /* Bit N: PciConnect N. */
} BusKind;

#define TAKES(x) (1U << PCI_CONNECT_##x)

static const BusKind kinds[] = {
    {"pci-root", 1, 31, TAKES(PCI) | TAKES(PCI_BRIDGE) | TAKES(EXPANDER)},
    {"pcie-root", 1, 31, TAKES(ROOT_PORT) | TAKES(INTEGRATED) | TAKES(DMI_BRIDGE) | TAKES(PCIE_EXPANDER)},
    {"pci-bridge", 1, 31, TAKES(PCI) | TAKES(PCI_BRIDGE)},
    {"pcie-to-pci-bridge", 1, 31, TAKES(PCI) | TAKES(PCI_BRIDGE)},
    {"dmi-to-pci-bridge", 0, 31, TAKES(PCI) | TAKES(PCI_BRIDGE)},
    {"pcie-root-port", 0, 0, TAKES(PCIE) | TAKES(UPSTREAM) | TAKES(PCIE_TO_PCI)},
    {"pcie-switch-downstream-port", 0, 0, TAKES(PCIE) | TAKES(UPSTREAM) | TAKES(PCIE_TO_PCI)},
    {"pcie-switch-upstream-port", 0, 31, TAKES(DOWNSTREAM)},
    {"pci-expander-bus", 0, 31, TAKES(PCI_BRIDGE)},
    {"pcie-expander-bus", 0, 31, TAKES(ROOT_PORT) | TAKES(DMI_BRIDGE)},
};

static const BusKind *kind_of(const PciBus *bus)
{
    for (guint i = 0; bus->model && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].model, bus->model) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* A switch must not be placed on a port of its own: those come after it. */
static bool may_hold_self(const PciPlan *plan, guint bus)
{
    return !plan->self || (bus != plan->self &&
                           (bus < plan->self || strcmp(plan->buses[bus].model, "pcie-switch-downstream-port") != 0));
}

typedef struct {
    guint bus, slot, function;
    bool multifunction;
} Place;

static guint lowest_clear(guint8 functions)
{
    guint n = 0;

    while (functions >> n & 1)
        n++;
    return n;
}

static bool find_in_bus(const PciPlan *plan, guint number, PciConnect connect, Place *place)
{
    const PciBus *bus = &plan->buses[number];
    const BusKind *kind = kind_of(bus);

    if (!kind || !(kind->takes >> connect & 1) || !may_hold_self(plan, number))
        return false;
    for (guint slot = kind->first; slot <= kind->last; slot++) {
        bool beside = connect == PCI_CONNECT_ROOT_PORT && bus->shared >> slot & 1 && bus->functions[slot] != 0xff;
        if (bus->functions[slot] && !beside)
            continue;
        place->bus = number;
        place->slot = slot;
        place->function = lowest_clear(bus->functions[slot]);
        place->multifunction = connect == PCI_CONNECT_ROOT_PORT && place->function == 0;
        return true;
    }
    return false;
}

static bool find_place(const PciPlan *plan, PciConnect connect, Place *place)
{
    for (guint i = 0; i < plan->n; i++) {
        if (find_in_bus(plan, i, connect, place))
            return true;
    }
    return false;
}

/* Reserving */

void pci_plan_reserve(PciPlan *plan, guint bus, guint slot, guint function)
{
    plan->buses[bus].functions[slot] |= 1 << function;
}

bool pci_plan_slot_is_free(const PciPlan *plan, guint bus, guint slot)
{
    return plan->buses[bus].functions[slot] == 0;
}

static void take_place(PciPlan *plan, DomainDeviceInfo *info, const Place *place, bool shared)
{
    pci_plan_reserve(plan, place->bus, place->slot, place->function);
    if (shared)
        plan->buses[place->bus].shared |= 1U << place->slot;
    if (!info)
        return;
    /* The numbers of s390 may be given without a place. */
    ZpciAddress *zpci = info->address && info->address->type == DOMAIN_ADDRESS_TYPE_PCI ? g_steal_pointer(&info->address->pci.zpci) : NULL;
    DomainAddress *address = domain_new_address(info, DOMAIN_ADDRESS_TYPE_PCI);
    address->pci.zpci = zpci;
    address->pci.bus = place->bus;
    address->pci.slot = place->slot;
    address->pci.function = place->function;
    address->pci.multifunction = place->multifunction ? TRISTATE_ON : TRISTATE_UNSET;
}

/* An address without numbers only asks for a place on PCI; 0000:00:00.0 is the host bridge, so nobody's. */
static bool needs_place(const DomainDeviceInfo *info)
{
    const DomainAddress *address = info->address;

    if (!address)
        return true;
    return address->type == DOMAIN_ADDRESS_TYPE_PCI && !address->pci.domain && !address->pci.bus && !address->pci.slot &&
           !address->pci.function;
}

void pci_plan_fix(PciPlan *plan, DomainDeviceInfo *info, guint slot, guint function, bool multifunction)
{
    Place place = {0, slot, function, multifunction};

    if (needs_place(info) && !(plan->buses[0].functions[slot] >> function & 1) &&
        (function || multifunction || pci_plan_slot_is_free(plan, 0, slot)))
        take_place(plan, info, &place, false);
}

/* Start */

static int check_bus_index(const PciPlan *plan, guint64 index)
{
    if (index < PCI_BUSES)
        return 0;
    return FAIL(VIR_ERR_XML_ERROR, "domain.devices: PCI bus %" G_GUINT64_FORMAT " is beyond the last possible one, %d",
                index, PCI_BUSES - 1);
}

static int start_buses(PciPlan *plan)
{
    const DomainDevices *devices = &plan->def->devices;

    for (guint i = 0; i < devices->n_controllers; i++) {
        const DomainController *controller = devices->controllers[i];
        if (controller->type != DOMAIN_CONTROLLER_TYPE_PCI)
            continue;
        if (check_bus_index(plan, controller->index) < 0)
            return -1;
        PciBus *bus = &plan->buses[controller->index];
        if (bus->model)
            return domain_fail_device(plan->def, "controller", controller, VIR_ERR_XML_ERROR,
                                      "there are two PCI controllers with index='%u'", controller->index);
        bus->model = controller->model;
        if (!kind_of(bus))
            return domain_fail_device(plan->def, "controller", controller, VIR_ERR_XML_ERROR,
                                      "PCI controller %u has the unknown model '%s'", controller->index,
                                      controller->model ?: "");
        plan->n = MAX(plan->n, controller->index + 1);
    }
    return 0;
}

/* Buses below the highest number that nobody described. */
static void fill_gaps(PciPlan *plan, guint n)
{
    plan->n = MAX(plan->n, n);
    for (guint i = 0; i < plan->n; i++) {
        PciBus *bus = &plan->buses[i];
        if (bus->model)
            continue;
        bus->model = is_express(plan) ? "pcie-root-port" : conventional_bus(plan);
        bus->planned = true;
    }
}

static int reserve_given(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    PciPlan *plan = opaque;
    const DomainAddress *address = info->address;

    if (!address || address->type != DOMAIN_ADDRESS_TYPE_PCI || needs_place(info))
        return 0;
    const PciAddress *pci = &address->pci;
    if (pci->domain)
        return 0;
    fill_gaps(plan, (guint)pci->bus + 1);
    PciBus *bus = &plan->buses[pci->bus];
    if (bus->functions[pci->slot] >> pci->function & 1)
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "attempted double use of PCI address 0000:%02x:%02x.%x",
                                  pci->bus, pci->slot, pci->function);
    pci_plan_reserve(plan, pci->bus, pci->slot, pci->function);
    /* Further root ports may sit beside one that says that it has company. */
    if (pci->multifunction == TRISTATE_ON && domain_pci_connect(kind, device) == PCI_CONNECT_ROOT_PORT)
        bus->shared |= 1U << pci->slot;
    return 0;
}

int pci_plan_start(PciPlan *plan)
{
    memset(plan->buses, 0, sizeof plan->buses);
    plan->n = 0;
    if (start_buses(plan) < 0)
        return -1;
    fill_gaps(plan, plan->n);
    return domain_def_each_device(plan->def, reserve_given, plan);
}

/* Growing */

static int add_bus(PciPlan *plan, const char *model)
{
    if (check_bus_index(plan, plan->n) < 0)
        return -1;
    PciBus *bus = &plan->buses[plan->n++];
    bus->model = model;
    bus->planned = true;
    return 0;
}

/* A bridge for conventional devices needs a port itself. */
static int add_express_bridge(PciPlan *plan)
{
    Place place;

    if (!find_place(plan, PCI_CONNECT_PCIE_TO_PCI, &place)) {
        if (add_bus(plan, "pcie-root-port") < 0)
            return -1;
        place = (Place){.bus = plan->n - 1};
    }
    take_place(plan, NULL, &place, false);
    return add_bus(plan, "pcie-to-pci-bridge");
}

/* Another bus that takes such a device; 1 if there is one now, 0 if no bus can help. */
static int grow(PciPlan *plan, PciConnect connect)
{
    int rc;

    if (!is_express(plan))
        rc = connect == PCI_CONNECT_PCI ? add_bus(plan, conventional_bus(plan)) : 0;
    else if (connect == PCI_CONNECT_PCIE || connect == PCI_CONNECT_UPSTREAM || connect == PCI_CONNECT_PCIE_TO_PCI)
        rc = add_bus(plan, "pcie-root-port");
    else
        rc = connect == PCI_CONNECT_PCI || connect == PCI_CONNECT_PCI_BRIDGE ? add_express_bridge(plan) : 0;
    return rc < 0 ? -1 : 1;
}

/* On a conventional machine every device is a conventional one. */
static PciConnect adapted(const PciPlan *plan, PciConnect connect)
{
    if (!is_express(plan) && (connect == PCI_CONNECT_PCIE || connect == PCI_CONNECT_INTEGRATED))
        return PCI_CONNECT_PCI;
    return connect;
}

int pci_plan_place(PciPlan *plan, DomainDeviceInfo *info, PciConnect connect, const char *kind)
{
    Place place;

    if (connect == PCI_CONNECT_NONE || !needs_place(info))
        return 0;
    connect = adapted(plan, connect);
    if (!find_place(plan, connect, &place)) {
        if (grow(plan, connect) < 0)
            return -1;
        if (!find_place(plan, connect, &place))
            return domain_fail_device(plan->def, kind, info, VIR_ERR_XML_ERROR, "no PCI bus has a free place for it");
    }
    take_place(plan, plan->dry ? NULL : info, &place, connect == PCI_CONNECT_ROOT_PORT);
    return 0;
}

int pci_plan_spare(PciPlan *plan)
{
    PciConnect connect = is_express(plan) ? PCI_CONNECT_PCIE : PCI_CONNECT_PCI;
    Place place;

    /* An Express machine with nothing that can be plugged gets no port. */
    if (is_express(plan) && plan->n <= 1)
        return 0;
    for (guint i = is_express(plan) ? plan->spare : 1; i > 0; i--) {
        if (!find_place(plan, connect, &place) && grow(plan, connect) < 0)
            return -1;
        if (find_place(plan, connect, &place))
            take_place(plan, NULL, &place, false);      /* a dry run ends here */
    }
    return 0;
}

bool pci_plan_add_controllers(PciPlan *plan)
{
    bool any = false;

    for (guint i = 0; i < plan->n; i++) {
        if (!plan->buses[i].planned)
            continue;
        domain_add_controller(plan->def, DOMAIN_CONTROLLER_TYPE_PCI, i, plan->buses[i].model);
        any = true;
    }
    return any;
}
