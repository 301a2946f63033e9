/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command shell: words, parsing, checked values, completion; on a table of its own. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shell/shell.h"

static GString *ran; /* what the handlers saw */

static bool on_move(Shell *shell, const Cmd *cmd)
{
    unsigned long long size = 0;
    int count = -1;

    if (cmd_scaled(shell, cmd, "size", 1024, G_MAXUINT64, &size) < 0 || cmd_int(shell, cmd, "count", &count) < 0)
        return false;
    g_string_append_printf(ran, "[move %s fast=%d size=%llu count=%d mode=%s]", cmd_get(cmd, "what"),
                           cmd_has(cmd, "fast"), size, count, cmd_get(cmd, "mode") ? cmd_get(cmd, "mode") : "-");
    return true;
}

static bool on_say(Shell *shell, const Cmd *cmd)
{
    g_autofree char *text = cmd_joined(cmd, "words");

    g_string_append_printf(ran, "[say %s:%s]", cmd_get(cmd, "to") ? cmd_get(cmd, "to") : "-", text ? text : "-");
    return true;
}

static const char *const modes[] = {"slow", "safe", NULL};
static const ShellOption move_options[] = {
    {"what", SHELL_STRING, SHELL_POSITIONAL | SHELL_REQUIRED, "what", NULL, NULL},
    {"fast", SHELL_BOOL, 0, "fast", NULL, NULL},
    {"size", SHELL_STRING, 0, "size", NULL, NULL},
    {"count", SHELL_INT, SHELL_ALSO_POSITIONAL, "count", NULL, NULL},
    {"mode", SHELL_STRING, 0, "mode", modes, NULL},
    {NULL, SHELL_BOOL, 0, NULL, NULL, NULL},
};
static const ShellOptionAlias move_aliases[] = {{"bytes", "size", NULL}, {"safely", "mode", "safe"}, {NULL, NULL, NULL}};
static const ShellOption say_options[] = {
    {"to", SHELL_STRING, 0, "to", NULL, NULL},
    {"words", SHELL_ARGV, SHELL_POSITIONAL, "words", NULL, NULL},
    {NULL, SHELL_BOOL, 0, NULL, NULL, NULL},
};
static const ShellCommand commands[] = {
    {.name = "move", .options = move_options, .option_aliases = move_aliases, .handler = on_move},
    {.name = "say", .options = say_options, .handler = on_say},
    {.name = "later", .options = say_options},
    {.name = NULL},
};
static const ShellGroup groups[] = {{"all", "All", false, commands}, {NULL, NULL, false, NULL}};

static bool always(Shell *shell)
{
    return true;
}

static void nothing(Shell *shell)
{
}

static const ShellProgram program = {.name = "test", .groups = groups, .connect = always, .check = always,
                                     .report = nothing};

/* Runs text; what handlers saw, or NULL if the shell reported failure. */
static char *run(const char *text)
{
    Shell shell = {.program = &program, .debug = 4, .quiet = true};
    FILE *errors = stderr;
    bool done;

    ran = g_string_new(NULL);
    stderr = fopen("/dev/null", "w"); /* not the descriptor: a sanitizer's report must be seen */
    done = shell_run_string(&shell, text);
    fclose(stderr);
    stderr = errors;
    return g_string_free(ran, !done);
}

static void expect(const char *text, const char *seen)
{
    g_autofree char *got = run(text);

    g_assert_cmpstr(got, ==, seen);
}

static void test_forms(void)
{
    expect("move a", "[move a fast=0 size=0 count=-1 mode=-]");
    expect("move --what a --fast", "[move a fast=1 size=0 count=-1 mode=-]");
    expect("move --what=a=b 7", "[move a=b fast=0 size=0 count=7 mode=-]");
    expect("move --fast a --mode slow", "[move a fast=1 size=0 count=-1 mode=slow]");
    expect("move -- --fast", "[move --fast fast=0 size=0 count=-1 mode=-]");
    expect("move -x", "[move -x fast=0 size=0 count=-1 mode=-]");
    expect("move --mode --fast a", "[move a fast=0 size=0 count=-1 mode=--fast]");
    expect("move a --bytes 2", "[move a fast=0 size=2048 count=-1 mode=-]");
    expect("move a --safely", "[move a fast=0 size=0 count=-1 mode=safe]");
    expect("say a b --to c d", "[say c:a b d]");
    expect("say", "[say -:-]");
}

