/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/vcpus.h"
#include <string.h>
#include "domain/api.h"

guint vcpus_max(const DomainDef *def)
{
    return MAX(def->vcpu.count, 1);
}

bool vcpu_is_plugged(const DomainDef *def, guint id)
{
    if (def->n_vcpus == 0)
        return id < def_current_vcpus(def);
    if (id < def->n_vcpus && def->vcpus[id]->id == id) /* as it is once the list is complete */
        return def->vcpus[id]->enabled == TRISTATE_YES;
    for (guint i = 0; i < def->n_vcpus; i++) {
        if (def->vcpus[i]->id == id)
            return def->vcpus[i]->enabled == TRISTATE_YES;
    }
    return false;
}

static void add_vcpu(DomainDef *def, guint id, bool plugged)
{
    DomainVcpuEntry *entry = xml_struct_new(&DOMAIN_VCPU_ENTRY_DESC);
    entry->id = id;
    entry->enabled = plugged ? TRISTATE_YES : TRISTATE_NO;
    entry->hotpluggable = plugged || id == 0 ? TRISTATE_NO : TRISTATE_YES;
    XML_LIST_INSERT(def->vcpus, def->n_vcpus, id, entry);
}

const Bitmap *vcpu_cpus(const DomainDef *def, guint id)
{
    for (guint i = 0; def->cputune && i < def->cputune->n_vcpupins; i++) {
        if (def->cputune->vcpupins[i]->vcpu == id)
            return def->cputune->vcpupins[i]->cpuset;
    }
    return def->vcpu.cpuset;
}

const Bitmap *emulator_cpus(const DomainDef *def)
{
    return def->cputune && def->cputune->emulatorpin ? def->cputune->emulatorpin : def->vcpu.cpuset;
}

const Bitmap *iothread_cpus(const DomainDef *def, guint id)
{
    for (guint i = 0; def->cputune && i < def->cputune->n_iothreadpins; i++) {
        if (def->cputune->iothreadpins[i]->iothread == id)
            return def->cputune->iothreadpins[i]->cpuset;
    }
    return def->vcpu.cpuset;
}

/* A list from XML may be in any order and have gaps. */
static int compare_ids(const void *a, const void *b)
{
    guint x = (*(DomainVcpuEntry *const *) a)->id, y = (*(DomainVcpuEntry *const *) b)->id;
    return x < y ? -1 : x > y;
}

static void list_all(DomainDef *def)
{
    guint current = def_current_vcpus(def), max = vcpus_max(def);
    bool listed = def->n_vcpus > 0;
    if (listed)
        qsort(def->vcpus, def->n_vcpus, sizeof(*def->vcpus), compare_ids);
    for (guint id = 0; id < max; id++) {
        if (id >= def->n_vcpus || def->vcpus[id]->id != id)
            add_vcpu(def, id, !listed && id < current);
    }
}

void vcpus_expand(DomainDef *def)
{
    list_all(def);
    for (guint i = 0; i < def->n_vcpus; i++)
        def->vcpus[i]->order = 0; /* the order changes with what is plugged */
}

void vcpus_number(DomainDef *def)
{
    guint last = 0;
    for (guint i = 0; i < def->n_vcpus; i++)
        last = MAX(last, def->vcpus[i]->order);
    for (guint i = 0; i < def->n_vcpus; i++) {
        if (def->vcpus[i]->enabled == TRISTATE_YES && def->vcpus[i]->order == 0)
            def->vcpus[i]->order = ++last;
    }
}

void vcpus_plug(DomainDef *def, guint id, bool on)
{
    if (id >= vcpus_max(def))
        return;
    list_all(def);
    vcpus_number(def);
    for (guint i = 0; !on && i < def->n_vcpus; i++)
        def->vcpus[i]->order -= def->vcpus[i]->order > def->vcpus[id]->order && def->vcpus[id]->order;
    if (!on)
        def->vcpus[id]->order = 0;
    def->vcpus[id]->enabled = on ? TRISTATE_YES : TRISTATE_NO;
    vcpus_number(def);
    vcpus_recount(def);
}

void vcpus_recount(DomainDef *def)
{
    guint plugged = 0;
    for (guint i = 0; i < def->n_vcpus; i++)
        plugged += def->vcpus[i]->enabled == TRISTATE_YES;
    def->vcpu.current = plugged == vcpus_max(def) ? 0 : plugged;
}

void vcpus_set_count(DomainDef *def, guint count, bool hotpluggable)
{
    guint now = def_current_vcpus(def);
    if (def->n_vcpus == 0 && !hotpluggable) {
        def->vcpu.current = count == vcpus_max(def) ? 0 : count;
        return;
    }
    vcpus_expand(def);
    for (guint i = 0; i < def->n_vcpus && now < count; i++) {
        if (def->vcpus[i]->enabled == TRISTATE_YES)
            continue;
        def->vcpus[i]->enabled = TRISTATE_YES;
        def->vcpus[i]->hotpluggable = hotpluggable ? TRISTATE_YES : TRISTATE_NO;
        now++;
    }
    for (guint i = def->n_vcpus; i-- > 1 && now > count;) {
        now -= def->vcpus[i]->enabled == TRISTATE_YES;
        def->vcpus[i]->enabled = TRISTATE_NO;
        def->vcpus[i]->hotpluggable = TRISTATE_YES;
    }
    vcpus_recount(def);
}

/* What is said about vCPUs that are gone. */
static void drop_pins(DomainCputune *tune, guint count)
{
    for (guint i = tune ? tune->n_vcpupins : 0; i-- > 0;) {
        VcpuPin *pin = tune->vcpupins[i];
        if (pin->vcpu < count)
            continue;
        XML_LIST_REMOVE(tune->vcpupins, tune->n_vcpupins, i);
        xml_struct_free(&VCPU_PIN_DESC, pin);
    }
}

void vcpus_set_max(DomainDef *def, guint count)
{
    guint current = def_current_vcpus(def);
    bool listed = def->n_vcpus > 0;
    if (listed)
        vcpus_expand(def);
    while (def->n_vcpus > count)
        xml_struct_free(&DOMAIN_VCPU_ENTRY_DESC, def->vcpus[--def->n_vcpus]);
    def->vcpu.count = count;
    def->vcpu.current = current < count ? current : 0;
    if (listed) {
        vcpus_expand(def);
        vcpus_recount(def);
    }
    drop_pins(def->cputune, count);
}
