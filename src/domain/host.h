/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A host of domains: one driver's store of domains, with its backend, its directories and its event bus. A daemon has
 * one per hypervisor driver; the test driver one per connection file.
 */
#pragma once
#include "base/threadpool.h"
#include "core/event.h"
#include "core/store.h"
#include "domain/backend.h"
#include "domain/domain_obj.h"

/** Default of a backend's deadline_ms. */
#define DOMAIN_GUEST_DEADLINE_MS 30000

/** What a host is made with. */
typedef struct HostSetup {
    const DomainBackend *backend;
    void *priv;            /* the driver's own; freed by the driver after host_free() */
    Loop *loop;            /* may be NULL if the backend needs none */
    Pool *pool;            /* NULL: what happens by itself runs in the thread that says so */
    const char *root;      /* directory under which all paths are; "" for the real ones */
    gboolean privileged;   /* system or session paths */
} HostSetup;

/** New host without domains. NULL with an error (directories). */
DomainHost *host_new(const HostSetup *setup);
/** Let go of all domains; guests go on. No call may be under way. Accepts NULL. */
void host_free(DomainHost *host);

/** Read the definitions, find running guests again, start those that are marked for it. Blocks. Definitions that can't be
 * used are reported in the log, never removed. 0, or -1. */
int host_load(DomainHost *host);
/** The part of host_load() that reads definitions: names, UUIDs and links only. */
int host_load_configs(DomainHost *host);
/** The part that finds the guests of a former daemon. */
int host_load_guests(DomainHost *host);
void host_autostart(DomainHost *host);

const DomainBackend *host_backend(const DomainHost *host);
void *host_priv(const DomainHost *host);
Store *host_domains(const DomainHost *host);
EventBus *host_bus(const DomainHost *host);
Loop *host_loop(const DomainHost *host);
gint64 host_deadline_ms(const DomainHost *host);
/** Change the deadline (for configuration and tests). */
void host_set_deadline_ms(DomainHost *host, gint64 deadline_ms);
/** Where cores are dumped unasked (NULL: where they are now), and whether they are kept out of the host's memory. Before guests. */
void host_set_dump(DomainHost *host, const char *folder, gboolean bypasses_cache);
/** Whether images of guests that start unasked are read past the host's memory. Before host_load(). */
void host_set_start(DomainHost *host, gboolean bypasses_cache);
struct DefCache *host_def_cache(const DomainHost *host);
gboolean host_has_active(DomainHost *host);

/** A fresh domain id. */
int host_take_id(DomainHost *host);
/** Ids up to this one are in use. */
void host_note_id(DomainHost *host, int id);

/** Run @fn on a worker; with @obj (a reference is held meanwhile) one after the other for each domain. Without a pool it
 * runs at once. */
void host_run(DomainHost *host, DomainObj *obj, void (*fn)(void *opaque), void *opaque);
