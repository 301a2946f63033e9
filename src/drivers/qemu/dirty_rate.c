/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/dirty_rate.h"

static const char *const modes[] = {
    [VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING] = "page-sampling",
    [VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP] = "dirty-bitmap",
    [VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING] = "dirty-ring",
};

static const char *const states[] = {
    [VIR_DOMAIN_DIRTYRATE_UNSTARTED] = "unstarted",
    [VIR_DOMAIN_DIRTYRATE_MEASURING] = "measuring",
    [VIR_DOMAIN_DIRTYRATE_MEASURED] = "measured",
};

static int index_of(const char *const *words, guint n, const char *word)
{
    for (guint i = 0; word && i < n; i++) {
        if (g_str_equal(words[i], word))
            return (int)i;
    }
    return -1;
}

int qemu_backend_dirty_rate(Guest *guest, const DomainDef *def, unsigned int seconds, unsigned int mode)
{
    gboolean ring = def->features.kvm && def->features.kvm->dirty_ring.state == TRISTATE_ON;
    json_object *args;

    /* QEMU 7.2 that emulates ends when it is asked for the bitmap. */
    if (mode == VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP && def->type != DOMAIN_VIRT_TYPE_KVM)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' is emulated, so that its dirty rate can't be measured by the dirty bitmap; use "
                    "'page-sampling'", guest->name);
    if (mode == VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING && !ring)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' was started without <features><kvm><dirty-ring state='on' size=…/>, so that its "
                    "dirty rate can't be measured by the dirty ring", guest->name);
    args = json_make(JSON_UINT("calc-time", seconds));
    if (mode)       /* QEMUs before 6.2 know but the other one */
        json_add(args, JSON_STR("mode", modes[mode]));
    return qemu_guest_call(guest, "calc-dirty-rate", args, NULL);
}

void qemu_dirty_rate_read(json_object *answer, GuestStats *stats)
{
    GuestDirtyRate *dirty = &stats->dirty;
    int state = index_of(states, G_N_ELEMENTS(states), json_member_string(answer, "status"));
    int mode = index_of(modes, G_N_ELEMENTS(modes), json_member_string(answer, "mode"));
    json_object *vcpus = json_member(answer, "vcpu-dirty-rate", json_type_array);
    gint64 rate = json_member_int(answer, "dirty-rate", -1);

    if (state < 0)
        return;
    *dirty = (GuestDirtyRate){ .known = TRUE, .status = state, .start = json_member_int(answer, "start-time", 0),
                               .seconds = (int)CLAMP(json_member_int(answer, "calc-time", 0), 0, G_MAXINT),
                               .mode = mode < 0 ? NULL : modes[mode] };
    if (state != VIR_DOMAIN_DIRTYRATE_MEASURED)
        return;
    if (rate >= 0)
        stat_set(&dirty->rate, (guint64)rate);
    for (gsize i = 0; vcpus && i < json_object_array_length(vcpus); i++) {
        json_object *vcpu = json_object_array_get_idx(vcpus, i);
        gint64 id = json_member_int(vcpu, "id", -1), own = json_member_int(vcpu, "dirty-rate", -1);

        if (id >= 0 && id <= G_MAXUINT16 && own >= 0)
            *guest_stats_add_dirty_vcpu(stats) = (GuestVcpuDirtyRate){ (guint)id, (guint64)own };
    }
}
