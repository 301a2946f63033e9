/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The QEMU backend of the domain core: what its files share. A QemuDriver is the private data of the driver's host, a QemuGuest
 * that of one run.
 */
#pragma once
#include "base/process.h"
#include "base/user.h"
#include "config/qemu-lockd.h"
#include "config/qemu-sanlock.h"
#include "domain/backend.h"
#include "drivers/qemu/agent.h"
#include "drivers/qemu/caps.h"
#include "drivers/qemu/command.h"
#include "drivers/qemu/helper.h"
#include "drivers/qemu/perf.h"
#include "drivers/qemu/ports.h"
#include "drivers/qemu/qmp.h"

/** More vCPUs than any machine type has. */
#define QEMU_MAX_VCPUS 8192
/** Time for QEMU to come up to its monitor, in ms: files and firmware on slow disks are opened before that. */
#define QEMU_START_MS 60000
/** Longest tail of QEMU's own words in an error, in bytes. */
#define QEMU_LAST_WORDS_MAX 2048

typedef struct QemuDriver {
    Loop *loop;
    GMutex lock;             /* guards the following two */
    GCond cond;
    guint attached;          /* monitors, agents and watches that may still call us */
    GHashTable *hostdevs;    /* see hostdevs.h; guarded by lock */
    GPtrArray *guests;       /* of Guest, without references: those that have a QemuGuest */
    QemuCapsStore *caps;
    PortPool *vnc_ports;
    PortPool *spice_ports;
    PortPool *websocket_ports;
    QemuConf conf;           /* qemu.conf; never changes after the start */
    QemuLockdConf lockd;     /* qemu-lockd.conf likewise */
    QemuSanlockConf sanlock; /* qemu-sanlock.conf likewise */
    gboolean changes_user;   /* root's: QEMU runs as the user of qemu.conf or of its label; else as we do */
    gboolean user_is_ours;   /* if qemu.conf names none */
    const struct SecurityModel *confiner; /* what confines guests beyond their user (security_models.h); NULL: nothing */
    char *etc;               /* folder of configuration, "/etc" */
    struct Owners *owners;   /* whose files guests have (owners.h); NULL: we can't give any away */
    struct Owners *labels;   /* which of them carry labels of SELinux; as the former */
    struct SelinuxLevels *levels; /* that guests have; NULL with the former */
    char *hooks;             /* folder of the administrator's programs (core/hooks.h) */
} QemuDriver;

/** Run the administrator's programs before "prepare", "start", "started" and "reconnect" go on. 0, or -1 with an error. [worker] */
int qemu_hook(const Guest *guest, const DomainDef *def, const char *operation);
/** The same at an end, "stopped" or "release": failures are logged. [worker] */
void qemu_hook_tell(const Guest *guest, const DomainDef *def, const char *operation);

typedef struct QemuDisk {
    char *alias;
    char *target;
    char *path;              /* NULL if the drive is empty */
    char *node;              /* QEMU's name of what holds the bytes; NULL as before */
} QemuDisk;

typedef enum {
    QEMU_MIGRATION_NONE, QEMU_MIGRATION_ACTIVE, QEMU_MIGRATION_DONE, QEMU_MIGRATION_FAILED, QEMU_MIGRATION_CANCELLED,
    QEMU_MIGRATION_LOST,     /* the monitor is gone */
} QemuMigration;

typedef struct QemuLeaving QemuLeaving; /* hotplug_detach.c */

