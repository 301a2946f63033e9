/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: the agent's facts and keys, thresholds, dirty rate, launch security, descriptors, what one driver has. */
#include <errno.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

/* --- the agent --- */

bool cmd_guestinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};

    if (!domain || virDomainGetGuestInfo(domain, cmd_flags(cmd), &params.list, &params.count, 0) < 0)
        return false;
    return virsh_params_print(shell, cmd, &params, 20, NULL);
}

bool cmd_get_user_sshkeys(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(VirshRows) rows = virsh_rows_new("Key", NULL);
    const char *user = NULL;
    char **keys = NULL;
    int count;

    if (!domain || cmd_string(shell, cmd, "user", &user) <= 0)
        return false;
    count = virDomainAuthorizedSSHKeysGet(domain, user, &keys, 0);
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++) {
        if (shell_json(cmd))
            virsh_record_text(virsh_rows_add(rows), NULL, "key", keys[i]);
        else
            shell_print(shell, "%s\n", keys[i]);
        free(keys[i]);
    }
    free(keys);
    return !shell_json(cmd) || virsh_rows_print(shell, cmd, rows);
}

/* The lines of --file that hold something; NULL after an error printed. */
static GPtrArray *read_keys(Shell *shell, const Cmd *cmd)
{
    g_autofree char *text = virsh_read_option(shell, cmd, "file");
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
    GPtrArray *keys = text ? g_ptr_array_new_with_free_func(g_free) : NULL;

    for (char **line = lines; line && *line; line++) {
        g_strstrip(*line);
        if (**line)
            g_ptr_array_add(keys, g_strdup(*line));
    }
    return keys;
}

bool cmd_set_user_sshkeys(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    const char *user = NULL, *file = NULL;
    bool reset = cmd_has(cmd, "reset"), remove = cmd_has(cmd, "remove");
    unsigned int flags = reset ? 0 : VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND;

    if (cmd_string(shell, cmd, "user", &user) <= 0 || cmd_string(shell, cmd, "file", &file) < 0)
        return false;
    if (remove && !file)
        return shell_error(shell, "Option --file is required by option --remove");
    if (!cmd_exclusive(shell, cmd, "reset", "remove"))
        return false;
    if (!reset && !file)
        return shell_error(shell, "Option --file is required");
    domain = virsh_domain(shell, cmd);
    if (!domain || (file && !(keys = read_keys(shell, cmd))))
        return false;
    if (remove)
        flags = VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE;
    return virDomainAuthorizedSSHKeysSet(domain, user, keys ? (const char **)keys->pdata : NULL, keys ? keys->len : 0,
                                         flags) == 0;
}

/* --- figures and thresholds --- */

bool cmd_domblkthreshold(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long long threshold = 0;
    const char *device = NULL;

    return domain && cmd_string(shell, cmd, "dev", &device) > 0 &&
           cmd_scaled(shell, cmd, "threshold", 1, G_MAXUINT64, &threshold) > 0 &&
           virDomainSetBlockThreshold(domain, device, threshold, 0) == 0;
}

bool cmd_domdirtyrate_calc(Shell *shell, const Cmd *cmd)
{
    static const VirshName modes[] = {
        {VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING, "page-sampling"},
        {VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP, "dirty-bitmap"},
        {VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING, "dirty-ring"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *mode = NULL;
    int seconds = 1, flag = 0;

    if (!domain || cmd_int(shell, cmd, "seconds", &seconds) < 0 || cmd_string(shell, cmd, "mode", &mode) < 0)
        return false;
    if (mode && !virsh_value(modes, mode, &flag))
        return shell_error(shell, "Unknown calculation mode '%s'", mode);
    if (virDomainStartDirtyRateCalc(domain, seconds, flag) < 0)
        return false;
    shell_print_extra(shell, "Start to calculate domain's memory dirty rate successfully.\n");
    return true;
}

/* --- launch security --- */

bool cmd_domlaunchsecinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};

    if (!domain)
        return false;
    if (virDomainGetLaunchSecurityInfo(domain, &params.list, &params.count, 0) < 0)
        return shell_error(shell, "Unable to get launch security parameters");
    return virsh_params_print(shell, cmd, &params, 15, NULL);
}

