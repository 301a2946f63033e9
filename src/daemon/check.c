/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirtd --check. Reads the daemon's configuration and every definition and status file that a daemon with the
 * same options would read, and tells what it would stumble over. Opens no socket, takes no lock, writes nothing.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "daemon/check.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "daemon/settings.h"
#include "daemon/sockets.h"
#include "model/domain.h"

#define XML_FILE_MAX (16 * 1024 * 1024)
#define FILES_MAX 1000000

typedef struct {
    int files;
    int problems;
} Tally;

static void G_GNUC_PRINTF(2, 3) tell_problem(Tally *tally, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("  problem: ");
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
    tally->problems++;
}

static void check_config(Tally *tally, const DaemonPaths *paths, const LibvirtdConf *conf, bool loaded, bool privileged,
                         bool listen, ConfReport *report)
{
    tally->files++;
    g_auto(SocketSettings) settings = { 0 };
    printf("configuration %s\n", paths->config_file);
    if (loaded) {
        settings_check(conf, paths->config_file, listen, report);
        socket_settings_init(&settings, conf, paths->config_file, paths->run_dir, privileged, report);
    }
    for (guint i = 0; report->problems && i < report->problems->len; i++) {
        const ConfProblem *problem = g_ptr_array_index(report->problems, i);
        tell_problem(tally, "%s", problem->text);
    }
}

static void check_domain(Tally *tally, const char *path, const char *text, size_t len)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    DomainDef *def = domain_def_parse(text, len, 0, diag);
    if (!def)
        tell_problem(tally, "%s: %.*s", path, (int) strcspn(error_message(), "\n"), error_message());
    domain_def_free(def);
}

static void check_status(Tally *tally, const char *path, const char *text, size_t len)
{
    xmlDoc *doc = xmlReadMemory(text, len, path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlError *err = doc ? NULL : xmlGetLastError();
    if (!doc)
        tell_problem(tally, "%s:%d: is not well-formed XML%s%s", path, err ? err->line : 0, err ? ": " : "",
                     err ? g_strchomp((char *) err->message) : "");
    xmlFreeDoc(doc);
}

static void check_folder(Tally *tally, const char *what, const char *dir, const char *sub,
                         void (*check)(Tally *tally, const char *path, const char *text, size_t len))
{
    g_autofree char *folder = g_build_filename(dir, sub, NULL);
    g_auto(GStrv) names = file_list_dir(folder, FILES_MAX);
    if (!names) {
        tell_problem(tally, "%s", error_message());
        return;
    }
    int count = 0;
    for (char **name = names; *name; name++) {
        if (!g_str_has_suffix(*name, ".xml"))
            continue;
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        size_t len = 0;
        g_autofree char *text = file_read(path, XML_FILE_MAX, &len);
        if (count++ == 0)
            printf("%s %s\n", what, folder);
        if (text)
            check(tally, path, text, len);
        else
            tell_problem(tally, "%s", error_message());
    }
    tally->files += count;
    if (count)
        printf("  %d files\n", count);
}

int check_run(const DaemonPaths *paths, const LibvirtdConf *conf, bool loaded, bool privileged, bool listen,
              ConfReport *report)
{
    Tally tally = { 0 };
    pid_t holder = pid_file_holder(paths->pid_file);
    check_config(&tally, paths, conf, loaded, privileged, listen, report);
    check_folder(&tally, "domains", paths->config_dir, "qemu", check_domain);
    check_folder(&tally, "networks", paths->config_dir, "qemu/networks", check_status);
    check_folder(&tally, "secrets", paths->config_dir, "secrets", check_status);
    check_folder(&tally, "running domains", paths->run_dir, "qemu", check_status);
    if (holder > 0)
        printf("a daemon is running as process %d\n", (int) holder);
    printf("%d files checked, %d problems\n", tally.files, tally.problems);
    return tally.problems;
}