typedef struct QemuGuest {
    GMutex lock;             /* guards what is marked with * */
    QemuLeaving *leaving;     /* * the device that a call waits to go; NULL: none */
    GCond left;              /* something was told of it */
    QemuMigration migration; /* * of the run's state to or from a file */
    gboolean dumping;        /* * only its memory: that can't be aborted */
    GCond migrated;          /* it has changed */
    guint64 saved_total, saved_remaining, saved_done; /* * bytes of it, as QEMU told last */
    char *dir;               /* private folder of the run */
    char *channel_dir;
    char *memory_dir;        /* for files that are its memory; NULL: there are none */
    char *monitor_path;
    char *agent_path;        /* * NULL: the guest has no agent channel */
    char *agent_alias;       /* * */
    QmpMonitor *mon;         /* * NULL before start() and after the end */
    Agent *agent;            /* * connected on demand */
    gboolean agent_up;       /* * the guest opened the channel */
    gint agent_timeout;      /* for its answers: seconds, or virDomainAgentResponseTimeoutValues; atomic */
    QemuCaps *caps;          /* * what its QEMU can do; NULL: nobody has asked since a former daemon started it */
    char *program;           /* * which file its process runs (caps_running.c); NULL: unknown */
    int pidfd;
    ProcessWatch *watch;
    gboolean powered_off;    /* * it said so; its end is no crash */
    gboolean stopping;       /* * we are ending it */
    gboolean has_hostdevs;   /* devices of the host are claimed for it, and taken from the host */
    GPtrArray *unlink;       /* * paths to be removed at the end */
    GArray *ports;           /* of QemuPort: to be given back */
    GArray *vcpu_tids;       /* * of int, by vCPU; 0: unknown */
    GPtrArray *disks;        /* * of QemuDisk; never changed but replaced, as the next */
    GPtrArray *taps;         /* * names of host devices, by interface; NULL where there is none */
    QemuHelpers *helpers;
    guint next_fdset;        /* for what it is given while it runs; 0: QEMU wasn't asked yet what it has. Guarded by the domain's job. */
    char *balloon_path;      /* QOM path; NULL: no balloon */
    QemuPerf *perf;          /* events that are counted */
    GPtrArray *monitors;     /* of cachetune.c: what of caches and bandwidth is observed; NULL: nothing. Set once, before it runs */
    UserIdentity user;       /* who its QEMU is; since the beginning of start() */
    gboolean relabels;       /* files are given to that user */
    struct AppArmorGuest *apparmor; /* its profile; NULL: it has none */
    struct SelinuxGuest *selinux;   /* its contexts; NULL: it has none */
    gint tuned;              /* atomic: it may have control groups */
    gint64 clock_shift;      /* seconds that its clock began after UTC: RTC_CHANGE counts from there. Set before the monitor speaks. */
} QemuGuest;

typedef struct QemuPort {
    PortPool *pool;
    int port;
} QemuPort;

extern const DomainBackend qemu_backend;

/** New driver data. */
QemuDriver *qemu_driver_new(Loop *loop);
/** Where the cache is: once, before any use of the driver. */
void qemu_driver_set_cache(QemuDriver *driver, const char *dir);
/** Take over what qemu.conf, qemu-lockd.conf and qemu-sanlock.conf in @folder (each may be missing) say. Before any guest. 0, or -1 with an error. */
int qemu_driver_configure(QemuDriver *driver, const char *folder);
void qemu_driver_free(QemuDriver *driver);

/** Let go of all guests, which go on, and wait until nothing can call us any more. Not on the loop's thread. */
void qemu_driver_detach(QemuDriver *driver);

/** A reference for a monitor, agent or watch, and its free function. */
Guest *qemu_guest_attach(Guest *guest);
void qemu_guest_detach(void *guest);

static inline QemuGuest *qemu_guest(Guest *guest)
{
    return guest->priv;
}

/** The monitor (a reference), or NULL with an error if the run has none. */
QmpMonitor *qemu_guest_monitor(Guest *guest);

/** Ask @guest; as qmp_call() with the guest's deadline. */
int qemu_guest_call(Guest *guest, const char *command, json_object *args, json_object **result);

