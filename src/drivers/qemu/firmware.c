/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/firmware.h"
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/descriptors.h"
#include "drivers/qemu/json_lines.h"
#include "model/domain.h"

enum { NVRAM_MAX = 64 * 1024 * 1024 };

#define SMM "requires-smm"
#define SECURE_BOOT "secure-boot"

/* A list of texts has this one. */
static gboolean list_has(json_object *object, const char *key, const char *wanted)
{
    json_object *list = json_member(object, key, json_type_array);

    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);

        if (json_object_is_type(item, json_type_string) && g_str_equal(json_object_get_string(item), wanted))
            return TRUE;
    }
    return FALSE;
}

static gboolean fits_machine(json_object *descriptor, const char *arch, const char *machine)
{
    json_object *targets = json_member(descriptor, "targets", json_type_array);

    for (size_t i = 0; targets && i < json_object_array_length(targets); i++) {
        json_object *target = json_object_array_get_idx(targets, i);
        json_object *machines = json_member(target, "machines", json_type_array);

        if (g_strcmp0(json_member_string(target, "architecture"), arch) != 0)
            continue;
        for (size_t k = 0; machines && k < json_object_array_length(machines); k++) {
            json_object *pattern = json_object_array_get_idx(machines, k);

            if (json_object_is_type(pattern, json_type_string) && fnmatch(json_object_get_string(pattern), machine, 0) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

/* ---- what is asked for ---- */

/* Why a descriptor doesn't fit; NULL: it does. Static text. */
static const char *check_features(const DomainDef *def, json_object *descriptor)
{
    gboolean smm = list_has(descriptor, "features", SMM);

    if (smm && def->features.smm.state != TRISTATE_ON)
        return "it needs <smm state='on'/> in <features>";
    if (smm && def->os.loader.secure == TRISTATE_NO)
        return "it is a secure one, and secure='no' is asked for";
    if (!smm && def->os.loader.secure == TRISTATE_YES)
        return "it isn't a secure one, which secure='yes' asks for";
    if (def->pm.suspend_to_mem == TRISTATE_YES && !list_has(descriptor, "features", "acpi-s3"))
        return "it doesn't sleep (S3), which <pm> asks for";
    if (def->pm.suspend_to_disk == TRISTATE_YES && !list_has(descriptor, "features", "acpi-s4"))
        return "it doesn't sleep on disk (S4), which <pm> asks for";
    for (guint i = 0; i < def->os.n_firmware_features; i++) {
        const OsFirmwareFeature *feature = def->os.firmware_features[i];

        if (list_has(descriptor, "features", feature->name) != (feature->enabled == TRISTATE_YES))
            return feature->enabled == TRISTATE_YES ? "it lacks a <feature> that is asked for" : "it has a <feature> that must not be there";
    }
    return NULL;
}

static const char *check_mapping(const DomainDef *def, json_object *mapping)
{
    const char *device = json_member_string(mapping, "device");
    json_object *executable = json_member(mapping, "executable", json_type_object);
    const char *format = json_member_string(executable, "format"), *mode = json_member_string(mapping, "mode");
    DomainLoaderType type = def->os.loader.type;

    if (g_strcmp0(device, "memory") == 0)
        return type == DOMAIN_LOADER_TYPE_PFLASH ? "it isn't for flash memory, which type='pflash' asks for" :
            json_member_string(mapping, "filename") ? NULL : "it names no file";
    if (g_strcmp0(device, "flash") != 0)
        return "it is neither for flash memory nor a ROM";
    if (type == DOMAIN_LOADER_TYPE_ROM)
        return "it is for flash memory, and type='rom' is asked for";
    if (mode && !g_str_equal(mode, "split") && !g_str_equal(mode, "stateless"))
        return "its code and variables are in one file";
    if ((mode && g_str_equal(mode, "stateless")) != (def->os.loader.stateless == TRISTATE_YES))
        return def->os.loader.stateless == TRISTATE_YES ? "it keeps variables, and stateless='yes' is asked for" : "it keeps no variables";
    if (g_strcmp0(format, def->os.loader.format == DOMAIN_LOADER_FORMAT_QCOW2 ? "qcow2" : "raw") != 0)
        return "its image has another format";
    return json_member_string(executable, "filename") ? NULL : "it names no file";
}

static const char *check_descriptor(const DomainDef *def, json_object *descriptor)
{
    const char *kind = def->os.firmware == DOMAIN_OS_FIRMWARE_BIOS ? "bios" : "uefi", *why;

    if (!list_has(descriptor, "interface-types", kind))
        return "it is of another kind";
    why = check_features(def, descriptor);
    return why ? why : check_mapping(def, json_member(descriptor, "mapping", json_type_object));
}

/* ---- choosing ---- */

static void adopt(DomainDef *def, json_object *descriptor, const char *nvram_dir)
{
    DomainLoader *loader = &def->os.loader;
    DomainNvramFile *nvram = &def->os.nvram;
    json_object *mapping = json_member(descriptor, "mapping", json_type_object);
    json_object *template = json_member(mapping, "nvram-template", json_type_object);

    if (g_strcmp0(json_member_string(mapping, "device"), "memory") == 0) {
        loader->type = DOMAIN_LOADER_TYPE_ROM;
        loader->path = g_strdup(json_member_string(mapping, "filename"));
        return;
    }
    loader->type = DOMAIN_LOADER_TYPE_PFLASH;
    loader->readonly = TRISTATE_YES;
    loader->path = g_strdup(json_member_string(json_member(mapping, "executable", json_type_object), "filename"));
    if (!loader->secure)
        loader->secure = list_has(descriptor, "features", SMM) ? TRISTATE_YES : TRISTATE_NO;
    if (!template || loader->stateless == TRISTATE_YES)
        return;
    if (!nvram->template)
        nvram->template = g_strdup(json_member_string(template, "filename"));
    if (!nvram->path && !nvram->source.type)
        nvram->path = domain_nvram_path(nvram_dir, def->name);
}

int qemu_firmware_choose(DomainDef *def, const char *const *folders, const char *nvram_dir)
{
    g_autoptr(GPtrArray) paths = NULL;
    g_autoptr(GString) reasons = g_string_new(NULL);

    if (!def->os.firmware || def->os.loader.path)
        return 0;
    paths = qemu_descriptors_list(folders);
    for (guint i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i), *why;
        g_autoptr(json_object) descriptor = qemu_descriptor_read(path);

        if (!descriptor || !fits_machine(descriptor, def->os.arch, def->os.machine))
            continue;
        why = check_descriptor(def, descriptor);
        if (!why) {
            adopt(def, descriptor, nvram_dir);
            return 0;
        }
        g_string_append_printf(reasons, "\n%s: %s", path, why);
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "Unable to find any firmware to satisfy '%s': %s%s", domain_os_firmware_to_string(def->os.firmware),
                reasons->len ? "of the descriptors for this machine none fits" : "no descriptor of firmware for this machine is installed "
                               "(package ovmf has those for PCs)", reasons->str);
}

void qemu_firmware_offer(const char *arch, const char *machine, const char *const *folders, QemuFirmwareOffer *offer)
{
    g_autoptr(GPtrArray) paths = qemu_descriptors_list(folders);

    *offer = (QemuFirmwareOffer){ .loaders = g_ptr_array_new_with_free_func(g_free) };
    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(json_object) descriptor = qemu_descriptor_read(g_ptr_array_index(paths, i));
        json_object *mapping = json_member(descriptor, "mapping", json_type_object);
        const char *file = json_member_string(json_member(mapping, "executable", json_type_object), "filename");

        if (!descriptor || !fits_machine(descriptor, arch, machine))
            continue;
        offer->bios |= list_has(descriptor, "interface-types", "bios");
        if (!list_has(descriptor, "interface-types", "uefi"))
            continue;
        offer->efi = TRUE;
        offer->secure_boot[list_has(descriptor, "features", SECURE_BOOT)] = TRUE;
        offer->enrolled_keys[list_has(descriptor, "features", "enrolled-keys")] = TRUE;
        offer->smm[list_has(descriptor, "features", SMM)] = TRUE;
        if (file && !g_ptr_array_find_with_equal_func(offer->loaders, file, g_str_equal, NULL))
            g_ptr_array_add(offer->loaders, g_strdup(file));
    }
}

/* ---- variables ---- */

/* The template of the descriptor whose code is @loader; NULL: there is none. */
static char *template_of(const char *loader, const char *const *folders)
{
    g_autoptr(GPtrArray) paths = qemu_descriptors_list(folders);

    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(json_object) descriptor = qemu_descriptor_read(g_ptr_array_index(paths, i));
        json_object *mapping = json_member(descriptor, "mapping", json_type_object);
        const char *code = json_member_string(json_member(mapping, "executable", json_type_object), "filename");

        if (g_strcmp0(code, loader) == 0)
            return g_strdup(json_member_string(json_member(mapping, "nvram-template", json_type_object), "filename"));
    }
    return NULL;
}

int qemu_firmware_make_nvram(const DomainDef *def, const char *const *folders, gboolean again, uid_t uid, gid_t gid)
{
    const DomainNvramFile *nvram = &def->os.nvram;
    const char *path = nvram->path ? nvram->path : nvram->source.file;
    g_autofree char *template = NULL, *data = NULL;
    size_t len = 0;

    if (!def->os.loader.path || def->os.loader.type != DOMAIN_LOADER_TYPE_PFLASH || !path || (!again && access(path, F_OK) == 0))
        return 0;
    template = nvram->template ? g_strdup(nvram->template) : template_of(def->os.loader.path, folders);
    if (!template)
        return FAIL(VIR_ERR_OPERATION_FAILED, "unable to find any master var store for loader: %s; name one with <nvram template=>",
                    def->os.loader.path);
    data = file_read(template, NVRAM_MAX, &len);
    return data ? file_replace(path, data, len, 0600, uid == (uid_t)-1 ? FILE_OWNER_KEEP : uid, gid == (gid_t)-1 ? FILE_GROUP_KEEP : gid) : -1;
}
