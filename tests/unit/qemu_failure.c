/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QEMU's last words become errors about the definition. The words are QEMU 7.2's.
 */
#include <libvirt/virterror.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/host_paths.h"
#include "drivers/qemu/command.h"
#include "drivers/qemu/failure.h"
#include "model/domain.h"

static const char definition[] =
    "<domain type='qemu'><name>g</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>"
    "<disk type='file' device='disk'><source file='/img/a'/><target dev='vda'/></disk>"
    "<disk type='file' device='disk'><source file='/img/b'/><backingStore type='file'><format type='raw'/><source file='/img/base'/>"
    "</backingStore><target dev='hda' bus='ide'/></disk>"
    "<interface type='user'/><interface type='user'/><serial type='pty'/><channel type='pty'><target type='virtio' name='a'/></channel>"
    "<graphics type='spice' port='1'/><graphics type='vnc' port='2'/>"
    "<rng model='virtio'><backend model='random'>/dev/a&amp;b</backend></rng></devices></domain>";

#define PROGRAM "2026-01-02T03:04:05.000006Z qemu-system-x86_64: "

static const struct {
    const char *words;
    int code;
    const char *message; /* its beginning */
} cases[] = {
    { PROGRAM "-blockdev {\"node-name\":\"libvirt-3-format\",\"driver\":\"qcow2\"}: Image is not in qcow2 format", VIR_ERR_CONFIG_UNSUPPORTED,
      "unsupported configuration: domain.devices.disk[1] (vda): QEMU can't start: Image is not in qcow2 format; 'qemu-img info" },
    { PROGRAM "-blockdev {\"node-name\":\"libvirt-2-storage\",\"filename\":\"a}: b\"}: Could not open '/img/base': No such file or directory",
      VIR_ERR_SYSTEM_ERROR, "domain.devices.disk[2] (hda): QEMU can't start: Could not open '/img/base': No such file or directory" },
    { PROGRAM "-device {\"driver\":\"ide-hd\",\"id\":\"ide0-0-0\"}: Block node is read-only", VIR_ERR_CONFIG_UNSUPPORTED,
      "unsupported configuration: domain.devices.disk[2] (hda): QEMU can't start: Block node is read-only; disks on this bus" },
    { PROGRAM "-device {\"driver\":\"rtl8139\",\"id\":\"net1\"}: failed to find romfile \"/x\"", VIR_ERR_CONFIG_UNSUPPORTED,
      "unsupported configuration: domain.devices.interface[2]: QEMU can't start: failed to find romfile" },
    { PROGRAM "-netdev {\"type\":\"user\",\"id\":\"hostnet0\"}: something new", VIR_ERR_INTERNAL_ERROR,
      "internal error: domain.devices.interface[1]: process exited while connecting to monitor: " PROGRAM "-netdev" },
    { PROGRAM "-chardev socket,id=charserial0,host=127.0.0.1,port=1: Failed to connect to '127.0.0.1:1': Connection refused",
      VIR_ERR_SYSTEM_ERROR, "domain.devices.serial[1]: QEMU can't start: Failed to connect to '127.0.0.1:1': Connection refused; nothing" },
    { PROGRAM "-vnc 127.0.0.1:77,audiodev=audio1: Failed to find an available port: Address already in use", VIR_ERR_RESOURCE_BUSY,
      "resource busy: domain.devices.graphics[2]: QEMU can't start: Failed to find an available port" },
    { PROGRAM "Could not open '/dev/a&b': No such file or directory", VIR_ERR_SYSTEM_ERROR, "domain.devices.rng[1]: QEMU can't start: " },
    { PROGRAM "cannot set up guest memory 'pc.ram': Cannot allocate memory", VIR_ERR_OPERATION_FAILED,
      "operation failed: domain.memory: QEMU can't start: cannot set up guest memory 'pc.ram': Cannot allocate memory; the host" },
    { "qemu: could not open kernel file '/none': No such file or directory", VIR_ERR_SYSTEM_ERROR, "domain.os.kernel: QEMU can't start: could" },
    { "qemu-system-x86_64: -nonsense: invalid option", VIR_ERR_CONFIG_UNSUPPORTED,
      "unsupported configuration: qemu:commandline: QEMU can't start: -nonsense: invalid option; this QEMU has no such option" },
    /* the last that an error is in counts; warnings and what follows it don't */
    { PROGRAM "warning: host doesn't support requested feature: CPUID\n" PROGRAM "-device nonsense: 'nonsense' is not a valid device model name\n",
      VIR_ERR_CONFIG_UNSUPPORTED, "unsupported configuration: qemu:commandline: QEMU can't start: -device: 'nonsense' is not a valid" },
    { PROGRAM "-device x: Failed to get \"write\" lock\nIs another process using the image [/none]?", VIR_ERR_RESOURCE_BUSY,
      "resource busy: qemu:commandline: QEMU can't start: -device: Failed to get \"write\" lock; another process uses it" },
    /* what nobody expects */
    { "Killed", VIR_ERR_INTERNAL_ERROR, "internal error: process exited while connecting to monitor: Killed" },
    { "qemu: ", VIR_ERR_INTERNAL_ERROR, "internal error: process exited while connecting to monitor: qemu: " },
    { "qemu: -", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
    { "qemu: -device", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
    { "qemu: -device {\"id\": ", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
    { "qemu: -device {\"id\":\"libvirt-\"}: no", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
    { "qemu: -device {\"id\":[]}: no", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
    { "qemu: '", VIR_ERR_INTERNAL_ERROR, "internal error: process exited" },
};

static void test_words(void)
{
    DomainDef *def = domain_def_parse(definition, strlen(definition), 0, NULL);
    DomainMachineInfo info;

    g_assert_nonnull(def);
    domain_machine_info("x86_64", "pc", &info);
    g_assert_cmpint(domain_def_complete(def, &info, definition, strlen(definition), NULL), ==, 0);
    g_assert_cmpint(qemu_assign_aliases(def), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(qemu_failure_report(def, cases[i].words, 0, 0), ==, -1);
        if (!g_str_has_prefix(error_message(), cases[i].message))
            g_error("%s\nbecame %s\nnot %s", cases[i].words, error_message(), cases[i].message);
        g_assert_cmpint(error_code(), ==, cases[i].code);
        virResetLastError();
    }
    qemu_failure_report(def, cases[1].words, 0, 0);
    g_assert_cmpint(virGetLastError()->int1, ==, ENOENT);
    virResetLastError();
    domain_def_free(def);
}

/* The first folder that can't be passed is named, then the file. */
static void test_blocker(void)
{
    char dir[] = "/dev/shm/failure-XXXXXX"; /* anybody can pass the folders above */
    g_assert_nonnull(g_mkdtemp(dir));
    g_autofree char *inner = g_build_filename(dir, "in", NULL);
    g_autofree char *file = g_build_filename(inner, "file", NULL), *text = NULL;
    uid_t other = getuid() + 1;

    g_assert_cmpint(g_mkdir(inner, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_cmpint(g_chmod(dir, 0755), ==, 0);
    text = host_path_blocker(file, other, getgid() + 1);
    g_assert_nonnull(strstr(text, inner));
    g_assert_null(strstr(text, file));
    g_clear_pointer(&text, g_free);
    g_assert_cmpint(g_chmod(inner, 0711), ==, 0);
    g_assert_cmpint(g_chmod(file, 0644), ==, 0);
    text = host_path_blocker(file, other, getgid() + 1);
    g_assert_nonnull(strstr(text, "can't read and write"));
    g_assert_null(host_path_blocker(file, getuid(), getgid()));
    g_assert_null(host_path_blocker("relative", other, 0));
    g_unlink(file);
    g_rmdir(inner);
    g_rmdir(dir);
}

/* Another process that has a file open is found and named. */
static void test_holders(void)
{
    g_autofree char *dir = g_dir_make_tmp("failure-XXXXXX", NULL), *file = g_build_filename(dir, "file", NULL), *text = NULL;
    g_autofree char *expected = NULL;
    const char *argv[] = { "sh", "-c", "exec 3<>\"$3\"; echo ready; read x", "sh", "-name", "guest=a,,b,debug-threads=on", file, NULL };
    int in, out;
    char ready[8];
    GPid pid;

    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_null(host_path_holders(file, 4));
    g_assert_true(g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                                           &in, &out, NULL, NULL));
    g_assert_cmpint(read(out, ready, sizeof(ready)), >, 0);
    expected = g_strdup_printf("QEMU of domain 'a,b' (process %d)", (int)pid);
    text = host_path_holders(file, 4);
    g_assert_cmpstr(text, ==, expected);
    close(in);
    close(out);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    g_unlink(file);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu/failure/words", test_words);
    g_test_add_func("/qemu/failure/blocker", test_blocker);
    g_test_add_func("/qemu/failure/holders", test_holders);
    return g_test_run();
}
