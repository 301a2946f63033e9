/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which slots of which PCI buses are in use. Used by domain_address_pci.c only.
 */
#pragma once
#include "model/domain_private.h"

enum { PCI_BUSES = 256, PCI_SLOTS = 32 };

typedef struct {
    const char *model;             /**< Of its controller; NULL: there is no such bus. */
    guint8 functions[PCI_SLOTS];   /**< Functions in use, by slot. */
    guint32 shared;                /**< Slots in which root ports sit side by side. */
    bool planned;                  /**< Its controller doesn't exist yet. */
} PciBus;

typedef struct {
    DomainDef *def;
    const DomainMachineInfo *info;
    bool dry;                      /**< Only counting: places found by search are not given yet. */
    guint spare;                   /**< An Express machine gets so many ports more than it needs. */
    guint self;                    /**< Bus of the controller that is being placed. */
    guint n;                       /**< Buses, one more than the highest number. */
    PciBus buses[PCI_BUSES];
} PciPlan;

/** Begin: the buses of the controllers, and the places that devices have already. */
int pci_plan_start(PciPlan *plan);

/** Mark a function as used. */
void pci_plan_reserve(PciPlan *plan, guint bus, guint slot, guint function);

bool pci_plan_slot_is_free(const PciPlan *plan, guint bus, guint slot);

/** Give a device without place this one on bus 0, if it is free. */
void pci_plan_fix(PciPlan *plan, DomainDeviceInfo *info, guint slot, guint function, bool multifunction);

/** Give a device without place the first that fits. -1 with the error set if there is none and can be none. */
int pci_plan_place(PciPlan *plan, DomainDeviceInfo *info, PciConnect connect, const char *kind);

/** See that PciPlan.spare ports are free; of a conventional machine, one place. */
int pci_plan_spare(PciPlan *plan);

/** Make controllers of planned buses; whether there were any. */
bool pci_plan_add_controllers(PciPlan *plan);
