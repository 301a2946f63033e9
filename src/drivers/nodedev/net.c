/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "drivers/nodedev/describe.h"

/* Blocks of 32 features that are asked for. */
#define FEATURE_BLOCKS 8
#define FEATURES_MAX (FEATURE_BLOCKS * 32)

/* What ethtool has a question of its own for, in the order in which features are told. */
static const struct { guint32 command, flag; const char *name; } questions[] = {
    { ETHTOOL_GRXCSUM, 0, "rx" }, { ETHTOOL_GTXCSUM, 0, "tx" }, { ETHTOOL_GSG, 0, "sg" }, { ETHTOOL_GTSO, 0, "tso" },
    { ETHTOOL_GGSO, 0, "gso" }, { ETHTOOL_GGRO, 0, "gro" }, { ETHTOOL_GFLAGS, ETH_FLAG_LRO, "lro" },
    { ETHTOOL_GFLAGS, ETH_FLAG_RXVLAN, "rxvlan" }, { ETHTOOL_GFLAGS, ETH_FLAG_TXVLAN, "txvlan" },
    { ETHTOOL_GFLAGS, ETH_FLAG_NTUPLE, "ntuple" }, { ETHTOOL_GFLAGS, ETH_FLAG_RXHASH, "rxhash" },
};

static gboolean ask(int sock, const char *name, void *question)
{
    struct ifreq request = { .ifr_data = question };
    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    return ioctl(sock, SIOCETHTOOL, &request) == 0;
}

static void add_feature(NodedevNet *net, const char *name)
{
    XML_LIST_APPEND(net->features, net->n_features, g_strdup(name));
}

typedef struct Names { struct ethtool_gstrings head; guint8 text[FEATURES_MAX * ETH_GSTRING_LEN]; } Names;
typedef struct Sets { struct ethtool_sset_info head; guint32 sizes[1]; } Sets;
typedef struct Features { struct ethtool_gfeatures head; struct ethtool_get_features_block blocks[FEATURE_BLOCKS]; } Features;

/* Whether a feature that only has a name is on. */
static gboolean named_feature(int sock, const char *name, const char *wanted)
{
    Sets sets = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
    Features features = { .head = { .cmd = ETHTOOL_GFEATURES, .size = FEATURE_BLOCKS } };
    g_autofree Names *names = g_new0(Names, 1);
    if (!ask(sock, name, &sets) || !sets.head.sset_mask || sets.sizes[0] > FEATURES_MAX || !ask(sock, name, &features))
        return FALSE;
    names->head = (struct ethtool_gstrings) { .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = sets.sizes[0] };
    if (!ask(sock, name, names))
        return FALSE;
    for (guint i = 0; i < sets.sizes[0]; i++) {
        if (strncmp((char *) names->text + i * ETH_GSTRING_LEN, wanted, ETH_GSTRING_LEN) == 0)
            return features.blocks[i / 32].active >> i % 32 & 1;
    }
    return FALSE;
}

static void add_features(struct udev_device *dev, NodedevNet *net)
{
    int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        struct ethtool_value value = { .cmd = questions[i].command };
        if (ask(sock, net->interface, &value) && (questions[i].flag ? value.data & questions[i].flag : value.data))
            add_feature(net, questions[i].name);
    }
    g_autofree char *rdma = g_strdup_printf("%s/device/infiniband", udev_device_get_syspath(dev));
    if (access(rdma, F_OK) == 0)
        add_feature(net, "rdma");
    if (named_feature(sock, net->interface, "tx-udp_tnl-segmentation"))
        add_feature(net, "txudptnl");
    close(sock);
}

gboolean describe_net(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *type = udev_device_get_devtype(dev);
    gboolean wireless = g_strcmp0(type, "wlan") == 0;
    guint64 speed = 0;
    /* bridges, VLANs, bonds … have a type; they are no devices of the host but made of them */
    if (type && !wireless)
        return FALSE;
    NodedevNet *net = &add_cap(def, NODEDEV_CAP_TYPE_NET)->net;
    net->interface = g_strdup(udev_device_get_sysname(dev));
    net->address = attr_text(dev, "address", 64);
    g_autofree char *state = attr_text(dev, "operstate", 64);
    net->link_state = state ? link_state_from_string(state) : LINK_STATE_UNSET;
    if (net->link_state == LINK_STATE_UP && attr_number(dev, "speed", 10, G_MAXINT32, &speed))
        net->link_speed = (guint32) speed;
    add_features(dev, net);
    NodedevNetCapability *kind = xml_struct_new(&NODEDEV_NET_CAPABILITY_DESC);
    kind->type = wireless ? NODEDEV_NET_PROTOCOL_80211 : NODEDEV_NET_PROTOCOL_80203;
    XML_LIST_APPEND(net->subcaps, net->n_subcaps, kind);
    return net->address != NULL;
}
