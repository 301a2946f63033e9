/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Firmware of guests that name none: descriptors that packages of firmware install (the format is QEMU's, docs/interop/firmware.json), and
 * the file with a guest's UEFI variables, which is made of a template.
 */
#pragma once
#include <glib.h>
#include "model/domain_def.h"

/** Fill in what <os firmware=> asks for: the loader, and the template of its variables, of the first descriptor in @folders
 * (qemu_descriptor_folders("firmware")) that fits;
 * variables without a place get theirs in @nvram_dir. Does nothing if no firmware is asked for, or the loader is named.
 * 0, or -1 with VIR_ERR_OPERATION_FAILED, which tells of each descriptor for this machine why it doesn't fit. */
int qemu_firmware_choose(DomainDef *def, const char *const *folders, const char *nvram_dir);

/** Make the file with the variables of @def if it isn't there, or, with @again, anew. Its template is what @def names, or that of the
 * descriptor with the same loader. It belongs to @uid and @gid then (-1: as we are). 0, or -1 with an error. */
int qemu_firmware_make_nvram(const DomainDef *def, const char *const *folders, gboolean again, uid_t uid, gid_t gid);

/** What can be chosen for a machine. */
typedef struct {
    gboolean bios, efi;
    gboolean secure_boot[2], enrolled_keys[2], smm[2]; /* [0]: there is one without it, [1]: with it */
    GPtrArray *loaders;                                /* char *: files in flash memory; the caller frees */
} QemuFirmwareOffer;

void qemu_firmware_offer(const char *arch, const char *machine, const char *const *folders, QemuFirmwareOffer *offer);
