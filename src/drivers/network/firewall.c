/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.firewall"
#include "drivers/network/firewall.h"
#include <nftables/libnftables.h>
#include <string.h>
#include "base/error.h"
#include "base/log.h"

/* What nft says, on one line, without the commands that it quotes. */
static char *complaint(struct nft_ctx *nft)
{
    const char *text = nft_ctx_get_error_buffer(nft);
    g_autofree char *line = g_strndup(text ? text : "", strcspn(text ? text : "", "\n"));
    const char *found = strstr(line, "Error: ");
    return g_strdup(found ? found + strlen("Error: ") : *line ? line : "unknown");
}

static int run(const char *commands, const char *what, gboolean json, char **output)
{
    struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!nft)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot %s: nftables can't be used", what);
    nft_ctx_buffer_error(nft);
    nft_ctx_buffer_output(nft);
    nft_ctx_output_set_flags(nft, json ? NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_GUID : 0);
    int rc = nft_run_cmd_from_buffer(nft, commands);
    if (rc) {
        g_autofree char *why = complaint(nft);
        LOG_DEBUG("refused by nft: %s", commands);
        rc = FAIL(VIR_ERR_OPERATION_FAILED, "cannot %s: nft says '%s' ('nft list ruleset' shows the host's firewall)", what, why);
    } else if (output) {
        *output = g_strdup(nft_ctx_get_output_buffer(nft));
    }
    nft_ctx_free(nft);
    return rc;
}

int firewall_run(const char *commands, const char *what)
{
    return run(commands, what, FALSE, NULL);
}

char *firewall_list(const char *commands, const char *what)
{
    char *output = NULL;
    return run(commands, what, TRUE, &output) < 0 ? NULL : output;
}
