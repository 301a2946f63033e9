/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Defaults of displays, graphics cards and sound.
 */
#include "model/domain_private.h"

/* Displays */

static GraphicsListen *add_listen(DomainGraphics *graphics, GraphicsListenType type)
{
    GraphicsListen *listen = xml_struct_new(&GRAPHICS_LISTEN_DESC);

    listen->type = type;
    XML_LIST_APPEND(graphics->listens, graphics->n_listens, listen);
    return listen;
}

/* The element and its older attribute form say the same. */
static int default_listen(DomainGraphics *graphics, guint number)
{
    bool silent_spice = graphics->type == DOMAIN_GRAPHICS_TYPE_SPICE && !graphics->port && !graphics->tls_port &&
                        graphics->autoport != TRISTATE_YES && !graphics->listen;

    if (!graphics->n_listens && graphics->socket)
        add_listen(graphics, GRAPHICS_LISTEN_TYPE_SOCKET)->socket = g_strdup(graphics->socket);
    else if (!graphics->n_listens && silent_spice)
        add_listen(graphics, GRAPHICS_LISTEN_TYPE_NONE);
    else if (!graphics->n_listens)
        add_listen(graphics, GRAPHICS_LISTEN_TYPE_ADDRESS)->address = g_strdup(graphics->listen);
    GraphicsListen *first = graphics->listens[0];
    if (graphics->type == DOMAIN_GRAPHICS_TYPE_RDP &&
        (first->type == GRAPHICS_LISTEN_TYPE_NONE || first->type == GRAPHICS_LISTEN_TYPE_SOCKET))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.devices.graphics[%u]: type 'rdp' cannot have <listen type='%s'>", number,
                    graphics_listen_type_to_string(first->type));
    if (first->type == GRAPHICS_LISTEN_TYPE_SOCKET && graphics->type == DOMAIN_GRAPHICS_TYPE_VNC && !graphics->socket)
        graphics->socket = g_strdup(first->socket);
    if (first->type != GRAPHICS_LISTEN_TYPE_ADDRESS)
        return 0;
    if (graphics->listen && first->address && strcmp(graphics->listen, first->address))
        return FAIL(VIR_ERR_XML_ERROR, "domain.devices.graphics[%u]: the attribute listen='%s' and the first element <listen> "
                    "with address='%s' differ", number, graphics->listen, first->address);
    if (graphics->listen && !first->address)
        first->address = g_strdup(graphics->listen);
    if (!graphics->listen)
        graphics->listen = g_strdup(first->address);
    return 0;
}

/* What listens on no network has no ports, whatever was said of them. */
static void forget_ports(DomainGraphics *graphics)
{
    graphics->has_port = graphics->has_tls_port = graphics->has_websocket = false;
    graphics->port = graphics->tls_port = graphics->websocket = 0;
    graphics->autoport = TRISTATE_UNSET;
    g_clear_pointer(&graphics->listen, g_free);
}

/* A port chosen at start is written -1 where the protocol must have one. */
static void default_ports(DomainGraphics *graphics)
{
    GraphicsListenType type = graphics->listens[0]->type;

    if (type == GRAPHICS_LISTEN_TYPE_NONE || type == GRAPHICS_LISTEN_TYPE_SOCKET) {
        forget_ports(graphics);
        return;
    }
    if (graphics->type == DOMAIN_GRAPHICS_TYPE_SPICE) {
        if (graphics->default_mode == SPICE_CHANNEL_MODE_ANY)
            graphics->default_mode = SPICE_CHANNEL_MODE_UNSET;     /* what it is without saying */
        if (graphics->port == -1 && graphics->tls_port == -1)
            graphics->autoport = TRISTATE_YES;
        if (!graphics->autoport && (graphics->port > 0 || graphics->tls_port > 0))
            graphics->autoport = TRISTATE_NO;
        if (graphics->autoport == TRISTATE_YES)
            graphics->has_port = graphics->has_tls_port = false;
        return;
    }
    bool chosen = graphics->autoport == TRISTATE_YES || !graphics->has_port || graphics->port == 0 || graphics->port == -1;
    if (chosen && graphics->autoport != TRISTATE_NO)
        graphics->port = -1;
    graphics->has_port = graphics->has_port || chosen;
    graphics->autoport = graphics->port == -1 ? TRISTATE_YES : TRISTATE_NO;
}

