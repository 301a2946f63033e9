/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Editing: the text goes to a private temporary file, $VISUAL or $EDITOR (or vi) works on it, the result comes back.
 * What the user typed is never thrown away: when it isn't accepted he is asked, and where there is nobody to ask, or he
 * gives up, the file is kept and named.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

static bool write_text(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left) {
        ssize_t done = write(fd, text, left);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text += done;
        left -= done;
    }
    return true;
}

/* A private file with the text; NULL after an error printed. */
static char *make_file(Shell *shell, const char *text, const char *suffix)
{
    g_autofree char *path = g_strdup_printf("%s/virshXXXXXX%s", g_get_tmp_dir(), suffix);
    int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    bool done;

    if (fd < 0) {
        shell_error(shell, "failed to create a temporary file '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    done = write_text(fd, text);
    if (close(fd) < 0 || !done) {
        shell_error(shell, "failed to write '%s': %s", path, g_strerror(errno));
        unlink(path);
        return NULL;
    }
    return g_steal_pointer(&path);
}

/* Like a shell would: the variable may hold a command with arguments. */
static bool run_editor(Shell *shell, const char *path)
{
    const char *editor = g_getenv("VISUAL");
    g_auto(GStrv) words = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    int status = 0;

    if (!editor || !*editor)
        editor = g_getenv("EDITOR");
    if (!editor || !*editor)
        editor = "vi";
    if (!g_shell_parse_argv(editor, NULL, &words, &error))
        return shell_error(shell, "can't understand the editor command '%s': %s", editor, error->message);
    for (char **word = words; *word; word++)
        g_ptr_array_add(argv, *word);
    g_ptr_array_add(argv, (char *)path);
    g_ptr_array_add(argv, NULL);
    fflush(stdout);
    if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
                      NULL, NULL, &status, &error))
        return shell_error(shell, "failed to run the editor '%s': %s", editor, error->message);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return shell_error(shell, "the editor '%s' failed with status %d", editor,
                           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return true;
}

char *virsh_edit_text(Shell *shell, const char *text, const char *suffix)
{
    g_autofree char *path = make_file(shell, text, suffix);
    char *edited = NULL;

    if (path && run_editor(shell, path))
        edited = virsh_read_file(shell, path);
    if (path)
        unlink(path);
    return edited;
}

typedef enum { ASK_AGAIN, ASK_FORCE, ASK_RELAX, ASK_MEND, ASK_QUIT } Answer;

/* `mend`: what can be put in; NULL if there is nothing like it. */
static Answer ask(Shell *shell, bool relax, const char *mend)
{
    char line[64];

    if (!isatty(STDIN_FILENO))
        return ASK_QUIT;
    for (;;) {
        if (mend)
            shell_print(shell, "'a' adds %s.\n", mend);
        shell_print(shell, "Try again? [y,n%s%s,f,?]: ", relax ? ",i" : "", mend ? ",a" : "");
        fflush(stdout);
        if (!fgets(line, sizeof(line), stdin))
            return ASK_QUIT;
        switch (g_ascii_tolower(line[0])) {
        case 'y':
            return ASK_AGAIN;
        case 'n':
            return ASK_QUIT;
        case 'f':
            return ASK_FORCE;
        case 'i':
            if (relax)
                return ASK_RELAX;
            break;
        case 'a':
            if (mend)
                return ASK_MEND;
            break;
        }
        shell_print(shell, "y - edit the text again\nn - give up, and keep the text in a file\n%s%s"
                           "f - try it once more as it is\n? - this help\n",
                    relax ? "i - accept it without checking it against the schema\n" : "",
                    mend ? "a - add what is missing, and try it once more\n" : "");
    }
}

/* Tries to set the text; true when the matter is settled, *done tells how. */
static bool settle(Shell *shell, const VirshEdit *edit, const char *text, bool *done)
{
    g_autofree char *better = NULL;

    for (;;) {
        g_autofree char *mended = NULL;
        const char *what = NULL;

        client_error_forget();
        *done = edit->set(shell, edit->data, better ? better : text);
        if (*done)
            return true;
        mended = edit->mend ? edit->mend(better ? better : text, &what) : NULL;
        client_error_report(shell);
        switch (ask(shell, edit->retry_relaxed != NULL, mended ? what : NULL)) {
        case ASK_MEND:
            g_free(better);
            better = g_steal_pointer(&mended);
            break;
        case ASK_AGAIN:
            return false;
        case ASK_QUIT:
            return true;
        case ASK_RELAX:
            edit->retry_relaxed(edit->data);
            break;
        case ASK_FORCE:
            break;
        }
    }
}

/* True if somebody else changed the object since `before` was read, and the user's text would undo that. */
static bool changed_meanwhile(Shell *shell, const VirshEdit *edit, const char *before)
{
    g_autofree char *now = edit->get(shell, edit->data);
    bool changed = now && !g_str_equal(now, before);

    client_error_forget();
    if (changed)
        shell_error(shell, "%s was changed by someone else while it was edited", edit->what);
    return changed;
}

bool virsh_edit(Shell *shell, const VirshEdit *edit)
{
    g_autofree char *before = edit->get(shell, edit->data);
    g_autofree char *path = before ? make_file(shell, before, ".xml") : NULL;
    bool settled = false, done = false;

    if (!path)
        return false;
    while (!settled) {
        g_autofree char *text = run_editor(shell, path) ? virsh_read_file(shell, path) : NULL;

        if (!text)
            break;
        if (g_str_equal(text, before)) {
            shell_print(shell, "%s not changed.\n", edit->what);
            unlink(path);
            return true;
        }
        if (changed_meanwhile(shell, edit, before) && ask(shell, false, NULL) != ASK_FORCE)
            break;
        settled = settle(shell, edit, text, &done);
    }
    if (done) {
        shell_print_extra(shell, "%s edited.\n", edit->what);
        unlink(path);
    } else {
        shell_error(shell, "nothing was changed; your text is kept in %s", path);
    }
    return done;
}

bool virsh_edit_relax(void *data)
{
    VirshEditObject *edit = data;
    bool had = edit->flags;

    edit->flags = 0;
    return had;
}

bool virsh_edit_unchecked(VirshEditObject *edit)
{
    int code = client_error_code();

    if (!edit->flags || (code != VIR_ERR_NO_SUPPORT && code != VIR_ERR_INVALID_ARG))
        return false;
    if (code == VIR_ERR_INVALID_ARG && !strstr(client_error_text(), "unsupported flags"))
        return false;
    client_error_forget();
    edit->flags = 0;
    return true;
}
