/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what reaches into the guest: keys, NMI, screen, clock, host name, file systems, passwords. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

bool cmd_inject_nmi(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);

    return domain && virDomainInjectNMI(domain, 0) == 0;
}

static bool key_code(const char *text, bool names, unsigned int *code)
{
    guint64 number = 0;
    int value = 0;

    if (names && virsh_key_code(text, &value)) {
        *code = value;
        return true;
    }
    if (g_str_has_prefix(text, "0x") ? !g_ascii_string_to_unsigned(text + 2, 16, 1, 0xffff, &number, NULL)
                                     : !g_ascii_string_to_unsigned(text, 10, 1, 0xffff, &number, NULL))
        return false;
    *code = number;
    return true;
}

bool cmd_send_key(Shell *shell, const Cmd *cmd)
{
    static const VirshName sets[] = {
        {VIR_KEYCODE_SET_LINUX, "linux"},   {VIR_KEYCODE_SET_XT, "xt"},         {VIR_KEYCODE_SET_ATSET1, "atset1"},
        {VIR_KEYCODE_SET_ATSET2, "atset2"}, {VIR_KEYCODE_SET_ATSET3, "atset3"}, {VIR_KEYCODE_SET_OSX, "os_x"},
        {VIR_KEYCODE_SET_XT_KBD, "xt_kbd"}, {VIR_KEYCODE_SET_USB, "usb"},       {VIR_KEYCODE_SET_WIN32, "win32"},
        {VIR_KEYCODE_SET_QNUM, "qnum"},     {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int codes[VIR_DOMAIN_SEND_KEY_MAX_KEYS], holdtime = 0;
    const char *set_name = "linux";
    int set = 0, count = 0;

    if (!domain || cmd_string(shell, cmd, "codeset", &set_name) < 0 || cmd_uint(shell, cmd, "holdtime", &holdtime) < 0)
        return false;
    if (!virsh_value(sets, set_name, &set))
        return shell_error(shell, "unknown codeset: '%s'", set_name);
    for (const char *const *key = cmd_argv(cmd, "keycode"); *key; key++) {
        if (count == VIR_DOMAIN_SEND_KEY_MAX_KEYS)
            return shell_error(shell, "too many keycodes");
        if (!key_code(*key, set == VIR_KEYCODE_SET_LINUX, &codes[count]))
            return shell_error(shell, "invalid keycode: '%s'", *key);
        count++;
    }
    return virDomainSendKey(domain, set, holdtime, codes, count, 0) == 0;
}

bool cmd_send_process_signal(Shell *shell, const Cmd *cmd)
{
    static const char *const names[] = {
        "nop",  "hup",  "int",  "quit", "ill",    "trap", "abrt", "bus",  "fpe",  "kill", "usr1",
        "segv", "usr2", "pipe", "alrm", "term",   "stkflt", "chld", "cont", "stop", "tstp", "ttin",
        "ttou", "urg",  "xcpu", "xfsz", "vtalrm", "prof", "winch", "poll", "pwr",  "sys"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL;
    long long pid = 0;
    guint64 number = G_N_ELEMENTS(names);

    if (!domain || cmd_ll(shell, cmd, "pid", &pid) <= 0 || cmd_string(shell, cmd, "signame", &name) <= 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(name, names[i]) == 0 ||
            (g_ascii_strncasecmp(name, "sig", 3) == 0 && g_ascii_strcasecmp(name + 3, names[i]) == 0))
            number = i;
    }
    if (number == G_N_ELEMENTS(names) && !g_ascii_string_to_unsigned(name, 10, 0, 64, &number, NULL))
        return shell_error(shell, "malformed signal name: %s", name);
    return virDomainSendProcessSignal(domain, pid, number, 0) == 0;
}

/* --- screenshot --- */

static const char *extension(const char *mime)
{
    return g_str_equal(mime, "image/x-portable-pixmap") ? ".ppm" : g_str_equal(mime, "image/png") ? ".png"
           : g_str_equal(mime, "image/bmp") ? ".bmp" : "";
}

static char *default_file(virDomainPtr domain, const char *mime)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *stamp = g_date_time_format(now, "%Y-%m-%d-%H:%M:%S");
    char *name = g_strdup_printf("%s-%s%s", virDomainGetName(domain), stamp, extension(mime));

    return g_strdelimit(name, "/", '_');
}

static bool save_stream(Shell *shell, virStreamPtr stream, const char *path)
{
    bool fresh = false, done = false;
    int fd = virsh_file_create(shell, path, &fresh);

    if (fd < 0)
        return false;
    if (!virsh_stream_receive(shell, stream, fd, false))
        shell_error(shell, "could not receive the data of the screenshot");
    else if (virStreamFinish(stream) < 0)
        shell_error(shell, "cannot close stream of the screenshot");
    else
        done = true;
    return virsh_file_close(shell, fd, path, fresh && !done) && done;
}

bool cmd_screenshot(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virStream) stream = NULL;
    g_autofree char *mime = NULL, *path = NULL;
    const char *file = NULL;
    unsigned int screen = 0;

    if (!domain || cmd_string(shell, cmd, "file", &file) < 0 || cmd_uint(shell, cmd, "screen", &screen) < 0)
        return false;
    stream = virStreamNew(virsh_conn(shell), 0);
    mime = stream ? virDomainScreenshot(domain, stream, screen, 0) : NULL;
    if (!mime)
        return shell_error(shell, "could not take a screenshot of %s", virDomainGetName(domain));
    path = file ? g_strdup(file) : default_file(domain, mime);
    if (!save_stream(shell, stream, path)) {
        virStreamAbort(stream);
        return false;
    }
    shell_print_extra(shell, "Screenshot saved to %s, with type of %s", path, mime);
    return true;
}