static bool is_server(const DomainGraphics *graphics)
{
    return graphics->type == DOMAIN_GRAPHICS_TYPE_VNC || graphics->type == DOMAIN_GRAPHICS_TYPE_SPICE ||
           graphics->type == DOMAIN_GRAPHICS_TYPE_RDP;
}

/* Cards */

static void default_video_memory(DomainVideo *video, bool qemu)
{
    guint32 vram = 0;

    switch (video->type) {
    case DOMAIN_VIDEO_TYPE_VGA:
    case DOMAIN_VIDEO_TYPE_CIRRUS:
    case DOMAIN_VIDEO_TYPE_VMVGA:
    case DOMAIN_VIDEO_TYPE_BOCHS:
        vram = 16 * 1024;
        break;
    case DOMAIN_VIDEO_TYPE_QXL:
        vram = 64 * 1024;
        video->ram = video->ram ?: 64 * 1024;
        video->has_ram = true;
        video->vgamem = video->vgamem ?: qemu ? 16 * 1024 : 0;
        video->has_vgamem = video->has_vgamem || qemu;
        break;
    default:
        return;
    }
    video->vram = video->vram ?: vram;
    video->has_vram = true;
}

static void default_videos(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;
    bool primary = false;

    if (!devices->n_videos && devices->n_graphics && info->video_type)
        XML_LIST_APPEND(devices->videos, devices->n_videos, xml_struct_new(&DOMAIN_VIDEO_DESC));
    for (guint i = 0; i < devices->n_videos; i++) {
        DomainVideo *video = devices->videos[i];
        if (!video->type || video->type == DOMAIN_VIDEO_TYPE_DEFAULT)
            video->type = info->video_type;
        if (video->type != DOMAIN_VIDEO_TYPE_NONE && !video->heads)
            video->heads = 1;
        default_video_memory(video, domain_is_qemu(def));
        primary = primary || video->primary == TRISTATE_YES;
    }
    if (!primary && devices->n_videos && devices->videos[0]->type != DOMAIN_VIDEO_TYPE_NONE)
        devices->videos[0]->primary = TRISTATE_YES;
}

/* The first card comes first in the list. */
static void order_videos(DomainDevices *devices)
{
    for (guint i = 1; i < devices->n_videos; i++) {
        DomainVideo *video = devices->videos[i];
        if (video->primary != TRISTATE_YES)
            continue;
        memmove(devices->videos + 1, devices->videos, i * sizeof devices->videos[0]);
        devices->videos[0] = video;
        return;
    }
}

/* Sound: one backend, of the kind that the last display carries. SDL plays by itself. */
static void default_audio(DomainDevices *devices)
{
    DomainAudioType type = devices->n_graphics ? DOMAIN_AUDIO_TYPE_UNSET : DOMAIN_AUDIO_TYPE_NONE;

    if (devices->n_audios)
        return;
    for (guint i = 0; i < devices->n_graphics; i++) {
        DomainGraphicsType display = devices->graphics[i]->type;
        if (display == DOMAIN_GRAPHICS_TYPE_SDL)
            return;
        if (is_server(devices->graphics[i]))
            type = display == DOMAIN_GRAPHICS_TYPE_SPICE ? DOMAIN_AUDIO_TYPE_SPICE : DOMAIN_AUDIO_TYPE_NONE;
    }
    if (!type)
        return;
    DomainAudio *audio = xml_struct_new(&DOMAIN_AUDIO_DESC);
    audio->id = 1;
    audio->type = type;
    XML_LIST_APPEND(devices->audios, devices->n_audios, audio);
}

int domain_defaults_display(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;

    for (guint i = 0; i < devices->n_graphics; i++) {
        if (!is_server(devices->graphics[i]))
            continue;
        if (default_listen(devices->graphics[i], i + 1) < 0)
            return -1;
        default_ports(devices->graphics[i]);
    }
    default_videos(def, info);
    order_videos(devices);
    if (domain_is_qemu(def))
        default_audio(devices);
    return 0;
}
