/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.learning"
#include "drivers/nwfilter/learning.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "base/netlink.h"
#include "drivers/nwfilter/dhcp.h"
#include "drivers/nwfilter/rules.h"
#include "firewall/firewall.h"

/* So many frames of an interface are looked at in a row, and then none for a while. */
#define BURST 16
#define PAUSE_MS 100
#define FRAME_MAX 2048
#define QUEUE_BYTES (64 * 1024)

struct Learner {
    gint refs;
    Pool *pool;
    char *device, *set;
    guint8 mac[6];
    GArray *servers;    /* IpAddress; empty: any */
    int fd;
    LoopWatch *watch;   /* with @timer, of the one who made the learner */
    LoopTimer *timer;
    GMutex lock;        /* guards the following */
    GArray *news;       /* DhcpNews that no worker has taken */
    gboolean queued, closed;
};

/* ---- what is asked for ---- */

static const char *parameter(const NwfilterBindingDef *binding, const char *name, guint nth)
{
    for (guint i = 0; i < binding->filterref.n_parameters; i++) {
        const FilterParameter *parameter = binding->filterref.parameters[i];
        if (strcmp(parameter->name, name) == 0 && nth-- == 0)
            return parameter->value;
    }
    return NULL;
}

int learning_mode(const NwfilterBindingDef *binding, LearningMode *mode)
{
    static const char *const words[] = { [LEARNING_NONE] = "none", [LEARNING_ANY] = "any", [LEARNING_DHCP] = "dhcp" };
    const char *word = parameter(binding, "CTRL_IP_LEARNING", 0);
    *mode = LEARNING_ANY;
    if (!word)
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        *mode = i;
        if (g_ascii_strcasecmp(words[i], word) == 0)
            return 0;
    }
    return FAIL(VIR_ERR_INTERNAL_ERROR, "interface '%s': the parameter CTRL_IP_LEARNING is 'any', 'dhcp' or 'none', not '%s'",
                binding->portdev, word);
}

static int read_servers(const NwfilterBindingDef *binding, GArray *servers)
{
    const char *text;
    for (guint i = 0; (text = parameter(binding, "DHCPSERVER", i)); i++) {
        IpAddress ip;
        if (!ip_parse(text, &ip) || ip_is_v6(&ip))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "interface '%s': the parameter DHCPSERVER is an IPv4 address, not '%s'", binding->portdev, text);
        g_array_append_val(servers, ip);
    }
    return 0;
}

/* ---- what is heard ---- */

static Learner *learner_ref(Learner *learner)
{
    g_atomic_int_inc(&learner->refs);
    return learner;
}

static void learner_unref(Learner *learner)
{
    if (!g_atomic_int_dec_and_test(&learner->refs))
        return;
    if (learner->fd >= 0)
        close(learner->fd);
    g_array_unref(learner->servers);
    g_array_unref(learner->news);
    g_mutex_clear(&learner->lock);
    g_free(learner->device);
    g_free(learner->set);
    g_free(learner);
}

/* The last word on each address counts: what is there goes, whether it is there or not. */
static void write_news(const Learner *learner, const DhcpNews *news, GString *commands)
{
    char ip[IP_TEXT_SIZE];
    ip_format(&news->ip, ip);
    LOG_INFO("interface '%s' %s address %s", learner->device, news->seconds ? "has by DHCP the" : "gives back the", ip);
    g_string_append_printf(commands, "add element " NWFILTER_TABLE " %s { %s }\ndelete element " NWFILTER_TABLE " %s { %s }\n",
                           learner->set, ip, learner->set, ip);
    if (news->seconds == DHCP_FOREVER)
        g_string_append_printf(commands, "add element " NWFILTER_TABLE " %s { %s }\n", learner->set, ip);
    else if (news->seconds)
        g_string_append_printf(commands, "add element " NWFILTER_TABLE " %s { %s timeout %us }\n", learner->set, ip, news->seconds);
}

/* [worker] */
static void learn(void *opaque)
{
    Learner *learner = opaque;
    g_autoptr(GString) commands = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("note the address of interface '%s'", learner->device);
    g_mutex_lock(&learner->lock);
    learner->queued = FALSE;
    for (guint i = 0; i < learner->news->len && !learner->closed; i++)
        write_news(learner, &g_array_index(learner->news, DhcpNews, i), commands);
    g_array_set_size(learner->news, 0);
    g_mutex_unlock(&learner->lock);
    if (commands->len && firewall_run(commands->str, what) < 0) {
        g_mutex_lock(&learner->lock);
        if (!learner->closed) /* else its set has just gone */
            LOG_ERROR("%s", error_message());
        g_mutex_unlock(&learner->lock);
        virResetLastError();
    }
    learner_unref(learner);
}

