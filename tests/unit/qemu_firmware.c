/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Firmware is chosen by descriptors, and its variables are made of a template.
 */
#include <libvirt/virterror.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/firmware.h"
#include "model/domain.h"

static char *root;
static char *low, *high;

static void put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *descriptor(const char *interface, const char *code, const char *machines, const char *features)
{
    return g_strdup_printf("{\"description\":\"d\",\"interface-types\":[\"%s\"],\"mapping\":{\"device\":\"flash\",\"executable\":{\"filename\":"
                           "\"%s\",\"format\":\"raw\"},\"nvram-template\":{\"filename\":\"%s/VARS\",\"format\":\"raw\"}},\"targets\":"
                           "[{\"architecture\":\"x86_64\",\"machines\":[\"%s\"]}],\"features\":[%s],\"tags\":[]}", interface, code, root,
                           machines, features);
}

static void put_descriptor(const char *folder, const char *name, const char *code, const char *machines, const char *features)
{
    g_autofree char *text = descriptor("uefi", code, machines, features);

    put(folder, name, text);
}

static DomainDef *guest(const char *machine, const char *os, const char *features)
{
    g_autofree char *xml = g_strdup_printf("<domain type='qemu'><name>g</name><memory>65536</memory><os firmware='efi'><type arch='x86_64' "
                                           "machine='%s'>hvm</type>%s</os><features><acpi/>%s</features></domain>", machine, os, features);
    DomainDef *def = domain_def_parse(xml, strlen(xml), 0, NULL);

    g_assert_nonnull(def);
    return def;
}

/* Which loader such a guest gets; NULL: none, with an error. */
static char *chosen(const char *machine, const char *os, const char *features)
{
    const char *folders[] = { low, high, NULL };
    g_autoptr(DomainDef) def = guest(machine, os, features);

    virResetLastError();
    if (qemu_firmware_choose(def, folders, root) < 0) {
        g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_FAILED);
        return NULL;
    }
    g_assert_true(g_str_has_suffix(def->os.nvram.path, "/g_VARS.fd"));
    return g_strdup(def->os.loader.path);
}

#define CHOSEN(machine, os, features, expected) do { \
        g_autofree char *path_ = chosen(machine, os, features); \
        g_assert_cmpstr(path_, ==, expected); \
    } while (0)

static void test_choice(void)
{
    put_descriptor(low, "60-plain.json", "/plain", "pc-*", "\"acpi-s3\"");
    put_descriptor(low, "50-secure.json", "/secure", "pc-q35-*", "\"acpi-s3\",\"requires-smm\",\"secure-boot\"");
    put_descriptor(low, "40-keys.json", "/keys", "pc-q35-*", "\"acpi-s3\",\"requires-smm\",\"secure-boot\",\"enrolled-keys\"");
    CHOSEN("pc-i440fx-7.2", "", "", "/plain");
    CHOSEN("pc-q35-7.2", "", "", "/plain");
    CHOSEN("pc-q35-7.2", "", "<smm state='on'/>", "/keys");
    CHOSEN("pc-q35-7.2", "<loader secure='yes'/>", "<smm state='on'/>", "/keys");
    CHOSEN("pc-q35-7.2", "<loader secure='no'/>", "<smm state='on'/>", "/plain");
    CHOSEN("pc-q35-7.2", "<firmware><feature enabled='no' name='enrolled-keys'/><feature enabled='yes' name='secure-boot'/></firmware>",
           "<smm state='on'/>", "/secure");
    CHOSEN("pc-q35-7.2", "<firmware><feature enabled='no' name='secure-boot'/></firmware>", "<smm state='on'/>", "/plain");
    CHOSEN("pc-i440fx-7.2", "<loader secure='yes'/>", "<smm state='on'/>", NULL);
    g_assert_nonnull(strstr(error_message(), "60-plain.json: it isn't a secure one"));
    g_assert_null(strstr(error_message(), "50-secure.json")); /* isn't for this machine at all */
    CHOSEN("pc-q35-7.2", "<firmware><feature enabled='yes' name='nosuch'/></firmware>", "", NULL);
    CHOSEN("virt-7.2", "", "", NULL);
    g_assert_nonnull(strstr(error_message(), "no descriptor of firmware for this machine is installed"));
    /* a file of a later folder hides that of an earlier; an empty one hides it and nothing else */
    put_descriptor(high, "60-plain.json", "/other", "pc-*", "");
    CHOSEN("pc-i440fx-7.2", "", "", "/other");
    put(high, "40-keys.json", "");
    CHOSEN("pc-q35-7.2", "", "<smm state='on'/>", "/secure");
}

