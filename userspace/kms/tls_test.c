// SPDX-License-Identifier: GPL-2.0-or-later
/* Who answers over TLS must be who the certificates of this host say. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "../common/fsio.h"
#include "../common/test.h"
#include "creds.h"
#include "fake_http.h"
#include "kms.h"
#include "memo.h"
#include "request.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/a"

#define DESCRIBED "{\"KeyMetadata\":{\"Arn\":\"" KEY "\",\"KeyState\":\"Enabled\"}}"
#define CREDENTIALS "{\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s1\",\"Token\":\"t1\"," \
	"\"Expiration\":\"2038-01-01T00:00:00Z\"}"

/* A TLS server with a certificate of its own making, for 127.0.0.1, that answers a request if it is let. */
struct server {
	const char *answer;
	SSL_CTX *ctx;
	int listener;
	unsigned short port;
	pthread_t thread;
	char ca[40];		/* a file with the certificate */
	bool handshake;		/* the client believed us */
};

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *san;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	assert_non_null(san);
	X509_add_ext(cert, san, -1);
	X509_EXTENSION_free(san);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void answer(struct server *s, SSL *ssl)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
	char buf[8192];

	/* TLS 1.3 lets the server finish first: only a request shows belief */
	if (SSL_accept(ssl) != 1 || SSL_read(ssl, buf, sizeof(buf)) <= 0)
		return;
	s->handshake = true;
	SSL_write(ssl, ok, sizeof(ok) - 1);
	SSL_write(ssl, s->answer, (int)strlen(s->answer));
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int sock;
	SSL *ssl;

	while ((sock = accept(s->listener, NULL, NULL)) >= 0) {
		ssl = SSL_new(s->ctx);
		SSL_set_fd(ssl, sock);
		answer(s, ssl);
		SSL_free(ssl);
		close(sock);
	}
	return NULL;
}

static void write_ca(struct server *s, X509 *cert)
{
	FILE *f;

	strcpy(s->ca, "/tmp/tls_test_ca.XXXXXX");
	f = fdopen(mkstemp(s->ca), "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
}

static void start(struct server *s, int newest_version, const char *answer)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = self_signed(key);

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->ctx);
	SSL_CTX_set_security_level(s->ctx, 0);
	assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, newest_version), 1);
	write_ca(s, cert);
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

static void stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);	/* ends accept() */
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->ctx);
	unlink(s->ca);
}

/* ask_at - the server by a name of it; with @environment the CA may come from there. */
static int ask_at(struct server *s, const char *host, const char *ca_file, bool environment, struct kms_answer *a,
		  struct err *e)
{
	static const char creds[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	char path[] = "/tmp/tls_test.XXXXXX", endpoint[64];
	struct kms_config cfg = { .region = "eu-west-1", .endpoint = endpoint, .creds.file = path, .timeout_ms = 5000,
				  .attempts = 1, .ca_file = ca_file, .environment = environment };
	struct kms_key key;
	struct kms *k;
	int fd, rc;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, creds, strlen(creds)), 0);
	close(fd);
	snprintf(endpoint, sizeof(endpoint), "https://%s:%u", host, s->port);
	assert_int_equal(kms_open(&k, &cfg, NULL), 0);
	rc = kms_describe_key(k, KEY, NULL, &key, a, e);
	kms_close(k);
	unlink(path);
	stop(s);
	return rc;
}

static int ask(struct server *s, const char *ca_file, struct kms_answer *a, struct err *e)
{
	return ask_at(s, "127.0.0.1", ca_file, false, a, e);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;

	(void)state;
	start(&s, 0, DESCRIBED);
	assert_int_equal(ask(&s, NULL, &a, &e), -EAGAIN);
	assert_int_equal(a.transport, KMS_NO_ANSWER);
	assert_false(s.handshake);
	assert_non_null(strstr(e.what, "certificate"));
}

static void a_file_of_ones_own_says_who_is_vouched_for(void **state)
{
	static const char debian[] = "/etc/ssl/certs/ca-certificates.crt";
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;

	(void)state;
	start(&s, 0, DESCRIBED);
	assert_int_equal(ask(&s, s.ca, &a, &e), 0);
	assert_true(s.handshake);
	start(&s, TLS1_2_VERSION, DESCRIBED);
	assert_int_equal(ask(&s, s.ca, &a, &e), 0);
	/* one with others in it */
	start(&s, 0, DESCRIBED);
	assert_int_equal(ask(&s, debian, &a, &e), -EAGAIN);
	assert_false(s.handshake);
}

/* Whoever has a good certificate for his own name could otherwise stand in for any KMS. */
static void a_certificate_for_another_name_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;
	int rc;

	(void)state;
	setenv("no_proxy", "*", 1);
	start(&s, 0, DESCRIBED);
	rc = ask_at(&s, "localhost", s.ca, false, &a, &e);
	unsetenv("no_proxy");
	assert_int_equal(rc, -EAGAIN);
	assert_int_equal(a.transport, KMS_NO_ANSWER);
	assert_false(s.handshake);
	assert_non_null(strstr(e.what, "localhost"));
}

