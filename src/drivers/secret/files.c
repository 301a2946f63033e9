/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each step leaves the old or the new condition on the disk. Of a value in two forms the newer file counts, so that one that another
 * libvirt has set meanwhile isn't lost, and the older one goes with the next value.
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#define LOG_SOURCE "secret.files"
#include "drivers/secret/files.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "secret/host.h"

/* Longest definition that is read. */
#define XML_MAX (1024 * 1024)
/* More files than this are not ours. */
#define FILES_MAX 100000
/* Tries to read a value while it is being replaced. */
#define TRIES 100

typedef enum { FORM_SEALED, FORM_PLAIN, FORM_LAST } ValueForm;

static const char *const suffixes[FORM_LAST] = { "aes256gcm", "base64" };

static char *path_of(const SecretFiles *files, const SecretDef *def, const char *suffix)
{
    char uuid[UUID_TEXT_SIZE];
    return g_strdup_printf("%s/%s.%s", files->folder, uuid_format(def->uuid, uuid), suffix);
}

/* ---- values ---- */

static int remove_value(const SecretFiles *files, const SecretDef *def, ValueForm form)
{
    g_autofree char *path = path_of(files, def, suffixes[form]);
    return access(path, F_OK) < 0 && errno == ENOENT ? 0 : file_remove_sync(path);
}

static int remove_values(const SecretFiles *files, const SecretDef *def)
{
    return remove_value(files, def, FORM_SEALED) < 0 || remove_value(files, def, FORM_PLAIN) < 0 ? -1 : 0;
}

/* The value as it stands in the file. */
static guint8 *encode(SecretFiles *files, const SecretDef *def, const guint8 *value, size_t size, size_t *len)
{
    g_auto(SealKey) key = { { 0 } };
    if (files->encrypt) {
        *len = size + SEALED_MORE;
        return host_keys_first(files->keys, &key) < 0 ? NULL : sealed_make(&key, def->uuid, value, size);
    }
    char *text = g_base64_encode(value, size);
    *len = strlen(text);
    return (guint8 *) text;
}

static int set_value(const SecretDef *def, const guint8 *value, size_t size, void *opaque)
{
    SecretFiles *files = opaque;
    ValueForm form = files->encrypt ? FORM_SEALED : FORM_PLAIN;
    g_autofree char *path = path_of(files, def, suffixes[form]);
    size_t len = 0;
    guint8 *bytes = encode(files, def, value, size, &len);
    int rc = bytes ? file_replace(path, bytes, len, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP) : -1;
    secret_value_free(bytes, len);
    if (rc < 0) {
        error_context("cannot keep the value of the secret");
        return -1;
    }
    return remove_value(files, def, !form);
}

/* Which file counts: FORM_LAST if there is none. */
static ValueForm newest(const SecretFiles *files, const SecretDef *def)
{
    struct stat found[FORM_LAST];
    bool there[FORM_LAST];
    for (guint i = 0; i < FORM_LAST; i++) {
        g_autofree char *path = path_of(files, def, suffixes[i]);
        there[i] = lstat(path, &found[i]) == 0;
    }
    if (!there[FORM_SEALED] || !there[FORM_PLAIN])
        return there[FORM_SEALED] ? FORM_SEALED : there[FORM_PLAIN] ? FORM_PLAIN : FORM_LAST;
    const struct timespec *sealed = &found[FORM_SEALED].st_mtim, *plain = &found[FORM_PLAIN].st_mtim;
    bool later = plain->tv_sec != sealed->tv_sec ? plain->tv_sec > sealed->tv_sec : plain->tv_nsec > sealed->tv_nsec;
    return later ? FORM_PLAIN : FORM_SEALED;
}

static guint8 *decode_sealed(SecretFiles *files, const SecretDef *def, const guint8 *bytes, size_t len, size_t *size)
{
    g_auto(SealKey) key = { { 0 } };
    const guint8 *id = sealed_id(bytes, len);
    return id && host_keys_find(files->keys, id, &key) == 0 ? sealed_open(&key, def->uuid, bytes, len, size) : NULL;
}

static guint8 *decode_plain(char *text, size_t len, size_t *size)
{
    size_t used = len;
    while (used && g_ascii_isspace(text[used - 1]))
        used--;
    if (!used || used % 4 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != used)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "it is no base64");
    text[used] = '\0';
    guint8 *value = g_base64_decode(text, size);
    if (*size > 0 && *size <= SECRET_VALUE_MAX)
        return value;
    secret_value_free(value, *size);
    return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "a value has 1 to %d bytes, not %zu", SECRET_VALUE_MAX, *size);
}

/* Longest file of either form, with some room behind it. */
static size_t file_max(ValueForm form)
{
    return form == FORM_SEALED ? SECRET_VALUE_MAX + SEALED_MORE : (SECRET_VALUE_MAX + 2) / 3 * 4 + 16;
}

