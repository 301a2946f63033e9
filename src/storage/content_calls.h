/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Content that a server keeps, for who is not within a call of a backend: a client's stream. Each use of it is a call (call.h), with what
 * that has of deadlines and told silence; what is small and in order is gathered, so that the server sees large pieces. Internal to this
 * room.
 */
#pragma once
#include "storage/vol.h"

/** @content, which is taken over, of the volume of @job, which may end before it. What was written reaches the server by content_flush()
 * at the latest; without that some of the last bytes may be dropped. */
StorageContent *content_in_calls(const VolJob *job, StorageContent *content);