/* backend_start.c */
int qemu_backend_start(Guest *guest, DomainDef *def, const StartOptions *options);
int qemu_backend_reconnect(Guest *guest, DomainDef *def, GuestCondition *condition);
int qemu_backend_kill(Guest *guest, gboolean graceful, gint64 grace_ms);
int qemu_backend_request(Guest *guest, GuestRequest what, GuestAnswer done, void *opaque);
pid_t qemu_backend_find_process(Guest *guest);
void qemu_backend_cleanup(Guest *guest, const DomainDef *def);
void qemu_backend_guest_free(Guest *guest);
void qemu_backend_status_format(Guest *guest, GString *xml);
int qemu_backend_status_parse(Guest *guest, xmlNodePtr root);
/** New run data, kept in guest->priv. */
void qemu_backend_guest_new(Guest *guest);
/** Write down what is needed of the definition while it runs (disks, devices, agent). */
void qemu_guest_note_devices(QemuGuest *qemu, const DomainDef *def);
/** The part of it that changes when devices come and go. */
void qemu_guest_note_lists(QemuGuest *qemu, const DomainDef *def);
/** What it wrote down last; a reference. */
GPtrArray *qemu_guest_disks(QemuGuest *qemu);
GPtrArray *qemu_guest_taps(QemuGuest *qemu);
/** What was written to @fd since @from, or the end of it; NULL if nothing. Caller frees. */
char *qemu_last_words(int fd, off_t from);
/** The environment of QEMU and its helpers. Caller frees (g_strfreev). */
char **qemu_guest_environment(const QemuGuest *qemu);
/** Open the monitor at its path. */
int qemu_guest_connect(Guest *guest);

/* backend_setup.c: after the monitor is there */
/** What is set over the monitor before the vCPUs run, and what QEMU chose (terminals, threads) is put into @def. */
int qemu_guest_setup(Guest *guest, DomainDef *def);
int qemu_guest_set_password(Guest *guest, const DomainGraphics *graphics);
/** Also takes limits away. */
int qemu_guest_set_throttle(Guest *guest, const DomainDisk *disk);
int qemu_guest_set_link(Guest *guest, const DomainInterface *net);
/** Which threads the vCPUs are. 0, or -1 with an error. */
int qemu_guest_read_vcpus(Guest *guest);
/** The second half of it: what QEMU chose. */
int qemu_guest_refresh(Guest *guest, DomainDef *def);
/** Note in a definition that is taken over which trays stand open. */
int qemu_guest_read_trays(Guest *guest, DomainDef *def);
/** The part of an answer to query-block or query-blockstats that is about disk @alias; NULL: there is none. */
json_object *qemu_find_block(json_object *list, const char *alias);

/* backend_prepare.c */
int qemu_backend_prepare(DomainHost *host, DomainDef *def);
/** Make of volumes of pools, in the disk and below it, what they are. 0 or -1. */
int qemu_resolve_volumes(DomainDisk *disk);
/** The file or device of a disk is there, as far as we can see, and what it is based on; that is put into the definition. What may be
 * missing is left out of one that starts. 0, or -1 with an error. */
int qemu_check_image(DomainDisk *disk);
int qemu_check_images(DomainDef *def);
void qemu_backend_describe(DomainHost *host, const DomainDef *def, DomainMachineInfo *info);
int qemu_backend_complete(DomainHost *host, DomainDef *def);
char *qemu_backend_to_native(DomainHost *host, const char *format, const DomainDef *def);
int qemu_backend_max_vcpus(DomainHost *host, const char *type);
/* overlays.c */
/** Put an empty image on top of each transient disk, in @def and in its folder; removed when the run ends. 0, or -1 with an error. */
int qemu_make_overlays(QemuGuest *qemu, DomainDef *def);
/** Whether there is such a disk. */
gboolean qemu_has_overlays(const DomainDef *def);
/** Remember those of a run of a former daemon. */
void qemu_find_overlays(QemuGuest *qemu, const DomainDef *def);

/* displays.c */
/** Choose ports, addresses, sockets (in @dir) and render nodes of displays that have none. @qemu may be NULL: nothing is reserved
 * then. 0, or -1 with an error. */
