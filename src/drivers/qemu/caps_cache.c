/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeps what a QEMU binary answered, one JSON file per binary, named by a hash of its path. A file is used only if our
 * version, the binary's size and times, the module folders, the kernel and the presence of KVM are what they were when
 * it was written. Whatever is wrong with a file means asking again.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/caps.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"

#define CACHE_FORMAT 9
#define CACHE_MAX_BYTES (4 * 1024 * 1024)
#define CPUINFO_MAX_BYTES (4 * 1024 * 1024)

static gint64 timespec_ns(struct timespec t)
{
    return t.tv_sec * G_GINT64_CONSTANT(1000000000) + t.tv_nsec;
}

/* Newest change of the folders in which distributions put QEMU's loadable modules. */
static gint64 newest_modules(void)
{
    static const char *const patterns[] = { "/usr/lib/*/qemu", "/usr/lib/qemu", "/usr/lib64/qemu*" };
    gint64 newest = 0;

    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
        glob_t found = { 0 };
        struct stat st;

        if (glob(patterns[i], 0, NULL, &found) == 0) {
            for (gsize j = 0; j < found.gl_pathc; j++) {
                if (stat(found.gl_pathv[j], &st) == 0)
                    newest = MAX(newest, timespec_ns(st.st_mtim));
            }
        }
        globfree(&found);
    }
    return newest;
}

/* On x86 KVM needs the processor's virtualisation. A /dev/kvm without it (some nested or para-virtualised hosts) opens and
 * makes machines, but their CPUs never run, so the device alone proves nothing. */
static gboolean processor_can_kvm(void)
{
#if defined(__x86_64__) || defined(__i386__)
    g_autofree char *text = NULL;
    g_auto(GStrv) flags = NULL;
    const char *line;

    if (file_read_optional("/proc/cpuinfo", CPUINFO_MAX_BYTES, &text, NULL) <= 0) {
        virResetLastError();
        return FALSE;
    }
    line = strstr(text, "\nflags");
    if (!line)
        return FALSE;
    flags = g_strsplit(g_strdelimit(text + (line - text) + 1, "\n", '\0'), " ", -1);
    return g_strv_contains((const char *const *)flags, "vmx") || g_strv_contains((const char *const *)flags, "svm");
#else
    return TRUE;
#endif
}

gboolean qemu_host_has_kvm(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    gboolean usable;

    if (fd < 0)
        return FALSE;
    usable = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && processor_can_kvm();
    close(fd);
    return usable;
}

/* What of a key belongs to the host costs some eighty system calls and hardly ever changes: it is looked at again only when
 * this much time has passed. A definition that comes in between uses what was true a moment ago. */
#define HOST_FACTS_LIFE_US (2 * G_USEC_PER_SEC)

static void host_facts(QemuCapsKey *key)
{
    static GMutex lock;
    static gint64 taken_at;
    static gint64 modules_ns;
    static gboolean kvm;
    gint64 now = g_get_monotonic_time();

    g_mutex_lock(&lock);
    if (!taken_at || now - taken_at > HOST_FACTS_LIFE_US) {
        modules_ns = newest_modules();
        kvm = qemu_host_has_kvm();
        taken_at = now;
    }
    key->modules_ns = modules_ns;
    key->kvm = kvm;
    g_mutex_unlock(&lock);
}

int qemu_caps_key_init(QemuCapsKey *key, const char *binary)
{
    struct utsname uts;
    struct stat st;

    memset(key, 0, sizeof(*key));
    if (!g_path_is_absolute(binary))
        return FAIL(VIR_ERR_INVALID_ARG, "emulator '%s' is not an absolute path", binary);
    if (stat(binary, &st) < 0)
        return FAIL_ERRNO(errno, "cannot use emulator '%s'", binary);
    if (!S_ISREG(st.st_mode) || access(binary, X_OK) < 0)
        return FAIL(VIR_ERR_INVALID_ARG, "emulator '%s' is not an executable file", binary);
    key->size = st.st_size;
    key->mtime_ns = timespec_ns(st.st_mtim);
    key->ctime_ns = timespec_ns(st.st_ctim);
    host_facts(key);
    if (uname(&uts) == 0)
        g_strlcpy(key->kernel, uts.release, sizeof(key->kernel));
    return 0;
}

char *qemu_caps_cache_path(const char *dir, const char *binary)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, binary, -1);

    return g_strdup_printf("%s/%s.json", dir, hash);
}

static void put_string(json_object *object, const char *name, const char *value)
{
    if (value)
        json_object_object_add(object, name, json_object_new_string(value));
}

static void put_int(json_object *object, const char *name, gint64 value)
{
    json_object_object_add(object, name, json_object_new_int64(value));
}

static void put_true(json_object *object, const char *name, gboolean value)
{
    if (value)
        json_object_object_add(object, name, json_object_new_boolean(TRUE));
}

