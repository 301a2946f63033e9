/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a sample of the functions of each class answers when an argument or the handle is missing.
 */
#include "behaviours.h"

static void of_connections(virConnectPtr c)
{
    int n = 0;
    char *name = NULL;
    CALL(virConnectNumOfDomains(NULL));
    CALL(virConnectListDomains(c, NULL, 0));
    CALL(virConnectListDomains(c, NULL, 5));
    CALL(virConnectListDomains(c, &n, -1));
    CALL(virConnectListDefinedDomains(c, NULL, 5));
    CALL(virConnectListDefinedDomains(c, &name, -1));
    CALL(virConnectListAllDomains(c, NULL, 0));
    CALL(virConnectListAllDomains(NULL, NULL, 0));
    CALL(virConnectGetVersion(c, NULL));
    CALL(virConnectGetLibVersion(c, NULL));
    CALL(virConnectGetLibVersion(NULL, NULL));
    CALL_PTR(virConnectGetHostname(NULL));
    CALL_PTR(virConnectGetURI(NULL));
    CALL_PTR(virConnectGetType(NULL));
    CALL(virConnectGetMaxVcpus(NULL, NULL));
    CALL(virConnectIsAlive(NULL));
    CALL(virConnectIsSecure(NULL));
    CALL(virConnectIsEncrypted(NULL));
    CALL(virConnectSetKeepAlive(NULL, 1, 1));
    CALL(virNodeGetInfo(c, NULL));
    CALL(virNodeGetInfo(NULL, NULL));
    CALL(virNodeGetCPUStats(c, 0, NULL, NULL, 0));
    CALL(virNodeGetMemoryStats(c, 0, NULL, NULL, 0));
    CALL(virNodeGetCellsFreeMemory(c, NULL, 0, 1));
    CALL(virNodeGetFreeMemory(NULL));
    CALL(virConnectCompareCPU(c, NULL, 0));
    CALL_PTR(virConnectBaselineCPU(c, NULL, 0, 0));
    CALL_PTR(virConnectBaselineCPU(c, NULL, 2, 0));
    CALL_PTR(virConnectDomainXMLFromNative(c, NULL, NULL, 0));
    CALL_PTR(virConnectFindStoragePoolSources(c, NULL, NULL, 0));
    CALL(virConnectDomainEventRegister(c, NULL, NULL, NULL));
    CALL(virConnectDomainEventDeregister(c, NULL));
    CALL(virConnectDomainEventRegisterAny(c, NULL, 0, NULL, NULL, NULL));
    CALL(virConnectDomainEventRegisterAny(c, NULL, -1, VIR_DOMAIN_EVENT_CALLBACK(of_connections), NULL, NULL));
    CALL(virConnectDomainEventRegisterAny(c, NULL, 999, VIR_DOMAIN_EVENT_CALLBACK(of_connections), NULL, NULL));
    CALL(virConnectDomainEventRegisterAny(NULL, NULL, 0, VIR_DOMAIN_EVENT_CALLBACK(of_connections), NULL, NULL));
    CALL(virConnectDomainEventDeregisterAny(c, -1));
    CALL(virConnectDomainEventDeregisterAny(c, 999));
    CALL(virConnectNetworkEventRegisterAny(c, NULL, 0, NULL, NULL, NULL));
    CALL(virConnectNetworkEventRegisterAny(c, NULL, 999, VIR_NETWORK_EVENT_CALLBACK(of_connections), NULL, NULL));
    CALL(virConnectStoragePoolEventDeregisterAny(c, 999));
    CALL(virConnectGetAllDomainStats(c, 0, NULL, 0));
    CALL(virDomainListGetStats(NULL, 0, NULL, 0));
    CALL_PTR(virStreamNew(NULL, 0));
    CALL_PTR(virStreamNew(c, 0x80));
    CALL(virConnectRegisterCloseCallback(c, NULL, NULL, NULL));
    CALL(virConnectRegisterCloseCallback(NULL, NULL, NULL, NULL));
    CALL(virConnectUnregisterCloseCallback(c, NULL));
}

