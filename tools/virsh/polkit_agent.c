/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/virsh/polkit_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#define PROGRAM "pkttyagent"
#define NOTIFY_FD 9          /* of the agent: closed when it is ready */
#define READY_MS 10000

extern char **environ;

/* Not as --fallback: that is for sessions that logind knows, and another agent would have been asked already. */
static bool spawn(int notify, pid_t *pid)
{
    g_autofree char *process = g_strdup_printf("%d", (int)getpid()), *fd = g_strdup_printf("%d", NOTIFY_FD);
    char *words[] = {(char *)PROGRAM, (char *)"--process", process, (char *)"--notify-fd", fd, NULL};
    posix_spawn_file_actions_t actions;
    bool ok;

    posix_spawn_file_actions_init(&actions);
    ok = posix_spawn_file_actions_adddup2(&actions, notify, NOTIFY_FD) == 0 &&
         posix_spawnp(pid, PROGRAM, &actions, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return ok;
}

pid_t polkit_agent_start(void)
{
    int ends[2];
    pid_t pid = 0;

    if (!isatty(STDIN_FILENO) || pipe2(ends, O_CLOEXEC) < 0)
        return 0;
    bool started = spawn(ends[1], &pid);
    close(ends[1]);
    struct pollfd ready = {ends[0], POLLIN, 0};
    if (started && poll(&ready, 1, READY_MS) <= 0)
        started = false;
    close(ends[0]);
    if (started)
        return pid;
    polkit_agent_stop(pid);
    return 0;
}

void polkit_agent_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