static gint compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_set(json_object *object, const char *name, GHashTable *set)
{
    g_autofree char **keys = (char **)g_hash_table_get_keys_as_array(set, NULL);
    guint n = g_hash_table_size(set);
    json_object *array = json_object_new_array_ext(n);

    qsort(keys, n, sizeof(*keys), compare_text);
    for (guint i = 0; i < n; i++)
        json_object_array_add(array, json_object_new_string(keys[i]));
    json_object_object_add(object, name, array);
}

static json_object *key_to_json(const QemuCapsKey *key)
{
    json_object *object = json_object_new_object();

    put_string(object, "libvirt", PACKAGE_VERSION);
    put_int(object, "size", key->size);
    put_int(object, "mtime", key->mtime_ns);
    put_int(object, "ctime", key->ctime_ns);
    put_int(object, "modules", key->modules_ns);
    put_string(object, "kernel", key->kernel);
    put_true(object, "kvm", key->kvm);
    return object;
}

static json_object *machine_to_json(const QemuMachine *machine)
{
    json_object *object = json_object_new_object();

    put_string(object, "name", machine->name);
    put_string(object, "alias", machine->alias);
    put_string(object, "default-cpu", machine->default_cpu);
    put_string(object, "default-ram", machine->default_ram);
    put_int(object, "max-cpus", machine->max_cpus);
    put_true(object, "default", machine->is_default);
    put_true(object, "hotplug-cpus", machine->hotplug_cpus);
    put_true(object, "numa-mem", machine->numa_mem);
    put_true(object, "deprecated", machine->deprecated);
    return object;
}

static json_object *model_to_json(const QemuCpuModel *model)
{
    json_object *object = json_object_new_object(), *blockers = json_object_new_array();

    put_string(object, "name", model->name);
    put_string(object, "type", model->type);
    put_string(object, "canonical", model->canonical);
    put_int(object, "usable", model->usable);
    put_true(object, "deprecated", model->deprecated);
    for (guint i = 0; model->blockers[i]; i++)
        json_object_array_add(blockers, json_object_new_string(model->blockers[i]));
    json_object_object_add(object, "blockers", blockers);
    return object;
}

/* Copied, since it may be shared with other threads, and counting references isn't safe between them. */
static void put_copy(json_object *object, const char *name, json_object *value)
{
    json_object *copy = NULL;

    if (!value)
        return;
    json_object_deep_copy(value, &copy, NULL);
    json_object_object_add(object, name, copy);
}

static void put_accel(json_object *object, const char *name, const QemuAccel *accel)
{
    json_object *item = json_object_new_object(), *cpus = json_object_new_array();

    if (!accel->available) {
        json_object_put(item);
        json_object_put(cpus);
        return;
    }
    for (guint i = 0; i < accel->cpus->len; i++)
        json_object_array_add(cpus, model_to_json(g_ptr_array_index(accel->cpus, i)));
    json_object_object_add(item, "cpus", cpus);
    put_copy(item, "max-cpu", accel->max_cpu);
    put_copy(item, "base-cpu", accel->base_cpu);
    json_object_object_add(object, name, item);
}

