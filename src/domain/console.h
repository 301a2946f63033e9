/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One reader for each console: two would get half of the text each.
 */
#pragma once
#include "domain/run.h"

/** Open @fd (taken over) as the console called @key of @guest. With @force a present reader is cut off, else his being there
 * is an error. */
int console_attach(Guest *guest, const char *key, virStreamPtr stream, int fd, gboolean force);
/** 0 if console_attach() would succeed at present, else -1: asked before the console is touched. */
int console_check(Guest *guest, const char *key, gboolean force);
