/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Capabilities as an object, and the store that hands them out. The store checks at each call that what it has still
 * fits the file (one stat), so an upgraded QEMU is noticed without a restart. A probe holds no lock: its
 * entry is marked and others who want it wait on a condition; a failed probe is reported to all of them.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/caps.h"
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/xml.h"

/* Longest time that a caller waits for somebody else's probe; the probe has a deadline of its own. */
#define STORE_WAIT_MS 120000

/* Where an emulator runs guests of several, the first is its own. */
static const struct {
    const char *arch;
    const char *target;
} arch_names[] = {
    { "aarch64", "aarch64" }, { "alpha", "alpha" }, { "armv7l", "arm" }, { "armv6l", "arm" }, { "cris", "cris" }, { "i686", "i386" },
    { "loongarch64", "loongarch64" }, { "m68k", "m68k" }, { "microblaze", "microblaze" },
    { "microblazeel", "microblazeel" }, { "mips", "mips" }, { "mips64", "mips64" }, { "mips64el", "mips64el" },
    { "mipsel", "mipsel" }, { "or32", "or32" }, { "parisc", "hppa" }, { "ppc", "ppc" }, { "ppc64", "ppc64" },
    { "ppc64le", "ppc64" },
    { "riscv32", "riscv32" }, { "riscv64", "riscv64" }, { "s390x", "s390x" }, { "sh4", "sh4" },
    { "sh4eb", "sh4eb" }, { "sparc", "sparc" }, { "sparc64", "sparc64" }, { "x86_64", "x86_64" },
    { "xtensa", "xtensa" }, { "xtensaeb", "xtensaeb" },
};

const char *const *qemu_arch_names(void)
{
    static const char *names[G_N_ELEMENTS(arch_names) + 1];
    static gsize done;

    if (g_once_init_enter(&done)) {
        for (guint i = 0; i < G_N_ELEMENTS(arch_names); i++)
            names[i] = arch_names[i].arch;
        g_once_init_leave(&done, 1);
    }
    return names;
}

const char *qemu_arch_from_target(const char *target)
{
    for (guint i = 0; target && i < G_N_ELEMENTS(arch_names); i++) {
        if (g_str_equal(arch_names[i].target, target))
            return arch_names[i].arch;
    }
    return NULL;
}

const char *qemu_arch_to_target(const char *arch)
{
    for (guint i = 0; arch && i < G_N_ELEMENTS(arch_names); i++) {
        if (g_str_equal(arch_names[i].arch, arch))
            return arch_names[i].target;
    }
    return NULL;
}

char *qemu_find_emulator(const char *arch)
{
    const char *target = qemu_arch_to_target(arch);
    g_autofree char *name = target ? g_strdup_printf("qemu-system-%s", target) : NULL;

    return name ? g_find_program_in_path(name) : NULL;
}

void qemu_machine_free(QemuMachine *machine)
{
    g_free(machine->name);
    g_free(machine->alias);
    g_free(machine->default_cpu);
    g_free(machine->default_ram);
    g_free(machine);
}

void qemu_cpu_model_free(QemuCpuModel *model)
{
    g_free(model->name);
    g_free(model->type);
    g_free(model->canonical);
    g_strfreev(model->blockers);
    g_free(model);
}

static GHashTable *set_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void accel_init(QemuAccel *accel)
{
    accel->cpus = g_ptr_array_new_with_free_func((GDestroyNotify)qemu_cpu_model_free);
}

void qemu_accel_clear(QemuAccel *accel)
{
    g_clear_pointer(&accel->cpus, g_ptr_array_unref);
    g_clear_pointer(&accel->max_cpu, json_object_put);
    g_clear_pointer(&accel->base_cpu, json_object_put);
    accel->available = FALSE;
}

QemuCaps *qemu_caps_new(const char *binary)
{
    QemuCaps *caps = g_new0(QemuCaps, 1);

    caps->refs = 1;
    caps->binary = g_strdup(binary);
    accel_init(&caps->tcg);
    accel_init(&caps->kvm);
    caps->machines = g_ptr_array_new_with_free_func((GDestroyNotify)qemu_machine_free);
    caps->commands = set_new();
    caps->types = set_new();
    caps->props = set_new();
    caps->flags = set_new();
    caps->tpm_models = set_new();
    caps->tpm_types = set_new();
    return caps;
}