/* --- clock, host name --- */

bool cmd_domtime(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GDateTime) time = NULL;
    g_autofree char *text = NULL;
    long long seconds = 0;
    unsigned int nanoseconds = 0;
    json_object *document;
    int given;

    if (!domain || !cmd_exclusive_all(shell, cmd, "time", "now", "sync", NULL))
        return false;
    given = cmd_ll(shell, cmd, "time", &seconds);
    if (given < 0)
        return false;
    if (given || cmd_has(cmd, "now") || cmd_has(cmd, "sync")) {
        if (cmd_has(cmd, "now")) {
            gint64 now = g_get_real_time();
            seconds = now / G_USEC_PER_SEC;
            nanoseconds = now % G_USEC_PER_SEC * 1000;
        }
        return virDomainSetTime(domain, seconds, nanoseconds, cmd_has(cmd, "sync") ? VIR_DOMAIN_TIME_SYNC : 0) == 0;
    }
    if (virDomainGetTime(domain, &seconds, &nanoseconds, 0) < 0)
        return false;
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_int(document, "seconds_s", seconds);
        shell_json_uint(document, "nanoseconds_ns", nanoseconds);
        return shell_json_print(shell, document);
    }
    time = cmd_has(cmd, "pretty") ? g_date_time_new_from_unix_utc(seconds) : NULL;
    text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup_printf("%lld", seconds);
    shell_print(shell, "Time: %s", text);
    return true;
}

bool cmd_domhostname(Shell *shell, const Cmd *cmd)
{
    static const VirshName sources[] = {
        {VIR_DOMAIN_GET_HOSTNAME_LEASE, "lease"},
        {VIR_DOMAIN_GET_HOSTNAME_AGENT, "agent"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *hostname = NULL;
    const char *source = NULL;
    json_object *document;
    int flags = 0;

    if (!domain || cmd_string(shell, cmd, "source", &source) < 0)
        return false;
    if (source && !virsh_value(sources, source, &flags))
        return shell_error(shell, "Unknown data source '%s'", source);
    hostname = virDomainGetHostname(domain, flags);
    if (!hostname)
        return shell_error(shell, "failed to get hostname");
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, "hostname", hostname);
        return shell_json_print(shell, document);
    }
    shell_print(shell, "%s\n", hostname);
    return true;
}

