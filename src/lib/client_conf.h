/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What libvirt.conf and libvirt-admin.conf say to programs: the URI to connect to by default, and short names of URIs.
 */
#pragma once
#include <glib.h>

#include "config/libvirt.h"

/** The URI that @name stands for: NULL or "" is the default one (LIBVIRT_DEFAULT_URI, then uri_default, then the QEMU driver of
 * the system or session), others may be an alias unless @flags has VIR_CONNECT_NO_ALIASES. Caller frees.
 * NULL with an error set if the file is malformed. */
char *client_conf_uri(const char *name, unsigned int flags);

/** The same for connections of the admin library: LIBVIRT_ADMIN_DEFAULT_URI, libvirt-admin.conf. */
char *client_conf_admin_uri(const char *name, unsigned int flags);

/** client_conf_uri() with a configuration at hand and without the environment; @name NULL: the default one. */
char *client_conf_resolve(const ClientConf *conf, const char *name, unsigned int flags);
