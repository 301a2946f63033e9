/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a QEMU binary can do. A QemuCaps is immutable once published and shared by reference. It is made by asking the
 * binary over QMP once (caps_probe.c), kept on disk (caps_cache.c) for as long as neither the binary nor
 * what it depends on changes, and handed out by a QemuCapsStore, where callers who want the same binary at the same
 * time share one probe.
 */
#pragma once
#include <glib.h>
#include "base/loop.h"
#include "drivers/qemu/json_lines.h"

/** Versions are major * 1000000 + minor * 1000 + micro, as in the public API. */
#define QEMU_VERSION(major, minor, micro) ((major) * 1000000u + (minor) * 1000u + (micro))
/** Oldest QEMU that is driven: the first with devices in JSON on the command line that can be unplugged. */
#define QEMU_VERSION_MIN QEMU_VERSION(6, 2, 0)

typedef struct {
    char *name;
    char *alias;        /* short name of the newest of a family ("pc"); may be NULL */
    char *default_cpu;  /* model name; may be NULL */
    char *default_ram;  /* id of the memory backend that takes -m; may be NULL */
    guint max_cpus;
    gboolean is_default;
    gboolean hotplug_cpus;
    gboolean numa_mem;  /* takes -numa node,mem= */
    gboolean deprecated;
} QemuMachine;

typedef enum {
    QEMU_CPU_USABLE_UNKNOWN,
    QEMU_CPU_USABLE_YES,
    QEMU_CPU_USABLE_NO,
} QemuCpuUsable;

typedef struct {
    char *name;
    char *type;
    char *canonical;    /* the versioned model that it stands for; may be NULL */
    QemuCpuUsable usable;
    gboolean deprecated;
    char **blockers;    /* features that the host lacks for it; never NULL */
} QemuCpuModel;

/* What depends on who executes the guest's instructions. */
typedef struct {
    gboolean available;
    GPtrArray *cpus;       /* QemuCpuModel */
    json_object *max_cpu;  /* properties of the fullest model, by name; may be NULL */
    json_object *base_cpu; /* those of the named model that describes it (qemu_cpu_base()); may be NULL */
} QemuAccel;

typedef struct QemuCaps {
    gint refs;
    char *binary;
    char *arch;           /* as in domain XML: "x86_64", "i686" */
    char *target;         /* as QEMU calls it */
    char *package;
    guint version;
    QemuAccel tcg;
    QemuAccel kvm;
    GPtrArray *machines;  /* QemuMachine, the default first */
    GHashTable *commands; /* set of QMP commands and events */
    GHashTable *types;    /* set of QOM types that can be made */
    GHashTable *props;    /* "type.property", for the types that caps_probe.c lists */
    GHashTable *flags;    /* set of further facts; names in caps_probe.c */
    GHashTable *tpm_models;
    GHashTable *tpm_types;
    json_object *sev;     /* what QEMU tells of SEV on this host; NULL: there is none */
    json_object *sgx;     /* of SGX, as above */
} QemuCaps;

QemuCaps *qemu_caps_new(const char *binary);
QemuCaps *qemu_caps_ref(QemuCaps *caps);
void qemu_caps_unref(QemuCaps *caps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCaps, qemu_caps_unref)

gboolean qemu_caps_has_command(const QemuCaps *caps, const char *command);
/** Whether objects or devices of @type can be made. */
gboolean qemu_caps_has_type(const QemuCaps *caps, const char *type);
/** Whether @type has @property; FALSE also for types that weren't asked about. */
gboolean qemu_caps_has_prop(const QemuCaps *caps, const char *type, const char *property);
gboolean qemu_caps_has_flag(const QemuCaps *caps, const char *flag);

/** Machine by name or alias; NULL: the default one. NULL if there is none; no error is set. */
const QemuMachine *qemu_caps_machine(const QemuCaps *caps, const char *name);
/** "; did you mean 'q35'?" if there is a machine, a CPU model or a type with a name like @name; else "". The caller frees it. */
char *qemu_caps_machine_hint(const QemuCaps *caps, const char *name);
char *qemu_caps_cpu_hint(const QemuAccel *accel, const char *name);
char *qemu_caps_type_hint(const QemuCaps *caps, const char *name);

/** Model by name; NULL if unknown. */
const QemuCpuModel *qemu_caps_cpu(const QemuAccel *accel, const char *name);

void qemu_machine_free(QemuMachine *machine);
void qemu_cpu_model_free(QemuCpuModel *model);
void qemu_accel_clear(QemuAccel *accel);

/** Ask @binary. Blocks (up to a minute, for a hung one), so worker threads only; @loop is run by another thread. NULL with an error that carries QEMU's
 * last words. No guest CPU ever runs in it. @with_kvm: also ask what it can do with KVM. */
QemuCaps *qemu_caps_probe(Loop *loop, const char *binary, gboolean with_kvm);

/** What the kept answer depends on besides our own version. */
typedef struct {
    gint64 size, mtime_ns, ctime_ns; /* of the binary */
    gint64 modules_ns;               /* newest change of QEMU's module folders */
    char kernel[66];
    gboolean kvm;                    /* KVM can be used on this host */
} QemuCapsKey;

/** Fill @key for @binary. 0; -1 with an error if it isn't an executable file. */
int qemu_caps_key_init(QemuCapsKey *key, const char *binary);

/** Whether /dev/kvm can be opened and the processor has what KVM needs. Never creates a machine. */
gboolean qemu_host_has_kvm(void);

/** Read a kept answer. NULL if there is none or it doesn't fit; sets no error. */
QemuCaps *qemu_caps_cache_load(const char *dir, const char *binary, const QemuCapsKey *key);

/** Keep an answer. 0, or -1 with an error. */
int qemu_caps_cache_save(const char *dir, const QemuCaps *caps, const QemuCapsKey *key);

/** Path of the file that keeps the answer of @binary. Caller frees. */
char *qemu_caps_cache_path(const char *dir, const char *binary);

typedef struct QemuCapsStore QemuCapsStore;

/** @cache_dir: NULL keeps nothing on disk. */
QemuCapsStore *qemu_caps_store_new(Loop *loop, const char *cache_dir);
void qemu_caps_store_free(QemuCapsStore *store);

/** Capabilities of @binary (an absolute path), from memory, disk or a probe. Worker threads only, unless it is in memory.
 * The caller owns the reference. NULL with an error. */
QemuCaps *qemu_caps_store_get(QemuCapsStore *store, const char *binary);

/** What is in memory of @binary (a reference); NULL if nothing. Never blocks, sets no error. */
QemuCaps *qemu_caps_store_peek(QemuCapsStore *store, const char *binary);

/** How often this store had to run a binary. */
guint qemu_caps_store_probes(QemuCapsStore *store);

/** The emulator of this host for @arch, NULL if none is installed. Caller frees. No error is set. */
char *qemu_find_emulator(const char *arch);

/** Names of architectures as domain XML and as QEMU write them; NULL if unknown. */
const char *qemu_arch_from_target(const char *target);
const char *qemu_arch_to_target(const char *arch);
/** All known architectures, in alphabetical order, NULL-terminated. */
const char *const *qemu_arch_names(void);
