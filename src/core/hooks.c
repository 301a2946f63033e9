/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_HOOK
#define LOG_SOURCE "core.hooks"
#include "core/hooks.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"

#define HOOK_MS 120000
#define OUTPUT_MAX (1024 * 1024)
/* Most hooks of a folder. */
#define HOOKS_MAX 1024

static gboolean may_run(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

gboolean hooks_exist(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *more = g_strconcat(path, ".d", NULL);
    return access(path, F_OK) == 0 || access(more, F_OK) == 0;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Those that there are, in their order. */
static GPtrArray *list_hooks(const char *folder, const char *name)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = g_build_filename(folder, name, NULL), *more = g_strconcat(path, ".d", NULL);
    g_auto(GStrv) files = access(more, F_OK) == 0 ? file_list_dir(more, HOOKS_MAX) : NULL;
    for (char **file = files; file && *file; file++)
        g_ptr_array_add(found, g_build_filename(more, *file, NULL));
    g_ptr_array_sort(found, by_name);
    g_ptr_array_insert(found, 0, g_steal_pointer(&path));
    return found;
}

static void log_output(const char *path, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line)
            LOG_INFO("hook '%s': %s", path, *line);
    }
}

static const char *word(const char *text)
{
    return text ? text : "-";
}

static int run(const char *path, const HookCall *call, const char *input)
{
    const char *const argv[] = { path, word(call->object), word(call->operation), word(call->sub), word(call->extra), NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };
    g_autofree char *why = NULL;
    spec.argv = argv;
    spec.die_with_parent = true;
    if (process_run(&spec, input, input ? strlen(input) : 0, OUTPUT_MAX, HOOK_MS, &output) < 0)
        why = g_strdup(error_message());
    log_output(path, output.out);
    log_output(path, output.err);
    if (!why && output.end.code == 0 && !output.end.signal)
        return 0;
    if (!why) {
        g_autofree char *end = process_end_text(&output.end), *said = g_strdup(output.err ? g_strchomp(output.err) : "");
        const char *last = strrchr(said, '\n');
        why = g_strdup_printf("it %s%s%s", end, *said ? ": " : "", last ? last + 1 : said);
    }
    return FAIL(VIR_ERR_HOOK_SCRIPT_FAILED, "hook '%s' failed at '%s' of '%s': %s", path, call->operation, word(call->object), why);
}

int hooks_run(const char *folder, const char *name, const HookCall *call, const char *input)
{
    if (!hooks_exist(folder, name))
        return 0;
    g_autoptr(GPtrArray) hooks = list_hooks(folder, name);
    for (guint i = 0; i < hooks->len; i++) {
        if (may_run(hooks->pdata[i]) && run(hooks->pdata[i], call, input) < 0)
            return -1;
    }
    return 0;
}

void hooks_tell(const char *folder, const char *name, const HookCall *call, const char *input)
{
    virErrorPtr error = error_save();
    if (hooks_run(folder, name, call, input) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
}
