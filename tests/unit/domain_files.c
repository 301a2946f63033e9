/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions and running guests across restarts of the daemon, and its death at any moment.
 */
#include "fake_backend.h"
#include "base/file.h"
#include "domain/persist.h"
#include <sys/wait.h>

typedef struct Fixture { char *root; FakeHost *f; } Fixture;

/* With @data the hypervisor can save its guests. */
static void setup(Fixture *x, gconstpointer data)
{
    fake_backend.image_word = data;
    fake_backend.save = data ? fake_save : NULL;
    x->root = g_dir_make_tmp("domain-files-XXXXXX", NULL);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
}

static void remove_tree(const char *path)
{
    const char *const argv[] = { "rm", "-rf", path, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) out = { 0 };
    spec.argv = argv;
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 4096, 20000, &out), ==, 0);
}

static void teardown(Fixture *x, gconstpointer data)
{
    if (x->f)
        fake_host_free(x->f);
    remove_tree(x->root);
    g_free(x->root);
}

static void restart(Fixture *x)
{
    fake_host_free(x->f);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
}

static void wait_for(gboolean (*condition)(Fixture *x, virDomainPtr dom), Fixture *x, virDomainPtr dom)
{
    gint64 until = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
    while (!condition(x, dom)) {
        g_assert_cmpint(g_get_monotonic_time(), <, until);
        g_usleep(2000);
    }
}

static gboolean is_active(Fixture *x, virDomainPtr dom)
{
    return x->f->table.domain_is_active(dom) == 1;
}

static gboolean is_inactive(Fixture *x, virDomainPtr dom)
{
    return x->f->table.domain_is_active(dom) == 0;
}

static gboolean is_gone(Fixture *x, virDomainPtr dom)
{
    return x->f->table.domain_is_active(dom) < 0;
}

static virDomainPtr lookup(Fixture *x, const char *name)
{
    return x->f->table.domain_lookup_by_name(x->f->conn, name);
}

static void test_definitions_stay(Fixture *x, gconstpointer data)
{
    int on = 0;
    virDomainPtr dom = fake_define(x->f, "d<&1", 1);
    g_assert_cmpint(x->f->table.domain_set_autostart(dom, 0), ==, 0);
    object_unref(dom);
    dom = fake_define(x->f, "plain", 2);
    g_autofree char *before = x->f->table.domain_get_xml_desc(dom, 0);
    object_unref(dom);
    restart(x);
    dom = lookup(x, "plain");
    g_assert_nonnull(dom);
    g_autofree char *after = x->f->table.domain_get_xml_desc(dom, 0);
    g_assert_cmpstr(before, ==, after);
    g_assert_cmpint(x->f->table.domain_get_autostart(dom, &on), ==, 0);
    g_assert_cmpint(on, ==, 0);
    object_unref(dom);
    dom = lookup(x, "d<&1");
    g_assert_nonnull(dom);
    g_assert_cmpint(x->f->table.domain_undefine(dom), ==, 0);
    object_unref(dom);
    restart(x);
    g_assert_null(lookup(x, "d<&1"));
    g_assert_cmpint(x->f->table.connect_list_all_domains(x->f->conn, NULL, 0), ==, 1);
}

static void test_rename_and_autostart(Fixture *x, gconstpointer data)
{
    int on = 0;
    virDomainPtr dom = fake_define(x->f, "old", 1);
    g_assert_cmpint(x->f->table.domain_set_autostart(dom, 1), ==, 0);
    g_assert_cmpint(x->f->table.domain_rename(dom, "new", 0), ==, 0);
    object_unref(dom);
    restart(x);
    g_assert_null(lookup(x, "old"));
    dom = lookup(x, "new");
    g_assert_cmpint(x->f->table.domain_get_autostart(dom, &on), ==, 0);
    g_assert_cmpint(on, ==, 1);
    object_unref(dom);
}

