/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a hypervisor must be able to do so that the domain core can serve the public API with it.
 *
 * The core owns names, definitions, files under /etc and /run, states, events, jobs and the public functions. A
 * backend owns the running instance: processes, monitor, devices. Its unit is the Guest, one run of one domain from
 * start to end; a domain that is started again gets a new Guest with a new id. A Guest is reference counted and
 * survives its process, so no call ever meets freed memory: after the end a backend's function just fails.
 *
 * Threads. Functions marked [worker] may block, and only until their deadline (guest_deadline_ms()); the core calls
 * them on a worker, between pool_blocking_begin() and _end(), never with a lock held. For one guest, start, cont,
 * pause, reset, … are serialised by the core's job; kill and the statistics may come at any time, also
 * while another call is running, which must then fail soon. Functions marked [any] must not block.
 * Upcalls (guest_upcall_…) may be made from any thread, with no lock held that a backend function takes.
 *
 * Flow of a run:  guest_new() -> start() -> [cont() / pause() / …]* -> kill() or upcall "ended" -> cleanup() exactly once -> guest_free().
 * A member that is NULL makes the public functions that need it answer VIR_ERR_NO_SUPPORT.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libxml/tree.h>
#include "base/typed_param.h"
#include "core/driver.h"
#include "domain/guest_stats.h"
#include "model/domain.h"

struct DomainSnapshotDef;                    /* model/domainsnapshot_def.h */
struct DomainCheckpointDef;                  /* model/domaincheckpoint_def.h */
struct DomainBackupDef;                      /* model/domainbackup_def.h */
struct Moment;                               /* domain/moments.h */
typedef struct DomainObj DomainObj;           /* domain/domain_obj.h */
typedef struct DomainHost DomainHost;         /* domain/host.h: one driver's set of domains */
typedef struct DomainBackend DomainBackend;
typedef struct ParamChange ParamChange;       /* domain/params.h */
typedef struct ParamGroup ParamGroup;

/** One run of one domain. Fields are constant after start() but where it is said otherwise. */
typedef struct Guest {
    gint refs;
    DomainHost *host;
    DomainObj *dom;          /* owned reference */
    int id;                  /* the domain id of this run */
    char *name;              /* at the start of the run */
    unsigned char uuid[VIR_UUID_BUFLEN];
    pid_t pid;               /* of the hypervisor process; 0 if it has none. Set by start() or from the status file. */
    guint64 pid_start;       /* process_start_time(pid); the core fills it in when start() has returned */
    int log_fd;              /* the per-guest log, open for appending; -1 if there is none. Closed by the core after start(). */
    gint starting;           /* atomic: start() or reconnect() is under way */
    gint killed;             /* atomic: its end is decided. start() must look here once it has a process, and fail then */
    void *priv;              /* the backend's, from guest_new() to guest_free() */
} Guest;

Guest *guest_ref(Guest *guest);
void guest_unref(Guest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guest, guest_unref)

/** How long one request to this guest may take, in milliseconds. */
gint64 guest_deadline_ms(const Guest *guest);
/** The loop and the data of the driver's host that the guest lives on. */
Loop *guest_loop(const Guest *guest);
void *guest_host_priv(const Guest *guest);

/** Directories of the driver (under the context's root; never NULL; made, with mode and owner, before the first use). */
typedef struct HostPaths {
    char *config;     /* /etc/libvirt/qemu */
    char *autostart;  /* /etc/libvirt/qemu/autostart */
    char *state;      /* /run/libvirt/qemu */
    char *lib;        /* /var/lib/libvirt/qemu */
    char *save;       /* /var/lib/libvirt/qemu/save */
    char *snapshot;   /* /var/lib/libvirt/qemu/snapshot */
    char *checkpoint; /* /var/lib/libvirt/qemu/checkpoint */
    char *dump;       /* /var/lib/libvirt/qemu/dump */
    char *channel;    /* /var/lib/libvirt/qemu/channel */
    char *nvram;      /* /var/lib/libvirt/qemu/nvram */
    char *ram;        /* /var/lib/libvirt/qemu/ram */
    char *swtpm;      /* /var/lib/libvirt/swtpm */
    char *cache;      /* /var/cache/libvirt/qemu */
    char *log;        /* /var/log/libvirt/qemu */
    gboolean state_in_memory; /* writing to @state never waits for a disk */
    gboolean dump_bypasses_cache, start_bypasses_cache; /* unasked dumps, and images of guests that are started unasked, don't come into the
                                                         * host's memory */
} HostPaths;

