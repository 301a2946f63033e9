/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the functions that register event callbacks.
 */
#pragma once
#include "core/objects.h"

/** Reset the error; a live connection and a callback. 0, or -1 after reporting. */
int events_check_registration(virConnectPtr conn, const void *cb, const char *func);
/** Report the error of a negative @ret; returns @ret. */
int events_finish(virConnectPtr conn, int ret);