int qemu_assign_displays(QemuDriver *driver, QemuGuest *qemu, DomainDef *def, const char *dir);

/* caps_running.c */
/** What the guest's own QEMU can do (a reference), or NULL with an error. [worker; may run that program, once] */
QemuCaps *qemu_guest_caps(Guest *guest, const DomainDef *def);
/** It is started with what can do @caps. */
void qemu_guest_note_caps(Guest *guest, QemuCaps *caps);
/** Write down which program its process runs: before anything of the guest's is in there. */
void qemu_guest_note_program(Guest *guest);
/** That for the status file, as attribute "file" of an element "program". */
void qemu_guest_program_format(Guest *guest, GString *xml);

/* backend_events.c */
extern const QmpCallbacks qemu_monitor_callbacks;

/* backend_control.c */
int qemu_backend_cont(Guest *guest);
int qemu_backend_pause(Guest *guest);
int qemu_backend_shutdown(Guest *guest, GuestStopMode mode);
int qemu_backend_reboot_agent(Guest *guest);
int qemu_backend_reset(Guest *guest);
int qemu_backend_set_balloon(Guest *guest, DomainDef *def, unsigned long long kib);
int qemu_backend_set_balloon_period(Guest *guest, DomainDef *def, unsigned int seconds);
int qemu_backend_set_params(Guest *guest, DomainDef *def, const ParamChange *change);
int qemu_backend_inject_nmi(Guest *guest);
int qemu_backend_dirty_rate(Guest *guest, const DomainDef *def, unsigned int seconds, unsigned int mode);
int qemu_backend_wake(Guest *guest);
int qemu_backend_send_key(Guest *guest, unsigned int codeset, unsigned int holdtime, const unsigned int *codes, int n);

/** Remove a path at the end of the run. */
void qemu_guest_unlink_later(QemuGuest *qemu, const char *path);

/* hotplug.c, hotplug_detach.c, hotplug_update.c */
int qemu_backend_attach(Guest *guest, DomainDef *def, const char *kind, void *device);
int qemu_backend_detach(Guest *guest, DomainDef *def, const char *kind, void *device);
int qemu_backend_update(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force);
void qemu_backend_device_gone(Guest *guest, const char *kind, const void *device);
/** The guest let go of a device, or told that it will not. Any thread. */
void qemu_guest_device_is(QemuGuest *qemu, const char *alias, gboolean gone);
/** Take devices out of @def that the guest let go of while no daemon was there to hear of it. 0, or -1 with an error. */
int qemu_guest_drop_gone(Guest *guest, DomainDef *def);

/* hotplug_strays.c */
/** Remove from QEMU what a former daemon began to attach and didn't get to note down; devices go when the guest lets go of them. 0, or -1
 * with an error. [worker] */
int qemu_guest_drop_strays(Guest *guest, const DomainDef *def);
/** The guest let go of a device that no definition has: its parts go, a little later. [any] */
void qemu_guest_stray_went(Guest *guest, const char *alias);

/* hotplug_vcpu.c */
int qemu_backend_set_vcpus(Guest *guest, DomainDef *def, unsigned int count);
int qemu_backend_plug_vcpus(Guest *guest, DomainDef *def, const Bitmap *vcpus, gboolean on);
/** Plug those that the definition lists as hotpluggable: the machine begins without them. 0, or -1 with an error. */
int qemu_guest_plug_listed(Guest *guest, DomainDef *def);
/** The guest let go of a vCPU: find out which one, and note it. Must not block. [loop] */
void qemu_guest_vcpu_went(Guest *guest);