/** Paths of a host, NULL if its backend keeps nothing on disk. */
const HostPaths *host_paths(const DomainHost *host);

/** What start() is asked for. */
typedef struct StartOptions {
    unsigned int flags;          /* virDomainCreateFlags as given; the core itself sees to PAUSED and AUTODESTROY */
    const int *fds;              /* descriptors that the caller passed, still the core's */
    unsigned int n_fds;
    int restore_fd;              /* an image to restore from, or -1 */
    const char *restore_path;
    const struct DomainSnapshotDef *snapshot; /* whose memory to go on from, or NULL */
} StartOptions;

typedef enum { GUEST_STOP_DEFAULT, GUEST_STOP_ACPI, GUEST_STOP_AGENT } GuestStopMode;

/** A secret for the launch of a guest, as Base64: encrypted for it, with the header that proves it, and where in its memory it goes. */
typedef struct LaunchSecret { const char *header, *value; gboolean has_address; unsigned long long address; } LaunchSecret;

/** How often and when a card tells where it is, in ms; 0: as the hypervisor likes. */
typedef struct GuestAnnounce { unsigned long long initial, max, rounds, step; } GuestAnnounce;

typedef enum { GUEST_KEYS_REPLACE, GUEST_KEYS_APPEND, GUEST_KEYS_REMOVE } GuestKeysMode;

typedef enum { GUEST_THREAD_VCPU, GUEST_THREAD_EMULATOR, GUEST_THREAD_IOTHREAD } GuestThread;

typedef enum { GUEST_REQUEST_PAUSE, GUEST_REQUEST_CONT } GuestRequest;

/** Answer to a request, on the loop's thread; without @success the thread's error tells why. */
typedef void (*GuestAnswer)(Guest *guest, gboolean success, void *opaque);

/** What reconnect() found. */
typedef struct GuestCondition {
    int state;    /* virDomainState */
    int reason;
} GuestCondition;

struct DomainBackend {
    const char *name;       /* virConnectGetType(): "QEMU" */
    const char *folder;     /* part of the paths: "qemu"; NULL: domains live in memory only */
    const char *image_word; /* first 12 characters of saved images: "LibvirtQemud"; NULL if there is no save() */
    gboolean simulated;     /* there is no guest, so: it starts running, and is saved, in one step, and nothing is told of those
                               between; paused ones power off, too; a transient domain may be undefined; states that forbid to
                               start, run, pause or shut down are VIR_ERR_INTERNAL_ERROR, as the reference's test driver tells */
    guint virt_types;       /* bit mask (1 << DomainVirtType) of the definitions that are accepted */
    const ParamGroup *scheduler; /* its parameters; NULL: those of Linux, params_cpu */
    const char *scheduler_name;  /* NULL: "posix" */
    gboolean iotune_capped; /* no limit of a disk's traffic without a burst that is at least as large */
    gint64 deadline_ms;     /* default of guest_deadline_ms(); 0: DOMAIN_GUEST_DEADLINE_MS */

    /* ---- definitions: no guest needed ---- */

    /** First step behind the parser: fill in what depends on this host and hypervisor and on which the model's defaults
     * depend (architecture, canonical machine type, emulator). 0, or -1. [worker; may run a program (probing) within its
     * own deadline] */
    int (*prepare)(DomainHost *host, DomainDef *def);
    /** Correct what the model knows of the machine type (domain_machine_info()). May be NULL. [any] */
    void (*describe)(DomainHost *host, const DomainDef *def, DomainMachineInfo *info);
    /* then the model adds its defaults and addresses and checks its rules */
    /** Last step: what follows from the completed definition (CPU), and whether it could be run. 0, or -1. [worker] */
    int (*complete)(DomainHost *host, DomainDef *def);

    /** The domain of @def is gone for good and doesn't run: it was undefined, or was transient and has ended. Remove what is kept for it
     * beside the core's own files, unless @flags (virDomainUndefineFlagsValues; 0 at the end of a run) or @def want it kept. May be
     * NULL. [worker] */
    void (*forget)(DomainHost *host, const DomainDef *def, unsigned int flags);

