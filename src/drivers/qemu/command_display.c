/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Graphics cards and input.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/helper.h"

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

static int check_video(QemuCommand *cmd, const DomainVideo *video, const char *driver)
{
    static const char what[] = "a graphics card";

    gboolean process = video->driver.name == VIDEO_BACKEND_VHOSTUSER;

    if (process && (video->type != DOMAIN_VIDEO_TYPE_VIRTIO || qemu_require_shared_memory(cmd, what) < 0))
        return video->type == DOMAIN_VIDEO_TYPE_VIRTIO ? -1 :
            FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "only a graphics card of type 'virtio' can be drawn by a process of its own");
    if (qemu_require_type(cmd, driver, what) < 0)
        return -1;
    /* What draws with OpenGL has all that the plain one has, and can't be asked about. */
    if (g_str_has_prefix(driver, "virtio"))
        driver = "virtio-gpu-pci";
    if (video->blob && qemu_require_prop(cmd, driver, "blob", what) < 0)
        return -1;
    return video->edid ? qemu_require_prop(cmd, driver, "edid", what) : 0;
}

char *qemu_video_helper(const DomainVideo *video)
{
    return g_strdup_printf("%s-gpu", video->info.alias);
}

/* The connection to a process that draws. */
static int video_process(QemuCommand *cmd, const DomainVideo *video, json_object *props)
{
    g_autofree char *name = qemu_video_helper(video), *path = qemu_helper_socket(cmd->options->dir, name);
    g_autofree char *chardev = g_strdup_printf("char%s", video->info.alias);
    ChardevSource socket = { .type = CHARDEV_TYPE_UNIX, .mode = CHARDEV_MODE_CONNECT, .path = path };

    if (video->driver.name != VIDEO_BACKEND_VHOSTUSER)
        return 0;
    json_add(props, JSON_STR("chardev", chardev));
    return qemu_chardev(cmd, &socket, video->info.alias, "a graphics card");
}

static int command_video(QemuCommand *cmd, const DomainVideo *video, gboolean primary)
{
    gboolean process = video->driver.name == VIDEO_BACKEND_VHOSTUSER;
    gboolean virtio = video->type == DOMAIN_VIDEO_TYPE_VIRTIO, gl = video->acceleration.accel3d == TRISTATE_YES;
    g_autofree char *driver = g_strdup(video_driver(video, primary));
    json_object *props;

    if (video->type == DOMAIN_VIDEO_TYPE_NONE)
        return 0;
    if (virtio && process)
        driver = primary ? g_strdup("vhost-user-vga") : qemu_virtio_type(&video->info, "vhost-user-gpu", NULL);
    else if (virtio && primary && qemu_caps_has_type(cmd->caps, "virtio-vga"))
        driver = g_strdup(gl ? "virtio-vga-gl" : "virtio-vga");
    else if (virtio)
        driver = qemu_virtio_type(&video->info, gl ? "virtio-gpu-gl" : "virtio-gpu", NULL);
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "video of type '%s' is not supported", domain_video_type_to_string(video->type));
    if (check_video(cmd, video, driver) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (virtio && qemu_add_virtio(cmd, props, "virtio-gpu-pci", &video->driver.virtio, "a graphics card") < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("id", video->info.alias));
    if (video_process(cmd, video, props) < 0) {
        json_object_put(props);
        return -1;
    }
    if ((virtio || video->type == DOMAIN_VIDEO_TYPE_QXL) && video->heads)
        qemu_add_uint(props, "max_outputs", video->heads);
    add_video_memory(props, video);
    if (video->resolution)
        json_add(props, JSON_UINT("xres", video->resolution->x), JSON_UINT("yres", video->resolution->y));
    qemu_add_switch(props, "blob", video->blob);
    qemu_add_switch(props, "edid", video->edid);
    return qemu_arg_device(cmd, props, &video->info);
}

int qemu_command_videos(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_videos; i++) {
        if (command_video(cmd, d->videos[i], i == 0) < 0)
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
        return qemu_virtio_type(&input->info, virtio[input->type], domain_input_model_to_string(input->model));
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
        if (input->bus == DOMAIN_INPUT_BUS_PS2 && input->type != DOMAIN_INPUT_TYPE_TABLET)
            continue;
        driver = input_driver(input);
        if (!driver || qemu_require_type(cmd, driver, "an input device") < 0)
            return -1;
        props = json_make(JSON_STR("driver", driver));
        if (input->bus == DOMAIN_INPUT_BUS_VIRTIO &&
            qemu_add_virtio(cmd, props, driver, &input->driver.virtio, "an input device") < 0) {
            json_object_put(props);
            return -1;
        }
        json_add(props, JSON_STR("id", input->info.alias));
        if (input->type == DOMAIN_INPUT_TYPE_PASSTHROUGH)
            json_add(props, JSON_STR("evdev", input->source.evdev));
        if (qemu_arg_device(cmd, props, &input->info) < 0)
            return -1;
    }
    return 0;
}
