/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects that the generated calls work on, and the values of their arguments.
 */
#include "every.h"

static const struct { const char *prefix, *parameter, *text; } texts[] = {
    /* the first that fits; prefix "" fits every function, parameter "" every parameter */
    { "virDomainDefine", "xml", "<domain type='test'><name>new</name><memory>65536</memory><os><type>hvm</type></os></domain>" },
    { "virDomainCreate", "xmlDesc", "<domain type='test'><name>new</name><memory>65536</memory><os><type>hvm</type></os></domain>" },
    { "virDomainSnapshotCreateXML", "", "<domainsnapshot><name>second</name></domainsnapshot>" },
    { "virDomainCheckpointCreateXML", "", "<domaincheckpoint><name>second</name></domaincheckpoint>" },
    { "virDomainBackupBegin", "backupXML", "<domainbackup/>" },
    { "virDomainBackupBegin", "", NULL },
    { "virDomainAttachDevice", "xml", "<disk type='file'><source file='/b.img'/><target dev='vdb' bus='virtio'/></disk>" },
    { "virDomainDetachDeviceAlias", "alias", "ua-disk" },
    { "virDomainDetachDevice", "xml", "<disk type='file'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>" },
    { "virDomainUpdateDevice", "xml", "<disk type='file'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>" },
    { "virDomainSetMetadata", "metadata", "a title" },
    { "virDomainSetMetadata", "", NULL },
    { "virDomainGetMetadata", "", NULL },
    { "virNetworkSetMetadata", "metadata", "a title" },
    { "virNetworkSetMetadata", "", NULL },
    { "virNetworkGetMetadata", "", NULL },
    { "virNetworkDefine", "", "<network><name>new</name></network>" },
    { "virNetworkCreate", "", "<network><name>new</name></network>" },
    { "virNetworkPortCreateXML", "", "<networkport><owner><name>d</name><uuid>6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c11</uuid></owner>"
                                     "<mac address='52:54:00:7b:35:93'/></networkport>" },
    { "virNetworkUpdate", "", "<txt name='a' value='b'/>" },
    { "virInterfaceDefineXML", "", "<interface type='ethernet' name='eth9'><start mode='none'/></interface>" },
    { "virStoragePoolDefineXML", "", "<pool type='dir'><name>new</name><target><path>/new</path></target></pool>" },
    { "virStoragePoolCreateXML", "", "<pool type='dir'><name>new</name><target><path>/new</path></target></pool>" },
    { "virStorageVolCreateXML", "", "<volume><name>new</name><capacity>4096</capacity><target/></volume>" },
    { "virSecretDefineXML", "", "<secret ephemeral='no' private='no'><usage type='volume'><volume>/new</volume></usage></secret>" },
    { "virNWFilterDefineXML", "", "<filter name='new'/>" },
    { "virNWFilterBindingCreateXML", "", "<filterbinding><owner><name>d</name><uuid>6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c11</uuid></owner>"
                                         "<portdev name='vnet9'/><mac address='52:54:00:7b:35:93'/><filterref filter='every'/></filterbinding>" },
    { "virNodeDeviceCreateXML", "", "<device><name>new</name><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'/>"
                                    "</capability></device>" },
    { "virNodeDeviceDefineXML", "", "<device><parent>computer</parent><capability type='mdev'><type id='t'/></capability></device>" },
    { "virDomainLookupByName", "", "every" },
    { "virNetworkLookupByName", "", "default" },
    { "virInterfaceLookupByName", "", "eth1" },
    { "virInterfaceLookupByMACString", "", "aa:bb:cc:dd:ee:ff" },
    { "virStoragePoolLookupByName", "", "default-pool" },
    { "virStoragePoolLookupByTargetPath", "", "/default-pool" },
    { "virStorageVolLookupByName", "", "every" },
    { "virStorageVolLookupByKey", "", "/default-pool/every" },
    { "virStorageVolLookupByPath", "", "/default-pool/every" },
    { "virNodeDeviceLookupByName", "", "computer" },
    { "virNWFilterLookupByName", "", "every" },
    { "virNWFilterBindingLookupByPortDev", "", "vnet0" },
    { "virSecretLookupByUsage", "", "/every" },
    { "virDomainSnapshotLookupByName", "", "first" },
    { "virDomainCheckpointLookupByName", "", "first" },
    { "virDomainRename", "", "renamed" },
    { "virDomainSaveImageGetXMLDesc", "file", "/nonexistent/image" },
    { "virConnectGetDomainCapabilities", "", NULL },
    { "virConnectGetMaxVcpus", "", NULL },
    { "virConnectGetCPUModelNames", "arch", "x86_64" },
    { "virConnectCompareHypervisorCPU", "xmlCPU", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>" },
    { "virConnectCompareHypervisorCPU", "", NULL },
    { "virConnectCompareCPU", "", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>" },
    { "virConnectBaselineHypervisorCPU", "xmlCPUs", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>" },
    { "virConnectBaselineHypervisorCPU", "", NULL },
    { "virConnectBaselineCPU", "", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>" },
    { "virConnectFindStoragePoolSources", "type", "dir" },
    { "virConnectFindStoragePoolSources", "", NULL },
    { "virConnectDomainXMLToNative", "nativeFormat", "qemu-argv" },
    { "virConnectDomainXMLFromNative", "nativeFormat", "qemu-argv" },
    { "virConnectDomainXMLToNative", "", "<domain type='test'><name>n</name><memory>1</memory><os><type>hvm</type></os></domain>" },
    { "virDomainOpenConsole", "", NULL },
    { "virDomainOpenChannel", "", NULL },
    { "virDomainBlockCommit", "disk", "vda" },
    { "virDomainBlockCommit", "", NULL },
    { "virDomainBlockRebase", "disk", "vda" },
    { "virDomainBlockRebase", "", NULL },
    { "virNodeDeviceDetachFlags", "", NULL },
    { "virNodeListDevices", "", NULL },
    { "virDomainSetUserPassword", "", "root" },
    { "virDomainSetGuestVcpus", "", "1" },
    { "virDomainSetVcpu", "", "1" },
    { "virDomainInterfaceStats", "", "tap9" },
    { "virDomainQemuMonitorCommand", "cmd", "{\"execute\":\"query-status\"}" },
    { "virDomainQemuAgentCommand", "cmd", "{\"execute\":\"guest-ping\"}" },
    { "", "disk", "vda" },
    { "", "dev", "vda" },
    { "", "path", "vda" },
    { "", "device", "52:54:00:7b:35:91" },
    { "", "mac", NULL },
    { "", "user", "root" },
    { "", "mountPoint", NULL },
    { "", "mountpoints", "/" },
    { "", "to", "/nonexistent/image" },
    { "", "from", "/nonexistent/image" },
    { "", "file", "/nonexistent/image" },
};

void ignore(void)
{
}

virTypedParameterPtr parameter_for(const Fixture *x, const char *function)
{
    static const struct { const char *function; virTypedParameter parameter; } known[] = {
#define NUMBER(kind, member, name, number) { .field = name, .type = VIR_TYPED_PARAM_##kind, .value.member = number }
        { "virDomainSetIOThreadParams", NUMBER(UINT, ui, VIR_DOMAIN_IOTHREAD_POLL_GROW, 1) },
        { "virDomainBlockCopy", NUMBER(ULLONG, ul, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 1) },
        { "virDomainSetBlockIoTune", NUMBER(ULLONG, ul, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC, 1000) },
        { "virDomainSetThrottleGroup", NUMBER(ULLONG, ul, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC, 1000000) },
        { "virDomainSetInterfaceParameters", NUMBER(UINT, ui, VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, 100) },
        { "virDomainSetLaunchSecurityState", NUMBER(ULLONG, ul, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS, 4096) },
        { "virDomainAnnounceInterface", NUMBER(UINT, ui, VIR_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS, 1) },
        { "virDomainSetSchedulerParameters", NUMBER(UINT, ui, "weight", 60) },
        { "virDomainSetBlkioParameters", NUMBER(UINT, ui, VIR_DOMAIN_BLKIO_WEIGHT, 500) },
        { "virDomainSetMemoryParameters", NUMBER(ULLONG, ul, VIR_DOMAIN_MEMORY_SOFT_LIMIT, 1048576) },
        { "virDomainSetNumaParameters", NUMBER(INT, i, VIR_DOMAIN_NUMA_MODE, 0) },
        { "virDomainSetPerfEvents", NUMBER(BOOLEAN, b, VIR_PERF_PARAM_CMT, 1) },
        { "virDomainSaveParams", { VIR_DOMAIN_SAVE_PARAM_FILE, VIR_TYPED_PARAM_STRING, .value.s = (char *) "/nonexistent/image" } },
        { "virDomainRestoreParams", { VIR_DOMAIN_SAVE_PARAM_FILE, VIR_TYPED_PARAM_STRING, .value.s = (char *) "/nonexistent/image" } },
        { "virNodeSetMemoryParameters", NUMBER(UINT, ui, VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN, 100) },
        { "virConnectSetIdentity", NUMBER(ULLONG, ul, VIR_CONNECT_IDENTITY_UNIX_USER_ID, 0) },
        { "virNetworkPortSetParameters", NUMBER(UINT, ui, VIR_NETWORK_PORT_BANDWIDTH_IN_AVERAGE, 100) },
#undef NUMBER
    };
    static _Thread_local virTypedParameter parameter;
    (void) x;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(function, known[i].function, strlen(known[i].function)) == 0) {
            parameter = known[i].parameter;
            return &parameter;
        }
    }
    fprintf(stderr, "every: no parameter is known for %s\n", function);
    abort();
}

int callback_for(const Fixture *x, const char *function)
{
    if (strncmp(function, "virConnectDomainQemu", 20) == 0) {
        int id = virConnectDomainQemuMonitorEventRegister(x->conn, NULL, NULL, (virConnectDomainQemuMonitorEventCallback) ignore, NULL, NULL,
                                                          0);
        return id < 0 ? 0 : id;     /* guests without a monitor: any number is as good */
    }
    if (strncmp(function, "virConnectDomain", 16) == 0)
        return virConnectDomainEventRegisterAny(x->conn, NULL, 0, VIR_DOMAIN_EVENT_CALLBACK(ignore), NULL, NULL);
    if (strncmp(function, "virConnectNetwork", 17) == 0)
        return virConnectNetworkEventRegisterAny(x->conn, NULL, 0, VIR_NETWORK_EVENT_CALLBACK(ignore), NULL, NULL);
    if (strncmp(function, "virConnectNodeDevice", 20) == 0)
        return virConnectNodeDeviceEventRegisterAny(x->conn, NULL, 0, VIR_NODE_DEVICE_EVENT_CALLBACK(ignore), NULL, NULL);
    if (strncmp(function, "virConnectSecret", 16) == 0)
        return virConnectSecretEventRegisterAny(x->conn, NULL, 0, VIR_SECRET_EVENT_CALLBACK(ignore), NULL, NULL);
    return virConnectStoragePoolEventRegisterAny(x->conn, NULL, 0, VIR_STORAGE_POOL_EVENT_CALLBACK(ignore), NULL, NULL);
}

const unsigned char *uuid_for(const Fixture *x, const char *function)
{
    static _Thread_local unsigned char uuid[VIR_UUID_BUFLEN];
    if (strstr(function, "virDomainLookup"))
        virDomainGetUUID(x->domain, uuid);
    else if (strstr(function, "virNetworkPort") && x->port)
        virNetworkPortGetUUID(x->port, uuid);
    else if (strstr(function, "virNetwork") && x->network)
        virNetworkGetUUID(x->network, uuid);
    else if (strstr(function, "virStoragePool") && x->pool)
        virStoragePoolGetUUID(x->pool, uuid);
    else if (strstr(function, "virSecret") && x->secret)
        virSecretGetUUID(x->secret, uuid);
    else if (strstr(function, "virNWFilter") && x->filter)
        virNWFilterGetUUID(x->filter, uuid);
    return uuid;
}

/* The text of a UUID. */
static const char *uuid_text(const unsigned char *uuid)
{
    static _Thread_local char text[VIR_UUID_STRING_BUFLEN];
    char *end = text;
    for (int i = 0; i < VIR_UUID_BUFLEN; i++)
        end += sprintf(end, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    return text;
}

const char *text_for(const Fixture *x, const char *function, const char *parameter)
{
    if (strstr(function, "ByUUIDString"))
        return uuid_text(uuid_for(x, function));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strncmp(function, texts[i].prefix, strlen(texts[i].prefix)) == 0 &&
            (!texts[i].parameter[0] || strcmp(parameter, texts[i].parameter) == 0))
            return texts[i].text;
    }
    return "text";
}

void free_texts(char **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
}

void free_text_list(char **list)
{
    for (char **text = list; text && *text; text++)
        free(*text);
    free(list);
}

#define DOMAIN_UUID "6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c10"
static const char *const domain_xml =
    "<domain type='test'><name>every</name><uuid>" DOMAIN_UUID "</uuid><memory unit='GiB'>2</memory>"
    "<vcpu current='1'>2</vcpu><iothreads>1</iothreads><os><type>hvm</type></os><devices>"
    "<disk type='file' device='disk'><source file='/a.img'/><target dev='vda' bus='virtio'/><alias name='ua-disk'/></disk>"
    "<interface type='network'><mac address='52:54:00:7b:35:91'/><source network='default'/><target dev='tap9'/></interface>"
    "<console type='pty'/><channel type='pty'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    "<graphics type='vnc'/><video><model type='vga'/></video></devices></domain>";

/* A guest of QEMU, for what needs one: the rest is asked of the test driver. The file EVERY_DISK, if that is set, is its disk. */
static char *qemu_xml(void)
{
    const char *path = getenv("EVERY_DISK");
    char *disk = NULL, *xml = NULL;
    if (asprintf(&disk, "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/>"
                        "<target dev='vda' bus='virtio'/><alias name='ua-disk'/></disk>", path ? path : "") < 0 ||
        asprintf(&xml, "<domain type='qemu'><name>every</name><uuid>" DOMAIN_UUID "</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
                       "<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><controller type='usb' model='none'/>%s"
                       "<serial type='pty'/><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
                       "<memballoon model='none'/></devices></domain>", path ? disk : "") < 0)
        abort();
    free(disk);
    return xml;
}

static const char *const other_xml =
    "<domain type='test'><name>other</name><memory unit='GiB'>1</memory><os><type>hvm</type></os><devices>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/b.img'/><target dev='vda'/></disk>"
    "</devices></domain>";

static void open_guest(Fixture *x)
{
    char *xml = strcmp(virConnectGetType(x->conn), "QEMU") == 0 ? qemu_xml() : NULL;
    x->domain = virDomainLookupByUUIDString(x->conn, DOMAIN_UUID) ?: virDomainDefineXML(x->conn, xml ?: domain_xml);
    free(xml);
    if (!x->domain)
        return;
    virDomainCreate(x->domain);
    if (xml)
        return;
    x->snapshot = virDomainSnapshotLookupByName(x->domain, "first", 0) ?:
        virDomainSnapshotCreateXML(x->domain, "<domainsnapshot><name>first</name></domainsnapshot>", 0);
    x->other = virDomainLookupByName(x->conn, "other") ?: virDomainDefineXML(x->conn, other_xml);
    if (!x->other)
        return;
    virDomainCreate(x->other);
    x->checkpoint = virDomainCheckpointLookupByName(x->other, "first", 0) ?:
        virDomainCheckpointCreateXML(x->other, "<domaincheckpoint><name>first</name></domaincheckpoint>", 0);
}

static void open_network(Fixture *x)
{
    x->network = virNetworkLookupByName(x->conn, "default");
    if (x->network)
        x->port = virNetworkPortLookupByUUIDString(x->network, "6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c13") ?:
            virNetworkPortCreateXML(x->network, "<networkport><uuid>6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c13</uuid><owner><name>d</name>"
                                    "<uuid>6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c12</uuid></owner><mac address='52:54:00:7b:35:92'/>"
                                    "</networkport>", 0);
}

static void open_storage(Fixture *x)
{
    x->pool = virStoragePoolLookupByName(x->conn, "default-pool");
    if (x->pool)
        x->volume = virStorageVolLookupByName(x->pool, "every") ?:
            virStorageVolCreateXML(x->pool, "<volume><name>every</name><capacity>1048576</capacity><target/></volume>", 0);
}

static void open_filter(Fixture *x)
{
    x->filter = virNWFilterLookupByName(x->conn, "every") ?: virNWFilterDefineXML(x->conn, "<filter name='every'/>");
    if (x->filter)
        x->binding = virNWFilterBindingLookupByPortDev(x->conn, "vnet0") ?:
            virNWFilterBindingCreateXML(x->conn, "<filterbinding><owner><name>d</name><uuid>6f5a2c53-b3f2-4a42-8a3e-5d2a1b6d1c12"
                                        "</uuid></owner><portdev name='vnet0'/><mac address='52:54:00:7b:35:92'/>"
                                        "<filterref filter='every'/></filterbinding>", 0);
}

/* Debian's daemon takes seconds for a filter's binding. */
static bool needs_filter(const char *function)
{
    return !function || (strncmp(function, "virDomain", strlen("virDomain")) != 0 && strncmp(function, "virConnectDomain", strlen("virConnectDomain")) != 0);
}

Fixture *open_fixture(virConnectPtr conn, const char *function)
{
    Fixture *x = calloc(1, sizeof(*x));
    x->conn = conn;
    virConnectRef(conn);
    open_guest(x);
    open_network(x);
    open_storage(x);
    if (needs_filter(function))
        open_filter(x);
    x->interface = virInterfaceLookupByName(x->conn, "eth1");
    x->device = virNodeDeviceLookupByName(x->conn, "computer");
    x->secret = virSecretLookupByUsage(x->conn, VIR_SECRET_USAGE_TYPE_VOLUME, "/every") ?:
        virSecretDefineXML(x->conn, "<secret ephemeral='no' private='no'><usage type='volume'><volume>/every</volume></usage></secret>", 0);
    x->stream = virStreamNew(x->conn, 0);
    return x;
}

void remove_domains(virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(conn, &domains, 0);
    for (int i = 0; i < n; i++) {
        virDomainDestroy(domains[i]);
        virDomainUndefineFlags(domains[i], VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                           VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA);
        virDomainFree(domains[i]);
    }
    free(domains);
    /* rules of filters stay in force without the daemon */
    virNWFilterBindingPtr *bindings = NULL;
    n = virConnectListAllNWFilterBindings(conn, &bindings, 0);
    for (int i = 0; i < n; i++) {
        virNWFilterBindingDelete(bindings[i]);
        virNWFilterBindingFree(bindings[i]);
    }
    free(bindings);
}

#define DROP(handle, release) \
    do { \
        if (x->handle) \
            release(x->handle); \
    } while (0)

void close_fixture(Fixture *x)
{
    DROP(stream, virStreamFree);
    DROP(port, virNetworkPortFree);
    DROP(binding, virNWFilterBindingFree);
    DROP(filter, virNWFilterFree);
    DROP(secret, virSecretFree);
    DROP(volume, virStorageVolFree);
    DROP(snapshot, virDomainSnapshotFree);
    DROP(checkpoint, virDomainCheckpointFree);
    DROP(other, virDomainFree);
    DROP(domain, virDomainFree);
    DROP(network, virNetworkFree);
    DROP(interface, virInterfaceFree);
    DROP(pool, virStoragePoolFree);
    DROP(device, virNodeDeviceFree);
    virConnectClose(x->conn);
    free(x);
}
