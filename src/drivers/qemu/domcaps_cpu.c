/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <cpu> of <domainCapabilities>: the modes, and the models that QEMU has.
 */
#include <libvirt/libvirt.h>
#include <string.h>
#include "drivers/qemu/cpu.h"
#include "drivers/qemu/domcaps.h"
#include "model/cpu.h"

static const char *usable_text(QemuCpuUsable usable)
{
    return usable == QEMU_CPU_USABLE_YES ? "yes" : usable == QEMU_CPU_USABLE_NO ? "no" : "unknown";
}

/* Models that are not a processor of their own. */
static gboolean is_special(const char *name)
{
    return g_str_equal(name, "host") || g_str_equal(name, "max") || g_str_equal(name, "base");
}

static void add_model(DomcapsText *t, const QemuCpuModel *model)
{
    const CpuPpcModel *power = cpu_ppc_model(model->name);
    const char *vendor = power ? power->vendor : qemu_cpu_vendor(model->name);
    CpuArch arch = cpu_arch(t->target.arch);

    /* Of POWER's hundreds of revisions the generations are told. */
    if ((arch == CPU_ARCH_X86 && is_special(model->name)) || (arch == CPU_ARCH_PPC && !power))
        return;
    domcaps_add(t, "      <model usable='%s'", usable_text(model->usable));
    if (model->deprecated)
        domcaps_add(t, " deprecated='yes'");
    domcaps_add(t, " vendor='%s'", vendor ? vendor : "unknown");
    if (model->canonical)
        domcaps_add(t, " canonical='%s'", model->canonical);
    domcaps_add(t, ">%s</model>\n", model->name);
    if (model->usable != QEMU_CPU_USABLE_NO || !model->blockers[0])
        return;
    domcaps_add(t, "      <blockers model='%s'>\n", model->name);
    for (guint i = 0; model->blockers[i]; i++)
        domcaps_add(t, "        <feature name='%s'/>\n", qemu_cpu_feature_name(model->blockers[i]));
    domcaps_add(t, "      </blockers>\n");
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const QemuCpuModel *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void add_custom(DomcapsText *t)
{
    g_autoptr(GPtrArray) models = g_ptr_array_copy(t->accel->cpus, NULL, NULL);

    if (models->len == 0) {
        domcaps_add(t, "    <mode name='custom' supported='no'/>\n");
        return;
    }
    g_ptr_array_set_free_func(models, NULL);
    g_ptr_array_sort(models, by_name);
    domcaps_add(t, "    <mode name='custom' supported='yes'>\n");
    for (guint i = 0; i < models->len; i++)
        add_model(t, g_ptr_array_index(models, i));
    domcaps_add(t, "    </mode>\n");
}

static void add_host_model(DomcapsText *t)
{
    unsigned flags = CPU_GUEST_SORT | (t->flags & VIR_CONNECT_GET_DOMAIN_CAPABILITIES_EXPAND_CPU_FEATURES ? CPU_GUEST_EXPAND : 0);
    g_autofree char *text = qemu_cpu_describe_fullest(t->target.arch, t->accel, flags, 6);

    if (text)
        g_string_append_printf(t->xml, "    <mode name='host-model' supported='yes'>\n%s    </mode>\n", text);
    else
        domcaps_add(t, "    <mode name='host-model' supported='no'/>\n");
}

static void add_mode(DomcapsText *t, const char *name, const char *list, gboolean supported)
{
    if (supported)
        domcaps_add(t, "    <mode name='%s' supported='yes'>\n      <enum name='%s'>\n        <value>on</value>\n"
                    "        <value>off</value>\n      </enum>\n    </mode>\n", name, list);
    else
        domcaps_add(t, "    <mode name='%s' supported='no'/>\n", name);
}

void domcaps_add_cpu(DomcapsText *t)
{
    domcaps_add(t, "  <cpu>\n");
    add_mode(t, "host-passthrough", "hostPassthroughMigratable", qemu_can_start(&t->target, "<cpu mode='host-passthrough'/>", NULL));
    add_mode(t, "maximum", "maximumMigratable", qemu_can_start(&t->target, "<cpu mode='maximum'/>", NULL));
    add_host_model(t);
    add_custom(t);
    domcaps_add(t, "  </cpu>\n");
}