int qemu_caps_cache_save(const char *dir, const QemuCaps *caps, const QemuCapsKey *key)
{
    g_autoptr(json_object) root = json_object_new_object();
    g_autofree char *path = qemu_caps_cache_path(dir, caps->binary);
    json_object *machines = json_object_new_array();
    const char *text;
    size_t len;

    put_int(root, "format", CACHE_FORMAT);
    put_string(root, "binary", caps->binary);
    json_object_object_add(root, "key", key_to_json(key));
    put_string(root, "arch", caps->arch);
    put_string(root, "target", caps->target);
    put_string(root, "package", caps->package);
    put_int(root, "version", caps->version);
    for (guint i = 0; i < caps->machines->len; i++)
        json_object_array_add(machines, machine_to_json(g_ptr_array_index(caps->machines, i)));
    json_object_object_add(root, "machines", machines);
    put_accel(root, "tcg", &caps->tcg);
    put_accel(root, "kvm", &caps->kvm);
    put_copy(root, "sev", caps->sev);
    put_copy(root, "sgx", caps->sgx);
    put_set(root, "commands", caps->commands);
    put_set(root, "types", caps->types);
    put_set(root, "props", caps->props);
    put_set(root, "flags", caps->flags);
    put_set(root, "tpm-models", caps->tpm_models);
    put_set(root, "tpm-types", caps->tpm_types);
    text = json_object_to_json_string_length(root, JSON_C_TO_STRING_PLAIN, &len);
    if (file_mkdirs(dir, 0711, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    return file_replace(path, text, len, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

static gsize list_of(json_object *object, const char *name, json_object **list)
{
    *list = json_member(object, name, json_type_array);
    return *list ? json_object_array_length(*list) : 0;
}

static void load_set(json_object *root, const char *name, GHashTable *set)
{
    json_object *list;
    gsize n = list_of(root, name, &list);

    for (gsize i = 0; i < n; i++) {
        json_object *item = json_object_array_get_idx(list, i);

        if (json_object_is_type(item, json_type_string))
            g_hash_table_add(set, g_strdup(json_object_get_string(item)));
    }
}

static gboolean load_machines(json_object *root, QemuCaps *caps)
{
    json_object *list;
    gsize n = list_of(root, "machines", &list);

    for (gsize i = 0; i < n; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        gint64 max_cpus = json_member_int(item, "max-cpus", 0);
        QemuMachine *machine;

        if (!json_member_string(item, "name") || max_cpus < 1 || max_cpus > 1 << 20)
            return FALSE;
        machine = g_new0(QemuMachine, 1);
        machine->name = g_strdup(json_member_string(item, "name"));
        machine->alias = g_strdup(json_member_string(item, "alias"));
        machine->default_cpu = g_strdup(json_member_string(item, "default-cpu"));
        machine->default_ram = g_strdup(json_member_string(item, "default-ram"));
        machine->max_cpus = max_cpus;
        machine->is_default = json_member_bool(item, "default", FALSE);
        machine->hotplug_cpus = json_member_bool(item, "hotplug-cpus", FALSE);
        machine->numa_mem = json_member_bool(item, "numa-mem", FALSE);
        machine->deprecated = json_member_bool(item, "deprecated", FALSE);
        g_ptr_array_add(caps->machines, machine);
    }
    return n > 0;
}

static gboolean load_accel(json_object *root, const char *name, QemuAccel *accel)
{
    json_object *item = json_member(root, name, json_type_object), *list;
    gsize n = list_of(item, "cpus", &list);

    accel->available = item != NULL;
    for (gsize i = 0; i < n; i++) {
        json_object *entry = json_object_array_get_idx(list, i), *blockers;
        gsize n_blockers = list_of(entry, "blockers", &blockers);
        gint64 usable = json_member_int(entry, "usable", -1);
        QemuCpuModel *model;

        if (!json_member_string(entry, "name") || usable < 0 || usable > QEMU_CPU_USABLE_NO)
            return FALSE;
        model = g_new0(QemuCpuModel, 1);
        model->name = g_strdup(json_member_string(entry, "name"));
        model->type = g_strdup(json_member_string(entry, "type"));
        model->canonical = g_strdup(json_member_string(entry, "canonical"));
        model->usable = usable;
        model->deprecated = json_member_bool(entry, "deprecated", FALSE);
        model->blockers = g_new0(char *, n_blockers + 1);
        for (gsize j = 0; j < n_blockers; j++) {
            const char *text = json_object_get_string(json_object_array_get_idx(blockers, j));

            model->blockers[j] = g_strdup(text ? text : "");
        }
        g_ptr_array_add(accel->cpus, model);
    }
    accel->max_cpu = json_object_get(json_member(item, "max-cpu", json_type_object));
    accel->base_cpu = json_object_get(json_member(item, "base-cpu", json_type_object));
    return TRUE;
}

static gboolean key_fits(json_object *root, const QemuCapsKey *key)
{
    g_autoptr(json_object) now = key_to_json(key);
    json_object *then = json_member(root, "key", json_type_object);

    return json_member_int(root, "format", 0) == CACHE_FORMAT && then && json_object_equal(then, now);
}

static QemuCaps *caps_from_json(json_object *root, const char *binary)
{
    g_autoptr(QemuCaps) caps = qemu_caps_new(binary);
    gint64 version = json_member_int(root, "version", 0);
    const char *target = json_member_string(root, "target");

    if (g_strcmp0(json_member_string(root, "binary"), binary) != 0 || version < QEMU_VERSION_MIN ||
        version > G_MAXINT32 || !qemu_arch_from_target(target))
        return NULL;
    caps->version = version;
    caps->target = g_strdup(target);
    caps->arch = g_strdup(qemu_arch_from_target(target));
    caps->package = g_strdup(json_member_string(root, "package"));
    if (!load_machines(root, caps) || !load_accel(root, "tcg", &caps->tcg) || !load_accel(root, "kvm", &caps->kvm))
        return NULL;
    caps->sev = json_object_get(json_member(root, "sev", json_type_object));
    caps->sgx = json_object_get(json_member(root, "sgx", json_type_object));
    load_set(root, "commands", caps->commands);
    load_set(root, "types", caps->types);
    load_set(root, "props", caps->props);
    load_set(root, "flags", caps->flags);
    load_set(root, "tpm-models", caps->tpm_models);
    load_set(root, "tpm-types", caps->tpm_types);
    /* A QEMU without commands or types can't be; the file is damaged. */
    if (g_hash_table_size(caps->commands) == 0 || g_hash_table_size(caps->types) == 0)
        return NULL;
    return g_steal_pointer(&caps);
}

QemuCaps *qemu_caps_cache_load(const char *dir, const char *binary, const QemuCapsKey *key)
{
    g_autofree char *path = qemu_caps_cache_path(dir, binary);
    g_autofree char *text = NULL;
    g_autoptr(json_object) root = NULL;
    const char *why;
    size_t len;

    if (file_read_optional(path, CACHE_MAX_BYTES, &text, &len) <= 0) {
        virResetLastError();
        return NULL;
    }
    root = json_lines_parse(text, len, &why);
    if (!root || !key_fits(root, key))
        return NULL;
    return caps_from_json(root, binary);
}