/* As AWS's tools take it, but not in a daemon, whose environment is not asked; a configured file wins. */
static void the_environment_may_say_who_is_vouched_for(void **state)
{
	static const char debian[] = "/etc/ssl/certs/ca-certificates.crt";
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;

	(void)state;
	start(&s, 0, DESCRIBED);
	setenv("AWS_CA_BUNDLE", s.ca, 1);
	assert_int_equal(ask_at(&s, "127.0.0.1", NULL, true, &a, &e), 0);
	start(&s, 0, DESCRIBED);
	setenv("AWS_CA_BUNDLE", s.ca, 1);
	assert_int_equal(ask_at(&s, "127.0.0.1", NULL, false, &a, &e), -EAGAIN);
	assert_false(s.handshake);
	start(&s, 0, DESCRIBED);
	setenv("AWS_CA_BUNDLE", s.ca, 1);
	assert_int_equal(ask_at(&s, "127.0.0.1", debian, true, &a, &e), -EAGAIN);
	assert_false(s.handshake);
	unsetenv("AWS_CA_BUNDLE");
}

static void older_tls_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct kms_answer a;
	struct server s;

	(void)state;
	start(&s, TLS1_1_VERSION, DESCRIBED);
	assert_int_equal(ask(&s, s.ca, &a, &e), -EAGAIN);
	assert_false(s.handshake);
	assert_non_null(strcasestr(e.what, "version"));
}

/* load - of a container's endpoint that is @s. */
static int load(struct server *s, const char *ca_file, struct creds *creds, struct err *e)
{
	struct memo memo = { 0 };
	struct creds_net net = { .region = "eu-west-1", .memo = &memo, .metadata_ms = 5000, .ca_file = ca_file };
	char uri[64];
	const struct creds_source src = { .kind = CREDS_CONTAINER, .container_uri = uri, .net = &net };
	int rc;

	snprintf(uri, sizeof(uri), "https://127.0.0.1:%u/credentials", s->port);
	net.transport = transport_open(NULL);
	assert_non_null(net.transport);
	rc = creds_load(&src, creds, e);
	transport_close(net.transport);
	stop(s);
	return rc;
}

/* Whoever stood between could hand out credentials of his own, and read the token that is sent to the endpoint. */
static void credentials_of_a_container_come_from_who_is_vouched_for(void **state)
{
	struct creds creds = { .store = SECRET_INIT };
	struct err e = ERR_INIT;
	struct server s, other;

	(void)state;
	start(&s, 0, CREDENTIALS);
	assert_int_equal(load(&s, s.ca, &creds, &e), 0);
	assert_string_equal(creds.access_key_id, "ASIA1");
	creds_wipe(&creds);
	/* nobody vouches for it */
	start(&s, 0, CREDENTIALS);
	assert_true(load(&s, NULL, &creds, &e) < 0);
	assert_false(s.handshake);
	assert_non_null(strstr(e.what, "certificate"));
	/* the same name by another's certificate */
	start(&other, 0, CREDENTIALS);
	start(&s, 0, CREDENTIALS);
	e = (struct err)ERR_INIT;
	assert_true(load(&s, other.ca, &creds, &e) < 0);
	assert_false(s.handshake);
	assert_non_null(strstr(e.what, "certificate"));
	assert_int_equal(load(&other, other.ca, &creds, &e), 0);
	creds_wipe(&creds);
}

/* A proxy is asked for a tunnel to what is elsewhere, and sees nothing of what is here. */
static void the_proxy_of_the_environment_is_for_other_hosts(void **state)
{
	static const struct fake_reply no = { .status = 403, .body = "no" };
	static const char creds[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	char path[] = "/tmp/tls_test.XXXXXX";
	struct kms_config cfg = { .region = "eu-west-1", .creds.file = path, .timeout_ms = 2000, .attempts = 1 };
	static const char *const here[] = { "https://127.0.0.1:1", "http://127.0.0.1:1", "https://[::1]:1" };
	struct kms_answer a;
	struct fake_http proxy;
	struct kms_key key;
	struct kms *k;
	size_t i;
	int fd;

	(void)state;
	assert_true(fake_start_tcp(&proxy, &no, 1));
	fd = mkstemp(path);
	assert_int_equal(write_all(fd, creds, strlen(creds)), 0);
	close(fd);
	setenv("https_proxy", proxy.endpoint, 1);
	setenv("http_proxy", proxy.endpoint, 1);
	assert_int_equal(kms_open(&k, &cfg, NULL), 0);
	assert_int_equal(kms_describe_key(k, KEY, NULL, &key, &a, NULL), -EAGAIN);
	assert_int_equal(a.transport, KMS_NO_ANSWER);	/* the proxy's 403 is not KMS's */
	kms_close(k);
	assert_int_equal(strncmp(proxy.head, "CONNECT kms.eu-west-1.amazonaws.com:443 ", 40), 0);
	assert_null(strstr(proxy.head, "Authorization"));
	for (i = 0; i < sizeof(here) / sizeof(*here); i++) {
		cfg.endpoint = here[i];
		assert_int_equal(kms_open(&k, &cfg, NULL), 0);
		assert_int_equal(kms_describe_key(k, KEY, NULL, &key, &a, NULL), -EAGAIN);
		kms_close(k);
	}
	assert_int_equal(proxy.requests, 1);
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	fake_stop(&proxy);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
		cmocka_unit_test(a_file_of_ones_own_says_who_is_vouched_for),
		cmocka_unit_test(a_certificate_for_another_name_is_refused),
		cmocka_unit_test(the_environment_may_say_who_is_vouched_for),
		cmocka_unit_test(older_tls_is_refused),
		cmocka_unit_test(credentials_of_a_container_come_from_who_is_vouched_for),
		cmocka_unit_test(the_proxy_of_the_environment_is_for_other_hosts),
	};

	/* the server's, whose client hangs up in the middle of the handshake */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
