/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-pki-query-dn: the distinguished name of a certificate, as tls_allowed_dn_list in libvirtd.conf wants it.
 */
#include <getopt.h>
#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>

static void usage(FILE *out)
{
    fprintf(out, "Usage:\n  virt-pki-query-dn FILE\n  virt-pki-query-dn { -v | -h }\n\n"
            "Print the distinguished name of the certificate in FILE (PEM), as an entry\n"
            "of tls_allowed_dn_list in libvirtd.conf.\n\n"
            "options:\n"
            "  -h | --help     display this help and exit\n"
            "  -v | --version  output version information and exit\n");
}

static int print_dn(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize len = 0;
    if (!g_file_get_contents(path, &text, &len, &error)) {
        fprintf(stderr, "virt-pki-query-dn: %s\n", error->message);
        return 1;
    }
    gnutls_x509_crt_t cert;
    gnutls_datum_t pem = { (unsigned char *) text, len };
    gnutls_datum_t dn = { NULL, 0 };
    gnutls_x509_crt_init(&cert);
    int ret = gnutls_x509_crt_import(cert, &pem, GNUTLS_X509_FMT_PEM);
    if (ret == 0)
        ret = gnutls_x509_crt_get_dn2(cert, &dn);
    if (ret < 0)
        fprintf(stderr, "virt-pki-query-dn: '%s' is no certificate in PEM format: %s\n", path, gnutls_strerror(ret));
    else
        printf("%s\n", (char *) dn.data);
    gnutls_free(dn.data);
    gnutls_x509_crt_deinit(cert);
    return ret < 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "hvV", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            usage(stdout);
            return 0;
        case 'v': case 'V':
            printf("%s\n", PACKAGE_VERSION);
            return 0;
        default:
            usage(stderr);
            return 1;
        }
    }
    if (argc - optind != 1) {
        usage(stderr);
        return 1;
    }
    return print_dn(argv[optind]);
}
