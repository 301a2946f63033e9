/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_TEST
#define LOG_SOURCE "test.node"
#include "drivers/test/test_node.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/auth.h"
#include "domain/host.h"
#include "drivers/test/test_driver.h"
#include "model/testnode_def.h"

/* Longest node file and longest file that an element of it names. */
#define FILE_MAX (8 * 1024 * 1024)

/* In the order in which a node's objects are made. */
static const TestKind *const kinds[] = {
    &test_domain_kind,
    &test_network_kind,
    &test_interface_kind,
    &test_secret_kind,
    &test_storage_kind,
    &test_nodedev_kind,
    &test_nwfilter_kind,
};

/* Elements of the node file, by kind. */
static const struct { const char *element; size_t list, count; } lists[] = {
#define LIST(element, field) { element, offsetof(TestNodeDef, field), offsetof(TestNodeDef, n_##field) }
    LIST("domain", domains), LIST("network", networks), LIST("interface", interfaces), LIST("pool", pools),
    LIST("device", devices), LIST("secret", secrets),
#undef LIST
};

static const virNodeInfo default_info = {
    .model = "i686", .memory = 3145728, .cpus = 16, .mhz = 1400, .nodes = 2, .sockets = 2, .cores = 2, .threads = 2
};

/* test:///default; @refs of all nodes are guarded by the lock, too. */
static GMutex shared_lock;
static TestNode *shared;

TestNode *test_node(virConnectPtr conn)
{
    return connect_priv(conn);
}

static TestNode *node_new(void)
{
    TestNode *node = g_new0(TestNode, 1);
    node->refs = 1;
    node->info = default_info;
    node->host = host_new(&(HostSetup) { .backend = &test_backend, .priv = node, .root = "" });
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i]->start)
            kinds[i]->start(node);
    }
    return node;
}

static void node_free(TestNode *node)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i]->stop)
            kinds[i]->stop(node);
    }
    host_free(node->host);
    g_free(node->folder);
    g_free(node);
}

static void attach(virConnectPtr conn, TestNode *node)
{
    connect_attach(conn, node->host, node);
    conn->tables = &node->tables;
}

void test_node_close(virConnectPtr conn)
{
    TestNode *node = connect_detach(conn);
    conn->tables = NULL;
    g_mutex_lock(&shared_lock);
    gboolean last = --node->refs == 0;
    if (last && node == shared)
        shared = NULL;
    g_mutex_unlock(&shared_lock);
    if (last)
        node_free(node);
}

/* ---- test:///default ---- */

static int add_defaults(virConnectPtr conn)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i]->add_default && kinds[i]->add_default(conn) < 0)
            return -1;
    }
    return 0;
}

static int open_default(virConnectPtr conn)
{
    g_mutex_lock(&shared_lock);
    TestNode *node = shared;
    if (node)
        node->refs++;
    else
        node = node_new();
    node->has_cells = TRUE;
    attach(conn, node);
    int rc = node == shared ? 0 : add_defaults(conn); /* others wait for it: it blocks on nothing */
    if (rc == 0)
        shared = node;
    g_mutex_unlock(&shared_lock);
    if (rc < 0)
        test_node_close(conn);
    return rc;
}

/* ---- test:///path ---- */

static char *read_file(const char *path)
{
    size_t len;
    char *text = file_read(path, FILE_MAX, &len);
    if (!text || strlen(text) != len) {
        g_autofree char *why = text ? g_strdup("it has NUL bytes") : g_strdup(error_message());
        g_free(text);
        return FAIL_NULL(VIR_ERR_XML_ERROR, "cannot read '%s' for a test node: %s", path, why);
    }
    return text;
}

char *test_node_document(const TestNode *node, const char *element)
{
    xmlDoc *doc = xml_document_parse(element, strlen(element), "(node)", VIR_FROM_TEST);
    if (!doc)
        return NULL;
    xmlChar *file = xmlGetProp(xmlDocGetRootElement(doc), BAD_CAST "file");
    xmlFreeDoc(doc);
    if (!file)
        return g_strdup(element);
    g_autofree char *path = g_path_is_absolute((const char *) file) ? g_strdup((const char *) file)
                                                                    : g_build_filename(node->folder, file, NULL);
    xmlFree(file);
    return read_file(path);
}

static int add_elements(virConnectPtr conn, const TestKind *kind, char **elements, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *xml = test_node_document(test_node(conn), elements[i]);
        if (!xml || kind->add(conn, xml) < 0) {
            error_context("%s %u of the test node", kind->element, i + 1);
            return -1;
        }
    }
    return 0;
}

