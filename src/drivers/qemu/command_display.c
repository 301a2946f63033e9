/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Displays, graphics cards, sound and input.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

#define VNC_FIRST_PORT 5900

static const GraphicsListen *first_listen(const DomainGraphics *graphics)
{
    return graphics->n_listens > 0 ? graphics->listens[0] : NULL;
}

static const char *listen_address(const DomainGraphics *graphics)
{
    const GraphicsListen *listen = first_listen(graphics);

    return listen && listen->address ? listen->address : graphics->listen ? graphics->listen : "127.0.0.1";
}

static const char *listen_socket(const DomainGraphics *graphics)
{
    const GraphicsListen *listen = first_listen(graphics);

    return listen && listen->type == GRAPHICS_LISTEN_TYPE_SOCKET && listen->socket ? listen->socket : graphics->socket;
}

/* The id of the audio backend that a display or card uses: its own, or the only one. */
static char *audio_of(const QemuCommand *cmd, guint id)
{
    if (id == 0 && cmd->def->devices.n_audios > 0)
        id = cmd->def->devices.audios[0]->id;
    return id ? g_strdup_printf("audio%u", id) : NULL;
}

static int command_vnc(QemuCommand *cmd, const DomainGraphics *graphics)
{
    const char *socket = listen_socket(graphics), *address = listen_address(graphics);
    const GraphicsListen *listen = first_listen(graphics);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *audio = audio_of(cmd, graphics->audio_id);
    gint port = graphics->has_port && graphics->port >= VNC_FIRST_PORT ? graphics->port : VNC_FIRST_PORT;

    if (!qemu_caps_has_command(cmd->caps, "query-vnc"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without VNC", cmd->caps->binary);
    if (socket) {
        g_string_append(out, "vnc=unix:");
        qemu_escape(out, socket);
    } else if (listen && listen->type == GRAPHICS_LISTEN_TYPE_NONE) {
        g_string_append(out, "none");
    } else {
        g_string_append_printf(out, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port - VNC_FIRST_PORT);
        if (graphics->has_websocket && graphics->websocket)
            g_string_append_printf(out, ",websocket=%d", graphics->websocket > 0 ? graphics->websocket : 5700);
    }
    if (graphics->share_policy)
        g_string_append_printf(out, ",share=%s", vnc_share_policy_to_string(graphics->share_policy));
    if (graphics->passwd)
        g_string_append(out, ",password=on");
    if (graphics->power_control)
        g_string_append_printf(out, ",power-control=%s", graphics->power_control == TRISTATE_YES ? "on" : "off");
    if (audio)
        g_string_append_printf(out, ",audiodev=%s", audio);
    qemu_arg_f(cmd, "-vnc", "%s", out->str);
    if (graphics->keymap)
        qemu_arg_f(cmd, "-k", "%s", graphics->keymap);
    return 0;
}

static void spice_options(GString *out, const DomainGraphics *g)
{
    const struct {
        const char *name;
        const char *value;
    } options[] = {
        { "image-compression", spice_image_compression_to_string(g->image) },
        { "jpeg-wan-compression", spice_compression_to_string(g->jpeg) },
        { "zlib-glz-wan-compression", spice_compression_to_string(g->zlib) },
        { "playback-compression", g->playback ? g->playback == TRISTATE_ON ? "on" : "off" : NULL },
        { "streaming-video", spice_streaming_mode_to_string(g->streaming) },
        { "agent-mouse", g->mouse ? g->mouse == SPICE_MOUSE_MODE_CLIENT ? "on" : "off" : NULL },
        { "disable-copy-paste", g->clipboard == TRISTATE_NO ? "on" : NULL },
        { "disable-agent-file-xfer", g->filetransfer == TRISTATE_NO ? "on" : NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
        if (options[i].value)
            g_string_append_printf(out, ",%s=%s", options[i].name, options[i].value);
    }
    if (g->gl.enable)
        g_string_append_printf(out, ",gl=%s", g->gl.enable == TRISTATE_YES ? "on" : "off");
    if (g->gl.rendernode) {
        g_string_append(out, ",rendernode=");
        qemu_escape(out, g->gl.rendernode);
    }
}

static int command_spice(QemuCommand *cmd, const DomainGraphics *graphics)
{
    const char *socket = listen_socket(graphics);
    const GraphicsListen *listen = first_listen(graphics);
    g_autoptr(GString) out = g_string_new(NULL);

    if (!qemu_caps_has_command(cmd->caps, "query-spice"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without SPICE", cmd->caps->binary);
    if (graphics->n_channels || graphics->default_mode == SPICE_CHANNEL_MODE_SECURE ||
        (graphics->has_tls_port && graphics->tls_port > 0))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "SPICE with TLS is not supported yet");
    if (socket) {
        g_string_append(out, "unix=on,addr=");
        qemu_escape(out, socket);
    } else if (listen && listen->type == GRAPHICS_LISTEN_TYPE_NONE) {
        g_string_append(out, "port=0");
    } else {
        g_string_append_printf(out, "port=%d,addr=%s", graphics->has_port && graphics->port > 0 ? graphics->port : 0,
                               listen_address(graphics));
    }
    /* A password is set over the monitor, so that it isn't in the process list. */
    if (!graphics->passwd)
        g_string_append(out, ",disable-ticketing=on");
    spice_options(out, graphics);
    g_string_append(out, ",seamless-migration=on");
    qemu_arg_f(cmd, "-spice", "%s", out->str);
    return 0;
}

static int command_graphics(QemuCommand *cmd, const DomainGraphics *graphics)
{
    switch (graphics->type) {
    case DOMAIN_GRAPHICS_TYPE_VNC:
        return command_vnc(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_SPICE:
        return command_spice(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_EGL_HEADLESS:
        if (graphics->gl.rendernode)
            qemu_arg_f(cmd, "-display", "egl-headless,rendernode=%s", graphics->gl.rendernode);
        else
            qemu_arg_f(cmd, "-display", "egl-headless");
        return 0;
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "graphics of type '%s' are not supported yet",
                    domain_graphics_type_to_string(graphics->type));
    }
}

static int command_audio(QemuCommand *cmd, const DomainAudio *audio)
{
    static const char *const drivers[DOMAIN_AUDIO_TYPE_LAST] = {
        [DOMAIN_AUDIO_TYPE_NONE] = "none", [DOMAIN_AUDIO_TYPE_ALSA] = "alsa", [DOMAIN_AUDIO_TYPE_COREAUDIO] = "coreaudio",
        [DOMAIN_AUDIO_TYPE_OSS] = "oss", [DOMAIN_AUDIO_TYPE_PULSEAUDIO] = "pa", [DOMAIN_AUDIO_TYPE_SDL] = "sdl",
        [DOMAIN_AUDIO_TYPE_SPICE] = "spice", [DOMAIN_AUDIO_TYPE_FILE] = "wav", [DOMAIN_AUDIO_TYPE_DBUS] = "dbus",
        [DOMAIN_AUDIO_TYPE_JACK] = "jack", [DOMAIN_AUDIO_TYPE_PIPEWIRE] = "pipewire",
    };
    g_autofree char *id = g_strdup_printf("audio%u", audio->id);
    json_object *props;

    if (!drivers[audio->type])
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "audio backend %u has no type", audio->id);
    if (audio->input || audio->output || audio->has_dsp_policy || audio->exclusive || audio->try_m_map)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "settings of audio backend %u are not supported yet", audio->id);
    props = json_make(JSON_STR("id", id), JSON_STR("driver", drivers[audio->type]));
    if (audio->timer_period)
        qemu_add_uint(props, "timer-period", audio->timer_period);
    json_add(props, JSON_STR("server", audio->server_name), JSON_STR("path", audio->path));
    qemu_arg_json(cmd, "-audiodev", props);
    return 0;
}

static const char *video_driver(const DomainVideo *video, gboolean primary)
{
    switch (video->type) {
    case DOMAIN_VIDEO_TYPE_VGA:
        return primary ? "VGA" : "secondary-vga";
    case DOMAIN_VIDEO_TYPE_CIRRUS:
        return "cirrus-vga";
    case DOMAIN_VIDEO_TYPE_VMVGA:
        return "vmware-svga";
    case DOMAIN_VIDEO_TYPE_QXL:
        return primary ? "qxl-vga" : "qxl";
    case DOMAIN_VIDEO_TYPE_BOCHS:
        return "bochs-display";
    case DOMAIN_VIDEO_TYPE_RAMFB:
        return "ramfb";
    default:
        return NULL;
    }
}

static void add_video_memory(json_object *props, const DomainVideo *video)
{
    if (video->type == DOMAIN_VIDEO_TYPE_QXL) {
        if (video->ram)
            qemu_add_uint(props, "ram_size", (guint64)video->ram * 1024);
        if (video->vram)
            qemu_add_uint(props, "vram_size", (guint64)video->vram * 1024);
        qemu_add_uint(props, "vram64_size_mb", video->vram64 / 1024);
        if (video->vgamem)
            qemu_add_uint(props, "vgamem_mb", video->vgamem / 1024);
    } else if ((video->type == DOMAIN_VIDEO_TYPE_VGA || video->type == DOMAIN_VIDEO_TYPE_VMVGA) && video->vram) {
        qemu_add_uint(props, "vgamem_mb", video->vram / 1024);
    } else if (video->type == DOMAIN_VIDEO_TYPE_BOCHS && video->vram) {
        qemu_add_uint(props, "vgamem", (guint64)video->vram * 1024);
    }
}

static int command_video(QemuCommand *cmd, const DomainVideo *video, gboolean primary)
{
    gboolean virtio = video->type == DOMAIN_VIDEO_TYPE_VIRTIO, gl = video->acceleration.accel3d == TRISTATE_YES;
    g_autofree char *driver = g_strdup(video_driver(video, primary));
    json_object *props;

    if (video->type == DOMAIN_VIDEO_TYPE_NONE)
        return 0;
    if (virtio && primary && qemu_caps_has_type(cmd->caps, "virtio-vga"))
        driver = g_strdup(gl ? "virtio-vga-gl" : "virtio-vga");
    else if (virtio)
        driver = qemu_virtio_type(&video->info, gl ? "virtio-gpu-gl" : "virtio-gpu", NULL);
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "video of type '%s' is not supported", domain_video_type_to_string(video->type));
    if (video->driver.name == VIDEO_BACKEND_VHOSTUSER)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "video in a vhost-user process is not supported yet");
    if (qemu_require_type(cmd, driver, "a graphics card") < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver), JSON_STR("id", video->info.alias));
    if ((virtio || video->type == DOMAIN_VIDEO_TYPE_QXL) && video->heads)
        qemu_add_uint(props, "max_outputs", video->heads);
    add_video_memory(props, video);
    if (video->resolution)
        json_add(props, JSON_UINT("xres", video->resolution->x), JSON_UINT("yres", video->resolution->y));
    qemu_add_switch(props, "blob", video->blob);
    qemu_add_switch(props, "edid", video->edid);
    if (virtio && qemu_add_virtio(cmd, props, driver, &video->driver.virtio, "a graphics card") < 0) {
        json_object_put(props);
        return -1;
    }
    return qemu_arg_device(cmd, props, &video->info);
}