QemuCaps *qemu_caps_ref(QemuCaps *caps)
{
    g_atomic_int_inc(&caps->refs);
    return caps;
}

void qemu_caps_unref(QemuCaps *caps)
{
    if (!caps || !g_atomic_int_dec_and_test(&caps->refs))
        return;
    json_object_put(caps->sev);
    json_object_put(caps->sgx);
    g_free(caps->binary);
    g_free(caps->arch);
    g_free(caps->target);
    g_free(caps->package);
    qemu_accel_clear(&caps->tcg);
    qemu_accel_clear(&caps->kvm);
    g_ptr_array_unref(caps->machines);
    g_hash_table_unref(caps->commands);
    g_hash_table_unref(caps->types);
    g_hash_table_unref(caps->props);
    g_hash_table_unref(caps->flags);
    g_hash_table_unref(caps->tpm_models);
    g_hash_table_unref(caps->tpm_types);
    g_free(caps);
}

gboolean qemu_caps_has_command(const QemuCaps *caps, const char *command)
{
    return g_hash_table_contains(caps->commands, command);
}

gboolean qemu_caps_has_type(const QemuCaps *caps, const char *type)
{
    return g_hash_table_contains(caps->types, type);
}

gboolean qemu_caps_has_prop(const QemuCaps *caps, const char *type, const char *property)
{
    g_autofree char *key = g_strconcat(type, ".", property, NULL);

    return g_hash_table_contains(caps->props, key);
}

gboolean qemu_caps_has_flag(const QemuCaps *caps, const char *flag)
{
    return g_hash_table_contains(caps->flags, flag);
}

const QemuMachine *qemu_caps_machine(const QemuCaps *caps, const char *name)
{
    for (guint i = 0; i < caps->machines->len; i++) {
        const QemuMachine *machine = g_ptr_array_index(caps->machines, i);

        if (name ? g_str_equal(machine->name, name) || g_strcmp0(machine->alias, name) == 0 : machine->is_default)
            return machine;
    }
    return NULL;
}

const QemuCpuModel *qemu_caps_cpu(const QemuAccel *accel, const char *name)
{
    for (guint i = 0; i < accel->cpus->len; i++) {
        const QemuCpuModel *model = g_ptr_array_index(accel->cpus, i);

        if (g_str_equal(model->name, name))
            return model;
    }
    return NULL;
}

typedef struct {
    QemuCaps *caps;
    QemuCapsKey key;
    gboolean busy;     /* somebody reads or probes */
    virErrorPtr error; /* why the last probe failed, for those who waited for it */
    guint round;       /* counts attempts */
} StoreEntry;

struct QemuCapsStore {
    Loop *loop;
    char *cache_dir;
    GMutex lock;
    GCond cond;
    GHashTable *entries; /* path to StoreEntry */
    guint probes;
};

static void store_entry_free(void *opaque)
{
    StoreEntry *entry = opaque;

    qemu_caps_unref(entry->caps);
    if (entry->error)
        virFreeError(entry->error);
    g_free(entry);
}

QemuCapsStore *qemu_caps_store_new(Loop *loop, const char *cache_dir)
{
    QemuCapsStore *store = g_new0(QemuCapsStore, 1);

    store->loop = loop;
    store->cache_dir = g_strdup(cache_dir);
    g_mutex_init(&store->lock);
    g_cond_init(&store->cond);
    store->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, store_entry_free);
    return store;
}

void qemu_caps_store_free(QemuCapsStore *store)
{
    if (!store)
        return;
    g_hash_table_unref(store->entries);
    g_mutex_clear(&store->lock);
    g_cond_clear(&store->cond);
    g_free(store->cache_dir);
    g_free(store);
}

guint qemu_caps_store_probes(QemuCapsStore *store)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);

    return store->probes;
}

/* From disk, else by a probe that is then kept. No lock held. */
static QemuCaps *store_obtain(QemuCapsStore *store, const char *binary, const QemuCapsKey *key, gboolean *probed)
{
    QemuCaps *caps = NULL;

    *probed = FALSE;
    if (store->cache_dir)
        caps = qemu_caps_cache_load(store->cache_dir, binary, key);
    if (caps)
        return caps;
    *probed = TRUE;
    caps = qemu_caps_probe(store->loop, binary, key->kvm);
    /* The answer is good even if it can't be kept: it is then asked for again next time. */
    if (caps && store->cache_dir && qemu_caps_cache_save(store->cache_dir, caps, key) < 0)
        virResetLastError();
    return caps;
}