static guint elements(const TestNodeDef *def, guint list, char ***all)
{
    *all = G_STRUCT_MEMBER(char **, def, lists[list].list);
    return G_STRUCT_MEMBER(guint, def, lists[list].count);
}

static int add_kind(virConnectPtr conn, const TestKind *kind, const TestNodeDef *def)
{
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        char **all;
        guint n = elements(def, i, &all);
        if (strcmp(lists[i].element, kind->element) == 0 && add_elements(conn, kind, all, n) < 0)
            return -1;
    }
    return 0;
}

static gboolean has_kind(const char *element)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i]->element, element) == 0)
            return TRUE;
    }
    return FALSE;
}

static int add_all(virConnectPtr conn, const TestNodeDef *def, const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (add_kind(conn, kinds[i], def) < 0)
            return -1;
    }
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        char **all;
        guint n = elements(def, i, &all);
        if (n && !has_kind(lists[i].element))
            LOG_WARN("%s: a test node can't have a <%s> yet; %u are left out", path, lists[i].element, n);
    }
    return 0;
}

/* ---- users ---- */

static const TestNodeUser *find_user(const TestNodeDef *def, const char *name)
{
    for (guint i = 0; i < def->n_users; i++) {
        if (strcmp(def->users[i]->name, name) == 0)
            return def->users[i];
    }
    return NULL;
}

static int check_users(const TestNodeDef *def)
{
    for (guint i = 0; i < def->n_users; i++) {
        if (!def->users[i]->name)
            return FAIL(VIR_ERR_XML_ERROR, "a <user> of the test node's <auth> has no name");
    }
    return 0;
}

/* A stranger is asked for his password like everybody else, so that he doesn't learn which names there are. */
static int let_in(const TestNodeDef *def, virConnectPtr conn, virConnectAuthPtr auth)
{
    const AuthPlace place = { conn->uri, "test", "localhost" };
    if (def->n_users == 0)
        return 0;
    char *name = auth_ask_user(auth, &place);
    if (!name)
        return -1;
    const TestNodeUser *user = find_user(def, name);
    gboolean free_entry = user && !user->password;
    char *password = free_entry ? NULL : auth_ask_password(auth, name, &place);
    int rc = free_entry || password ? 0 : -1;
    if (password && (!user || strcmp(user->password, password) != 0))
        rc = FAIL(VIR_ERR_AUTH_FAILED, "user '%s' with this password is not in the test node's <auth>", name);
    auth_free(name);
    auth_free(password);
    return rc;
}

static void fill_info(virNodeInfo *info, const TestNodeDef *def)
{
    const TestNodeCpu *cpu = &def->cpu;
    if (cpu->model)
        g_strlcpy(info->model, cpu->model, sizeof(info->model));
    if (cpu->has_mhz)
        info->mhz = cpu->mhz;
    if (cpu->has_nodes)
        info->nodes = cpu->nodes;
    if (cpu->has_sockets)
        info->sockets = cpu->sockets;
    if (cpu->has_cores)
        info->cores = cpu->cores;
    if (cpu->has_threads)
        info->threads = cpu->threads;
    guint64 all = (guint64) info->nodes * info->sockets;
    all = MIN(all * info->cores, G_MAXUINT32) * info->threads;
    info->cpus = (unsigned int) MIN(cpu->has_active ? cpu->active : G_MAXUINT32, all);
    if (def->has_memory)
        info->memory = def->memory;
}

static int make_node(virConnectPtr conn, const TestNodeDef *def, const char *path)
{
    TestNode *node = node_new();
    fill_info(&node->info, def);
    node->folder = g_path_get_dirname(path);
    attach(conn, node);
    int rc = add_all(conn, def, path);
    if (rc < 0) {
        virErrorPtr error = error_save();
        test_node_close(conn);
        error_restore(error);
    }
    return rc;
}

static int open_file(virConnectPtr conn, const char *path, virConnectAuthPtr auth)
{
    g_autofree char *text = read_file(path);
    TestNodeDef *def = text ? xml_parse(&TEST_NODE_ROOT, text, strlen(text), 0, NULL) : NULL;
    if (!def)
        return -1;
    int rc = check_users(def) < 0 || let_in(def, conn, auth) < 0 ? -1 : make_node(conn, def, path);
    xml_struct_free(&TEST_NODE_DEF_DESC, def);
    return rc;
}

int test_node_open(virConnectPtr conn, const char *path, virConnectAuthPtr auth)
{
    if (strcmp(path, "/default") == 0)
        return open_default(conn);
    if (conn->for_reader)
        return FAIL(VIR_ERR_OPERATION_DENIED, "over the read-only socket only test:///default can be opened: '%s' would have "
                    "the daemon read a file", conn->uri->text);
    return open_file(conn, path, auth);
}