    /** Command line that start() would use, in @format ("qemu-argv"). NULL with an error. [worker] */
    char *(*to_native)(DomainHost *host, const char *format, const DomainDef *def);
    char *(*from_native)(DomainHost *host, const char *format, const char *config);

    /** vCPUs that a domain type ("kvm", NULL: default) may have; -1 with an error. [any] */
    int (*max_vcpus)(DomainHost *host, const char *type);

    /* ---- life ---- */

    /** Make guest->priv, before anybody else knows of the guest: calls may meet it while start() is under way. May be NULL. [any] */
    void (*guest_new)(Guest *guest);
    /** Start the hypervisor; vCPUs stay paused. @def is this run's own copy, to be completed with what becomes known
     * (aliases, ports, terminal names); the core publishes it afterwards. Sets guest->pid as soon as there is a
     * process. On failure (-1) the error carries the hypervisor's last words; the core calls
     * kill() and cleanup() then. [worker] */
    int (*start)(Guest *guest, DomainDef *def, const StartOptions *options);

    /** Take over a guest that runs already, after a restart of the daemon: @def as in the status file (to be corrected
     * like in start()), guest->pid from there and checked to be the same process. 0 and @condition, or -1: it cannot be
     * controlled any more, and the core kills it. A backup that was under way and ended meanwhile is told of (backup_ended), too,
     * which does nothing if there was none. [worker] */
    int (*reconnect)(Guest *guest, DomainDef *def, GuestCondition *condition);

    /** Append the backend's own elements of the status file (monitor, vcpus, …) with two spaces of indentation. [any] */
    void (*status_format)(Guest *guest, GString *xml);
    /** Read them again: @root is the <domstatus> element. Before reconnect(). 0, or -1. [any] */
    int (*status_parse)(Guest *guest, xmlNodePtr root);

    int (*cont)(Guest *guest);                       /* [worker] */
    int (*pause)(Guest *guest);                      /* [worker] */
    /** pause() or cont() that doesn't wait: 0, and @done is called exactly once, at guest_deadline_ms() at the latest; or -1.
     * May be NULL. [any] */
    int (*request)(Guest *guest, GuestRequest what, GuestAnswer done, void *opaque);
    /** Ask the guest to power off. 0: that will come as an upcall; 1: it is off already; or -1. [worker] */
    int (*shutdown)(Guest *guest, GuestStopMode mode);
    /** Ask the guest's system to reboot by agent; answers as shutdown(). Reboot by ACPI is made by the core: shutdown, then reset
     * and cont. [worker] */
    int (*reboot_agent)(Guest *guest);
    int (*reset)(Guest *guest);                      /* [worker] */

    /** Write all that the guest's run consists of to @fd, a regular file or a pipe, from where it stands; vCPUs are paused (unless
     * simulated) and the run is ended afterwards. start() gets the file at that place, or a pipe with what follows there, as restore_fd. @flags
     * virDomainSaveRestoreFlags. [worker] */
    int (*save)(Guest *guest, int fd, unsigned int flags);
    /** Write a core dump to @fd. @format virDomainCoreDumpFormat, @flags virDomainCoreDumpFlags; crash and reset are the core's, which
     * has the guest pause unless it shall be dumped alive; then it runs at the end as before. [worker] */
    int (*dump)(Guest *guest, int fd, unsigned int format, unsigned int flags);

    /** End the process. @graceful: only politely (SIGTERM); -1 with VIR_ERR_SYSTEM_ERROR (EBUSY) if it doesn't go within
     * @grace_ms. Otherwise also by force. 0 when it is gone, also if it never was. At any time. [worker] */
    int (*kill)(Guest *guest, gboolean graceful, gint64 grace_ms);
    /** Find the process of a run whose start was cut short by the end of the daemon, before its id was noted down: by its
     * marks (UUID in the command line). 0 if there is none. [worker] */
    pid_t (*find_process)(Guest *guest);
    /** Release what the run used, after its process is gone; @def is the last live definition. Once, and not before start()
     * has returned; calls other than start() may still be on their way back. [worker] */
    void (*cleanup)(Guest *guest, const DomainDef *def);
    /** Free guest->priv (not NULL). [any] */
    void (*guest_free)(Guest *guest);

    /* ---- changes to a running guest. @def: a copy of the live definition for the backend to adjust; published on success ---- */

