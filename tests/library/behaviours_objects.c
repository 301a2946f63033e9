/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connections of the driver in this process: what they tell of themselves, how references are counted, handles that aren't.
 */
#include "behaviours.h"

static void see_version(const char *type)
{
    unsigned long lib = 0, driver = 0;
    char label[60];
    snprintf(label, sizeof(label), "virGetVersion %s", type ? type : "NULL");
    int ret = virGetVersion(&lib, type, &driver);
    see(label, "%d lib %d same %d %s", ret, lib > 9000000 - 1, lib == driver, told(virGetLastError()));
}

static void see_about(const char *label, virConnectPtr conn)
{
    unsigned long lib = 0;
    char *uri = virConnectGetURI(conn), *capabilities = virConnectGetCapabilities(conn);
    see(label, "type %s uri %s capabilities %d", virConnectGetType(conn), uri ? uri : "none", capabilities != NULL);
    free(uri);
    free(capabilities);
    CALL(virConnectIsAlive(conn));
    CALL(virConnectIsSecure(conn));
    CALL(virConnectIsEncrypted(conn));
    CALL(virConnectGetLibVersion(conn, &lib));
    see("library's version is that of virGetVersion", "%d", lib > 9000000 - 1);
    CALL(virConnectSetKeepAlive(conn, 5, 3));
    CALL(virConnectSetKeepAlive(conn, 0, 0));
    CALL(virConnectSetKeepAlive(conn, -1, 0));
}

static void about(const World *world, const char *label, const char *uri, unsigned int flags)
{
    char *whole = NULL;
    if (asprintf(&whole, uri, world->socket) < 0)
        abort();
    virConnectPtr conn = virConnectOpenAuth(whole, NULL, flags);
    see_ptr(label, conn);
    if (conn) {
        char *text = virConnectGetURI(conn);
        see("alive, secure, encrypted", "%d %d %d", virConnectIsAlive(conn), virConnectIsSecure(conn), virConnectIsEncrypted(conn));
        see("type", "%s", virConnectGetType(conn));
        see("uri", "%.*s", (int) strcspn(text, "?"), text);
        CALL(virConnectSetKeepAlive(conn, 5, 3));
        CALL(virConnectSetKeepAlive(conn, 0, 0));
        free(text);
        CALL(virConnectClose(conn));
    }
    free(whole);
}

void see_connections(const World *world)
{
    unsigned long version = 0;
    CALL(virInitialize());
    CALL(virInitialize());
    see_version(NULL);
    see_version("QEMU");
    see_version("Xen");
    see_version("TEST");
    see_version("nonsense");
    see_version("");
    CALL(virGetVersion(NULL, NULL, NULL));
    CALL(virGetVersion(NULL, "QEMU", &version));
    CALL(virGetVersion(&version, "QEMU", NULL));
    virEventRegisterDefaultImpl();
    virConnectPtr conn = open_test();
    see_about("test", conn);
    virConnectClose(conn);
    about(world, "read only", "test:///default", VIR_CONNECT_RO);
    about(world, "flags", "test:///default", 0x40);
    about(world, "no aliases", "test:///default", VIR_CONNECT_NO_ALIASES);
    about(world, "by a socket", "test+unix:///default?socket=%s", 0);
    about(world, "by a socket, mode", "test+unix:///default?mode=direct&socket=%s", 0);
    about(world, "by a socket, bad mode", "test+unix:///default?mode=nonsense&socket=%s", 0);
    about(world, "by a socket, unknown parameter", "test+unix:///default?unknown=1&socket=%s", 0);
    about(world, "by a socket, autostart", "test+unix:///default?no_autostart=1&socket=%s", 0);
    about(world, "qemu", "qemu+unix:///system?socket=%s", 0);
    about(world, "qemu, bad path", "qemu+unix:///nonsense?socket=%s", 0);
    about(world, "no socket", "test+unix:///default?socket=/nonexistent", 0);
    about(world, "relative socket", "test+unix:///default?socket=nonexistent", 0);
    about(world, "scheme of nobody", "nonsense:///", 0);
    about(world, "scheme of nobody by a socket", "nonsense+unix:///x?socket=%s", 0);
    about(world, "transport of nobody", "test+nonsense:///default", 0);
    about(world, "no scheme", "/default", 0);
    about(world, "no URI", "://", 0);
    about(world, "word", "word", 0);
    about(world, "spaces", "test:/// default", 0);
    about(world, "upper case", "TEST:///default", 0);
    about(world, "no path", "test://", 0);
    about(world, "slash", "test:///", 0);
    about(world, "only a scheme", "test:", 0);
    about(world, "fragment", "test:///default#x", 0);
    about(world, "file that isn't there", "test:///nonexistent.xml", 0);
    about(world, "server", "test://nonexistent.invalid/default", 0);
    about(world, "unix with a host", "test+unix://host/default?socket=%s", 0);
    about(world, "port", "test+tcp://127.0.0.1:1/default", 0);
    about(world, "bad port", "test+tcp://127.0.0.1:99999/default", 0);
    about(world, "name", "test+unix:///default?name=test:///default&socket=%s", 0);
    about(world, "qemu, name of nobody", "qemu+unix:///system?name=nonsense:///&socket=%s", 0);
}

