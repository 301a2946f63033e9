/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Audio backends and sound cards.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

char *qemu_audio_id(const QemuCommand *cmd, guint id)
{
    if (id == 0 && cmd->def->devices.n_audios > 0)
        id = cmd->def->devices.audios[0]->id;
    return id ? g_strdup_printf("audio%u", id) : NULL;
}

/* ---- backends ---- */

/* What a kind of backend takes of one direction, beside the common settings. */
enum {
    TAKES_DEV = 1 << 0, TAKES_BUFFERS = 1 << 1, TAKES_POLL = 1 << 2, TAKES_JACK = 1 << 3, TAKES_STREAM = 1 << 4,
};

static const struct {
    const char *driver;
    guint takes;
} backends[DOMAIN_AUDIO_TYPE_LAST] = {
    [DOMAIN_AUDIO_TYPE_NONE] = { "none", 0 },
    [DOMAIN_AUDIO_TYPE_ALSA] = { "alsa", TAKES_DEV },
    [DOMAIN_AUDIO_TYPE_COREAUDIO] = { "coreaudio", TAKES_BUFFERS },
    [DOMAIN_AUDIO_TYPE_JACK] = { "jack", TAKES_JACK },
    [DOMAIN_AUDIO_TYPE_OSS] = { "oss", TAKES_DEV | TAKES_BUFFERS | TAKES_POLL },
    [DOMAIN_AUDIO_TYPE_PULSEAUDIO] = { "pa", TAKES_STREAM },
    [DOMAIN_AUDIO_TYPE_SDL] = { "sdl", TAKES_BUFFERS },
    [DOMAIN_AUDIO_TYPE_SPICE] = { "spice", 0 },
    [DOMAIN_AUDIO_TYPE_FILE] = { "wav", 0 },
    [DOMAIN_AUDIO_TYPE_DBUS] = { "dbus", 0 },
    [DOMAIN_AUDIO_TYPE_PIPEWIRE] = { "pipewire", TAKES_STREAM },
};

static void add_number(json_object *props, const char *name, guint value)
{
    if (value)
        qemu_add_uint(props, name, value);
}

/* One direction; NULL if nothing is said about it. */
static json_object *direction(const AudioStream *s, guint takes)
{
    json_object *props;

    if (!s)
        return NULL;
    props = json_object_new_object();
    qemu_add_switch(props, "mixing-engine", s->mixing_engine);
    qemu_add_switch(props, "fixed-settings", s->fixed_settings);
    add_number(props, "voices", s->voices);
    add_number(props, "buffer-length", s->buffer_length);
    if (s->settings) {
        add_number(props, "frequency", s->settings->frequency);
        add_number(props, "channels", s->settings->channels);
        json_add(props, JSON_STR("format", audio_format_to_string(s->settings->format)));
    }
    if (takes & TAKES_DEV)
        json_add(props, JSON_STR("dev", s->dev));
    if (takes & TAKES_BUFFERS)
        add_number(props, "buffer-count", s->buffer_count);
    if (takes & TAKES_POLL)
        qemu_add_switch(props, "try-poll", s->try_poll);
    if (takes & TAKES_JACK) {
        json_add(props, JSON_STR("server-name", s->server_name), JSON_STR("client-name", s->client_name),
                 JSON_STR("connect-ports", s->connect_ports));
        qemu_add_switch(props, "exact-name", s->exact_name);
    }
    if (takes & TAKES_STREAM) {
        json_add(props, JSON_STR("name", s->name), JSON_STR("stream-name", s->stream_name));
        add_number(props, "latency", s->latency);
    }
    if (json_object_object_length(props) > 0)
        return props;
    json_object_put(props);
    return NULL;
}

static int command_audio(QemuCommand *cmd, const DomainAudio *audio)
{
    g_autofree char *id = g_strdup_printf("audio%u", audio->id);
    guint takes = backends[audio->type].takes;
    json_object *props;

    if (!backends[audio->type].driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "audio backend %u has no type", audio->id);
    props = json_make(JSON_STR("id", id), JSON_STR("driver", backends[audio->type].driver));
    add_number(props, "timer-period", audio->timer_period);
    json_add(props, JSON_STR("server", audio->server_name), JSON_STR("path", audio->path));
    qemu_add_switch(props, "try-mmap", audio->try_m_map);
    qemu_add_switch(props, "exclusive", audio->exclusive);
    if (audio->has_dsp_policy)
        json_add(props, JSON_INT("dsp-policy", audio->dsp_policy));
    json_add(props, JSON_VALUE("in", direction(audio->input, takes)), JSON_VALUE("out", direction(audio->output, takes)));
    qemu_env(cmd, "SDL_AUDIODRIVER", audio->driver);
    qemu_env(cmd, "PIPEWIRE_RUNTIME_DIR", audio->runtime_dir);
    qemu_arg_json(cmd, "-audiodev", props);
    return 0;
}

int qemu_command_audios(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_audios; i++) {
        if (command_audio(cmd, cmd->def->devices.audios[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- cards ---- */

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
    g_autofree char *audio = qemu_audio_id(cmd, sound->audio_id);
    json_object *props;

    /* The speaker is on the board: an option of the machine. */
    if (sound->model == DOMAIN_SOUND_MODEL_PCSPK)
        return 0;
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "sound cards of model '%s' are not supported",
                    domain_sound_model_to_string(sound->model));
    if (qemu_require_type(cmd, driver, "a sound card") < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver), JSON_STR("id", sound->info.alias));
    if (!hda)
        json_add(props, JSON_STR("audiodev", audio));
    add_number(props, "streams", sound->streams);
    if (sound->model == DOMAIN_SOUND_MODEL_USB)
        qemu_add_switch(props, "multi", sound->multichannel);
    if (sound->model == DOMAIN_SOUND_MODEL_VIRTIO && qemu_add_virtio(cmd, props, driver, &sound->driver.virtio, "a sound card") < 0) {
        json_object_put(props);
        return -1;
    }
    if (qemu_arg_device(cmd, props, &sound->info) < 0)
        return -1;
    for (guint i = 0; hda && i < MAX(sound->n_codecs, 1); i++) {
        if (command_codec(cmd, sound, i, sound->n_codecs ? sound->codecs[i] : SOUND_CODEC_TYPE_DUPLEX, audio) < 0)
            return -1;
    }
    return 0;
}

int qemu_command_sounds(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_sounds; i++) {
        if (command_sound(cmd, cmd->def->devices.sounds[i]) < 0)
            return -1;
    }
    return 0;
}
