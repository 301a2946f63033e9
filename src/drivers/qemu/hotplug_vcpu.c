/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * vCPUs that come and go while the guest runs. QEMU tells its slots, from the last to the first; the numbers of vCPUs follow from
 * their order. What has come or gone is published at once, one by one: a change that stops half way leaves no wrong definition.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "domain/vcpus.h"
#include "drivers/qemu/hotplug_priv.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tuning.h"

#define NAME "vcpu%u"
#define PERIPHERAL "/machine/peripheral/"

/* A slot with as many vCPUs as come together: threads of one core on some machines, else one. */
typedef struct Slot {
    json_object *slot;       /* belongs to the answer */
    guint first, count;
    const char *path;        /* NULL: nothing is plugged */
} Slot;

static gboolean has(const Slot *slot, const Bitmap *vcpus)
{
    for (guint i = 0; i < slot->count; i++) {
        if (bitmap_test(vcpus, slot->first + i))
            return TRUE;
    }
    return FALSE;
}

/* By number; they refer to @answer. NULL with an error. */
static GArray *parse_slots(Guest *guest, json_object *answer)
{
    g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(Slot));
    guint next = 0;

    for (gsize i = json_object_is_type(answer, json_type_array) ? json_object_array_length(answer) : 0; i-- > 0;) {
        json_object *item = json_object_array_get_idx(answer, i);
        gint64 count = json_member_int(item, "vcpus-count", 1);
        Slot slot = { item, next, (guint)count, json_member_string(item, "qom-path") };

        if (count < 1 || count > QEMU_MAX_VCPUS - next)
            return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' tells of impossible CPU slots", guest->name);
        next += slot.count;
        g_array_append_val(slots, slot);
    }
    return g_steal_pointer(&slots);
}

static GArray *read_slots(Guest *guest, json_object **answer)
{
    return qemu_guest_call(guest, "query-hotpluggable-cpus", NULL, answer) < 0 ? NULL : parse_slots(guest, *answer);
}

static guint count_plugged(const GArray *slots)
{
    guint n = 0;

    for (guint i = 0; i < slots->len; i++)
        n += g_array_index(slots, Slot, i).path ? g_array_index(slots, Slot, i).count : 0;
    return n;
}

/* ---- what the definition says then ---- */

static void note_plugged(DomainDef *def, const GuestNews *news)
{
    vcpus_plug(def, (guint)news->value, TRUE);
}

static void note_unplugged(DomainDef *def, const GuestNews *news)
{
    vcpus_plug(def, (guint)news->value, FALSE);
}

static void slot_is_empty(Guest *guest, guint first, guint count)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *alias = g_strdup_printf(NAME, first);

    g_mutex_lock(&qemu->lock);
    for (guint i = first; i < first + count && i < qemu->vcpu_tids->len; i++)
        g_array_index(qemu->vcpu_tids, int, i) = 0;
    g_mutex_unlock(&qemu->lock);
    for (guint i = first; i < first + count; i++)
        guest_change_def(guest, note_unplugged, &(GuestNews){ .value = i });
    guest_status_changed(guest);
    qemu_guest_device_is(qemu, alias, TRUE);
}

static void read_plugged(const DomainDef *def, void *opaque)
{
    for (guint i = 0; i < MIN(vcpus_max(def), QEMU_MAX_VCPUS); i++) {
        if (vcpu_is_plugged(def, i))
            bitmap_set(opaque, i);
    }
}

static void compare_slots(QmpMonitor *mon, json_object *result, void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    g_autoptr(Bitmap) plugged = bitmap_new(QEMU_MAX_VCPUS);
    g_autoptr(GArray) slots = result ? parse_slots(guest, result) : NULL;

    guest_with_def(guest, read_plugged, plugged);
    for (guint i = 0; slots && i < slots->len; i++) {
        const Slot *slot = &g_array_index(slots, Slot, i);

        if (!slot->path && has(slot, plugged))
            slot_is_empty(guest, slot->first, slot->count);
    }
    if (!slots)
        virResetLastError();    /* its end is near */
}

void qemu_guest_vcpu_went(Guest *guest)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    guest_ref(guest);
    if (mon && qmp_send(mon, "query-hotpluggable-cpus", NULL, NULL, 0, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, compare_slots,
                        guest) == 0)
        return;
    virResetLastError();
    guest_unref(guest);
}

/* ---- one slot ---- */

static int device_add(Guest *guest, const Slot *slot)
{
    g_autofree char *id = g_strdup_printf(NAME, slot->first);
    json_object *args = json_make(JSON_STR("driver", json_member_string(slot->slot, "type")), JSON_STR("id", id));
    json_object *props = json_member(slot->slot, "props", json_type_object);

    json_object_object_foreach(props, key, value) {
        json_object *copy = NULL;

        json_object_deep_copy(value, &copy, NULL);
        json_object_object_add(args, key, copy);
    }
    return qemu_guest_call(guest, "device_add", args, NULL);
}

static int plug(Guest *guest, const Slot *slot)
{
    if (!json_member_string(slot->slot, "type") || !json_member(slot->slot, "props", json_type_object))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' doesn't tell what fits into CPU slot %u", guest->name, slot->first);
    if (device_add(guest, slot) < 0)
        return -1;
    for (guint i = 0; i < slot->count; i++)
        guest_change_def(guest, note_plugged, &(GuestNews){ .value = slot->first + i });
    return 0;
}

/* Those that were there at the start have no name, and stay. */
static const char *name_of(const Slot *slot)
{
    return slot->path && g_str_has_prefix(slot->path, PERIPHERAL) ? slot->path + strlen(PERIPHERAL) : NULL;
}

