/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.nic"
#include "drivers/qemu/nics.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/netlink.h"
#include "core/host/pci.h"
#include "core/host/sriov.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/hostdevs.h"

/* Longest note about a function that is read, in bytes. */
#define MAX_NOTE 4096

gboolean qemu_interface_is_nic(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_HOSTDEV || (net->actual && net->actual->type == DOMAIN_INTERFACE_TYPE_HOSTDEV);
}

static const DomainAddress *address_of(const DomainInterface *net)
{
    return net->actual ? net->actual->host_address : net->source.host_address;
}

DomainHostdev *qemu_nic_hostdev(const DomainInterface *net)
{
    DomainHostdev *dev = xml_struct_new(&DOMAIN_HOSTDEV_DESC);
    const DomainAddress *address = address_of(net);
    static const DomainHostdevDriverName drivers[INTERFACE_HOSTDEV_DRIVER_LAST] = {
        [INTERFACE_HOSTDEV_DRIVER_KVM] = DOMAIN_HOSTDEV_DRIVER_NAME_KVM,
        [INTERFACE_HOSTDEV_DRIVER_VFIO] = DOMAIN_HOSTDEV_DRIVER_NAME_VFIO,
        [INTERFACE_HOSTDEV_DRIVER_XEN] = DOMAIN_HOSTDEV_DRIVER_NAME_XEN,
    };

    dev->type = DOMAIN_HOSTDEV_TYPE_PCI;
    dev->managed = net->actual ? net->actual->managed : net->managed;
    dev->driver = drivers[net->actual ? net->actual->hostdev_driver : net->hostdev_driver];
    if (address && address->type == DOMAIN_ADDRESS_TYPE_PCI)
        dev->source.pci_address = xml_struct_copy(&PCI_ADDRESS_DESC, &address->pci);
    if (net->teaming.type == INTERFACE_TEAMING_TYPE_TRANSIENT) {
        dev->teaming.type = g_strdup("transient");
        dev->teaming.persistent = g_strdup(net->teaming.persistent);
    }
    xml_struct_copy_into(&DOMAIN_DEVICE_INFO_DESC, &dev->info, &net->info);
    return dev;
}

/* ---- what a function is told ---- */

typedef struct Function {
    char *card;
    guint32 index;
    guint number;
    char *note;              /* file */
} Function;

static void function_clear(Function *f)
{
    g_free(f->card);
    g_free(f->note);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Function, function_clear)

static int find_function(const DomainHost *host, const PciAddress *pci, Function *f)
{
    f->card = sriov_parent(HOST_SYSFS, pci, &f->number);
    if (!f->card)
        return -1;
    f->index = netlink_index(f->card);
    f->note = g_strdup_printf("%s/nics/%s_vf%u", host_paths(host)->state, f->card, f->number);
    return f->index ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "the host has no network device '%s'", f->card);
}