/* Whatever stands there, the others are found. */
static void test_odd_descriptors(void)
{
    static const char *const odd[] = {
        "{", "[]", "\"x\"", "{}", "{\"interface-types\":3,\"targets\":[3,{\"machines\":{}}]}", "\xff\xfe",
        "{\"interface-types\":[\"uefi\"],\"targets\":[{\"architecture\":\"x86_64\",\"machines\":[\"pc-*\",7]}],\"mapping\":7,\"features\":7}",
        "{\"interface-types\":[\"uefi\"],\"targets\":[{\"architecture\":\"x86_64\",\"machines\":[\"pc-*\"]}],\"mapping\":{\"device\":\"flash\","
        "\"executable\":{\"format\":\"raw\"}},\"features\":[1]}",
    };

    put_descriptor(low, "99-last.json", "/last", "pc-*", "");
    put(high, "60-plain.json", "");
    for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
        put(low, "10-odd.json", odd[i]);
        CHOSEN("pc-i440fx-7.2", "", "", "/last");
    }
}

static void test_nvram(void)
{
    const char *folders[] = { low, high, NULL };
    g_autofree char *template = g_build_filename(root, "VARS", NULL), *text = NULL;
    g_autoptr(DomainDef) def = guest("pc-i440fx-7.2", "", "");
    struct stat st;

    put_descriptor(low, "99-last.json", "/last", "pc-*", "");
    put(root, "VARS", "variables");
    g_assert_cmpint(qemu_firmware_choose(def, folders, root), ==, 0);
    g_assert_cmpstr(def->os.nvram.template, ==, template);
    g_assert_cmpint(qemu_firmware_make_nvram(def, folders, FALSE, -1, -1), ==, 0);
    g_assert_cmpint(stat(def->os.nvram.path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    /* once it is there it is the guest's */
    g_assert_true(g_file_set_contents(def->os.nvram.path, "changed", -1, NULL));
    g_assert_cmpint(qemu_firmware_make_nvram(def, folders, FALSE, -1, -1), ==, 0);
    g_assert_true(g_file_get_contents(def->os.nvram.path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "changed");
    g_assert_cmpint(qemu_firmware_make_nvram(def, folders, TRUE, -1, -1), ==, 0);
    g_clear_pointer(&text, g_free);
    g_assert_true(g_file_get_contents(def->os.nvram.path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "variables");
    /* a loader that is named has the template of its descriptor, or one must be named, too */
    g_unlink(def->os.nvram.path);
    g_clear_pointer(&def->os.nvram.template, g_free);
    g_assert_cmpint(qemu_firmware_make_nvram(def, folders, FALSE, -1, -1), ==, 0);
    g_assert_cmpint(stat(def->os.nvram.path, &st), ==, 0);
    g_unlink(def->os.nvram.path);
    g_free(def->os.loader.path);
    def->os.loader.path = g_strdup("/nobodys");
    g_assert_cmpint(qemu_firmware_make_nvram(def, folders, FALSE, -1, -1), ==, -1);
    g_assert_nonnull(strstr(error_message(), "unable to find any master var store"));
    g_assert_false(g_file_test(def->os.nvram.path, G_FILE_TEST_EXISTS));
    virResetLastError();
}

static void remove_all(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);

    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    root = g_dir_make_tmp("firmware-XXXXXX", NULL);
    low = g_build_filename(root, "low", NULL);
    high = g_build_filename(root, "high", NULL);
    g_mkdir(low, 0700);
    g_mkdir(high, 0700);
    g_test_add_func("/qemu/firmware/choice", test_choice);
    g_test_add_func("/qemu/firmware/odd", test_odd_descriptors);
    g_test_add_func("/qemu/firmware/nvram", test_nvram);
    rc = g_test_run();
    remove_all(low);
    remove_all(high);
    remove_all(root);
    g_free(low);
    g_free(high);
    g_free(root);
    return rc;
}