static int command_codec(QemuCommand *cmd, const DomainSound *sound, guint number, SoundCodecType type, const char *audio)
{
    g_autofree char *id = g_strdup_printf("%s-codec%u", sound->info.alias, number);
    g_autofree char *bus = g_strdup_printf("%s.0", sound->info.alias);
    const char *driver = type == SOUND_CODEC_TYPE_MICRO ? "hda-micro" : type == SOUND_CODEC_TYPE_OUTPUT ? "hda-output" : "hda-duplex";

    if (qemu_require_type(cmd, driver, "a sound card") < 0)
        return -1;
    qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", driver), JSON_STR("id", id), JSON_STR("bus", bus),
                                            JSON_UINT("cad", number), JSON_STR("audiodev", audio)));
    return 0;
}

static int command_sound(QemuCommand *cmd, const DomainSound *sound)
{
    static const char *const drivers[DOMAIN_SOUND_MODEL_LAST] = {
        [DOMAIN_SOUND_MODEL_SB16] = "sb16", [DOMAIN_SOUND_MODEL_ES1370] = "ES1370", [DOMAIN_SOUND_MODEL_AC97] = "AC97",
        [DOMAIN_SOUND_MODEL_ICH6] = "intel-hda", [DOMAIN_SOUND_MODEL_ICH9] = "ich9-intel-hda",
        [DOMAIN_SOUND_MODEL_USB] = "usb-audio", [DOMAIN_SOUND_MODEL_VIRTIO] = "virtio-sound-pci",
    };
    const char *driver = drivers[sound->model];
    gboolean hda = sound->model == DOMAIN_SOUND_MODEL_ICH6 || sound->model == DOMAIN_SOUND_MODEL_ICH9;
    g_autofree char *audio = audio_of(cmd, sound->audio_id);
    json_object *props;

    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "sound cards of model '%s' are not supported",
                    domain_sound_model_to_string(sound->model));
    if (qemu_require_type(cmd, driver, "a sound card") < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver), JSON_STR("id", sound->info.alias));
    if (!hda)
        json_add(props, JSON_STR("audiodev", audio));
    if (sound->streams)
        qemu_add_uint(props, "streams", sound->streams);
    if (sound->model == DOMAIN_SOUND_MODEL_USB)
        qemu_add_switch(props, "multi", sound->multichannel);
    if (qemu_arg_device(cmd, props, &sound->info) < 0)
        return -1;
    for (guint i = 0; hda && i < MAX(sound->n_codecs, 1); i++) {
        if (command_codec(cmd, sound, i, sound->n_codecs ? sound->codecs[i] : SOUND_CODEC_TYPE_DUPLEX, audio) < 0)
            return -1;
    }
    return 0;
}

