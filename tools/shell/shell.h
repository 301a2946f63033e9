/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command shell that virsh and virt-admin share: table of commands, parsing, help, completion, output, the loop.
 *
 * Flow: shell_main() parses the program's own options, then runs either the command given as arguments, the command
 * string (several commands separated by ';'), or lines from standard input. Each command is parsed by cmdline.c
 * against the generated table into a Cmd, its handler is called with it, and what the handler reports goes to standard
 * output (shell_print) or standard error (shell_error).
 *
 * The shell knows nothing of libvirt; the program's hooks (ShellProgram) make connections and report its errors.
 */
#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct Shell Shell;
typedef struct Cmd Cmd;

/* A command: true on success. On failure it has called shell_error(), or left an error for the program's hook. */
typedef bool (*ShellHandler)(Shell *shell, const Cmd *cmd);

/* Values for the option under the cursor, as a NULL-ended vector that the caller frees, or NULL. `word` is what has
 * been typed; filtering by it is left to the caller. */
typedef char **(*ShellCompleter)(Shell *shell, const Cmd *cmd, const char *word);

typedef enum {
    SHELL_BOOL,
    SHELL_STRING,
    SHELL_INT,
    SHELL_ARGV, /* takes all the words that are left */
} ShellOptionType;

enum {
    SHELL_POSITIONAL = 1 << 0,
    SHELL_ALSO_POSITIONAL = 1 << 1,
    SHELL_REQUIRED = 1 << 2,
    SHELL_ALLOW_EMPTY = 1 << 3,
    SHELL_FORMAT = 1 << 4, /* the --format that json commands have; no part of the synopsis */
};

/* How an option's text becomes a value of a call. */
typedef enum {
    SHELL_PARAM_NONE,
    SHELL_PARAM_BOOL,
    SHELL_PARAM_INT,
    SHELL_PARAM_UINT,
    SHELL_PARAM_LLONG,
    SHELL_PARAM_ULLONG,
    SHELL_PARAM_STRING,
    SHELL_PARAM_BYTES, /* a size with suffix */
    SHELL_PARAM_KIB,   /* the same, in KiB; -1: no limit */
} ShellParamKind;

typedef struct {
    const char *name; /* NULL ends a list */
    ShellOptionType type;
    unsigned int flags;
    const char *doc;
    const char *const *values; /* values for completion, or NULL */
    ShellCompleter completer;
    unsigned int flag; /* what a bool adds to cmd_flags() */
    const char *param; /* name of the parameter that the value becomes, or NULL */
    ShellParamKind kind;
} ShellOption;

typedef struct {
    const char *name;
    const char *option;
    const char *value; /* what the alias stands for, or NULL */
} ShellOptionAlias;

typedef struct {
    const char *name; /* NULL ends a list */
    const char *const *aliases;
    const char *summary;
    const char *description;
    const char *synopsis;
    const ShellOption *options;
    const ShellOptionAlias *option_aliases;
    const char *const *exclusive; /* lists of options of which one may be given; each ends with NULL, all with another */
    const char *json; /* shape that --format json prints, or NULL */
    bool needs_connection;
    ShellHandler handler; /* NULL: not written yet */
} ShellCommand;

typedef struct {
    const char *keyword; /* NULL ends a list */
    const char *title;
    bool hidden;
    const ShellCommand *commands;
} ShellGroup;

/* What makes a shell a certain program. All hooks are called on the main thread. */
typedef struct {
    const char *name;          /* virsh */
    const char *environment;   /* VIRSH: prefix of its variables */
    const char *welcome;       /* shown at the start of an interactive session */
    const char *without;       /* letters of the shell's options that the program doesn't have, or NULL */
    bool optional_connection;  /* a session begins, and a list of commands goes on, without a connection */
    const ShellGroup *groups;
    void *(*create)(Shell *shell);               /* before anything runs; NULL after an error printed */
    void (*destroy)(Shell *shell);
    bool (*connect)(Shell *shell);               /* before a command that needs it; false after shell_error() */
    bool (*check)(Shell *shell);                 /* after a command: false if the connection was lost */
    void (*report)(Shell *shell);                /* print the library's pending error, if any, and forget it */
    const char *(*prompt)(Shell *shell);
    void (*version)(Shell *shell, bool longer);
} ShellProgram;