static int write_note(const char *path, const NetlinkVf *vf)
{
    char mac[MAC_TEXT_SIZE];
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(json_object) all = json_make(JSON_STR("mac", mac_format(vf->mac, mac)), JSON_UINT("vlan", vf->vlan), JSON_UINT("qos", vf->qos));
    const char *text = json_text(all);

    if (file_mkdirs(folder, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    return file_replace_quickly(path, text, strlen(text), 0600);
}

/* 1: there is one, 0: there is none, -1 with an error. */
static int read_note(const char *path, NetlinkVf *vf)
{
    g_autofree char *text = NULL;
    size_t len;
    const char *mac;
    uint64_t vlan, qos;
    int found = file_read_optional(path, MAX_NOTE, &text, &len);
    g_autoptr(json_object) all = found > 0 ? json_parse(text, len, 4, path) : NULL;

    if (found <= 0)
        return found;
    if (!all || json_get_string(all, "mac", &mac) < 0 || json_get_uint(all, "vlan", &vlan) < 0 || json_get_uint(all, "qos", &qos) < 0)
        return -1;
    if (!mac_parse(mac, vf->mac) || vlan > G_MAXUINT16 || qos > G_MAXUINT8)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' doesn't say what the function had", path);
    vf->vlan = (guint16)vlan;
    vf->qos = (guint8)qos;
    return 1;
}

/* A card has one VLAN for each function. */
static int wanted(const DomainInterface *net, const char *domain, NetlinkVf *vf)
{
    const InterfaceVlan *vlan = net->vlan;

    if (vlan && (vlan->n_tags > 1 || vlan->trunk == TRISTATE_YES))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': a network card puts what a virtual function sends into one VLAN, not "
                    "into several", net->info.alias, domain);
    memcpy(vf->mac, net->mac, sizeof(vf->mac));
    vf->vlan = vlan && vlan->n_tags ? (guint16)vlan->tags[0]->id : 0;
    return 0;
}

static int set_up(Guest *guest, const DomainInterface *net, const PciAddress *pci)
{
    g_auto(Function) f = { NULL };
    g_autoptr(Netlink) nl = netlink_open();
    NetlinkVf now, was, shall = { { 0 } };
    int noted;

    if (!nl || wanted(net, guest->name, &shall) < 0 || find_function(guest->host, pci, &f) < 0 ||
        netlink_vf(nl, f.index, f.number, &now) < 0)
        return -1;
    noted = read_note(f.note, &was); /* of a run that nobody could take back */
    if (noted < 0 || (!noted && write_note(f.note, &now) < 0))
        return -1;
    return netlink_vf_set(nl, f.index, f.number, &shall);
}

static int put_back(Guest *guest, const PciAddress *pci)
{
    g_auto(Function) f = { NULL };
    g_autoptr(Netlink) nl = netlink_open();
    NetlinkVf was = { { 0 } };
    int noted = !nl || find_function(guest->host, pci, &f) < 0 ? -1 : read_note(f.note, &was);

    if (noted <= 0)
        return noted;
    if (netlink_vf_set(nl, f.index, f.number, &was) < 0)
        return -1;
    return unlink(f.note) < 0 && errno != ENOENT ? FAIL_ERRNO(errno, "cannot remove '%s'", f.note) : 0;
}

/* ---- taking and giving ---- */

/* A definition with but this device. */
static DomainDef only(Guest *guest, DomainHostdev **place)
{
    DomainDef def = { .name = guest->name };

    def.devices.hostdevs = place;
    def.devices.n_hostdevs = 1;
    return def;
}

static int claim(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    int rc;

    g_mutex_lock(&driver->lock);
    rc = hostdevs_claim(driver->hostdevs, def, guest->name);
    g_mutex_unlock(&driver->lock);
    return rc;
}

static gboolean has(Guest *guest, const PciAddress *pci)
{
    QemuDriver *driver = guest_host_priv(guest);
    gboolean is_owner;

    g_mutex_lock(&driver->lock);
    is_owner = g_strcmp0(hostdevs_pci_owner(driver->hostdevs, pci), guest->name) == 0;
    g_mutex_unlock(&driver->lock);
    return is_owner;
}

static void release(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);

    g_mutex_lock(&driver->lock);
    hostdevs_release_of(driver->hostdevs, def, guest->name);
    g_mutex_unlock(&driver->lock);
}

static int check(const DomainInterface *net, const DomainHostdev *dev, const char *domain)
{
    if (!dev->source.pci_address)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': only PCI devices can be passed as network cards", net->info.alias,
                    domain);
    if (net->filterref || net->bandwidth)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' can't have a <%s>: what a passed card sends, the host doesn't see",
                    net->info.alias, domain, net->filterref ? "filterref" : "bandwidth");
    if (net->virtualport && net->virtualport->type)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' can't have <virtualport type='%s'>: this version doesn't "
                    "talk to lldpad", net->info.alias, domain, interface_virtualport_type_to_string(net->virtualport->type));
    return 0;
}

int qemu_guest_take_nic(Guest *guest, const DomainInterface *net)
{
    DomainHostdev *dev = qemu_interface_is_nic(net) ? qemu_nic_hostdev(net) : NULL;
    DomainDef def = only(guest, &dev);
    int rc = 0;

    if (!dev)
        return 0;
    rc = check(net, dev, guest->name) < 0 ? -1 : claim(guest, &def);
    if (rc == 0 && (set_up(guest, net, dev->source.pci_address) < 0 || hostdevs_detach_pci(&def, HOST_SYSFS) < 0)) {
        qemu_guest_give_nic(guest, net);
        rc = -1;
    }
    xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
    return rc;
}

void qemu_guest_give_nic(Guest *guest, const DomainInterface *net)
{
    DomainHostdev *dev = qemu_interface_is_nic(net) ? qemu_nic_hostdev(net) : NULL;
    DomainDef def = only(guest, &dev);
    virErrorPtr error = error_save();

    if (dev && dev->source.pci_address && has(guest, dev->source.pci_address)) {
        if (put_back(guest, dev->source.pci_address) < 0)
            LOG_WARN("interface '%s' of domain '%s': %s", net->info.alias, guest->name, error_message());
        hostdevs_reattach_pci(&def, HOST_SYSFS); /* the host's driver begins with what the card tells */
        release(guest, &def);
    }
    xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
    error_restore(error);
}

int qemu_guest_take_nics(Guest *guest, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (qemu_guest_take_nic(guest, def->devices.interfaces[i]) == 0)
            continue;
        while (i-- > 0)
            qemu_guest_give_nic(guest, def->devices.interfaces[i]);
        return -1;
    }
    return 0;
}

void qemu_guest_has_nics(Guest *guest, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        const DomainInterface *net = def->devices.interfaces[i];
        DomainHostdev *dev = qemu_interface_is_nic(net) ? qemu_nic_hostdev(net) : NULL;
        DomainDef one = only(guest, &dev);

        if (dev && dev->source.pci_address && claim(guest, &one) < 0)
            virResetLastError(); /* it has it, whoever else says so */
        xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
    }
}