static int get_value(const SecretDef *def, guint8 **value, size_t *size, void *opaque)
{
    SecretFiles *files = opaque;
    *value = NULL;
    for (guint i = 0; i < TRIES; i++) {
        ValueForm form = newest(files, def);
        if (form == FORM_LAST)
            return 0;
        g_autofree char *path = path_of(files, def, suffixes[form]);
        char *bytes = NULL;
        size_t len = 0;
        int rc = file_read_optional(path, file_max(form), &bytes, &len);
        if (rc == 0)
            continue; /* it gave way to the other form just now */
        if (rc > 0)
            *value = form == FORM_SEALED ? decode_sealed(files, def, (guint8 *) bytes, len, size) : decode_plain(bytes, len, size);
        secret_value_free((guint8 *) bytes, len);
        if (*value)
            return 0;
        error_context("value of the secret in '%s'", path);
        return -1;
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "the value of the secret is being replaced all the time");
}

/* ---- definitions ---- */

static int write_definition(const SecretFiles *files, const SecretDef *def)
{
    g_autofree char *path = path_of(files, def, "xml");
    g_autofree char *xml = xml_format(SECRET_ROOT.desc, def, SECRET_ROOT.name, SECRET_ROOT.ns, 0, XML_INACTIVE | XML_SECURE);
    g_autofree char *text = g_strdup_printf("<!-- Written by the daemon, which overwrites it. To change it: virsh secret-dumpxml, edit, virsh "
                                            "secret-define -->\n%s", xml);
    return file_replace(path, text, strlen(text), 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

static int define(const SecretDef *def, const SecretDef *old, const guint8 *value, size_t size, void *opaque)
{
    SecretFiles *files = opaque;
    /* of a secret that was undefined by halves when a daemon was killed */
    if (!old && remove_values(files, def) < 0)
        return -1;
    if (value && set_value(def, value, size, opaque) < 0)
        return -1;
    if (write_definition(files, def) == 0)
        return 0;
    virErrorPtr error = error_save();
    if (value && remove_values(files, def) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
    return -1;
}

/* The definition first: a value alone is no secret, a secret must not lose its value before it goes. */
static int undefine(const SecretDef *def, void *opaque)
{
    SecretFiles *files = opaque;
    g_autofree char *path = path_of(files, def, "xml");
    if (file_remove_sync(path) < 0)
        return -1;
    if (remove_values(files, def) == 0)
        return 0;
    virErrorPtr error = error_save();
    if (write_definition(files, def) < 0)
        LOG_ERROR("the definition of a secret is lost: %s", error_message());
    error_restore(error);
    return -1;
}

static int load_one(const SecretFiles *files, ManagedTable *table, const char *name)
{
    g_autofree char *path = g_build_filename(files->folder, name, NULL);
    g_autofree char *text = file_read(path, XML_MAX, NULL);
    SecretDef *def = text ? managed_parse(table, text, FALSE) : NULL;
    char uuid[UUID_TEXT_SIZE];
    if (!def)
        return -1;
    if (!g_str_has_prefix(name, uuid_format(def->uuid, uuid)) || strcmp(name + strlen(uuid), ".xml") != 0)
        error_report(ERROR_DOMAIN, VIR_ERR_CONFIG_UNSUPPORTED, "it defines the secret %s, whose file is '%s.xml'", uuid, uuid);
    else if (def->ephemeral == TRISTATE_YES)
        error_report(ERROR_DOMAIN, VIR_ERR_CONFIG_UNSUPPORTED, "it defines an ephemeral secret, which is never kept in a file");
    else
        return managed_take_in(table, def, FALSE);
    xml_struct_free(SECRET_ROOT.desc, def);
    return -1;
}

void secret_files_load(SecretFiles *files, ManagedTable *table)
{
    g_auto(GStrv) names = file_list_dir(files->folder, FILES_MAX);
    if (!names)
        LOG_ERROR("%s", error_message());
    for (char **name = names; name && *name; name++) {
        if (!g_str_has_suffix(*name, ".xml") || load_one(files, table, *name) == 0)
            continue;
        LOG_ERROR("'%s/%s' is left out: %s", files->folder, *name, error_message());
    }
    virResetLastError();
}

/* ---- life ---- */

void secret_files_free(SecretFiles *files)
{
    if (!files)
        return;
    host_keys_free(files->keys);
    g_free(files->folder);
    g_free(files);
}

SecretFiles *secret_files_new(const char *folder, HostKeys *keys, gboolean encrypt)
{
    SecretFiles *files = g_new0(SecretFiles, 1);
    files->backend = (SecretBackend) { define, set_value, get_value, undefine, files };
    files->folder = g_strdup(folder);
    files->keys = keys;
    files->encrypt = encrypt;
    if (file_mkdirs(folder, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) == 0 && file_sweep(folder) >= 0) {
        if (chmod(folder, 0700) == 0)
            return files;
        error_report_errno(ERROR_DOMAIN, errno, "cannot close the folder '%s' to others", folder);
    }
    secret_files_free(files);
    return NULL;
}
