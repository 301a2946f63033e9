/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "behaviours.h"
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

void see(const char *label, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("%s: ", label);
    vprintf(fmt, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
}

const char *told(virErrorPtr err)
{
    static __thread char buffers[4][240];
    static __thread unsigned int next;
    char *text = buffers[next++ % 4];
    if (!err)
        return "none";
    int n = snprintf(text, sizeof(buffers[0]), "code %d domain %d level %d", err->code, err->domain, err->level);
    if (err->str1 && strncmp(err->str1, "vir", 3) == 0) /* it names the function and its argument, or anything */
        snprintf(text + n, sizeof(buffers[0]) - n, " int %d %s %s", err->int1, err->str1, err->str2 ? err->str2 : "");
    else if (err->str1 && strstr(err->str1, "%s"))
        snprintf(text + n, sizeof(buffers[0]) - n, " int %d %s", err->int1, err->str1);
    return text;
}

void see_int(const char *label, long long ret)
{
    if (ret == -1)
        see(label, "-1 %s", told(virGetLastError()));
    else
        see(label, "%lld", ret);
}

void see_ptr(const char *label, const void *ret)
{
    see(label, "%s", ret ? "set" : told(virGetLastError()));
}

char *file_with(const World *world, const char *name, const char *text)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", world->folder, name) < 0)
        abort();
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
        perror(path);
        exit(3);
    }
    return path;
}

void in_child(const World *world, void (*body)(const World *world))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        body(world);
        fflush(NULL);
        _exit(0);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        see("child", "status %d", status);
}

virConnectPtr open_test(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    if (!conn)
        exit(4);
    return conn;
}

static const struct {
    const char *name;
    void (*run)(const World *world);
} sections[] = {
    { "errors", see_errors },
    { "events", see_events },
    { "custom events", see_custom_events },
    { "params", see_params },
    { "connections", see_connections },
    { "objects", see_objects },
    { "nulls", see_nulls },
    { "auth", see_auth },
    { "config", see_config },
    { "close", see_close },
    { "hypervisors", see_hypervisors },
    { "streams", see_streams },
};

/* Each section has a process of its own, so that handlers and event loops of one aren't seen by the others. */
int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s SOCKET FOLDER [SECTION]\n", argv[0]);
        return 2;
    }
    if (virInitialize() < 0) /* the first call, which the reference wants before any other */
        return 3;
    World world = { argv[1], argv[2] };
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (argc > 3 && strcmp(argv[3], sections[i].name) != 0)
            continue;
        printf("== %s\n", sections[i].name);
        in_child(&world, sections[i].run);
    }
    return 0;
}