static void hear(Learner *learner, const DhcpNews *news, gboolean from_guest)
{
    gboolean trusted = from_guest || !learner->servers->len;
    for (guint i = 0; i < learner->servers->len && !trusted; i++)
        trusted = ip_compare(&g_array_index(learner->servers, IpAddress, i), &news->server) == 0;
    if (!trusted)
        return;
    g_mutex_lock(&learner->lock);
    gboolean room = learner->news->len < BURST, queue = room && !learner->queued;
    if (room)
        g_array_append_vals(learner->news, news, 1);
    learner->queued = learner->queued || queue;
    g_mutex_unlock(&learner->lock);
    if (queue)
        pool_submit(learner->pool, learner->set, false, learn, learner_ref(learner));
}

static void on_frames(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Learner *learner = opaque;
    guint8 frame[FRAME_MAX];
    guint n = 0;
    for (; n < BURST; n++) {
        struct sockaddr_ll from = { 0 };
        socklen_t size = sizeof(from);
        ssize_t len = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *) &from, &size);
        DhcpNews news;
        if (len < 0)
            break; /* nothing more, or the interface is down */
        gboolean from_guest = from.sll_pkttype != PACKET_OUTGOING;
        if (dhcp_read(frame, (gsize) len, learner->mac, from_guest, &news))
            hear(learner, &news, from_guest);
    }
    if (n == BURST && loop_watch_update(watch, 0) == 0)
        loop_timer_set(learner->timer, PAUSE_MS, -1);
    virResetLastError();
}

static void on_pause_over(LoopTimer *timer, void *opaque)
{
    Learner *learner = opaque;
    if (loop_watch_update(learner->watch, LOOP_IN) < 0)
        LOG_ERROR("%s", error_message());
    virResetLastError();
}

static void forget_watch(void *opaque) { learner_unref(opaque); }

/* UDP over IPv4 from or to a server's port, and of a packet in pieces none but the first. */
static int choose_frames(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 9),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 7),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 5, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14), BPF_STMT(BPF_LD | BPF_W | BPF_IND, 14),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67 << 16 | 68, 1, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68 << 16 | 67, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, FRAME_MAX), BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = { G_N_ELEMENTS(code), code };
    const int bytes = QUEUE_BYTES;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
           setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0 ? -1 : 0;
}

/* Frames are chosen before any can come. */
static int listen_on(Learner *learner)
{
    struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = g_htons(ETH_P_ALL) };
    address.sll_ifindex = (int) netlink_index(learner->device);
    if (!address.sll_ifindex)
        return FAIL(VIR_ERR_OPERATION_FAILED, "there is no interface '%s': it must be there before its address can be learnt from DHCP",
                    learner->device);
    learner->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (learner->fd < 0 || choose_frames(learner->fd) < 0 || bind(learner->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        return FAIL_ERRNO(errno, "cannot listen to DHCP on interface '%s'", learner->device);
    return 0;
}

Learner *learner_new(Loop *loop, Pool *pool, const NwfilterBindingDef *binding, const char *set)
{
    Learner *learner = g_new0(Learner, 1);
    learner->refs = 1;
    learner->pool = pool;
    learner->device = g_strdup(binding->portdev);
    learner->set = g_strdup(set);
    memcpy(learner->mac, binding->mac, sizeof(learner->mac));
    learner->servers = g_array_new(FALSE, FALSE, sizeof(IpAddress));
    learner->news = g_array_new(FALSE, FALSE, sizeof(DhcpNews));
    learner->fd = -1;
    g_mutex_init(&learner->lock);
    if (read_servers(binding, learner->servers) < 0 || listen_on(learner) < 0) {
        learner_unref(learner);
        return NULL;
    }
    learner->timer = loop_timer_add(loop, on_pause_over, learner_ref(learner), forget_watch);
    learner->watch = loop_watch_add(loop, learner->fd, LOOP_IN, on_frames, learner_ref(learner), forget_watch);
    if (learner->watch)
        return learner;
    learner_unref(learner); /* the watch's */
    learner_free(learner);
    return NULL;
}

void learner_free(Learner *learner)
{
    if (!learner)
        return;
    g_mutex_lock(&learner->lock);
    learner->closed = TRUE;
    g_mutex_unlock(&learner->lock);
    loop_timer_remove(learner->timer);
    loop_watch_remove(learner->watch);
    learner_unref(learner);
}