/* --- file systems --- */

bool cmd_domfsfreeze(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *const *points = cmd_argv(cmd, "mountpoint");
    guint count = g_strv_length((char **)points);
    int done = domain ? virDomainFSFreeze(domain, count ? (const char **)points : NULL, count, 0) : -1;

    if (!domain)
        return false;
    if (done < 0)
        return shell_error(shell, "Unable to freeze filesystems");
    shell_print_extra(shell, "Froze %d filesystem(s)\n", done);
    return true;
}

bool cmd_domfsthaw(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *const *points = cmd_argv(cmd, "mountpoint");
    guint count = g_strv_length((char **)points);
    int done = domain ? virDomainFSThaw(domain, count ? (const char **)points : NULL, count, 0) : -1;

    if (!domain)
        return false;
    if (done < 0)
        return shell_error(shell, "Unable to thaw filesystems");
    shell_print_extra(shell, "Thawed %d filesystem(s)\n", done);
    return true;
}

bool cmd_domfstrim(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long long minimum = 0;
    const char *point = NULL;

    if (!domain || cmd_ull(shell, cmd, "minimum", &minimum) < 0 || cmd_string(shell, cmd, "mountpoint", &point) < 0)
        return false;
    return virDomainFSTrim(domain, point, minimum, 0) == 0 || shell_error(shell, "Unable to invoke fstrim");
}

static json_object *fs_json(virDomainFSInfoPtr info)
{
    json_object *one = json_object_new_object(), *targets = json_object_new_array();

    for (size_t k = 0; k < info->ndevAlias; k++)
        json_object_array_add(targets, json_object_new_string(info->devAlias[k]));
    shell_json_string(one, "mountpoint", info->mountpoint);
    shell_json_string(one, "name", info->name);
    shell_json_string(one, "type", info->fstype);
    json_object_object_add(one, "targets", targets);
    return one;
}

bool cmd_domfsinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(ShellTable) table = shell_table_new("Mountpoint", "Name", "Type", "Target", NULL);
    virDomainFSInfoPtr *infos = NULL;
    json_object *list;
    int count = domain ? virDomainGetFSInfo(domain, &infos, 0) : -1;

    if (!domain)
        return false;
    if (count < 0)
        return shell_error(shell, "Unable to get filesystem information");
    list = json_object_new_array();
    for (int i = 0; i < count; i++) {
        g_autoptr(GString) targets = g_string_new(NULL);

        for (size_t k = 0; k < infos[i]->ndevAlias; k++)
            g_string_append_printf(targets, "%s%s", k ? "," : "", infos[i]->devAlias[k]);
        shell_table_row(table, infos[i]->mountpoint, infos[i]->name, infos[i]->fstype, targets->str, NULL);
        json_object_array_add(list, fs_json(infos[i]));
        virDomainFSInfoFree(infos[i]);
    }
    free(infos);
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    if (count)
        shell_table_print(shell, table);
    else
        shell_print_extra(shell, "No filesystems are mounted in the domain");
    return true;
}

/* --- agent --- */

bool cmd_set_user_password(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = cmd_has(cmd, "encrypted") ? VIR_DOMAIN_PASSWORD_ENCRYPTED : 0;
    const char *user = NULL, *password = NULL;

    if (!domain || cmd_string(shell, cmd, "user", &user) <= 0 || cmd_string(shell, cmd, "password", &password) <= 0)
        return false;
    if (virDomainSetUserPassword(domain, user, password, flags) < 0)
        return false;
    shell_print_extra(shell, "Password set successfully for %s in %s", user, virDomainGetName(domain));
    return true;
}

bool cmd_guest_agent_timeout(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int timeout = VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK;

    if (!domain || cmd_int(shell, cmd, "timeout", &timeout) < 0)
        return false;
    return virDomainAgentSetResponseTimeout(domain, timeout, 0) == 0;
}
