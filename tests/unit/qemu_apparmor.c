/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of AppArmor profiles: a path means itself, a template is honoured.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/apparmor_profile.h"
#include "drivers/qemu/security.h"
#include "model/domain.h"

#define UUID "a75aca4b-a02f-2bcb-4a91-c93cd848c34b"

static void test_names(void)
{
    unsigned char uuid[16], again[16];
    char name[APPARMOR_NAME_SIZE];

    g_assert_cmpint(uuid_parse(UUID, uuid), ==, 0);
    g_assert_cmpstr(apparmor_name(uuid, name), ==, "libvirt-" UUID);
    g_assert_true(apparmor_name_parse(name, again));
    g_assert_cmpmem(uuid, 16, again, 16);
    g_assert_false(apparmor_name_parse("libvirtd", again));
    g_assert_false(apparmor_name_parse("libvirt-" UUID "0", again));
    g_assert_false(apparmor_name_parse("libvirt-x75aca4b-a02f-2bcb-4a91-c93cd848c34b", again));
}

static void check_rule(const char *path, const char *mode, gboolean tree, const char *expected)
{
    g_autofree char *rule = apparmor_rule(path, mode, tree);

    g_assert_cmpstr(rule, ==, expected);
}

static void test_rules(void)
{
    check_rule("/srv/odd pool/a.img", "rwk", FALSE, "  \"/srv/odd pool/a.img\" rwk,\n");
    check_rule("/a*b?[c]{d,e}^@{HOME}\"\\#", "rk", FALSE, "  \"/a\\*b\\?\\[c\\]\\{d\\,e\\}\\^\\@\\{HOME\\}\\\"\\\\#\" rk,\n");
    check_rule("/caf\xc3\xa9", "rk", FALSE, "  \"/caf\xc3\xa9\" rk,\n");
    check_rule("/srv/all/", "rwk", TRUE, "  \"/srv/all{,/**}\" rwk,\n");
    g_assert_null(apparmor_rule("/a\n  /** rw,", "rk", FALSE));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    virResetLastError();
}

static void test_profiles(void)
{
    g_autofree char *usual = apparmor_profile("libvirt-x", "/etc/x.files", NULL);
    g_autofree char *own = apparmor_profile("libvirt-x", "/etc/x.files", "profile LIBVIRT_TEMPLATE {\n  /a r,\n}\n# LIBVIRT_TEMPLATE ends\n");

    g_assert_nonnull(strstr(usual, "\nprofile libvirt-x flags=(attach_disconnected) {\n"));
    g_assert_nonnull(strstr(usual, "  #include <abstractions/libvirt-qemu>\n  #include \"/etc/x.files\"\n}\n"));
    g_assert_cmpstr(own, ==, "profile libvirt-x {\n  /a r,\n  #include \"/etc/x.files\"\n}\n# libvirt-x ends\n");
    g_assert_null(apparmor_profile("libvirt-x", "/f", "profile other {\n}\n"));
    g_assert_null(apparmor_profile("libvirt-x", "/f", "profile LIBVIRT_TEMPLATE"));
    virResetLastError();
}

static const char definition[] =
    "<domain type='qemu'><name>g</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type><kernel>/boot/k</kernel>"
    "<loader type='rom'>/fw/code</loader></os><devices><emulator>/usr/bin/qemu</emulator>"
    "<disk type='file' device='disk'><source file='/img/top'/><backingStore type='file'><format type='qcow2'/><source file='/img/middle'/>"
    "<backingStore type='file'><format type='raw'/><source file='/img/base'/></backingStore></backingStore><target dev='vda'/></disk>"
    "<disk type='file' device='cdrom'><source file='/img/cd'/><target dev='hdc' bus='ide'/></disk>"
    "<disk type='file' device='disk'><source file='/img/both'/><target dev='vdb'/><shareable/></disk>"
    "<disk type='network' device='disk'><source protocol='nbd' name='a'><host transport='unix' socket='/run/nbd'/></source><target dev='vdc'/></disk>"
    "<filesystem type='mount'><source dir='/srv/tree'/><target dir='t'/></filesystem>"
    "<interface type='user'><rom file='/rom'/></interface>"
    "<serial type='file'><source path='/log/serial'/><log file='/log/copy'/></serial><shmem name='common'><model type='ivshmem-plain'/></shmem>"
    "<graphics type='vnc'><listen type='socket' socket='/run/vnc'/></graphics>"
    "<rng model='virtio'><backend model='random'>/dev/random</backend></rng></devices></domain>";

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "PATH", "writes", "shared", "beside", "tree" or "program" of each file. */
static void test_files(void)
{
    static const char *const expected[] = {
        "/boot/k", "/dev/random beside", "/dev/shm/common writes beside", "/fw/code beside", "/img/base", "/img/both writes shared", "/img/cd",
        "/img/middle", "/img/top writes", "/log/copy writes beside", "/log/serial writes beside", "/rom beside", "/run/nbd writes beside",
        "/run/vnc writes beside", "/srv/tree writes beside tree", "/usr/bin/qemu beside program",
    };
    g_autoptr(DomainDef) def = domain_def_parse(definition, strlen(definition), 0, NULL);
    g_autoptr(GPtrArray) files = NULL, told = g_ptr_array_new_with_free_func(g_free);

    g_assert_nonnull(def);
    files = qemu_files_of(def);
    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        g_ptr_array_add(told, g_strconcat(file->path, file->writes ? " writes" : "", file->shared ? " shared" : "", file->beside ? " beside" : "",
                                          file->reach == REACH_TREE ? " tree" : file->reach == REACH_PROGRAM ? " program" : "", NULL));
    }
    g_ptr_array_sort(told, compare);
    for (guint i = 0; i < MIN(told->len, G_N_ELEMENTS(expected)); i++)
        g_assert_cmpstr(told->pdata[i], ==, expected[i]);
    g_assert_cmpuint(told->len, ==, G_N_ELEMENTS(expected));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apparmor/names", test_names);
    g_test_add_func("/apparmor/rules", test_rules);
    g_test_add_func("/apparmor/profiles", test_profiles);
    g_test_add_func("/apparmor/files", test_files);
    return g_test_run();
}
