/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets: lists, values. A value in memory is overwritten before it is given back. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

enum { SECRET_MAX = 65536 }; /* bytes of a value, as the protocol has it */

static const char *usage_type(int type)
{
    static const VirshName names[] = {
        {VIR_SECRET_USAGE_TYPE_NONE, "none"},   {VIR_SECRET_USAGE_TYPE_VOLUME, "volume"},
        {VIR_SECRET_USAGE_TYPE_CEPH, "ceph"},   {VIR_SECRET_USAGE_TYPE_ISCSI, "iscsi"},
        {VIR_SECRET_USAGE_TYPE_TLS, "tls"},     {VIR_SECRET_USAGE_TYPE_VTPM, "vtpm"},
        {0, NULL},
    };

    return virsh_name(names, type, "unknown");
}

static int compare_secrets(const void *a, const void *b)
{
    unsigned char one[VIR_UUID_BUFLEN] = {0}, other[VIR_UUID_BUFLEN] = {0};

    virSecretGetUUID(*(virSecretPtr *)a, one);
    virSecretGetUUID(*(virSecretPtr *)b, other);
    return memcmp(one, other, sizeof(one));
}

static void list_one(VirshRecord *record, virSecretPtr secret)
{
    int type = virSecretGetUsageType(secret);
    const char *usage = virSecretGetUsageID(secret);

    virsh_record_text(record, "UUID", "uuid", virsh_secret_uuid(secret));
    virsh_record_text(record, NULL, "type", usage_type(type));
    if (type == VIR_SECRET_USAGE_TYPE_NONE)
        virsh_record_both(record, "Usage", g_strdup("Unused"), "usage", NULL);
    else
        virsh_record_both(record, "Usage", g_strdup_printf("%s %s", usage_type(type), usage ? usage : ""), "usage",
                          usage ? json_object_new_string(usage) : NULL);
}

bool cmd_secret_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("UUID", "Usage", NULL);
    virSecretPtr *secrets = NULL;
    int count = virConnectListAllSecrets(virsh_conn(shell), &secrets, cmd_flags(cmd));

    if (count < 0)
        return shell_error(shell, "Failed to list secrets");
    qsort(secrets, count, sizeof(*secrets), compare_secrets);
    for (int i = 0; i < count; i++) {
        list_one(virsh_rows_add(rows), secrets[i]);
        virSecretFree(secrets[i]);
    }
    free(secrets);
    return virsh_rows_print(shell, cmd, rows);
}

static void wipe(void *data, size_t size)
{
    if (data)
        explicit_bzero(data, size);
}

static void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    g_free(text);
}

bool cmd_secret_get_value(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virSecret) secret = virsh_secret(shell, cmd);
    size_t size = 0;
    unsigned char *value = secret ? virSecretGetValue(secret, &size, 0) : NULL;
    char *base64;

    if (!value)
        return false;
    base64 = g_base64_encode(value, size);
    if (shell_json(cmd)) {
        virsh_print_word(shell, cmd, "value_base64", base64);
    } else if (cmd_has(cmd, "plain")) {
        fflush(stdout);
        fwrite(value, 1, size, stdout);
    } else {
        shell_print(shell, "%s", base64);
    }
    wipe_free(base64);
    wipe(value, size);
    free(value);
    return true;
}

/* What is typed on the terminal, without echo; NULL at the end of input. */
static char *ask_value(Shell *shell)
{
    struct termios old, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
    char *line = g_malloc0(SECRET_MAX + 2);

    printf("Enter new value for secret:");
    fflush(stdout);
    if (terminal) {
        quiet = old;
        quiet.c_lflag &= ~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    if (!fgets(line, SECRET_MAX + 2, stdin))
        g_clear_pointer(&line, g_free);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        printf("\n");
    }
    if (line)
        g_strchomp(line);
    else
        shell_error(shell, "Failed to read secret");
    return line;
}

static bool set_value(Shell *shell, virSecretPtr secret, const void *value, size_t size)
{
    if (virSecretSetValue(secret, value, size, 0) < 0)
        return shell_error(shell, "Failed to set secret value");
    shell_print_extra(shell, "Secret value set\n");
    return true;
}

bool cmd_secret_set_value(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virSecret) secret = virsh_secret(shell, cmd);
    const char *file = NULL, *base64 = NULL;
    char *text = NULL;
    unsigned char *decoded = NULL;
    size_t size = 0, decoded_size = 0;
    bool raw = cmd_has(cmd, "plain") || cmd_has(cmd, "interactive"), done;

    if (!secret || cmd_string(shell, cmd, "file", &file) < 0 || cmd_string(shell, cmd, "base64", &base64) < 0)
        return false;
    if (base64) {
        shell_error(shell, "Passing secret value as command-line argument is insecure!");
        text = g_strdup(base64);
    } else if (file) {
        text = virsh_read_bytes(shell, file, &size);
    } else if (cmd_has(cmd, "interactive")) {
        text = ask_value(shell);
    } else {
        return shell_error(shell, "Input secret value is missing");
    }
    if (!text)
        return false;
    size = file ? size : strlen(text);
    if (raw) {
        done = set_value(shell, secret, text, size);
    } else {
        decoded = g_base64_decode(text, &decoded_size);
        done = set_value(shell, secret, decoded, decoded_size);
        wipe(decoded, decoded_size);
        g_free(decoded);
    }
    wipe(text, size);
    g_free(text);
    return done;
}
