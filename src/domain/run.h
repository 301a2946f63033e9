/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs of domains: how a guest begins and how it ends. Internal to the domain core.
 *
 * A run ends exactly once. Whoever decides it (destroy, an upcall, a failed start, a closed connection) first claims the
 * end; all others then find it claimed. The claimer ends the process, has the backend clean up and publishes the
 * domain as shut off. While start() is under way the starter does that part in the claimer's stead, because nothing
 * may be cleaned up under its hands.
 */
#pragma once
#include "domain/domain_obj.h"
#include "domain/host.h"

/** The whole of a Guest; backends see its first member. */
typedef struct GuestCore {
    Guest pub;
    GMutex lock;             /* guards the following */
    GCond end_cond;
    gboolean claimed, ended;
    gboolean lost;           /* the process or its monitor is gone */
    gboolean going;          /* a start waits for the answer to its "run"; what the guest does then is acted on after it */
    gboolean got_shutdown;   /* it powered off (rather than crashed) */
    gboolean fake_reboot;    /* it is powering off on our behalf, to be reset and run again */
    int end_reason, end_detail; /* virDomainShutoffReason, virDomainEventStoppedDetailType */
    gint want_pause, want_run;  /* atomic: reason why we asked for it, -1: we didn't */
    GMutex status_lock;      /* serialises writing of the status file */
    gboolean status_final;   /* it was removed for good; guarded by status_lock */
    gint status_queued;      /* atomic */
    SharedDef *status_live;  /* the definition in the file, NULL before it was written; guarded by status_lock */
    char *status_middle;     /* the text before it; guarded by status_lock */
    pid_t pid_told;          /* what NAME.pid holds; guarded by status_lock */
} GuestCore;

static inline GuestCore *guest_core(Guest *guest)
{
    return (GuestCore *) guest;
}

/** Keep a domain though its run may end now and it isn't persistent: for who is going to start or define it (with its job).
 * FALSE: it is gone already. */
gboolean domain_hold(DomainObj *obj);
/** The opposite, also if it wasn't held. It is gone if nothing of it is there. Keeps the thread's error. */
void domain_let_go(DomainObj *obj);
/** Have the backend remove what it keeps for the domain of @def, which is gone and doesn't run; @flags
 * virDomainUndefineFlagsValues. */
void domain_forget(DomainObj *obj, const DomainDef *def, unsigned int flags);

Guest *guest_new(DomainHost *host, DomainObj *obj, const char *name, int id);

typedef struct RunOptions {
    StartOptions start;
    virConnectPtr conn;      /* whose end ends the guest (VIR_DOMAIN_START_AUTODESTROY) */
    gboolean paused;
    int running_reason;      /* virDomainRunningReason */
    int started_detail;      /* virDomainEventStartedDetailType */
    int paused_detail;       /* virDomainEventSuspendedDetailType of the event if it stays paused */
} RunOptions;

#define RUN_OPTIONS_INIT { .start = { .restore_fd = -1 }, .running_reason = VIR_DOMAIN_RUNNING_BOOTED }

/** Start a run with @def (a copy is made). The modify job must be held. 0, or -1; then the domain is inactive
 * (and gone, if it is transient). */
int run_start(DomainObj *obj, SharedDef *def, const RunOptions *options);

/** Start a persistent domain: from its managed save image, which is gone then (and is dropped for VIR_DOMAIN_START_FORCE_BOOT),
 * or from its persistent definition. The modify job must be held. */
int run_persistent(DomainObj *obj, RunOptions *options);

/** Remove the managed save image, if there is one. */
int run_drop_saved(DomainObj *obj);

typedef enum { CLAIM_LOST, CLAIM_MINE, CLAIM_OF_STARTER } ClaimResult;

/** Claim the end of a run. CLAIM_MINE: the caller ends the process and calls run_finish(). CLAIM_OF_STARTER: the caller
 * has the process killed, and the starter finishes. CLAIM_LOST: somebody else did. */
ClaimResult run_claim_end(Guest *guest, int reason, int detail);
/** Give a claim back (the process didn't go). If it went meanwhile the end is made all the same. */
void run_release_claim(Guest *guest);
/** Clean up and publish that the domain is shut off. The process is gone. */
void run_finish(Guest *guest);
/** start() or reconnect() has returned. Whether the run goes on; if not (it failed, was lost, or somebody claimed its end
 * meanwhile), this thread ends it, with @reason and @detail if nobody else gave any, and an error is set. */
gboolean run_settle(Guest *guest, gboolean failed, int reason, int detail);
/** Claim, kill by force, finish. 0, also if another one does so; -1 if the process can't be killed (the claim stays). */
int run_end(Guest *guest, int reason, int detail);
/** Wait, at most for a command's deadline, until a start knows that its guest runs. For who ends or restarts a guest because of
 * what it did: a guest may power off or crash before its hypervisor has answered, and it was started all the same. */
void run_wait_going(Guest *guest);
/** Wait until somebody else has finished. FALSE after @deadline_ms. */
gboolean run_wait_ended(Guest *guest, gint64 deadline_ms);

/** Publish that vCPUs stopped/run, with the life cycle event that belongs to it. Nothing if that is published already.
 * @reason virDomainPausedReason/RunningReason. */
void run_apply_paused(Guest *guest, int reason);
void run_apply_running(Guest *guest, int reason);
/** Publish that it runs after a new boot. It never stopped for those who look from outside: no event. */
void run_apply_booted(Guest *guest, int reason);
/** Whether a guest with this action runs again. */
gboolean lifecycle_restarts(DomainLifecycleAction action);
/** Whether its core is dumped before. */
gboolean lifecycle_dumps(DomainLifecycleAction action);
/** The change only if this run still goes on. */
typedef struct RunChange { Guest *guest; int reason; int event, detail; SharedDef *live; guint taint; } RunChange;
gboolean run_is_current(const DomainTransition *t, const Guest *guest);

/** Have vCPUs paused or run, and publish it. */
int run_pause(Guest *guest, int reason);
int run_cont(Guest *guest, int reason);
/** Dump the core of a guest that stands still, unasked, to the host's folder for that; @flags virDomainCoreDumpFlags. [worker] */
int run_dump(Guest *guest, unsigned int flags);

/** Write the status file now. */
int status_save(Guest *guest);
/** The same on a thread that must not wait. FALSE: that can't be done without waiting, or there is more to write than the state. */
gboolean status_save_at_once(Guest *guest);
/** Write it soon, from a worker. */
void status_save_later(Guest *guest);
/** Remove it; nothing will write it again. */
void status_remove(Guest *guest);
/** Take over what a status file tells: a guest with its state, not yet reconnected. NULL with an error. */
typedef struct StatusFile { int state, reason; pid_t pid; guint64 pid_start; guint taints; DomainDef *def;
                            struct DomainBackupDef *backup; xmlDoc *doc; } StatusFile;
int status_read(const char *path, StatusFile *status);
void status_clear(StatusFile *status);

/** Append a line "DATE: text" to the guest's log. */
void guest_log(Guest *guest, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** Whether a definition has this taint name, and names of taints by bit. */
const char *taint_name(guint bit);

/** Run a backend function that may block. */
#define GUEST_CALL(expr) ({ pool_blocking_begin(); __auto_type call_rc_ = (expr); pool_blocking_end(); call_rc_; })
