/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connections to a host: what conn->data of a driver that uses the domain core is.
 */
#pragma once
#include "core/objects.h"
#include "domain/domain_obj.h"

/** Bind @conn to @host: conn->data, events. In the driver's open(). @priv is the driver's own. */
void connect_attach(virConnectPtr conn, DomainHost *host, void *priv);
/** Ends the guests that were started to end with the connection, and frees. In the driver's close(). Gives back @priv. */
void *connect_detach(virConnectPtr conn);

DomainHost *connect_host(virConnectPtr conn);
void *connect_priv(virConnectPtr conn);

/** Close the descriptors that @conn has given to @obj (fd_groups_put() with connect_fd_owner()) when the connection ends. */
void connect_add_fd_user(virConnectPtr conn, DomainObj *obj);
gconstpointer connect_fd_owner(virConnectPtr conn);

/** End @guest when the connection ends. */
void connect_add_autodestroy(virConnectPtr conn, Guest *guest);
