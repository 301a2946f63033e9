/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on domains, as members of a HypervisorDriver, and what they share. Internal to the domain core;
 * functions.h hands them out. Arguments have been checked by the entry points; flags are checked here.
 */
#pragma once
#include "base/error.h"
#include "domain/connect.h"
#include "domain/def_cache.h"
#include "domain/domain_obj.h"
#include "domain/host.h"
#include "domain/run.h"
#include <string.h>

/** Access of one call to one domain: the domain, its state, a job. Zero-initialise; ended by api_end(). */
typedef struct Access {
    DomainObj *obj;
    DomainState *state;    /* as it was when the job began */
    gboolean has_job, has_async;
    JobKind job;
} Access;

/** Find the domain of a handle. 0, or -1 with VIR_ERR_NO_DOMAIN. */
int api_begin(Access *access, virDomainPtr dom);
/** The same with a job; @api tells others who has it. */
int api_begin_job(Access *access, virDomainPtr dom, JobKind job, const char *api);
/** The same for what lasts: others see that it goes on and can abort it (async job), and nobody changes the domain
 * meanwhile (modify job). */
int api_begin_long(Access *access, virDomainPtr dom, const char *api);
void api_end(Access *access);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Access, api_end)

/** Take the present state once more, after a change. */
void api_refresh(Access *access);

/** 0, or -1 with VIR_ERR_OPERATION_INVALID if there is no guest. */
int api_need_active(const Access *access);
/** The opposite, of a state. */
int api_need_inactive(const DomainState *state);
/** The name of the domain. */
#define API_NAME(access) ((access)->state->name)

/** The host of a connection; also tells the thread whose errors to report. */
DomainHost *api_host(virConnectPtr conn);

/** A handle for a domain as it is now. */
virDomainPtr api_handle(virConnectPtr conn, DomainObj *obj, const DomainState *state);

/** Answer @failure if there are flags beyond @allowed. */
#define API_FLAGS(flags, allowed, failure) \
    do { \
        if (error_check_flags(api_error_domain, __func__ + strlen("core_"), (flags), (allowed)) < 0) \
            return (failure); \
    } while (0)

/** Answer @failure if there are both the flag @one and the flag @other. */
#define API_EXCLUSIVE(flags, one, other, failure) \
    do { \
        if (((flags) & (one)) && ((flags) & (other))) { \
            error_report_argument(VIR_FROM_DOM, __func__, "flags", "Flags '%s' and '%s' are mutually exclusive", #one, #other); \
            return (failure); \
        } \
    } while (0)

/** Which definitions VIR_DOMAIN_AFFECT_xxx means. */
typedef struct Scope { gboolean live, config; } Scope;
/** 0, or -1 with VIR_ERR_OPERATION_INVALID if that isn't there. Other flags are ignored. */
int api_scope(const Access *access, unsigned int flags, Scope *scope);
/** The definition to read: live or persistent, not both. NULL with an error. */
SharedDef *api_scope_def(const Access *access, unsigned int flags);

/** Edit a copy of the persistent definition, write it, publish it. The modify job must be held. @event (may be NULL, taken
 * over in any case) is emitted with it. */
typedef int (*ConfigEdit)(DomainDef *def, void *opaque);
int config_edit(DomainObj *obj, ConfigEdit edit, void *opaque, Event *event);
/** Write and publish a new persistent definition. */
int config_replace(DomainObj *obj, SharedDef *def, Event *event);

/** A change of definitions that a running guest follows. */
typedef struct DefChange {
    const char *what;      /* for the error if the guest can't: "memory parameters" */
    /** Edit a copy of the live (first) or the persistent definition. */
    int (*edit)(DomainDef *def, gboolean live, void *opaque);
    /** Have the guest follow; @def is the edited copy. 0, 1 if there is nothing to publish, or -1. NULL: the backend can't
     * (VIR_ERR_NO_SUPPORT). [worker] */
    int (*live)(Guest *guest, DomainDef *def, void *opaque);
    gboolean unheard;      /* the guest has nothing to follow: live isn't called */
} DefChange;
/** Make a change where @flags (VIR_DOMAIN_AFFECT_xxx) want it. The modify job must be held. It is tried on all copies before
 * the guest hears of it. 0, or -1. */
int api_change(const Access *access, unsigned int flags, const DefChange *change, void *opaque);

/** Publish @def (taken over), an edited copy of @access's, as the live definition and write the status; what the guest told
 * meanwhile is brought into it. The modify job must be held. 0, or -1; also if the run is over. */
int api_publish_live(const Access *access, DomainDef *def);

/** The domain that @def is about, new or known, with its modify job begun. NULL with an error. */
DomainObj *api_reserve(DomainHost *host, const DomainDef *def, const char *api);
/** End that job; a name that nothing came of is free again. */
void api_settle(DomainObj *obj);

/** Complete a definition that was read from @xml, a document whose root it is (else errors name no line). 0, or -1. */
int definition_complete(DomainHost *host, DomainDef *def, const char *xml);
/** The same of a definition that was complete and has a device changed. @live: it runs, and what it runs with may be another hypervisor than
 * the host has now: that isn't asked. */
int definition_complete_again(DomainHost *host, DomainDef *def, gboolean live);
/** Read a definition and complete it, in all steps. @validate: also what has no place in the schema is an error. */
DomainDef *definition_parse(DomainHost *host, const char *xml, gboolean validate);

/** Memory and processors as clients count them. */
unsigned long long def_current_memory(const DomainDef *def);
unsigned int def_current_vcpus(const DomainDef *def);

/** Statistics of one running guest, with the guest's deadline. NULL with an error. */
GuestStats *api_guest_stats(const Access *access, unsigned int groups);