/* saved.c */
int qemu_backend_save(Guest *guest, int fd, unsigned int flags);
int qemu_backend_dump(Guest *guest, int fd, unsigned int format, unsigned int flags);
/** Have the state that stands in @fd, from where it is; QEMU waits for it. Not on the loop's thread. 0, or -1 with an error. */
int qemu_guest_restore(Guest *guest, int fd);
int qemu_backend_job_abort(Guest *guest, unsigned int flags);
void qemu_backend_job_progress(Guest *guest, virDomainJobInfoPtr info);
/** QEMU told how far it is with it; NULL: it tells nothing any more. Any thread. */
void qemu_guest_migration_is(QemuGuest *qemu, const char *status);

/* backend_talk.c */
int qemu_backend_screenshot(Guest *guest, const DomainDef *def, unsigned int screen, char **mime);
int qemu_backend_open_console(Guest *guest, const DomainDef *def, const char *alias, gboolean channel);
int qemu_backend_open_graphics(Guest *guest, const DomainDef *def, unsigned int idx, int fd, gboolean skip_auth);
int qemu_backend_reload_graphics(Guest *guest, const DomainDef *def, unsigned int type);
int qemu_backend_announce(Guest *guest, const DomainInterface *card, const GuestAnnounce *how);
int qemu_backend_monitor_command(Guest *guest, const char *command, gboolean hmp, const int *fds, unsigned int n_fds, char **reply);
/** Longest raw command. */
#define QEMU_MAX_COMMAND (4 * 1024 * 1024)
/** The agent (a reference), connected; NULL with an error. */
Agent *qemu_guest_agent(Guest *guest);

/* backend_agent.c */
int qemu_backend_agent_timeout(Guest *guest, int timeout);
char *qemu_backend_agent_command(Guest *guest, const char *command, int timeout);
char *qemu_backend_agent_hostname(Guest *guest);
int qemu_backend_agent_vcpus(Guest *guest, Bitmap **possible, Bitmap **online, Bitmap **offlinable);
int qemu_backend_agent_set_vcpus(Guest *guest, const Bitmap *vcpus, gboolean online);
int qemu_backend_agent_time(Guest *guest, long long *seconds, unsigned int *nseconds);
int qemu_backend_agent_set_time(Guest *guest, long long seconds, unsigned int nseconds, gboolean sync);
int qemu_backend_agent_filesystems(Guest *guest, virDomainFSInfoPtr **info);
int qemu_backend_agent_keys(Guest *guest, const char *user, char ***keys);
int qemu_backend_agent_set_keys(Guest *guest, const char *user, const char **keys, unsigned int n, GuestKeysMode mode);
int qemu_backend_launch_info(Guest *guest, const DomainDef *def, TypedList *list);
int qemu_backend_launch_secret(Guest *guest, const LaunchSecret *secret);
int qemu_backend_agent_sleep(Guest *guest, unsigned int target);
int qemu_backend_agent_freeze(Guest *guest, const char **mountpoints, unsigned int n, gboolean freeze);
int qemu_backend_agent_trim(Guest *guest, const char *mountpoint, unsigned long long minimum);
int qemu_backend_agent_password(Guest *guest, const char *user, const char *password, gboolean encrypted);
int qemu_backend_addresses(Guest *guest, const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces);
int qemu_backend_agent_info(Guest *guest, unsigned int type, TypedList *list);

/* backend_blocks.c */
int qemu_backend_block_resize(Guest *guest, const DomainDisk *disk, unsigned long long bytes);
int qemu_backend_block_threshold(Guest *guest, const DomainDisk *disk, unsigned long long bytes);
int qemu_backend_disk_errors(Guest *guest, const DomainDef *def, int *codes);
int qemu_backend_block_peek(DomainHost *host, const DomainDisk *disk, unsigned long long offset, size_t size, void *buffer);
int qemu_backend_memory_peek(Guest *guest, unsigned long long start, size_t size, void *buffer, gboolean is_virtual);

/* backend_stats.c */
void qemu_backend_stats(Guest *guest, unsigned int groups, gint64 deadline_ms, GuestStatsFunc done, void *opaque);
