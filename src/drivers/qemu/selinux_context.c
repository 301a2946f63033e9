/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#include "drivers/qemu/selinux_context.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"

/* Tries by chance, before all pairs are looked through. */
#define TRIES 64

struct SelinuxLevels {
    GMutex lock;
    GHashTable *uses;   /* level to how many have it */
};

/* Behind the third colon. */
const char *selinux_level(const char *context)
{
    for (int i = 0; i < 3 && context; i++) {
        context = strchr(context, ':');
        context = context ? context + 1 : NULL;
    }
    return context && *context ? context : NULL;
}

gboolean selinux_range_parse(const char *context, SelinuxRange *range)
{
    const char *level = selinux_level(context), *high = level ? strchr(level, '-') : NULL, *categories;
    guint first, last;

    *range = (SelinuxRange){ "", 0, 0 };
    if (!level || (gsize)strcspn(level, "-:") >= sizeof(range->sensitivity))
        return FALSE;
    g_strlcpy(range->sensitivity, level, strcspn(level, "-:") + 1);
    categories = strchr(high ? high : level, ':');
    if (categories && sscanf(categories, ":c%u.c%u", &first, &last) == 2 && first < last && last < G_MAXINT) {
        range->first = first;
        range->last = last;
    }
    return TRUE;
}

char *selinux_with_level(const char *context, const char *level)
{
    g_auto(GStrv) parts = g_strsplit(context, ":", 4);

    if (g_strv_length(parts) < 3 || !*parts[0] || !*parts[1] || !*parts[2] || strpbrk(context, " \t\n"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' isn't a context of SELinux (as 'system_u:system_r:svirt_t:s0')", context);
    return g_strjoin(":", parts[0], parts[1], parts[2], level, NULL);
}

SelinuxLevels *selinux_levels_new(void)
{
    SelinuxLevels *levels = g_new0(SelinuxLevels, 1);

    g_mutex_init(&levels->lock);
    levels->uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return levels;
}

void selinux_levels_free(SelinuxLevels *levels)
{
    if (!levels)
        return;
    g_hash_table_unref(levels->uses);
    g_mutex_clear(&levels->lock);
    g_free(levels);
}

static char *level_text(const SelinuxRange *range, guint a, guint b)
{
    return g_strdup_printf("%s:c%u,c%u", range->sensitivity, MIN(a, b), MAX(a, b));
}

/* With the lock held; NULL: it is in use. */
static char *try_pair(SelinuxLevels *levels, const SelinuxRange *range, guint a, guint b)
{
    g_autofree char *level = level_text(range, a, b);

    if (g_hash_table_contains(levels->uses, level))
        return NULL;
    g_hash_table_insert(levels->uses, g_strdup(level), GUINT_TO_POINTER(1));
    return g_steal_pointer(&level);
}

/* With the lock held. */
static char *choose(SelinuxLevels *levels, const SelinuxRange *range)
{
    guint n = range->last - range->first + 1;

    for (int i = 0; i < TRIES; i++) {
        guint a = (guint)g_random_int_range(0, (gint32)n), b = (guint)g_random_int_range(0, (gint32)n - 1);
        char *level = try_pair(levels, range, range->first + a, range->first + (b >= a ? b + 1 : b));

        if (level)
            return level;
    }
    for (guint a = range->first; a < range->last; a++) {
        for (guint b = a + 1; b <= range->last; b++) {
            char *level = try_pair(levels, range, a, b);

            if (level)
                return level;
        }
    }
    return NULL;
}

char *selinux_levels_choose(SelinuxLevels *levels, const SelinuxRange *range)
{
    char *level;

    if (range->first >= range->last)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the daemon has no categories of SELinux to tell guests apart by: it must run with a range such "
                         "as 's0-s0:c0.c1023'");
    g_mutex_lock(&levels->lock);
    level = choose(levels, range);
    g_mutex_unlock(&levels->lock);
    return level ? level : FAIL_NULL(VIR_ERR_OPERATION_FAILED, "every pair of SELinux categories from c%u to c%u is in use", range->first, range->last);
}

void selinux_levels_take(SelinuxLevels *levels, const char *level)
{
    guint uses;

    g_mutex_lock(&levels->lock);
    uses = GPOINTER_TO_UINT(g_hash_table_lookup(levels->uses, level));
    g_hash_table_insert(levels->uses, g_strdup(level), GUINT_TO_POINTER(uses + 1));
    g_mutex_unlock(&levels->lock);
}

void selinux_levels_release(SelinuxLevels *levels, const char *level)
{
    guint uses;

    g_mutex_lock(&levels->lock);
    uses = GPOINTER_TO_UINT(g_hash_table_lookup(levels->uses, level));
    if (uses > 1)
        g_hash_table_insert(levels->uses, g_strdup(level), GUINT_TO_POINTER(uses - 1));
    else
        g_hash_table_remove(levels->uses, level);
    g_mutex_unlock(&levels->lock);
}

char *selinux_line(const char *text, guint n)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        g_strstrip(*line);
        if (**line && **line != '#' && n-- == 0)
            return g_strdup(*line);
    }
    return NULL;
}

char *selinux_setting(const char *text, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    size_t len = strlen(key);

    for (char **line = lines; *line; line++) {
        g_strstrip(*line);
        if (g_str_has_prefix(*line, key) && (*line)[len] == '=')
            return g_strdup(g_strstrip(*line + len + 1));
    }
    return NULL;
}
