/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running commands: one, a string of them, or the words of main(). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tools/shell/options.h"

static volatile sig_atomic_t interrupts;
static int interrupt_pipe[2] = {-1, -1};

/* A second ^C while a command still doesn't react ends the program: a call that hangs can't be taken back. */
static void on_interrupt(int number)
{
    static const char text[] = "\ninterrupted twice, giving up\n";
    int saved = errno;

    if (++interrupts > 2) {
        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        _exit(128 + SIGINT);
    }
    (void)!write(interrupt_pipe[1], "x", 1);
    errno = saved;
}

void shell_interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    if (interrupt_pipe[0] < 0 && !g_unix_open_pipe(interrupt_pipe, FD_CLOEXEC, NULL))
        g_error("no pipe for signals");
    g_unix_set_fd_nonblocking(interrupt_pipe[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(interrupt_pipe[1], TRUE, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

bool shell_interrupted(void)
{
    return interrupts > 0;
}

int shell_interrupt_fd(void)
{
    return interrupt_pipe[0];
}

void shell_interrupt_reset(void)
{
    char drop[64];

    interrupts = 0;
    while (interrupt_pipe[0] >= 0 && read(interrupt_pipe[0], drop, sizeof(drop)) > 0)
        continue;
}

static bool check_format(Shell *shell, const Cmd *cmd)
{
    const char *format = cmd_may_get(cmd, "format");

    if (!cmd_command(cmd)->json || !format || g_str_equal(format, "text") || g_str_equal(format, "json"))
        return true;
    return shell_error(shell, "unknown format '%s', expecting 'text' or 'json'", format);
}

static bool call_handler(Shell *shell, const Cmd *cmd)
{
    const ShellCommand *command = cmd_command(cmd);
    bool done;

    if (!command->handler)
        return shell_error(shell, "command '%s' isn't available in this build yet", command->name);
    if (!check_format(shell, cmd))
        return false;
    if (command->needs_connection && !shell->program->connect(shell)) {
        /* what follows would fail alike */
        shell->quit = !shell->interactive && !shell->program->optional_connection;
        return false;
    }
    shell->current = cmd;
    done = cmd_check_exclusive(shell, cmd) && command->handler(shell, cmd);
    shell->current = NULL;
    if (!done)
        shell->program->report(shell);
    return shell_flush(shell) && done;
}

/* --timeout: nobody answers, and a call under way can't be given up; so the program ends. */
static char late[64];

static void on_late(int number)
{
    (void)!write(STDERR_FILENO, late, strlen(late));
    _exit(EXIT_FAILURE);
}

static void set_deadline(const Shell *shell, int seconds)
{
    struct itimerval timer = {.it_value.tv_sec = seconds};

    if (!shell->timeout)
        return;
    g_snprintf(late, sizeof(late), "error: no answer within %d s (--timeout)\n", shell->timeout);
    signal(SIGALRM, on_late);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool shell_run(Shell *shell, const Cmd *cmd)
{
    gint64 begin = g_get_monotonic_time();
    bool done;

    shell_interrupt_reset();
    set_deadline(shell, shell->timeout);
    done = call_handler(shell, cmd);
    shell->program->check(shell);
    set_deadline(shell, 0);
    if (shell->timing)
        shell_print(shell, "\n(Time: %.3f ms)\n\n", (g_get_monotonic_time() - begin) / 1000.0);
    else
        shell_print_extra(shell, "%s", shell->quit && !(done && shell->interactive) ? "" : "\n");
    fflush(stdout);
    return done;
}

/* Parses all that `words` holds, then runs it: a line with a mistake in it does nothing. */
static bool run_words(Shell *shell, ShellWords *words, bool empty_result)
{
    g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)cmd_free);
    bool done = empty_result;
    ShellParseResult result;
    Cmd *cmd = NULL;

    while ((result = shell_parse(shell, words, &cmd)) == SHELL_PARSE_OK)
        g_ptr_array_add(commands, cmd);
    if (result == SHELL_PARSE_ERROR)
        return false;
    for (guint i = 0; i < commands->len && !shell->quit; i++)
        done = shell_run_or_help(shell, commands->pdata[i]);
    return done;
}

bool shell_run_string(Shell *shell, const char *text)
{
    g_autoptr(ShellWords) words = shell_words_text(text);

    return run_words(shell, words, *text != '\0');
}

bool shell_run_argv(Shell *shell, char **argv, int argc)
{
    g_autoptr(ShellWords) words = shell_words_argv(argv, argc);

    return run_words(shell, words, true);
}
