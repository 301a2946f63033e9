/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program's options and environment, and main(). */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shell/cmd_priv.h"
#include "tools/shell/options.h"

/* Have no short form; the letters are for ShellProgram.without. */
enum { OPT_NO_PKTTYAGENT = 'A', OPT_TIMEOUT = 'T' };

static const struct option long_options[] = {
    {"connect", required_argument, NULL, 'c'},
    {"debug", required_argument, NULL, 'd'},
    {"escape", required_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},
    {"keepalive-interval", required_argument, NULL, 'k'},
    {"keepalive-count", required_argument, NULL, 'K'},
    {"log", required_argument, NULL, 'l'},
    {"quiet", no_argument, NULL, 'q'},
    {"readonly", no_argument, NULL, 'r'},
    {"timing", no_argument, NULL, 't'},
    {"no-pkttyagent", no_argument, NULL, OPT_NO_PKTTYAGENT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"version", optional_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

bool shell_run_or_help(Shell *shell, const Cmd *cmd)
{
    if (!cmd->help)
        return shell_run(shell, cmd);
    shell_help_command(shell, cmd->command);
    shell_print_extra(shell, "\n");
    return shell_flush(shell);
}

static bool program_has(Shell *shell, int option)
{
    return !shell->program->without || !strchr(shell->program->without, option);
}

static bool parse_int(const char *text, long min, long max, int *value)
{
    char *end = NULL;
    long number = strtol(text, &end, 10);

    if (end == text || *end || number < min || number > max)
        return false;
    *value = number;
    return true;
}

static char *variable(Shell *shell, const char *name)
{
    g_autofree char *full = g_strdup_printf("%s_%s", shell->program->environment, name);

    return g_strdup(g_getenv(full));
}

static void read_environment(Shell *shell)
{
    g_autofree char *debug = variable(shell, "DEBUG");
    g_autofree char *log = variable(shell, "LOG_FILE");

    if (debug && !parse_int(debug, 0, 4, &shell->debug))
        shell_error(shell, "%s_DEBUG not set with a valid numeric value", shell->program->environment);
    if (log && *log)
        shell_log_open(shell, log);
}

static bool set_escape(Shell *shell, const char *text)
{
    if (strlen(text) == 1)
        shell->escape = text[0];
    else if (text[0] == '^' && strlen(text) == 2 && g_ascii_toupper(text[1]) >= '@' && g_ascii_toupper(text[1]) <= '_')
        shell->escape = g_ascii_toupper(text[1]) ^ 0x40;
    else
        return shell_error(shell, "Invalid string '%s' for escape sequence", text);
    return true;
}

static bool set_debug(Shell *shell, const char *text)
{
    int level;

    if (!parse_int(text, G_MININT, G_MAXINT, &level))
        return shell_error(shell, "option -d takes a numeric argument");
    if (level < 0 || level > 4)
        shell_error(shell, "ignoring debug level %d out of range [0-4]", level);
    else
        shell->debug = level;
    return true;
}

static bool missing_argument(Shell *shell, int option)
{
    for (const struct option *o = long_options; o->name; o++) {
        if (o->val == OPT_TIMEOUT && o->val == option)
            return shell_error(shell, "option '--%s' requires an argument", o->name);
        if (o->val == option)
            return shell_error(shell, "option '-%c'/'--%s' requires an argument", option, o->name);
    }
    return shell_error(shell, "option '-%c' requires an argument", option);
}

/* Options that make the program say something and end. */
static bool is_final(Shell *shell, int option, int *status)
{
    *status = EXIT_SUCCESS;
    if (option == 'h') {
        shell_usage(shell);
    } else if (option == 'V' || (option == 'v' && g_strcmp0(optarg, "long") == 0)) {
        shell->program->version(shell, true);
    } else if (option == 'v') {
        shell->program->version(shell, false);
    } else {
        return false;
    }
    return true;
}

/* One option; false after an error. */
static bool take_option(Shell *shell, int option, char **argv)
{
    switch (option) {
    case 'c':
        g_free(shell->uri);
        shell->uri = g_strdup(optarg);
        return true;
    case 'd':
        return set_debug(shell, optarg);
    case 'e':
        return set_escape(shell, optarg);
    case 'k':
        return parse_int(optarg, -1, G_MAXINT, &shell->keepalive_interval) ||
               shell_error(shell, "Invalid value for option -k");
    case 'K':
        return parse_int(optarg, -1, G_MAXINT, &shell->keepalive_count) ||
               shell_error(shell, "Invalid value for option -K");
    case 'l':
        return shell_log_open(shell, optarg);
    case 'q':
        shell->quiet = true;
        return true;
    case 'r':
        shell->readonly = true;
        return true;
    case 't':
        shell->timing = true;
        return true;
    case OPT_NO_PKTTYAGENT:
        shell->no_pkttyagent = true;
        return true;
    case OPT_TIMEOUT:
        return parse_int(optarg, 1, 1000000, &shell->timeout) ||
               shell_error(shell, "Invalid value for option --timeout, expecting seconds");
    case ':':
        return missing_argument(shell, optopt);
    default:
        if (optopt)
            return shell_error(shell, "unsupported option '-%c'. See --help.", optopt);
        return shell_error(shell, "unsupported option '%s'. See --help.", argv[optind - 1]);
    }
}

/* The tables for getopt_long() with the program's options only: letters (to be freed) and names, of which there is room
 * for as many as in long_options. */
static char *program_options(Shell *shell, struct option *names)
{
    GString *letters = g_string_new("+:vV");

    for (const struct option *o = long_options; o->name; o++) {
        if (!program_has(shell, o->val))
            continue;
        *names++ = *o;
        if (o->val != 'v' && o->val != OPT_NO_PKTTYAGENT && o->val != OPT_TIMEOUT)
            g_string_append_printf(letters, "%c%s", o->val, o->has_arg == required_argument ? ":" : "");
    }
    *names = (struct option){0};
    return g_string_free(letters, FALSE);
}

int shell_options(Shell *shell, int argc, char **argv, int *status)
{
    struct option names[G_N_ELEMENTS(long_options)];
    g_autofree char *letters = program_options(shell, names);
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        if (is_final(shell, option, status))
            return -1;
        if (!take_option(shell, option, argv)) {
            *status = EXIT_FAILURE;
            return -1;
        }
    }
    return optind;
}

static bool run_words_of_main(Shell *shell, char **argv, int argc)
{
    if (argc == 0)
        return shell_interact(shell);
    return argc == 1 ? shell_run_string(shell, argv[0]) : shell_run_argv(shell, argv, argc);
}

int shell_main(const ShellProgram *program, int argc, char **argv)
{
    Shell shell = {.program = program, .debug = 4, .keepalive_interval = -1, .keepalive_count = -1, .escape = 0x1d};
    int status = EXIT_FAILURE, first;

    setlocale(LC_ALL, "");
    read_environment(&shell);
    first = shell_options(&shell, argc, argv, &status);
    if (first >= 0) {
        status = EXIT_FAILURE;
        shell.data = program->create(&shell);
        if (shell.data) {
            status = run_words_of_main(&shell, argv + first, argc - first) ? EXIT_SUCCESS : EXIT_FAILURE;
            program->destroy(&shell);
        }
    }
    if (!shell_flush(&shell))
        status = EXIT_FAILURE;
    shell_log_close(&shell);
    g_free(shell.uri);
    return status;
}
