/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files about interfaces' devices share, with those about devices that come while the guest runs. Not for others.
 */
#pragma once
#include "drivers/qemu/tap.h"
#include "core/definition.h"
#include "model/networkport_def.h"
#include "network/switch.h"

/** What an interface is connected to: a bridge, a device of the host, or (neither) whatever others do with its tap device. */
typedef struct Wire {
    Definition *port;          /* of a network, which has the strings; NULL: it is on none */
    const char *bridge;
    gboolean told;             /* the bridge is told addresses, and learns none */
    const char *dev;
    InterfaceDirectMode mode;
    gboolean nic;              /* the guest gets a network card of the host */
    const QemuConf *conf;      /* the caller's, set before tap_make() */
    gboolean helped;           /* it did, and has put the device into the bridge */
    /* Before a tap device is opened and the kernel makes it, which takes a while; and right after: @rc 0 or -1, before anything is taken down.
     * Both NULL: nobody needs to know. 0, or -1 with an error. As @conf, the caller's. */
    int (*opening)(void *opaque);
    int (*opened)(void *opaque, int rc);
    void *opaque;
} Wire;

/** tap_open_all() for one interface of @def, which needs it, in two steps: its device, which passes nothing yet (nothing is left if that
 * fails); and the connection, for which @wire tells to what: if that fails, tap_down() is the caller's. @wire has but what is the caller's
 * before, and is to be cleared in any case. [worker] */
int tap_make(const DomainDef *def, DomainInterface *net, GArray *fds, Wire *wire);
int tap_connect(const DomainDef *def, DomainInterface *net, const Wire *wire);
void tap_wire_clear(Wire *wire);

/** Plug @net into its network, if it is on one, and tell what it is connected to; wire->port is the caller's, also after a failure. */
int tap_wire_of(const DomainDef *def, DomainInterface *net, Wire *wire);
/** The same by a port that is there. */
int tap_wire_of_port(const NetworkPortDef *port, const DomainInterface *net, Wire *wire);
/** Whether what @net asks for can be had, and be had where it is connected. */
int tap_check_interface(const DomainInterface *net, const char *domain);
int tap_check_wire(const DomainInterface *net, const char *domain, const Wire *wire);
/** Whether this process may make network devices. */
gboolean tap_is_ours_to_make(void);
/** A tap device in @bridge, made by the program @helper for whoever may make none: its descriptor is appended to @fds, its name put into
 * @net. What @net asks for beyond that is refused. [worker] */
int tap_from_helper(const char *helper, DomainInterface *net, const char *bridge, GArray *fds);
/** How many received packets may wait for one interrupt. */
int tap_set_coalesce(const char *name, guint frames);
SwitchPort tap_switch_port(const DomainInterface *net, const guint8 uuid[16], const Wire *wire);
