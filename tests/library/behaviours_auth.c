/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Credentials, by callback and by file, and the client's configuration file. Each case has a process of its own, for it sets
 * variables that a library may read but once.
 */
#include "behaviours.h"
#include <sys/stat.h>
#include <unistd.h>

static const char node[] =
    "<node><auth><user password='123456'>alice</user><user>bob</user></auth><cpu><mhz>1000</mhz><model>i686</model>"
    "<active>2</active><nodes>1</nodes><sockets>1</sockets><cores>2</cores><threads>1</threads></cpu><memory>65536</memory></node>";

typedef struct {
    const char *user, *password;
    int ret;
    int calls;
} Answers;

static int answer(virConnectCredentialPtr cred, unsigned int n, void *opaque)
{
    Answers *answers = opaque;
    answers->calls++;
    for (unsigned int i = 0; i < n; i++) {
        const char *text = cred[i].type == VIR_CRED_PASSPHRASE || cred[i].type == VIR_CRED_NOECHOPROMPT ? answers->password
                                                                                                        : answers->user;
        see("asked", "%u of %u type %d prompt '%s' challenge '%s' default '%s'", i, n, cred[i].type, cred[i].prompt,
            cred[i].challenge ? cred[i].challenge : "(NULL)", cred[i].defresult ? cred[i].defresult : "(NULL)");
        cred[i].result = text ? strdup(text) : NULL;
        cred[i].resultlen = text ? strlen(text) : 0;
    }
    return answers->ret;
}

static char *uri;

static void opened(const char *label, Answers answers, int *types, unsigned int ntypes, const char *parameters)
{
    virConnectAuth auth = { types, ntypes, answer, &answers };
    char *whole = NULL;
    if (asprintf(&whole, "%s%s", uri, parameters) < 0)
        abort();
    virConnectPtr conn = virConnectOpenAuth(whole, &auth, 0);
    see_ptr(label, conn);
    see("asked times", "%d", answers.calls);
    if (conn)
        virConnectClose(conn);
    free(whole);
}

static void by_callback(const World *world)
{
    int all[] = { VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_ECHOPROMPT, VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT };
    int name[] = { VIR_CRED_AUTHNAME }, noecho[] = { VIR_CRED_AUTHNAME, VIR_CRED_NOECHOPROMPT };
    int order[] = { VIR_CRED_NOECHOPROMPT, VIR_CRED_PASSPHRASE, VIR_CRED_AUTHNAME }, user[] = { VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE };
    opened("right", (Answers){ "alice", "123456" }, all, 5, "");
    opened("wrong password", (Answers){ "alice", "x" }, all, 5, "");
    opened("no password", (Answers){ "alice", NULL }, all, 5, "");
    opened("empty password", (Answers){ "alice", "" }, all, 5, "");
    opened("without a password", (Answers){ "bob", "x" }, all, 5, "");
    opened("stranger", (Answers){ "eve", "x" }, all, 5, "");
    opened("no name", (Answers){ NULL, "x" }, all, 5, "");
    opened("callback fails", (Answers){ "alice", "123456", -1 }, all, 5, "");
    opened("callback returns 1", (Answers){ "alice", "123456", 1 }, all, 5, "");
    opened("name only", (Answers){ "alice", "123456" }, name, 1, "");
    opened("noecho", (Answers){ "alice", "123456" }, noecho, 2, "");
    opened("order", (Answers){ "alice", "123456" }, order, 3, "");
    opened("user name", (Answers){ "alice", "123456" }, user, 2, "");
    opened("no kinds", (Answers){ "alice", "123456" }, NULL, 0, "");
    virConnectAuth nobody = { all, 5, NULL, NULL };
    CALL_PTR(virConnectOpenAuth(uri, &nobody, 0));
    CALL_PTR(virConnectOpenAuth(uri, NULL, 0));
    CALL_PTR(virConnectOpen(uri));
    CALL_PTR(virConnectOpenReadOnly(uri));
    virConnectAuthPtr def = virConnectAuthPtrDefault;
    printf("default kinds:");
    for (unsigned int i = 0; i < def->ncredtype; i++)
        printf(" %d", def->credtype[i]);
    puts("");
}

