/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.firewall"
#include "firewall/firewall.h"
#include <nftables/libnftables.h>
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"

/* Deepest nesting of what nft lists. */
#define LIST_DEPTH 64

/* Held from a look at the rules to what is done about them. */
static GMutex lock;

/* Kept, under the lock: its end closes a socket, for which the kernel first waits until all that was removed from the firewall isn't looked at by
 * any packet (10 ms and more). What it remembers of the firewall it compares with the kernel's generation each time. */
static struct nft_ctx *nft;

/* What nft says, on one line, without the commands that it quotes. */
static char *complaint(void)
{
    const char *text = nft_ctx_get_error_buffer(nft);
    g_autofree char *line = g_strndup(text ? text : "", strcspn(text ? text : "", "\n"));
    const char *found = strstr(line, "Error: ");
    return g_strdup(found ? found + strlen("Error: ") : *line ? line : "unknown");
}

static int run(const char *commands, const char *what, gboolean json, char **output)
{
    if (!nft && !(nft = nft_ctx_new(NFT_CTX_DEFAULT)))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot %s: nftables can't be used", what);
    nft_ctx_buffer_error(nft); /* empties it, too */
    nft_ctx_buffer_output(nft);
    nft_ctx_output_set_flags(nft, json ? NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_GUID : 0);
    int rc = nft_run_cmd_from_buffer(nft, commands);
    if (rc) {
        g_autofree char *why = complaint();
        LOG_DEBUG("refused by nft: %s", commands);
        rc = FAIL(VIR_ERR_OPERATION_FAILED, "cannot %s: nft says '%s' ('nft list ruleset' shows the host's firewall)", what, why);
        g_clear_pointer(&nft, nft_ctx_free); /* nothing of it, such as an answer that wasn't read, gets in the way of the next */
    } else if (output) {
        *output = g_strdup(nft_ctx_get_output_buffer(nft));
    }
    return rc;
}

int firewall_run(const char *commands, const char *what)
{
    g_mutex_lock(&lock);
    int rc = run(commands, what, FALSE, NULL);
    g_mutex_unlock(&lock);
    return rc;
}

char *firewall_list(const char *command, const char *what)
{
    char *text = NULL;
    g_mutex_lock(&lock);
    int rc = run(command, what, TRUE, &text);
    g_mutex_unlock(&lock);
    return rc < 0 ? NULL : text;
}

static gboolean has_elements(const char *text)
{
    g_autoptr(json_object) tree = json_parse(text, strlen(text), LIST_DEPTH, "list of nft");
    json_object *items = NULL;
    if (!tree || json_get_array(tree, "nftables", &items) < 0)
        return TRUE;
    for (size_t i = 0; i < json_object_array_length(items); i++) {
        json_object *item = json_object_array_get_idx(items, i), *map = NULL, *elements = NULL;
        if (json_find_object(item, "map", &map) > 0 && json_find_array(map, "elem", &elements) > 0)
            return TRUE;
    }
    return FALSE;
}

int firewall_run_and_tidy(const char *commands, const char *table, const char *what)
{
    g_autofree char *list = g_strdup_printf("list table %s", table), *drop = g_strdup_printf("delete table %s", table);
    g_autofree char *text = NULL;
    g_mutex_lock(&lock);
    int rc = run(commands, what, FALSE, NULL);
    if (rc == 0)
        rc = run(list, what, TRUE, &text);
    if (rc == 0 && !has_elements(text))
        rc = run(drop, what, FALSE, NULL);
    g_mutex_unlock(&lock);
    return rc;
}
