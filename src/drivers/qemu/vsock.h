/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's end of a guest's vsock.
 */
#pragma once
#include "model/domain_def.h"

/** Reserve a number for @vsock, its own or (cid auto='yes') the first free one, which is put into @vsock. The reservation holds as
 * long as the descriptor, which is returned, and its copies. -1 with an error. @domain: for messages. */
int vsock_open(DomainVsock *vsock, const char *domain);