struct Shell {
    const ShellProgram *program;
    void *data; /* what create() returned */
    bool quiet, timing, interactive, quit, readonly, no_pkttyagent;
    int debug; /* 0 everything .. 4 errors only */
    char *uri;
    int keepalive_interval, keepalive_count; /* -1: the library's choice */
    int timeout; /* seconds that a command may take, or 0 */
    char escape; /* console escape character */
    FILE *log;
    const Cmd *current; /* the command that runs */
    unsigned int printed; /* rows of output since the command began; see table.c */
};

/* --- the loop (shell.c, options.c) --- */

/* The whole program: returns its exit status. */
int shell_main(const ShellProgram *program, int argc, char **argv);
/* Runs commands of a string; false if the last one failed. */
bool shell_run_string(Shell *shell, const char *text);
/* Runs one parsed command; false if it failed. */
bool shell_run(Shell *shell, const Cmd *cmd);
/* Interactive reading of standard input until its end or quit; false if the first connection failed. */
bool shell_interact(Shell *shell);
/* True after ^C since the command began. A command that waits looks at it, or polls shell_interrupt_fd(). */
bool shell_interrupted(void);
/* Becomes readable at ^C. */
int shell_interrupt_fd(void);
/* Forgets a ^C. */
void shell_interrupt_reset(void);
/* Installs the handler of ^C. */
void shell_interrupt_install(void);

