/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a domain definition to QEMU's command line. The definition must be complete: machine type, addresses,
 * ports and aliases (qemu_assign_aliases()). What the probed QEMU can't do, and what we can't yet, is refused here with the
 * reason; nothing of a definition is left out silently.
 */
#pragma once
#include <glib.h>
#include "domain/backend.h"
#include "drivers/qemu/caps.h"
#include "model/domain_def.h"
#include "qemu.h"

/** Name of a descriptor that a running QEMU gets for a device, by its place among these: never a name that users would choose, and each
 * time the same, so that one that nothing took is found, or replaced. */
#define QEMU_FD_NAME "=%u"

typedef struct {
    const char *dir;          /* private folder of the run: monitor.sock and sockets without a path of their own */
    const char *channel_dir;  /* folder for channels without a path; NULL: dir */
    int monitor_fd;           /* listening socket for the monitor; -1 with @dry_run. Stays the caller's. */
    uid_t uid;                /* owner of sockets and files made for QEMU; -1: as we are */
    gid_t gid;
    const QemuConf *conf;     /* NULL: its defaults */
    gboolean dry_run;         /* only the text (domxml-to-native): paths instead of descriptors, nothing is created */
    const int *tap_fds;       /* one per queue of each interface that needs a tap device, in order; stay the caller's */
    guint n_tap_fds;
    int vsock_fd;             /* of /dev/vhost-vsock, with the guest's number; 0: none. Stays the caller's. */
    gboolean restore;         /* it waits for the state of an earlier run before it does anything */
    gboolean running;         /* for a QEMU that runs already: it is given descriptors under names or as sets */
    guint first_fdset;        /* number of the first of those sets */
    Guest *guest;             /* whose clients have given descriptors for disks; NULL: none have */
} QemuCommandOptions;

typedef struct {
    guint set;
    int fd;
} QemuFdSet;

typedef struct {
    const DomainDef *def;
    const QemuCaps *caps;
    const QemuCommandOptions *options;
    const QemuConf *conf;
    const QemuMachine *machine;
    GPtrArray *argv;          /* char * */
    GPtrArray *env;           /* "NAME=VALUE" that devices need in QEMU's environment (char *) */
    GArray *fds;              /* descriptors made here that QEMU inherits; closed with the command */
    GArray *sets;             /* of QemuFdSet: those of @fds that a QEMU that runs gets as sets */
    GPtrArray *contexts;      /* ids of objects that are needed only until the guest's memory is there (char *) */
    GPtrArray *unlink;        /* paths of sockets made here, to be removed when the run ends (char *) */
    gboolean has_reservations; /* the object for managed persistent reservations is there */
    guint next_fdset;
    guint next_tap;
    gint64 clock_shift;       /* seconds that the guest's variable clock begins after UTC; 0 for the other clocks */
    guint boot_index[8];      /* next index for a DomainBootDev; 0: none left */
} QemuCommand;

/** Build the command line. NULL with an error. @def, @caps and @options must outlive it. */
QemuCommand *qemu_command_new(const DomainDef *def, const QemuCaps *caps, const QemuCommandOptions *options);
void qemu_command_free(QemuCommand *cmd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCommand, qemu_command_free)

/** NULL-terminated, with the program first; stays the command's. */
const char *const *qemu_command_argv(QemuCommand *cmd);

/** The file of shared memory, or the socket of its server. Caller frees. */
char *qemu_shmem_path(const DomainShmem *shmem);

/** Folder for the files that are the memory of the guest @def, whose private folder is @dir; NULL: its memory is in none. Caller frees. */
char *qemu_memory_folder(const DomainDef *def, const QemuConf *conf, const char *dir);

/** The command as text for a shell, as in the guest's log: one option per line if @lines, else on one line. @env may be NULL. */
char *qemu_command_text(QemuCommand *cmd, const char *const *env, gboolean lines);

/** Give each device without an alias its own, and each image of a disk its node number (source.index). */
int qemu_assign_aliases(DomainDef *def);
/** The second half of it, with numbers above @floor and those that there are. */
void qemu_number_sources(DomainDef *def, guint floor);

/** Give each listening channel without a path its socket in @dir. 0, or -1 with an error (a name that can't be a file's). */
int qemu_assign_channel_paths(DomainDef *def, const char *dir);

/** Whether the interface is served by passt. */
gboolean qemu_interface_is_passt(const DomainInterface *net);
/** Whether the interface is a tap device of the host, of which QEMU gets descriptors. */
gboolean qemu_interface_needs_tap(const DomainInterface *net);
/** How many queues (pairs of one for each direction) the card has: 1 at least. */
guint qemu_interface_queues(const DomainInterface *net);

/** Whether @type names an x86 machine of the i440fx or q35 family. */
gboolean qemu_machine_is_i440fx(const char *machine);
gboolean qemu_machine_is_q35(const char *machine);