static void of_domains(virConnectPtr c)
{
    virDomainBlockInfo block;
    char buffer[8];
    unsigned char uuid[VIR_UUID_BUFLEN];
    char text[VIR_UUID_STRING_BUFLEN];
    virDomainPtr d = virDomainLookupByName(c, "test");
    CALL_PTR(virDomainLookupByName(c, NULL));
    CALL_PTR(virDomainLookupByName(NULL, "test"));
    CALL_PTR(virDomainLookupByID(c, -1));
    CALL_PTR(virDomainLookupByID(c, 999));
    CALL_PTR(virDomainLookupByUUID(c, NULL));
    CALL_PTR(virDomainLookupByUUIDString(c, NULL));
    CALL_PTR(virDomainLookupByUUIDString(c, ""));
    CALL_PTR(virDomainLookupByUUIDString(c, "00000000-0000-0000-0000-00000000000"));
    CALL_PTR(virDomainDefineXML(c, NULL));
    CALL_PTR(virDomainDefineXML(c, ""));
    CALL_PTR(virDomainDefineXML(c, "<domain"));
    CALL_PTR(virDomainDefineXML(c, "<network/>"));
    CALL_PTR(virDomainCreateXML(c, NULL, 0));
    CALL_PTR(virDomainCreateXML(NULL, "<domain/>", 0));
    CALL(virDomainCreate(NULL));
    CALL(virDomainDestroy(NULL));
    CALL(virDomainSuspend(NULL));
    CALL_PTR(virDomainGetName(NULL));
    CALL(virDomainGetID(NULL));
    CALL(virDomainGetUUID(d, NULL));
    CALL(virDomainGetUUID(NULL, uuid));
    CALL(virDomainGetUUIDString(d, NULL));
    CALL(virDomainGetUUIDString(NULL, text));
    CALL(virDomainGetInfo(d, NULL));
    CALL(virDomainGetInfo(NULL, NULL));
    CALL(virDomainGetState(d, NULL, NULL, 0));
    CALL(virDomainGetState(d, NULL, NULL, 1));
    CALL(virDomainGetAutostart(d, NULL));
    CALL(virDomainGetMaxMemory(NULL));
    CALL(virDomainSetMemory(d, 0));
    CALL(virDomainSetMaxMemory(d, 0));
    CALL(virDomainSetVcpus(d, 0));
    CALL(virDomainSave(d, NULL));
    CALL(virDomainRestore(c, NULL));
    CALL(virDomainRestore(NULL, "x"));
    CALL(virDomainCoreDump(d, NULL, 0));
    CALL(virDomainCoreDump(d, "/x", VIR_DUMP_CRASH | VIR_DUMP_LIVE));
    CALL(virDomainAttachDevice(d, NULL));
    CALL(virDomainDetachDevice(d, NULL));
    CALL(virDomainBlockPeek(d, NULL, 0, 1, buffer, 0));
    CALL(virDomainBlockPeek(d, "", 0, 1, NULL, 0));
    CALL(virDomainMemoryPeek(d, 0, 1, NULL, VIR_MEMORY_PHYSICAL));
    CALL(virDomainMemoryPeek(d, 0, 1, buffer, 0));
    CALL(virDomainBlockStats(d, NULL, NULL, 0));
    CALL(virDomainInterfaceStats(d, NULL, NULL, 0));
    CALL(virDomainMemoryStats(d, NULL, 1, 0));
    CALL(virDomainBlockResize(d, NULL, 1, 0));
    CALL(virDomainGetBlockInfo(d, NULL, NULL, 0));
    CALL(virDomainGetBlockInfo(d, "", &block, 0));
    CALL(virDomainBlockPeek(d, "", 0, 1, buffer, 0));
    CALL(virConnectDomainEventDeregisterAny(c, 999));
    CALL(virDomainPinVcpu(d, 0, NULL, 0));
    CALL(virDomainGetVcpus(d, NULL, 1, NULL, 0));
    CALL(virDomainGetVcpus(d, NULL, 0, NULL, 0));
    CALL(virDomainGetSchedulerParameters(d, NULL, NULL));
    CALL(virDomainSetSchedulerParameters(d, NULL, 0));
    CALL(virDomainSetSchedulerParameters(d, NULL, 1));
    CALL(virDomainGetMemoryParameters(d, NULL, NULL, 0));
    CALL(virDomainSetMemoryParameters(d, NULL, 0, 0));
    CALL(virDomainSetBlkioParameters(d, NULL, 1, 0));
    CALL(virDomainSetMetadata(d, 99, NULL, NULL, NULL, 0));
    CALL(virDomainSetMetadata(d, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL, NULL, 0));
    CALL_PTR(virDomainGetMetadata(d, VIR_DOMAIN_METADATA_ELEMENT, NULL, 0));
    CALL(virDomainSendKey(d, 0, 0, NULL, 0, 0));
    CALL(virDomainOpenConsole(d, NULL, NULL, 0));
    CALL(virDomainOpenGraphics(d, 0, -1, 0));
    CALL(virDomainRename(d, NULL, 0));
    CALL(virDomainRename(d, "", 0));
    CALL(virDomainSetTime(d, 0, 0, 0));
    CALL(virDomainFSFreeze(d, NULL, 2, 0));
    CALL(virDomainGetFSInfo(d, NULL, 0));
    CALL(virDomainInterfaceAddresses(d, NULL, 0, 0));
    CALL(virDomainSetUserPassword(d, NULL, NULL, 0));
    CALL_PTR(virDomainScreenshot(d, NULL, 0, 0));
    CALL_PTR(virDomainSnapshotCreateXML(d, NULL, 0));
    CALL_PTR(virDomainSnapshotLookupByName(d, NULL, 0));
    CALL(virDomainListAllSnapshots(d, NULL, 0));
    CALL(virDomainSnapshotListNames(d, NULL, 1, 0));
    CALL(virDomainRevertToSnapshot(NULL, 0));
    CALL_PTR(virDomainCheckpointCreateXML(d, NULL, 0));
    CALL_PTR(virDomainCheckpointLookupByName(d, NULL, 0));
    CALL_PTR(virDomainMigrate(d, NULL, 0, NULL, NULL, 0));
    CALL(virDomainMigrateToURI(NULL, NULL, 0, NULL, 0));
    CALL(virDomainMigrateSetMaxDowntime(NULL, 0, 0));
    virDomainFree(d);
}

