/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/tool.h"
#include <string.h>
#include "base/error.h"
#include "storage/backend.h"

/* What lists of thousands of volumes need. */
#define MAX_OUTPUT ((size_t) 16 << 20)
/* Of what a failed one says. */
#define MAX_WORDS 600
#define JSON_DEPTH 16

static int run(const char *const *argv, int64_t deadline_ms, ProcessOutput *output)
{
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.env = (const char *const *) env;
    spec.die_with_parent = true;
    int rc = process_run(&spec, NULL, 0, MAX_OUTPUT, deadline_ms, output);
    if (rc == 0)
        storage_answered();
    return rc;
}

/* Success, or an error with all that it said: many programs say what matters in the first of several lines. */
static int check(const char *program, const ProcessOutput *output)
{
    if (!output->end.signal && output->end.code == 0)
        return 0;
    g_autofree char *end = process_end_text(&output->end), *said = g_strndup(output->err, MAX_WORDS);
    g_auto(GStrv) words = g_strsplit_set(said, " \t\r\n", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **word = words; *word; word++) {
        if (**word)
            g_string_append_printf(text, "%s%s", text->len ? " " : ": ", *word);
    }
    g_autofree char *valid = g_utf8_make_valid(text->str, (gssize) text->len);
    return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' %s%s", program, end, valid);
}

int tool_run(const char *const *argv, int64_t deadline_ms)
{
    g_auto(ProcessOutput) output = { 0 };
    return run(argv, deadline_ms, &output) < 0 ? -1 : check(argv[0], &output);
}

char *tool_output(const char *const *argv, int64_t deadline_ms)
{
    g_auto(ProcessOutput) output = { 0 };
    return run(argv, deadline_ms, &output) < 0 || check(argv[0], &output) < 0 ? NULL : g_steal_pointer(&output.out);
}

json_object *tool_json(const char *const *argv, int *status)
{
    g_auto(ProcessOutput) output = { 0 };
    if (run(argv, TOOL_MS, &output) < 0 || (!status && check(argv[0], &output) < 0))
        return NULL;
    if (status)
        *status = output.end.signal ? -1 : output.end.code;
    g_autofree char *what = g_strdup_printf("what '%s' printed", argv[0]);
    return json_parse(output.out, output.out_len, JSON_DEPTH, what);
}
