/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls that belong together and that no table describes: errors, typed parameters, the event loop, opening.
 */
#include "every.h"
#include <unistd.h>

static void heard(void *opaque, virErrorPtr error)
{
    if (opaque)
        *(int *) opaque += error->code == VIR_ERR_NO_DOMAIN;
}

static bool fail(const Fixture *x)
{
    return virDomainLookupByName(x->conn, "nobody") == NULL;
}

static void call_errors(Fixture *x)
{
    virError copy = { 0 };
    int times = 0;
    virSetErrorFunc(&times, heard);
    DID(x, virSetErrorFunc, fail(x) && times == 1);
    virSetErrorFunc(NULL, heard);
    virConnSetErrorFunc(x->conn, &times, heard);
    DID(x, virConnSetErrorFunc, fail(x) && times == 2);
    virConnSetErrorFunc(x->conn, NULL, NULL);
    virErrorPtr last = virGetLastError(), saved = virSaveLastError();
    DID(x, virGetLastError, last && last->code == VIR_ERR_NO_DOMAIN);
    DID(x, virSaveLastError, saved && saved != last && saved->code == last->code && strcmp(saved->message, last->message) == 0);
    DID(x, virGetLastErrorCode, virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    DID(x, virGetLastErrorDomain, virGetLastErrorDomain() == last->domain);
    DID(x, virGetLastErrorMessage, strcmp(virGetLastErrorMessage(), saved->message) == 0);
    DID(x, virCopyLastError, virCopyLastError(&copy) == VIR_ERR_NO_DOMAIN && strcmp(copy.message, saved->message) == 0);
    virDefaultErrorFunc(&copy);
    DID(x, virDefaultErrorFunc, true);
    virResetError(&copy);
    DID(x, virResetError, !copy.message && copy.code == 0);
    virErrorPtr mine = virConnGetLastError(x->conn);
    DID(x, virConnGetLastError, mine && mine->code == VIR_ERR_NO_DOMAIN);
    DID(x, virConnCopyLastError, virConnCopyLastError(x->conn, &copy) == VIR_ERR_NO_DOMAIN);
    virResetError(&copy);
    virConnResetLastError(x->conn);
    DID(x, virConnResetLastError, virConnGetLastError(x->conn)->code == VIR_ERR_OK);
    virFreeError(saved);
    DID(x, virFreeError, virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    virResetLastError();
    DID(x, virResetLastError, !virGetLastError());
}

typedef struct Params {
    virTypedParameterPtr list;
    int n, max;
} Params;

static void add_params(Fixture *x, Params *p)
{
    const char *names[] = { "one", "two", NULL };
    DID(x, virTypedParamsAddInt, virTypedParamsAddInt(&p->list, &p->n, &p->max, "int", -1) == 0);
    DID(x, virTypedParamsAddUInt, virTypedParamsAddUInt(&p->list, &p->n, &p->max, "uint", 2) == 0);
    DID(x, virTypedParamsAddLLong, virTypedParamsAddLLong(&p->list, &p->n, &p->max, "llong", -3) == 0);
    DID(x, virTypedParamsAddULLong, virTypedParamsAddULLong(&p->list, &p->n, &p->max, "ullong", 4) == 0);
    DID(x, virTypedParamsAddDouble, virTypedParamsAddDouble(&p->list, &p->n, &p->max, "double", 5.5) == 0);
    DID(x, virTypedParamsAddBoolean, virTypedParamsAddBoolean(&p->list, &p->n, &p->max, "boolean", 1) == 0);
    DID(x, virTypedParamsAddString, virTypedParamsAddString(&p->list, &p->n, &p->max, "string", "six") == 0);
    DID(x, virTypedParamsAddStringList, virTypedParamsAddStringList(&p->list, &p->n, &p->max, "names", names) == 0);
    DID(x, virTypedParamsAddFromString,
        virTypedParamsAddFromString(&p->list, &p->n, &p->max, "parsed", VIR_TYPED_PARAM_ULLONG, "7") == 0);
}

static void call_params(Fixture *x)
{
    Params p = { NULL };
    int i = 0, b = 0;
    unsigned int ui = 0;
    long long l = 0;
    unsigned long long ul = 0;
    double d = 0;
    const char *s = NULL;
    add_params(x, &p);
    virTypedParameterPtr found = virTypedParamsGet(p.list, p.n, "parsed");
    DID(x, virTypedParamsGet, found && found->value.ul == 7);
    DID(x, virTypedParamsGetInt, virTypedParamsGetInt(p.list, p.n, "int", &i) == 1 && i == -1);
    DID(x, virTypedParamsGetUInt, virTypedParamsGetUInt(p.list, p.n, "uint", &ui) == 1 && ui == 2);
    DID(x, virTypedParamsGetLLong, virTypedParamsGetLLong(p.list, p.n, "llong", &l) == 1 && l == -3);
    DID(x, virTypedParamsGetULLong, virTypedParamsGetULLong(p.list, p.n, "ullong", &ul) == 1 && ul == 4);
    DID(x, virTypedParamsGetDouble, virTypedParamsGetDouble(p.list, p.n, "double", &d) == 1 && d == 5.5);
    DID(x, virTypedParamsGetBoolean, virTypedParamsGetBoolean(p.list, p.n, "boolean", &b) == 1 && b == 1);
    DID(x, virTypedParamsGetString, virTypedParamsGetString(p.list, p.n, "string", &s) == 1 && strcmp(s, "six") == 0);
    virTypedParamsClear(p.list, p.n);
    DID(x, virTypedParamsClear, true);
    virTypedParamsFree(p.list, 0);
    p = (Params) { NULL };
    virTypedParamsAddString(&p.list, &p.n, &p.max, "string", "six");
    virTypedParamsFree(p.list, p.n);
    DID(x, virTypedParamsFree, true);
}

/* ---- the default event loop ---- */

typedef struct Seen {
    int handles, timeouts, freed;
} Seen;

static void on_handle(int watch, int fd, int events, void *opaque)
{
    char byte;
    if (events & VIR_EVENT_HANDLE_READABLE && read(fd, &byte, 1) == 1)
        ((Seen *) opaque)->handles++;
}

static void on_timeout(int timer, void *opaque)
{
    ((Seen *) opaque)->timeouts++;
}

static void on_free(void *opaque)
{
    ((Seen *) opaque)->freed++;
}

static void call_loop(Fixture *x)
{
    Seen seen = { 0 };
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], "x", 1) != 1)
        abort();
    DID(x, virEventRegisterDefaultImpl, virEventRegisterDefaultImpl() == 0);
    int watch = virEventAddHandle(ends[0], 0, on_handle, &seen, on_free);
    DID(x, virEventAddHandle, watch >= 0);
    int timer = virEventAddTimeout(-1, on_timeout, &seen, on_free);
    DID(x, virEventAddTimeout, timer >= 0);
    virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE);
    virEventUpdateTimeout(timer, 1);
    bool ran = true;
    while (ran && (!seen.handles || !seen.timeouts))
        ran = virEventRunDefaultImpl() == 0;
    DID(x, virEventRunDefaultImpl, ran);
    DID(x, virEventUpdateHandle, seen.handles == 1);
    DID(x, virEventUpdateTimeout, seen.timeouts > 0);
    DID(x, virEventRemoveHandle, virEventRemoveHandle(watch) == 0);
    DID(x, virEventRemoveTimeout, virEventRemoveTimeout(timer) == 0);
    timer = virEventAddTimeout(1, on_timeout, &seen, NULL); /* what is removed is freed by the loop */
    while (ran && seen.freed < 2)
        ran = virEventRunDefaultImpl() == 0;
    virEventRemoveTimeout(timer);
    close(ends[0]);
    close(ends[1]);
}