/* The files of credentials: which is read, and what of it. */
static const struct {
    const char *label, *text;
} files[] = {
    { "for the host", "[credentials-x]\nusername=bob\nauthname=alice\npassword=123456\n[auth-test-localhost]\ncredentials=x\n" },
    { "default", "[credentials-x]\nusername=alice\npassword=123456\n[auth-test-default]\ncredentials=x\n" },
    { "authname only", "[credentials-x]\nauthname=alice\npassword=123456\n[auth-test-localhost]\ncredentials=x\n" },
    { "other service", "[credentials-x]\nusername=alice\npassword=123456\n[auth-libvirt-localhost]\ncredentials=x\n" },
    { "no set", "[auth-test-localhost]\ncredentials=x\n" },
    { "no credentials", "[credentials-x]\nusername=alice\n[auth-test-localhost]\n" },
    { "no password", "[credentials-x]\nusername=alice\n[auth-test-localhost]\ncredentials=x\n" },
    { "no name", "[credentials-x]\npassword=123456\n[auth-test-localhost]\ncredentials=x\n" },
    { "wrong password", "[credentials-x]\nusername=alice\npassword=no\n[auth-test-localhost]\ncredentials=x\n" },
    { "spoilt", "nonsense\n" },
    { "comment", "# c\n\n[credentials-x]\nusername = alice\npassword = 123456\n[auth-test-localhost]\ncredentials = x\n" },
    { "nothing", "" },
};

static void by_variable(const World *world)
{
    int all[] = { VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = file_with(world, "auth", files[i].text);
        setenv("LIBVIRT_AUTH_FILE", path, 1);
        opened(files[i].label, (Answers){ "alice", "123456" }, all, 2, "");
        free(path);
    }
    char *path = file_with(world, "auth", files[0].text), *parameters = NULL;
    CALL_PTR(virConnectOpen(uri));
    setenv("LIBVIRT_AUTH_FILE", "/nonexistent", 1);
    opened("file isn't there", (Answers){ "alice", "123456" }, all, 2, "");
    if (asprintf(&parameters, "?authfile=%s", path) < 0)
        abort();
    opened("file of the URI beside the variable", (Answers){ "alice", "123456" }, all, 2, parameters);
    setenv("LIBVIRT_AUTH_FILE", "", 1);
    opened("file of the URI, variable empty", (Answers){ "alice", "123456" }, all, 2, parameters);
    unsetenv("LIBVIRT_AUTH_FILE");
    opened("file of the URI", (Answers){ "alice", "123456" }, all, 2, parameters);
    opened("file of the URI isn't there", (Answers){ "alice", "123456" }, all, 2, "?authfile=/nonexistent");
    free(path);
    free(parameters);
}

static void by_home(const World *world)
{
    int all[] = { VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE };
    free(file_with(world, "libvirt/auth.conf", files[0].text));
    unsetenv("LIBVIRT_AUTH_FILE");
    setenv("XDG_CONFIG_HOME", world->folder, 1);
    opened("file of the user", (Answers){ "alice", "123456" }, all, 2, "");
}

void see_auth(const World *world)
{
    char *folder = NULL, *path = file_with(world, "node.xml", node);
    if (asprintf(&uri, "test://%s", path) < 0 || asprintf(&folder, "%s/libvirt", world->folder) < 0)
        abort();
    mkdir(folder, 0755);
    in_child(world, by_callback);
    in_child(world, by_variable);
    in_child(world, by_home);
    free(uri);
    free(path);
    free(folder);
}

/* ---- libvirt.conf, of a user who isn't root: /etc is nobody's to write ---- */

