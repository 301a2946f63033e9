# SPDX-License-Identifier: LGPL-2.1-or-later
"""Handlers that are no more than "find the object, call the function, say what happened": C from the table's row.

Each begins with the look-up of its object (key find of the object block). cmd_flags() are the flags of the options given.
"""


def action(command):
    kinds = {"act": act, "autostart": autostart, "dump": dump, "edit": edit, "make": make, "print": show}
    return kinds[command.action.kind](command)


def function(command, body):
    return [f"bool {command.handler}(Shell *shell, const Cmd *cmd)", "{", *("    " + line for line in body), "}", ""]


def find(item):
    return [f"g_autoptr({item.get('type')}) object = {item.get('find')};", "", "if (!object)", "    return false;"]


def act(command):
    """A call with the object alone, or with the flags."""
    made, item = command.action, command.action.object
    flags = ", cmd_flags(cmd)" if made.more == ["flags"] else ""
    return function(command, find(item) + [
        f"if ({made.function}(object{flags}) < 0)",
        f"    return shell_error(shell, {text(made.fail)}, {item.get('name')});",
        f"shell_print_extra(shell, {text(made.done, newline=True)}, {item.get('name')});",
        "return true;"])


def autostart(command):
    made, item = command.action, command.action.object
    label = item.get("label")
    return function(command, find(item) + [
        'if (%s(object, !cmd_has(cmd, "disable")) < 0)' % made.function,
        f'    return shell_error(shell, "failed to %smark {label.lower()} %s as autostarted",',
        f'                       cmd_has(cmd, "disable") ? "un" : "", {item.get("name")});',
        f'shell_print_extra(shell, "{label} %s %smarked as autostarted\\n", {item.get("name")},',
        '                  cmd_has(cmd, "disable") ? "un" : "");',
        "return true;"])


def dump(command):
    return function(command, find(command.action.object) +
                    [f"return virsh_print_xml(shell, cmd, {command.action.function}(object, cmd_flags(cmd)));"])


def make(command):
    """From the XML of --file: FUNCTION(conn, xml), or with flags, always or by a second function if there are any."""
    made, item = command.action, command.action.object
    call = f"{made.function}(virsh_conn(shell), xml)"
    if made.more == ["flags"]:
        call = f"{made.function}(virsh_conn(shell), xml, cmd_flags(cmd))"
    elif made.more:
        call = f"cmd_flags(cmd) ? {made.more[0]}(virsh_conn(shell), xml, cmd_flags(cmd)) : {call}"
    compare = ['if (cmd_has(cmd, "check") || cmd_has(cmd, "diff"))', "    return virsh_compare(shell, cmd, xml);"]
    return function(command, [
        'g_autofree char *xml = virsh_read_option(shell, cmd, "file");',
        f"g_autoptr({item.get('type')}) object = NULL;", "",
        "if (!xml)", "    return false;",
        *(compare if any(o.name == "diff" for o in command.options) else []),
        f"object = {call};", "if (!object)",
        f'    return shell_error(shell, {text(made.fail)}, cmd_get(cmd, "file"));',
        f'shell_print_extra(shell, {text(made.done, newline=True)}, {item.get("name")}'
        f'{", cmd_get(cmd, QUOTE)" if made.done.count("%s") > 1 else ""});'.replace("QUOTE", '"file"'),
        "return true;"])


def edit(command):
    """Reading by FUNCTION(object, READ), defining by the second function with the flags after its colon, or by the third
    where the driver doesn't know those flags."""
    made, item = command.action, command.action.object
    kind, ident, label = item.get("type"), command.name.replace("-", "_"), item.get("label")
    getter, _, read = made.function.partition(":")
    setter, _, flags = made.more[0].partition(":")
    retry = []
    if len(made.more) > 1:
        retry = ["if (!made && virsh_edit_unchecked(edit))", f"    made = {made.more[1]}(edit->conn, xml);"]
    return [
        f"static char *{ident}_get(Shell *shell, void *data)", "{",
        "    VirshEditObject *edit = data;", "",
        f"    return {getter}(edit->object, {read or '0'});", "}", "",
        f"static bool {ident}_set(Shell *shell, void *data, const char *xml)", "{",
        "    VirshEditObject *edit = data;",
        f"    g_autoptr({kind}) made = {setter}(edit->conn, xml{', edit->flags' if flags else ''});", "",
        *("    " + line for line in retry),
        "    return made != NULL;", "}", ""] + function(command, find(item)[:-3] + [
            f'g_autofree char *what = object ? g_strdup_printf("{label} %s XML configuration", {item.get("name")}) : NULL;',
            f"VirshEditObject data = {{virsh_conn(shell), object, {flags or '0'}}};",
            f"VirshEdit edit = {{what, {ident}_get, {ident}_set, {'virsh_edit_relax' if flags else 'NULL'}, &data}};", "",
            "return object && virsh_edit(shell, &edit);"])


def show(command):
    """One word: the row is KEY EXPRESSION; the key is that of the JSON."""
    made = command.action
    return function(command, find(made.object) +
                    [f'return virsh_print_word(shell, cmd, "{made.function}", {" ".join(made.more)});'])


def text(words, newline=False):
    return '"' + words.replace('"', '\\"') + ("\\n" if newline else "") + '"'