bool cmd_domsetlaunchsecstate(Shell *shell, const Cmd *cmd)
{
    static const struct {
        const char *option, *field;
    } files[] = {{"secrethdr", VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER},
                 {"secret", VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET}};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};

    if (!domain)
        return false;
    if (!cmd_get(cmd, "secrethdr") || !cmd_get(cmd, "secret"))
        return shell_error(shell, "Both secret and the secret header are required");
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = virsh_read_option(shell, cmd, files[i].option);

        if (!text || !virsh_params_add_string(&params, files[i].field, text))
            return false;
    }
    if (!virsh_params_take(shell, cmd, &params))
        return false;
    if (virDomainSetLaunchSecurityState(domain, params.list, params.count, 0) < 0)
        return shell_error(shell, "Unable to set launch security state");
    return true;
}

/* --- descriptors, displays, interfaces --- */

bool cmd_dom_fd_associate(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree int *fds = NULL;
    unsigned int count = 0;
    const char *name = NULL;

    return domain && cmd_string(shell, cmd, "name", &name) > 0 && virsh_pass_fds(shell, cmd, &fds, &count) &&
           virDomainFDAssociate(domain, name, count, fds, cmd_flags(cmd)) == 0;
}

bool cmd_domdisplay_reload(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int type = VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_ANY;

    if (!domain || cmd_uint(shell, cmd, "type", &type) < 0)
        return false;
    if (virDomainGraphicsReload(domain, type, 0) < 0)
        return shell_error(shell, "Failed to reload graphics display in Domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' graphics display reloaded\n", virDomainGetName(domain));
    return true;
}

bool cmd_domifannounce(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *device = NULL;

    if (!domain || cmd_string(shell, cmd, "interface", &device) < 0 || !virsh_params_take(shell, cmd, &params))
        return false;
    if (virDomainAnnounceInterface(domain, device, params.list, params.count, 0) < 0)
        return shell_error(shell, "Failed to announce the interfaces of domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Interfaces of domain '%s' are announced\n", virDomainGetName(domain));
    return true;
}

/* --- QEMU and containers alone --- */

bool cmd_qemu_attach(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    unsigned int pid = 0;

    if (cmd_uint(shell, cmd, "pid", &pid) <= 0)
        return false;
    domain = virDomainQemuAttach(virsh_conn(shell), pid, 0);
    if (!domain)
        return shell_error(shell, "Failed to attach to pid %u", pid);
    shell_print_extra(shell, "Domain '%s' attached to pid %u\n", virDomainGetName(domain), pid);
    return true;
}

/* Runs in a child: a process cannot leave a container again, and entering its PID namespace takes another fork. */
static G_GNUC_NORETURN void run_inside(Shell *shell, virDomainPtr domain, int count, int *fds, const char *const *argv)
{
    pid_t child;
    int status = 0;

    if (virDomainLxcEnterNamespace(domain, count, fds, NULL, NULL, 0) < 0) {
        client_error_report(shell);
        _exit(255);
    }
    child = fork();
    if (child == 0) {
        execvp(argv[0], (char *const *)argv);
        fprintf(stderr, "error: cannot run '%s': %s\n", argv[0], g_strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    _exit(child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 255);
}

bool cmd_lxc_enter_namespace(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    bool labels = !cmd_has(cmd, "noseclabel");
    virSecurityModel model = {0};
    virSecurityLabel label = {0};
    int *fds = NULL, count, status = -1;
    pid_t child;

    if (!domain)
        return false;
    count = virDomainLxcOpenNamespace(domain, &fds, 0);
    if (count < 0)
        return false;
    /* before the fork: the connection is this process's */
    if (labels && (virNodeGetSecurityModel(virsh_conn(shell), &model) < 0 ||
                   virDomainGetSecurityLabel(domain, &label) < 0))
        goto close;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (labels && *model.model && virDomainLxcEnterSecurityLabel(&model, &label, NULL, 0) < 0) {
            client_error_report(shell);
            _exit(255);
        }
        run_inside(shell, domain, count, fds, cmd_argv(cmd, "cmd"));
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
close:
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
