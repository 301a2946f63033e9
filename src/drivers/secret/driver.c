/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of secrets: started once by the process that owns state, before the hypervisors' drivers, whose connections share what it
 * has (core/node.h), and whose guests take their keys from it. Connections to secret:///system and secret:///session have no guests.
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#define LOG_SOURCE "secret.driver"
#include "base/conf.h"
#include "base/error.h"
#include "base/log.h"
#include "config/secret.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/secret/files.h"
#include "secret/functions.h"
#include "secret/lookup.h"

/* Called by driver_module_load(). */
void secret_driver_register(void);

static SecretFiles *files;

static int read_conf(const StateContext *ctx, SecretConf *conf)
{
    g_autofree char *path = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "secret.conf");
    g_auto(ConfReport) report = { 0 };
    int rc = conf_load(&secret_conf_schema, path, true, conf, &report);
    for (guint i = 0; report.problems && i < report.problems->len; i++)
        LOG_WARN("%s", ((ConfProblem *) report.problems->pdata[i])->text);
    return rc;
}

static int state_start(const StateContext *ctx)
{
    g_autofree char *folder = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "secrets");
    g_autofree char *own = folder_of(FOLDER_LIB, ctx->root, ctx->privileged, "secrets");
    SecretConf conf;
    if (read_conf(ctx, &conf) < 0)
        return -1;
    /* a program's credentials are its own */
    const char *credentials = ctx->embedded ? NULL : g_getenv("CREDENTIALS_DIRECTORY");
    files = secret_files_new(folder, host_keys_new(conf.secrets_encryption_key, credentials, own), conf.encrypt_data);
    conf_clear(&secret_conf_schema, &conf);
    if (!files)
        return -1;
    ManagedTable *table = secret_table_new(&files->backend, node_get()->bus);
    secret_files_load(files, table);
    secret_source_set(secret_source_table, table);
    node_get()->tables.secrets = table;
    return 0;
}

static void state_stop(void)
{
    secret_source_set(NULL, NULL);
    managed_table_free(g_steal_pointer(&node_get()->tables.secrets));
    g_clear_pointer(&files, secret_files_free);
}

void secret_driver_register(void)
{
    static const NodeDriver driver = { .name = "secret", .error_domain = VIR_FROM_SECRET, .start = state_start, .stop = state_stop };
    node_get()->secret = &secret_functions;
    node_driver_register(&driver);
}