/* A rename that ended between its steps. */
static void test_half_rename(Fixture *x, gconstpointer data)
{
    const HostPaths *paths = host_paths(x->f->host);
    virDomainPtr dom = fake_define(x->f, "old", 1);
    g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "old");
    g_autoptr(DomainState) state = domain_state(obj);
    g_autoptr(SharedDef) def = domain_config(obj, state);
    DomainDef *copy = shared_def_copy(def);
    g_free(copy->name);
    copy->name = g_strdup("new--er");
    g_autoptr(SharedDef) renamed = shared_def_new(copy);
    g_assert_cmpint(x->f->table.domain_set_autostart(dom, 1), ==, 0);
    g_assert_cmpint(persist_write_renamed(x->f->host, "new--er", renamed, "old"), ==, 0);
    object_unref(dom);
    g_clear_pointer(&obj, domain_obj_unref);
    g_autofree char *old = persist_path(paths->config, "old", "xml");
    g_assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
    restart(x);
    g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
    g_assert_null(lookup(x, "old"));
    dom = lookup(x, "new--er");
    int on = 0;
    g_assert_cmpint(x->f->table.domain_get_autostart(dom, &on), ==, 0);
    g_assert_cmpint(on, ==, 1);
    object_unref(dom);
}

static void test_bad_files(Fixture *x, gconstpointer data)
{
    const HostPaths *paths = host_paths(x->f->host);
    const struct { const char *name, *text; } files[] = {
        { "empty", "" }, { "torn", "<domain type='qemu'><name>torn</name><uuid>3a57d2d6-fb20-404d-b591-0000000" },
        { "half", "<domain type='qemu'>\n<name>half</name>\n<uuid>3a57d2d6-fb20-404d-b591-00000000000a</uuid>\n<bogus" },
        { "alias", "<domain type='qemu'><name>other</name><uuid>3a57d2d6-fb20-404d-b591-00000000000b</uuid></domain>" },
        { "late", "<domain type='qemu'><memory>1</memory><os><type>hvm</type></os><name>late</name>"
                  "<uuid>3a57d2d6-fb20-404d-b591-00000000000c</uuid></domain>" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = persist_path(paths->config, files[i].name, "xml");
        g_assert_true(g_file_set_contents(path, files[i].text, -1, NULL));
    }
    restart(x);
    g_assert_cmpint(x->f->table.connect_list_all_domains(x->f->conn, NULL, 0), ==, 2);
    virDomainPtr dom = lookup(x, "half"); /* name and UUID could be read: it is shown, and says what is wrong when used */
    g_assert_nonnull(dom);
    g_assert_null(x->f->table.domain_get_xml_desc(dom, 0));
    g_assert_nonnull(strstr(error_message(), "half.xml"));
    g_assert_nonnull(strstr(error_message(), "line 4"));
    g_assert_cmpint(x->f->table.domain_create(dom), <, 0);
    g_assert_cmpint(x->f->table.domain_undefine(dom), ==, 0);
    object_unref(dom);
    dom = lookup(x, "late");
    g_assert_nonnull(dom);
    object_unref(dom);
    g_autofree char *torn = persist_path(host_paths(x->f->host)->config, "torn", "xml");
    g_assert_true(g_file_test(torn, G_FILE_TEST_EXISTS)); /* never deleted */
}

static void test_guest_survives_restart(Fixture *x, gconstpointer data)
{
    g_autofree char *xml = fake_xml("transient", 2);
    virDomainPtr dom = fake_define(x->f, "kept", 1), transient = x->f->table.domain_create_xml(x->f->conn, xml, 0);
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    g_assert_nonnull(transient);
    int id = transient->id;
    object_unref(dom);
    object_unref(transient);
    restart(x);
    dom = lookup(x, "kept");
    transient = x->f->table.domain_lookup_by_id(x->f->conn, id);
    wait_for(is_active, x, dom);
    g_assert_nonnull(transient);
    g_autofree char *live = x->f->table.domain_get_xml_desc(dom, 0);
    g_autofree char *config = x->f->table.domain_get_xml_desc(dom, VIR_DOMAIN_XML_INACTIVE);
    g_assert_nonnull(strstr(live, "<title>pid "));
    g_assert_null(strstr(config, "<title>"));
    g_autofree char *another = fake_xml("another", 3);
    virDomainPtr third = x->f->table.domain_create_xml(x->f->conn, another, 0);
    g_assert_cmpint(third->id, >, id); /* ids aren't given twice */
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    g_assert_cmpint(x->f->table.domain_destroy(transient), ==, 0);
    g_assert_cmpint(x->f->table.domain_destroy(third), ==, 0);
    g_assert_true(is_inactive(x, dom));
    g_assert_true(is_gone(x, transient));
    object_unref(third);
    object_unref(transient);
    object_unref(dom);
    restart(x);
    g_assert_cmpint(x->f->table.connect_num_of_domains(x->f->conn), ==, 0);
}

static gboolean is_pausable(Fixture *x, virDomainPtr dom)
{
    return x->f->table.domain_suspend(dom) == 0;
}

/* What a guest is found to be in must not be published over what a client has changed since. */
static void test_change_waits_for_reconnect(Fixture *x, gconstpointer data)
{
    int state;
    virDomainPtr dom = fake_define(x->f, "d", 1);
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    object_unref(dom);
    fake_host_free(x->f);
    x->f = fake_host_new(x->root);
    g_atomic_int_set(&x->f->rules.hang_reconnect, 1);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
    dom = lookup(x, "d");
    host_set_deadline_ms(x->f->host, 50);
    g_assert_cmpint(x->f->table.domain_suspend(dom), <, 0);
    g_assert_cmpint(virGetLastError()->code, ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpint(x->f->table.domain_get_state(dom, &state, NULL, 0), ==, 0); /* a reader doesn't wait */
    host_set_deadline_ms(x->f->host, DOMAIN_GUEST_DEADLINE_MS);
    g_atomic_int_set(&x->f->rules.hang_reconnect, 0);
    wait_for(is_pausable, x, dom);
    g_assert_cmpint(x->f->table.domain_get_state(dom, &state, NULL, 0), ==, 0);
    g_assert_cmpint(state, ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    object_unref(dom);
}

static void test_guest_ended_meanwhile(Fixture *x, gconstpointer data)
{
    virDomainPtr dom = fake_define(x->f, "d", 1);
    int state, reason;
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "d");
    g_autoptr(DomainState) s = domain_state(obj);
    pid_t pid = s->guest->pid;
    g_clear_pointer(&s, domain_state_unref);
    g_clear_pointer(&obj, domain_obj_unref);
    object_unref(dom);
    fake_host_free(x->f);
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
    dom = lookup(x, "d");
    wait_for(is_inactive, x, dom);
    g_assert_cmpint(x->f->table.domain_get_state(dom, &state, &reason, 0), ==, 0);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_SHUTOFF_CRASHED);
    g_assert_cmpint(x->f->rules.cleanups, ==, 1);
    g_assert_cmpint(x->f->rules.reconnects, ==, 0);
    object_unref(dom);
}

/* Another process has the id by now: it must not be touched. */
static void test_pid_reused(Fixture *x, gconstpointer data)
{
    virDomainPtr dom = fake_define(x->f, "d", 1);
    object_unref(dom);
    g_autofree char *path = persist_path(host_paths(x->f->host)->state, "d", "xml");
    g_autofree char *text = g_strdup_printf(
        "<domstatus state='running' reason='booted' pid='%d'><process start='1'/><domain type='qemu' id='9'>"
        "<name>d</name><uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid><memory>1</memory><os><type>hvm</type></os>"
        "</domain></domstatus>", (int) getpid());
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    restart(x);
    dom = lookup(x, "d");
    wait_for(is_inactive, x, dom);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    object_unref(dom);
}

static void test_failed_start(Fixture *x, gconstpointer data)
{
    int state, reason;
    virDomainPtr dom = fake_define(x->f, "d", 1);
    x->f->rules.fail_start = 1;
    g_assert_cmpint(x->f->table.domain_create(dom), ==, -1);
    g_assert_nonnull(strstr(error_message(), "no start today"));
    g_assert_cmpint(x->f->table.domain_get_state(dom, &state, &reason, 0), ==, 0);
    g_assert_cmpint(state, ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_SHUTOFF_FAILED);
    g_autofree char *xml = fake_xml("transient", 2);
    g_assert_null(x->f->table.domain_create_xml(x->f->conn, xml, 0));
    g_assert_null(lookup(x, "transient"));
    g_autofree char *status = persist_path(host_paths(x->f->host)->state, "d", "xml");
    g_assert_false(g_file_test(status, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->rules.cleanups, ==, 2);
    object_unref(dom);
}

/* ---- managed saves ---- */

static char *saved_path(Fixture *x)
{
    return persist_path(host_paths(x->f->host)->save, "d", "save");
}

/* Domain "d" with @image as its managed save, as a daemon finds it. */
static virDomainPtr define_saved(Fixture *x, const char *image, gsize len)
{
    g_autofree char *path = saved_path(x);
    object_unref(fake_define(x->f, "d", 1));
    g_assert_true(g_file_set_contents(path, image, (gssize) len, NULL));
    restart(x);
    virDomainPtr dom = lookup(x, "d");
    g_assert_cmpint(x->f->table.domain_has_managed_save_image(dom, 0), ==, 1);
    return dom;
}

static void check_image_stays(Fixture *x, virDomainPtr dom, int code)
{
    g_autofree char *path = saved_path(x);
    g_assert_cmpint(x->f->table.domain_create(dom), <, 0);
    g_assert_cmpint(virGetLastError()->code, ==, code);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->table.domain_has_managed_save_image(dom, 0), ==, 1);
}

static void check_boots_by_force(Fixture *x, virDomainPtr dom)
{
    g_autofree char *path = saved_path(x);
    g_assert_cmpint(x->f->table.domain_create_with_flags(dom, VIR_DOMAIN_START_FORCE_BOOT), ==, 0);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
}

static void test_saved_elsewhere(Fixture *x, gconstpointer data)
{
    virDomainPtr dom = define_saved(x, "LibvirtQemudSave", 16);
    check_image_stays(x, dom, VIR_ERR_NO_SUPPORT);
    g_assert_nonnull(strstr(error_message(), "--force-boot"));
    check_boots_by_force(x, dom);
    object_unref(dom);
}

/* Only an image that nobody can ever use is dropped for the user. */
static void test_strange_images(Fixture *x, gconstpointer data)
{
    char head[200] = "LibvirtOtherSave";
    virDomainPtr dom = define_saved(x, head, sizeof(head));
    check_image_stays(x, dom, VIR_ERR_OPERATION_FAILED);
    object_unref(dom);
    memcpy(head, "LibvirtFakedSave\x09", 17); /* of a later version */
    dom = define_saved(x, head, sizeof(head));
    check_image_stays(x, dom, VIR_ERR_OPERATION_FAILED);
    object_unref(dom);
    dom = define_saved(x, head, 50);
    check_image_stays(x, dom, VIR_ERR_SYSTEM_ERROR);
    check_boots_by_force(x, dom);
    object_unref(dom);
    memcpy(head, "LibvirtFakedPart", 16);
    dom = define_saved(x, head, sizeof(head));
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    g_assert_cmpint(x->f->table.domain_has_managed_save_image(dom, 0), ==, 0);
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    object_unref(dom);
}

static void save_and_restart(Fixture *x)
{
    virDomainPtr dom = fake_define(x->f, "d", 1);
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    g_assert_cmpint(x->f->table.domain_managed_save(dom, 0), ==, 0);
    object_unref(dom);
    restart(x);
}

/* When the guest goes on, a daemon that comes after us must know that it did. */
static void test_restore(Fixture *x, gconstpointer data)
{
    save_and_restart(x);
    g_autofree char *path = saved_path(x);
    virDomainPtr dom = lookup(x, "d");
    g_assert_cmpint(x->f->table.domain_create(dom), ==, 0);
    g_assert_true(is_active(x, dom));
    g_assert_nonnull(x->f->rules.status_at_cont);
    g_assert_nonnull(strstr(x->f->rules.status_at_cont, "state='paused' reason='migration'"));
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    object_unref(dom);
}

/* As a daemon leaves it that dies while it starts or restores a guest. */
static void write_status(Fixture *x, const char *condition, pid_t pid)
{
    g_autofree char *path = persist_path(host_paths(x->f->host)->state, "d", "xml");
    g_autofree char *text = g_strdup_printf(
        "<domstatus %s pid='%d'><process start='%" G_GUINT64_FORMAT "'/><domain type='qemu' id='9'>"
        "<name>d</name><uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid><memory>1</memory><os><type>hvm</type></os>"
        "</domain></domstatus>", condition, (int) pid, process_start_time(pid));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_restore_cut_short(Fixture *x, gconstpointer data)
{
    const char *const argv[] = { "sleep", "1000", NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    int pidfd;
    spec.argv = argv;
    pid_t pid = process_spawn(&spec, &pidfd);
    g_assert_cmpint(pid, >, 0);
    save_and_restart(x);
    g_autofree char *path = saved_path(x);
    /* it never ran: the image is all that there is of it */
    write_status(x, "state='paused' reason='starting up'", pid);
    restart(x);
    virDomainPtr dom = lookup(x, "d");
    wait_for(is_inactive, x, dom);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->table.domain_has_managed_save_image(dom, 0), ==, 1);
    object_unref(dom);
    /* it runs: the image is of its past */
    write_status(x, "state='paused' reason='migration'", pid);
    restart(x);
    dom = lookup(x, "d");
    wait_for(is_active, x, dom);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    object_unref(dom);
    g_assert_cmpint(process_stop(pidfd, 0, 5000, NULL), ==, 0);
    close(pidfd);
}

/* ---- death at any moment ---- */

enum { CRASHES = 30, NAMES = 3 };

/* Definitions come and go; each acknowledged step is told to the parent as "number name present". */
static void child_work(const char *root, int out, guint seed)
{
    FakeHost *f = fake_host_new(root);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    if (host_load(f->host) < 0)
        _exit(3);
    for (;;) {
        guint n = g_rand_int_range(random, 0, NAMES);
        g_autofree char *name = g_strdup_printf("d%u", n);
        virDomainPtr dom = f->table.domain_lookup_by_name(f->conn, name);
        unsigned char message[2] = { (unsigned char) n, !dom };
        int rc = dom ? f->table.domain_undefine(dom) : 0;
        if (!dom) {
            dom = fake_define(f, name, n + 1);
            rc = dom ? 0 : -1;
        }
        if (rc < 0 || write(out, message, sizeof(message)) != sizeof(message))
            _exit(4);
        object_unref(dom);
    }
}

static void check_after_crash(const char *root, const gboolean *present, const gboolean *certain)
{
    FakeHost *f = fake_host_new(root);
    g_assert_cmpint(host_load(f->host), ==, 0);
    for (guint n = 0; n < NAMES; n++) {
        g_autofree char *name = g_strdup_printf("d%u", n);
        virDomainPtr dom = f->table.domain_lookup_by_name(f->conn, name);
        if (certain[n])
            g_assert_cmpint(dom != NULL, ==, present[n]);
        if (dom) { /* whatever is there is whole */
            g_autofree char *xml = f->table.domain_get_xml_desc(dom, 0);
            g_assert_nonnull(xml);
        }
        object_unref(dom);
    }
    g_auto(GStrv) names = file_list_dir(host_paths(f->host)->config, 100);
    for (char **name = names; *name; name++)
        g_assert_true(g_str_has_suffix(*name, ".xml") || g_str_equal(*name, "autostart"));
    fake_host_free(f);
}

static void test_crashes(Fixture *x, gconstpointer data)
{
    gboolean present[NAMES] = { FALSE };
    g_autoptr(GRand) random = g_rand_new_with_seed(4711);
    g_clear_pointer(&x->f, fake_host_free);
    for (guint round = 0; round < CRASHES; round++) {
        int fds[2];
        unsigned char message[2];
        gboolean certain[NAMES];
        guint steps = g_rand_int_range(random, 1, 30), seen = 0;
        g_assert_cmpint(pipe(fds), ==, 0);
        pid_t pid = fork();
        if (pid == 0)
            child_work(x->root, fds[1], round + 1);
        close(fds[1]);
        while (seen < steps && read(fds[0], message, sizeof(message)) == sizeof(message)) {
            present[message[0]] = message[1];
            seen++;
        }
        kill(pid, SIGKILL);
        g_assert_cmpint(seen, ==, steps);
        for (guint n = 0; n < NAMES; n++)
            certain[n] = TRUE;
        while (read(fds[0], message, sizeof(message)) == sizeof(message))
            present[message[0]] = message[1];
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        close(fds[0]);
        /* one step may have been done and not been told: find out which, by the one name that differs */
        guint differing = 0;
        for (guint n = 0; n < NAMES; n++) {
            g_autofree char *path = g_strdup_printf("%s/etc/libvirt/qemu/d%u.xml", x->root, n);
            gboolean there = g_file_test(path, G_FILE_TEST_EXISTS);
            differing += there != present[n];
            certain[n] = there == present[n];
            present[n] = there;
        }
        g_assert_cmpuint(differing, <=, 1);
        check_after_crash(x->root, present, certain);
    }
}

/* ---- size ---- */

static void test_many(Fixture *x, gconstpointer data)
{
    enum { MANY = 2000 };
    const HostPaths *paths = host_paths(x->f->host);
    for (guint i = 0; i < MANY; i++) {
        g_autofree char *name = g_strdup_printf("many%u", i);
        g_autofree char *xml = fake_xml(name, i);
        g_autofree char *path = persist_path(paths->config, name, "xml");
        g_assert_true(g_file_set_contents(path, xml, -1, NULL));
    }
    restart(x);
    g_assert_cmpint(x->f->table.connect_num_of_defined_domains(x->f->conn), ==, MANY);
    virDomainPtr dom = lookup(x, "many1234");
    g_autofree char *xml = x->f->table.domain_get_xml_desc(dom, 0);
    g_assert_nonnull(strstr(xml, "<name>many1234</name>"));
    object_unref(dom);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) g_test_add("/domain/files/" path, Fixture, NULL, setup, fn, teardown)
    ADD("crashes", test_crashes);
    ADD("definitions", test_definitions_stay);
    ADD("rename", test_rename_and_autostart);
    ADD("half-rename", test_half_rename);
    ADD("bad", test_bad_files);
    ADD("guest-survives", test_guest_survives_restart);
    ADD("change-waits", test_change_waits_for_reconnect);
    ADD("guest-ended", test_guest_ended_meanwhile);
    ADD("pid-reused", test_pid_reused);
    ADD("failed-start", test_failed_start);
    ADD("many", test_many);
    ADD("saved-elsewhere", test_saved_elsewhere);
#define ADD_SAVING(path, fn) g_test_add("/domain/files/" path, Fixture, "LibvirtFaked", setup, fn, teardown)
    ADD_SAVING("strange-images", test_strange_images);
    ADD_SAVING("restore", test_restore);
    ADD_SAVING("restore-cut-short", test_restore_cut_short);
    return g_test_run();
}