static int unplug(Guest *guest, const Slot *slot)
{
    int gone;

    if (!name_of(slot))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "vcpu '%u' of domain '%s' can't be unplugged: it was there at the start",
                    slot->first, guest->name);
    gone = qemu_guest_unplug(guest, name_of(slot));
    if (gone == 0)
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "the guest of domain '%s' hasn't let go of vcpu '%u' yet; 'virsh vcpucount %s' tells "
                    "when it has", guest->name, slot->first, guest->name);
    return gone < 0 ? -1 : 0;
}

/* ---- as many as that, or these ---- */

/* What has come is known to all by now, even if the rest failed. */
static int finish(Guest *guest, const DomainDef *def, int rc)
{
    virErrorPtr error = rc < 0 ? error_save() : NULL;
    int read = qemu_guest_read_vcpus(guest);

    for (guint i = 0; read == 0 && i < vcpus_max(def); i++)
        read = qemu_guest_place_vcpu(guest, def, i);
    if (read == 0)
        read = qemu_guest_tune_threads(guest, def);
    guest_status_changed(guest);
    if (rc == 0)
        return read < 0 ? -1 : 1;
    error_restore(error);
    return -1;
}

static int unplug_count(Guest *guest, const GArray *slots, guint surplus)
{
    guint able = 0;
    int rc = 0;

    for (guint i = 0; i < slots->len; i++)
        able += name_of(&g_array_index(slots, Slot, i)) ? g_array_index(slots, Slot, i).count : 0;
    if (able < surplus)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' can't do with so few vCPUs: of those that would go only %u can be "
                    "unplugged", guest->name, able);
    for (guint i = slots->len; i-- > 0 && surplus > 0 && rc == 0;) {
        const Slot *slot = &g_array_index(slots, Slot, i);

        if (!name_of(slot))
            continue;
        if (slot->count > surplus)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "vCPUs of domain '%s' go by %u", guest->name, slot->count);
        rc = unplug(guest, slot);
        surplus -= slot->count;
    }
    return rc;
}

static int plug_count(Guest *guest, const GArray *slots, guint missing)
{
    int rc = 0;

    for (guint i = 0; i < slots->len && missing > 0 && rc == 0; i++) {
        const Slot *slot = &g_array_index(slots, Slot, i);

        if (slot->path)
            continue;
        if (slot->count > missing)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "vCPUs of domain '%s' come by %u", guest->name, slot->count);
        rc = plug(guest, slot);
        missing -= slot->count;
    }
    if (rc == 0 && missing > 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "domain '%s' has no room for %u more vCPUs", guest->name, missing);
    return rc;
}

int qemu_backend_set_vcpus(Guest *guest, DomainDef *def, unsigned int count)
{
    g_autoptr(json_object) answer = NULL;
    g_autoptr(GArray) slots = read_slots(guest, &answer);
    guint now = slots ? count_plugged(slots) : 0;

    if (!slots)
        return -1;
    if (count == now)
        return 1;
    return finish(guest, def, count > now ? plug_count(guest, slots, count - now) : unplug_count(guest, slots, now - count));
}

int qemu_backend_plug_vcpus(Guest *guest, DomainDef *def, const Bitmap *vcpus, gboolean on)
{
    g_autoptr(json_object) answer = NULL;
    g_autoptr(GArray) slots = read_slots(guest, &answer);
    int rc = 0;

    if (!slots)
        return -1;
    for (guint i = 0; i < slots->len && rc == 0; i++) {
        const Slot *slot = &g_array_index(slots, Slot, i);

        if (has(slot, vcpus) && on != (slot->path != NULL))
            rc = on ? plug(guest, slot) : unplug(guest, slot);
    }
    return finish(guest, def, rc);
}

/* ---- at the start ---- */

static gint compare_orders(gconstpointer a, gconstpointer b)
{
    const DomainVcpuEntry *x = *(DomainVcpuEntry *const *)a, *y = *(DomainVcpuEntry *const *)b;
    guint i = x->order ? x->order : G_MAXUINT, j = y->order ? y->order : G_MAXUINT;

    return i != j ? (i < j ? -1 : 1) : x->id < y->id ? -1 : x->id > y->id;
}

int qemu_guest_plug_listed(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) answer = NULL;
    g_autoptr(GArray) slots = NULL;
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();

    for (guint i = 0; i < def->n_vcpus; i++) {
        if (def->vcpus[i]->enabled == TRISTATE_YES && def->vcpus[i]->hotpluggable == TRISTATE_YES)
            g_ptr_array_add(wanted, def->vcpus[i]);
    }
    vcpus_number(def);
    if (wanted->len == 0)
        return 0;
    slots = read_slots(guest, &answer);
    if (!slots)
        return -1;
    g_ptr_array_sort(wanted, compare_orders);
    for (guint i = 0; i < wanted->len; i++) {
        const DomainVcpuEntry *vcpu = g_ptr_array_index(wanted, i);
        Slot *slot = NULL;

        for (guint s = 0; s < slots->len && !slot; s++) {
            Slot *this = &g_array_index(slots, Slot, s);
            slot = vcpu->id >= this->first && vcpu->id < this->first + this->count ? this : NULL;
        }
        if (!slot)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "vcpu '%u' of domain '%s' has no slot in its machine", vcpu->id, def->name);
        if (!slot->path && device_add(guest, slot) < 0)
            return -1;
        slot->path = NAME;
    }
    return 0;
}