static void test_words(void)
{
    expect("say 'a  b' \"c\\\"d\" e\\ f g'h'i", "[say -:a  b c\"d e f ghi]");
    expect("say a;say b\nsay c;", "[say -:a][say -:b][say -:c]");
    expect("# say a\nsay b", "[say -:b]");
    expect("say a # b", "[say -:a # b]");
    expect("say 'a;b' \"\" c", "[say -:a;b  c]");
    expect(";;", "");
}

static void test_mistakes(void)
{
    static const char *const wrong[] = {
        "",         "nosuch",       "move",       "move a b c",    "move --what",   "move a --fas",   "move a --fast=1",
        "move a a", "move a --fast --fast", "say 'a", "say \"a",   "say a\\",       "move --what a --what b",
        "later",    "say a; nosuch", "move a --count x", "move a --count 99999999999", "move a --size -1",
        "move a --size 1x", "move a --size 99999999999999999999", "move a --size 18446744073709551615",
        "move a --safely=1", "move a --safely --mode slow",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *got = run(wrong[i]);
        if (got)
            g_error("accepted: '%s' as %s", wrong[i], got);
    }
    expect("nosuch; say a", NULL); /* nothing runs of a line with a mistake */
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        unsigned long long value;
    } good[] = {{"0", 0},          {"3", 3072},         {"3b", 3},          {"3 bytes", 3},       {"2k", 2048},
                {"2K", 2048},      {"2KiB", 2048},      {"2KB", 2000},      {"1MiB", 1 << 20},    {"1G", 1 << 30},
                {"1gb", 1000000000}, {"1T", 1ULL << 40}, {"15E", 15ULL << 60}};
    static const char *const bad[] = {"", "k", "-1", "+1", "1kk", "1KiBs", "16E", "0x10", "1.5G", " 1"};
    unsigned long long value;

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(shell_parse_size(good[i].text, 1024, G_MAXUINT64, &value));
        g_assert_cmpuint(value, ==, good[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(shell_parse_size(bad[i], 1024, G_MAXUINT64, &value));
    g_assert_false(shell_parse_size("3", 1024, 3071, &value));
}

static void expect_candidates(const char *joined, const char *last, const char *candidates)
{
    Shell shell = {.program = &program};
    g_auto(GStrv) words = g_strsplit(joined, " ", -1);
    g_auto(GStrv) found = NULL;
    g_autofree char *got = NULL;
    guint count = *joined ? g_strv_length(words) : 0;

    words = g_renew(char *, words, count + 2);
    words[count] = g_strdup(last);
    words[count + 1] = NULL;
    found = shell_complete(&shell, (const char *const *)words);
    got = g_strjoinv(" ", found);
    g_assert_cmpstr(got, ==, candidates);
}

static void test_completion(void)
{
    expect_candidates("", "m", "move");
    expect_candidates("", "", "later move say");
    expect_candidates("move", "--f", "--fast");
    expect_candidates("move a --fast", "--", "--count --mode --size");
    expect_candidates("move --mode", "s", "safe slow");
    expect_candidates("move --mode", "sl", "slow");
    expect_candidates("nosuch", "", "");
}

static void test_hostile(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    static const char alphabet[] = "ab \t\n;'\"\\-=#move say";

    for (int round = 0; round < 5000; round++) {
        char text[64];
        g_autofree char *got = NULL;
        int length = g_rand_int_range(random, 0, sizeof(text) - 1);

        for (int i = 0; i < length; i++)
            text[i] = alphabet[g_rand_int_range(random, 0, sizeof(alphabet) - 1)];
        text[length] = '\0';
        got = run(text); /* the sanitizers watch */
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shell/forms", test_forms);
    g_test_add_func("/shell/words", test_words);
    g_test_add_func("/shell/mistakes", test_mistakes);
    g_test_add_func("/shell/sizes", test_sizes);
    g_test_add_func("/shell/completion", test_completion);
    g_test_add_func("/shell/hostile", test_hostile);
    return g_test_run();
}
