/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of text: heading, a line of dashes, rows; columns as wide as their widest cell on a terminal, three blanks
 * between them. What comes from elsewhere (names, titles) may hold anything, so characters that would move the cursor
 * or aren't valid UTF-8 are shown as \xNN.
 */
#include <stdarg.h>
#include <string.h>

#include "tools/shell/shell.h"

struct ShellTable {
    guint columns;
    GPtrArray *cells; /* row after row; the first is the heading */
};

static char *safe_cell(const char *text)
{
    GString *safe = g_string_new(NULL);

    while (*text) {
        gunichar c = g_utf8_get_char_validated(text, -1);

        if (c == (gunichar)-1 || c == (gunichar)-2 || (c < 0x80 && !g_unichar_isprint(c))) {
            g_string_append_printf(safe, "\\x%02x", (unsigned char)*text++);
        } else if (!g_unichar_isprint(c) && !g_unichar_iszerowidth(c)) {
            const char *next = g_utf8_next_char(text);
            while (text < next)
                g_string_append_printf(safe, "\\x%02x", (unsigned char)*text++);
        } else {
            g_string_append_unichar(safe, c);
            text = g_utf8_next_char(text);
        }
    }
    return g_string_free(safe, FALSE);
}

static guint cell_width(const char *text)
{
    guint width = 0;

    for (; *text; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);

        if (!g_unichar_iszerowidth(c))
            width += g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

static void append_cells(ShellTable *table, const char *first, va_list args)
{
    for (const char *cell = first; cell; cell = va_arg(args, const char *))
        g_ptr_array_add(table->cells, safe_cell(cell));
}

ShellTable *shell_table_new(const char *heading, ...)
{
    ShellTable *table = g_new0(ShellTable, 1);
    va_list args;

    table->cells = g_ptr_array_new_with_free_func(g_free);
    va_start(args, heading);
    append_cells(table, heading, args);
    va_end(args);
    table->columns = table->cells->len;
    return table;
}

ShellTable *shell_table_newv(const char *const *headings, guint count)
{
    ShellTable *table = g_new0(ShellTable, 1);

    table->cells = g_ptr_array_new_with_free_func(g_free);
    table->columns = count;
    shell_table_rowv(table, headings);
    return table;
}

void shell_table_row(ShellTable *table, const char *cell, ...)
{
    va_list args;

    va_start(args, cell);
    append_cells(table, cell, args);
    va_end(args);
    g_assert(table->cells->len % table->columns == 0);
}

void shell_table_rowv(ShellTable *table, const char *const *cells)
{
    for (guint i = 0; i < table->columns; i++)
        g_ptr_array_add(table->cells, safe_cell(cells[i]));
}

static void print_row(Shell *shell, ShellTable *table, guint row, const guint *widths)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; i < table->columns; i++) {
        const char *cell = table->cells->pdata[row * table->columns + i];

        g_string_append_printf(line, "%s%s", i ? "   " : " ", cell);
        for (guint pad = cell_width(cell); i + 1 < table->columns && pad < widths[i]; pad++)
            g_string_append_c(line, ' ');
    }
    shell_print(shell, "%s\n", line->str);
}

void shell_table_print(Shell *shell, ShellTable *table)
{
    g_autofree guint *widths = g_new0(guint, table->columns);
    guint rows = table->cells->len / table->columns, first = shell->quiet ? 1 : 0, total = 0;

    for (guint i = first * table->columns; i < table->cells->len; i++)
        widths[i % table->columns] = MAX(widths[i % table->columns], cell_width(table->cells->pdata[i]));
    for (guint row = first; row < rows; row++) {
        print_row(shell, table, row, widths);
        if (row == 0) {
            g_autofree char *dashes = NULL;
            for (guint i = 0; i < table->columns; i++)
                total += widths[i] + 3;
            dashes = g_strnfill(total, '-');
            shell_print(shell, "%s\n", dashes);
        }
    }
}

void shell_table_free(ShellTable *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->cells);
    g_free(table);
}