static void of_others(virConnectPtr c)
{
    virNetworkPtr n = virNetworkLookupByName(c, "default");
    virStoragePoolPtr p = virStoragePoolLookupByName(c, "default-pool");
    CALL_PTR(virNetworkLookupByName(c, NULL));
    CALL_PTR(virNetworkLookupByName(NULL, "x"));
    CALL_PTR(virNetworkLookupByUUIDString(c, "x"));
    CALL_PTR(virNetworkDefineXML(c, NULL));
    CALL_PTR(virNetworkCreateXML(c, NULL));
    CALL_PTR(virNetworkGetName(NULL));
    CALL(virNetworkGetAutostart(n, NULL));
    CALL(virNetworkGetUUID(n, NULL));
    CALL(virNetworkUpdate(n, 1, 1, 0, NULL, 0));
    CALL(virNetworkGetDHCPLeases(n, NULL, NULL, 0));
    CALL(virConnectListNetworks(c, NULL, 1));
    CALL(virConnectListAllNetworks(c, NULL, 0));
    CALL(virNetworkDestroy(NULL));
    CALL_PTR(virNetworkPortCreateXML(n, NULL, 0));
    CALL(virNetworkPortDelete(NULL, 0));
    CALL_PTR(virStoragePoolLookupByName(c, NULL));
    CALL_PTR(virStoragePoolLookupByUUIDString(c, "x"));
    CALL_PTR(virStoragePoolDefineXML(c, NULL, 0));
    CALL_PTR(virStoragePoolGetName(NULL));
    CALL(virStoragePoolGetInfo(p, NULL));
    CALL(virStoragePoolListVolumes(p, NULL, 1));
    CALL(virStoragePoolListAllVolumes(NULL, NULL, 0));
    CALL(virStoragePoolDestroy(NULL));
    CALL_PTR(virStorageVolLookupByName(p, NULL));
    CALL_PTR(virStorageVolLookupByKey(c, NULL));
    CALL_PTR(virStorageVolLookupByPath(c, NULL));
    CALL_PTR(virStorageVolCreateXML(p, NULL, 0));
    CALL_PTR(virStorageVolCreateXMLFrom(p, "<volume/>", NULL, 0));
    CALL_PTR(virStorageVolGetName(NULL));
    CALL(virStorageVolDownload(NULL, NULL, 0, 0, 0));
    CALL(virStorageVolDelete(NULL, 0));
    CALL_PTR(virInterfaceLookupByName(c, NULL));
    CALL_PTR(virInterfaceLookupByMACString(c, NULL));
    CALL_PTR(virInterfaceDefineXML(c, NULL, 0));
    CALL(virInterfaceCreate(NULL, 0));
    CALL_PTR(virNodeDeviceLookupByName(c, NULL));
    CALL_PTR(virNodeDeviceGetName(NULL));
    CALL(virNodeNumOfDevices(NULL, NULL, 0));
    CALL_PTR(virNodeDeviceLookupSCSIHostByWWN(c, NULL, NULL, 0));
    CALL_PTR(virSecretLookupByUUIDString(c, "x"));
    CALL_PTR(virSecretLookupByUsage(c, 0, NULL));
    CALL_PTR(virSecretDefineXML(c, NULL, 0));
    CALL(virSecretUndefine(NULL));
    CALL_PTR(virSecretGetUsageID(NULL));
    CALL(virSecretSetValue(NULL, NULL, 0, 0));
    CALL_PTR(virNWFilterLookupByName(c, NULL));
    CALL_PTR(virNWFilterDefineXML(c, NULL));
    CALL(virNWFilterUndefine(NULL));
    CALL_PTR(virNWFilterBindingLookupByPortDev(c, NULL));
    CALL(virNWFilterBindingDelete(NULL));
    virNetworkFree(n);
    virStoragePoolFree(p);
}