    int (*set_balloon)(Guest *guest, DomainDef *def, unsigned long long kib);        /* [worker] */
    int (*set_balloon_period)(Guest *guest, DomainDef *def, unsigned int seconds);   /* [worker] */
    /** 0; 1: the definition that is published says it already; or -1. [worker] */
    int (*set_vcpus)(Guest *guest, DomainDef *def, unsigned int count);

    /* ---- snapshots and checkpoints: the core keeps their trees and files ---- */

    /** Take a snapshot. @guest NULL: of the disks of a domain that doesn't run. What becomes of each disk and the memory stands in
     * @snapshot. 0; 1 if the new images in @snapshot are those that the domain uses from now on; or -1. @flags
     * virDomainSnapshotCreateFlags. [worker] */
    int (*snapshot_create)(DomainHost *host, Guest *guest, struct DomainSnapshotDef *snapshot, unsigned int flags);
    unsigned int no_snapshot_flags; /* virDomainSnapshotCreateFlags that it doesn't know */
    /** Have the disks as in @snapshot. There is no run; the next one may go on from the snapshot's memory. [worker] */
    int (*snapshot_revert)(DomainHost *host, const struct DomainSnapshotDef *snapshot, unsigned int flags);
    /** Release what a snapshot keeps in images; @guest may be NULL. [worker] */
    int (*snapshot_delete)(DomainHost *host, Guest *guest, const struct Moment *moment, unsigned int flags);
    /** Begin to record changes of disks, and give records up. [worker] */
    int (*checkpoint_create)(DomainHost *host, Guest *guest, struct DomainCheckpointDef *checkpoint, unsigned int flags);
    int (*checkpoint_delete)(DomainHost *host, Guest *guest, const struct Moment *moment, unsigned int flags);
    /** Fill in how much of each disk of @checkpoint changed since. May be NULL. [worker] */
    int (*checkpoint_sizes)(Guest *guest, struct DomainCheckpointDef *checkpoint);

    /* ---- devices: @def is the live definition as it will be; @device is in it ---- */

    /** Plug a device in that was given its defaults and address. A name (alias) is given to it here. [worker] */
    int (*attach)(Guest *guest, DomainDef *def, const char *kind, void *device);
    /** Ask for a device's removal. 1: it is gone; 0: guest_upcall_device_deleted() will tell; or -1. [worker] */
    int (*detach)(Guest *guest, DomainDef *def, const char *kind, void *device);
    /** Have @device as it is now; it was @old. @force: also against the guest's will (a locked tray). [worker] */
    int (*update)(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force);

    /** A device that guest_upcall_device_deleted() told of is out of the definition: release what it used. Must not block. May be
     * NULL. [loop] */
    void (*device_gone)(Guest *guest, const char *kind, const void *device);

    /* ---- information, and what the guest's own system does ---- */

    /** Sizes of a disk's image; @guest NULL: the domain doesn't run. Not set: the statistics of a run tell. [worker] */
    int (*block_info)(DomainHost *host, Guest *guest, const DomainDisk *disk, virDomainBlockInfoPtr info);
    /** Read @size bytes of a disk or of memory. [worker] */
    int (*block_peek)(DomainHost *host, const DomainDisk *disk, unsigned long long offset, size_t size, void *buffer);
    int (*memory_peek)(Guest *guest, unsigned long long start, size_t size, void *buffer, gboolean is_virtual);
    int (*block_resize)(Guest *guest, const DomainDisk *disk, unsigned long long bytes);              /* [worker] */
    int (*block_threshold)(Guest *guest, const DomainDisk *disk, unsigned long long bytes);           /* [worker] */
    /** virDomainDiskErrorCode of each disk of @def. [worker] */
    int (*disk_errors)(Guest *guest, const DomainDef *def, int *codes);
    /** Append the times of CPU @cpu of the host, or of all with -1; @list NULL: nothing. How many CPUs there are, or -1. [worker] */
    int (*cpu_stats)(Guest *guest, int cpu, TypedList *list);
    /** Addresses of the guest's interfaces, from a virDomainInterfaceAddressesSource. How many, caller frees; or -1. [worker] */
    int (*addresses)(Guest *guest, const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces);
    /** Mounted file systems. How many, caller frees; or -1. [worker] */
    int (*agent_filesystems)(Guest *guest, virDomainFSInfoPtr **info);
    /** Freeze or thaw what is mounted there (@n 0: all). How many were, or -1. [worker] */
    int (*agent_freeze)(Guest *guest, const char **mountpoints, unsigned int n, gboolean freeze);
    int (*agent_trim)(Guest *guest, const char *mountpoint, unsigned long long minimum);              /* [worker] */
    int (*agent_time)(Guest *guest, long long *seconds, unsigned int *nseconds);                      /* [worker] */
    int (*agent_set_time)(Guest *guest, long long seconds, unsigned int nseconds, gboolean sync);     /* [worker] */
    int (*agent_password)(Guest *guest, const char *user, const char *password, gboolean encrypted);  /* [worker] */
    /** A user's SSH keys, NULL-terminated, caller frees. How many, or -1. [worker] */
    int (*agent_keys)(Guest *guest, const char *user, char ***keys);
    int (*agent_set_keys)(Guest *guest, const char *user, const char **keys, unsigned int n, GuestKeysMode mode); /* [worker] */
    /** Have the guest sleep (virNodeSuspendTarget); guest_upcall_pmsuspend() tells when it does. [worker] */
    int (*agent_sleep)(Guest *guest, unsigned int target);
    /** Wake it; guest_upcall_pmwakeup() tells. [worker] */
    int (*wake)(Guest *guest);
    /** Send a virDomainProcessSignal to a process of the guest. [worker] */
    int (*send_signal)(Guest *guest, long long pid, unsigned int signum);