/* --- output (output.c) --- */
void shell_print(Shell *shell, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Unless --quiet. */
void shell_print_extra(Shell *shell, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* "error: TEXT" on standard error; returns false for convenience. */
bool shell_error(Shell *shell, const char *format, ...) G_GNUC_PRINTF(2, 3);
void shell_debug(Shell *shell, int level, const char *format, ...) G_GNUC_PRINTF(3, 4);
bool shell_log_open(Shell *shell, const char *path);
void shell_log_close(Shell *shell);
/* Pushes buffered output out; false, with the error printed, if it could not be written. */
bool shell_flush(Shell *shell);

/* --- tables (table.c) --- */
typedef struct ShellTable ShellTable;
/* A table with these headings (NULL-ended list). */
ShellTable *shell_table_new(const char *heading, ...) G_GNUC_NULL_TERMINATED;
ShellTable *shell_table_newv(const char *const *headings, guint count);
/* A row with as many cells as headings, NULL-ended; a cell is copied. */
void shell_table_row(ShellTable *table, const char *cell, ...) G_GNUC_NULL_TERMINATED;
void shell_table_rowv(ShellTable *table, const char *const *cells);
/* Prints; with --quiet without heading, and the columns only as wide as the rows need. */
void shell_table_print(Shell *shell, ShellTable *table);
void shell_table_free(ShellTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShellTable, shell_table_free)

/* --- JSON (json.c) --- */
/* True if the command was given --format json. */
bool shell_json(const Cmd *cmd);
/* Prints a document and a newline, and drops the reference. Returns true. */
bool shell_json_print(Shell *shell, json_object *document);
/* Prints on one line, for streams of events. Returns true. */
bool shell_json_line(Shell *shell, json_object *document);
void shell_json_string(json_object *object, const char *key, const char *value); /* NULL gives null */
void shell_json_int(json_object *object, const char *key, long long value);
void shell_json_uint(json_object *object, const char *key, unsigned long long value);
void shell_json_bool(json_object *object, const char *key, bool value);
void shell_json_double(json_object *object, const char *key, double value);
void shell_json_null(json_object *object, const char *key);

/* --- parsed commands (cmdline.c, cmd.c) --- */
typedef enum {
    SHELL_PARSE_OK,
    SHELL_PARSE_END,   /* nothing left */
    SHELL_PARSE_ERROR, /* printed already */
} ShellParseResult;

/* The candidate that is most like a word (tools/shell/nearest.c): shell_nearest_try() each, then look at `found`, which is NULL if
 * none is near. */
typedef struct {
    const char *word, *found;
    int distance;
} ShellNearest;
void shell_nearest_try(ShellNearest *nearest, const char *candidate);

/* A reader of words: a string with quoting (text) or words that are complete (argv). */
typedef struct ShellWords ShellWords;
ShellWords *shell_words_text(const char *text);
ShellWords *shell_words_argv(char **argv, int argc);
void shell_words_free(ShellWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShellWords, shell_words_free)

/* The next command. Errors are printed on `shell`; the rest of the words is then of no use. */
ShellParseResult shell_parse(Shell *shell, ShellWords *words, Cmd **cmd);
/* For completion: takes what there is, complains about nothing. `words` ends with the word to complete; *option is set
 * to the option that it belongs to, or NULL if it is an option name or the command itself (*cmd is NULL then). */
Cmd *shell_parse_partial(const ShellGroup *groups, const char *const *words, const ShellOption **option);
const ShellCommand *shell_find_command(const ShellGroup *groups, const char *name);
const ShellGroup *shell_find_group(const ShellGroup *groups, const char *keyword);

void cmd_free(Cmd *cmd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cmd, cmd_free)
const ShellCommand *cmd_command(const Cmd *cmd);
/* True if the command has such an option. */
bool cmd_knows(const Cmd *cmd, const char *name);
/* True if the option was given. Asking for an option that the command doesn't have is a programming error. */
bool cmd_has(const Cmd *cmd, const char *name);
/* The same, and false where the command has no such option: for code that commands with different options share. */
bool cmd_may_have(const Cmd *cmd, const char *name);
/* The value as given (the first word of an argv), or NULL. */
const char *cmd_get(const Cmd *cmd, const char *name);
const char *cmd_may_get(const Cmd *cmd, const char *name);
/* The words of an argv option; NULL-ended, empty if it was not given. */
const char *const *cmd_argv(const Cmd *cmd, const char *name);
/* The words of an argv option joined with blanks, or NULL if it was not given. */
char *cmd_joined(const Cmd *cmd, const char *name);

/* Checked access: 1 = *value is set, 0 = not given (*value untouched), -1 = printed that it is malformed. */
int cmd_string(Shell *shell, const Cmd *cmd, const char *name, const char **value); /* refuses empty ones */
int cmd_int(Shell *shell, const Cmd *cmd, const char *name, int *value);
int cmd_uint(Shell *shell, const Cmd *cmd, const char *name, unsigned int *value);
int cmd_ulong(Shell *shell, const Cmd *cmd, const char *name, unsigned long *value);
int cmd_ll(Shell *shell, const Cmd *cmd, const char *name, long long *value);
int cmd_ull(Shell *shell, const Cmd *cmd, const char *name, unsigned long long *value);
/* A size with suffix (b, k, KiB, KB, M ...); without one it counts in `scale` bytes. *value is in bytes. */
int cmd_scaled(Shell *shell, const Cmd *cmd, const char *name, unsigned long long scale, unsigned long long max,
               unsigned long long *value);
/* Seconds to milliseconds. */
int cmd_timeout(Shell *shell, const Cmd *cmd, int *milliseconds);
/* The flags of all options that were given. */
unsigned int cmd_flags(const Cmd *cmd);
/* Prints an error and returns false if options were given that the command's table says exclude each other. */
bool cmd_check_exclusive(Shell *shell, const Cmd *cmd);
/* Prints an error and returns false if both were given. */
bool cmd_exclusive(Shell *shell, const Cmd *cmd, const char *first, const char *second);
/* The same for any two of a NULL-ended list. */
bool cmd_exclusive_all(Shell *shell, const Cmd *cmd, const char *first, ...) G_GNUC_NULL_TERMINATED;
/* Parses a size as cmd_scaled does. */
bool shell_parse_size(const char *text, unsigned long long scale, unsigned long long max, unsigned long long *value);
/* Says it if a size that can't be parsed has a suffix that nobody knows. */
void shell_report_suffix(Shell *shell, const char *text);

/* --- help and completion (help.c, complete.c, interactive.c) --- */
bool shell_help_all(Shell *shell);
bool shell_help(Shell *shell, const char *word);
void shell_help_command(Shell *shell, const ShellCommand *command);
void shell_usage(Shell *shell);
/* Candidates for the last of `words`; NULL-ended, to be freed with g_strfreev(). */
char **shell_complete(Shell *shell, const char *const *words);

/* --- commands that every shell has (builtins.c); their names are in the tables --- */
bool cmd_cd(Shell *shell, const Cmd *cmd);
bool cmd_echo(Shell *shell, const Cmd *cmd);
bool cmd_help(Shell *shell, const Cmd *cmd);
bool cmd_pwd(Shell *shell, const Cmd *cmd);
bool cmd_quit(Shell *shell, const Cmd *cmd);
bool cmd_complete(Shell *shell, const Cmd *cmd);
bool cmd_self_test(Shell *shell, const Cmd *cmd);
char **complete_command(Shell *shell, const Cmd *cmd, const char *word);
char **complete_file(Shell *shell, const Cmd *cmd, const char *word);
char **complete_dir(Shell *shell, const Cmd *cmd, const char *word);