/* ---- connections and versions ---- */

static void call_opening(Fixture *x)
{
    char *uri = virConnectGetURI(x->conn);
    unsigned long version = 0, of_type = 0;
    DID(x, virInitialize, virInitialize() == 0);
    DID(x, virGetVersion, virGetVersion(&version, "test", &of_type) == 0 && version == LIBVIR_VERSION_NUMBER);
    virConnectPtr conn = virConnectOpenReadOnly(uri);
    DID(x, virConnectOpenReadOnly, conn && virDomainSuspend(x->domain) == 0);
    if (conn)
        virConnectClose(conn);
    conn = virConnectOpenAuth(uri, virConnectAuthPtrDefault, 0);
    DID(x, virConnectOpenAuth, conn != NULL);
    if (conn)
        virConnectClose(conn);
    free(uri);
}

/* ---- what lists consist of ---- */

static void call_items(Fixture *x)
{
    virNetworkDHCPLeasePtr lease = calloc(1, sizeof(*lease));
    virDomainFSInfoPtr info = calloc(1, sizeof(*info));
    virDomainInterfacePtr iface = calloc(1, sizeof(*iface));
    lease->mac = strdup("52:54:00:7b:35:91");
    info->name = strdup("/dev/vda1");
    info->devAlias = calloc(info->ndevAlias = 1, sizeof(char *));
    info->devAlias[0] = strdup("vda");
    iface->name = strdup("eth0");
    iface->addrs = calloc(iface->naddrs = 1, sizeof(*iface->addrs));
    iface->addrs[0].addr = strdup("192.0.2.1");
    virNetworkDHCPLeaseFree(lease);
    DID(x, virNetworkDHCPLeaseFree, true);
    virDomainFSInfoFree(info);
    DID(x, virDomainFSInfoFree, true);
    virDomainInterfaceFree(iface);
    DID(x, virDomainInterfaceFree, true);
}

/* ---- containers, which change the calling process ---- */

static void call_containers(Fixture *x)
{
    int fds[1] = { -1 }, *old = NULL;
    unsigned int n_old = 0;
    virSecurityModel model = { .model = "none" };
    virSecurityLabel label = { .label = "label" }, old_label = { 0 };
    DID(x, virDomainLxcEnterNamespace, virDomainLxcEnterNamespace(x->domain, 1, fds, &n_old, &old, 0) == 0);
    for (unsigned int i = 0; i < n_old; i++)
        close(old[i]);
    free(old);
    DID(x, virDomainLxcEnterSecurityLabel, virDomainLxcEnterSecurityLabel(&model, &label, &old_label, 0) == 0);
}

const Call hand_calls[] = {
    { "errors", call_errors }, { "params", call_params }, { "loop", call_loop }, { "opening", call_opening },
    { "items", call_items }, { "containers", call_containers },
    { NULL, NULL }
};