    /* ---- tuning ---- */

    /** Have the guest follow parameters that were set in @def; @change says which (domain/params.h). [worker] */
    int (*set_params)(Guest *guest, DomainDef *def, const ParamChange *change);
    /** Let a thread of the guest's run on these CPUs of the host. @id: number of the vCPU or I/O thread. [worker] */
    int (*pin)(Guest *guest, DomainDef *def, GuestThread thread, guint id, const Bitmap *cpus);
    /** Add or remove I/O thread @id. [worker] */
    int (*set_iothread)(Guest *guest, DomainDef *def, guint id, gboolean exists);
    /** Remove a group of limits that no disk uses any more. Without this there are no such groups. [worker] */
    int (*drop_throttle_group)(Guest *guest, const char *name);
    /** Plug or unplug vCPUs, as @def->vcpus says now; answers as set_vcpus(). [worker] */
    int (*plug_vcpus)(Guest *guest, DomainDef *def, const Bitmap *vcpus, gboolean on);
    /** vCPUs as the guest's agent sees them: those there are, those in use, those it can do without; caller frees. [worker] */
    int (*agent_vcpus)(Guest *guest, Bitmap **possible, Bitmap **online, Bitmap **offlinable);
    /** Have the guest's system use these vCPUs or not; they were in agent_vcpus()' answer. [worker] */
    int (*agent_set_vcpus)(Guest *guest, const Bitmap *vcpus, gboolean online);
    /** On how many CPUs, from 0, a thread may run that isn't pinned; NULL: all of this machine's. [any] */
    unsigned int (*host_cpus)(DomainHost *host, const DomainDef *def, GuestThread thread);

    /* ---- guests whose memory the host can't read ---- */

    /** Append what proves how the guest was launched; @def is the live definition. Both or none. [worker] */
    int (*launch_info)(Guest *guest, const DomainDef *def, TypedList *list);
    /** Give a paused guest the secret for its launch. [worker] */
    int (*launch_secret)(Guest *guest, const LaunchSecret *secret);

    /* ---- what confines it ---- */

    /** The labels of a guest that runs, as virDomainGetSecurityLabelList() gives them: the host's first model in front, empty if it
     * confines it by nothing. How many; caller frees @labels with free(). -1 with an error. NULL: there are none. [any] */
    int (*security_labels)(Guest *guest, const DomainDef *def, virSecurityLabelPtr *labels);

    /* ---- what lasts ---- */

    /** Begin a backup and return; the upcall backup_ended tells that it is over. @backup says what becomes of each disk; numbers of
     * images (index) may be filled in. @checkpoint (NULL: none) begins at the same moment. @flags virDomainBackupBeginFlags. [worker] */
    int (*backup_begin)(Guest *guest, struct DomainBackupDef *backup, struct DomainCheckpointDef *checkpoint, unsigned int flags);
    /** Abort what lasts (save, dump, snapshot, backup), at any time; its call then fails soon, a backup ends. @flags
     * virDomainAbortJobFlagsValues. [worker] */
    int (*job_abort)(Guest *guest, unsigned int flags);
    /** Fill in the amounts that are known of it, and type VIR_DOMAIN_JOB_BOUNDED if the whole is. May be NULL. [any] */
    void (*job_progress)(Guest *guest, virDomainJobInfoPtr info);

