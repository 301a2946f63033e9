/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who else listens at a port that a network needs.
 */
#pragma once
#include "base/ip.h"

/** "'dnsmasq' (process 123)", which listens at a port of UDP or TCP on all addresses or on @address; caller frees. NULL if nobody can be
 * found. */
char *rival_find(guint port, const char *address);
/** Whether somebody listens to UDP there (on @address or on all) and hasn't read what has come. */
bool rival_sleeps(guint port, const IpAddress *address);
