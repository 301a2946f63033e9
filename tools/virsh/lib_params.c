/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Typed parameters from options and to output. Which option is which parameter stands in the command's table (param=).
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

void virsh_params_clear(VirshParams *params)
{
    virTypedParamsFree(params->list, params->count);
    *params = (VirshParams){0};
}

/* KiB, or no limit if it is below 0. */
static int add_kib(Shell *shell, const Cmd *cmd, VirshParams *params, const ShellOption *option)
{
    const char *text = cmd_get(cmd, option->name);
    unsigned long long kib = VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
    gint64 below = 0;

    if (!g_ascii_string_to_signed(text, 10, G_MININT64, -1, &below, NULL)) {
        if (!shell_parse_size(text, 1024, G_MAXUINT64, &kib)) {
            shell_error(shell, "Unable to parse integer parameter %s", option->name);
            return -1;
        }
        kib = kib / 1024 + (kib % 1024 != 0);
    }
    return virTypedParamsAddULLong(&params->list, &params->count, &params->max, option->param, kib);
}

static int add_bytes(Shell *shell, const Cmd *cmd, VirshParams *params, const ShellOption *option)
{
    unsigned long long bytes = 0;

    if (cmd_scaled(shell, cmd, option->name, 1, G_MAXUINT64, &bytes) < 0)
        return -1;
    return virTypedParamsAddULLong(&params->list, &params->count, &params->max, option->param, bytes);
}

static int add_number(Shell *shell, const Cmd *cmd, VirshParams *params, const ShellOption *option)
{
    virTypedParameterPtr *list = &params->list;
    int *count = &params->count, *max = &params->max, number = 0;
    unsigned int natural = 0;
    unsigned long long large = 0;
    long long wide = 0;

    switch (option->kind) {
    case SHELL_PARAM_INT:
        return cmd_int(shell, cmd, option->name, &number) < 0
                   ? -1 : virTypedParamsAddInt(list, count, max, option->param, number);
    case SHELL_PARAM_UINT:
        return cmd_uint(shell, cmd, option->name, &natural) < 0
                   ? -1 : virTypedParamsAddUInt(list, count, max, option->param, natural);
    case SHELL_PARAM_LLONG:
        return cmd_ll(shell, cmd, option->name, &wide) < 0
                   ? -1 : virTypedParamsAddLLong(list, count, max, option->param, wide);
    default:
        return cmd_ull(shell, cmd, option->name, &large) < 0
                   ? -1 : virTypedParamsAddULLong(list, count, max, option->param, large);
    }
}

static int add_option(Shell *shell, const Cmd *cmd, VirshParams *params, const ShellOption *option)
{
    const char *text = NULL;

    switch (option->kind) {
    case SHELL_PARAM_STRING:
        return cmd_string(shell, cmd, option->name, &text) < 0
                   ? -1 : virTypedParamsAddString(&params->list, &params->count, &params->max, option->param, text);
    case SHELL_PARAM_BOOL:
        return virTypedParamsAddBoolean(&params->list, &params->count, &params->max, option->param, 1);
    case SHELL_PARAM_BYTES:
        return add_bytes(shell, cmd, params, option);
    case SHELL_PARAM_KIB:
        return add_kib(shell, cmd, params, option);
    default:
        return add_number(shell, cmd, params, option);
    }
}

bool virsh_params_take(Shell *shell, const Cmd *cmd, VirshParams *params)
{
    for (const ShellOption *option = cmd_command(cmd)->options; option->name; option++) {
        if (option->param && cmd_has(cmd, option->name) && add_option(shell, cmd, params, option) < 0)
            return false;
    }
    return true;
}

bool virsh_params_add_int(VirshParams *params, const char *field, int value)
{
    return virTypedParamsAddInt(&params->list, &params->count, &params->max, field, value) == 0;
}

bool virsh_params_add_string(VirshParams *params, const char *field, const char *value)
{
    return virTypedParamsAddString(&params->list, &params->count, &params->max, field, value) == 0;
}

bool virsh_params_add_words(VirshParams *params, const char *field, const char *text)
{
    g_auto(GStrv) words = virsh_list(text);

    for (char **word = words; *word; word++) {
        if (!virsh_params_add_string(params, field, *word))
            return false;
    }
    return true;
}

bool virsh_params_print(Shell *shell, const Cmd *cmd, const VirshParams *params, int width,
                        const char *(*name)(const virTypedParameter *param))
{
    json_object *document;

    if (shell_json(cmd)) {
        document = json_object_new_object();
        for (int i = 0; i < params->count; i++) {
            const char *word = name ? name(&params->list[i]) : NULL;

            /* a word for a choice; one that stands in place of a number means that there is none */
            if (word && params->list[i].type == VIR_TYPED_PARAM_INT)
                shell_json_string(document, params->list[i].field, word);
            else if (word && params->list[i].type == VIR_TYPED_PARAM_ULLONG)
                shell_json_null(document, params->list[i].field);
            else
                client_param_json(document, params->list[i].field, &params->list[i]);
        }
        return shell_json_print(shell, document);
    }
    for (int i = 0; i < params->count; i++) {
        const char *word = name ? name(&params->list[i]) : NULL;
        g_autofree char *text = word ? g_strdup(word) : client_param_text(&params->list[i]);

        shell_print(shell, "%-*s: %s\n", width, params->list[i].field, text);
    }
    return true;
}
