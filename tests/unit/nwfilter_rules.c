/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Damaged filters, from a fixed seed, through what the fuzz target does with them: none may crash, leak or become commands of its own.
 */
#include "../fuzz/nwfilter_xml.c"

enum { MUTANTS = 4000, MAX_CHANGES = 5 };

static const char *const values[] = {
    "-1", "0", "65535", "65536", "4294967296", "0x", "0xffff", "yes", "no", "", "$A", "$P", "$A[1]", "$P[@1]", "$A[@2]", "$IP", "$IP[@3]", "$MAC", "$NOBODY",
    "\xc3\xa4", "\xff", "&quot;; add table x", "x&#10;flush ruleset", "10.0.0.1", "fe80::1", "ff:ff:ff:00:00:00", "NEW,INVALID", "SYN,ACK/ALL", "root", "arp-x",
    "ipv4-\xc3\xa4", "tcp", "33", "inout", "accept", "reject", "-1000", "1000", "true", "%s%n", "a\\b",
};

static const char *const pieces[] = {
    "<rule action='accept' direction='inout'>", "</rule>", "<tcp dstportstart='5' dstportend='$P'/>", "<tcp match='no' flags='SYN/ALL'/>",
    "<arp arpsrcipaddr='$IP' gratuitous='no'/>", "<rarp arpsrcipaddr='$A'/>", "<stp root-cost='5' root-cost-hi='7'/>", "<vlan vlanid='5'/>",
    "<all connlimit-above='3' comment='a\\&quot;'/>", "<ip srcipaddr='$IP' srcipmask='24'/>", "<all-ipv6 srcipfrom='fe80::1' srcipto='fe80::2'/>",
    "<filterref filter='x'/>", "<ipv6 protocol='icmpv6' type='1' typeend='9'/>", "<icmp type='8' state='NEW'/>", "<a>", "&amp;",
};

static GPtrArray *load_seeds(void)
{
    static const char *const folders[] = { TEST_DATA "/../../data/nwfilter", TEST_DATA "/nwfilter" };
    GPtrArray *seeds = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GDir) files = g_dir_open(folders[i], 0, NULL);
        const char *file;
        g_assert_nonnull(files);
        while ((file = g_dir_read_name(files))) {
            g_autofree char *path = g_build_filename(folders[i], file, NULL);
            char *text;
            if (!g_str_has_suffix(file, ".xml"))
                continue;
            g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
            g_ptr_array_add(seeds, text);
        }
    }
    return seeds;
}

static gsize place_of(GRand *rand, const GString *text, char wanted)
{
    gsize at = (gsize) g_rand_int_range(rand, 0, (gint32) text->len);
    const char *found = strchr(text->str + at, wanted);
    return found ? (gsize) (found - text->str) : at;
}

static void change(GRand *rand, GString *text)
{
    gsize at = place_of(rand, text, "'<"[g_rand_int_range(rand, 0, 2)]);
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0: { /* another value */
        gsize end = at + 1 < text->len ? at + 1 + strcspn(text->str + at + 1, "'<>") : text->len;
        g_string_erase(text, (gssize) (at + 1 < end ? at + 1 : at), (gssize) (at + 1 < end ? end - at - 1 : 0));
        g_string_insert(text, (gssize) MIN(at + 1, text->len), values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))]);
        break;
    }
    case 1:
        g_string_insert(text, (gssize) at, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
        break;
    case 2: { /* something twice */
        g_autofree char *copy = g_strndup(text->str + at, (gsize) g_rand_int_range(rand, 1, 200));
        g_string_insert(text, (gssize) place_of(rand, text, '<'), copy);
        break;
    }
    default:
        text->str[at] = (char) g_rand_int_range(rand, 1, 256);
    }
}

static void test_mutants(void)
{
    g_autoptr(GPtrArray) seeds = load_seeds();
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (guint i = 0; i < seeds->len; i++)
        LLVMFuzzerTestOneInput(seeds->pdata[i], strlen(seeds->pdata[i]));
    for (guint i = 0; i < MUTANTS; i++) {
        g_autoptr(GString) text = g_string_new(seeds->pdata[g_rand_int_range(rand, 0, (gint32) seeds->len)]);
        for (int k = g_rand_int_range(rand, 1, MAX_CHANGES + 1); k > 0; k--)
            change(rand, text);
        LLVMFuzzerTestOneInput((const guint8 *) text->str, text->len);
    }
    xml_struct_free(&NWFILTER_BINDING_DEF_DESC, bound);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nwfilter/mutants", test_mutants);
    return g_test_run();
}