    /* ---- statistics ---- */

    /** Ask for statistics (GuestStatsGroups) and return; @done is called exactly once, from any thread, also before
     * the return. @stats NULL: no answer within @deadline_ms, or the guest is gone (this thread's error tells). [any] */
    void (*stats)(Guest *guest, unsigned int groups, gint64 deadline_ms, GuestStatsFunc done, void *opaque);

    gboolean takes_fds;      /* disks can be descriptors that a client has given: guest_fd_group() */

    /** Begin to measure how fast the guest changes its memory, for @seconds; @mode virDomainDirtyRateCalcFlags. [worker] */
    int (*dirty_rate)(Guest *guest, const DomainDef *def, unsigned int seconds, unsigned int mode);

    /* ---- talking to it ---- */

    int (*send_key)(Guest *guest, unsigned int codeset, unsigned int holdtime, const unsigned int *codes, int n); /* [worker] */
    int (*inject_nmi)(Guest *guest);                 /* [worker] */
    /** Put a picture of the screen into a file and return a descriptor of it, open for reading, already unlinked or to be
     * gone by itself; @mime receives its type (to be freed). [worker] */
    int (*screenshot)(Guest *guest, const DomainDef *def, unsigned int screen, char **mime);
    /** Descriptor (non-blocking, two-way) of a character device by alias, NULL: the first console. @exclusive is
     * TRUE for VIR_DOMAIN_CONSOLE_SAFE. [worker] */
    int (*open_console)(Guest *guest, const DomainDef *def, const char *alias, gboolean channel);
    /** Have the display number @idx (VNC or SPICE) served on @fd, a connected socket that stays the caller's; @skip_auth: without
     * asking for a password. [worker] */
    int (*open_graphics)(Guest *guest, const DomainDef *def, unsigned int idx, int fd, gboolean skip_auth);
    /** Have displays of @type (virDomainGraphicsReloadType) read their certificates anew. [worker] */
    int (*reload_graphics)(Guest *guest, const DomainDef *def, unsigned int type);
    /** Have a card (NULL: all) tell the switches where it is. [worker] */
    int (*announce)(Guest *guest, const DomainInterface *card, const GuestAnnounce *how);
    /** Raw monitor command; @hmp: the human one. @reply to be freed. Descriptors go in with @fds. [worker] */
    int (*monitor_command)(Guest *guest, const char *command, gboolean hmp, const int *fds, unsigned int n_fds, char **reply);
    /** Raw agent command; @timeout as virDomainQemuAgentCommand(). [worker] */
    char *(*agent_command)(Guest *guest, const char *command, int timeout);
    /** Host name known to the guest's agent. [worker] */
    char *(*agent_hostname)(Guest *guest);
    /** For how long its answers are waited for from now on: seconds, or virDomainAgentResponseTimeoutValues. [any] */
    int (*agent_timeout)(Guest *guest, int timeout);
    /** Append what it tells of one of agent_info_types (bits of virDomainGuestInfoTypes: those without a function of their
     * own), under the names of virDomainGetGuestInfo(). VIR_ERR_OPERATION_UNSUPPORTED if this guest doesn't. [worker] */
    int (*agent_info)(Guest *guest, unsigned int type, TypedList *list);
    unsigned int agent_info_types;
};

/* ---- upcalls: what the hypervisor tells by itself. Those for a guest that has ended are ignored. ---- */

/** vCPUs stopped/run. @reason virDomainPausedReason/RunningReason, or -1: as the core asked for, else unknown. */
void guest_upcall_stopped(Guest *guest, int reason);
void guest_upcall_resumed(Guest *guest, int reason);
/** The guest (or the host, by signal) powered off; process and memory are still there. @reboot: it wanted a reboot, but
 * the hypervisor was told to stop instead. */
