// SPDX-License-Identifier: GPL-2.0-or-later
/* Who answers over TLS must be who the certificates of this host say. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../common/fsio.h"
#include "../common/test.h"
#include "kms.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/a"

/* A TLS server with a certificate of its own making, for 127.0.0.1, that answers a DescribeKey if it is let. */
struct server {
	SSL_CTX *ctx;
	int listener;
	unsigned short port;
	pthread_t thread;
	bool handshake;		/* the client believed us */
};

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
		"{\"KeyMetadata\":{\"Arn\":\"" KEY "\",\"KeyState\":\"Enabled\"}}";
	struct server *s = arg;
	char buf[8192];
	int sock;
	SSL *ssl;

	sock = accept(s->listener, NULL, NULL);
	if (sock < 0)
		return NULL;
	ssl = SSL_new(s->ctx);
	SSL_set_fd(ssl, sock);
	if (SSL_accept(ssl) == 1) {
		/* TLS 1.3 lets the server finish first: only a request shows belief */
		s->handshake = SSL_read(ssl, buf, sizeof(buf)) > 0;
		if (s->handshake)
			SSL_write(ssl, answer, sizeof(answer) - 1);
	}
	SSL_free(ssl);
	close(sock);
	return NULL;
}

static void start(struct server *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = self_signed(key);

	memset(s, 0, sizeof(*s));
	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->ctx);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&sa, &len), 0);
	s->port = ntohs(sa.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static int ask(struct server *s, struct kms_answer *a, struct err *e)
{
	static const char creds[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	char path[] = "/tmp/tls_test.XXXXXX", endpoint[64];
	struct kms_config cfg = { .region = "eu-west-1", .endpoint = endpoint, .creds.file = path, .timeout_ms = 5000,
				  .attempts = 1 };
	struct kms_key key;
	struct kms *k;
	int fd, rc;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, creds, strlen(creds)), 0);
	close(fd);
	snprintf(endpoint, sizeof(endpoint), "https://127.0.0.1:%u", s->port);
	assert_int_equal(kms_open(&k, &cfg, NULL), 0);
	rc = kms_describe_key(k, KEY, NULL, &key, a, e);
	kms_close(k);
	unlink(path);
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->ctx);
	return rc;
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;

	(void)state;
	start(&s);
	assert_int_equal(ask(&s, &a, &e), -EAGAIN);
	assert_int_equal(a.transport, KMS_NO_ANSWER);
	assert_false(s.handshake);
	assert_non_null(strstr(e.what, "certificate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