static void of_readers(void)
{
    virConnectPtr c = virConnectOpenReadOnly("test:///default");
    virDomainPtr d = virDomainLookupByName(c, "test");
    CALL(virDomainDestroy(d));
    CALL(virDomainSave(d, NULL));
    CALL_PTR(virDomainDefineXML(c, NULL));
    CALL_PTR(virDomainGetXMLDesc(d, VIR_DOMAIN_XML_SECURE));
    CALL_PTR(virDomainCreateXML(c, "<domain/>", 0));
    CALL(virDomainRestore(c, NULL));
    CALL(virDomainMemoryPeek(d, 0, 0, NULL, 0));
    CALL(virNodeSuspendForDuration(c, 0, 0, 0));
    CALL_PTR(virNetworkDefineXML(c, NULL));
    CALL_PTR(virStoragePoolDefineXML(c, NULL, 0));
    CALL_PTR(virSecretDefineXML(c, NULL, 0));
    CALL_PTR(virStreamNew(c, 0));
    virDomainFree(d);
    virConnectClose(c);
}

void see_nulls(const World *world)
{
    virEventRegisterDefaultImpl();
    virConnectPtr c = open_test();
    of_connections(c);
    of_domains(c);
    of_others(c);
    puts("-- read only");
    of_readers();
    virConnectClose(c);
}
