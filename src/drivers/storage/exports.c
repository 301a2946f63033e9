/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/exports.h"
#include <string.h>
#include "base/error.h"
#include "drivers/storage/tool.h"

#define MAX_FOUND 10000

const char *exports_server(const StoragePoolSource *wanted)
{
    if (!wanted || wanted->n_hosts != 1 || !wanted->hosts[0]->name)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "to find what a server offers it must be named: <source><host name='…'/></source>");
    const char *name = wanted->hosts[0]->name;
    return *name && *name != '-' && !strchr(name, '/') ? name : FAIL_NULL(VIR_ERR_INVALID_ARG, "'%s' is no name of a server", name);
}

/* Lines of what a program prints; the caller frees. NULL with an error. */
static char **lines_of(const char *const *argv)
{
    g_autofree char *text = tool_output(argv, TOOL_MS);
    return text ? g_strsplit(text, "\n", MAX_FOUND) : NULL;
}

/* ---- NFS ---- */

static char **nfs_folders(const char *server)
{
    g_auto(GStrv) lines = lines_of(TOOL("showmount", "--no-headers", "--exports", server));
    if (!lines)
        return NULL;
    GPtrArray *folders = g_ptr_array_new();
    for (char **line = lines; *line; line++) {
        const char *end = strrchr(*line, ' '); /* who may mount it stands behind */
        if (**line == '/')
            g_ptr_array_add(folders, g_strchomp(g_strndup(*line, end ? (size_t) (end - *line) : strlen(*line))));
    }
    g_ptr_array_add(folders, NULL);
    return (char **) g_ptr_array_free(folders, FALSE);
}

/* ---- Gluster ---- */

/* Lines that are no names are what the program says to people. */
char **exports_gluster_volumes(const char *server)
{
    g_autofree char *option = g_strdup_printf("--remote-host=%s", server);
    g_auto(GStrv) lines = lines_of(TOOL("gluster", "--mode=script", "--log-file=/dev/null", option, "volume", "list"));
    if (!lines)
        return NULL;
    GPtrArray *names = g_ptr_array_new();
    for (char **line = lines; *line; line++) {
        g_strchomp(*line);
        if (**line && !(*line)[strspn(*line, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_")])
            g_ptr_array_add(names, g_strdup(*line));
    }
    g_ptr_array_add(names, NULL);
    return (char **) g_ptr_array_free(names, FALSE);
}

static char **gluster_folders(const char *server)
{
    char **names = exports_gluster_volumes(server);
    for (char **name = names; name && *name; name++) {
        char *folder = g_strconcat("/", *name, NULL);
        g_free(*name);
        *name = folder;
    }
    return names;
}

/* ---- SMB ---- */

/* As a guest. A line: "Disk|its name|a comment"; those whose names end in '$' are the server's own. */
static char **smb_folders(const char *server)
{
    g_auto(GStrv) lines = lines_of(TOOL("smbclient", "--no-pass", "--grepable", "-L", server));
    if (!lines)
        return NULL;
    GPtrArray *folders = g_ptr_array_new();
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "|", 3);
        if (g_strv_length(fields) == 3 && strcmp(fields[0], "Disk") == 0 && *fields[1] && !g_str_has_suffix(fields[1], "$"))
            g_ptr_array_add(folders, g_strconcat("/", fields[1], NULL));
    }
    g_ptr_array_add(folders, NULL);
    return (char **) g_ptr_array_free(folders, FALSE);
}

/* ---- all ---- */

static const struct {
    StoragePoolFormat format;
    const char *program;
    char **(*folders)(const char *server);
} kinds[] = {
    { STORAGE_POOL_FORMAT_NFS, "showmount", nfs_folders },
    { STORAGE_POOL_FORMAT_GLUSTERFS, "gluster", gluster_folders },
    { STORAGE_POOL_FORMAT_CIFS, "smbclient", smb_folders },
};

static void add(GPtrArray *found, const char *server, StoragePoolFormat format, const char *folder)
{
    if (!g_utf8_validate(folder, -1, NULL))
        return;
    StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
    StoragePoolHost *host = xml_struct_new(&STORAGE_POOL_HOST_DESC);
    source->dir = g_strdup(folder);
    source->format = format;
    host->name = g_strdup(server);
    XML_LIST_APPEND(source->hosts, source->n_hosts, host);
    g_ptr_array_add(found, source);
}

/* FALSE: the server doesn't answer, for a reason that is put into @error if it is the first. */
static gboolean ask(GPtrArray *found, const char *server, guint kind, virErrorPtr *error)
{
    g_auto(GStrv) folders = kinds[kind].folders(server);
    for (char **folder = folders; folder && *folder; folder++)
        add(found, server, kinds[kind].format, *folder);
    if (!folders && !*error)
        *error = error_save();
    virResetLastError();
    return folders != NULL;
}

/* One server rarely offers all: that it refuses one program matters only where it answers none. One that keeps silent isn't asked again. */
char *exports_find(PoolHost *host_pools, StoragePoolType type, const StoragePoolSource *wanted)
{
    const char *server = exports_server(wanted);
    if (!server)
        return NULL;
    const gboolean all = wanted->format <= STORAGE_POOL_FORMAT_AUTO;
    GPtrArray *found = g_ptr_array_new();
    gboolean answered = FALSE;
    virErrorPtr error = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(kinds) && !(error && error->code == VIR_ERR_OPERATION_TIMEOUT); i++) {
        g_autofree char *program = g_find_program_in_path(kinds[i].program);
        if (all ? program || i == 0 : kinds[i].format == wanted->format)
            answered |= ask(found, server, i, &error);
    }
    if (answered) {
        if (error)
            virFreeError(error);
        return storage_pool_sources_finish(found);
    }
    g_ptr_array_free(found, TRUE);
    if (!error)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "what servers offer is found for the formats nfs, glusterfs and cifs");
    error_restore(error);
    error_context("cannot find out what server '%s' offers", server);
    return NULL;
}
