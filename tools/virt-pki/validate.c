/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-pki-validate: are the certificates and keys for TLS in place, do they fit, and what mends them if not.
 *
 * What is there must be right (status 1); that a machine has no certificate of a client or a server is no mistake.
 */
#include <getopt.h>
#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Side {
    const char *name;       /* "client" */
    const char *cert, *key; /* paths below the base */
    unsigned key_mode;      /* greatest permissions that are safe */
    const char *purpose;    /* extended key usage */
} Side;

static const Side sides[] = {
    { "client", "libvirt/clientcert.pem", "libvirt/private/clientkey.pem", 0644, GNUTLS_KP_TLS_WWW_CLIENT },
    { "server", "libvirt/servercert.pem", "libvirt/private/serverkey.pem", 0600, GNUTLS_KP_TLS_WWW_SERVER },
};

static gboolean failed;

static void G_GNUC_PRINTF(1, 2) problem(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    failed = TRUE;
}

static gboolean load(const char *path, gnutls_datum_t *data)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    gsize len = 0;
    if (!g_file_get_contents(path, &text, &len, &error)) {
        problem("Cannot read it: %s", error->message);
        return FALSE;
    }
    *data = (gnutls_datum_t) { (unsigned char *) text, len };
    return TRUE;
}

/* A certificate, NULL after telling what is wrong with it. @what: "CA". */
static gnutls_x509_crt_t load_cert(const char *path, const char *what)
{
    gnutls_datum_t data;
    gnutls_x509_crt_t cert = NULL;
    if (!load(path, &data))
        return NULL;
    gnutls_x509_crt_init(&cert);
    int ret = gnutls_x509_crt_import(cert, &data, GNUTLS_X509_FMT_PEM);
    g_free(data.data);
    if (ret < 0) {
        problem("%s certificate %s is no certificate in PEM format: %s", what, path, gnutls_strerror(ret));
        gnutls_x509_crt_deinit(cert);
        return NULL;
    }
    char name[256] = "";
    size_t size = sizeof(name);
    gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
    printf("Found %s certificate %s for %s\n", what, path, name);
    time_t now = time(NULL);
    if (gnutls_x509_crt_get_expiration_time(cert) < now)
        problem("The %s certificate %s has expired; issue a new one", what, path);
    if (gnutls_x509_crt_get_activation_time(cert) > now)
        problem("The %s certificate %s is not valid yet; check the clock of this machine", what, path);
    return cert;
}

static gnutls_x509_crt_t check_ca(const char *base)
{
    g_autofree char *path = g_build_filename(base, "CA", "cacert.pem", NULL);
    if (access(path, F_OK) < 0) {
        problem("Missing CA certificate %s: without it this machine is neither client nor server; copy it from where "
                "the certificates are issued", path);
        return NULL;
    }
    gnutls_x509_crt_t ca = load_cert(path, "CA");
    if (ca && !gnutls_x509_crt_get_ca_status(ca, NULL))
        problem("The CA certificate %s may not issue others (basic constraints); make one that may", path);
    return ca;
}

static void check_purpose(gnutls_x509_crt_t cert, const Side *side)
{
    char oid[128];
    for (unsigned i = 0; ; i++) {
        size_t size = sizeof(oid);
        int ret = gnutls_x509_crt_get_key_purpose_oid(cert, i, oid, &size, NULL);
        if (ret == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && i == 0)
            return; /* good for everything */
        if (ret < 0)
            break;
        if (g_str_equal(oid, side->purpose) || g_str_equal(oid, GNUTLS_KP_ANY))
            return;
    }
    problem("The %s certificate is not meant for TLS %ss (extended key usage); issue one that is", side->name, side->name);
}

