/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may confine a guest: its user ("dac"), and one of AppArmor and SELinux. security.h is what the rest of the driver sees of it; each
 * model is one of these tables. A model that isn't chosen is asked for nothing but to take away what a former daemon has left.
 */
#pragma once
#include "drivers/qemu/security.h"

typedef struct SecurityModel {
    const char *name;               /**< in <seclabel> */
    /** Whether the host's kernel has it. */
    gboolean (*on_host)(void);
    /** What this host lacks for it, and how to get that; NULL: nothing. Caller frees. */
    char *(*missing)(const QemuDriver *driver);
    /** Label of guests that have none of their own, for capabilities; NULL: each has another. Caller frees. */
    char *(*base_label)(QemuDriver *driver, gboolean kvm);

    /** Decide about a guest, before anything is made for it: complete @label, its own in the run's definition (never of type none; "dac"
     * finds or makes it itself). 0; -1 with an error. */
    int (*begin)(Guest *guest, DomainDef *def, DomainSeclabel *label);
    /** The same of a run of a former daemon, as its definition says. */
    int (*take_over)(Guest *guest, const DomainDef *def, const DomainSeclabel *label);
    /** Let it have files. 0; -1 with an error, and it has none of them. [worker] */
    int (*give)(Guest *guest, GPtrArray *files);
    /** What take_back() is to be told about @files, as long as they are known: NULL-terminated, owned. */
    char **(*given)(Guest *guest, GPtrArray *files);
    /** Take that back; NULL: everything, the guest has ended. Errors are logged. [worker] */
    void (*take_back)(Guest *guest, char **given);
    /** Have its process begin under its label. Texts are the guest's. NULL: nothing to do. */
    void (*start_as)(const Guest *guest, ProcessSpec *spec);
    /** Whether its label really holds it. NULL: no. */
    gboolean (*enforced)(const Guest *guest);
    /** Free what begin() and take_over() have made; the host stays as it is. NULL: nothing. */
    void (*forget)(QemuDriver *driver, QemuGuest *qemu);
    /** Take away what guests left that don't run any more. NULL: nothing. */
    void (*sweep)(QemuDriver *driver, SecurityAlive alive);
} SecurityModel;

extern const SecurityModel security_dac, security_apparmor, security_selinux;

/** The label of @model; NULL: it has none. */
DomainSeclabel *security_find_label(const DomainDef *def, const char *model);
/** A new, dynamic one at the end of the definition's. */
DomainSeclabel *security_add_label(DomainDef *def, const char *model);
/** Paths of those of @files that @gets says the guest gets: for given(). Caller frees (g_strfreev()). */
char **security_paths(Guest *guest, GPtrArray *files, gboolean (*gets)(Guest *guest, const GuestFile *file));
/** Put @text, which it takes over, in place of what stands there. */
void security_set_text(char **slot, char *text);