static const struct {
    const char *label, *text, *variable, *name;
    unsigned int flags;
} configs[] = {
    { "alias", "uri_aliases = [ \"short=test:///default\" ]\n", NULL, "short" },
    { "second alias", "uri_aliases = [ \"a=nonsense:///\", \"b=test:///default\", \"b=nonsense:///\" ]\n", NULL, "b" },
    { "aliases not wanted", "uri_aliases = [ \"short=test:///default\" ]\n", NULL, "short", VIR_CONNECT_NO_ALIASES },
    { "alias of an alias", "uri_aliases = [ \"a=b\", \"b=test:///default\" ]\n", NULL, "a" },
    { "alias without value", "uri_aliases = [ \"a=\", \"b=test:///default\" ]\n", NULL, "b" },
    { "alias without sign", "uri_aliases = [ \"a\", \"b=test:///default\" ]\n", NULL, "b" },
    { "alias with a bad sign", "uri_aliases = [ \"a.c=test:///default\" ]\n", NULL, "a.c" },
    { "other alias has a bad sign", "uri_aliases = [ \"a.c=test:///default\", \"b=test:///default\" ]\n", NULL, "b" },
    { "aliases no list", "uri_aliases = \"b=test:///default\"\n", NULL, "b" },
    { "alias is a number", "uri_aliases = [ 5 ]\n", NULL, "b" },
    { "unknown alias", "uri_aliases = [ \"b=test:///default\" ]\n", NULL, "c" },
    { "alias with a variable", "uri_aliases = [ \"b=test:///default\" ]\n", "b", NULL },
    { "default", "uri_default = \"test:///default\"\n", NULL, NULL },
    { "default, empty name", "uri_default = \"test:///default\"\n", NULL, "" },
    { "default is an alias", "uri_default = \"b\"\nuri_aliases = [ \"b=test:///default\" ]\n", NULL, NULL },
    { "default and a variable", "uri_default = \"nonsense:///\"\n", "test:///default", NULL },
    { "default and an empty variable", "uri_default = \"test:///default\"\n", "", NULL },
    { "default is a number", "uri_default = 5\n", NULL, NULL },
    { "default is empty", "uri_default = \"\"\n", NULL, NULL },
    { "name and a variable", "", "nonsense:///", "test:///default" },
    { "spoilt file, plain name", "nonsense\n", NULL, "test:///default" },
    { "spoilt file, alias", "nonsense\n", NULL, "b" },
    { "spoilt file, no name", "nonsense\n", NULL, NULL },
    { "unknown key", "nonsense = 1\nuri_default = \"test:///default\"\n", NULL, NULL },
};

static size_t config;

static void one_config(const World *world)
{
    free(file_with(world, "libvirt/libvirt.conf", configs[config].text));
    setenv("XDG_CONFIG_HOME", world->folder, 1);
    setenv("XDG_RUNTIME_DIR", world->folder, 1);
    unsetenv("LIBVIRT_DEFAULT_URI");
    if (configs[config].variable)
        setenv("LIBVIRT_DEFAULT_URI", configs[config].variable, 1);
    virConnectPtr conn = virConnectOpenAuth(configs[config].name, NULL, configs[config].flags);
    char *text = conn ? virConnectGetURI(conn) : NULL;
    see(configs[config].label, "%s", text ? text : told(virGetLastError()));
    free(text);
    if (conn)
        virConnectClose(conn);
}

void see_config(const World *world)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s/libvirt", world->folder) < 0)
        abort();
    mkdir(folder, 0755);
    if (chown(world->folder, 65534, 65534) < 0 || chown(folder, 65534, 65534) < 0 || setresgid(65534, 65534, 65534) < 0 ||
        setresuid(65534, 65534, 65534) < 0)
        exit(5);
    free(folder);
    for (config = 0; config < sizeof(configs) / sizeof(configs[0]); config++)
        in_child(world, one_config);
}