/* Each class: reference, free, NULL, a handle of another class. */
#define COUNTED(class, handle, wrong) \
    do { \
        CALL(vir##class##Ref(handle)); \
        CALL(vir##class##Ref(NULL)); \
        CALL(vir##class##Ref((void *) wrong)); \
        CALL(vir##class##Free(handle)); \
        CALL(vir##class##Free(NULL)); \
        CALL(vir##class##Free((void *) wrong)); \
        CALL_PTR(vir##class##GetConnect(handle)); \
        CALL_PTR(vir##class##GetConnect(NULL)); \
        CALL_PTR(vir##class##GetConnect((void *) wrong)); \
        CALL(vir##class##GetConnect(handle) == conn); \
        CALL(vir##class##Free(handle)); \
    } while (0)

void see_objects(const World *world)
{
    virConnectPtr conn = open_test();
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    virNetworkPtr net = virNetworkLookupByName(conn, "default");
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn, "default-pool");
    virInterfacePtr iface = virInterfaceLookupByName(conn, "eth1");
    virNodeDevicePtr device = virNodeDeviceLookupByName(conn, "computer");
    virStorageVolPtr vol = virStorageVolCreateXML(pool, "<volume><name>v</name><capacity>1024</capacity></volume>", 0);
    virDomainSnapshotPtr snapshot = virDomainSnapshotCreateXML(dom, "<domainsnapshot><name>s</name></domainsnapshot>", 0);
    virStreamPtr stream = virStreamNew(conn, 0);
    see("all there", "%d %d %d %d %d %d %d %d", dom != NULL, net != NULL, pool != NULL, iface != NULL, device != NULL, vol != NULL,
        snapshot != NULL, stream != NULL);
    CALL(virConnectRef(conn));
    CALL(virConnectClose(conn));
    CALL(virConnectRef(NULL));
    CALL(virConnectClose(NULL));
    CALL(virConnectRef((virConnectPtr) dom));
    CALL(virConnectClose((virConnectPtr) dom));
    CALL(virStreamRef(stream));
    CALL(virStreamRef(NULL));
    CALL(virStreamRef((virStreamPtr) dom));
    CALL(virStreamFree(stream));
    CALL(virStreamFree(NULL));
    CALL(virStreamFree((virStreamPtr) dom));
    CALL(virStreamFree(stream));
    CALL(virDomainSnapshotRef(snapshot));
    CALL(virDomainSnapshotRef(NULL));
    CALL(virDomainSnapshotRef((virDomainSnapshotPtr) dom));
    CALL(virDomainSnapshotFree(snapshot));
    CALL(virDomainSnapshotFree(NULL));
    CALL(virDomainSnapshotFree((virDomainSnapshotPtr) dom));
    CALL_PTR(virDomainSnapshotGetConnect(snapshot));
    CALL_PTR(virDomainSnapshotGetConnect(NULL));
    CALL(virDomainSnapshotGetDomain(snapshot) == dom);
    CALL(virDomainSnapshotFree(snapshot));
    COUNTED(StorageVol, vol, dom);
    COUNTED(StoragePool, pool, dom);
    COUNTED(Network, net, dom);
    COUNTED(Interface, iface, dom);
    CALL(virNodeDeviceRef(device));
    CALL(virNodeDeviceRef(NULL));
    CALL(virNodeDeviceFree(device));
    CALL(virNodeDeviceFree(NULL));
    CALL(virNodeDeviceFree((virNodeDevicePtr) dom));
    CALL(virNodeDeviceFree(device));
    virDomainPtr again = virDomainLookupByName(conn, "test");
    CALL(again == dom);
    CALL(virDomainFree(again));
    CALL(virConnectClose(conn));
    CALL_PTR(virDomainGetName(dom));
    CALL(virDomainGetConnect(dom) == conn);
    COUNTED(Domain, dom, conn);
}