void guest_upcall_shutdown(Guest *guest, gboolean by_guest, gboolean reboot);
void guest_upcall_reset(Guest *guest);
/** The guest's kernel crashed. @info (may be NULL) is what the hypervisor knows of it. */
void guest_upcall_panicked(Guest *guest, const char *info);
void guest_upcall_watchdog(Guest *guest, int action);
void guest_upcall_io_error(Guest *guest, const char *path, const char *alias, int action, const char *reason);
/** More was written to a disk's image than block_threshold() said: @excess bytes more. @path may be NULL. */
void guest_upcall_block_threshold(Guest *guest, const char *target, const char *path, unsigned long long threshold,
                                  unsigned long long excess);
/** The tray of drive @alias was opened or closed. */
void guest_upcall_tray(Guest *guest, const char *alias, gboolean open);
/** A client of a graphical console came or went. @phase: VIR_DOMAIN_EVENT_GRAPHICS_*; @scheme: how it authenticates. */
void guest_upcall_graphics(Guest *guest, int phase, const virDomainEventGraphicsAddress *local,
                           const virDomainEventGraphicsAddress *remote, const char *scheme, const virDomainEventGraphicsSubject *subject);
/** Memory of the host failed. The arguments are those of virConnectDomainEventMemoryFailureCallback. */
void guest_upcall_memory_failure(Guest *guest, int recipient, int action, unsigned int flags);
/** The guest's kernel crashed, and another that dumps it took over. */
void guest_upcall_crash_loaded(Guest *guest);
/** The guest uses @kib of memory device @alias now. */
void guest_upcall_memory_size(Guest *guest, const char *alias, unsigned long long kib);
void guest_upcall_balloon(Guest *guest, unsigned long long kib);
/** The guest set its clock @offset seconds after UTC (after its time at the start, if its clock isn't variable). */
void guest_upcall_rtc(Guest *guest, long long offset);
/** The guest has given its interface @alias another hardware address. */
void guest_upcall_nic_mac_change(Guest *guest, const char *alias, const char *old, const char *now);
/** A device is gone: it is taken out of the live definition. Whether it was there. */
gboolean guest_upcall_device_deleted(Guest *guest, const char *alias);
/** The guest doesn't let go of a device that it was asked for. */
void guest_upcall_device_kept(Guest *guest, const char *alias);
void guest_upcall_pmsuspend(Guest *guest, gboolean to_disk);
void guest_upcall_pmwakeup(Guest *guest);
/** Name of the channel that a guest's agent listens on. */
#define DOMAIN_AGENT_CHANNEL "org.qemu.guest_agent.0"
/** The guest opened or closed the channel called @alias. */
void guest_upcall_channel(Guest *guest, gboolean open, const char *alias);
/** The backup is over: @info has its amounts and the type VIR_DOMAIN_JOB_COMPLETED, _FAILED or _CANCELLED. */
void guest_upcall_backup_ended(Guest *guest, const virDomainJobInfo *info);
/** The process ended or its monitor is lost. @crashed: by a signal or in a way that nobody asked for. */
void guest_upcall_ended(Guest *guest, gboolean crashed);
/** Any event of a QEMU monitor, for virConnectDomainQemuMonitorEventRegister(). */
void guest_upcall_monitor_event(Guest *guest, const char *event, long long seconds, unsigned int micros, const char *json);
/** What a guest told: @value, of device @alias (NULL: of none). */
typedef struct GuestNews { const char *alias; unsigned long long value; const char *text; } GuestNews;
typedef void (*GuestDefChange)(DomainDef *def, const GuestNews *news);
/** Change this run's live definition by what the guest told: @change edits a copy, which is then published. FALSE if the run is
 * over. @change must not block; it may be called again, and once more later with a copy of @news, if a call that is
 * under way publishes a definition that it began to edit before. */
gboolean guest_change_def(Guest *guest, GuestDefChange change, const GuestNews *news);
/** Read this run's live definition. FALSE if the run is over. Not copied: cheap. */
typedef void (*GuestDefReader)(const DomainDef *def, void *opaque);
gboolean guest_with_def(Guest *guest, GuestDefReader reader, void *opaque);
/** Append duplicates of the descriptors that a client has given to the domain as the group @name; they are the caller's. 0, or -1 with
 * an error. [any] */
int guest_fd_group(Guest *guest, const char *name, GArray *fds);
/** Say that the backend's part of the status file changed (written soon, by a worker). */
void guest_status_changed(Guest *guest);
/** A taint of the running guest, DomainTaint of domain/taint.h; logged once. */
void guest_taint(Guest *guest, unsigned int taint);