int qemu_command_display(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_audios; i++) {
        if (command_audio(cmd, d->audios[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_graphics; i++) {
        if (command_graphics(cmd, d->graphics[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_videos; i++) {
        if (command_video(cmd, d->videos[i], i == 0) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_sounds; i++) {
        if (command_sound(cmd, d->sounds[i]) < 0)
            return -1;
    }
    return 0;
}

static int evdev_input(QemuCommand *cmd, const DomainInput *input)
{
    json_object *props = json_make(JSON_STR("qom-type", "input-linux"), JSON_STR("id", input->info.alias),
                                   JSON_STR("evdev", input->source.dev));

    if (input->source.repeat == TRISTATE_ON)
        json_add(props, JSON_BOOL("repeat", true));
    if (input->source.grab == INPUT_GRAB_ALL)
        json_add(props, JSON_BOOL("grab_all", true));
    if (input->source.grab_toggle)
        json_add(props, JSON_STR("grab-toggle", input_grab_toggle_to_string(input->source.grab_toggle)));
    qemu_arg_json(cmd, "-object", props);
    return 0;
}

static char *input_driver(const DomainInput *input)
{
    static const char *const virtio[DOMAIN_INPUT_TYPE_LAST] = {
        [DOMAIN_INPUT_TYPE_MOUSE] = "virtio-mouse", [DOMAIN_INPUT_TYPE_TABLET] = "virtio-tablet",
        [DOMAIN_INPUT_TYPE_KEYBOARD] = "virtio-keyboard", [DOMAIN_INPUT_TYPE_PASSTHROUGH] = "virtio-input-host",
    };
    static const char *const usb[DOMAIN_INPUT_TYPE_LAST] = {
        [DOMAIN_INPUT_TYPE_MOUSE] = "usb-mouse", [DOMAIN_INPUT_TYPE_TABLET] = "usb-tablet",
        [DOMAIN_INPUT_TYPE_KEYBOARD] = "usb-kbd",
    };

    if (input->bus == DOMAIN_INPUT_BUS_USB && usb[input->type])
        return g_strdup(usb[input->type]);
    if (input->bus == DOMAIN_INPUT_BUS_VIRTIO && virtio[input->type])
        return qemu_virtio_type(&input->info, virtio[input->type], NULL);
    return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "input of type '%s' can't be on bus '%s'",
                     domain_input_type_to_string(input->type), domain_input_bus_to_string(input->bus));
}

int qemu_command_inputs(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_inputs; i++) {
        const DomainInput *input = cmd->def->devices.inputs[i];
        g_autofree char *driver = NULL;
        json_object *props;

        if (input->type == DOMAIN_INPUT_TYPE_EVDEV) {
            evdev_input(cmd, input);
            continue;
        }
        if (input->bus == DOMAIN_INPUT_BUS_PS2)
            continue;
        driver = input_driver(input);
        if (!driver || qemu_require_type(cmd, driver, "an input device") < 0)
            return -1;
        props = json_make(JSON_STR("driver", driver), JSON_STR("id", input->info.alias));
        if (input->type == DOMAIN_INPUT_TYPE_PASSTHROUGH)
            json_add(props, JSON_STR("evdev", input->source.evdev));
        if (input->bus == DOMAIN_INPUT_BUS_VIRTIO &&
            qemu_add_virtio(cmd, props, driver, &input->driver.virtio, "an input device") < 0) {
            json_object_put(props);
            return -1;
        }
        if (qemu_arg_device(cmd, props, &input->info) < 0)
            return -1;
    }
    return 0;
}
