/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of a guest's AppArmor profile: no state, nothing of the host is asked. Rules of files are quoted, so that a path means itself
 * whatever characters it has.
 */
#pragma once
#include <glib.h>
#include "base/uuid.h"

/** Size of a profile's name with its NUL. */
#define APPARMOR_NAME_SIZE (8 + UUID_TEXT_SIZE)
/** How a file of rules begins that we have written. */
#define APPARMOR_FILES_MARK "# Made by libvirtd while the guest runs, for its profile; changes are lost.\n"

/** The name of a guest's profile, "libvirt-UUID"; @name is returned. */
char *apparmor_name(const unsigned char *uuid, char name[APPARMOR_NAME_SIZE]);
/** The guest of a profile. FALSE: it is none of a guest. */
gboolean apparmor_name_parse(const char *name, unsigned char *uuid);

/** A rule, "  \"/path\" MODE,\n". @tree: also for all that is below the folder @path. NULL with an error: no rule can name such a path.
 * Caller frees. */
char *apparmor_rule(const char *path, const char *mode, gboolean tree);

/** The profile @name with the rules that stand in the file @rules. @template (NULL: the usual one): a profile whose name, LIBVIRT_TEMPLATE,
 * is replaced, and that includes those rules before it ends. NULL with an error: it isn't one. Caller frees. */
char *apparmor_profile(const char *name, const char *rules, const char *template);
