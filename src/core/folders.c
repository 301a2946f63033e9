/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/folders.h"

static char *of_session(FolderKind kind, const char *subject)
{
    switch (kind) {
    case FOLDER_CONFIG:
        return g_strdup_printf("%s/libvirt/%s", g_get_user_config_dir(), subject);
    case FOLDER_STATE:
        return g_strdup_printf("%s/libvirt/%s/run", g_get_user_runtime_dir(), subject);
    case FOLDER_LIB:
        return g_strdup_printf("%s/libvirt/%s/lib", g_get_user_config_dir(), subject);
    case FOLDER_CACHE:
        return g_strdup_printf("%s/libvirt/%s/cache", g_get_user_cache_dir(), subject);
    case FOLDER_LOG:
        break;
    }
    return g_strdup_printf("%s/libvirt/%s/log", g_get_user_cache_dir(), subject);
}

static char *of_system(FolderKind kind, const char *etc, const char *run, const char *var, const char *subject)
{
    switch (kind) {
    case FOLDER_CONFIG:
        return g_strdup_printf("%s/libvirt/%s", etc, subject);
    case FOLDER_STATE:
        return g_strdup_printf("%s/libvirt/%s", run, subject);
    case FOLDER_LIB:
        return g_strdup_printf("%s/lib/libvirt/%s", var, subject);
    case FOLDER_CACHE:
        return g_strdup_printf("%s/cache/libvirt/%s", var, subject);
    case FOLDER_LOG:
        break;
    }
    return g_strdup_printf("%s/log/libvirt/%s", var, subject);
}

char *folder_of(FolderKind kind, const char *root, gboolean privileged, const char *subject)
{
    if (!root[0])
        return privileged ? of_system(kind, SYSCONFDIR, RUNSTATEDIR, LOCALSTATEDIR, subject) : of_session(kind, subject);
    /* whatever prefix this was built for */
    g_autofree char *etc = g_strconcat(root, "/etc", NULL), *run = g_strconcat(root, "/run", NULL), *var = g_strconcat(root, "/var", NULL);
    return of_system(kind, etc, run, var, subject);
}
