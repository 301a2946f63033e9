/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a host's files lie.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "base/error.h"
#include "base/file.h"
#include "core/folders.h"
#include "domain/persist.h"

static void set_lib(HostPaths *p, char *lib)
{
    p->lib = lib;
    p->save = g_strdup_printf("%s/save", lib);
    p->snapshot = g_strdup_printf("%s/snapshot", lib);
    p->checkpoint = g_strdup_printf("%s/checkpoint", lib);
    p->dump = g_strdup_printf("%s/dump", lib);
    p->channel = g_strdup_printf("%s/channel", lib);
    p->nvram = g_strdup_printf("%s/nvram", lib);
    p->ram = g_strdup_printf("%s/ram", lib);
    g_autofree char *above = g_path_get_dirname(lib);
    p->swtpm = g_strdup_printf("%s/swtpm", above);
}

HostPaths *paths_new(const char *root, gboolean privileged, const char *folder)
{
    HostPaths *p = g_new0(HostPaths, 1);
    p->config = folder_of(FOLDER_CONFIG, root, privileged, folder);
    p->state = folder_of(FOLDER_STATE, root, privileged, folder);
    set_lib(p, folder_of(FOLDER_LIB, root, privileged, folder));
    p->cache = folder_of(FOLDER_CACHE, root, privileged, folder);
    p->log = folder_of(FOLDER_LOG, root, privileged, folder);
    p->autostart = g_strdup_printf("%s/autostart", p->config);
    return p;
}

void paths_free(HostPaths *p)
{
    if (!p)
        return;
    char **all[] = { &p->config, &p->autostart, &p->state, &p->lib, &p->save, &p->snapshot, &p->checkpoint, &p->dump,
                     &p->channel, &p->nvram, &p->ram, &p->swtpm, &p->cache, &p->log };
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        g_free(*all[i]);
    g_free(p);
}

int paths_prepare(HostPaths *p)
{
    const struct { const char *path; mode_t mode; } dirs[] = {
        { p->config, 0700 }, { p->autostart, 0700 }, { p->state, 0755 }, { p->lib, 0751 }, { p->save, 0755 },
        { p->snapshot, 0755 }, { p->checkpoint, 0755 }, { p->dump, 0755 }, { p->channel, 0755 }, { p->nvram, 0755 },
        { p->ram, 0755 }, { p->swtpm, 0711 }, { p->cache, 0750 }, { p->log, 0755 },
    };
    const char *const written[] = { p->config, p->autostart, p->state, p->save };

    for (guint i = 0; i < G_N_ELEMENTS(dirs); i++) {
        if (file_mkdirs(dirs[i].path, dirs[i].mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
            return -1;
    }
    for (guint i = 0; i < G_N_ELEMENTS(written); i++) {
        if (file_sweep(written[i]) < 0)
            return -1;
    }
    p->state_in_memory = file_is_in_memory(p->state);
    return 0;
}

char *persist_path(const char *dir, const char *name, const char *suffix)
{
    return g_strdup_printf("%s/%s.%s", dir, name, suffix);
}
