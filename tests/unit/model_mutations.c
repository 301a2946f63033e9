/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Ten thousand damaged domain XMLs, from a fixed seed: none may crash, leak or run long; each that is refused is
 * refused with a line number; each that is accepted survives printing, reading and copying unchanged.
 */
#include "model/domain.h"
#include <string.h>
#include "base/error.h"

enum { MUTANTS = 10000, MAX_CHANGES = 6 };

static const char *const values[] = {
    "-1", "0", "1", "4294967295", "4294967296", "2147483648", "18446744073709551615", "99999999999999999999999", "0x",
    "0xffffffffffffffff", "yes", "no", "on", "off", "", " ", "none", "default", "\xc3\xa4", "\xff", "../../etc/passwd", "&lt;",
    "&#0;", "%s%n", "0-4095", "^0", "1.1.1.1.1.1.1.1", "pcie-root-port", "usb", "scsi", "virtio", "a/b", "sdzzzzzzzz",
};

static const char *const pieces[] = {
    "<disk><source file='/a'/><target dev='sdq' bus='usb'/></disk>", "<controller type='pci' model='pci-bridge'/>",
    "<controller type='usb' index='7' model='ich9-uhci1'/>", "<hub type='usb'/>", "<interface type='user'/>",
    "<address type='pci' bus='0xff' slot='31' function='7'/>", "<address type='usb' bus='1' port='1.1'/>", "<video/>",
    "<channel type='pty'><target type='virtio'/></channel>", "<graphics type='spice'/>", "<serial type='pty'/>", "<a>", "</a>",
    "<![CDATA[x]]>", "<!-- -->", "<?pi x?>", "&amp;", "&unknown;", "<source file='/b'/>", "<backingStore/>",
};

static GPtrArray *load_seeds(void)
{
    static const char *const folders[] = {"define", "roundtrip"};
    GPtrArray *seeds = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *dir = g_strconcat(SOURCE_ROOT, "/tests/data/domain/", folders[i], NULL);
        g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
        const char *file;
        g_assert_nonnull(files);
        while ((file = g_dir_read_name(files))) {
            g_autofree char *path = g_strconcat(dir, "/", file, NULL);
            char *text;
            g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
            g_ptr_array_add(seeds, text);
        }
    }
    return seeds;
}

/* A random place at one of the characters of @set, or anywhere. */
static gsize place_at(GRand *rand, const GString *text, const char *set)
{
    gsize at = text->len ? g_rand_int_range(rand, 0, text->len) : 0;

    for (gsize i = 0; i < text->len; i++) {
        gsize here = (at + i) % text->len;
        if (strchr(set, text->str[here]) && text->str[here])
            return here;
    }
    return at;
}

static void replace_value(GRand *rand, GString *text)
{
    gsize start = place_at(rand, text, "'>") + 1;
    gsize end = start;

    if (start >= text->len)
        return;
    while (end < text->len && !!memchr("'<", text->str[end], 2))
        end++;
    g_string_erase(text, start, end - start);
    g_string_insert(text, start, values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))]);
}

static void copy_range(GRand *rand, GString *text, bool whole_lines)
{
    gsize from = whole_lines ? place_at(rand, text, "\n") : place_at(rand, text, "<");
    gsize wanted = g_rand_int_range(rand, 1, 400);
    gsize len = MIN(text->len - from, wanted);
    gsize to = whole_lines ? place_at(rand, text, "\n") : place_at(rand, text, "<");
    g_autofree char *piece = g_strndup(text->str + from, len);

    g_string_insert(text, to, piece);
}

static void mutate(GRand *rand, GString *text)
{
    gsize at = text->len ? (gsize)g_rand_int_range(rand, 0, text->len) : 0;
    gsize length = g_rand_int_range(rand, 0, 60);

    switch (g_rand_int_range(rand, 0, 9)) {
    case 0:
        if (text->len)
            text->str[at] = g_rand_int_range(rand, 0, 256);
        break;
    case 1:
        g_string_erase(text, at, MIN(text->len - at, length));
        break;
    case 2:
        g_string_truncate(text, at);
        break;
    case 3:
        copy_range(rand, text, true);
        break;
    case 4:
        copy_range(rand, text, false);
        break;
    case 5:
        g_string_insert(text, place_at(rand, text, "<"), pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
        break;
    default:
        replace_value(rand, text);
    }
}

static void assert_located(const char *text)
{
    bool line = strstr(error_message(), ": line ") || strstr(error_message(), "_definition):");

    if (!line)
        g_test_message("no line in: %s\n%s", error_message(), text);
    g_assert_true(line);
}

/* What was accepted stays the same through print, parse and copy. */
static void check_accepted(DomainDef *def)
{
    g_autofree char *out = domain_def_format(def, XML_SECURE);
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) again = domain_def_parse(out, strlen(out), 0, diag);
    g_autoptr(DomainDef) copy = domain_def_copy(def);

    if (!again)
        g_test_message("%s\n%s", error_message(), out);
    g_assert_nonnull(again);
    g_autofree char *out_again = domain_def_format(again, XML_SECURE);
    g_autofree char *out_copy = domain_def_format(copy, XML_SECURE);
    g_assert_cmpstr(out_again, ==, out);
    g_assert_cmpstr(out_copy, ==, out);
    g_assert_true(domain_def_equal(def, copy));
}

/* Whether it was accepted. */
static bool feed(const GString *text)
{
    DomainMachineInfo info;

    virResetLastError();
    g_autoptr(DomainDef) def = domain_def_parse(text->str, text->len, XML_INACTIVE, NULL);
    if (!def) {
        assert_located(text->str);
        return false;
    }
    domain_machine_info(def->os.arch, def->os.machine, &info);
    if (domain_def_complete(def, &info, text->str, text->len, NULL) < 0) {
        assert_located(text->str);
        return false;
    }
    check_accepted(def);
    return true;
}

static void test_mutants(void)
{
    g_autoptr(GPtrArray) seeds = load_seeds();
    GRand *rand = g_rand_new_with_seed(20261125);
    gint64 start = g_get_monotonic_time();
    guint accepted = 0;

    for (guint i = 0; i < MUTANTS; i++) {
        g_autoptr(GString) text = g_string_new(seeds->pdata[g_rand_int_range(rand, 0, seeds->len)]);
        guint n = g_rand_int_range(rand, 1, MAX_CHANGES + 1);
        while (n--)
            mutate(rand, text);
        accepted += feed(text);
    }
    g_rand_free(rand);
    virResetLastError();
    g_test_message("%u of %u accepted, %.1f s", accepted, MUTANTS, (g_get_monotonic_time() - start) / 1e6);
    /* Both ways must have been gone. */
    g_assert_cmpuint(accepted, >, MUTANTS / 50);
    g_assert_cmpuint(accepted, <, MUTANTS - MUTANTS / 50);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/mutants", test_mutants);
    return g_test_run();
}