static void check_cert(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca, const Side *side)
{
    unsigned status = 0;
    if (ca && (gnutls_x509_crt_verify(cert, &ca, 1, 0, &status) < 0 || status & GNUTLS_CERT_SIGNER_NOT_FOUND ||
               status & GNUTLS_CERT_SIGNATURE_FAILURE))
        problem("The CA certificate and the %s certificate do not match: the CA did not sign it", side->name);
    check_purpose(cert, side);
    if (g_str_equal(side->name, "server") && !gnutls_x509_crt_check_hostname(cert, g_get_host_name()))
        printf("The server certificate does not name this host (\"%s\"): clients must use a name that it has\n",
               g_get_host_name());
}

/* That the key belongs to the certificate, and that nobody else reads it. */
static void check_key(const char *path, gnutls_x509_crt_t cert, const Side *side)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        problem("Missing %s private key %s", side->name, path);
        return;
    }
    gnutls_datum_t data;
    if (!load(path, &data))
        return;
    printf("Found %s private key %s\n", side->name, path);
    if (st.st_mode & 0777 & ~side->key_mode)
        problem("The %s private key can be read by too many\nas root do: chmod %04o %s", side->name, side->key_mode, path);
    unsigned char of_key[64], of_cert[64];
    size_t key_len = sizeof(of_key), cert_len = sizeof(of_cert);
    gnutls_x509_privkey_t key;
    gnutls_x509_privkey_init(&key);
    int ret = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (ret < 0)
        problem("The %s private key is no key in PEM format: %s", side->name, gnutls_strerror(ret));
    else if (cert && (gnutls_x509_privkey_get_key_id(key, 0, of_key, &key_len) < 0 ||
                      gnutls_x509_crt_get_key_id(cert, 0, of_cert, &cert_len) < 0 || key_len != cert_len ||
                      memcmp(of_key, of_cert, key_len) != 0))
        problem("The %s private key does not belong to the %s certificate", side->name, side->name);
    gnutls_x509_privkey_deinit(key);
    g_free(data.data);
}

static void check_side(const char *base, gnutls_x509_crt_t ca, const Side *side)
{
    g_autofree char *cert_path = g_build_filename(base, side->cert, NULL);
    g_autofree char *key_path = g_build_filename(base, side->key, NULL);
    if (access(cert_path, F_OK) < 0) {
        printf("Did not find %s %s certificate\nThe machine cannot act as a %s\n", cert_path, side->name, side->name);
        return;
    }
    gnutls_x509_crt_t cert = load_cert(cert_path, side->name);
    if (cert)
        check_cert(cert, ca, side);
    check_key(key_path, cert, side);
    if (cert)
        gnutls_x509_crt_deinit(cert);
}

static gboolean check_folders(const char *base)
{
    static const char *const folders[] = { "", "libvirt", "libvirt/private" };
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(base, folders[i], NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
            problem("the %s directory is missing\nas root do: mkdir -m 755 -p %s", path, path);
            return FALSE;
        }
    }
    return TRUE;
}

static void usage(FILE *out, const char *program)
{
    fprintf(out, "Usage:\n  %s [OPTION]\n\nOptions:\n"
            "  -h | --help        Display program help\n"
            "  -V | --version     Display program version\n"
            "  -p | --path DIR    Look below DIR instead of %s/pki\n", program, SYSCONFDIR);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
        { "path", required_argument, NULL, 'p' }, { NULL, 0, NULL, 0 },
    };
    const char *base = SYSCONFDIR "/pki";
    int c;
    while ((c = getopt_long(argc, argv, "hVp:", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            usage(stdout, argv[0]);
            return 0;
        case 'V':
            printf("%s (libvirt) %s\n", argv[0], PACKAGE_VERSION);
            return 0;
        case 'p':
            base = optarg;
            break;
        default:
            return 1;
        }
    }
    if (!check_folders(base))
        return 1;
    gnutls_x509_crt_t ca = check_ca(base);
    for (guint i = 0; ca && i < G_N_ELEMENTS(sides); i++)
        check_side(base, ca, &sides[i]);
    if (ca)
        gnutls_x509_crt_deinit(ca);
    return failed;
}