/* Wait until nobody works on @entry. Lock held. */
static int store_wait_idle(QemuCapsStore *store, StoreEntry *entry, const char *binary)
{
    gint64 until = g_get_monotonic_time() + STORE_WAIT_MS * G_GINT64_CONSTANT(1000);

    while (entry->busy) {
        if (!g_cond_wait_until(&store->cond, &store->lock, until))
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "probing of '%s' by another call isn't done within %d s", binary,
                        STORE_WAIT_MS / 1000);
    }
    return 0;
}

static StoreEntry *store_entry(QemuCapsStore *store, const char *binary)
{
    StoreEntry *entry = g_hash_table_lookup(store->entries, binary);

    if (!entry) {
        entry = g_new0(StoreEntry, 1);
        g_hash_table_insert(store->entries, g_strdup(binary), entry);
    }
    return entry;
}

/* Work on the entry ourselves. Lock held, given up meanwhile. */
static QemuCaps *store_refresh(QemuCapsStore *store, StoreEntry *entry, const char *binary, const QemuCapsKey *key)
{
    QemuCaps *caps;
    gboolean probed;

    entry->busy = TRUE;
    g_mutex_unlock(&store->lock);
    caps = store_obtain(store, binary, key, &probed);
    g_mutex_lock(&store->lock);
    entry->busy = FALSE;
    entry->round++;
    store->probes += probed;
    g_clear_pointer(&entry->error, virFreeError);
    if (!caps)
        entry->error = virSaveLastError();
    g_clear_pointer(&entry->caps, qemu_caps_unref);
    entry->caps = caps ? qemu_caps_ref(caps) : NULL;
    entry->key = *key;
    g_cond_broadcast(&store->cond);
    return caps;
}

QemuCaps *qemu_caps_store_get(QemuCapsStore *store, const char *binary)
{
    g_autoptr(GMutexLocker) locker = NULL;
    QemuCapsKey key;
    StoreEntry *entry;
    guint round;

    if (qemu_caps_key_init(&key, binary) < 0)
        return NULL;
    locker = g_mutex_locker_new(&store->lock);
    entry = store_entry(store, binary);
    round = entry->round;
    if (entry->busy && store_wait_idle(store, entry, binary) < 0)
        return NULL;
    if (entry->caps && memcmp(&entry->key, &key, sizeof(key)) == 0)
        return qemu_caps_ref(entry->caps);
    if (entry->round != round && entry->error) {
        error_set_raw(entry->error->domain, entry->error->code, entry->error->level, entry->error->message,
                      entry->error->str1, entry->error->str2, entry->error->str3, entry->error->int1,
                      entry->error->int2);
        return NULL;
    }
    return store_refresh(store, entry, binary, &key);
}

QemuCaps *qemu_caps_store_peek(QemuCapsStore *store, const char *binary)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    StoreEntry *entry = g_hash_table_lookup(store->entries, binary);

    return entry && entry->caps ? qemu_caps_ref(entry->caps) : NULL;
}

/* ---- what may have been meant ---- */

static int compare_texts(const char *const *a, const char *const *b)
{
    return strcmp(*a, *b);
}

static char *hint(const char *name, const GPtrArray *candidates)
{
    const char *near = name ? xml_nearest(name, (const char *const *)candidates->pdata, candidates->len) : NULL;

    return near ? g_strdup_printf("; did you mean '%s'?", near) : g_strdup("");
}

char *qemu_caps_machine_hint(const QemuCaps *caps, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < caps->machines->len; i++) {
        const QemuMachine *machine = g_ptr_array_index(caps->machines, i);

        g_ptr_array_add(names, machine->alias); /* the short one first: it is what people write */
        g_ptr_array_add(names, machine->name);
    }
    return hint(name, names);
}

char *qemu_caps_cpu_hint(const QemuAccel *accel, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < accel->cpus->len; i++)
        g_ptr_array_add(names, ((QemuCpuModel *)g_ptr_array_index(accel->cpus, i))->name);
    return hint(name, names);
}

char *qemu_caps_type_hint(const QemuCaps *caps, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, caps->types);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(names, key);
    g_ptr_array_sort(names, (GCompareFunc)compare_texts);
    return hint(name, names);
}
